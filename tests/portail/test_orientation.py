"""L'orientation : trois questions, aucun enregistrement, chaque cas au bon endroit."""

import pytest
from django.core.management import call_command
from django.urls import reverse

from demandes.models import Bareme
from demandes.portail.orientation import SITUATIONS
from tests.factories import SiteFactory, UsagerFactory

pytestmark = pytest.mark.django_db
URL = "/orientation/"


def lire(client, **reponses):
    return client.get(URL, reponses).content.decode()


def test_la_premiere_question_ne_reproche_rien(client):
    page = lire(client)
    assert "Moi-même" in page
    assert "Je représente quelqu" in page
    assert "Il y a un problème" not in page


@pytest.mark.parametrize(
    "reponses,attendu",
    [
        ({"etape": "pour"}, "Choisissez pour qui vous faites cette démarche."),
        ({"pour": "moi", "etape": "situation"}, "Choisissez la situation de la personne"),
        ({"pour": "moi", "situation": "titre", "etape": "titre"}, "Choisissez le titre de séjour demandé."),
    ],
)
def test_une_question_sans_reponse_est_redemandee(client, reponses, attendu):
    page = lire(client, **reponses)
    assert page.count(attendu) == 2
    assert "<title>Erreur" in page


def test_le_titulaire_d_un_titre_peut_creer_un_compte(client):
    page = lire(client, pour="moi", situation="titre", titre="etudiant")
    assert reverse("usagers:creer") in page
    assert reverse("usagers:connexion") in page


def test_l_anciennete_qui_ferme_la_demarche_vient_du_bareme(client):
    assert "Depuis plus de" not in lire(client, pour="moi")

    call_command("charger_droit", verbosity=0)
    Bareme.objects.filter(code="sejour.titre_expire").update(valeurs={"jours": 400})
    assert "Depuis plus de 400 jours" in lire(client, pour="moi")

    Bareme.objects.filter(code="sejour.titre_expire").delete()
    assert "Depuis plus de" not in lire(client, pour="moi"), "une page en a marqué une autre"


def test_une_personne_connectee_continue_vers_sa_situation(client):
    client.force_login(UsagerFactory().compte, backend="usagers.backends.IdentifiantBackend")
    page = lire(client, pour="moi", situation="visa", titre="etudiant")
    assert reverse("demandes:situation") in page
    assert reverse("usagers:creer") not in page


def test_representer_quelqu_un_dit_a_qui_est_le_compte(client):
    assert "le compte est celui de la personne" in lire(client, pour="autre", situation="titre", titre="etudiant")


@pytest.mark.parametrize("code", [s.code for s in SITUATIONS if s.suite == "prefecture"])
def test_un_cas_non_couvert_est_envoye_a_sa_prefecture_avant_tout_compte(client, code):
    SiteFactory()
    page = lire(client, pour="moi", situation=code)
    assert "Votre démarche se fait auprès de votre préfecture" in page
    assert reverse("usagers:creer") not in page
    page = lire(client, pour="moi", situation=code, departement="75")
    assert "01 00 00 00 00" in page


def test_un_autre_titre_est_envoye_a_la_prefecture(client):
    page = lire(client, pour="moi", situation="titre", titre="autre")
    assert "pas encore traité sur ce site" in page


def test_un_vlsts_a_valider_mene_a_la_validation(client):
    page = lire(client, pour="moi", situation="vlsts_a_valider")
    assert reverse("demandes:a_venir", args=["vlsts"]) in page


@pytest.mark.parametrize("reponses", [{"pour": "x"}, {"pour": "moi", "situation": "<script>"}, {"situation": "titre"}])
def test_une_reponse_forgee_ramene_a_sa_question(client, reponses):
    reponse = client.get(URL, reponses)
    assert reponse.status_code == 200
    assert "<form" in reponse.content.decode()


def test_revenir_garde_les_reponses_precedentes(client):
    assert 'href="/orientation/?pour=moi"' in lire(client, pour="moi", situation="titre")
