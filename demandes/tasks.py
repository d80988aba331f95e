"""Balayages des dossiers : ils peuvent passer deux fois."""

from celery import shared_task

from demandes import operations


@shared_task
def actualiser_la_recherche() -> int:
    """Les dossiers se cherchent par les coordonnées d'aujourd'hui."""
    return operations.actualiser_la_recherche()
