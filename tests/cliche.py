"""Une situation coûteuse se construit une fois ; chaque test en reçoit les lignes et les fichiers, à l'identique."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

# Ce que les migrations écrivent : chaque base d'essai l'a déjà.
DEJA_LA = {"django_migrations", "django_content_type", "auth_permission"}


def rangement(dossier: Path) -> dict:
    """Les réglages qui rangent les fichiers dans ce dossier, hors de toute installation."""
    par_defaut = {**settings.STORAGES["default"], "OPTIONS": {"location": dossier, "base_url": None}}
    return {"FICHIERS_DIR": dossier, "STORAGES": {**settings.STORAGES, "default": par_defaut}}


@dataclass(frozen=True)
class Cliche:
    """`lignes` : par table, les siennes en JSON ; `cle` : celle de l'objet construit."""

    lignes: dict[str, str]
    fichiers: Path
    cle: int | None

    def remettre(self) -> None:
        """Les suites ne reculent jamais : ces clés sont libres. Un site ou un pays déjà là est le même."""
        with transaction.atomic(), connection.cursor() as curseur:
            for table, lignes in self.lignes.items():
                curseur.execute(
                    f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s) "
                    "ON CONFLICT DO NOTHING",
                    [lignes],
                )
        shutil.copytree(self.fichiers, settings.FICHIERS_DIR, dirs_exist_ok=True)


def prendre(construire: Callable[[], object], dossier: Path) -> Cliche:
    """Construit, copie, défait. À appeler hors de tout test, la base étant vide."""
    dossier.mkdir(exist_ok=True)
    with override_settings(**rangement(dossier)), transaction.atomic(), connection.cursor() as curseur:
        objet = construire()
        lignes = {}
        for table in connection.introspection.table_names(curseur):
            if table not in DEJA_LA:
                curseur.execute(f"SELECT json_agg(t)::text FROM {table} AS t")
                if contenu := curseur.fetchone()[0]:
                    lignes[table] = contenu
        transaction.set_rollback(True)
    return Cliche(lignes, dossier, getattr(objet, "pk", None))
