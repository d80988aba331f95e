"""L'avertissement avant la fermeture de la session, et le parcours du compte sans JavaScript, dans Chromium."""

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from notifications.models import Envoi
from tests.factories import TitreSejourFactory, UsagerFactory
from tests.usagers.conftest import MOT_DE_PASSE, adresse_du_lien

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]

INFORMATIONS = "/compte/informations/"


@pytest.fixture
def boite(live_server, page, se_connecter):
    """« Mes informations », ouverte il y a 25 minutes : la boîte s'ouvre."""
    se_connecter(UsagerFactory().compte)
    page.clock.install()
    page.goto(live_server.url + INFORMATIONS)
    boite = page.locator("dialog[data-session]")
    expect(boite).to_be_hidden()
    page.clock.fast_forward("24:00")
    expect(boite).to_be_hidden()
    page.clock.fast_forward("01:30")
    expect(boite).to_be_visible()
    return boite


def test_la_boite_s_ouvre_prend_le_focus_et_dit_le_temps_qui_reste(page, boite, sans_faute_axe):
    expect(page.get_by_role("heading", name="Votre session va se fermer")).to_be_focused()
    expect(boite.locator("[data-reste]")).to_have_text(re.compile(r"[45] minutes"))
    sans_faute_axe(page)
    page.clock.fast_forward("03:30")
    expect(boite.locator("[data-reste]")).to_have_text(re.compile("second"))


@pytest.mark.parametrize("geste", ["bouton", "echap"])
def test_rester_connecte_ferme_la_boite_et_repousse_la_fin(page, boite, geste):
    with page.expect_response("**/compte/session/") as reponse:
        if geste == "bouton":
            page.get_by_role("button", name="Rester connecté").click()
        else:
            page.keyboard.press("Escape")
    assert reponse.value.status == 200
    expect(boite).to_be_hidden()
    page.clock.fast_forward("24:00")
    expect(boite).to_be_hidden()


def test_sans_reponse_du_site_la_boite_le_dit_et_reste(page, boite):
    page.route("**/compte/session/", lambda route: route.abort())
    page.get_by_role("button", name="Rester connecté").click()
    expect(boite.get_by_role("alert")).to_contain_text("n'a pas répondu")
    expect(boite).to_be_visible()
    page.fautes.clear()


def test_a_la_fin_la_page_ramene_a_la_connexion_puis_au_meme_endroit(live_server, page, boite):
    page.evaluate("document.addEventListener('session:fermeture', () => sessionStorage.setItem('vu', '1'))")
    page.clock.fast_forward("05:00")
    expect(page).to_have_url(f"{live_server.url}/compte/connexion/?expire=1&next=%2Fcompte%2Finformations%2F")
    expect(page.get_by_text("Vous avez été déconnecté(e)")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('vu')") == "1"
    page.goto(live_server.url + INFORMATIONS)
    expect(page).to_have_url(re.compile("/compte/connexion/"))


def test_un_autre_onglet_actif_repousse_la_fin_ici(live_server, page, boite):
    autre = page.context.new_page()
    autre.goto(live_server.url + INFORMATIONS)
    # L'autre onglet vit à l'heure vraie, celui-ci 25 minutes plus tard : on lui donne une fin à son heure.
    autre.evaluate("localStorage.setItem('session-fin', String(Date.now() + 60 * 60000))")
    expect(boite).to_be_hidden()


@pytest.mark.long
def test_creer_son_compte_sans_javascript(live_server, browser):
    TitreSejourFactory(
        usager__compte=None, usager__numero_etranger="7503119958", debut=dt.date(2025, 3, 9), fin=dt.date(2026, 3, 8)
    )
    contexte = browser.new_context(java_script_enabled=False, base_url=live_server.url, locale="fr-FR")
    page = contexte.new_page()
    page.goto("/compte/connexion/")
    page.get_by_text("Où lire ce numéro").click()
    expect(page.get_by_alt_text(re.compile("^Visa"))).to_be_visible()
    page.get_by_label("N° de votre visa").fill("7503119958")
    for groupe, (jour, mois, annee) in {"début": ("9", "Mars", "2025"), "fin": ("8", "Mars", "2026")}.items():
        date = page.get_by_role("group", name=f"Date de {groupe}")
        date.get_by_label("Jour").fill(jour)
        date.get_by_label("Mois").select_option(mois)
        date.get_by_label("Année").fill(annee)
    page.get_by_role("button", name="Créer un compte").click()
    page.get_by_label("Adresse électronique").fill("jean@exemple.invalid")
    page.get_by_role("button", name="Valider").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("enregistrée")

    page.goto(adresse_du_lien(Envoi.objects.get()))
    page.get_by_role("textbox", name="Mot de passe *", exact=True).fill(MOT_DE_PASSE)
    page.get_by_role("textbox", name="Confirmation du mot de passe").fill(MOT_DE_PASSE)
    page.get_by_role("button", name="Créer mon compte").click()
    expect(page.locator("main")).to_contain_text("7503119958")
    page.goto(f"/compte/connexion/?next={INFORMATIONS}")
    page.get_by_role("textbox", name="Identifiant").fill("7503119958")
    page.get_by_role("textbox", name="Mot de passe").fill(MOT_DE_PASSE)
    page.get_by_role("button", name="S'identifier").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mes informations")
    expect(page.locator("dialog")).to_be_hidden()
    contexte.close()
