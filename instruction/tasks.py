"""Tâches de fond des agents : elles peuvent passer deux fois."""

from celery import shared_task
from django.utils import timezone

from instruction import exports, operations, releves
from instruction.models import ActeDiffere, Lot


@shared_task
def executer_acte(acte_id: int) -> None:
    """À son heure, l'acte signé ; annulé ou déjà fait, rien."""
    operations.executer(ActeDiffere.objects.select_related("demande").get(pk=acte_id), le=timezone.now())


@shared_task
def executer_les_echus() -> int:
    """Fait les actes signés dont l'heure est venue."""
    return operations.executer_les_echus(le=timezone.now())


@shared_task
def produire_export(export_id: int) -> None:
    exports.produire(export_id, le=timezone.now())


@shared_task
def relancer_exports() -> int:
    """Fait les exports qu'une panne a laissés, et retire les fichiers trop vieux."""
    return exports.relancer(le=timezone.now())


@shared_task
def traiter_lot(lot_id: int) -> None:
    """Une part du lot ; il se rappelle lui-même tant qu'il reste à faire."""
    lot = Lot.objects.get(pk=lot_id)
    operations.traiter_lot(lot)
    lot.refresh_from_db()
    if lot.fini_le is None:
        traiter_lot.delay(lot_id)


@shared_task
def relancer_lots() -> None:
    operations.relancer_lots()


@shared_task
def relever() -> int:
    """Compte ce que le journal dit des derniers jours, pour les chiffres du service."""
    return releves.relever_a_jour(le=timezone.now())
