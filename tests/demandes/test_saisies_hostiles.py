"""Ce qu'aucun navigateur n'envoie : une valeur forgée est refusée ou ignorée, jamais une erreur du serveur."""

import pytest
from django.urls import reverse

from tests.situations import photo

pytestmark = pytest.mark.django_db

# Un « chiffre » que `int` refuse, un nombre que la base ne tient pas, un que Python ne lit pas, un caractère nul.
FORGEES = ["²", "-1", "9" * 30, "9" * 5000, "\x00é\n<b>"]


@pytest.fixture
def client(client, brouillon_complet):
    client.force_login(brouillon_complet.usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


def url_etape(demande, code: str) -> str:
    return reverse("demandes:etape", args=[demande.pk, code])


def test_les_pieces_survivent_aux_valeurs_forgees(client, brouillon_complet):
    url = url_etape(brouillon_complet, "justificatifs")
    ajouter = reverse("demandes:piece_ajouter", args=[brouillon_complet.pk, "PASSEPORT"])
    for valeur in FORGEES:
        assert client.post(url, {"action": f"retirer:{valeur}", "version": "0"}).status_code == 404
        assert client.post(url, {"action": f"retablir:{valeur}", "version": "0"}).status_code == 404
        assert client.post(url, {"action": f"ajouter:{valeur}", "version": valeur}).status_code < 500
        assert client.post(url, {"action": "ephoto", "version": valeur, "ephoto": valeur}).status_code in {409, 422}
        assert client.post(ajouter, {"fichier": photo(), "remplace": valeur}).status_code < 500
        assert client.post(ajouter, {"fichier": valeur}).status_code == 422


def test_le_recapitulatif_survit_aux_valeurs_forgees(client, brouillon_complet):
    url = url_etape(brouillon_complet, "recapitulatif")
    for valeur in FORGEES:
        assert client.post(url, {"action": f"relire:{valeur}"}).status_code == 422
        assert client.post(url, {"action": valeur, "observations": valeur})["Location"] == url
        assert client.post(url, {"action": "deposer", "observations": valeur}).status_code == 422
        assert client.get(url, {"partie": valeur}).status_code == 200


@pytest.mark.parametrize("code", ["informations", "motif", "ressources"])
def test_une_etape_a_champs_survit_aux_valeurs_forgees(client, brouillon_complet, code):
    noms = (
        "version", "adresse_numero", "adresse_code_postal", "adresse_cle", "adresse", "telephone", "mobilite",
        "enfants-TOTAL_FORMS", "enfants-0-naissance_0", "ressources-TOTAL_FORMS", "ressources-0-montant",
    )  # fmt: skip
    url = url_etape(brouillon_complet, code)
    brouillon = reverse("demandes:etape_brouillon", args=[brouillon_complet.pk, code])
    for valeur in FORGEES:
        champs = {"enfants_en_france": "oui", **dict.fromkeys(noms, valeur)}
        for action in ("poursuivre", f"ajouter:{valeur}", f"supprimer:{code}:{valeur}", f"adresse:{valeur}", valeur):
            assert client.post(url, {"action": action, **champs}).status_code < 500, action
        assert client.post(brouillon, champs).status_code < 500
        assert client.get(url, {"adresses": valeur, "retour": valeur}).status_code == 200


@pytest.mark.parametrize("valeur", FORGEES)
def test_les_autres_pages_survivent_a_une_valeur_forgee(client, valeur):
    for nom, donnees in (
        ("demandes:notifications", {"page": valeur, "par_page": valeur, "type": valeur}),
        ("demandes:rechercher", {"q": valeur}),
        ("demandes:contact", {"departement": valeur}),
        ("demandes:orientation", {"pour": valeur, "etape": valeur}),
        ("demandes:adresses", {"q": valeur}),
        ("demandes:boite_envoi", {"page": valeur}),
        ("documents:verifier", {"c": valeur}),
        ("usagers:connexion", {"next": valeur}),
    ):
        assert client.get(reverse(nom), donnees).status_code in {200, 302}, nom
    noms = (
        "demarche", "nom_usage", "telephone", "situation_familiale", "courriel", "numero", "debut_0", "debut_1",
        "debut_2", "saisie", "identifiant", "texte", "language", "next", "username", "password", "mot_de_passe",
    )  # fmt: skip
    for nom in (
        "demandes:situation", "usagers:informations_modifier", "usagers:courriel_modifier", "usagers:creer",
        "usagers:creer_courriel", "usagers:mot_de_passe_oublie", "documents:verifier", "set_language",
        "usagers:deconnexion", "usagers:connexion",
    ):  # fmt: skip
        assert client.post(reverse(nom), dict.fromkeys(noms, valeur)).status_code < 500, nom


@pytest.mark.parametrize("numero", [0, 2**31, 2**63, 10**30])
def test_un_numero_que_la_base_ne_tient_pas_est_introuvable(client, brouillon_complet, numero):
    for url in (
        f"/demandes/{numero}/",
        f"/demandes/{numero}/motif/",
        f"/demandes/{brouillon_complet.pk}/pieces/{numero}.fichier",
        f"/espace/notifications/{numero}/",
        f"/espace/notifications/{numero}/repondre/",
        f"/espace/documents/{numero}.pdf",
    ):
        assert client.get(url).status_code == 404, url
    for url in (f"/demandes/{numero}/motif/brouillon/", f"/espace/notifications/{numero}/ouvrir/"):
        assert client.post(url).status_code == 404, url
