"""Balayages des dossiers : ils peuvent passer deux fois."""

from celery import shared_task
from django.utils import timezone

from demandes import operations


@shared_task
def actualiser_la_recherche() -> int:
    """Les dossiers se cherchent par les coordonnées d'aujourd'hui."""
    return operations.actualiser_la_recherche()


@shared_task
def relancer_les_complements() -> int:
    """Rappelle les réponses attendues."""
    return operations.relancer_les_complements(le=timezone.now())
