"""Lire ce que l'administration écrit."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from demandes.complements import jours_pour_repondre
from demandes.models import Complement, Demande, Evenement
from demandes.operations.base import verrouiller
from demandes.operations.relances import relance_d_ouverture
from notifications.catalogue import Message
from notifications.models import Notification
from notifications.operations import marquer_lue
from usagers.models import Compte


@transaction.atomic
def ouvrir_notification(notification: Notification, *, par: Compte, le: dt.datetime) -> bool:
    """Première lecture d'une notification : datée une fois, et portée au journal de sa demande.

    Elle vaut accusé de réception (guide 004) ; celle d'un complément fait courir le délai du jour (guide 000).
    Vrai si c'est cet appel qui l'a ouverte.
    """
    demande = (
        Demande.objects.filter(numero=notification.objet, usager__compte=par).first() if notification.objet else None
    )
    demande_un_complement = demande is not None and notification.message == Message.COMPLEMENT
    if demande_un_complement:
        verrouiller(demande)
    if not marquer_lue(notification, le=le):
        return False
    if demande_un_complement:
        jour = timezone.localdate(le)
        echeance = jour + dt.timedelta(days=jours_pour_repondre(jour))
        Complement.objects.filter(notification=notification, echeance_le__isnull=True, annule_le__isnull=True).update(
            echeance_le=echeance, prochaine_relance_le=relance_d_ouverture(echeance, ouvert_le=jour)
        )
    if demande is not None:
        Evenement.objects.create(
            usager_id=demande.usager_id, demande=demande, nature=Evenement.Nature.LECTURE, par=par, le=le,
            notification=notification, document_id=notification.document_id,
        )  # fmt: skip
    return True
