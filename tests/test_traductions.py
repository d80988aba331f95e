"""L'anglais de l'usager est complet : pages, courriels et SMS. L'espace des agents reste en français."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RACINE = Path(__file__).resolve().parent.parent
# Ce que seuls des agents lisent.
AGENTS = ("instruction/", "templates/admin/", "templates/instruction/")
SUIVI = ("anef", "documents", "notifications", "usagers", "demandes", "instruction", "templates", "locale")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> Path:
    """Le catalogue anglais tel que `makemessages` le ferait aujourd'hui, dans une copie du dépôt."""
    copie = tmp_path_factory.mktemp("traductions")
    for nom in SUIVI:
        shutil.copytree(RACINE / nom, copie / nom, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    shutil.copy(RACINE / "manage.py", copie)
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "--locale", "en", "--verbosity", "0"],
        cwd=copie,
        env={**os.environ, "PYTHONPATH": str(copie)},
        check=True,
        timeout=120,
    )
    return copie / "locale" / "en" / "LC_MESSAGES" / "django.po"


def entrees(catalogue: Path, *filtre: str) -> list[str]:
    """Les textes que msgattrib retient et qu'un usager peut lire, avec leur endroit."""
    sortie = subprocess.run(
        ["msgattrib", "--no-obsolete", "--no-wrap", *filtre, catalogue], capture_output=True, text=True, check=True
    ).stdout
    retenues = []
    for bloc in re.split(r"\n\n+", sortie):
        endroits = re.findall(r"(\S+):\d+", "\n".join(re.findall(r"^#: (.*)$", bloc, re.MULTILINE)))
        texte = re.search(r'^msgid (.*(?:\n".*)*)', bloc, re.MULTILINE)
        if endroits and texte and not all(endroit.startswith(AGENTS) for endroit in endroits):
            retenues.append(f"{endroits[0]} : {texte[1]}")
    return retenues


def test_le_catalogue_trouve_les_textes_des_pages(catalogue):
    assert len(entrees(catalogue)) > 100


def test_aucun_texte_de_l_usager_n_attend_sa_traduction(catalogue):
    assert entrees(catalogue, "--untranslated") == []


def test_aucune_traduction_n_est_approximative(catalogue):
    assert entrees(catalogue, "--only-fuzzy") == []


def test_aucune_traduction_abandonnee_n_est_gardee():
    for chemin in RACINE.glob("locale/*/LC_MESSAGES/*.po"):
        assert not re.search(r"^#~", chemin.read_text(), re.MULTILINE), chemin
