"""Une base, un Redis et des fichiers qu'on jette : ce que les mesures écrivent ne touche aucune installation.

À importer avant tout le reste : Django s'installe ici. La base se crée sur le serveur de DATABASE_URL.
"""

import atexit
import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

DOSSIER = Path(tempfile.mkdtemp(prefix="bench-"))
atexit.register(shutil.rmtree, DOSSIER, ignore_errors=True)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "anef.settings_test"
os.environ["ALLOWED_HOSTS"] = "127.0.0.1,testserver"
os.environ["REDIS_URL"] = f"redis+socket://{DOSSIER / 'redis.sock'}"
for reglage in ("FICHIERS_DIR", "DEUXD_DOC_DOSSIER", "SMS_DOSSIER"):
    os.environ[reglage] = str(DOSSIER / reglage.lower())

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from documents import autorite  # noqa: E402
from tests.notifications.conftest import Courtier, Processus  # noqa: E402
from tests.pannes.serveurs import variables_du_portail  # noqa: E402


@contextlib.contextmanager
def installation() -> Iterator[Courtier]:
    """La base migrée, le droit et les sites chargés, une autorité d'essai, un Redis en marche ; puis plus rien."""
    connection.settings_dict["TEST"]["NAME"] = f"bench_{os.getpid()}"
    ancienne = connection.settings_dict["NAME"]
    courtier = Courtier(DOSSIER / "redis.sock")
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            for commande in ("charger_droit", "charger_sites"):
                call_command(commande, stdout=io.StringIO())
            autorite.creer_autorite_test(le=timezone.now())
            yield courtier
        finally:
            liberer()
            connection.creation.destroy_test_db(ancienne, verbosity=0)
    finally:
        courtier.arreter()


def liberer() -> None:
    """Un serveur tué met un instant à rendre ses connexions : la base ne s'effacerait pas."""
    with connection.cursor() as curseur:
        curseur.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def variables() -> dict[str, str]:
    """De quoi lancer gunicorn ou Celery sur cette installation, fichiers statiques collectés."""
    with Processus("manage.py", "collectstatic", "--noinput", "--verbosity=0", DOSSIER_VAR=str(DOSSIER)) as collecte:
        sortie, _ = collecte.communicate(timeout=180)
    if collecte.returncode:
        raise SystemExit(sortie)
    return variables_du_portail(DOSSIER, DOSSIER)
