"""Dans Chromium : la page qui attend un document le montre dès qu'il est prêt, sans gêner qui s'en va."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from documents.models import Document
from tests.situations import fichier

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def suivi(live_server, page, se_connecter, deposee):
    """La page de suivi, son attestation en préparation et son horloge arrêtée."""
    se_connecter(deposee.usager.compte)
    page.clock.install()
    page.goto(live_server.url + reverse("demandes:suivi", args=[deposee.numero]))
    expect(page.get_by_role("link", name="(en préparation)")).to_be_visible()
    return page


def test_l_attestation_apparait_des_qu_elle_est_prete(suivi):
    Document.objects.update(fichier=fichier())

    with suivi.expect_navigation():
        suivi.clock.run_for(2500)

    expect(suivi.get_by_role("link", name="(en préparation)")).to_have_count(0)


def test_qui_vient_de_suivre_un_lien_n_est_pas_ramene_en_arriere(suivi):
    Document.objects.update(fichier=fichier())
    demandees = []
    suivi.on("request", lambda requete: demandees.append(requete.url))

    suivi.evaluate("dispatchEvent(new Event('beforeunload'))")  # un lien suivi, dont la réponse tarde
    suivi.clock.run_for(15_000)
    assert demandees == []

    with suivi.expect_navigation():  # restée là : un téléchargement, un lien abandonné
        suivi.clock.run_for(10_000)
