"""Décider à plusieurs : proposer, viser, renvoyer ; puis ce que la signature écrit, quand son heure est venue."""

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
from demandes.models import Decision, Demande, Evenement, Motif
from documents.catalogue import Acte
from documents.models import Document, Fichier
from documents.operations import etablir, preparer, remplacer, retirer
from instruction.models import Agent, NoteInterne
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


class QuatreYeux(Exception):
    """Une seconde personne est exigée : qui a proposé ne vise ni ne signe seul."""


class DejaVisee(Exception):
    """La proposition est déjà visée, par quelqu'un d'autre."""


def proposition_de(demande: Demande) -> Decision | None:
    """La décision proposée, qui attend son visa et sa signature."""
    if demande.etat != Etat.PROPOSITION:
        return None
    return (
        demande.decisions.filter(signee_le__isnull=True)
        .select_related("fichier", "proposee_par__agent", "visee_par__agent")
        .order_by("-pk")
        .first()
    )


def accord_de(decision: Decision) -> Accord:
    return Accord(decision.titre, decision.mention, decision.du, decision.au, decision.taxe)


def est_cette_proposition(demande: Demande, *, accord: Accord | None, motifs: list[str], avis: str) -> bool:
    """Ce que l'agent envoie est-il déjà ce qui est proposé ?"""
    decision = proposition_de(demande)
    if decision is None or (decision.sens == Decision.Sens.FAVORABLE) != (accord is not None):
        return False
    memes_mots = (decision.motifs, decision.avis) == (motifs, avis)
    return memes_mots and (accord is None or accord_de(decision) == accord)


def motifs_d_avis(sens: str, *, jour: dt.date) -> list[Motif]:
    """Les motifs de ce sens, en vigueur : leur code commence par « avis.favorable. » ou « avis.defavorable. »."""
    return list(Motif.objects.en_vigueur(jour).filter(nature=Motif.Nature.AVIS, code__startswith=f"avis.{sens}."))


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
    if titre.reserve_a not in {"", demande.usager.nationalite_id}:
        raise DecisionImpossible("titre", "Ce titre ne se délivre pas à une personne de cette nationalité.")
    if accord.au < accord.du:
        raise DecisionImpossible("au", "La fin de validité précède le début.")
    if accord.au >= ajouter_mois(accord.du, titre.duree_max):
        raise DecisionImpossible("au", f"La durée de ce titre ne dépasse pas {titre.duree_max} mois.")
    if accord.taxe < 0:
        raise DecisionImpossible("taxe", "Le montant est égal ou supérieur à 0.")
    return titre


# --- Proposer --------------------------------------------------------------------------------------------------------
@transaction.atomic
def proposer_favorable(
    demande: Demande, accord: Accord, *, motifs: list[str], avis: str, agent: Agent, version: int, le: dt.datetime
) -> Decision:
    """T8 : l'instructeur propose d'accorder ce titre. Rien n'est envoyé.

    Lève `Conflit`, `GesteInterdit`, `DecisionImpossible`, `documents.operations.NonEncodable`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="proposer", version=version)
    verifier_accord(demande, accord)
    decision = Decision(
        demande=demande, sens=Decision.Sens.FAVORABLE, titre=accord.titre, mention=accord.mention, du=accord.du,
        au=accord.au, taxe=accord.taxe, motifs=motifs, avis=avis, proposee_par=agent.compte, proposee_le=le,
    )  # fmt: skip
    # Un nom qui ne s'imprime pas se dit à qui peut le faire rectifier, pas au signataire.
    preparer(Acte.DECISION_FAVORABLE, donnees=_donnees(decision, le=le), le=le)
    return _proposer(decision, agent=agent, le=le)


@transaction.atomic
def proposer_refus(
    demande: Demande,
    fichier: Fichier,
    *,
    voies_et_delais: bool,
    motifs: list[str],
    avis: str,
    agent: Agent,
    version: int,
    le: dt.datetime,
) -> Decision:
    """T8 : l'instructeur propose de refuser, avec le PDF rédigé par la préfecture, déjà reçu et contrôlé.

    Lève `Conflit`, `GesteInterdit`, `DecisionImpossible`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="proposer", version=version)
    if not voies_et_delais:
        raise DecisionImpossible("voies_et_delais", "Le document doit donner les voies et les délais de recours.")
    if fichier.type_mime != "application/pdf":
        raise DecisionImpossible("fichier", "La décision de la préfecture est un PDF.")
    decision = Decision(
        demande=demande, sens=Decision.Sens.DEFAVORABLE, fichier=fichier, motifs=motifs, avis=avis,
        proposee_par=agent.compte, proposee_le=le,
    )  # fmt: skip
    return _proposer(decision, agent=agent, le=le)


def _proposer(decision: Decision, *, agent: Agent, le: dt.datetime) -> Decision:
    if not decision.motifs and not decision.avis:
        raise DecisionImpossible("avis", "Cochez un motif ou écrivez votre avis.")
    decision.save()
    codes = {"sens": decision.sens, "motifs": decision.motifs}
    if decision.sens == Decision.Sens.DEFAVORABLE:
        codes["voies_et_delais"] = True
    decision.demande.passer_a(Etat.PROPOSITION, par=agent.compte, le=le, codes=codes)
    return decision


# --- Viser, renvoyer -------------------------------------------------------------------------------------------------
@transaction.atomic
def viser(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> Decision:
    """Le valideur approuve ; l'état ne change pas, et qui signait peut encore signer la page qu'il a ouverte.

    Viser deux fois ne vise qu'une fois. Lève `Conflit`, `GesteInterdit`, `QuatreYeux`, `DejaVisee`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="viser", version=version)
    decision = proposition_de(demande)
    if decision.visee_par_id == agent.compte_id:
        return decision
    if decision.visee_par_id:
        raise DejaVisee
    if decision.proposee_par_id == agent.compte_id:
        raise QuatreYeux
    decision.visee_par, decision.visee_le = agent.compte, le
    decision.save(update_fields=["visee_par", "visee_le"])
    Evenement.objects.create(
        usager=demande.usager, demande=demande, nature=Evenement.Nature.VISA, par=agent.compte, le=le,
        codes={"sens": decision.sens},
    )  # fmt: skip
    return decision


@transaction.atomic
def renvoyer(demande: Demande, *, raison: str, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """La proposition retourne à l'instruction ; la raison devient une note interne. Lève `Conflit`, `GesteInterdit`."""
    demande = verrouiller_pour(demande, agent=agent, geste="renvoyer", version=version)
    NoteInterne.objects.create(demande=demande, agent=agent, texte=raison, le=le)
    demande.passer_a(Etat.EN_INSTRUCTION, par=agent.compte, le=le, codes={"renvoi": True})
    return demande


# --- Ce que la signature écrit ---------------------------------------------------------------------------------------
def geste_de_signature(decision: Decision) -> str:
    return "signer_favorable" if decision.sens == Decision.Sens.FAVORABLE else "signer_refus"


def decider(demande: Demande, saisie: dict, *, agent: Agent, signe_le: dt.datetime, le: dt.datetime) -> None:
    """T9 ou T10, la demande étant verrouillée : la décision, son document, la lettre et l'état, ensemble.

    Lève `QuatreYeux`, `documents.operations.NonEncodable`.
    """
    decision = proposition_de(demande)
    decision.demande = demande
    if decision.sens == Decision.Sens.DEFAVORABLE and decision.proposee_par_id == agent.compte_id:
        raise QuatreYeux
    demande.decidee_le = le
    decision.signee_par, decision.signee_le = agent.compte, signe_le
    if decision.sens == Decision.Sens.FAVORABLE:
        etat = Etat.FAVORABLE
        decision.document = etablir(
            Acte.DECISION_FAVORABLE, donnees=_donnees(decision, le=le), le=le, valable_du=timezone.localdate(le),
            valable_au=decision.au,
        )  # fmt: skip
    else:
        etat = Etat.DEFAVORABLE
        donnees = {"numero_demande": demande.numero}
        decision.document = etablir(Acte.REFUS, donnees=donnees, le=le, fichier=decision.fichier)
    decision.save()
    demande.clotures.proposees().update(ecartee_le=le)
    _eteindre_les_prolongations(demande, decision, le=le)
    notification = notifier(
        Message.DECISION, demande.usager.compte, le=le, document=decision.document, objet=demande.numero,
        contexte=contexte_de_la_decision(demande, decision.sens),
    )  # fmt: skip
    demande.passer_a(etat, par=agent.compte, le=le, document=decision.document, notification=notification)


def _eteindre_les_prolongations(demande: Demande, decision: Decision, *, le: dt.datetime) -> None:
    """L'attestation de prolongation dit qu'elle cesse de valoir à la décision : qui la vérifie doit le lire aussi."""
    en_cours = Document.objects.filter(
        prolongation__demande=demande, etat=Document.Etat.EN_VIGUEUR, valable_au__gte=timezone.localdate(le)
    )
    for attestation in en_cours:
        if decision.sens == Decision.Sens.FAVORABLE:
            remplacer(attestation, par_document=decision.document, le=le)
        else:
            retirer(attestation, motif="Demande refusée", le=le)


def _donnees(decision: Decision, *, le: dt.datetime) -> dict:
    contenu = decision.demande.instantanes.latest("rang").contenu
    return donnees_de_la_decision(decision.demande, decision, contenu, le=le)


def contexte_de_la_decision(demande: Demande, sens: str) -> dict:
    """Ce que le message de décision reçoit ; l'aperçu montré à l'agent part du même contexte."""
    return contexte_du_message(demande) | {"sens": sens}
