"""Les liens vers d'autres sites vivent tous dans un fichier, et disent ce qu'ils font."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.template.loader import render_to_string

from demandes.portail.liens import LIENS

GABARITS = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))


@pytest.mark.parametrize("lien", LIENS.values(), ids=LIENS)
def test_un_lien_externe_est_bien_forme(lien):
    adresse = urlsplit(lien.url)
    assert adresse.scheme == "https"
    assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", adresse.hostname)
    assert not adresse.username
    assert not adresse.port
    assert "noopener" in lien.rel.split()
    assert str(lien.texte).strip()


def test_un_lien_externe_annonce_la_nouvelle_fenetre():
    rendu = render_to_string("composants/lien_externe.html", {"lien": LIENS["timbre"]})
    assert 'rel="noopener external"' in rendu
    assert "(nouvelle fenêtre)" in rendu


def test_aucun_gabarit_n_ecrit_lui_meme_un_lien_externe():
    fautes = [
        str(gabarit)
        for gabarit in GABARITS
        if re.search(r'href="https?://', gabarit.read_text()) and "courriels" not in gabarit.parts
    ]
    assert not fautes


def test_chaque_lien_sert():
    utilises = " ".join(gabarit.read_text() for gabarit in GABARITS)
    assert [cle for cle in LIENS if f"liens.{cle}" not in utilises] == []
