"""Les pages d'erreur : la bonne réponse, une suite possible, et rien qui puisse tomber en panne à son tour."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path, reverse
from django.views.decorators.csrf import csrf_protect

from demandes.portail import erreurs
from demandes.portail.contexte import portail
from tests.factories import UsagerFactory


def panne(request):
    raise ZeroDivisionError


def base_muette(request):
    raise OperationalError("connexion refusée")


def interdit(request):
    raise PermissionDenied


urlpatterns = [
    path("panne/", panne),
    path("base/", base_muette),
    path("interdit/", interdit),
    path("formulaire/", csrf_protect(lambda request: HttpResponse())),
    path("", include("anef.urls")),
]
handler500 = "demandes.portail.erreurs.erreur_interne"


@pytest.fixture
def navigateur(settings):
    settings.ROOT_URLCONF = "tests.portail.test_erreurs"
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


@pytest.mark.django_db
def test_une_page_inconnue_dit_ou_aller(client):
    reponse = client.get("/n-existe-pas/")
    assert reponse.status_code == 404
    page = reponse.content.decode()
    assert "Cette page n'existe pas ou n'est pas à vous" in page
    assert reverse("demandes:aide") in page


@pytest.mark.django_db
def test_une_personne_connectee_retrouve_son_espace_depuis_une_page_inconnue(client):
    client.force_login(UsagerFactory().compte, backend="usagers.backends.IdentifiantBackend")
    assert reverse("demandes:espace") in client.get("/n-existe-pas/").content.decode()


@pytest.mark.django_db
def test_un_acces_refuse_ne_dit_pas_ce_qui_existe(navigateur):
    reponse = navigateur.get("/interdit/")
    assert reponse.status_code == 403
    assert "Cette page n'existe pas ou n'est pas à vous" in reponse.content.decode()


@pytest.mark.django_db
def test_un_formulaire_perime_propose_de_rouvrir_la_page(navigateur):
    reponse = navigateur.post("/formulaire/")
    assert reponse.status_code == 403
    page = reponse.content.decode()
    assert "Ce formulaire n'est plus valable" in page
    assert 'href="/formulaire/"' in page


def test_une_erreur_donne_sa_reference_sans_toucher_a_la_base(navigateur):
    reponse = navigateur.get("/panne/")  # sans accès permis à la base
    assert reponse.status_code == 500
    assert reponse["X-Request-ID"] in reponse.content.decode()


def test_une_base_muette_ferme_le_site_un_moment(navigateur):
    reponse = navigateur.get("/base/")
    assert reponse.status_code == 503
    assert int(reponse["Retry-After"]) >= 60
    assert "momentanément fermé" in reponse.content.decode()


@pytest.mark.parametrize("gabarit", ["500.html", "503.html"])
def test_les_pages_de_panne_ne_demandent_ni_fichier_statique_ni_gabarit_commun(gabarit):
    source = (Path(settings.BASE_DIR) / "templates" / gabarit).read_text()
    assert not re.search(r"{% (static|url|extends|include)\b|request|user", source)
    assert 'href="/erreur.css"' in source


def test_la_feuille_des_pages_de_panne_vient_du_disque(navigateur):
    reponse = navigateur.get("/erreur.css")
    assert reponse.status_code == 200
    assert reponse["Content-Type"].startswith("text/css")
    assert b"--texte" in b"".join(reponse.streaming_content)


def test_l_en_tete_se_rend_sans_compte():
    assert portail(RequestFactory().get("/"))["entete"]["non_lues"] == 0


def test_une_erreur_hors_requete_se_rend_aussi():
    assert erreurs.erreur_interne(RequestFactory().get("/")).status_code == 500
