"""Le mot de passe oublié, puis le nouveau ; et le changer une fois connecté."""

import time

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from usagers import freins, operations
from usagers.acces import usager_requis
from usagers.backends import formes_de_connexion
from usagers.forms import ChangementMotDePasseForm, NouveauMotDePasseForm, OubliForm
from usagers.freins import TropDEssais
from usagers.operations import LienExpire, LienInvalide, LienUtilise
from usagers.views.refus import lien_refuse, trop_d_essais

# Un identifiant inconnu n'a pas d'adresse où écrire : la réponse attend, pour durer autant que celle d'un compte.
DUREE_D_UNE_DEMANDE = 0.25


@never_cache
def mot_de_passe_oublie(request):
    form = OubliForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _demander(request, form.cleaned_data["identifiant"])
    return render(request, "usagers/mot_de_passe_oublie.html", {"form": form})


@never_cache
def mot_de_passe_demande(request):
    """Le même écran, que l'identifiant existe ou non."""
    return render(request, "usagers/mot_de_passe_demande.html")


@never_cache
@sensitive_post_parameters()
def mot_de_passe_nouveau(request, jeton):
    try:
        compte = operations.lire_lien_mot_de_passe(jeton)
        form = NouveauMotDePasseForm(request.POST if request.method == "POST" else None, compte=compte)
        if request.method == "POST" and form.is_valid():
            operations.changer_mot_de_passe(compte, mot_de_passe=form.cleaned_data["mot_de_passe"])
            messages.success(request, _("Votre mot de passe est changé. Connectez-vous avec le nouveau."))
            return redirect("usagers:connexion")
    except (LienInvalide, LienExpire, LienUtilise) as erreur:
        return lien_refuse(request, erreur, objet="mot_de_passe")
    return render(request, "usagers/mot_de_passe_nouveau.html", {"form": form})


@never_cache
@sensitive_post_parameters()
@usager_requis
def mot_de_passe_modifier(request):
    form = ChangementMotDePasseForm(request.POST if request.method == "POST" else None, compte=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            compte = operations.changer_mot_de_passe(request.user, mot_de_passe=form.cleaned_data["mot_de_passe"])
        except LienUtilise:
            form.add_error(None, _("Le mot de passe vient d'être changé ailleurs : recommencez avec le nouveau."))
        else:
            update_session_auth_hash(request, compte)
            messages.success(request, _("Votre mot de passe est changé. Vos autres sessions sont fermées."))
            return redirect("usagers:informations")
    return render(request, "usagers/mot_de_passe_modifier.html", {"form": form})


def _demander(request, identifiant: str):
    debut, le = time.monotonic(), timezone.now()
    try:
        freins.compter(
            (freins.OUBLI_ADRESSE, freins.adresse_du_client(request)),
            (freins.OUBLI_IDENTIFIANT, formes_de_connexion(identifiant)[0]),
            le=le,
        )
    except TropDEssais as refus:
        return trop_d_essais(request, refus.jusqu_a, geste="mot_de_passe")
    operations.demander_mot_de_passe(identifiant, le=le)
    time.sleep(max(0, debut + DUREE_D_UNE_DEMANDE - time.monotonic()))
    return redirect("usagers:mot_de_passe_demande")
