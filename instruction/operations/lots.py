"""Un même acte sur plusieurs dossiers, en arrière-plan : une transaction par dossier, un résultat par dossier.

Ni refus ni clôture : ce qui décide contre la personne se lit un dossier à la fois.
"""

import datetime as dt
from collections.abc import Callable, Sequence

import structlog
from django.db import transaction
from django.utils import timezone

from demandes.attestations import travail_du_titre
from demandes.demarches import DEMARCHES
from demandes.models import Demande
from demandes.operations import verrouiller
from documents.operations import NonEncodable
from instruction.models import Agent, Lot, LotLigne
from instruction.operations.base import ActeImpossible, Conflit, GesteInterdit
from instruction.operations.differe import acte_en_attente
from instruction.operations.prolongation import derniere_prolongation, periode_possible, prolonger, reserves
from instruction.operations.remise import Retrait, fabriquer, rendre_disponible
from instruction.operations.suivi import prendre_en_charge, reaffecter

journal = structlog.get_logger(__name__)
LOT_MAX = 500
# Ce qu'un même passage du travailleur traite avant de rendre la main.
PAR_PASSAGE = 100


def _prendre(demande: Demande, lot: Lot, communs: dict) -> None:
    prendre_en_charge(demande, **communs)


def _reaffecter(demande: Demande, lot: Lot, communs: dict) -> None:
    reaffecter(demande, Agent.objects.get(pk=lot.saisie["cible"]), **communs)


def _prolonger(demande: Demande, lot: Lot, communs: dict) -> None:
    """De plein droit seulement, jusqu'au dernier jour permis, avec le travail du titre ; le reste se fait un à un."""
    jour = timezone.localdate(communs["le"])
    if reserves_du_lot(demande, jour=jour):
        raise ActeImpossible("", "Cette attestation se délivre sur la page du dossier.")
    au = periode_possible(demande, jour=jour).au
    prolonger(demande, au=au, travail=travail_du_titre(demande.titre_de_depart), **communs)


def _fabriquer(demande: Demande, lot: Lot, communs: dict) -> None:
    fabriquer(demande, **communs)


def documents_a_apporter(demande: Demande, choisis: Sequence[str]) -> list[str]:
    """Un lot mêle des démarches : le certificat d'inscription n'est demandé qu'à qui le doit."""
    documents = [code for code in choisis if code != "inscription"]
    return [*documents, "inscription"] if DEMARCHES[demande.demarche].dus_a_la_remise else documents


def reserves_du_lot(demande: Demande, *, jour: dt.date) -> list[str]:
    """Pourquoi cette attestation se délivre seule (codes) : pas de plein droit, ou la précédente n'a pas commencé."""
    derniere = derniere_prolongation(demande)
    return [*reserves(demande, jour=jour), *(["pas_commencee"] if derniere and derniere.du > jour else [])]


def _rendre_disponible(demande: Demande, lot: Lot, communs: dict) -> None:
    documents = documents_a_apporter(demande, lot.saisie["documents"])
    rendre_disponible(demande, Retrait(**lot.saisie | {"documents": tuple(documents)}), **communs)


# Les seuls actes qui se font par lot.
ACTES_PAR_LOT: dict[str, Callable[[Demande, Lot, dict], None]] = {
    "prendre_en_charge": _prendre,
    "reaffecter": _reaffecter,
    "prolonger": _prolonger,
    "fabriquer": _fabriquer,
    "rendre_disponible": _rendre_disponible,
}


class LotImpossible(Exception):
    """Ce lot ne se crée pas ; le texte est une phrase."""


@transaction.atomic
def creer_lot(
    dossiers: Sequence[tuple[Demande, int]], *, geste: str, saisie: dict, cle: str, agent: Agent, le: dt.datetime
) -> Lot:  # fmt: skip
    """Retient les dossiers et la version lue de chacun ; le travail commence aussitôt après.

    `cle` : celle de la page de confirmation ; un second clic rend le même lot. Lève `LotImpossible`.
    """
    if geste not in ACTES_PAR_LOT:
        raise LotImpossible("Cet acte ne se fait pas par lot.")
    if not 0 < len(dossiers) <= LOT_MAX:
        raise LotImpossible(f"Choisissez de 1 à {LOT_MAX} dossiers.")
    Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    if existant := Lot.objects.filter(agent=agent, cle=cle).first():
        return existant
    lot = Lot.objects.create(geste=geste, saisie=saisie, cle=cle, agent=agent, cree_le=le)
    LotLigne.objects.bulk_create(LotLigne(lot=lot, demande=demande, version=version) for demande, version in dossiers)

    def reveiller() -> None:
        from instruction import tasks  # noqa: PLC0415 (les tâches appellent les opérations)

        tasks.traiter_lot.delay(lot.pk)

    transaction.on_commit(reveiller, robust=True)
    return lot


def traiter_lot(lot: Lot) -> None:
    """Fait ce qui reste à faire ; deux travailleurs se partagent les lignes sans en faire aucune deux fois."""
    lignes = list(lot.lignes.filter(etat=LotLigne.Etat.A_FAIRE).order_by("pk").values_list("pk", flat=True))
    for cle in lignes[:PAR_PASSAGE]:
        _traiter_ligne(cle, lot)
    if not lot.lignes.filter(etat=LotLigne.Etat.A_FAIRE).exists():
        Lot.objects.filter(pk=lot.pk, fini_le__isnull=True).update(fini_le=timezone.now())


def _traiter_ligne(cle: int, lot: Lot) -> None:
    """L'acte et son résultat dans la même transaction : tué au milieu, rien n'est fait et la ligne reste à faire."""
    with transaction.atomic():
        ligne = (
            LotLigne.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(pk=cle, etat=LotLigne.Etat.A_FAIRE)
            .first()
        )
        if ligne is None:
            return
        ligne.resultat = _faire(ligne, lot)
        ligne.etat = LotLigne.Etat.REFUSE if ligne.resultat else LotLigne.Etat.FAIT
        ligne.fait_le = timezone.now()
        ligne.save(update_fields=["etat", "resultat", "fait_le"])


def _faire(ligne: LotLigne, lot: Lot) -> str:
    """Le code de ce qui a empêché l'acte ; vide s'il est fait."""
    agent = Agent.objects.select_related("compte", "site").get(pk=lot.agent_id)
    communs = {"agent": agent, "version": ligne.version, "le": timezone.now()}
    demande = Demande.objects.select_related("titre_de_depart", "site").get(pk=ligne.demande_id)
    try:
        with transaction.atomic():
            if acte_en_attente(verrouiller(demande)):
                return "signe"
            ACTES_PAR_LOT[lot.geste](demande, lot, communs)
    except Conflit:
        return "change"
    except GesteInterdit:
        return "interdit"
    except ActeImpossible:
        return "regle"
    except NonEncodable:
        return "non_encodable"
    except Exception:
        journal.exception("lot_en_echec", lot=lot.pk, ligne=ligne.pk)
        return "panne"
    return ""


def relancer_lots() -> None:
    """Les lots qu'un réveil perdu ou un travailleur tué a laissés inachevés."""
    for lot in Lot.objects.filter(fini_le__isnull=True).order_by("pk"):
        try:
            traiter_lot(lot)
        except Exception:
            journal.exception("lot_inacheve", lot=lot.pk)
