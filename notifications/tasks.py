"""Réveils du travailleur ; la règle est dans `expedition`."""

from celery import shared_task

from notifications import expedition


@shared_task
def envoyer(envoi_id: int) -> None:
    expedition.expedier(envoi_id)


@shared_task
def relancer_envois() -> None:
    for envoi_id in expedition.a_relancer():
        envoyer.delay(envoi_id)
