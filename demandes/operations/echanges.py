"""Lire ce que l'administration écrit."""

import datetime as dt

from django.db import transaction

from demandes.models import Demande, Evenement
from notifications.models import Notification
from notifications.operations import marquer_lue
from usagers.models import Compte


@transaction.atomic
def ouvrir_notification(notification: Notification, *, par: Compte, le: dt.datetime) -> bool:
    """Première lecture d'une notification : datée une fois, et portée au journal de sa demande.

    Elle vaut accusé de réception (guide 004). Vrai si c'est cet appel qui l'a ouverte.
    """
    if not marquer_lue(notification, le=le):
        return False
    demande = (
        Demande.objects.filter(numero=notification.objet, usager__compte=par).first() if notification.objet else None
    )
    if demande is not None:
        Evenement.objects.create(
            usager_id=demande.usager_id, demande=demande, nature=Evenement.Nature.LECTURE, par=par, le=le,
            notification=notification, document_id=notification.document_id,
        )  # fmt: skip
    return True
