"""Prendre en charge, réaffecter, transférer, attribuer un n° étranger."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from demandes.etats import Etat
from demandes.models import Demande, Evenement, Site
from instruction import operations
from instruction.forms_suivi import NumeroForm, ReaffectationForm, TransfertForm
from instruction.permissions import peut
from instruction.presentation import nom_de, phrase_d_envoi
from instruction.views.acces import Liste, agent_connecte, dossier_de
from instruction.views.actes import adresse_de, version_lue
from instruction.views.page_d_acte import Envoi, PageDActe, derouler
from notifications.catalogue import Message

METHODES = require_http_methods(["GET", "HEAD", "POST"])


def _envoi_de(demande: Demande, nature: str) -> str:
    evenement = demande.evenements.select_related("notification").filter(nature=nature).latest("pk")
    return phrase_d_envoi(evenement.notification)


# --- Prendre en charge -----------------------------------------------------------------------------------------------
def _recu_de_prise_en_charge(demande: Demande) -> str:
    evenement = demande.evenements.filter(apres=Etat.EN_INSTRUCTION).latest("pk")
    return _("Vous avez pris ce dossier en charge. %(personne)s en est informé(e) : %(envoi)s.") % {
        "personne": demande.usager.nom_complet, "envoi": phrase_d_envoi(evenement.notification),
    }  # fmt: skip


PRISE_EN_CHARGE = PageDActe(
    geste="prendre_en_charge",
    titre=gettext_lazy("Prendre le dossier en charge"),
    bouton=gettext_lazy("Prendre en charge et prévenir la personne"),
    executer=lambda demande, form, envoi: operations.prendre_en_charge(demande, **vars(envoi)),
    message=lambda demande, valeurs: (Message.PRISE_EN_CHARGE, operations.contexte_du_message(demande)),
    recu=_recu_de_prise_en_charge,
    contexte=lambda demande, form: {"explication": _("Le dossier vous est confié, et son instruction commence.")},
)


@METHODES
def prendre(request: HttpRequest, numero: str) -> HttpResponse:
    """La page montre ce qui part ; le bouton du dossier fait l'acte d'un clic."""
    return derouler(request, numero, PRISE_EN_CHARGE)


# --- Réaffecter ------------------------------------------------------------------------------------------------------
def _reaffecter(demande: Demande, form: ReaffectationForm, envoi: Envoi) -> None:
    operations.reaffecter(demande, form.cleaned_data["cible"], **vars(envoi))


REAFFECTATION = PageDActe(
    geste="reaffecter",
    titre=gettext_lazy("Confier le dossier à un autre agent"),
    bouton=gettext_lazy("Confier le dossier"),
    form=lambda demande, donnees: ReaffectationForm(donnees, demande=demande),
    executer=_reaffecter,
    deja_fait=lambda demande, form, envoi: operations.est_deja_reaffecte(
        demande, form.cleaned_data["cible"], agent=envoi.agent, version=envoi.version
    ),
    contexte=lambda demande, form: {
        "explication": ""
        if form.fields["cible"].queryset.exists()
        else _("Aucun autre agent n'instruit les dossiers de votre site : il n'y a personne à qui confier celui-ci.")
    },
    recu=lambda demande: (
        _("Le dossier est confié à %(agent)s. Rien n'est envoyé à la personne.") % {"agent": nom_de(demande.agent)}
    ),
)


@METHODES
def reaffecter(request: HttpRequest, numero: str) -> HttpResponse:
    return derouler(request, numero, REAFFECTATION)


# --- Transférer ------------------------------------------------------------------------------------------------------
def _message_de_transfert(demande: Demande, valeurs: dict) -> tuple[Message, dict] | None:
    """Rien tant que le service n'est pas choisi : la lettre en donne le nom et les coordonnées."""
    cible = valeurs["cible"]
    if not cible:
        return None
    return Message.TRANSFERT, operations.contexte_du_transfert(demande, cible, jour=timezone.localdate())


def _transferer(demande: Demande, form: TransfertForm, envoi: Envoi) -> None:
    operations.transferer(demande, form.cleaned_data["cible"], motif=form.cleaned_data["motif"], **vars(envoi))


def _recu_de_transfert(demande: Demande) -> str:
    recu = _(
        "Demande n° %(numero)s transférée. Nouveau service : %(site)s. %(personne)s en est informé(e) : %(envoi)s."
    )
    return recu % {
        "numero": demande.numero, "site": demande.site.libelle, "personne": demande.usager.nom_complet,
        "envoi": _envoi_de(demande, Evenement.Nature.TRANSFERT),
    }  # fmt: skip


TRANSFERT = PageDActe(
    geste="transferer",
    titre=gettext_lazy("Transférer le dossier à un autre service"),
    bouton=gettext_lazy("Transférer et notifier"),
    form=lambda demande, donnees: TransfertForm(donnees, demande=demande),
    executer=_transferer,
    message=_message_de_transfert,
    recu=_recu_de_transfert,
    contexte=lambda demande, form: {
        "explication": _(
            "Le numéro, la date de dépôt et les attestations ne changent pas. Vous ne verrez plus ce dossier. "
            "La personne est prévenue : choisissez le service et mettez l'aperçu à jour pour lire ce qu'elle recevra."
        ),
        "internes": ("motif",),
    },
    sort_du_site=True,
)


@METHODES
def transferer(request: HttpRequest, numero: str) -> HttpResponse:
    """Le dossier parti, l'agent ne le voit plus : le second clic du même envoi reçoit pourtant le même reçu."""
    try:
        return derouler(request, numero, TRANSFERT)
    except Http404:
        demande = _parti(request, numero)
        if demande is None:
            raise
    messages.success(request, _recu_de_transfert(demande))
    return redirect(Liste.lire(request).url)


def _parti(request: HttpRequest, numero: str) -> Demande | None:
    cible = Site.objects.filter(pk=request.POST.get("cible", "")[:4].replace("\x00", "")).first()
    if cible is None:
        return None
    return operations.transfert_deja_fait(numero, cible, agent=agent_connecte(request), version=version_lue(request))


# --- Attribuer un n° étranger ----------------------------------------------------------------------------------------
def _message_de_numero(demande: Demande, valeurs: dict) -> tuple[Message, dict]:
    return Message.NUMERO_ATTRIBUE, operations.contexte_du_numero(demande, valeurs["numero"] or "")


def _recu_de_numero(demande: Demande) -> str:
    return _("N° étranger %(numero)s attribué. %(personne)s en est informé(e) : %(envoi)s.") % {
        "numero": demande.usager.numero_etranger, "personne": demande.usager.nom_complet,
        "envoi": _envoi_de(demande, Evenement.Nature.NUMERO),
    }  # fmt: skip


NUMERO = PageDActe(
    geste="attribuer_numero",
    titre=gettext_lazy("Attribuer un n° étranger"),
    bouton=gettext_lazy("Attribuer et notifier"),
    form=lambda demande, donnees: NumeroForm(donnees),
    executer=lambda demande, form, envoi: operations.attribuer_numero(
        demande, form.cleaned_data["numero"], **vars(envoi)
    ),
    deja_fait=lambda demande, form, envoi: operations.est_deja_attribue(
        demande, form.cleaned_data["numero"], agent=envoi.agent, version=envoi.version
    ),
    message=_message_de_numero,
    recu=_recu_de_numero,
)


@METHODES
def attribuer_numero(request: HttpRequest, numero: str) -> HttpResponse:
    if request.method != "POST":
        demande = dossier_de(request, numero)
        if demande.usager.numero_etranger and peut(agent_connecte(request), NUMERO.geste, demande):
            messages.info(request, _("Cette personne a déjà un numéro étranger."))
            return redirect(adresse_de(request, "admin:dossier", demande))
    return derouler(request, numero, NUMERO)
