"""Tâches de fond : elles ne reçoivent que des identifiants et peuvent passer deux fois."""

from celery import shared_task
from django.utils import timezone

from documents import operations, pages
from documents.models import Document, Fichier


@shared_task
def rendre(document_id: int) -> None:
    operations.rendre(Document.objects.get(pk=document_id))


@shared_task
def relancer_rendus() -> int:
    return operations.relancer_rendus(le=timezone.now())


@shared_task
def dessiner_pages(fichier_id: int, lot: int) -> None:
    pages.dessiner(Fichier.objects.get(pk=fichier_id), lot)
