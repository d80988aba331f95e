"""Chaque icône écrite dans une page est déclarée dans la feuille de style, et son dessin existe."""

import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

RACINE = Path(settings.BASE_DIR)
FEUILLE = (RACINE / "static" / "css" / "anef.css").read_text()
DECLAREES = dict(re.findall(r'\.(fr-icon-[a-z0-9-]+)::before[^{]+{ --icone: url\("\.\./([^"]+)"\); }', FEUILLE))


def employees():
    sources = [*(RACINE / "templates").rglob("*.html"), *(RACINE / "static" / "js").glob("*.js")]
    sources += [f for app in ["usagers", "demandes", "documents", "instruction"] for f in (RACINE / app).rglob("*.py")]
    return {nom for source in sources for nom in re.findall(r"fr-icon-[a-z0-9][a-z0-9-]*", source.read_text())}


def test_chaque_icone_employee_est_declaree():
    assert sorted(employees() - DECLAREES.keys()) == []


def test_chaque_icone_declaree_a_un_dessin():
    assert DECLAREES
    assert [nom for nom, chemin in DECLAREES.items() if not finders.find(chemin)] == []
