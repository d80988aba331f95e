"""Le complément dans Chromium, des deux côtés : l'agent le demande, la personne maintient et remplace, et envoie."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from demandes.complements import LigneDemandee
from demandes.etats import Etat
from demandes.models import Complement, Demande
from instruction import operations as agents
from tests.demandes.test_navigateur_pieces import image
from tests.factories import AgentFactory

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def en_instruction(deposee, le):
    agent = AgentFactory(site=deposee.site)
    return agents.prendre_en_charge(deposee, agent=agent, version=deposee.version, le=le)


def demander(page, live_server, demande, sans_faute_axe):
    """Sur trois pièces et une information, de la page de l'agent à l'envoi ; rend les codes des pièces."""
    pieces = agents.pieces_a_demander(demande, jour=timezone.localdate())
    fournies = {p["code"] for p in demande.instantanes.get().contenu["pieces"] if p["fichiers"]}
    un, deux = [piece.code for piece in pieces if piece.code in fournies][:2]
    trois = next(piece.code for piece in pieces if piece.code not in fournies)
    page.goto(live_server.url + reverse("admin:dossier_complement", args=[demande.numero]))
    for code, motif in (
        (un, "complement.illisible"),
        (deux, "complement.trop_ancienne"),
        (trois, "complement.manquante"),
    ):
        bloc = page.locator(f"#piece-{code}")
        bloc.locator("summary").click()
        bloc.locator(f"input[value='{motif}'] + label").click()
    page.locator(f"#id_consigne_{un}").fill("Merci de joindre le verso.\nCordialement.")
    page.locator("#id_information_1").fill("Quelle est la date de votre rentrée ?")
    sans_faute_axe(page)
    page.get_by_role("button", name="Vérifier la lettre").click()
    expect(page.get_by_role("heading", name="Vérifiez la lettre avant de l'envoyer")).to_be_visible()
    sans_faute_axe(page)
    page.get_by_role("button", name="Envoyer la demande de complément").click()
    expect(page.get_by_text("Complément demandé.")).to_be_visible()
    return un, deux, trois


def test_demander_maintenir_remplacer_expliquer_envoyer(
    live_server, page, se_connecter, sans_faute_axe, en_instruction
):
    se_connecter(Demande.objects.get().agent)
    demander(page, live_server, en_instruction, sans_faute_axe)
    complement = Complement.objects.get()

    page.context.clear_cookies()
    se_connecter(en_instruction.usager.compte)
    page.goto(live_server.url + reverse("demandes:notification", args=[complement.notification_id]))
    page.get_by_role("button", name="Ouvrir la notification").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Demande de complément")
    sans_faute_axe(page)
    expect(page.locator("#id_justification_1")).to_be_hidden()

    page.locator("label[for=id_reponse_1_maintenir]").click()
    page.locator("#id_justification_1").fill("Le verso est vierge.")
    expect(page.get_by_text("pas encore envoyée").first).to_be_visible()
    page.locator("label[for=id_reponse_2_remplacer]").click()
    page.locator("#id_fichier_2").set_input_files(image("domicile.png"))
    page.locator("#ligne-2").get_by_role("button", name="Joindre un document").click()
    expect(page.locator("#ligne-2")).to_contain_text("domicile.png")
    page.get_by_role("button", name="Valider et envoyer").click()
    expect(page.get_by_text("Il y a un problème")).to_be_visible()
    page.fautes.clear()  # le navigateur dit à la console que la page est une erreur 422
    sans_faute_axe(page)
    page.locator("label[for=id_reponse_3_impossible]").click()
    page.locator("#id_justification_3").fill("Je n'en ai pas.")
    page.locator("#id_justification_4").fill("Le 1er septembre.")
    page.locator("#id_message").fill("Merci.")
    page.get_by_role("button", name="Valider et envoyer").click()
    expect(page.get_by_text("Votre réponse est prise en compte.")).to_be_visible()
    sans_faute_axe(page)
    assert Demande.objects.get().etat == Etat.COMPLEMENT_RECU

    page.goto(live_server.url + reverse("demandes:notifications"))
    expect(page.get_by_text("Répondu le")).to_be_visible()

    page.context.clear_cookies()
    se_connecter(Demande.objects.get().agent)
    page.goto(live_server.url + reverse("admin:dossier_reprendre", args=[en_instruction.numero]))
    sans_faute_axe(page)
    page.get_by_role("button", name="Remettre en instruction").click()
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


def test_la_reponse_se_fait_sans_javascript(
    live_server, browser, browser_context_args, se_connecter, page, en_instruction, le
):
    agent = Demande.objects.get().agent.agent
    piece = agents.pieces_a_demander(en_instruction, jour=timezone.localdate())[0]
    ligne = LigneDemandee(piece.code, piece.libelle, ("complement.illisible",))
    version = Demande.objects.get().version
    complement = agents.demander_complement(en_instruction, [ligne], message="", agent=agent, version=version, le=le)
    se_connecter(en_instruction.usager.compte)
    contexte = browser.new_context(**browser_context_args, java_script_enabled=False)
    contexte.add_cookies(page.context.cookies())
    sans = contexte.new_page()

    sans.goto(live_server.url + reverse("demandes:notification", args=[complement.notification_id]))
    sans.get_by_role("button", name="Ouvrir la notification").click()
    sans.locator("label[for=id_reponse_1_remplacer]").click()
    sans.locator("#id_fichier_1").set_input_files(image("verso.png"))
    sans.get_by_role("button", name="Valider et envoyer").click()
    expect(sans.get_by_text("Votre réponse est prise en compte.")).to_be_visible()
    expect(sans.get_by_text("verso.png").first).to_be_visible()
    contexte.close()
    assert Demande.objects.get().etat == Etat.COMPLEMENT_RECU
