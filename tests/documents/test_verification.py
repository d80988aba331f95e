"""États d'un 2D-Doc, dans leur ordre ; lecture de texte, d'image, de PDF ; la commande."""

import datetime as dt
import io
import json
import re
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from documents import autorite, deuxd_doc, lecteur, operations, symbole, verification
from documents.autorite import lire_certificat
from documents.verification import Etat, Signature
from tests.documents.donnees import DECISION
from tests.documents.test_deuxd_doc import ENGENDRES, NOMS_OFFICIELS, OFFICIELS, SPECIMEN, VECTEURS, octets

pytestmark = pytest.mark.django_db
LE, UN_JOUR = timezone.now(), dt.timedelta(days=1)
PUBLIC = lire_certificat(VECTEURS["certificate"]["pem"].encode())


@pytest.fixture
def signe(etablir):
    """`signe(donnees)` : (document, octets du code signé)."""

    def faire(donnees=DECISION, **options):
        document = etablir(donnees, **options)
        return document, deuxd_doc.signer(document.code_2d, autorite.cle_privee(document.certificat)).encode()

    return faire


def verdict(brut, *, le=LE, certificats=()):
    rendu = verification.verifier(brut, le=le, certificats=certificats)
    return rendu.etat, rendu.signature


# --- États -----------------------------------------------------------------------------------------------------------


def test_un_document_de_la_maison_est_authentique(signe):
    document, brut = signe()
    rendu = verification.verifier(brut, le=LE)

    assert (rendu.etat, rendu.signature) == (Etat.AUTHENTIQUE, Signature.VALIDE)
    assert rendu.document == document
    assert rendu.champs_surs


def test_le_lendemain_de_sa_fin_il_est_expire(signe):
    _, brut = signe()
    fin = dt.datetime(2046, 11, 22, 22, 59, tzinfo=dt.UTC)  # 23 h 59 à Paris

    assert verdict(brut, le=fin)[0] == Etat.AUTHENTIQUE
    assert verdict(brut, le=fin + dt.timedelta(minutes=1)) == (Etat.EXPIRE, Signature.VALIDE)


def test_remplace_l_emporte_sur_expire_et_retire_sur_remplace(signe, etablir):
    document, brut = signe()
    apres = LE + dt.timedelta(days=3650)
    operations.remplacer(document, par_document=etablir(DECISION), le=LE)
    assert verdict(brut, le=apres) == (Etat.REMPLACE, Signature.VALIDE)

    operations.retirer(document, motif="Fraude", le=LE)
    assert verdict(brut, le=apres) == (Etat.RETIRE, Signature.VALIDE)


def test_un_caractere_change_et_la_signature_n_est_plus_bonne(signe):
    document, brut = signe()
    operations.retirer(document, motif="Fraude", le=LE)

    assert verdict(brut.replace(b"62JOHN", b"62JEAN")) == (Etat.SIGNATURE_INVALIDE, Signature.INVALIDE)


def test_un_certificat_revoque_l_emporte_sur_la_signature(signe, settings, tmp_path):
    settings.DEUXD_DOC_DOSSIER = tmp_path
    autorite.creer_autorite_test(le=LE)
    _, brut = signe()
    autorite.revoquer("FR00", "AN13", le=LE)

    assert verdict(brut) == (Etat.CERTIFICAT_REVOQUE, Signature.VALIDE)
    assert verdict(brut.replace(b"62JOHN", b"62JEAN")) == (Etat.CERTIFICAT_REVOQUE, Signature.INVALIDE)
    assert not verification.verifier(brut, le=LE).champs_surs


@pytest.mark.parametrize("quand", ["avant", "après", "sans date"])
def test_une_date_de_signature_hors_du_certificat(signe, quand):
    document, _ = signe()
    certificat, jour = autorite.certificat("FR00", "AN13"), deuxd_doc.SANS_DATE
    if quand != "sans date":
        bord = certificat.du - UN_JOUR if quand == "avant" else certificat.au + UN_JOUR
        jour = deuxd_doc.jours_hexa(bord)
    donnees = document.code_2d[:16] + jour + document.code_2d[20:]
    brut = deuxd_doc.signer(donnees, autorite.cle_privee("FR00AN13")).encode()

    assert verdict(brut) == (Etat.HORS_VALIDITE, Signature.VALIDE)
    assert verdict(brut.replace(b"62JOHN", b"62JEAN")) == (Etat.HORS_VALIDITE, Signature.INVALIDE)


def test_un_certificat_inconnu(signe):
    _, brut = signe()

    assert verdict(brut.replace(b"FR00AN13", b"FR00ZZ99")) == (Etat.CERTIFICAT_INCONNU, Signature.NON_VERIFIABLE)
    assert verdict(brut.replace(b"FR00AN13", b"FR05AN13")) == (Etat.CERTIFICAT_INCONNU, Signature.NON_VERIFIABLE)


def test_un_autre_type_garde_sa_signature_et_n_a_pas_de_champs():
    autre = next(v for v in OFFICIELS if v["document_type"] == "15")
    rendu = verification.verifier(octets(autre), le=LE, certificats=[PUBLIC])

    assert (rendu.etat, rendu.signature) == (Etat.TYPE_NON_PRIS_EN_CHARGE, Signature.VALIDE)
    assert rendu.en_json()["champs"] == {}
    assert rendu.en_json()["entete"]["type"] == "15"


def test_un_code_mal_forme_mais_bien_signe_reste_mal_forme(signe):
    document, _ = signe()
    cle = autorite.cle_privee("FR00AN13")
    brut = deuxd_doc.signer(document.code_2d.replace("68F", "68X"), cle).encode()

    assert verdict(brut) == (Etat.MALFORME, Signature.VALIDE)
    assert verification.verifier(brut, le=LE).en_json()["champs"] == {}
    assert verdict(b"") == (Etat.MALFORME, Signature.NON_VERIFIABLE)


def test_une_cle_d_une_autre_courbe_ne_valide_rien(signe):
    document, _ = signe()
    brut = deuxd_doc.signer(document.code_2d, ec.generate_private_key(ec.SECP384R1())).encode()

    assert verdict(brut) == (Etat.SIGNATURE_INVALIDE, Signature.INVALIDE)


@pytest.mark.parametrize("vecteur", OFFICIELS, ids=NOMS_OFFICIELS)
def test_les_specimens_officiels_sont_hors_de_la_validite_du_certificat_public(vecteur):
    rendu = verification.verifier(octets(vecteur), le=LE, certificats=[PUBLIC])

    assert rendu.signature == Signature.VALIDE
    attendu = Etat.HORS_VALIDITE if vecteur["document_type"] == "13" else Etat.TYPE_NON_PRIS_EN_CHARGE
    assert rendu.etat == attendu


@pytest.mark.parametrize("vecteur", VECTEURS["negative"], ids=[v["title"] for v in VECTEURS["negative"]])
def test_les_codes_alteres_echouent(vecteur):
    etat, signature = verdict(octets(vecteur), certificats=[PUBLIC])

    assert etat in {Etat.CERTIFICAT_INCONNU, Etat.HORS_VALIDITE}
    assert signature != Signature.VALIDE


def test_un_certificat_donne_ne_fait_pas_lire_nos_documents(signe, settings):
    """Un code vérifié avec un certificat d'ailleurs ne dit rien de nos lignes, même au même numéro."""
    document, brut = signe()
    operations.retirer(document, motif="Fraude", le=LE)
    pem = (settings.DEUXD_DOC_DOSSIER / "FR00" / "AN13.pem").read_bytes()

    assert verdict(brut, certificats=[lire_certificat(pem)])[0] == Etat.AUTHENTIQUE


def test_l_ordre_des_etats_est_celui_annonce():
    assert Etat.values == [
        "malforme",
        "type_non_pris_en_charge",
        "certificat_inconnu",
        "certificat_revoque",
        "hors_validite",
        "signature_invalide",
        "retire",
        "remplace",
        "expire",
        "authentique",
    ]


def test_un_numero_de_demande_seul_ne_trouve_rien(signe):
    document, _ = signe()

    assert verdict(document.donnees["numero_demande"].encode())[0] == Etat.MALFORME
    assert verdict(document.numero.encode())[0] == Etat.MALFORME


@given(st.binary(max_size=400))
@settings(max_examples=50)
def test_tout_octet_donne_un_etat(brut):
    entete = octets(SPECIMEN)[:26].replace(b"0001", b"AN13")
    for essai in (brut, entete + brut):
        assert verification.verifier(essai, le=LE, certificats=[PUBLIC]).etat in Etat


# --- Trouver le code -------------------------------------------------------------------------------------------------


def image_du_code(brut: bytes, *, format="PNG", pixels=4) -> bytes:
    grille = symbole.modules(brut.decode())
    image = Image.new("L", (len(grille) + 8, len(grille) + 8), 255)
    for y, ligne in enumerate(grille):
        for x, noir in enumerate(ligne):
            image.putpixel((x + 4, y + 4), 0 if noir else 255)
    tampon = io.BytesIO()
    image.resize((image.width * pixels, image.height * pixels), Image.Resampling.NEAREST).save(tampon, format)
    return tampon.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_le_code_se_trouve_dans_une_image(format):
    brut = octets(ENGENDRES[0])

    assert verification.extraire(image_du_code(brut, format=format)) == brut


def test_le_code_se_trouve_dans_une_image_au_pixel_et_dans_une_photo_heic():
    import pillow_heif

    brut = octets(ENGENDRES[0])
    assert verification.extraire(image_du_code(brut, pixels=1)) == brut
    photo = io.BytesIO()
    pillow_heif.from_pillow(Image.open(io.BytesIO(image_du_code(brut))).convert("RGB")).save(photo, quality=90)
    assert verification.extraire(photo.getvalue()) == brut


def test_le_texte_brut_perd_le_saut_de_ligne_de_l_editeur():
    brut = octets(ENGENDRES[0])

    assert verification.extraire(brut + b"\n") == verification.extraire(b"\xef\xbb\xbf" + brut + b"\r\n") == brut


def test_la_signature_binaire_d_un_code_01_n_est_pas_rognee():
    brut = octets(next(v for v in OFFICIELS if v["version"] == "01"))[:-1] + b"\n"

    assert verification.extraire(brut) == brut


def test_l_adresse_d_un_qr_rend_son_code(signe, settings):
    from documents.attestations import adresse_de_verification

    _, brut = signe()
    adresse = "".join(adresse_de_verification(brut.decode()))

    assert re.fullmatch(r"[A-Z0-9 $%*+\-./:]+", adresse.partition("?c=")[2])
    assert verification.extraire(adresse.encode()) == brut
    assert verification.extraire(adresse.encode() + b"\n") == brut


def test_un_texte_colle_retrouve_ses_separateurs():
    texte = octets(ENGENDRES[0]).decode()
    visible = texte.replace("\x1d", "␝").replace("\x1e", "␞").replace("\x1f", "␟")
    balise = texte.replace("\x1d", "<GS>").replace("\x1f", "<US>")

    for colle in (texte, visible, balise, texte[:50] + "\r\n" + texte[50:]):
        assert verification.texte_colle(colle) == texte.encode()


@pytest.mark.parametrize(
    "brut",
    [
        b"",
        b"\x00" * 100,
        b"%PDF-1.7\n",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        b"GIF89a",
        b"bonjour",
        b"http://[",
        b"\xff\xd8\xff",
    ],
)
def test_sans_code_rien_n_est_trouve(brut):
    assert verification.extraire(brut) == b""


def test_une_image_bombe_n_est_pas_ouverte():
    tampon = io.BytesIO()
    Image.new("1", (30000, 30000)).save(tampon, "PNG")

    assert lecteur.codes(tampon.getvalue()) == []


def test_un_lecteur_absent_ne_fait_rien_echouer(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nulle/part")

    assert verification.codes_de_fichier(b"\x89PNG") == []


@given(st.binary(max_size=300), st.sampled_from([b"", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"BM"]))
@settings(max_examples=40, deadline=None)
def test_le_lecteur_ne_leve_jamais(brut, debut):
    assert isinstance(lecteur.codes(debut + brut), list)


# --- La commande -----------------------------------------------------------------------------------------------------


class Entree:
    def __init__(self, contenu):
        self.buffer = io.BytesIO(contenu)


@pytest.fixture
def commande(capsys, tmp_path):
    """`commande(octets, *options)` : (code de sortie, sortie)."""

    def lancer(brut, *options):
        chemin = tmp_path / "code"
        chemin.write_bytes(brut)
        try:
            call_command("verifier_2ddoc", str(chemin), *options)
            sortie = 0
        except SystemExit as fin:
            sortie = fin.code
        return sortie, capsys.readouterr().out

    return lancer


def test_la_commande_rend_zero_pour_un_document_authentique(commande, signe):
    document, brut = signe()

    sortie, ecrit = commande(brut, "--json")

    objet = json.loads(ecrit)
    assert sortie == 0
    assert set(objet) == {"etat", "signature", "entete", "champs"}
    assert (objet["etat"], objet["signature"]) == ("authentique", "valide")
    assert objet["entete"] == {
        "version": "04",
        "autorite": "FR00",
        "certificat": "AN13",
        "date_emission": timezone.localdate().isoformat(),
        "date_signature": timezone.localdate().isoformat(),
        "type": "13",
        "perimetre": "01",
        "pays": "FR",
    }
    assert objet["champs"]["01"] == document.numero
    assert objet["champs"]["60"] == "JULIE"


def test_la_commande_lit_le_pdf_et_l_image(commande, signe):
    document, brut = signe()

    assert commande(operations.produire(document))[0] == 0
    assert commande(image_du_code(brut))[0] == 0


def test_la_commande_lit_l_entree_standard(monkeypatch, signe, capsys):
    monkeypatch.setattr(sys, "stdin", Entree(signe()[1]))

    call_command("verifier_2ddoc")

    assert "État : authentique" in capsys.readouterr().out


def test_la_commande_rend_un_pour_tout_autre_etat(commande, signe, tmp_path):
    certificat = tmp_path / "public.pem"
    certificat.write_text(VECTEURS["certificate"]["pem"])

    assert commande(b"n'importe quoi")[0] == 1
    sortie, ecrit = commande(octets(SPECIMEN), "--json", "--certificat", str(certificat))
    objet = json.loads(ecrit)
    assert sortie == 1
    assert (objet["etat"], objet["signature"]) == ("hors_validite", "valide")
    assert objet["champs"]["6M"] == "ENFANT ENTRE PAR REGROUPEMENT FAMILIAL"
    sortie, ecrit = commande(octets(OFFICIELS[0]) + b"\n", "--certificat", str(certificat), str(certificat))
    assert "type_non_pris_en_charge" in ecrit


def test_la_commande_dit_les_champs_coupes_la_faute_et_l_annexe(commande):
    assert "6M : CARTE DE SEJOUR CITOYEN UE EEE SUISSE T (coupé)" in commande(octets(ENGENDRES[2]))[1]
    assert "annexe présente, non signée" in commande(octets(ENGENDRES[0]) + b"\x1dA0")[1]
    assert "Faute : " in commande(octets(SPECIMEN)[:-3])[1]


def test_la_commande_refuse_un_fichier_absent_ou_un_certificat_illisible(tmp_path):
    with pytest.raises(CommandError) as refus:
        call_command("verifier_2ddoc", str(tmp_path / "absent"))
    assert refus.value.returncode == 2
    (tmp_path / "faux.pem").write_text("rien")
    with pytest.raises(CommandError):
        call_command("verifier_2ddoc", str(tmp_path / "faux.pem"), "--certificat", str(tmp_path / "faux.pem"))
