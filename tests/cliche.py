"""Une situation coûteuse se construit une fois ; chaque test en reçoit les lignes et les fichiers, à l'identique."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model
from django.test import override_settings

# Deux tests reçoivent la même personne, sous le même numéro : les essais de l'un freineraient l'autre.
PREFIXE_DU_CACHE = [""]
# Ce que les migrations écrivent : chaque base d'essai l'a déjà.
DEJA_LA = {"django_migrations", "django_content_type", "auth_permission"}


def rangement(dossier: Path) -> dict:
    """Les réglages qui rangent les fichiers dans ce dossier, hors de toute installation."""
    par_defaut = {**settings.STORAGES["default"], "OPTIONS": {"location": dossier, "base_url": None}}
    return {"FICHIERS_DIR": dossier, "STORAGES": {**settings.STORAGES, "default": par_defaut}}


def cle_de_cache(cle: str, prefixe: str, version: int) -> str:
    """La clé d'une valeur du cache, propre au test en cours dans tous les fils de ce processus."""
    return f"{PREFIXE_DU_CACHE[0]}:{prefixe}:{version}:{cle}"


@dataclass(frozen=True)
class Cliche:
    """`lignes` : par table, les siennes en JSON ; `objet` : son modèle et sa clé, s'il en est resté un."""

    lignes: dict[str, str]
    fichiers: Path
    objet: tuple[type[Model], int] | None

    def remettre(self) -> Model | None:
        """L'objet, relu. Les suites ne reculent jamais : ces clés sont libres. Ce qui est déjà là est le même."""
        ordres = (
            f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s) ON CONFLICT DO NOTHING"
            for table in self.lignes
        )
        with transaction.atomic(), connection.cursor() as curseur:
            curseur.execute(";".join(ordres), list(self.lignes.values()))  # un seul aller-retour
        shutil.copytree(self.fichiers, settings.FICHIERS_DIR, dirs_exist_ok=True)
        if self.objet is None:
            return None
        modele, cle = self.objet
        return modele._default_manager.get(pk=cle)


def prendre(construire: Callable[[Model | None], Model | None], dossier: Path, *, sur: Cliche | None = None) -> Cliche:
    """Construit sur l'objet d'un autre cliché, copie, défait. À appeler hors de tout test, la base étant vide."""
    dossier.mkdir(exist_ok=True)
    with override_settings(**rangement(dossier)), transaction.atomic(), connection.cursor() as curseur:
        objet = construire(sur.remettre() if sur else None)
        lignes = {}
        for table in connection.introspection.table_names(curseur):
            if table not in DEJA_LA:
                curseur.execute(f"SELECT json_agg(t)::text FROM {table} AS t")
                if contenu := curseur.fetchone()[0]:
                    lignes[table] = contenu
        transaction.set_rollback(True)
    return Cliche(lignes, dossier, (type(objet), objet.pk) if objet else None)
