"""Les verbes de l'agent. Une opération = une transaction ; l'appelant donne l'instant `le` et la version lue."""

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
from demandes.models import Decision, Demande, Evenement, Site
from demandes.operations import verrouiller
from documents.catalogue import Acte
from documents.models import Fichier
from documents.operations import etablir
from instruction.models import Agent
from instruction.permissions import GESTES, peut
from notifications.catalogue import Message
from notifications.operations import notifier
from usagers.models import Compte, Identifiant


class Conflit(Exception):
    """La demande a changé depuis que la page a été ouverte ; `demande` est son état en base."""

    def __init__(self, demande: Demande):
        super().__init__(demande.numero)
        self.demande = demande


class GesteInterdit(Exception):
    """Cet agent ne peut pas faire cet acte sur cette demande, dans son état."""


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


def _verrouiller(demande: Demande, *, agent: Agent, geste: str, version: int) -> Demande:
    demande = verrouiller(demande)
    if demande.version != version:
        raise Conflit(demande)
    if not peut(agent, geste, demande):
        raise GesteInterdit
    return demande


def est_deja_fait(demande: Demande, *, agent: Agent, geste: str, version: int) -> bool:
    """Second envoi du même formulaire : depuis la version lue, seul cet acte a été fait, par cet agent."""
    vers = GESTES[geste].vers
    if demande.version != version + len(vers):
        return False
    passages = demande.evenements.filter(nature=Evenement.Nature.TRANSITION).order_by("-pk")[: len(vers)]
    return [(e.apres, e.par_id) for e in reversed(passages)] == [(etat, agent.compte_id) for etat in vers]


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


@transaction.atomic
def prendre_en_charge(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """T3 : l'instructeur prend le dossier ; l'usager est informé. Lève `Conflit`, `GesteInterdit`."""
    demande = _verrouiller(demande, agent=agent, geste="prendre_en_charge", version=version)
    demande.agent = agent.compte
    notification = notifier(
        Message.PRISE_EN_CHARGE, demande.usager.compte, le=le, objet=demande.numero, contexte=_contexte(demande)
    )
    demande.passer_a(Etat.EN_INSTRUCTION, par=agent.compte, le=le, notification=notification)
    return demande


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
    demande = _verrouiller(demande, agent=agent, geste="accorder", version=version)
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
    demande = _verrouiller(demande, agent=agent, geste="refuser", version=version)
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
    return _contexte(demande) | {"sens": sens}


def _contexte(demande: Demande) -> dict:
    sms = DEMARCHES[demande.demarche].sms
    return {"numero": demande.numero, "nom": demande.usager.nom_complet, "sms": sms}


# --- Comptes d'agents ------------------------------------------------------------------------------------------------
class IdentifiantPris(Exception):
    """L'identifiant est celui d'un usager."""


@transaction.atomic
def creer_agent(
    identifiant: str,
    *,
    nom: str,
    site: Site,
    roles: list[str],
    courriel: str,
    mot_de_passe: str | None,
    le: dt.datetime,
) -> tuple[Agent, bool]:
    """Ouvre le compte d'un agent, ou met à jour nom, site, rôles et courriel ; vrai si le compte est nouveau.

    Le mot de passe d'un compte qui existe n'est pas touché. Lève `IdentifiantPris`.
    """
    pris = Identifiant.objects.select_related("compte").filter(valeur=identifiant).first()
    if pris and not pris.compte.est_agent:
        raise IdentifiantPris
    if pris:
        compte = Compte.objects.select_for_update(no_key=True).get(pk=pris.compte_id)
        if compte.courriel != courriel:
            compte.courriel = courriel
            compte.save(update_fields=["courriel"])
    else:
        compte = Compte.objects.create_user(
            identifiant, mot_de_passe, nature=Compte.Nature.AGENT, is_staff=True, courriel=courriel, cree_le=le,
            courriel_verifie_le=le, nature_identifiant=Identifiant.Nature.AGENT,
        )  # fmt: skip
    agent, _ = Agent.objects.update_or_create(
        compte=compte, defaults={"nom": nom, "site": site, "roles": sorted(roles)}
    )
    return agent, pris is None
