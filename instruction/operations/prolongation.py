"""L'attestation de prolongation de l'instruction (API) : ses règles (domaine §6, R. 431-15-1) et son émission."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from demandes.attestations import TRAVAIL, donnees_de_la_prolongation
from demandes.droit import baremes
from demandes.models import Demande, Evenement, Prolongation
from documents.catalogue import Acte
from documents.operations import etablir
from instruction.models import Agent
from instruction.operations.base import ActeImpossible, consigner, contexte_du_message, verrouiller_pour
from instruction.operations.decision import ajouter_mois
from notifications.catalogue import Message
from notifications.operations import notifier


@dataclass(frozen=True)
class PeriodePossible:
    """Du premier au dernier jour, compris. `au` : le plus tard que le barème permet."""

    du: dt.date
    au: dt.date


def derniere_prolongation(demande: Demande) -> Prolongation | None:
    """Lue dans ce qui est préchargé."""
    return max(demande.prolongations.all(), key=lambda prolongation: prolongation.du, default=None)


def periode_possible(demande: Demande, *, jour: dt.date) -> PeriodePossible:
    """À la suite du document ou de l'attestation précédente ; du jour même si cette suite serait déjà finie.

    Lève `ActeImpossible` si la dernière attestation ne vaut pas encore : on ne prolonge que ce qui court.
    """
    derniere = derniere_prolongation(demande)
    if derniere and derniere.du > jour:
        texte = f"Une attestation déjà délivrée commence le {derniere.du:%d/%m/%Y} : attendez ce jour pour la suivante."
        raise ActeImpossible("au", texte)
    mois = baremes(jour)["sejour.prolongation"]["mois"]
    du = demande.fin_de_droits + dt.timedelta(days=1) if demande.fin_de_droits else jour
    if ajouter_mois(du, mois) <= jour:
        du = jour
    return PeriodePossible(du, ajouter_mois(du, mois) - dt.timedelta(days=1))


def reserves(demande: Demande, *, jour: dt.date) -> list[str]:
    """Pourquoi l'attestation n'est pas de plein droit (codes) : l'agent peut la délivrer, en le sachant."""
    trouvees = []
    if demande.hors_delai:
        trouvees.append("hors_delai")
    complete = demande.completude_constatee_le or demande.complete_au_depot
    if not complete:
        trouvees.append("incomplete")
    if any(complement.est_ouvert for complement in demande.complements.all()):
        trouvees.append("complement_ouvert")
    if demande.fin_de_droits and demande.fin_de_droits < jour - dt.timedelta(days=1):
        trouvees.append("rupture")
    return trouvees


def contexte_de_la_prolongation(demande: Demande, *, du: dt.date, au: dt.date, travail: str) -> dict:
    """Ce que le message reçoit ; l'aperçu montré à l'agent part du même contexte."""
    titre = demande.titre_de_depart
    piece = "" if titre is None else "visa" if titre.est_visa else "titre"
    return contexte_du_message(demande) | {
        "du": du.isoformat(), "au": au.isoformat(), "travail": travail, "piece": piece, "sms": True,
    }  # fmt: skip


@transaction.atomic
def prolonger(
    demande: Demande, *, au: dt.date, travail: str, agent: Agent, version: int, le: dt.datetime
) -> Prolongation:  # fmt: skip
    """T7 : émet l'attestation, la joint au courriel, et repousse la fin de droits ; l'état ne change pas.

    `travail` : un code de `TRAVAIL`. Lève `Conflit`, `GesteInterdit`, `ActeImpossible`,
    `documents.operations.NonEncodable`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="prolonger", version=version)
    jour = timezone.localdate(le)
    possible = periode_possible(demande, jour=jour)
    verifier_fin(possible, au, jour=jour)
    codes = {"travail": travail, "reserves": reserves(demande, jour=jour)}
    contenu = demande.instantanes.latest("rang").contenu
    donnees = donnees_de_la_prolongation(demande, contenu, travail=travail, jour=jour)
    document = etablir(Acte.PROLONGATION, donnees=donnees, le=le, valable_du=possible.du, valable_au=au)
    prolongation = Prolongation.objects.create(
        demande=demande, document=document, du=possible.du, au=au, travail=bool(TRAVAIL[travail]), par=agent.compte,
        le=le,
    )  # fmt: skip
    notification = notifier(
        Message.PROLONGATION, demande.usager.compte, le=le, document=document, objet=demande.numero,
        contexte=contexte_de_la_prolongation(demande, du=possible.du, au=au, travail=travail),
    )  # fmt: skip
    demande.fin_de_droits = au
    if "incomplete" in codes["reserves"]:  # la délivrer fait présumer la demande complète
        demande.completude_constatee_le = le
    consigner(
        demande, Evenement.Nature.PROLONGATION, agent=agent, le=le, document=document, notification=notification,
        codes=codes,
    )  # fmt: skip
    return prolongation


def verifier_fin(possible: PeriodePossible, au: dt.date, *, jour: dt.date) -> None:
    """Lève `ActeImpossible` : dans l'ordre, pas plus longue que le barème, et pas déjà finie."""
    if au < possible.du:
        raise ActeImpossible("au", f"La fin précède le début : l'attestation commence le {possible.du:%d/%m/%Y}.")
    if au > possible.au:
        texte = f"Une attestation ne peut pas aller au-delà du {possible.au:%d/%m/%Y}."
        raise ActeImpossible("au", texte)
    if au < jour:
        raise ActeImpossible("au", "Cette fin est déjà passée : l'attestation ne servirait à rien.")


def est_deja_prolongee(demande: Demande, *, au: dt.date, agent: Agent, version: int) -> bool:
    """Second envoi du même formulaire : la dernière attestation, de cet agent, finit ce jour-là."""
    derniere = derniere_prolongation(demande)
    if derniere is None or demande.version != version + 1:
        return False
    return (derniere.au, derniere.par_id) == (au, agent.compte_id)
