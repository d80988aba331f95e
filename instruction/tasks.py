"""Tâches de fond des agents : elles peuvent passer deux fois."""

from celery import shared_task
from django.utils import timezone

from instruction import operations


@shared_task
def executer_les_echus() -> int:
    """Fait les actes signés dont l'heure est venue."""
    return operations.executer_les_echus(le=timezone.now())
