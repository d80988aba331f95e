import importlib

from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class AnefConfig(AppConfig):
    name = "anef"

    def ready(self):
        importlib.import_module("anef.controles")  # y inscrit les contrôles de démarrage


class StatiquesConfig(StaticFilesConfig):
    """Les fichiers statiques, moins les sources du DSFR qu'aucune page ne demande : 10 s de collecte au lieu de 25."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "*.md",
        "*.map",
        "component",
        "core",
        "layout",
        "legacy",
        "scheme",
        "analytics",
        "icon-picker",
    ]
