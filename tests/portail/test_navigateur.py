"""Les pages publiques dans Chromium : axe, 320 px, clavier, sans JavaScript, thème sombre, poids."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import reverse

from demandes.portail.entrees import ENTREES
from tests.factories import DemandeFactory, SiteFactory, TitreSejourFactory, UsagerFactory

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]

PAGES = [
    "/",
    "/orientation/",
    "/orientation/?pour=moi",
    "/orientation/?pour=moi&etape=situation",
    "/orientation/?pour=moi&situation=titre",
    "/orientation/?pour=autre&situation=titre&titre=etudiant",
    "/orientation/?pour=moi&situation=aucun",
    "/orientation/?pour=moi&situation=vlsts_a_valider",
    "/contact/",
    "/contact/?departement=75",
    "/contact/?departement=",
    "/aide/",
    "/aide/#ephoto",
    "/rechercher/?q=timbre",
    "/rechercher/?q=xyzzy",
    "/plan-du-site/",
    "/mentions-legales/",
    "/accessibilite/",
    "/donnees-personnelles/",
    f"/a-venir/{next(iter(ENTREES))}/",
]


@pytest.fixture
def droit_et_service():
    call_command("charger_droit", verbosity=0)
    SiteFactory()


# Une page de chaque gabarit dans la suite ordinaire ; toutes, et chaque état de l'orientation, dans les essais longs.
@pytest.mark.parametrize(
    "chemins",
    [
        ["/", "/orientation/?pour=moi&etape=situation", "/contact/?departement=75", "/aide/", "/rechercher/?q=xyzzy"],
        pytest.param(PAGES, marks=pytest.mark.long),
    ],
    ids=["une de chaque sorte", "toutes"],
)
def test_aucune_page_publique_n_a_de_faute_d_accessibilite(
    live_server, page, sans_faute_axe, droit_et_service, chemins
):
    for chemin in chemins:
        page.goto(live_server.url + chemin)
        sans_faute_axe(page)


@pytest.mark.long
def test_le_theme_sombre_garde_ses_contrastes(live_server, page, sans_faute_axe, droit_et_service):
    page.emulate_media(color_scheme="dark")
    for chemin in ["/", "/orientation/?pour=moi&etape=situation", "/contact/?departement=75", "/aide/#ephoto"]:
        page.goto(live_server.url + chemin)
        sans_faute_axe(page)


def test_un_nom_tres_long_et_arabe_tient_dans_l_en_tete(live_server, page, se_connecter, sans_faute_axe):
    usager = UsagerFactory(
        prenoms="محمد عبد الرحمن", nom_naissance="بن عبد العزيز آل الشيخ الأنصاري " + "ABCDEFGHIJ" * 5
    )
    se_connecter(usager.compte)
    page.goto(live_server.url)
    page.locator(".entete__compte summary").click()
    sans_faute_axe(page)


def test_l_accueil_connecte_propose_de_reprendre(live_server, page, se_connecter, sans_faute_axe, droit_et_service):
    demande = DemandeFactory(titre_de_depart=TitreSejourFactory())
    se_connecter(demande.usager.compte)
    page.goto(live_server.url)
    sans_faute_axe(page)
    assert page.get_by_role("link", name="Reprendre ma demande").is_visible()


def test_les_pages_d_erreur_n_ont_pas_de_faute_d_accessibilite(live_server, page, sans_faute_axe):
    page.goto(live_server.url + "/n-existe-pas/")
    sans_faute_axe(page)
    page.fautes.clear()  # Chromium note lui-même le code 404


def test_le_premier_arret_du_clavier_est_l_acces_au_contenu(live_server, page):
    page.goto(live_server.url + reverse("demandes:aide"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#contenu"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "contenu"


def test_chaque_arret_du_clavier_est_visible(live_server, page):
    page.goto(live_server.url)
    for _ in range(25):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth })()"
        )
        assert style not in {"none0px", "auto0px"}, page.evaluate("document.activeElement.outerHTML")


def test_les_menus_s_ouvrent_et_se_ferment_au_clavier(live_server, page):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(live_server.url)
    bouton = page.get_by_role("button", name="Menu", exact=True)
    menu = page.get_by_role("navigation", name="Menu principal")
    assert not menu.is_visible()
    bouton.press("Enter")
    assert menu.is_visible()
    assert bouton.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert not menu.is_visible()
    langues = page.locator(".deroulant--langues summary")
    langues.press("Enter")
    assert page.get_by_role("button", name="English").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("button", name="English").is_visible()


def test_la_langue_se_change_et_la_page_reste(live_server, page):
    page.goto(live_server.url + "/contact/?departement=75")
    page.locator(".deroulant--langues summary").click()
    page.get_by_role("button", name="English").click()
    page.wait_for_url("**/contact/?departement=75")
    assert page.locator("html").get_attribute("lang") == "en"


def test_une_erreur_prend_le_focus_et_mene_au_champ(live_server, page):
    page.goto(live_server.url + "/orientation/")
    page.get_by_role("button", name="Continuer").click()
    assert page.title().startswith("Erreur :")
    assert page.evaluate("'resumeErreurs' in document.activeElement.dataset")
    page.get_by_role("link", name="Choisissez pour qui").click()
    assert page.evaluate("document.activeElement.id || location.hash") in {"id_pour_0", "#id_pour_0"}


def test_une_reponse_de_l_aide_s_ouvre_depuis_la_recherche(live_server, page):
    page.goto(live_server.url)
    page.get_by_role("searchbox").fill("ephoto")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Qu'est-ce qu'une ephoto").click()
    assert page.get_by_text("un numéro de 22 caractères").is_visible()


@pytest.fixture
def sans_javascript(browser, live_server):
    contexte = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740}, locale="fr-FR")
    page = contexte.new_page()
    page.goto(live_server.url)
    yield page
    contexte.close()


def test_sans_javascript_le_menu_s_ouvre_et_se_ferme(sans_javascript):
    menu = sans_javascript.get_by_role("navigation", name="Menu principal")
    assert not menu.is_visible()
    sans_javascript.get_by_role("link", name="Menu", exact=True).last.click()
    assert menu.is_visible()
    sans_javascript.get_by_role("link", name="Fermer le menu").click()
    assert not menu.is_visible()


def test_sans_javascript_l_orientation_va_jusqu_au_compte(sans_javascript):
    page = sans_javascript
    page.get_by_role("link", name="Je demande ou renouvelle un titre de séjour").click()
    page.get_by_text("Moi-même").click()
    page.get_by_role("button", name="Continuer").click()
    page.get_by_text("Titulaire d'un titre de séjour / VLS-TS").click()
    page.get_by_role("button", name="Continuer").click()
    page.get_by_text("Titre de séjour étudiant").click()
    page.get_by_role("button", name="Continuer").click()
    page.get_by_role("link", name="Créer un compte").click()
    assert page.url.endswith(reverse("usagers:creer"))


def test_sans_javascript_la_langue_se_change(sans_javascript):
    sans_javascript.locator(".deroulant--langues summary").click()
    sans_javascript.get_by_role("button", name="English").click()
    assert sans_javascript.locator("html").get_attribute("lang") == "en"


def test_les_fichiers_d_une_page_pesent_moins_de_150_ko(client):
    """La page la plus lourde possible : le cadre, et tous nos modules JavaScript à la fois."""
    page = client.get("/").content.decode()
    adresses = set(re.findall(r'(?:src|href)="/static/([^"]+\.(?:css|js))"', page))
    adresses |= {f"js/{module.name}" for module in (settings.BASE_DIR / "static" / "js").glob("*.js")}
    poids = sum(len(gzip.compress(Path(finders.find(adresse)).read_bytes(), 9)) for adresse in adresses)
    assert len(adresses) >= 5
    assert poids <= 150_000, poids


def test_la_police_de_l_etat_n_est_pas_telechargee(live_server, page):
    polices = []
    page.on("request", lambda requete: polices.append(requete.url) if "/fonts/" in requete.url else None)
    page.goto(live_server.url, wait_until="networkidle")
    assert polices == []
    assert settings.MARQUE_ETAT is False
