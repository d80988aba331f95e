"""Décider : le titre accordé et ses règles, le refus, ce qui part à la personne."""

import calendar
import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from demandes.attestations import donnees_de_la_decision
from demandes.demarches import DEMARCHES
from demandes.demarches.base import TitreDelivrable
from demandes.droit import baremes
from demandes.etats import Etat
from demandes.models import Decision, Demande
from documents.catalogue import Acte
from documents.models import Fichier
from documents.operations import etablir
from instruction.models import Agent
from instruction.operations.base import contexte_du_message, verrouiller_pour
from notifications.catalogue import Message
from notifications.operations import notifier


class DecisionImpossible(Exception):
    """La décision contredit une règle ; `champ` est le champ en cause, le texte une phrase."""

    def __init__(self, champ: str, texte: str):
        super().__init__(texte)
        self.champ = champ


@dataclass(frozen=True)
class Accord:
    """Ce que l'agent accorde : titre, mention, validité (jours compris), montant dû à la remise en euros."""

    titre: str
    mention: str
    du: dt.date
    au: dt.date
    taxe: Decimal


def accord_pris(demande: Demande) -> Accord | None:
    """Ce que la dernière décision accorde ; rien si elle refuse, ou s'il n'y en a pas."""
    decision = demande.decisions.order_by("-pk").first()
    if decision is None or decision.sens != Decision.Sens.FAVORABLE:
        return None
    return Accord(decision.titre, decision.mention, decision.du, decision.au, decision.taxe)


def est_le_refus_pris(demande: Demande, *, motif: str, fichier: Fichier) -> bool:
    """La dernière décision est-elle ce refus : même motif, mêmes octets ?"""
    decision = demande.decisions.select_related("document__fichier").order_by("-pk").first()
    if decision is None or decision.sens != Decision.Sens.DEFAVORABLE:
        return False
    return (decision.motif, decision.document.fichier.empreinte) == (motif, fichier.empreinte)


def titre_delivrable(demande: Demande, code: str) -> TitreDelivrable | None:
    return next((titre for titre in DEMARCHES[demande.demarche].titres if titre.code == code), None)


def taxe_due(demande: Demande, titre: TitreDelivrable, *, jour: dt.date) -> Decimal:
    """Montant dû à la remise : le barème du jour, plus la majoration d'un dépôt hors délai."""
    en_vigueur = baremes(jour)
    premiere = DEMARCHES[demande.demarche].cas_de_code(demande.cas).premiere_demande
    montant = Decimal(en_vigueur[titre.taxe]["premiere" if premiere else "renouvellement"])
    if demande.hors_delai:
        montant += Decimal(en_vigueur["sejour.majoration_hors_delai"]["montant"])
    return montant


def ajouter_mois(jour: dt.date, mois: int) -> dt.date:
    """Le même jour, `mois` mois plus tard ; le dernier jour du mois quand il n'existe pas."""
    annee, rang = divmod(jour.year * 12 + jour.month - 1 + mois, 12)
    return dt.date(annee, rang + 1, min(jour.day, calendar.monthrange(annee, rang + 1)[1]))


def verifier_accord(demande: Demande, accord: Accord) -> TitreDelivrable:
    """Le titre accordé, si l'accord respecte ses règles. Lève `DecisionImpossible`."""
    titre = titre_delivrable(demande, accord.titre)
    if titre is None:
        raise DecisionImpossible("titre", "Ce titre ne se délivre pas pour cette démarche.")
    if accord.au < accord.du:
        raise DecisionImpossible("au", "La fin de validité précède le début.")
    if accord.au >= ajouter_mois(accord.du, titre.duree_max):
        raise DecisionImpossible("au", f"La durée de ce titre ne dépasse pas {titre.duree_max} mois.")
    if accord.taxe < 0:
        raise DecisionImpossible("taxe", "Le montant est égal ou supérieur à 0.")
    return titre


@transaction.atomic
def accorder(demande: Demande, accord: Accord, *, agent: Agent, version: int, le: dt.datetime) -> Decision:
    """T8 puis T9 : proposition et signature par le même agent, deux évènements, une attestation (ADF).

    Lève `Conflit`, `GesteInterdit`, `DecisionImpossible`, `documents.operations.NonEncodable`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="accorder", version=version)
    verifier_accord(demande, accord)
    demande.passer_a(Etat.PROPOSITION, par=agent.compte, le=le, codes={"sens": Decision.Sens.FAVORABLE})
    demande.decidee_le = le
    decision = Decision(
        demande=demande, sens=Decision.Sens.FAVORABLE, titre=accord.titre, mention=accord.mention, du=accord.du,
        au=accord.au, taxe=accord.taxe, proposee_par=agent.compte, proposee_le=le, signee_par=agent.compte,
        signee_le=le,
    )  # fmt: skip
    contenu = demande.instantanes.latest("rang").contenu
    decision.document = etablir(
        Acte.DECISION_FAVORABLE, donnees=donnees_de_la_decision(demande, decision, contenu), le=le,
        valable_du=timezone.localdate(le), valable_au=accord.au,
    )  # fmt: skip
    return _notifier_la_decision(decision, Etat.FAVORABLE, agent=agent, le=le)


@transaction.atomic
def refuser(demande: Demande, fichier: Fichier, *, motif: str, agent: Agent, version: int, le: dt.datetime) -> Decision:
    """T8 puis T10 : la décision est le PDF rédigé par la préfecture, déjà reçu et contrôlé ; il n'est pas généré.

    Lève `Conflit`, `GesteInterdit`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="refuser", version=version)
    demande.passer_a(Etat.PROPOSITION, par=agent.compte, le=le, codes={"sens": Decision.Sens.DEFAVORABLE})
    demande.decidee_le = le
    decision = Decision(
        demande=demande, sens=Decision.Sens.DEFAVORABLE, motif=motif, proposee_par=agent.compte, proposee_le=le,
        signee_par=agent.compte, signee_le=le,
    )  # fmt: skip
    decision.document = etablir(Acte.REFUS, donnees={"numero_demande": demande.numero}, le=le, fichier=fichier)
    return _notifier_la_decision(decision, Etat.DEFAVORABLE, agent=agent, le=le)


def _notifier_la_decision(decision: Decision, etat: Etat, *, agent: Agent, le: dt.datetime) -> Decision:
    demande, document = decision.demande, decision.document
    decision.save()
    notification = notifier(
        Message.DECISION, demande.usager.compte, le=le, document=document, objet=demande.numero,
        contexte=contexte_de_la_decision(demande, decision.sens),
    )  # fmt: skip
    demande.passer_a(etat, par=agent.compte, le=le, document=document, notification=notification)
    return decision


def contexte_de_la_decision(demande: Demande, sens: str) -> dict:
    """Ce que le message de décision reçoit ; l'aperçu montré à l'agent part du même contexte."""
    return contexte_du_message(demande) | {"sens": sens}
