"""L'espace des agents dans Chromium : axe, 320 px, clavier, avec et sans JavaScript, les deux thèmes."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from demandes.etats import Etat
from demandes.models import Decision, Demande
from instruction import file_de_travail
from tests.factories import AgentFactory
from tests.instruction.conftest import pdf, semer

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]
MOT_DE_PASSE = "Sept mots pour une phrase de passe"


@pytest.fixture
def ouvrir(live_server, page):
    def aller(nom, *arguments, **parametres):
        requete = "&".join(f"{cle}={valeur}" for cle, valeur in parametres.items())
        page.goto(f"{live_server.url}{reverse(f'admin:{nom}', args=arguments)}?{requete}")
        return page

    return aller


@pytest.fixture
def connecte(agent, se_connecter):
    se_connecter(agent.compte)
    return agent


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_la_file_et_le_dossier_sont_accessibles(ouvrir, page, connecte, deposee, sans_faute_axe, theme):
    page.emulate_media(color_scheme=theme)
    instantane = deposee.instantanes.get()
    instantane.contenu["observations"] = "Une erreur dans mon nom"
    instantane.contenu["pieces"][-1]["absence"] = "Perdu"
    instantane.save()
    autre = AgentFactory(site=deposee.site, nom="Un nom d'agent vraiment très long pour une colonne")
    semer(
        55, deposee.site, etat=lambda rang: ("deposee", "en_instruction", "favorable")[rang % 3],
        fin_de_droits=lambda rang: timezone.localdate() + dt.timedelta(days=rang * 4 - 8),
        hors_delai=lambda rang: rang % 4 == 0, agent=lambda rang: autre.compte if rang % 3 == 1 else None,
        decidee_le=lambda rang: timezone.now() if rang % 3 == 2 else None,
    )  # fmt: skip
    for parametres in ({}, {"onglet": "tous"}, {"q": "john"}, {"q": "jolie"}, {"q": "ab"}, {"onglet": "mes_dossiers"}):
        ouvrir("dossiers", **parametres)
        sans_faute_axe(page)
    for vue in ("demande", "historique"):
        ouvrir("dossier", deposee.numero, vue=vue)
        sans_faute_axe(page)
    ouvrir("dossier", deposee.numero, vue="pieces")
    sans_faute_axe(page)
    assert page.get_by_role("img", name="image déposée par la personne").is_visible()


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_les_actes_et_la_connexion_sont_accessibles(
    ouvrir, page, se_connecter, en_instruction, agent, signataire, sans_faute_axe, theme, settings
):
    page.emulate_media(color_scheme=theme)
    ouvrir("login")
    sans_faute_axe(page)
    page.get_by_role("button", name="Se connecter").click()
    sans_faute_axe(page)
    se_connecter(agent.compte)
    ouvrir("password_change")
    sans_faute_axe(page)
    numero = en_instruction.numero
    ouvrir("dossier_proposer_refus", numero)
    sans_faute_axe(page)
    page.get_by_role("button", name="Proposer ce refus").click()
    sans_faute_axe(page)
    ouvrir("dossier_proposer", numero)
    sans_faute_axe(page)
    page.get_by_label("Mention portée sur le titre").fill("")
    page.get_by_role("button", name="Proposer cette décision").click()
    sans_faute_axe(page)
    page.get_by_role("link", name="Saisissez la mention").click()
    assert page.evaluate("document.activeElement.name") == "mention"
    page.get_by_label("Mention portée sur le titre").fill("ÉTUDIANT")
    page.get_by_label("Montant dû").fill("12")
    page.get_by_label("Votre avis").fill("Conditions remplies")
    Demande.objects.update(version=en_instruction.version + 1)
    page.get_by_role("button", name="Proposer cette décision").click()
    assert page.get_by_text("Ce dossier a changé").is_visible()
    sans_faute_axe(page)
    page.get_by_role("button", name="Proposer cette décision").click()
    page.get_by_role("heading", name="Proposition : accorder").wait_for()
    sans_faute_axe(page)
    page.context.clear_cookies()
    se_connecter(signataire.compte)
    ouvrir("dossier_proposition", numero)
    sans_faute_axe(page)
    page.get_by_text("Renvoyer en instruction").click()
    page.get_by_role("button", name="Renvoyer la proposition").click()
    sans_faute_axe(page)
    settings.DELAI_ANNULATION = 10
    page.get_by_role("button", name="Signer et accorder").click()
    page.get_by_role("heading", name="Signé, pas encore parti").wait_for()
    sans_faute_axe(page)
    page.get_by_role("button", name="Annuler cet acte").click()
    page.get_by_text("Acte annulé. Rien n'est parti").wait_for()
    settings.DELAI_ANNULATION = 0
    ouvrir("dossier_proposition", numero)
    page.get_by_role("button", name="Signer et accorder").click()
    page.get_by_role("heading", name="Décision favorable", exact=True).wait_for()
    sans_faute_axe(page)
    page.fautes[:] = [faute for faute in page.fautes if "422" not in faute and "409" not in faute]


def test_choisir_un_titre_propose_sa_mention_et_sa_duree(ouvrir, page, connecte, en_instruction):
    ouvrir("dossier_proposer", en_instruction.numero)
    debut = int(page.locator("[name=du_2]").input_value())
    page.get_by_label("Titre accordé").select_option("CSP_ETU_MOB")

    assert page.get_by_label("Mention portée sur le titre").input_value() == "ÉTUDIANT - PROGRAMME DE MOBILITÉ"
    assert int(page.locator("[name=au_2]").input_value()) - debut in {3, 4}
    page.get_by_label("Mention portée sur le titre").fill("À MA FAÇON")
    page.get_by_label("Titre accordé").select_option("APS")
    assert page.get_by_label("Mention portée sur le titre").input_value() == "À MA FAÇON"
    assert page.get_by_label("Montant dû").input_value() == "0"
    assert "0 €" in page.locator("[data-bareme]").inner_text()


def test_un_dossier_se_traite_au_clavier(ouvrir, page, connecte, deposee):
    ouvrir("dossiers")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#contenu"
    page.get_by_role("link", name="JOHN JULIE").press("Enter")
    page.get_by_role("button", name="Prendre en charge").press("Enter")
    assert page.get_by_text("Vous avez pris ce dossier en charge").is_visible()
    page.get_by_role("link", name="Proposer une décision").press("Enter")
    page.get_by_label("Conditions remplies").first.press("Space")
    page.get_by_role("button", name="Proposer cette décision").press("Enter")
    page.get_by_text("Proposition enregistrée").wait_for()
    assert Demande.objects.get().etat == Etat.PROPOSITION


def test_chaque_arret_du_clavier_est_visible(ouvrir, page, connecte, deposee):
    ouvrir("dossier", deposee.numero, vue="pieces")
    for _ in range(30):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth })()"
        )
        assert style not in {"none0px", "auto0px"}, page.evaluate("document.activeElement.outerHTML")


@pytest.mark.long
def test_sans_javascript_un_refus_va_jusqu_au_bout(browser, live_server, en_instruction, agent, signataire, tmp_path):
    fichier = tmp_path / "decision.pdf"
    fichier.write_bytes(pdf().read())
    contexte = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740}, locale="fr-FR")
    page = contexte.new_page()

    def entrer(qui):
        contexte.clear_cookies()
        page.goto(f"{live_server.url}/agents/")
        page.get_by_label("Identifiant d'agent").fill(qui.compte.identifiant)
        page.get_by_label("Mot de passe", exact=False).first.fill(MOT_DE_PASSE)
        page.get_by_role("button", name="Se connecter").click()

    entrer(agent)
    page.goto(live_server.url + reverse("admin:dossier", args=[en_instruction.numero]))
    page.get_by_role("link", name="Pièces justificatives").click()
    page.get_by_role("link", name="Pièce suivante").click()
    page.get_by_role("link", name="Proposer une décision").click()
    page.get_by_role("link", name="Défavorable").click()
    page.get_by_label("Votre avis").fill("Études sans progression")
    page.get_by_label("Décision de la préfecture").set_input_files(fichier)
    page.get_by_label("J'ai ouvert ce document").press("Space")
    page.get_by_label("Il donne les voies").press("Space")
    page.get_by_role("button", name="Proposer ce refus").click()
    assert page.get_by_text("Proposition enregistrée").is_visible()

    entrer(signataire)
    page.goto(live_server.url + reverse("admin:dossier", args=[en_instruction.numero]))
    page.get_by_role("link", name="Signer le refus").click()
    page.get_by_role("button", name="Signer et refuser").click()
    assert page.get_by_role("heading", name="Décision défavorable").is_visible()
    assert Decision.objects.get().document.fichier.type_mime == "application/pdf"
    contexte.close()


def test_on_feuillette_la_file(ouvrir, page, connecte, deposee, monkeypatch):
    taille = {**file_de_travail.page.__kwdefaults__, "taille": 4}
    monkeypatch.setattr(file_de_travail.page, "__kwdefaults__", taille)
    semer(9, deposee.site, fin_de_droits=lambda rang: timezone.localdate() + dt.timedelta(days=rang))
    ouvrir("dossiers")
    for lien, rangs in (("Page suivante", 4), ("Page suivante", 2), ("Page précédente", 4), ("Page précédente", 4)):
        page.get_by_role("link", name=lien).click()
        page.wait_for_load_state()
        assert page.locator("tbody tr").count() == rangs
    page.get_by_role("link", name="Échéance légale").click()
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Échéance légale")


@pytest.mark.parametrize("nom", ["dossiers", "references"])
def test_un_agent_est_averti_avant_la_fin_de_sa_session(ouvrir, page, connecte, sans_faute_axe, nom):
    page.clock.install()
    ouvrir(nom)
    page.clock.fast_forward("25:30")
    expect(page.get_by_role("heading", name="Votre session va se fermer")).to_be_focused()
    sans_faute_axe(page)

    page.get_by_role("button", name="Rester connecté").click()
    expect(page.locator("dialog[data-session]")).to_be_hidden()
    page.clock.fast_forward("29:55")
    expect(page.get_by_text("Vous avez été déconnecté(e)")).to_be_visible()
