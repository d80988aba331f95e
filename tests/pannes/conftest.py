"""De vrais serveurs, sur la base des tests ; tous sont tués à la fin de chaque test."""

import contextlib

import pytest

from tests.notifications.conftest import Processus, boite, courtier, depot, smtp
from tests.pannes.serveurs import Travailleur, Web, variables_du_portail

__all__ = ["boite", "courtier", "depot", "smtp"]


@pytest.fixture(scope="session")
def dossier_var(tmp_path_factory, django_db_setup, django_db_blocker):
    """Les fichiers statiques, collectés une fois comme en production."""
    dossier = tmp_path_factory.mktemp("var")
    with (
        django_db_blocker.unblock(),
        Processus("manage.py", "collectstatic", "--noinput", "--verbosity=0", DOSSIER_VAR=str(dossier)) as collecte,
    ):
        sortie, _ = collecte.communicate(timeout=180)
    assert collecte.returncode == 0, sortie
    return dossier


@pytest.fixture
def variables(dossier_var, tmp_path):
    return variables_du_portail(dossier_var, tmp_path)


@pytest.fixture
def servir(transactional_db, variables):
    """`servir(…)` lance gunicorn, qui répond déjà."""
    with contextlib.ExitStack() as pile:

        def lancer(**autres) -> Web:
            web = Web(**variables | autres)
            pile.callback(web.tuer)
            return web

        yield lancer


@pytest.fixture
def travailler(transactional_db, variables):
    """`travailler(courtier, …)` lance un travailleur Celery."""
    with contextlib.ExitStack() as pile:

        def lancer(courtier, **autres) -> Travailleur:
            travailleur = Travailleur(courtier=courtier, **variables | autres)
            pile.callback(travailleur.tuer)
            return travailleur

        yield lancer
