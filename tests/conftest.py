"""Réglages communs à toute la suite."""

import pytest


@pytest.fixture(autouse=True)
def dossiers_temporaires(settings, tmp_path):
    """Aucun test n'écrit dans les fichiers d'une installation."""
    settings.FICHIERS_DIR = tmp_path / "fichiers"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "fichiers", "base_url": None}},
    }
