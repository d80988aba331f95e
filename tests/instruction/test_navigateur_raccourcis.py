"""Les raccourcis clavier de la file et du dossier, dans Chromium : actifs, coupés, sans effet dans un champ."""

import datetime as dt
import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tests.instruction.conftest import semer

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


def test_les_raccourcis_deplacent_le_focus_ouvrent_et_se_coupent(
    page, live_server, se_connecter, agent, deposee, sans_faute_axe
):
    demain = timezone.localdate() + dt.timedelta(days=1)
    semer(2, deposee.site, fin_de_droits=lambda rang: demain + dt.timedelta(days=300 + rang))
    se_connecter(agent.compte)
    page.goto(f"{live_server.url}{reverse('admin:dossiers')}")
    lignes, recherche = page.locator("table.dossiers tbody th a"), page.get_by_role("searchbox")
    aide = page.get_by_text("Raccourcis clavier", exact=True)

    page.keyboard.press("j")
    expect(lignes.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    expect(lignes.nth(2)).to_be_focused()
    page.keyboard.press("k")
    expect(lignes.nth(1)).to_be_focused()
    page.keyboard.press("Control+k")
    expect(lignes.nth(1)).to_be_focused()

    page.keyboard.press("/")
    expect(recherche).to_be_focused()
    page.keyboard.type("jk?")
    expect(recherche).to_have_value("jk?")
    recherche.blur()

    page.keyboard.press("?")
    expect(aide).to_be_focused()
    sans_faute_axe(page)
    interrupteur = page.get_by_label("Raccourcis actifs sur ce poste")
    expect(interrupteur).to_be_checked()
    page.get_by_text("Raccourcis actifs sur ce poste").click()
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.locator("body")).to_be_focused()
    aide.click()
    expect(interrupteur).not_to_be_checked()
    page.get_by_text("Raccourcis actifs sur ce poste").click()
    page.locator("main").focus()

    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(f"**/{deposee.numero}/**")
    page.keyboard.press("?")
    expect(page.get_by_text("dossier suivant, dossier précédent de la liste")).to_be_visible()
    sans_faute_axe(page)
    suivant = page.get_by_role("link", name="Dossier suivant").get_attribute("href")
    # Ceux-ci n'ont pas de contenu figé : il suffit que le raccourci les demande.
    page.route(re.compile("/dossiers/750220260101"), lambda route: route.fulfill(body="suivant"))
    page.keyboard.press("n")
    page.wait_for_url(f"**{suivant}")
