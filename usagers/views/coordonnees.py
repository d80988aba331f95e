"""« Mes informations » : ce que l'administration sait, ce que la personne tient à jour."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from usagers import freins, operations
from usagers.acces import usager_requis
from usagers.forms import ChangementCourrielForm, InformationsForm
from usagers.freins import TropDEssais
from usagers.models import Usager
from usagers.operations import LienExpire, LienInvalide, LienUtilise
from usagers.presentation import lignes_adresse, lignes_compte, lignes_contact, lignes_etat_civil
from usagers.views.refus import lien_refuse, trop_d_essais


@never_cache
@usager_requis
def informations(request):
    usager = Usager.objects.select_related("compte", "nationalite", "pays_naissance").get(compte=request.user)
    contexte = {
        "etat_civil": lignes_etat_civil(usager),
        "adresse": lignes_adresse(usager),
        "contact": lignes_contact(usager),
        "compte": lignes_compte(request.user),
        "changement": operations.changements_en_attente(request.user, le=timezone.now()).first(),
    }
    return render(request, "usagers/informations.html", contexte)


@never_cache
@usager_requis
def informations_modifier(request):
    usager = request.user.usager
    initial = {
        "nom_usage": usager.nom_usage,
        "situation_familiale": usager.situation_familiale,
        "telephone": request.user.telephone,
    }
    form = InformationsForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        operations.modifier_informations(usager, **form.cleaned_data, le=timezone.now())
        messages.success(request, _("Vos informations sont enregistrées."))
        return redirect("usagers:informations")
    return render(request, "usagers/informations_modifier.html", {"form": form})


@never_cache
@sensitive_post_parameters("mot_de_passe_actuel")
@usager_requis
def courriel_modifier(request):
    form = ChangementCourrielForm(request.POST if request.method == "POST" else None, compte=request.user)
    if request.method == "POST" and form.is_valid():
        le = timezone.now()
        try:
            freins.compter((freins.COURRIEL_COMPTE, request.user.identifiant), le=le)
        except TropDEssais as refus:
            return trop_d_essais(request, refus.jusqu_a, geste="courriel")
        operations.demander_changement_courriel(request.user, courriel=form.cleaned_data["courriel"], le=le)
        messages.success(request, _("Deux courriels sont partis : confirmez depuis l'ancienne et la nouvelle adresse."))
        return redirect("usagers:informations")
    return render(request, "usagers/courriel_modifier.html", {"form": form})


@never_cache
def courriel_confirmer(request, jeton):
    """Le lien reçu à l'une des deux adresses : suivre le lien ne change rien, le bouton confirme ou refuse."""
    le = timezone.now()
    try:
        changement, cote = operations.lire_changement(jeton, le=le)
        if request.method == "POST" and "refuser" in request.POST:
            operations.annuler_changement_courriel(changement, le=le)
            return render(request, "usagers/courriel_refuse.html")
        if request.method == "POST":
            changement = operations.confirmer_courriel(changement, cote=cote, le=le)
            return render(request, "usagers/courriel_confirme.html", {"changement": changement, "cote": cote})
    except (LienInvalide, LienExpire, LienUtilise) as erreur:
        return lien_refuse(request, erreur, objet="courriel")
    return render(request, "usagers/courriel_confirmer.html", {"changement": changement, "cote": cote})


@never_cache
@require_POST
@usager_requis
def courriel_annuler(request):
    le = timezone.now()
    for changement in operations.changements_en_attente(request.user, le=le):
        operations.annuler_changement_courriel(changement, le=le)
    messages.success(request, _("Le changement d'adresse est annulé : votre adresse reste la même."))
    return redirect("usagers:informations")
