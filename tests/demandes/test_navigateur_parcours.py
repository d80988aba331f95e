"""Le parcours dans Chromium : axe, 320 px, clavier, enregistrement pendant la frappe, deux onglets, session fermée."""

import datetime as dt
import re

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.models import Demande, Saisie
from demandes.parcours import Parcours
from tests.factories import TitreSejourFactory, UsagerFactory
from tests.situations import remplir
from usagers.models import AdresseLocale

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def etape(live_server, page, se_connecter, brouillon):
    """`etape(code)` : la personne connectée ouvre cette étape de son brouillon."""
    se_connecter(brouillon.usager.compte)

    def ouvrir(code="informations"):
        remplir(brouillon, jusqu_a=code)
        page.goto(live_server.url + reverse("demandes:etape", args=[brouillon.pk, code]))
        return page

    return ouvrir


def avec_les_fautes(page, *attendues):
    """Le navigateur signale en console une réponse d'erreur : celles-ci étaient voulues, et elles seules."""
    assert page.fautes and all(any(mot in faute for mot in attendues) for faute in page.fautes), page.fautes
    page.fautes.clear()


def enregistre(page):
    """Attend la ligne « Brouillon enregistré à … »."""
    expect(page.locator("[data-enregistrement-texte]")).to_have_text(
        re.compile(r"Brouillon enregistré à \d\d\sh\s\d\d")
    )


def poursuivre(page):
    page.get_by_role("button", name="Enregistrer et poursuivre").click()
    page.wait_for_load_state()


# --- Accessibilité de chaque page ------------------------------------------------------------------------------------
@pytest.mark.parametrize("fin", [90, *(pytest.param(jours, marks=pytest.mark.long) for jours in (150, 20, -10))])
def test_situation_et_presentation(live_server, page, se_connecter, sans_faute_axe, droit, fin):
    titre = TitreSejourFactory(fin=timezone.localdate() + dt.timedelta(days=fin))
    se_connecter(titre.usager.compte)
    page.goto(live_server.url + reverse("demandes:situation"))
    sans_faute_axe(page)
    page.get_by_role("button", name="Je continue").click()
    expect(page.get_by_role("heading", name="Déposez votre demande en 6 étapes")).to_be_visible()
    sans_faute_axe(page)
    page.get_by_role("button", name="Je commence").click()
    expect(page.get_by_text("Étape 1 sur 6")).to_be_visible()


def test_situation_fermee_et_demande_commencee(live_server, page, se_connecter, sans_faute_axe, brouillon):
    se_connecter(brouillon.usager.compte)
    page.goto(live_server.url + reverse("demandes:situation"))
    sans_faute_axe(page)
    se_connecter(TitreSejourFactory(nature="RLD_UE", motif="resident").usager.compte)
    page.reload()
    expect(page.get_by_text("longue durée-UE n'est pas couverte")).to_be_visible()
    sans_faute_axe(page)


@pytest.mark.parametrize("code", ["informations", "motif", "ressources"])
def test_chaque_etape_vide_puis_en_erreur(etape, sans_faute_axe, code):
    page = etape(code)
    sans_faute_axe(page)
    poursuivre(page)
    expect(page.locator("[data-resume-erreurs]")).to_be_focused()
    assert page.title().startswith("Erreur : ")
    sans_faute_axe(page)
    for lien in page.locator("[data-resume-erreurs] a").all():
        assert page.locator(lien.get_attribute("href")).count() == 1, lien.inner_text()
    page.locator("[data-resume-erreurs] a").first.click()
    assert page.evaluate("document.activeElement.matches('input, select, textarea')")
    avec_les_fautes(page, "422")


def test_une_etape_tout_ouverte(etape, sans_faute_axe):
    page = etape()
    page.locator("input[name=en_couple][value=oui]").check(force=True)
    page.locator("input[name=enfants_en_france][value=oui]").check(force=True)
    sans_faute_axe(page)


def test_de_tres_longs_noms_tiennent_en_320_px(live_server, page, se_connecter, sans_faute_axe, droit, le):
    usager = UsagerFactory(
        nom_naissance="RAKOTOMALALA ANDRIANTSOANAVALONARIVONTSIMITOVIAMINANDRIANA", prenoms="ÉLÉONORE-ANTOINETTE " * 4
    )
    TitreSejourFactory(usager=usager)
    demande = operations.commencer(DEMARCHES["etudiant"], usager, par=usager.compte, le=le)
    se_connecter(usager.compte)
    page.goto(live_server.url + reverse("demandes:etape", args=[demande.pk, "informations"]))
    sans_faute_axe(page)


# --- Enregistrement pendant la frappe --------------------------------------------------------------------------------
def test_la_saisie_s_enregistre_seule_et_ne_gene_pas_l_envoi(etape, brouillon, le):
    page = etape("motif")
    page.locator("#id_courante_nom_etablissement").fill("PRT Paris")
    enregistre(page)
    assert Saisie.objects.get(etape="motif").brouillon["courante_nom_etablissement"] == ["PRT Paris"]
    page.locator("#id_courante_diplome").fill("Master")
    expect(page.locator("input[name=version]")).to_have_value("2")
    page.get_by_role("button", name="Quitter et revenir plus tard").click()
    expect(page.get_by_text("Votre saisie est gardée")).to_be_visible()
    page.get_by_role("link", name="Reprendre ma demande").click()
    expect(page.locator("#id_courante_diplome")).to_have_value("Master")


def test_envoyer_pendant_un_enregistrement_n_est_pas_un_conflit(etape, brouillon, le):
    """L'enregistrement est encore en vol quand la personne poursuit."""
    page = etape("ressources")
    page.locator("#id_ressources-0-origine").select_option("salarie")
    page.route("**/brouillon/", lambda route: (page.wait_for_timeout(400), route.continue_())[1])
    page.locator("#id_ressources-0-montant").fill("700")
    page.wait_for_timeout(1550)
    poursuivre(page)
    expect(page.get_by_text("Étape 4 sur 6")).to_be_visible()
    assert Parcours(brouillon, le=le).valeurs("ressources")["ressources"][0]["montant"] == 700


def test_un_site_muet_se_dit_et_l_enregistrement_se_reessaie(etape):
    page = etape("motif")
    page.route("**/brouillon/", lambda route: route.abort())
    page.locator("#id_courante_diplome").fill("Master")
    expect(page.get_by_text("le site ne répond pas")).to_be_visible()
    page.unroute("**/brouillon/")
    page.get_by_role("button", name="Réessayer").click()
    enregistre(page)
    expect(page.get_by_text("le site ne répond pas")).to_be_hidden()
    avec_les_fautes(page, "ERR_FAILED")


def test_deux_onglets_se_comparent_et_rien_ne_se_perd(etape, sans_faute_axe, brouillon):
    page = etape()
    autre = page.context.new_page()
    autre.goto(page.url)
    autre.locator("#id_adresse_voie").fill("rue de Bagnolet")
    enregistre(autre)
    page.locator("#id_adresse_voie").fill("rue des Pyrénées")
    page.get_by_role("button", name="Comparer les deux versions").click()
    expect(page.get_by_role("heading", name="Deux versions de cette étape")).to_be_visible()
    ligne = page.get_by_role("row", name=re.compile("Nom de la voie"))
    expect(ligne).to_contain_text("rue des Pyrénées")
    expect(ligne).to_contain_text("rue de Bagnolet")
    sans_faute_axe(page)
    page.get_by_role("button", name="Garder ce que je viens de saisir").click()
    expect(page.locator("#id_adresse_voie")).to_have_value("rue des Pyrénées")
    autre.locator("#id_adresse_commune").fill("Paris")
    autre.get_by_role("button", name="Comparer les deux versions").click()
    autre.get_by_role("link", name="Garder l'autre version").click()
    expect(autre.locator("#id_adresse_voie")).to_have_value("rue des Pyrénées")
    avec_les_fautes(page, "409")


def test_une_session_fermee_ramene_a_l_etape_avec_la_saisie(etape, brouillon):
    page = etape()
    Session.objects.all().delete()
    page.locator("#id_adresse_voie").fill("rue des Pyrénées")
    page.get_by_role("button", name="Me reconnecter").click()
    page.locator("#id_username").fill(brouillon.usager.compte.identifiant)
    page.locator("#id_password").fill("Sept mots pour une phrase de passe")
    page.get_by_role("button", name="S'identifier").click()
    expect(page.get_by_text("ce que vous veniez de saisir a été gardé")).to_be_visible()
    expect(page.locator("#id_adresse_voie")).to_have_value("rue des Pyrénées")
    avec_les_fautes(page, "401")


# --- Conditions, lignes, total ---------------------------------------------------------------------------------------
def test_un_champ_conditionnel_s_ouvre_sous_sa_question_et_ne_part_que_s_il_sert(etape):
    page = etape("motif")
    precision = page.locator("#id_precedente_cycle_precision")
    etablissement = page.locator("#id_precedente_nom_etablissement")
    expect(etablissement).to_be_hidden()
    page.locator("input[name=etudiant_precedente][value=oui]").check(force=True)
    expect(etablissement).to_be_visible()
    expect(precision).to_be_hidden()
    page.locator("#id_precedente_cycle").select_option("autre")
    expect(precision).to_be_visible()
    precision.fill("Bachelor")
    page.locator("input[name=etudiant_precedente][value=non]").check(force=True)
    expect(precision).to_be_hidden()
    expect(precision).to_be_disabled()
    page.locator("input[name=etudiant_precedente][value=oui]").check(force=True)
    expect(precision).to_have_value("Bachelor")


def test_les_lignes_s_ajoutent_se_suppriment_et_le_total_suit(etape, sans_faute_axe, brouillon):
    page = etape("ressources")
    page.locator("#id_ressources-0-origine").select_option("boursier")
    page.locator("#id_ressources-0-montant").fill("400")
    total = page.locator("[data-calcul=total]")
    expect(total).to_have_text(re.compile("400"))
    page.get_by_role("button", name="Ajouter une ressource").click()
    expect(page.locator("#id_ressources-1-origine")).to_be_focused()
    page.locator("#id_ressources-1-origine").select_option("salarie")
    page.locator("#id_ressources-1-montant").fill("225,50")
    expect(total).to_have_text(re.compile("625,50"))
    expect(page.locator("#id_explication")).to_be_hidden()
    sans_faute_axe(page)
    page.get_by_role("button", name="Supprimer la ressource 1").click()
    expect(page.locator("#id_ressources-0-montant")).to_have_value("225,50")
    expect(page.locator("#bloc-ressources")).to_be_focused()
    expect(page.locator("#id_explication")).to_be_visible()
    assert page.url.endswith("/ressources/")
    poursuivre(page)
    page.locator("#id_explication").fill("Je n'ai aucun frais de logement")
    poursuivre(page)
    expect(page.get_by_text("susceptible d'en tenir compte")).to_be_visible()
    sans_faute_axe(page)
    page.get_by_role("link", name="Revenir à l'étape des ressources").click()
    expect(page.locator("#id_explication")).to_have_value("Je n'ai aucun frais de logement")
    avec_les_fautes(page, "422")


# --- Adresse ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def pyrenees(droit):
    for code_postal, commune, insee in (("75020", "Paris", "75120"), ("31400", "Toulouse", "31555")):
        AdresseLocale.objects.create(
            cle=f"{insee}_7391_00018", numero="18", voie="Rue des Pyrénées", code_postal=code_postal, insee=insee,
            commune=commune, recherche=f"18 rue des pyrenees {code_postal} {commune.lower()}",
        )  # fmt: skip


def test_l_adresse_se_choisit_au_clavier(pyrenees, etape, sans_faute_axe):
    page = etape()
    champ = page.get_by_role("combobox", name=re.compile("Rechercher mon adresse"))
    champ.press_sequentially("18 rue des pyrenees", delay=20)
    expect(page.locator("#adresses-liste [role=option]")).to_have_count(2)
    expect(champ).to_have_attribute("aria-expanded", "true")
    expect(page.locator("[data-adresse-annonce]")).to_have_text(re.compile("2 adresses trouvées"))
    sans_faute_axe(page)
    page.keyboard.press("ArrowUp")
    expect(page.locator("#adresses-liste [role=option]").last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    choix = page.locator("#adresses-liste [role=option]").first
    expect(choix).to_have_attribute("aria-selected", "true")
    assert champ.get_attribute("aria-activedescendant") == choix.get_attribute("id")
    commune = choix.inner_text().split()[-1]
    page.keyboard.press("Enter")
    expect(page.locator("#id_adresse_commune")).to_have_value(commune)
    expect(page.locator("[name=adresse_cle]")).to_have_value(re.compile(":[0-9a-f]{32}$"))
    expect(champ).to_have_attribute("aria-expanded", "false")
    page.locator("#id_adresse_numero").fill("20")
    expect(page.locator("[name=adresse_cle]")).to_have_value("")


def test_echap_referme_la_liste_et_la_souris_choisit(pyrenees, etape):
    page = etape()
    champ = page.locator("#id_adresse")
    champ.press_sequentially("18 rue des pyrenees", delay=20)
    expect(page.locator("#adresses-liste [role=option]")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator("#adresses-liste")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", name=re.compile("Toulouse")).click()
    expect(page.locator("#id_adresse_code_postal")).to_have_value("31400")


def test_le_service_muet_laisse_la_saisie_libre_sans_erreur(etape):
    page = etape()
    page.route("**/adresses/**", lambda route: route.fulfill(json={"adresses": [], "indisponible": True}))
    page.locator("#id_adresse").press_sequentially("18 rue", delay=20)
    page.wait_for_timeout(600)
    expect(page.locator("[data-adresse-annonce]")).to_have_text("")
    expect(page.locator("#id_adresse_voie")).to_be_editable()


# --- Sans souris, sans JavaScript ------------------------------------------------------------------------------------
def test_les_ressources_se_remplissent_au_clavier_seul(etape, brouillon, le):
    page = etape("ressources")
    page.locator("#groupe-ressources summary").focus()

    def tab(fois=1):
        for _fois in range(fois):
            page.keyboard.press("Tab")

    tab()
    page.keyboard.type("Salari")
    tab()
    page.keyboard.type("700")
    tab()
    while page.evaluate("document.activeElement.value") != "poursuivre":
        tab()
        assert page.evaluate("document.activeElement.tagName") != "BODY"
    page.keyboard.press("Enter")
    expect(page.get_by_text("Étape 4 sur 6")).to_be_visible()
    assert Parcours(brouillon, le=le).valeurs("ressources")["ressources"][0]["origine"] == "salarie"


def test_entree_dans_un_champ_poursuit_et_ne_supprime_rien(etape, brouillon):
    """Le premier bouton d'un formulaire répond à la touche Entrée : ce n'est ni « Supprimer », ni « Rechercher »."""
    page = etape("ressources")
    page.locator("#id_ressources-0-origine").select_option("salarie")
    page.locator("#id_ressources-0-montant").fill("700")
    page.locator("#id_ressources-0-montant").press("Enter")
    expect(page.get_by_text("Étape 4 sur 6")).to_be_visible()


@pytest.mark.long
def test_sans_javascript_tout_se_remplit(live_server, browser, browser_context_args, pyrenees, usager, le):
    contexte = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = contexte.new_page()
    page.goto(live_server.url + reverse("demandes:situation"))
    page.locator("#id_username").fill(usager.compte.identifiant)
    page.locator("#id_password").fill("Sept mots pour une phrase de passe")
    page.get_by_role("button", name="S'identifier").click()
    page.get_by_role("button", name="Je continue").click()
    page.get_by_role("button", name="Je commence").click()

    page.locator("#id_situation_familiale").select_option("celibataire")
    page.locator("input[name=en_couple][value=non]").check(force=True)
    page.get_by_role("button", name="Ajouter un enfant").click()
    expect(page.locator("input[name=enfants_en_france][value=oui]")).to_be_checked()
    for rang, annee in enumerate(("2019", "2021")):
        for partie, valeur in enumerate(("3", "4", annee)):
            page.locator(f"#id_enfants-{rang}-naissance_{partie}").fill(valeur)
    page.get_by_role("button", name="Supprimer l'enfant 1").click()
    expect(page.locator("#id_enfants-0-naissance_2")).to_have_value("2021")
    page.locator("input[name=logement][value=hotel]").check(force=True)
    page.locator("#id_adresse").fill("18 rue des pyrenees")
    page.get_by_role("button", name="Rechercher cette adresse").click()
    page.get_by_role("button", name=re.compile("75020 Paris")).click()
    expect(page.locator("#id_adresse_voie")).to_have_value("Rue des Pyrénées")
    page.get_by_role("button", name="Enregistrer et poursuivre").click()
    expect(page.get_by_text("Étape 2 sur 6")).to_be_visible()

    page.locator("input[name=etudiant_precedente][value=non]").check(force=True)
    page.locator("input[name=mobilite][value=oui]").check(force=True)
    page.locator("#id_courante_etablissement").select_option("autre")
    page.locator("#id_courante_nom_etablissement").fill("École d'été")
    page.locator("#id_courante_cycle").select_option("autre")
    page.locator("#id_courante_cycle_precision").fill("Bachelor")
    page.locator("#id_courante_niveau").select_option("autre")
    page.locator("#id_courante_diplome").fill("Bachelor")
    page.locator("#id_courante_discipline").select_option("arts")
    page.get_by_role("button", name="Enregistrer et poursuivre").click()
    expect(page.get_by_text("Étape 3 sur 6")).to_be_visible()

    page.locator("#id_ressources-0-origine").select_option("salarie")
    insuffisant = page.get_by_text("Vous n'avez pas atteint le montant minimum de ressources nécessaires")
    page.locator("#id_ressources-0-montant").fill("700")
    page.get_by_role("button", name="Calculer le total").click()
    expect(page.locator("[data-calcul=total]")).to_have_text(re.compile("700"))
    expect(insuffisant).to_be_hidden()
    page.locator("#id_ressources-0-montant").fill("525")
    page.get_by_role("button", name="Calculer le total").click()
    expect(page.locator("[data-calcul=total]")).to_have_text(re.compile("525"))
    expect(insuffisant).to_be_visible()
    page.locator("#id_explication").fill("Je suis logé par mon employeur")
    page.get_by_role("button", name="Enregistrer et poursuivre").click()
    page.get_by_role("button", name="Enregistrer et poursuivre").click()
    expect(page.get_by_text("Étape 4 sur 6")).to_be_visible()
    contexte.close()

    parcours = Parcours(Demande.objects.get(), le=le)
    assert parcours.courante.code == "justificatifs"
    informations = parcours.valeurs("informations")
    assert informations["adresse_cle"] == "75120_7391_00018"
    assert [enfant["naissance"] for enfant in informations["enfants"]] == [dt.date(2021, 4, 3)]
