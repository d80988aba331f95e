"""Relire, observer, déposer ; puis la confirmation."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from demandes import operations
from demandes.demarches.base import Etape
from demandes.demarches.etapes import INFORMATIONS
from demandes.instantane import parties
from demandes.models import Demande
from demandes.operations import DemandeFigee, DemandeIncomplete, SaisieTropLongue
from demandes.parcours import Manque, Parcours
from demandes.suivi import Suivi
from demandes.views.acces import adresse_precedente, contexte_d_etape
from demandes.views.espace import demandes_suivies
from documents.operations import NonEncodable
from usagers.acces import usager_requis


class EnvoiForm(forms.Form):
    observations = forms.CharField(
        label=gettext_lazy("Observations à destination de l'administration"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Par exemple une erreur dans votre état civil, que vous ne pouvez pas modifier ici."),
    )
    declaration = forms.BooleanField(
        label=gettext_lazy(
            "Je déclare sur l'honneur que les informations et les documents de cette demande sont exacts et sincères."
        ),
        error_messages={
            "required": gettext_lazy("Cochez la déclaration sur l'honneur pour transmettre votre demande.")
        },
    )


def vue(request: HttpRequest, parcours: Parcours, etape: Etape) -> HttpResponse:
    return envoyer(request, parcours, etape) if request.method == "POST" else page(request, parcours, etape)


def page(
    request: HttpRequest, parcours: Parcours, etape: Etape, *, form: EnvoiForm | None = None, manques=(), status=200
) -> HttpResponse:
    demande = parcours.demande
    contenus = parties(parcours)
    ouverte = next((p["code"] for p in contenus if not parcours.est_relue(parcours.demarche.etape(p["code"]))), "")
    for rang, partie in enumerate(contenus, 1):
        etape_relue = parcours.demarche.etape(partie["code"])
        partie.update(
            rang=rang,
            relue=parcours.est_relue(etape_relue),
            faite=parcours.est_faite(etape_relue),
            ouverte=partie["code"] == (request.GET.get("partie") or ouverte),
            avertissements=parcours.messages_d_avertissement(etape_relue) if etape_relue.form else (),
        )
    return render(
        request,
        etape.gabarit,
        {
            **contexte_d_etape(parcours, etape),
            "parties": contenus,
            "pieces": parcours.pieces,
            "form": form or EnvoiForm(initial={"observations": demande.observations}),
            "erreurs": [_erreur(parcours, manque) for manque in manques],
            "majoration": parcours.contexte.montant("sejour.majoration_hors_delai")
            if parcours.est_hors_delai
            else None,
        },
        status=status,
    )


def _erreur(parcours: Parcours, manque: Manque) -> dict:
    """Un manque, avec le lien qui mène où y remédier."""
    if manque.etape == parcours.demarche.etape_de_genre("recapitulatif").code:
        return {"texte": manque.texte, "ancre": manque.ancre}
    url = reverse("demandes:etape", args=[parcours.demande.pk, manque.etape])
    return {"texte": manque.texte, "url": url + (f"#{manque.ancre}" if manque.ancre else "")}


def envoyer(request: HttpRequest, parcours: Parcours, etape: Etape) -> HttpResponse:
    """Les observations sont gardées quel que soit le bouton, et quoi que donne l'acte demandé."""
    demande, le = parcours.demande, timezone.now()
    verbe, _deux_points, objet = request.POST.get("action", "deposer").partition(":")
    form = EnvoiForm(request.POST)
    try:
        if verbe == "deposer":
            return _deposer(request, demande, etape, form, le=le)
        operations.noter_observations(demande, request.POST.get("observations", ""), le=le)
        if verbe == "relire":
            return _relire(request, parcours, etape, objet, le=le)
        if verbe == "rappel":
            operations.demander_rappel(demande, le=le)
            messages.success(request, _("Nous vous écrirons le jour où le dépôt s'ouvre."))
            return redirect(request.path)
        if verbe == "revenir":
            return redirect(adresse_precedente(parcours, etape))
        if verbe == "quitter":
            messages.success(request, _("Votre demande est gardée. Reprenez-la quand vous voulez."))
            return redirect("demandes:espace")
        return redirect(request.path)
    except DemandeFigee:
        demande.refresh_from_db()
        return vers_la_confirmation(demande)
    except SaisieTropLongue:
        return page(request, parcours, etape, form=form, status=422)


def _relire(request: HttpRequest, parcours: Parcours, etape: Etape, code: str, *, le) -> HttpResponse:
    partie = parcours.demarche.etape(code)
    if partie not in parcours.demarche.parties:
        return page(request, parcours, etape, status=422)
    try:
        operations.relire(parcours.demande, partie, le=le)
    except DemandeIncomplete as refus:
        return page(request, parcours, etape, manques=refus.manques, status=422)
    parties_ = parcours.demarche.parties
    suivantes = parties_[parties_.index(partie) + 1 :]
    ancre = f"partie-{suivantes[0].code}" if suivantes else "transmettre"
    return redirect(f"{request.path}#{ancre}")


def _deposer(request: HttpRequest, demande, etape: Etape, form: EnvoiForm, *, le) -> HttpResponse:
    manques: list[Manque] = []
    try:
        if form.is_valid():
            observations = form.cleaned_data["observations"]
            deposee = operations.deposer(demande, par=request.user, le=le, observations=observations)
            return redirect("demandes:confirmation", deposee.numero)
    except DemandeIncomplete as refus:
        manques = refus.manques
    except NonEncodable as refus:
        texte = _(
            "« %(valeur)s » ne peut pas figurer sur votre attestation. Corrigez-le, ou signalez-le à l'assistance si "
            "c'est votre état civil."
        ) % {"valeur": refus.valeur}
        manques = [Manque("encodage", texte, INFORMATIONS.code)]
    operations.noter_observations(demande, request.POST.get("observations", ""), le=le)
    parcours = Parcours(demande, le=le)
    # Le dépôt se juge en français ; ce qui manque se redit dans la langue de la page.
    return page(request, parcours, etape, form=form, manques=parcours.manques or manques, status=422)


@require_GET
@usager_requis
@never_cache
def confirmation(request: HttpRequest, numero: str) -> HttpResponse:
    """La page reste lisible après un rafraîchissement, et depuis l'espace."""
    demande = get_object_or_404(demandes_suivies(request).select_related("usager__compte", "site"), numero=numero)
    suivi = Suivi(demande)
    return render(
        request,
        "demandes/confirmation.html",
        {
            "demande": demande,
            "suivi": suivi,
            "document": suivi.attestation,
            "parcours": Parcours(demande, le=timezone.now()),
        },
    )


def vers_la_confirmation(demande: Demande) -> HttpResponse:
    return redirect("demandes:confirmation", demande.numero) if demande.numero else redirect("demandes:espace")
