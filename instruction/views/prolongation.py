"""Prolonger l'instruction : l'attestation, ses dates, ce qu'elle dit du travail."""

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from demandes.models import Demande, Evenement
from instruction import operations
from instruction.forms_suivi import ProlongationForm
from instruction.operations import ActeImpossible
from instruction.presentation import Attention, phrase_d_envoi
from instruction.views.page_d_acte import Envoi, PageDActe, derouler
from notifications.catalogue import Message

RESERVES = {
    "hors_delai": Attention(
        gettext_lazy("Dépôt hors délai"), gettext_lazy("L'attestation n'est pas de plein droit (R. 431-15-1).")
    ),
    "incomplete": Attention(
        gettext_lazy("Demande incomplète au dépôt"),
        gettext_lazy("L'attestation est due si la demande est complète ; la délivrer la fait présumer complète."),
    ),
    "complement_ouvert": Attention(
        gettext_lazy("Complément attendu"), gettext_lazy("La personne n'a pas encore répondu.")
    ),
    "rupture": Attention(
        gettext_lazy("Droits interrompus"),
        gettext_lazy("Le document, ou l'attestation précédente, ne vaut plus : vérifiez les dates de celle-ci."),
    ),
    "pas_commencee": Attention(gettext_lazy("Une attestation déjà délivrée n'a pas encore commencé")),
}
ENCORE_LOIN = 30


def _periode(demande: Demande) -> operations.PeriodePossible | None:
    try:
        return operations.periode_possible(demande, jour=timezone.localdate())
    except ActeImpossible:
        return None


def _formulaire(demande: Demande, donnees) -> ProlongationForm:
    possible = _periode(demande)
    reserves = operations.reserves(demande, jour=timezone.localdate())
    return ProlongationForm(
        donnees, demande=demande, fin=possible.au if possible else None, avec_reserves=bool(reserves)
    )


def _message(demande: Demande, valeurs: dict) -> tuple[Message, dict]:
    possible = _periode(demande)
    du = possible.du if possible else timezone.localdate()
    contexte = operations.contexte_de_la_prolongation(
        demande, du=du, au=valeurs["au"] or du, travail=valeurs["travail"]
    )
    return Message.PROLONGATION, contexte


def _contexte(demande: Demande, form: ProlongationForm) -> dict:
    jour, possible = timezone.localdate(), _periode(demande)
    attentions = [RESERVES[code] for code in operations.reserves(demande, jour=jour)]
    if possible is None:
        attentions.insert(0, RESERVES["pas_commencee"])
    elif possible.du > jour + dt.timedelta(days=ENCORE_LOIN):
        texte = _("Les droits courent jusqu'au %(fin)s.") % {"fin": f"{demande.fin_de_droits:%d/%m/%Y}"}
        attentions.append(Attention(_("Rien ne presse"), texte))
    lignes = []
    if possible:
        texte = _("le %(jour)s, à la suite des droits en cours")
        if demande.fin_de_droits is None or possible.du != demande.fin_de_droits + dt.timedelta(days=1):
            texte = _("le %(jour)s")
        elif demande.fin_de_droits < jour:
            texte = _("le %(jour)s, jour passé : le lendemain de la fin des droits, pour qu'ils ne s'interrompent pas")
        lignes.append({"libelle": _("Début"), "valeur": texte % {"jour": f"{possible.du:%d/%m/%Y}"}})
        lignes.append({"libelle": _("Fin, au plus tard"), "valeur": f"{possible.au:%d/%m/%Y}"})
    return {"attentions": attentions, "lignes": lignes}


def _verifier(demande: Demande, form: ProlongationForm) -> None:
    jour = timezone.localdate()
    operations.verifier_fin(operations.periode_possible(demande, jour=jour), form.cleaned_data["au"], jour=jour)


def _prolonger(demande: Demande, form: ProlongationForm, envoi: Envoi) -> None:
    operations.prolonger(demande, au=form.cleaned_data["au"], travail=form.cleaned_data["travail"], **vars(envoi))


def _recu(demande: Demande) -> str:
    emission = (
        demande.evenements.select_related("notification", "document")
        .filter(nature=Evenement.Nature.PROLONGATION)
        .latest("pk")
    )
    return _(
        "Attestation délivrée, valable du %(du)s au %(au)s. %(personne)s la reçoit jointe au courriel : %(envoi)s."
    ) % {
        "du": f"{emission.document.valable_du:%d/%m/%Y}",
        "au": f"{emission.document.valable_au:%d/%m/%Y}",
        "personne": demande.usager.nom_complet,
        "envoi": phrase_d_envoi(emission.notification),
    }


PROLONGATION = PageDActe(
    geste="prolonger",
    titre=gettext_lazy("Prolonger l'instruction"),
    bouton=gettext_lazy("Délivrer l'attestation et notifier"),
    form=_formulaire,
    executer=_prolonger,
    deja_fait=lambda demande, form, envoi: operations.est_deja_prolongee(
        demande, au=form.cleaned_data["au"], agent=envoi.agent, version=envoi.version
    ),
    message=_message,
    recu=_recu,
    contexte=_contexte,
    verifier=_verifier,
    avec_document=True,
)


@require_http_methods(["GET", "HEAD", "POST"])
def prolonger(request: HttpRequest, numero: str) -> HttpResponse:
    return derouler(request, numero, PROLONGATION)
