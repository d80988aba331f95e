"""Dans Chromium : les chiffres du service, clairs et sombres, au clavier, sans JavaScript, en fichier."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from instruction import releves
from tests.factories import AgentFactory

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(decidee):
    releves.relever_tout(le=timezone.now() + dt.timedelta(minutes=1))
    return AgentFactory(site=decidee.site, roles=["admin_fonctionnel"])


def test_les_chiffres_se_lisent_sans_faute_et_s_emportent(live_server, page, se_connecter, admin, sans_faute_axe):
    se_connecter(admin.compte)
    page.goto(live_server.url + reverse("admin:figures"))
    sans_faute_axe(page)
    page.emulate_media(color_scheme="dark")
    sans_faute_axe(page)
    # Les couleurs viennent de la feuille de style : la politique de sécurité n'admet rien d'autre.
    barre = page.locator(".image-chiffres__serie").first
    assert barre.evaluate("barre => getComputedStyle(barre).fill") == "rgb(133, 133, 246)"
    # Un tableau plus large que l'écran défile dans son cadre, au clavier.
    page.set_viewport_size({"width": 360, "height": 800})
    cadre = page.get_by_role("group", name="Entrées dans chaque état")
    cadre.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("cadre => cadre.scrollLeft > 0", arg=cadre.element_handle())
    with page.expect_download() as telechargement:
        page.get_by_role("button", name="Télécharger en CSV").click()
    assert telechargement.value.suggested_filename.startswith("chiffres-tous-")


def test_des_dates_dans_le_desordre_se_corrigent(live_server, page, se_connecter, admin, sans_faute_axe):
    se_connecter(admin.compte)
    page.goto(live_server.url + reverse("admin:figures"))
    page.get_by_role("link", name="Dates choisies").click()
    du = page.get_by_role("group", name="Du")
    juste = du.get_by_label("Année").input_value()
    du.get_by_label("Année").fill(str(int(juste) + 1))
    page.get_by_role("button", name="Montrer ces chiffres").click()
    page.get_by_role("link", name="précède son début").click()
    sans_faute_axe(page)
    assert du.get_by_label("Année").input_value() == str(int(juste) + 1)
    page.fautes.clear()  # la réponse 422 que Chromium signale
    du.get_by_label("Année").fill(juste)
    page.get_by_role("button", name="Montrer ces chiffres").click()
    assert page.locator(".chiffre").count() > 5
