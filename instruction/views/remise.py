"""Mettre en fabrication, rendre disponible, remettre : les pages d'après la décision favorable."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from demandes.demarches.formulaires import euros
from demandes.etats import Etat
from demandes.models import Demande
from instruction import operations
from instruction.forms_suivi import RemiseForm, RetraitForm
from instruction.presentation import phrase_d_envoi
from instruction.views.page_d_acte import Envoi, PageDActe, derouler
from notifications.catalogue import Message

METHODES = require_http_methods(["GET", "HEAD", "POST"])


def _envoi_du(demande: Demande, etat: Etat) -> str:
    """Ce qui est parti quand la demande est passée à cet état."""
    passage = demande.evenements.select_related("notification").filter(apres=etat).latest("pk")
    return phrase_d_envoi(passage.notification)


# --- Fabrication -----------------------------------------------------------------------------------------------------
def _message_de_fabrication(demande: Demande, valeurs: dict) -> tuple[Message, dict]:
    return Message.FABRICATION, operations.contexte_du_message(demande)


def _recu_de_fabrication(demande: Demande) -> str:
    return _("Le titre est en fabrication. %(personne)s en est informé(e) : %(envoi)s.") % {
        "personne": demande.usager.nom_complet, "envoi": _envoi_du(demande, Etat.EN_FABRICATION),
    }  # fmt: skip


FABRICATION = PageDActe(
    geste="fabriquer",
    titre=gettext_lazy("Mettre le titre en fabrication"),
    bouton=gettext_lazy("Mettre en fabrication et notifier"),
    executer=lambda demande, form, envoi: operations.fabriquer(demande, **vars(envoi)),
    message=_message_de_fabrication,
    recu=_recu_de_fabrication,
    contexte=lambda demande, form: {
        "explication": _(
            "Vérifiez d'abord que la photo et la signature de la personne sont prêtes pour la fabrication."
        )
    },
)


@METHODES
def fabriquer(request: HttpRequest, numero: str) -> HttpResponse:
    return derouler(request, numero, FABRICATION)


# --- Titre disponible ------------------------------------------------------------------------------------------------
def _message_de_retrait(demande: Demande, valeurs: dict) -> tuple[Message, dict] | None:
    """Rien tant que le lieu n'est pas écrit : celui d'un site fermé ne se propose pas."""
    if not valeurs["lieu"]:
        return None
    return Message.TITRE_DISPONIBLE, operations.contexte_du_retrait(demande, RetraitForm.retrait(valeurs))


def _rendre_disponible(demande: Demande, form: RetraitForm, envoi: Envoi) -> None:
    operations.rendre_disponible(demande, RetraitForm.retrait(form.cleaned_data), **vars(envoi))


def _recu_de_retrait(demande: Demande) -> str:
    return _("Le titre est à retirer. %(personne)s sait où, quand, avec quoi et combien : %(envoi)s.") % {
        "personne": demande.usager.nom_complet, "envoi": _envoi_du(demande, Etat.TITRE_DISPONIBLE),
    }  # fmt: skip


def _montant(demande: Demande) -> dict:
    taxe = operations.montant_du(demande)
    return {"libelle": _("Montant dû à la remise"), "valeur": euros(taxe) if taxe else _("Rien n'est dû")}


DISPONIBLE = PageDActe(
    geste="rendre_disponible",
    titre=gettext_lazy("Annoncer que le titre est disponible"),
    bouton=gettext_lazy("Annoncer à la personne"),
    form=lambda demande, donnees: RetraitForm(donnees, demande=demande),
    executer=_rendre_disponible,
    message=_message_de_retrait,
    recu=_recu_de_retrait,
    contexte=lambda demande, form: {"lignes": [_montant(demande)]},
)


@METHODES
def disponible(request: HttpRequest, numero: str) -> HttpResponse:
    return derouler(request, numero, DISPONIBLE)


# --- Remise ----------------------------------------------------------------------------------------------------------
def _a_remettre(demande: Demande, form: RemiseForm) -> dict:
    """Ce que l'agent a sous les yeux : le titre accordé, sa validité, le montant."""
    decision = operations.decision_favorable(demande)
    titre = operations.titre_delivrable(demande, decision.titre)
    validite = _("du %(du)s au %(au)s") % {"du": f"{decision.du:%d/%m/%Y}", "au": f"{decision.au:%d/%m/%Y}"}
    return {
        "lignes": [
            {"libelle": _("Titre à remettre"), "valeur": f"{str(titre.libelle).capitalize()}, {decision.mention}"},
            {"libelle": _("Validité"), "valeur": validite},
            _montant(demande),
        ],
        "explication": _("Reprenez l'ancien titre. Rien n'est envoyé : le nouveau titre est aussitôt dans son espace."),
    }


REMISE = PageDActe(
    geste="remettre",
    titre=gettext_lazy("Remettre le titre"),
    bouton=gettext_lazy("Titre remis"),
    form=lambda demande, donnees: RemiseForm(donnees, demande=demande),
    executer=lambda demande, form, envoi: operations.remettre(demande, form.remise, **vars(envoi)),
    deja_fait=lambda demande, form, envoi: (
        operations.est_deja_fait(demande, agent=envoi.agent, geste="remettre", version=envoi.version)
        and operations.est_la_remise_faite(demande, form.remise)
    ),
    recu=lambda demande: (
        _("Titre remis à %(personne)s. Il est dans l'historique de ses titres ; rien n'a été envoyé.")
        % {"personne": demande.usager.nom_complet}
    ),
    contexte=_a_remettre,
)


@METHODES
def remettre(request: HttpRequest, numero: str) -> HttpResponse:
    return derouler(request, numero, REMISE)
