"""La recherche d'adresses : la base locale, et le géocodeur joué par un vrai serveur HTTP."""

import gzip
import io
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usagers import adresses
from usagers.adresses import AdresseTrouvee, chercher, en_recherche
from usagers.management.commands.charger_lieux import DONNEES
from usagers.models import AdresseLocale, Commune

EN_TETE = "id;numero;rep;nom_voie;code_postal;code_insee;nom_commune"
PYRENEES = "75120_7876_00018;18;;Rue des Pyrénées;75020;75120;Paris 20e Arrondissement"


@pytest.fixture
def demonstration(db):
    call_command("importer_adresses", str(DONNEES / "adresses.demo.csv"), stdout=io.StringIO())


@pytest.fixture
def ban(tmp_path):
    def ecrire(*lignes: str, codage="utf-8"):
        chemin = tmp_path / "ban.csv"
        chemin.write_bytes("\n".join([EN_TETE, *lignes, ""]).encode(codage))
        return chemin

    return ecrire


def importer(chemin, *options) -> tuple[str, int]:
    sortie, code = io.StringIO(), 0
    try:
        call_command("importer_adresses", str(chemin), *options, stdout=sortie)
    except SystemExit as fin:
        code = fin.code
    return sortie.getvalue(), code


# --- Base locale -------------------------------------------------------------------------------------------------


def test_la_frappe_du_guide_propose_les_adresses_du_guide(demonstration):
    assert {adresse.libelle for adresse in chercher("18 rue des pyrè")} == {
        "18 Rue des Pyrénées 31400 Toulouse", "18 Rue des Pyrénées 75020 Paris", "18 Rue des Pyrénées 68100 Mulhouse",
        "18 Rue des Pyrénées 93600 Aulnay-sous-Bois", "18 Rue de Pyrenè 65500 Marsac",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("texte", "premiere"),
    [
        ("18 rue des pyrénées 75020", "18 Rue des Pyrénées 75020 Paris"),
        ("18 RUE DES PYRENEES PARIS", "18 Rue des Pyrénées 75020 Paris"),
        ("18 rue des pirennees paris", "18 Rue des Pyrénées 75020 Paris"),
        ("18 bis rue des pyrenees", "18 bis Rue des Pyrénées 75020 Paris"),
        ("20, rue nationale — Lille", "20 Rue Nationale 59000 Lille"),
        ("place jussieu", "4 Place Jussieu 75005 Paris"),
        ("rue d'ulm", "45 Rue d'Ulm 75005 Paris"),
        ("château marcq en baroeul", "10 Rue du Château 59700 Marcq-en-Barœul"),
    ],
)
def test_l_adresse_cherchee_vient_en_tete(demonstration, texte, premiere):
    assert chercher(texte)[0].libelle == premiere


def test_une_adresse_trouvee_porte_ses_codes(demonstration):
    adresse = chercher("18 rue des pyrenees 75020", limite=1)[0]
    assert (adresse.numero, adresse.voie, adresse.code_postal) == ("18", "Rue des Pyrénées", "75020")
    assert (adresse.commune, adresse.insee, adresse.cle) == ("Paris", "75120", "demo_75120_0002")


@pytest.mark.parametrize(
    "texte", ["", "  ", "18", "é", "a b", "''--", "rue de nulle part qui existe", "99 rue des pyrenees"]
)
def test_rien_ne_ressemble(demonstration, texte):
    trouvees = chercher(texte)
    assert list(trouvees) == []
    assert not trouvees.indisponible


def test_la_limite_est_tenue(demonstration):
    assert len(chercher("rue", limite=3)) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(texte=st.text(max_size=300))
def test_tout_texte_se_cherche(demonstration, texte):
    assert not chercher(texte).indisponible


def test_la_recherche_locale_reste_bornee_et_se_sert_de_l_index(demonstration, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        chercher("18 rue des pirennees")
    with connection.cursor() as curseur:
        curseur.execute("SET LOCAL enable_seqscan = off")
        plan = AdresseLocale.objects.filter(recherche__trigram_word_similar="pyrenees").explain()
        assert "adresse_trigrammes" in plan
        assert "adresse_trigrammes" in AdresseLocale.objects.filter(recherche__contains="pyrenees").explain()


def test_une_base_qui_ne_repond_pas_laisse_la_saisie_libre(demonstration, monkeypatch):
    monkeypatch.setattr(adresses, "REGLAGES", "SELECT 1/0")
    trouvees = chercher("18 rue des pyrenees")
    assert (list(trouvees), trouvees.indisponible) == ([], True)
    assert AdresseLocale.objects.exists()  # la transaction de l'appelant est intacte


def test_le_texte_de_recherche_est_sans_accent_ni_ponctuation():
    assert (
        en_recherche("  18, Rue des Pyrénées — L'Haÿ-les-Roses_Œuvre ") == "18 rue des pyrenees l hay les roses oeuvre"
    )


# --- Import ------------------------------------------------------------------------------------------------------


def test_le_fichier_de_demonstration_se_charge_deux_fois(db):
    assert importer(DONNEES / "adresses.demo.csv") == (
        "Adresses — créées : 68, modifiées : 0, inchangées : 0, refusées : 0\n", 0
    )  # fmt: skip
    assert "créées : 0, modifiées : 0, inchangées : 68" in importer(DONNEES / "adresses.demo.csv")[0]


def test_les_adresses_de_demonstration_sont_dans_des_communes_connues(demonstration):
    call_command("charger_lieux", stdout=io.StringIO())
    communes = set(Commune.objects.values_list("insee", "code_postal", "nom"))
    adresses_connues = AdresseLocale.objects.values_list("insee", "code_postal", "commune")
    assert set(adresses_connues) <= communes


def test_une_ligne_de_la_ban_fait_une_adresse(db, ban):
    assert importer(ban(PYRENEES, "x;18;bis;Rue des Pyrénées;75020;75120;Paris 20e Arrondissement"))[1] == 0
    adresse, bis = AdresseLocale.objects.order_by("cle")
    assert (adresse.numero, adresse.voie, adresse.commune) == ("18", "Rue des Pyrénées", "Paris")
    assert (bis.numero, bis.recherche) == ("18 bis", "18 bis rue des pyrenees 75020 paris")


def test_une_adresse_corrigee_est_mise_a_jour(db, ban):
    importer(ban(PYRENEES))
    assert "modifiées : 1" in importer(ban(PYRENEES.replace("Pyrénées", "Pyrennées")))[0]
    assert AdresseLocale.objects.get().voie == "Rue des Pyrennées"


def test_simuler_n_ecrit_rien(db, ban):
    assert importer(ban(PYRENEES), "--simuler")[0].startswith("Simulation, rien n'est écrit. Adresses — créées : 1")
    assert not AdresseLocale.objects.exists()


@pytest.mark.parametrize(
    ("ligne", "phrase"),
    [
        (";18;;Rue A;75020;75120;Paris", "cle : vide"),
        ("x;18;;;75020;75120;Paris", "voie : vide"),
        ("x;18;;Rue A;7502;75120;Paris", "code_postal : 5 chiffres"),
        ("x;18;;Rue A;75020;7512X;Paris", "code_insee : 5 caractères"),
        ("x;18;;Rue A;75020;75120", "6 valeurs au lieu de 7"),
        (f"x;18;;{'A' * 121};75020;75120;Paris", "voie : trop long"),
    ],
)
def test_une_ligne_impossible_est_refusee_avec_son_rang(db, ban, ligne, phrase):
    sortie, code = importer(ban(ligne, PYRENEES))
    assert code == 1
    assert f"ligne 2 — refusée : {phrase}" in sortie
    assert AdresseLocale.objects.count() == 1


def test_une_ligne_mal_codee_est_refusee(db, ban):
    sortie, code = importer(ban(PYRENEES, codage="latin-1"))
    assert code == 1
    assert "voie : mal codé" in sortie


def test_les_refus_nombreux_sont_seulement_comptes(db, ban):
    sortie, _ = importer(ban(*[";;;;;;"] * 50))
    assert sortie.count("refusée :") == 20
    assert "refusées : 50" in sortie


def test_un_fichier_comprime_se_lit_un_fichier_etranger_est_refuse(db, ban, tmp_path):
    comprime = tmp_path / "ban.csv.gz"
    comprime.write_bytes(gzip.compress(ban(PYRENEES).read_bytes()))
    assert "créées : 1" in importer(comprime)[0]
    autre = tmp_path / "autre.csv"
    autre.write_text("nom;prenom\na;b\n")
    with pytest.raises(CommandError, match="il manque les colonnes id"):
        importer(autre)
    with pytest.raises(CommandError, match="ne peut pas être lu"):
        importer(tmp_path / "absent.csv")


# --- Géoplateforme -----------------------------------------------------------------------------------------------


def trait(**proprietes) -> dict:
    connues = {
        "id": "75120_7876_00018", "type": "housenumber", "housenumber": "18", "street": "Rue des Pyrénées",
        "name": "18 Rue des Pyrénées", "postcode": "75020", "citycode": "75120", "city": "Paris",
    }  # fmt: skip
    return {"type": "Feature", "properties": connues | proprietes}


class Geocodeur:
    """Un serveur HTTP sur la boucle locale, qui répond ce que le test lui demande et note ce qu'on lui demande."""

    def __init__(self):
        self.requetes: list[str] = []
        self.statut, self.corps = 200, json.dumps({"features": [trait()]}).encode()
        self.muet, self.egrene, self.fini = False, False, Event()
        geocodeur = self

        class Reponse(BaseHTTPRequestHandler):
            def do_GET(self):
                geocodeur.repondre(self)

            def log_message(self, *args):
                pass

        self.serveur = ThreadingHTTPServer(("127.0.0.1", 0), Reponse)
        self.adresse = f"http://127.0.0.1:{self.serveur.server_port}/geocodage"
        Thread(target=self.serveur.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def repondre(self, requete: BaseHTTPRequestHandler):
        self.requetes.append(requete.path)
        if self.muet:
            self.fini.wait(10)
            return
        requete.send_response(self.statut)
        requete.send_header("Content-Length", str(len(self.corps)))
        requete.end_headers()
        if not self.egrene:
            requete.wfile.write(self.corps)
            return
        for octet in self.corps:
            if self.fini.wait(0.1):
                return
            try:
                requete.wfile.write(bytes([octet]))
            except OSError:
                return

    def arreter(self):
        self.fini.set()
        self.serveur.shutdown()
        self.serveur.server_close()


@pytest.fixture
def geocodeur(settings, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    serveur = Geocodeur()
    settings.ADRESSES_SERVICE, settings.ADRESSES_URL = "geoplateforme", serveur.adresse
    cache.clear()
    yield serveur
    serveur.arreter()


def test_le_geocodeur_est_interroge_comme_il_le_documente(geocodeur):
    assert chercher("18 rue des  pyrè & Cie") == [
        AdresseTrouvee("75120_7876_00018", "18", "Rue des Pyrénées", "75020", "Paris", "75120")
    ]
    adresse = urlsplit(geocodeur.requetes[0])
    assert adresse.path == "/geocodage/search"
    assert parse_qs(adresse.query) == {
        "q": ["18 rue des pyrè & Cie"], "limit": ["5"], "autocomplete": ["1"], "index": ["address"]
    }  # fmt: skip


def test_une_voie_vaut_une_adresse_une_commune_non(geocodeur):
    voie = trait(type="street", street=None, name="Rue Nationale", city="Lyon 2e Arrondissement")
    del voie["properties"]["housenumber"]
    geocodeur.corps = json.dumps({"features": [trait(type="municipality"), voie]}).encode()
    assert [adresse.libelle for adresse in chercher("rue nationale")] == ["Rue Nationale 75020 Lyon"]


def test_la_limite_est_tenue_meme_si_le_geocodeur_l_ignore(geocodeur):
    geocodeur.corps = json.dumps({"features": [trait()] * 9}).encode()
    assert len(chercher("18 rue des pyrenees", limite=2)) == 2


def test_un_geocodeur_muet_rend_la_main_en_deux_secondes(geocodeur):
    geocodeur.muet = True
    debut = time.monotonic()
    trouvees = chercher("18 rue des pyrenees")
    assert 1.8 < time.monotonic() - debut < 4
    assert (list(trouvees), trouvees.indisponible) == ([], True)


def test_une_reponse_qui_s_egrene_est_abandonnee(geocodeur):
    geocodeur.egrene = True
    debut = time.monotonic()
    assert chercher("18 rue des pyrenees").indisponible
    assert time.monotonic() - debut < 4


@pytest.mark.parametrize(
    ("statut", "corps"),
    [
        (500, b"panne"),
        (503, b""),
        (429, b"{}"),
        (200, b"<html>maintenance</html>"),
        (200, b"\xff\xfe\x00"),
        (200, b"[]"),
        (200, b'{"features": null}'),
        (200, b'{"features": [{}]}'),
        (200, b'{"features": [{"properties": {"type": "street"}}]}'),
        (200, b'{"features": ["' + b"x" * 300_000 + b'"]}'),
    ],
)
def test_une_reponse_inutilisable_laisse_la_saisie_libre(geocodeur, statut, corps):
    geocodeur.statut, geocodeur.corps = statut, corps
    trouvees = chercher("18 rue des pyrenees")
    assert (list(trouvees), trouvees.indisponible) == ([], True)


def test_un_texte_que_le_geocodeur_ne_comprend_pas_n_est_pas_une_panne(geocodeur):
    geocodeur.statut = 400
    for _ in range(5):
        assert not chercher("…18 rue").indisponible
    assert len(geocodeur.requetes) == 5


def test_apres_trois_echecs_le_geocodeur_n_est_plus_appele_puis_il_est_repris(geocodeur, monkeypatch):
    geocodeur.statut = 500
    assert all(chercher("18 rue des pyrenees").indisponible for _ in range(5))
    assert len(geocodeur.requetes) == 3
    geocodeur.statut = 200
    assert chercher("18 rue des pyrenees").indisponible
    cache.delete(adresses.CLE_ECHECS)  # la minute de repos est passée
    assert chercher("18 rue des pyrenees")


def test_un_geocodeur_absent_et_un_cache_en_panne_ne_cassent_rien(geocodeur, settings):
    settings.ADRESSES_URL = "http://127.0.0.1:1/geocodage"
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nulle/part/redis.sock",
        }
    }
    assert chercher("18 rue des pyrenees").indisponible
