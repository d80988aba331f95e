"""Autorité d'essai : idempotence, droits sur la clé, anciens certificats, révocation."""

import datetime as dt
import stat

import pytest
from cryptography import x509
from django.core.management import CommandError, call_command
from django.utils import timezone

from documents import autorite

LE = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def dossier(settings, tmp_path):
    settings.DEUXD_DOC_DOSSIER = tmp_path / "2d-doc"
    return settings.DEUXD_DOC_DOSSIER / "FR00"


def test_l_autorite_se_cree_une_fois(dossier):
    assert autorite.creer_autorite_test(le=LE) == ["FR00", "AN13"]
    avant = {chemin.name: chemin.read_bytes() for chemin in dossier.iterdir()}

    assert autorite.creer_autorite_test(le=LE) == []
    assert {chemin.name: chemin.read_bytes() for chemin in dossier.iterdir()} == avant


def test_les_cles_ne_sont_lisibles_que_de_leur_proprietaire(dossier):
    autorite.creer_autorite_test(le=LE)

    for nom in ("ac.cle.pem", "AN13.cle.pem"):
        assert stat.S_IMODE((dossier / nom).stat().st_mode) == 0o600
    assert stat.S_IMODE(dossier.stat().st_mode) == 0o700


def test_les_certificats_disent_ce_que_la_specification_demande(dossier):
    autorite.creer_autorite_test(le=LE)
    racine = x509.load_pem_x509_certificate((dossier / "ac.pem").read_bytes())
    feuille = autorite.certificat("FR00", "AN13")

    assert autorite.nom_commun(racine.subject) == "FR00"
    assert racine.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (feuille.autorite, feuille.identifiant, feuille.reference) == ("FR00", "AN13", "FR00AN13")
    assert (feuille.au - feuille.du).days in (1096, 1097)
    assert feuille.est_valable(LE.date())
    assert not feuille.est_valable(LE.date() + dt.timedelta(days=1200))
    assert autorite.cle_privee("FR00AN13").public_key() == feuille.cle


def test_un_renouvellement_garde_l_ancien_et_signe_avec_le_nouveau():
    autorite.creer_autorite_test(le=LE)
    plus_tard = LE + dt.timedelta(days=400)

    assert autorite.creer_autorite_test(le=plus_tard, renouveler=True) == ["AN14"]

    assert [c.identifiant for c in autorite.certificats("FR00")] == ["AN13", "AN14"]
    assert autorite.certificat_de_signature(le=plus_tard.date()).identifiant == "AN14"
    assert autorite.certificat_de_signature(le=LE.date()).identifiant == "AN13"


def test_un_certificat_pres_de_sa_fin_est_renouvele_de_lui_meme():
    autorite.creer_autorite_test(le=LE)

    assert autorite.creer_autorite_test(le=LE + dt.timedelta(days=1080)) == ["AN14"]


def test_un_certificat_revoque_ne_signe_plus():
    autorite.creer_autorite_test(le=LE)
    autorite.revoquer("FR00", "AN13", le=LE)
    autorite.revoquer("FR00", "AN13", le=LE + dt.timedelta(days=1))

    assert autorite.certificat("FR00", "AN13").revoque_le == LE
    with pytest.raises(autorite.AutoriteAbsente):
        autorite.certificat_de_signature(le=LE.date())
    assert autorite.creer_autorite_test(le=LE) == ["AN14"]


def test_sans_autorite_rien_ne_se_signe():
    assert autorite.certificat("FR00", "AN13") is None
    with pytest.raises(autorite.AutoriteAbsente):
        autorite.certificat_de_signature(le=LE.date())
    with pytest.raises(autorite.AutoriteAbsente):
        autorite.cle_privee("FR00AN13")
    with pytest.raises(autorite.AutoriteAbsente):
        autorite.revoquer("FR00", "AN13", le=LE)


@pytest.mark.parametrize("code", ["../a", "AN1", "an13", "AN13\n", ""])
def test_un_code_qui_n_en_est_pas_un_ne_touche_aucun_fichier(code):
    autorite.creer_autorite_test(le=LE)

    assert autorite.certificat("FR00", code) is None
    assert autorite.certificat(code, "AN13") is None


def test_un_certificat_d_une_autre_autorite_n_est_pas_reconnu(dossier, settings, tmp_path):
    autorite.creer_autorite_test(le=LE)
    etranger = (dossier / "AN13.pem").read_bytes()
    settings.DEUXD_DOC_DOSSIER = tmp_path / "autre"
    autorite.creer_autorite_test(le=LE)
    (tmp_path / "autre" / "FR00" / "ZZ99.pem").write_bytes(etranger)

    assert autorite.certificat("FR00", "ZZ99") is None


def test_la_commande(capsys):
    call_command("creer_autorite_test")
    call_command("creer_autorite_test")
    call_command("creer_autorite_test", "--revoquer", "AN13")

    sortie = capsys.readouterr().out
    assert "Créés : FR00, AN13." in sortie
    assert "Rien à faire" in sortie
    assert "AN13 révoqué" in sortie
    assert autorite.certificat_de_signature(le=timezone.localdate()).identifiant == "AN14"


def test_la_commande_refuse_la_production_et_un_certificat_inconnu(settings):
    with pytest.raises(CommandError):
        call_command("creer_autorite_test", "--revoquer", "ZZ99")
    settings.DEMONSTRATION = False
    with pytest.raises(CommandError):
        call_command("creer_autorite_test")
