"""Après une décision favorable : mettre en fabrication, dire où retirer le titre, le remettre (domaine T11 à T13)."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone

from demandes.demarches import DEMARCHES
from demandes.etats import Etat
from demandes.models import Decision, Demande, NumeroUtilise
from instruction.models import Agent
from instruction.operations.base import ActeImpossible, contexte_du_message, verrouiller_pour
from instruction.operations.decision import titre_delivrable
from notifications.catalogue import Message
from notifications.operations import notifier
from usagers.models import TitreSejour
from usagers.numeros import est_numero_timbre, est_numero_titre

TIMBRE_SERVI = "Ce timbre a déjà servi : il ne vaut qu'une fois. Demandez-en un autre."
NUMERO_FAUX = "Saisissez les 9 ou 10 lettres et chiffres écrits sur le titre."
TIMBRE_FAUX = "Un timbre fiscal électronique a 16 chiffres : relisez-le."
TITRE_REMIS = "Ce numéro est déjà celui d'un titre remis : relisez-le sur la carte."


def decision_favorable(demande: Demande) -> Decision:
    """La décision qui accorde le titre ; l'état de la demande garantit qu'il y en a une."""
    return demande.decisions.filter(sens=Decision.Sens.FAVORABLE).latest("pk")


def montant_du(demande: Demande) -> Decimal:
    """Ce que la décision favorable fait payer à la remise ; zéro tant qu'il n'y en a pas."""
    decision = demande.decisions.filter(sens=Decision.Sens.FAVORABLE).order_by("-pk").first()
    return decision.taxe if decision else Decimal(0)


# --- Fabrication -----------------------------------------------------------------------------------------------------
@transaction.atomic
def fabriquer(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """T11 : le titre part en fabrication ; l'usager est informé. Lève `Conflit`, `GesteInterdit`."""
    demande = verrouiller_pour(demande, agent=agent, geste="fabriquer", version=version)
    notification = notifier(
        Message.FABRICATION, demande.usager.compte, le=le, objet=demande.numero, contexte=contexte_du_message(demande)
    )
    demande.passer_a(Etat.EN_FABRICATION, par=agent.compte, le=le, notification=notification)
    return demande


# --- Titre disponible ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Retrait:
    """Ce que la personne doit savoir pour venir : où, quand, avec quels documents (codes), et une consigne."""

    lieu: str
    horaires: str
    documents: tuple[str, ...]
    consigne: str = ""


def contexte_du_retrait(demande: Demande, retrait: Retrait) -> dict:
    """Ce que le message reçoit ; l'aperçu montré à l'agent part du même contexte. Le montant est celui décidé."""
    taxe = montant_du(demande)
    return contexte_du_message(demande) | {
        "lieu": retrait.lieu,
        "horaires": retrait.horaires,
        "documents": [code for code in retrait.documents if code != "timbre"] + (["timbre"] if taxe else []),
        "consigne": retrait.consigne,
        "montant": str(taxe) if taxe else "",
        "sms": True,
    }


def site_ferme(demande: Demande, lieu: str, *, jour: dt.date) -> str:
    """Ce qui s'oppose à un retrait au site, s'il est fermé : son adresse, ou son nom seul. Vide : rien."""
    site, voulu = demande.site, _nu(lieu)
    adresse = _nu(site.coordonnees_le(jour).adresse)
    y_envoie = (adresse and adresse in voulu) or not voulu.replace(_nu(site.libelle), "")
    if not site.est_ferme(jour) or not y_envoie:
        return ""
    return f"Votre site est fermé depuis le {site.ferme_le:%d/%m/%Y} : écrivez où le titre se retire désormais."


def _nu(texte: str) -> str:
    return "".join(filter(str.isalnum, texte.casefold()))


@transaction.atomic
def rendre_disponible(demande: Demande, retrait: Retrait, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """T12 : le titre est arrivé ; courriel, SMS et notification disent où, quand, avec quoi, combien.

    Lève `Conflit`, `GesteInterdit`, `ActeImpossible`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="rendre_disponible", version=version)
    if phrase := site_ferme(demande, retrait.lieu, jour=timezone.localdate(le)):
        raise ActeImpossible("lieu", phrase)
    notification = notifier(
        Message.TITRE_DISPONIBLE, demande.usager.compte, le=le, objet=demande.numero,
        contexte=contexte_du_retrait(demande, retrait),
    )  # fmt: skip
    demande.passer_a(Etat.TITRE_DISPONIBLE, par=agent.compte, le=le, notification=notification)
    return demande


# --- Remise ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Remise:
    """Ce que l'agent constate au guichet. `timbre` : vide quand rien n'est dû.

    `identite` : la personne est celle du dossier. `dus` : combien de documents dus à la remise il a vus.
    """

    numero_titre: str
    timbre: str = ""
    identite: bool = False
    dus: int = 0


def verifier_remise(remise: Remise, *, decision: Decision) -> None:
    """Lève `ActeImpossible`."""
    if not remise.identite:
        raise ActeImpossible("identite", "Vérifiez l'identité de la personne avant de lui remettre son titre.")
    if remise.dus < len(DEMARCHES[decision.demande.demarche].dus_a_la_remise):
        raise ActeImpossible("", "Un document dû au plus tard à la remise n'a pas été vu : vérifiez-le.")
    if not est_numero_titre(remise.numero_titre):
        raise ActeImpossible("numero_titre", NUMERO_FAUX)
    if TitreSejour.objects.filter(numero=remise.numero_titre).exists():
        raise ActeImpossible("numero_titre", TITRE_REMIS)
    if not decision.taxe:
        if remise.timbre:
            raise ActeImpossible("timbre", "Rien n'est dû pour ce titre : rendez son timbre à la personne.")
        return
    if not remise.timbre:
        raise ActeImpossible("timbre", "Un montant est dû : saisissez les 16 chiffres du timbre fiscal.")
    if not est_numero_timbre(remise.timbre):
        raise ActeImpossible("timbre", TIMBRE_FAUX)
    if NumeroUtilise.objects.filter(nature=NumeroUtilise.Nature.TIMBRE, valeur=remise.timbre).exists():
        raise ActeImpossible("timbre", TIMBRE_SERVI)


@transaction.atomic
def remettre(demande: Demande, remise: Remise, *, agent: Agent, version: int, le: dt.datetime) -> TitreSejour:
    """T13 : le titre entre dans l'historique dans la même transaction ; le renouvellement suivant partira de lui.

    Deux remises d'un même timbre, ou d'une même carte, en même temps : l'unicité en base n'en laisse passer qu'une.
    Lève `Conflit`, `GesteInterdit`, `ActeImpossible`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="remettre", version=version)
    decision = decision_favorable(demande)
    verifier_remise(remise, decision=decision)
    accorde = titre_delivrable(demande, decision.titre)
    if remise.timbre:
        timbre = NumeroUtilise(nature=NumeroUtilise.Nature.TIMBRE, valeur=remise.timbre, demande=demande)
        _ecrire_une_fois(timbre, champ="timbre", sinon=TIMBRE_SERVI)
    titre = TitreSejour(
        usager=demande.usager, numero=remise.numero_titre, nature=accorde.nature, motif=accorde.motif,
        debut=decision.du, fin=decision.au, origine=demande.numero,
    )  # fmt: skip
    _ecrire_une_fois(titre, champ="numero_titre", sinon=TITRE_REMIS)
    demande.fin_de_droits = decision.au
    demande.recherche += f" {remise.numero_titre.lower()}"
    demande.passer_a(Etat.REMISE, par=agent.compte, le=le, codes={"titre": decision.titre, "dus": remise.dus})
    return titre


def _ecrire_une_fois(ligne: Model, *, champ: str, sinon: str) -> None:
    """La base refuse le numéro qu'une autre remise vient d'écrire, la même seconde. Lève `ActeImpossible`."""
    try:
        with transaction.atomic():
            ligne.save(force_insert=True)
    except IntegrityError:
        raise ActeImpossible(champ, sinon) from None


def est_la_remise_faite(demande: Demande, remise: Remise) -> bool:
    """Le titre remis porte-t-il ce numéro ?"""
    return TitreSejour.objects.filter(origine=demande.numero, numero=remise.numero_titre).exists()
