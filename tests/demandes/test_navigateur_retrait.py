"""Dans Chromium : retirer sa demande, la faire rouvrir ; axe, 320 px, clavier."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from demandes.etats import Etat
from demandes.models import Demande
from tests.demandes.test_reouverture import clore
from tests.factories import AgentFactory
from tests.situations import photo

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


def suivi(live_server, demande) -> str:
    return live_server.url + reverse("demandes:suivi", args=[demande.numero])


def test_retirer_sa_demande(live_server, page, se_connecter, sans_faute_axe, deposee):
    se_connecter(deposee.usager.compte)
    page.goto(suivi(live_server, deposee))
    page.get_by_role("link", name="Retirer ma demande").click()
    sans_faute_axe(page)

    page.get_by_role("button", name="Retirer ma demande").click()
    expect(page.locator("[data-resume-erreurs]")).to_be_focused()
    sans_faute_axe(page)
    page.fautes.clear()  # le 422 attendu

    page.get_by_text("Je vais déposer une autre demande").click()
    page.get_by_label("J'ai compris").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(suivi(live_server, deposee))
    expect(page.get_by_text("Votre demande a été retirée à votre demande.")).to_be_visible()
    sans_faute_axe(page)
    assert Demande.objects.get().etat == Etat.RETIREE


def test_faire_rouvrir_sa_demande(live_server, page, se_connecter, sans_faute_axe, deposee, le):
    clore(AgentFactory(site=deposee.site), le)
    se_connecter(deposee.usager.compte)
    page.goto(suivi(live_server, deposee))
    page.get_by_role("link", name="Rouvrir ma demande").click()
    sans_faute_axe(page)

    page.get_by_label("Votre message au service").fill("Voici le certificat.")
    page.get_by_role("button", name="Rouvrir ma demande").click()
    expect(page.locator("[data-resume-erreurs]")).to_be_focused()
    sans_faute_axe(page)
    page.fautes.clear()  # le 422 attendu

    image = {"name": "certificat.png", "mimeType": "image/png", "buffer": photo().read()}
    page.get_by_label("Ajouter un document").set_input_files(image)
    page.get_by_role("button", name="Joindre les documents choisis").click()
    expect(page.get_by_role("link", name="Voir certificat.png")).to_be_visible()
    expect(page.get_by_label("Votre message au service")).to_have_value("Voici le certificat.")
    sans_faute_axe(page)
    page.get_by_role("button", name="Rouvrir ma demande").click()
    page.wait_for_url(suivi(live_server, deposee))
    expect(page.get_by_text("Votre demande est rouverte.")).to_be_visible()
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION
