"""La page publique de vérification : chaque état, rien d'autre que ce que porte le code, jamais un 500."""

import html
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from documents import autorite, deuxd_doc, freins, operations
from documents.attestations import adresse_de_verification
from documents.models import Fichier
from documents.presentation import EXPLICATIONS, GENRES, LIBELLES
from documents.verification import TAILLE_MAXIMALE, Etat
from tests.documents.donnees import DECISION, VISA
from tests.documents.test_deuxd_doc import OFFICIELS, octets

pytestmark = pytest.mark.django_db


@pytest.fixture
def url():
    return reverse("documents:verifier")


@pytest.fixture
def signe(etablir):
    def faire(donnees=DECISION):
        document = etablir(donnees)
        return document, deuxd_doc.signer(document.code_2d, autorite.cle_privee("FR00AN13"))

    return faire


def lu(reponse) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", reponse.content.decode())))


def test_la_page_s_ouvre_sans_compte(client, url):
    reponse = client.get(url)

    assert reponse.status_code == 200
    assert "Vérifier un document" in lu(reponse)
    assert "no-store" in reponse["Cache-Control"]


def test_un_texte_colle_authentique_montre_ce_que_porte_le_code(client, url, signe):
    document, code = signe()

    dit = lu(client.post(url, {"texte": code}))

    assert "Document authentique" in dit
    assert "Comparez maintenant, ligne par ligne" in dit
    for valeur in (
        "Attestation de décision favorable sur une demande de titre de séjour",
        document.numero,
        "7502202611220000030",
        "JOHN",
        "JULIE",
        "07/02/1993",
        "18 RUE DES PYRENEES",
        "23/11/2026",
        "22/11/2046",
        "AUTORISE A TRAVAILLER A TITRE ACCESSOIRE",
    ):
        assert valeur in dit
    assert f"Vérifié le {timezone.localdate():%d/%m/%Y} à " in dit
    assert "document de démonstration, sans valeur juridique" in dit


def test_rien_de_plus_que_le_code_n_est_montre(client, url, signe):
    dit = lu(client.post(url, {"texte": signe()[1]}))

    for valeur in ("Malienne", "sejour@prefecture-75.invalid", "Préfecture de police", "75,00", "17:38"):
        assert valeur not in dit


def test_le_qr_donne_la_meme_reponse(client, url, signe, settings):
    document, code = signe(VISA)
    prefixe, suite = adresse_de_verification(code)

    reponse = client.get(prefixe.removeprefix(settings.ADRESSE_DU_SITE) + suite)

    assert "Document authentique" in lu(reponse)
    assert document.numero in lu(reponse)
    assert "no-store" in reponse["Cache-Control"]


def test_le_pdf_et_la_photo_se_verifient_et_ne_sont_pas_gardes(client, url, signe):
    document, _ = signe()
    pdf = operations.produire(document)

    dit = lu(client.post(url, {"fichier": SimpleUploadedFile("a.pdf", pdf, "application/pdf")}))

    assert "Document authentique" in dit
    assert document.numero in dit
    assert not Fichier.objects.exists()


def test_une_image_sans_code_dit_comment_recommencer(client, url):
    tampon = io.BytesIO()
    Image.new("RGB", (50, 50)).save(tampon, "PNG")

    dit = lu(client.post(url, {"fichier": SimpleUploadedFile("a.png", tampon.getvalue())}))

    assert "Code illisible ou mal formé" in dit
    assert "Reprenez la photo de près" in dit


def test_chaque_etat_a_son_titre_et_son_explication(client, url, signe, etablir, settings, tmp_path):
    document, code = signe()

    def etat(texte, le=None):
        return lu(client.post(url, {"texte": texte}))

    assert "Signature invalide" in etat(code.replace("62JOHN", "62JEAN"))
    assert "JEAN" not in etat(code.replace("62JOHN", "62JEAN"))
    assert "Certificat inconnu" in etat(code.replace("FR00AN13", "FR00ZZ99"))
    assert "Type de document non pris en charge" in etat(octets(OFFICIELS[0]).decode())
    vieux = document.code_2d[:16] + "1000" + document.code_2d[20:]
    dit = etat(deuxd_doc.signer(vieux, autorite.cle_privee("FR00AN13")))
    assert "Signé hors de la validité du certificat" in dit
    expire = document.code_2d.replace("6O22112046", "6O22112020")
    assert "mais expiré" in etat(deuxd_doc.signer(expire, autorite.cle_privee("FR00AN13")))
    operations.remplacer(document, par_document=etablir(DECISION), le=timezone.now())
    dit = etat(code)
    assert "Document remplacé" in dit
    assert f"Depuis le {timezone.localdate():%d/%m/%Y}" in dit
    operations.retirer(document, motif="Soupçon de fraude", le=timezone.now())
    dit = etat(code)
    assert "Document retiré" in dit
    assert "Soupçon" not in dit  # le motif ne regarde que l'administration


def test_un_certificat_revoque_ne_montre_aucun_champ(client, url, signe, settings, tmp_path):
    settings.DEUXD_DOC_DOSSIER = tmp_path
    autorite.creer_autorite_test(le=timezone.now())
    _, code = signe()
    autorite.revoquer("FR00", "AN13", le=timezone.now())

    dit = lu(client.post(url, {"texte": code}))

    assert "Certificat révoqué" in dit
    assert "JOHN" not in dit


def test_l_annexe_n_est_pas_montree(client, url, signe):
    dit = lu(client.post(url, {"texte": signe()[1] + "\x1dA0NON SIGNE"}))

    assert "annexe que la signature ne couvre pas" in dit
    assert "NON SIGNE" not in dit


def test_un_champ_abrege_le_dit(client, url, signe):
    nom = "RAKOTOMALALA ANDRIAMANANTENASOA RAZAFINDRAKOTO"
    dit = lu(client.post(url, {"texte": signe(DECISION | {"nom_naissance": nom})[1]}))

    assert "(abrégé dans le code)" in dit


def test_un_envoi_vide_ou_trop_lourd_dit_quoi_faire(client, url):
    dit = client.post(url, {})
    assert dit.status_code == 200
    assert "collez le texte de son code" in lu(dit)
    assert "<title>Erreur :" in dit.content.decode()
    assert "trop long" in lu(client.post(url, {"texte": "A" * 6000}))
    lourd = SimpleUploadedFile("a.pdf", b"0" * (TAILLE_MAXIMALE + 1))
    assert "dépasse 10 Mo" in lu(client.post(url, {"fichier": lourd}))


def test_trop_d_essais_font_attendre(client, url, monkeypatch):
    monkeypatch.setattr(freins, "ESSAIS", 2)
    monkeypatch.setattr(freins.time, "time", lambda: 1_000_000_010)

    codes = [client.post(url, {"texte": "DC"}).status_code for _ in range(3)]

    assert codes == [200, 200, 429]
    reponse = client.get(url, {"c": "DC"})
    assert reponse.status_code == 429
    assert reponse["Retry-After"] == "10"
    assert "Réessayez dans 10 secondes" in lu(reponse)
    assert client.get(url).status_code == 200
    assert client.post(url, {"texte": "DC"}, REMOTE_ADDR="10.0.0.9").status_code == 200
    monkeypatch.setattr(freins.time, "time", lambda: 1_000_000_020)
    assert client.post(url, {"texte": "DC"}).status_code == 200


def test_un_cache_en_panne_ne_ferme_pas_la_page(client, url, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///nulle/part.sock"}
    }

    assert client.post(url, {"texte": "DC"}).status_code == 200


def test_les_autres_methodes_sont_refusees(client, url):
    assert client.put(url).status_code == 405
    assert client.head(url).status_code == 200


def test_chaque_etat_a_de_quoi_se_dire():
    assert set(EXPLICATIONS) == set(Etat)
    assert set(GENRES) <= set(Etat)
    obligatoires = {identifiant for identifiant, champ in deuxd_doc.CHAMPS.items() if champ.obligatoire}
    assert obligatoires <= set(LIBELLES)


def test_la_verification_tient_en_peu_de_requetes(client, url, signe, django_assert_max_num_queries):
    _, code = signe()

    with django_assert_max_num_queries(2):
        client.post(url, {"texte": code})


textes = st.text(max_size=200) | st.binary(max_size=200).map(lambda octets: octets.decode("latin-1"))


@given(texte=textes, entete=st.sampled_from(["", "DC04FR00AN13265E265E1301FR", "DC01", "http://x/?c="]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_aucun_texte_ne_fait_une_erreur(client, url, monkeypatch, texte, entete):
    monkeypatch.setattr(freins, "ESSAIS", 10**9)

    assert client.post(url, {"texte": entete + texte}).status_code == 200
    assert client.get(url, {"c": entete + texte}).status_code == 200


@given(
    contenu=st.binary(max_size=200), debut=st.sampled_from([b"", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_aucun_fichier_ne_fait_une_erreur(client, url, monkeypatch, contenu, debut):
    monkeypatch.setattr(freins, "ESSAIS", 10**9)

    reponse = client.post(url, {"fichier": SimpleUploadedFile("x", debut + contenu)})

    assert reponse.status_code == 200


def test_une_adresse_mal_codee_ne_fait_pas_d_erreur(client, url):
    assert client.get(url + "?c=%FF%FE%00").status_code == 200
    assert client.get(url + "?c=" + "A" * 3000).status_code == 200
    assert client.get(url + "?c").status_code == 200


def test_la_page_existe_en_anglais(client, url, signe):
    _, code = signe()

    reponse = client.post(url, {"texte": code}, headers={"accept-language": "en"})

    assert reponse.status_code == 200
    assert 'lang="en"' in reponse.content.decode()
