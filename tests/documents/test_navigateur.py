"""La page de vérification dans Chromium : axe et 320 px, sur la page vide, l'erreur et les réponses."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from documents import autorite, deuxd_doc, operations
from tests.documents.donnees import DECISION

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


def test_verifier_un_document_de_bout_en_bout(live_server, page, sans_faute_axe, etablir, tmp_path):
    document = etablir(DECISION)
    code = deuxd_doc.signer(document.code_2d, autorite.cle_privee("FR00AN13"))
    pdf = tmp_path / "attestation.pdf"
    pdf.write_bytes(operations.produire(document))

    page.goto(live_server.url + reverse("documents:verifier"))
    sans_faute_axe(page)
    page.get_by_role("button", name="Vérifier", exact=True).click()
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    sans_faute_axe(page)

    page.get_by_label("Photo ou PDF du document").set_input_files(pdf)
    page.get_by_role("button", name="Vérifier", exact=True).click()
    expect(page.get_by_role("heading", name="Document authentique")).to_be_visible()
    expect(page.get_by_text(document.numero)).to_be_visible()
    sans_faute_axe(page)

    page.get_by_label("Texte du code 2D-Doc").fill(code.replace("62JOHN", "62JEAN"))
    page.get_by_role("button", name="Vérifier", exact=True).click()
    expect(page.get_by_role("heading", name="Signature invalide")).to_be_visible()
    sans_faute_axe(page)
