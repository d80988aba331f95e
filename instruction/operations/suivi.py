"""Prendre un dossier, le faire avancer, le remettre."""

import datetime as dt

from django.db import transaction

from demandes.etats import Etat
from demandes.models import Demande
from instruction.models import Agent
from instruction.operations.base import contexte_du_message, verrouiller_pour
from notifications.catalogue import Message
from notifications.operations import notifier


@transaction.atomic
def prendre_en_charge(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """T3 : l'instructeur prend le dossier ; l'usager est informé. Lève `Conflit`, `GesteInterdit`."""
    demande = verrouiller_pour(demande, agent=agent, geste="prendre_en_charge", version=version)
    demande.agent = agent.compte
    notification = notifier(
        Message.PRISE_EN_CHARGE,
        demande.usager.compte,
        le=le,
        objet=demande.numero,
        contexte=contexte_du_message(demande),
    )
    demande.passer_a(Etat.EN_INSTRUCTION, par=agent.compte, le=le, notification=notification)
    return demande
