"""Le dossier d'un agent dans Chromium : chaque partie passe axe, se lit en 320 px, et sert sans JavaScript."""

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import expect

from documents import pages
from instruction import operations, presence
from tests.factories import AgentFactory
from tests.instruction.test_visionneuse import complete, premiere  # noqa: F401 (les deux versions d'une pièce)

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def cache_a_soi(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def dossier(live_server, deposee, premiere, complete, agent, le):  # noqa: F811
    """Deux envois, un PDF dessiné, une note, un collègue présent ; rend l'adresse."""
    pages.dessiner(premiere.fichier, 0)
    operations.noter(deposee, "Rappeler l'école", agent=agent, le=le)
    presence.signaler(deposee, AgentFactory(site=deposee.site, nom="Dominique Vasseur"), le=le)
    return f"{live_server.url}{reverse('admin:dossier', args=[deposee.numero])}"


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_chaque_partie_du_dossier_est_accessible(page, se_connecter, agent, dossier, premiere, sans_faute_axe, theme):  # noqa: F811
    page.emulate_media(color_scheme=theme)
    se_connecter(agent.compte)
    ancienne = f"vue=pieces&piece={premiere.pk}"
    for suite in ("", "vue=pieces", ancienne, f"{ancienne}&page=2&zoom=200&tour=90", "vue=echanges", "vue=notes"):
        page.goto(f"{dossier}?{suite}")
        sans_faute_axe(page)
    page.get_by_role("button", name="Ajouter la note").click()
    expect(page.get_by_role("link", name="Écrivez la note avant de l'ajouter.")).to_be_visible()
    sans_faute_axe(page)
    page.fautes.clear()  # la réponse 422, que Chromium note


@pytest.mark.long
def test_une_piece_se_regarde_et_se_controle_sans_javascript(
    browser,
    live_server,
    client,
    agent,
    dossier,
    premiere,  # noqa: F811
):
    client.force_login(agent.compte, backend="usagers.backends.IdentifiantBackend")
    contexte = browser.new_context(java_script_enabled=False, locale="fr-FR")
    contexte.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = contexte.new_page()
    page.goto(f"{dossier}?vue=pieces&piece={premiere.pk}")
    page.get_by_role("link", name="Page suivante").click()
    page.get_by_role("link", name="Tourner à droite").click()
    page.get_by_role("link", name="Agrandir").click()
    expect(page.get_by_role("img", name="page 2 sur 3")).to_be_visible()
    page.get_by_label("Date écrite sur la pièce").fill("05/01/2020")
    page.get_by_text("Pièce vérifiée").click()
    page.get_by_role("button", name="Enregistrer", exact=True).click()
    expect(page.get_by_text("contrôle enregistré")).to_be_visible()
    expect(page.get_by_label("Date écrite sur la pièce")).to_have_value("05/01/2020")

    page.get_by_role("link", name="Notes internes").click()
    page.get_by_label("Nouvelle note").fill("Vu avec l'école")
    page.get_by_role("button", name="Ajouter la note").click()
    expect(page.get_by_text("Vu avec l'école")).to_be_visible()
    contexte.close()
