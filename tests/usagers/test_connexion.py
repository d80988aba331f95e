"""Entrer par l'un de ses identifiants, être freiné, sortir, rester connecté, changer de langue."""

import datetime as dt

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from tests.factories import CompteFactory, UsagerFactory
from tests.usagers.conftest import MOT_DE_PASSE
from usagers import freins
from usagers.freins import CONNEXION_ADRESSE, CONNEXION_COMPTE, Frein, TropDEssais, adresse_du_client
from usagers.models import Compte, Identifiant, Tentative

CONNEXION = "/compte/connexion/"
SUITE = "/compte/informations/"


@pytest.fixture
def usager(db):
    """KARL a un n° étranger ; son ancien n° de visa reste accepté."""
    usager = UsagerFactory(compte__identifiant="5903006620")
    Identifiant.objects.create(valeur="FRA012345678", compte=usager.compte, nature=Identifiant.Nature.VISA)
    return usager


def se_connecter(client, identifiant, mot_de_passe=MOT_DE_PASSE, **donnees):
    return client.post(CONNEXION, {"username": identifiant, "password": mot_de_passe, "next": SUITE, **donnees})


# --- Entrer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("saisie", ["5903006620", " 5903 006 620 ", "FRA012345678", "fra 012 345 678", "012345678"])
def test_tout_identifiant_accepte_ouvre_la_session(client, usager, saisie):
    assert se_connecter(client, saisie).url == SUITE
    assert client.get(SUITE).status_code == 200


@pytest.mark.parametrize(
    ("identifiant", "mot_de_passe"),
    [
        ("5903006620", "faux"),
        ("9999999999", MOT_DE_PASSE),
        ("u@exemple.invalid", MOT_DE_PASSE),
        ("-", "x"),
    ],
)
def test_un_refus_ne_dit_pas_ce_qui_est_faux(client, usager, identifiant, mot_de_passe):
    reponse = se_connecter(client, identifiant, mot_de_passe)
    assert reponse.status_code == 200
    assert "correspond pas" in reponse.content.decode()
    assert not client.session.get("_auth_user_id")


def test_un_caractere_nul_n_est_qu_un_refus(client, usager):
    assert se_connecter(client, "\x00", "x").status_code == 200


def test_le_courriel_n_est_jamais_un_identifiant(client, usager):
    se_connecter(client, usager.compte.courriel)
    assert client.get(SUITE).status_code == 302


def test_un_compte_ferme_n_entre_pas(client, usager):
    Compte.objects.update(is_active=False)
    assert "correspond pas" in se_connecter(client, "5903006620").content.decode()


def test_les_champs_vides_disent_quoi_saisir_sans_compter_d_essai(client, usager):
    contenu = client.post(CONNEXION, {}).content.decode()
    assert "Saisissez votre identifiant" in contenu
    assert "Saisissez votre mot de passe" in contenu
    assert "<title>Erreur" in contenu
    assert not Tentative.objects.exists()


def test_un_agent_est_renvoye_a_sa_porte(client, db):
    CompteFactory(identifiant="agent.paris", nature="agent", is_staff=True)
    assert "espace des agents" in se_connecter(client, "agent.paris").content.decode()
    assert "correspond pas" in se_connecter(client, "agent.paris", "faux").content.decode()
    assert not client.session.get("_auth_user_id")


def test_un_agent_connecte_n_a_pas_les_pages_d_un_usager(client, db):
    agent = CompteFactory(identifiant="agent.paris", nature="agent", is_staff=True)
    client.force_login(agent, backend="usagers.backends.IdentifiantBackend")
    assert client.get(SUITE).status_code == 404
    assert client.get(CONNEXION).url == reverse("admin:index")


def test_la_forme_tapee_l_emporte_sur_le_visa_qu_elle_abrege(usager):
    court = CompteFactory(identifiant="012345678")
    requete = RequestFactory().post(CONNEXION)
    assert authenticate(requete, username="012345678", password=MOT_DE_PASSE) == court
    assert authenticate(requete, username="FRA012345678", password=MOT_DE_PASSE) == usager.compte


def test_chercher_un_compte_coute_autant_qu_il_existe_ou_non(usager, django_assert_num_queries):
    from usagers.backends import IdentifiantBackend

    for identifiant in ("5903006620", "9999999999"):
        with django_assert_num_queries(1):
            IdentifiantBackend().authenticate(None, username=identifiant, password="faux")


def test_un_identifiant_inconnu_calcule_aussi_une_empreinte(usager, monkeypatch):
    from usagers.backends import IdentifiantBackend

    calculs = []
    monkeypatch.setattr(Compte, "set_password", lambda self, mot: calculs.append(mot))
    IdentifiantBackend().authenticate(None, username="9999999999", password="faux")
    assert calculs == ["faux"]


def test_sans_identifiant_le_backend_passe_son_tour(db):
    from usagers.backends import IdentifiantBackend

    assert IdentifiantBackend().authenticate(None, token="x") is None


@pytest.mark.parametrize("suite", ["https://ailleurs.invalid/", "//ailleurs.invalid/", "javascript:alert(1)"])
def test_la_suite_ne_mene_jamais_ailleurs(client, usager, suite):
    reponse = client.post(CONNEXION, {"username": "5903006620", "password": MOT_DE_PASSE, "next": suite})
    assert reponse.url == reverse("demandes:espace")


def test_une_page_privee_ramene_a_la_connexion_puis_a_elle_meme(client, usager):
    reponse = client.get(SUITE)
    assert reponse.url == f"{CONNEXION}?next={SUITE}"
    page = client.get(reponse.url).content.decode()
    assert f'name="next" value="{SUITE}"' in page
    assert "ce que vous aviez enregistré est gardé" in page


def test_la_page_a_les_deux_cotes_du_guide(client, db, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        page = client.get(CONNEXION).content.decode()
    for texte in (
        "Vous avez déjà un compte",
        "OU",
        "Créez votre compte",
        "N°\u00a0de votre visa",
        "Mot de passe oublié",
    ):
        assert texte in page
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page


def test_deja_connecte_la_page_de_connexion_mene_a_l_espace(client, usager):
    se_connecter(client, "5903006620")
    assert client.get(CONNEXION).url == reverse("demandes:espace")


# --- Freins ------------------------------------------------------------------------------------------------------


def test_cinq_essais_bloquent_le_compte_quel_que_soit_l_identifiant_et_disent_la_sortie(client, usager):
    for identifiant in ("5903006620", "FRA012345678", "012345678", "5903-006-620"):
        assert se_connecter(client, identifiant, "faux").status_code == 200
    with time_machine.travel(timezone.now(), tick=False):
        reponse = se_connecter(client, "5903006620", "faux")
    page = reponse.content.decode()
    assert reponse.status_code == 429
    assert reponse["Retry-After"] == "900"
    assert "Réessayez dans 15 minutes" in page
    assert reverse("usagers:mot_de_passe_oublie") in page
    assert AccessAttempt.objects.get().username == "5903006620"

    assert se_connecter(client, "012345678").status_code == 429


def test_le_blocage_est_le_meme_pour_un_identifiant_inconnu(client, usager):
    statuts = [se_connecter(client, "9999999999", "faux").status_code for _ in range(5)]
    assert statuts == [200] * 4 + [429]


def test_un_essai_pendant_le_blocage_ne_l_allonge_pas(client, usager):
    debut = timezone.now()
    with time_machine.travel(debut, tick=False):
        for _ in range(5):
            se_connecter(client, "5903006620", "faux")
    with time_machine.travel(debut + dt.timedelta(minutes=10), tick=False):
        assert "Réessayez dans 5 minutes" in se_connecter(client, "5903006620", "faux").content.decode()
    with time_machine.travel(debut + dt.timedelta(minutes=16), tick=False):
        assert se_connecter(client, "5903006620").status_code == 302


def test_le_blocage_ne_vaut_que_depuis_l_adresse_qui_s_est_trompee(client, usager):
    for _ in range(5):
        se_connecter(client, "5903006620", "faux")
    assert se_connecter(Client(REMOTE_ADDR="192.0.2.7"), "5903006620").status_code == 302


def test_un_compte_vise_de_partout_est_freine(client, usager):
    for rang in range(CONNEXION_COMPTE.essais):
        se_connecter(Client(REMOTE_ADDR=f"192.0.2.{rang + 1}"), "5903006620", "faux")
    assert se_connecter(client, "FRA012345678").status_code == 429
    assert se_connecter(client, "9999999999", "faux").status_code == 200


def test_une_adresse_qui_essaie_beaucoup_de_comptes_est_freinee(client, usager):
    for rang in range(CONNEXION_ADRESSE.essais):
        assert se_connecter(client, f"9999{rang:06}", "faux").status_code == 200
    assert se_connecter(client, "5903006620").status_code == 429


def test_un_frein_se_desserre_a_l_heure_dite(db):
    frein, le = Frein("essai", 2, dt.timedelta(minutes=10)), timezone.now()
    freins.compter((frein, "A"), le=le)
    freins.compter((frein, "a"), le=le + dt.timedelta(minutes=4))
    with pytest.raises(TropDEssais) as refus:
        freins.compter((frein, "a"), le=le + dt.timedelta(minutes=5))
    assert refus.value.jusqu_a == le + dt.timedelta(minutes=10)
    with pytest.raises(TropDEssais) as refus:
        freins.verifier((frein, "a"), le=le + dt.timedelta(minutes=5))
    assert refus.value.jusqu_a == le + dt.timedelta(minutes=10)
    freins.compter((frein, "autre"), le=le)
    freins.compter((frein, "a"), le=le + dt.timedelta(minutes=11))


def test_une_tentative_ne_garde_ni_numero_ni_adresse_et_ne_dure_qu_un_jour(client, usager):
    se_connecter(client, "5903006620", "faux")
    gardees = [tentative.empreinte for tentative in Tentative.objects.all()]
    assert len(gardees) == 2
    assert all(len(empreinte) == 64 for empreinte in gardees)
    freins.compter((CONNEXION_ADRESSE, "192.0.2.1"), le=timezone.now() + dt.timedelta(days=2))
    assert Tentative.objects.count() == 1


@pytest.mark.parametrize(
    ("derriere", "relais", "attendue"),
    [
        (False, "203.0.113.9", "127.0.0.1"),
        (True, "", "127.0.0.1"),
        (True, "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (True, "n'importe quoi", "127.0.0.1"),
    ],
)
def test_l_adresse_vient_du_mandataire_de_confiance(settings, derriere, relais, attendue):
    settings.DERRIERE_MANDATAIRE_HTTPS = derriere
    assert adresse_du_client(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=relais)) == attendue


# --- Sortir, rester, choisir sa langue ---------------------------------------------------------------------------


def test_la_deconnexion_se_fait_en_post(client, usager):
    se_connecter(client, "5903006620")
    assert client.get("/compte/deconnexion/").status_code == 405
    assert client.get(SUITE).status_code == 200
    assert client.post("/compte/deconnexion/").url == reverse("demandes:accueil")
    assert client.get(SUITE).status_code == 302


def test_a_l_expiration_la_page_ramene_a_la_connexion_et_le_dit(client, usager):
    se_connecter(client, "5903006620")
    reponse = client.post("/compte/deconnexion/", {"expiration": "1", "next": SUITE})
    assert reponse.url == f"{CONNEXION}?expire=1&next=%2Fcompte%2Finformations%2F"
    page = client.get(reponse.url).content.decode()
    assert "Vous avez été déconnecté" in page
    assert "30 minutes" in page


def test_a_l_expiration_la_suite_ne_mene_jamais_ailleurs(client, usager):
    reponse = client.post("/compte/deconnexion/", {"expiration": "1", "next": "https://ailleurs.invalid/"})
    assert reponse.url == f"{CONNEXION}?expire=1"


def test_rester_connecte_repond_la_duree_et_repousse_la_fin(client, usager):
    debut = timezone.now()
    with time_machine.travel(debut, tick=False):
        se_connecter(client, "5903006620")
    with time_machine.travel(debut + dt.timedelta(minutes=29), tick=False):
        assert client.get("/compte/session/").status_code == 405
        assert client.post("/compte/session/").json() == {"duree": 1800}
    with time_machine.travel(debut + dt.timedelta(minutes=58), tick=False):
        assert client.get(SUITE).status_code == 200
    with time_machine.travel(debut + dt.timedelta(minutes=89), tick=False):
        reponse = client.post("/compte/session/")
        assert (reponse.status_code, reponse.json()) == (401, {"duree": 0})


def test_la_boite_d_expiration_n_est_que_sur_les_pages_d_un_usager_connecte(client, usager):
    assert "data-session" not in client.get(CONNEXION).content.decode()
    se_connecter(client, "5903006620")
    assert 'data-duree="1800"' in client.get(SUITE).content.decode()


def test_la_langue_du_compte_suit_la_connexion(client, usager):
    Compte.objects.update(langue="en")
    reponse = se_connecter(client, "5903006620")
    assert reponse.cookies["django_language"].value == "en"


def test_la_langue_choisie_avant_de_se_connecter_l_emporte(client, usager):
    client.post(reverse("set_language"), {"language": "en", "next": CONNEXION})
    assert se_connecter(client, "5903006620").cookies["django_language"].value == "en"
    assert Compte.objects.get().langue == "en"


def test_la_langue_choisie_une_fois_connecte_est_gardee(client, usager):
    se_connecter(client, "5903006620")
    reponse = client.post(reverse("set_language"), {"language": "en", "next": SUITE})
    assert reponse.url == SUITE
    assert Compte.objects.get().langue == "en"
    client.post(reverse("set_language"), {"language": "xx", "next": SUITE})
    assert Compte.objects.get().langue == "en"
