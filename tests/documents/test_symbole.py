"""Data Matrix : mêmes modules que les symboles officiels, relus par un décodeur indépendant."""

import hashlib
import io

import pytest
import zxingcpp
from PIL import Image

from documents import symbole
from documents.deuxd_doc import NonEncodable
from tests.documents.test_deuxd_doc import ENGENDRES, OFFICIELS, SPECIMEN, VECTEURS

C40_PURS = [vecteur for vecteur in OFFICIELS if vecteur.get("pure_c40_module_identical")]


def empreinte(texte: str) -> str:
    lignes = symbole.modules(texte)
    return hashlib.sha256("".join(str(module) for ligne in lignes for module in ligne).encode()).hexdigest()


def relire(texte: str) -> str:
    grille = symbole.modules(texte)
    image = Image.new("L", (len(grille) + 4, len(grille) + 4), 255)
    for y, ligne in enumerate(grille):
        for x, noir in enumerate(ligne):
            image.putpixel((x + 2, y + 2), 0 if noir else 255)
    image = image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST)
    return zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.DataMatrix)[0].bytes.decode()


@pytest.mark.parametrize("texte, mots", VECTEURS["primitives"]["c40_codewords_hex"].items())
def test_les_mots_c40(texte, mots):
    assert symbole.mots_c40(texte).hex().upper() == mots


@pytest.mark.parametrize("vecteur", [SPECIMEN, *ENGENDRES], ids=lambda v: v.get("title", "spécimen officiel"))
def test_les_modules_sont_ceux_attendus(vecteur):
    cote = len(symbole.modules(vecteur["raw"]))

    assert f"{cote}x{cote}" == vecteur["symbol"]
    assert empreinte(vecteur["raw"]) == vecteur["modules_sha256"]


@pytest.mark.parametrize("vecteur", C40_PURS, ids=lambda v: v["version"] + v["document_type"])
def test_le_symbole_a_la_taille_officielle_et_se_relit(vecteur):
    cote = len(symbole.modules(vecteur["raw"]))

    assert f"{cote}x{cote}" == vecteur["symbol"]
    assert relire(vecteur["raw"]) == vecteur["raw"]


@pytest.mark.parametrize("longueur", range(1, 60))
def test_toute_longueur_se_relit(longueur):
    texte = ("AB\x1dC/1" * 12)[-longueur:]

    assert relire(texte) == texte


@pytest.mark.parametrize("texte", ["", "minuscule", "É", "A/", "A" * 2400])
def test_ce_qui_ne_tient_pas_est_refuse(texte):
    with pytest.raises(NonEncodable):
        symbole.modules(texte)


def test_le_svg_mesure_ce_qu_il_dit():
    dessin = symbole.svg_2d_doc(SPECIMEN["raw"])

    assert 'width="27.20mm"' in dessin  # (64 + 2 × 2) × 0,40
    assert dessin.count("<path") == 2


def test_le_qr_compact_porte_l_adresse_et_la_suite():
    prefixe, suite = "https://exemple.invalid/verifier/?c=", "DC04FR00%1D12"
    png, cote = symbole.png_qr(prefixe, suite)
    image = Image.open(io.BytesIO(png))

    lu = zxingcpp.read_barcodes(image)[0]

    assert lu.text == prefixe + suite
    assert cote == pytest.approx(image.width / 6 * symbole.MODULE_QR_MM)
