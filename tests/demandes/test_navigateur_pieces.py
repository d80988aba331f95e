"""Les justificatifs dans Chromium : chaque fichier part seul, et rien ne se perd en route."""

import io

import pytest
from django.urls import reverse
from PIL import Image
from playwright.sync_api import expect

from tests.situations import remplir

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def justificatifs(live_server, page, se_connecter, brouillon):
    """L'étape 4, tout le reste rempli."""
    se_connecter(brouillon.usager.compte)
    remplir(brouillon, jusqu_a="justificatifs")
    page.goto(live_server.url + reverse("demandes:etape", args=[brouillon.pk, "justificatifs"]))
    return page


def image(nom) -> dict:
    tampon = io.BytesIO()
    Image.new("RGB", (200, 120 + len(nom)), (len(nom), 90, 120)).save(tampon, "PNG")
    return {"name": nom, "mimeType": "image/png", "buffer": tampon.getvalue()}


@pytest.fixture
def liaison(justificatifs):
    """Retient chaque fichier au départ, jusqu'à `liaison("continue_")` ou `liaison("abort")`."""
    retenus, libre = [], []
    justificatifs.route("**/pieces/PASSEPORT/", lambda route: route.continue_() if libre else retenus.append(route))

    def relacher(geste):
        while not retenus:
            justificatifs.wait_for_timeout(20)
        libre.append(True)
        getattr(retenus.pop(), geste)()

    return relacher


def test_poursuivre_attend_les_fichiers_en_route(justificatifs, liaison, brouillon):
    page = justificatifs
    page.locator("#id_fichier_PASSEPORT").set_input_files([image("recto.png"), image("une autre page.png")])
    page.get_by_role("button", name="Quitter et revenir plus tard").click()

    expect(page.get_by_text("la page suivante s'ouvrira ensuite")).to_be_visible()
    liaison("continue_")
    page.wait_for_url("**" + reverse("demandes:espace"))
    assert brouillon.pieces.filter(code="PASSEPORT").count() == 2


def test_un_fichier_qui_n_arrive_pas_retient_la_page(justificatifs, liaison, brouillon):
    page = justificatifs
    passeport = page.locator("#piece-PASSEPORT")
    page.locator("#id_fichier_PASSEPORT").set_input_files(image("passeport.png"))
    page.get_by_role("button", name="Quitter et revenir plus tard").click()
    liaison("abort")

    expect(passeport.get_by_text("l'envoi a échoué")).to_be_visible()
    assert "justificatifs" in page.url and not brouillon.pieces.exists()
    passeport.get_by_role("button", name="Réessayer").click()
    expect(passeport.get_by_text("reçu")).to_be_visible()
    assert len(page.fautes) == 2, page.fautes  # la coupure, dite par la console et par la requête
    page.fautes.clear()


def test_un_fichier_arrive_ne_derange_pas_la_saisie_d_a_cote(justificatifs, liaison):
    page = justificatifs
    page.locator("#id_fichier_PASSEPORT").set_input_files(image("passeport.png"))
    page.locator("#id_ephoto").focus()
    liaison("continue_")

    expect(page.locator("#piece-PASSEPORT").get_by_text("reçu")).to_be_visible()
    expect(page.locator("#id_ephoto")).to_be_focused()
