import os
import sys

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anef.settings")
app = Celery("anef")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def garder_les_journaux_de_django(**_):
    """Le seul fait d'écouter ce signal empêche Celery d'installer ses propres journaux."""


@worker_init.connect
@beat_init.connect
def controler_la_base(**_):
    from anef.controles import refuser_base_de_demonstration  # noqa: PLC0415  (Django n'est prêt qu'ici)

    try:
        refuser_base_de_demonstration()
    except ImproperlyConfigured as refus:
        sys.exit(str(refus))  # Celery avale toute autre exception levée par un signal
