"""Nos gabarits, par leur nom."""

from pathlib import Path

RACINE = Path(__file__).resolve().parent.parent
APPS = ["anef", "documents", "notifications", "usagers", "demandes", "instruction"]


def gabarits() -> dict[str, Path]:
    dossiers = [RACINE / "templates", *(RACINE / app / "templates" for app in APPS)]
    return {
        chemin.relative_to(dossier).as_posix(): chemin
        for dossier in dossiers
        for chemin in sorted(dossier.rglob("*"))
        if chemin.is_file()
    }
