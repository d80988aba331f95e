"""Dans Chromium : remplacer un barème au clavier, relire et importer un fichier, sans faute d'accessibilité."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from demandes.models import Bareme, Motif, PieceReference
from tests.factories import AgentFactory

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]
ENTETE = "nature;code;du;au;ordre;libelle;texte;texte_en;source"


@pytest.fixture
def admin(live_server, page, se_connecter):
    call_command("charger_droit", verbosity=0)
    se_connecter(AgentFactory(roles=["admin_fonctionnel"]).compte)

    def aller(nom, *arguments):
        page.goto(live_server.url + reverse(f"admin:demandes_{nom}", args=arguments))

    return aller


def test_un_bareme_se_remplace_au_clavier_sans_faute(page, admin, sans_faute_axe):
    taxe = Bareme.objects.get(code="etudiant.taxe", du__isnull=False)
    admin("bareme_change", taxe.pk)
    sans_faute_axe(page)
    page.get_by_role("link", name="Remplacer à partir du").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/remplacer/")
    demain = timezone.localdate() + dt.timedelta(days=1)
    page.get_by_label("À partir du").fill(demain.isoformat())
    page.get_by_label("Première demande").fill("150")
    sans_faute_axe(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/change/")
    assert "L'ancienne".lower() in page.locator(".messagelist").inner_text().lower()
    page.get_by_role("link", name="Historique").click()
    sans_faute_axe(page)
    assert Bareme.objects.get(code="etudiant.taxe", du=demain).valeurs["premiere"] == "150.00"


def test_un_fichier_se_relit_puis_s_importe_sans_faute(page, admin, sans_faute_axe):
    admin("motif_changelist")
    sans_faute_axe(page)
    page.get_by_role("link", name="Importer un fichier").click()

    def choisir(ligne):
        contenu = f"{ENTETE}\n{ligne}\n".encode()
        page.get_by_label("Fichier CSV ou JSON").set_input_files(
            {"name": "motifs.csv", "mimeType": "text/csv", "buffer": contenu}
        )
        page.get_by_role("button", name="Relire le fichier").click()

    choisir("cloture;cloture.essai;demain;;5;Essai;Phrase.;Sentence.;")
    assert "Ligne 2" in page.get_by_role("alert").inner_text()
    sans_faute_axe(page)
    page.fautes.clear()  # la réponse 422
    choisir("cloture;cloture.essai;2030-01-01;;5;Essai;Phrase.;Sentence.;")
    page.wait_for_url("**/apercu/")
    sans_faute_axe(page)
    page.get_by_role("button", name="Importer").click()
    page.wait_for_url("**/motif/")
    assert Motif.objects.filter(code="cloture.essai").exists()


def test_un_site_ses_coordonnees_une_piece_et_un_agent_sont_sans_faute(page, admin, live_server, sans_faute_axe):
    agent = AgentFactory(nom="Camille Lenoir")
    site = agent.site
    piece = PieceReference.objects.first()
    for nom, cles in (
        ("site_change", [site.pk]), ("site_add", []), ("coordonneessite_change", [site.coordonnees.get().pk]),
        ("coordonneessite_remplacer", [site.coordonnees.get().pk]), ("piecereference_change", [piece.pk]),
    ):  # fmt: skip
        admin(nom, *cles)
        sans_faute_axe(page)
    page.get_by_role("button", name="Enregistrer").first.click()
    for nom, cles in (("admin:instruction_agent_change", [agent.pk]), ("admin:references", [])):
        page.goto(live_server.url + reverse(nom, args=cles))
        sans_faute_axe(page)
