"""Rappeler une demande de complément : avant de l'ouvrir, puis avant la fin du délai (domaine §9)."""

import datetime as dt

import structlog
from django.db import transaction
from django.utils import timezone

from demandes.complements import jours_pour_repondre
from demandes.models import Complement, Evenement
from demandes.operations.base import contexte_du_message, verrouiller
from notifications.catalogue import Message
from notifications.operations import notifier

# Jours après la demande, tant qu'elle n'est pas ouverte ; jours avant la fin du délai, ensuite.
SANS_OUVERTURE = (3, 10)
AVANT_ECHEANCE = (15, 7, 2)
LOT = 1000
journal = structlog.get_logger(__name__)


def premiere_relance(demande_le: dt.date) -> dt.date:
    """Le premier rappel d'une demande de complément que personne n'ouvre."""
    return demande_le + dt.timedelta(days=SANS_OUVERTURE[0])


def relance_avant(echeance: dt.date, *, apres: dt.date) -> dt.date | None:
    """Le premier rappel d'avant l'échéance qui tombe après ce jour ; un délai court en a moins."""
    jours = (echeance - dt.timedelta(days=avance) for avance in AVANT_ECHEANCE)
    return next((jour for jour in jours if jour > apres), None)


def relance_d_ouverture(echeance: dt.date, *, ouvert_le: dt.date) -> dt.date:
    """Le premier rappel d'un complément ouvert : le délai le plus court en a un, le jour de l'échéance."""
    return relance_avant(echeance, apres=ouvert_le) or echeance


def relancer_les_complements(*, le: dt.datetime) -> int:
    """Envoie les rappels dus, chacun dans sa transaction ; rend leur nombre.

    De plusieurs rappels manqués (travailleur arrêté), un seul part. Un rappel qui échoue n'arrête pas les autres.
    """
    jour, envoyes = timezone.localdate(le), 0
    dus = Complement.objects.filter(
        repondu_le__isnull=True, annule_le__isnull=True, prochaine_relance_le__lte=jour
    ).order_by("prochaine_relance_le", "pk")
    for complement in dus.select_related("demande")[:LOT]:
        try:
            envoyes += _relancer(complement, jour=jour, le=le)
        except Exception:
            journal.exception("relance_en_echec", complement=complement.pk)
    return envoyes


@transaction.atomic
def _relancer(complement: Complement, *, jour: dt.date, le: dt.datetime) -> bool:
    """Vrai si ce passage a envoyé le rappel : sous le verrou, il peut n'être plus dû."""
    demande = verrouiller(complement.demande)
    complement = Complement.objects.get(pk=complement.pk)
    prochaine = complement.prochaine_relance_le
    if not complement.est_ouvert or prochaine is None or prochaine > jour:
        return False
    notification = notifier(
        Message.COMPLEMENT_RELANCE, demande.usager.compte, le=le, objet=demande.numero,
        contexte=contexte_du_message(demande) | _delai(complement, jour=jour),
    )  # fmt: skip
    complement.relance_le = le
    complement.prochaine_relance_le = relance_suivante(
        timezone.localdate(complement.demande_le), complement.echeance_le, apres=jour
    )
    complement.save(update_fields=["relance_le", "prochaine_relance_le"])
    Evenement.objects.create(
        usager=demande.usager, demande=demande, nature=Evenement.Nature.RELANCE, le=le, notification=notification
    )
    return True


def _delai(complement: Complement, *, jour: dt.date) -> dict:
    """Ce que le rappel dit du délai : il court, il est passé, ou il n'a pas commencé."""
    if complement.echeance_le is None:
        return {"jours": jours_pour_repondre(jour)}
    return {"echeance": complement.echeance_le.isoformat(), "echu": complement.echeance_le < jour}


def relance_suivante(demande_le: dt.date, echeance: dt.date | None, *, apres: dt.date) -> dt.date | None:
    """Le rappel d'après, selon que le complément est ouvert ou non ; rien : c'était le dernier."""
    if echeance:
        return relance_avant(echeance, apres=apres)
    jours = (demande_le + dt.timedelta(days=ecart) for ecart in SANS_OUVERTURE)
    return next((jour for jour in jours if jour > apres), None)
