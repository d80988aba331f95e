import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from tests.notifications.conftest import boite, smtp

LONG = pytest.mark.long
__all__ = ["boite", "smtp"]


@pytest.fixture(params=[False, pytest.param(True, marks=LONG)], ids=["", "axe partout"])
def axe_partout(request):
    """Les pages d'un parcours ont chacune leur essai d'accessibilité ; les essais longs l'y refont à chaque pas."""
    return request.param


@pytest.fixture(
    params=["avec JavaScript", pytest.param("sans JavaScript", marks=LONG), pytest.param("axe partout", marks=LONG)]
)
def visite(request, browser, live_server, browser_context_args, sans_faute_axe):
    """Une personne devant Chromium."""
    contexte = browser.new_context(**browser_context_args, java_script_enabled=request.param != "sans JavaScript")
    page = contexte.new_page()
    fautes = []
    page.on("console", lambda m: fautes.append(m.text) if m.type == "error" and "422" not in m.text else None)
    page.on("pageerror", lambda erreur: fautes.append(str(erreur)))
    page.avec_js, page.avec_axe = request.param != "sans JavaScript", request.param == "axe partout"
    page.verifier = lambda: page.avec_axe and sans_faute_axe(page)
    page.racine = live_server.url
    yield page
    contexte.close()
    assert not fautes, fautes


@pytest.fixture
def en_scene(browser, live_server, browser_context_args, sans_faute_axe, axe_partout, settings):
    """`en_scene(compte, avec_js=True)` : cette personne devant sa fenêtre de Chromium, session ouverte.

    `page.verifier()` passe axe la première fois que quelqu'un rencontre cette page, JavaScript permis.
    """
    settings.ADRESSE_DU_SITE = live_server.url
    contextes, fautes, vues = [], [], set()

    def noter(message):
        # Un refus dit en 409 ou 422, une page qui n'existe pas : le navigateur les note aussi.
        if message.type == "error" and not re.search("40[49]|422", message.text):
            fautes.append(message.text)

    def ouvrir(compte=None, *, avec_js=True):
        contexte = browser.new_context(**browser_context_args, java_script_enabled=avec_js)
        contextes.append(contexte)
        page = contexte.new_page()
        page.set_default_timeout(15_000)
        page.on("console", noter)
        page.on("pageerror", lambda erreur: fautes.append(str(erreur)))
        page.avec_js, page.racine = avec_js, live_server.url
        page.verifier = lambda: axe_partout and avec_js and _premiere_fois(page, vues) and sans_faute_axe(page)
        if compte is not None:
            client = Client()
            client.force_login(compte, backend="usagers.backends.IdentifiantBackend")
            valeur = client.cookies["sessionid"].value
            contexte.add_cookies([{"name": "sessionid", "value": valeur, "url": live_server.url}])
        return page

    yield ouvrir
    for contexte in contextes:
        contexte.close()
    assert not fautes, fautes


def _premiere_fois(page, vues: set) -> bool:
    """Une page se reconnaît à sa vue, à son titre et à la partie du dossier qu'elle montre."""
    adresse = urlsplit(page.url)
    try:
        nom = resolve(adresse.path).view_name
    except Resolver404:
        nom = adresse.path
    cle = (nom, page.locator("h1").first.inner_text(), parse_qs(adresse.query).get("vue", [""])[0])
    deja_vue = cle in vues
    vues.add(cle)
    return not deja_vue
