"""Réglages des tests des documents."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from documents import operations
from documents.catalogue import Acte
from tests.documents.donnees import DEPOT


@pytest.fixture(autouse=True)
def cache_a_soi(settings):
    """Les essais comptés par un test ne limitent pas le suivant."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def etablir(db):
    """`etablir(donnees)` : un document émis maintenant ; une décision si les données en portent une."""

    def faire(donnees=DEPOT, *, le=None, **options):
        acte = Acte.DECISION_FAVORABLE if "decision" in donnees else Acte.CONFIRMATION_DEPOT
        return operations.etablir(acte, donnees=donnees, le=le or timezone.now(), **options)

    return faire
