"""Le parcours étudiant entier dans Chromium : de l'orientation à la décision, avec et sans JavaScript."""

import datetime as dt
import io
import re
import time

import pypdfium2
import pytest
import zxingcpp
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from demandes.models import Demande
from documents.models import Document
from documents.operations import rendre
from notifications.expedition import a_relancer, expedier
from notifications.models import Envoi
from tests.demandes.reponses import EPHOTO
from tests.factories import AgentFactory, CompteFactory, PaysFactory, SiteFactory, TitreSejourFactory, UsagerFactory

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]
MOT_DE_PASSE = "Un chat gris dort sur le toit rouge"
NUMERO = "7703004369"


@pytest.fixture
def julie(live_server, settings):
    """JULIE JOHN, connue de l'État, sans compte ; son titre expire dans 90 jours."""
    settings.ADRESSE_DU_SITE = live_server.url
    call_command("charger_droit", verbosity=0)
    SiteFactory()
    PaysFactory()
    return TitreSejourFactory(usager=UsagerFactory(compte=None, numero_etranger=NUMERO))


@pytest.fixture(params=[True, False], ids=["avec JavaScript", "sans JavaScript"])
def visite(request, browser, live_server, browser_context_args, sans_faute_axe):
    """Une personne devant Chromium ; axe passe sur chaque page quand JavaScript est permis."""
    contexte = browser.new_context(**browser_context_args, java_script_enabled=request.param)
    page = contexte.new_page()
    fautes = []
    page.on("console", lambda m: fautes.append(m.text) if m.type == "error" and "422" not in m.text else None)
    page.on("pageerror", lambda erreur: fautes.append(str(erreur)))
    page.avec_js = request.param
    page.verifier = lambda: sans_faute_axe(page) if request.param else None
    page.racine = live_server.url
    yield page
    contexte.close()
    assert not fautes, fautes


def cliquer(page, nom, *, genre="button"):
    page.get_by_role(genre, name=re.compile(nom)).first.click()
    page.wait_for_load_state()


def dater(page, prefixe, jour):
    page.locator(f"#id_{prefixe}_0").fill(f"{jour.day:02}")
    page.locator(f"#id_{prefixe}_1").select_option(str(jour.month))
    page.locator(f"#id_{prefixe}_2").fill(str(jour.year))


def travailler():
    """Ce que l'ouvrier fait : rendre les documents, faire partir les envois."""
    for document in Document.objects.filter(fichier__isnull=True):
        rendre(document)
    for envoi in a_relancer():
        expedier(envoi)


def courriel(boite, sujet) -> str:
    """Le texte du dernier courriel reçu dont le sujet contient ces mots ; les envois en attente partent d'abord."""
    fin = time.monotonic() + 20
    while time.monotonic() < fin:
        travailler()
        for message in reversed(boite.messages):
            if sujet in message["Subject"]:
                return message.get_body(("plain",)).get_content()
        time.sleep(0.2)
    raise AssertionError([message["Subject"] for message in boite.messages])


def image(nom) -> dict:
    tampon = io.BytesIO()
    Image.new("RGB", (200, 120), (hash(nom) % 255, 90, 120)).save(tampon, "PNG")
    return {"name": nom, "mimeType": "image/png", "buffer": tampon.getvalue()}


def ouvrir_un_compte(page, julie, boite):
    page.goto(page.racine)
    page.verifier()
    cliquer(page, "Je demande ou renouvelle un titre de séjour", genre="link")
    page.get_by_label("Moi-même").check(force=True)
    cliquer(page, "Continuer")
    page.get_by_label(re.compile("Titulaire d'un titre de séjour / VLS-TS")).check(force=True)
    page.verifier()
    cliquer(page, "Continuer")
    while page.get_by_role("button", name="Continuer").count():
        page.locator("main input[type=radio]").first.check(force=True)
        cliquer(page, "Continuer")
    page.verifier()
    cliquer(page, "Créer un compte", genre="link")
    cliquer(page, "Créer un compte")
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    page.verifier()
    page.locator("#id_numero").fill("77 03 00 43 69")
    dater(page, "debut", julie.debut)
    dater(page, "fin", julie.fin)
    cliquer(page, "Créer un compte")
    page.verifier()
    page.locator("#id_courriel").fill("julie.john@exemple.invalid")
    cliquer(page, "Valider")
    page.verifier()
    lien = re.search(r"http\S+/compte/activer/\S+", courriel(boite, "compte"))[0]
    page.goto(lien)
    page.verifier()
    page.locator("#id_mot_de_passe").fill(MOT_DE_PASSE)
    page.locator("#id_confirmation").fill(MOT_DE_PASSE)
    cliquer(page, "Créer mon compte")
    expect(page.get_by_text(NUMERO).first).to_be_visible()
    page.verifier()


def se_connecter(page):
    page.goto(page.racine + reverse("usagers:connexion"))
    page.locator("#id_username").fill(NUMERO)
    page.locator("#id_password").fill(MOT_DE_PASSE)
    cliquer(page, "S'identifier")
    expect(page.get_by_role("heading", name="Bienvenue JULIE JOHN")).to_be_visible()
    page.verifier()


def commencer(page):
    page.goto(page.racine + reverse("demandes:situation"))
    page.verifier()
    page.get_by_label("Je souhaite renouveler ce titre").check(force=True)
    cliquer(page, "Je continue")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Je demande un titre de séjour pour étudier"))
    page.verifier()
    cliquer(page, "Je commence")


def poursuivre(page):
    cliquer(page, "Enregistrer et poursuivre")


def etape_informations(page):
    poursuivre(page)
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    page.verifier()
    page.locator("#id_situation_familiale").select_option("celibataire")
    page.locator("input[name=en_couple][value=non]").check(force=True)
    page.locator("input[name=enfants_en_france][value=non]").check(force=True)
    page.locator("input[name=logement][value=locataire_proprietaire]").check(force=True)
    for nom, valeur in {"numero": "18", "voie": "rue des Pyrénées", "code_postal": "75020", "commune": "Paris"}.items():
        page.locator(f"#id_adresse_{nom}").fill(valeur)
    page.locator("#id_telephone").fill("06 01 02 03 04")
    page.verifier()
    poursuivre(page)


def etape_motif(page):
    expect(page.get_by_text("Étape 2 sur 6").first).to_be_visible()
    page.locator("input[name=etudiant_precedente][value=oui]").check(force=True)
    page.locator("input[name=mobilite][value=non]").check(force=True)
    for annee in ("precedente", "courante"):
        page.locator(f"#id_{annee}_etablissement").select_option("universite")
        page.locator(f"#id_{annee}_nom_etablissement").fill("PRT Paris")
        page.locator(f"#id_{annee}_cycle").select_option("master")
        page.locator(f"#id_{annee}_niveau").select_option("m1" if annee == "precedente" else "m2")
        page.locator(f"#id_{annee}_diplome").fill("Master de biologie")
        page.locator(f"#id_{annee}_discipline").select_option("biologie")
    page.locator("input[name=precedente_resultat][value=validee]").check(force=True)
    page.verifier()
    poursuivre(page)


def etape_ressources(page):
    expect(page.get_by_text("Étape 3 sur 6").first).to_be_visible()
    page.locator("#id_ressources-0-origine").select_option("boursier")
    page.locator("#id_ressources-0-montant").fill("525,50")
    page.locator("#id_explication").fill("Je n'ai aucun frais de logement")
    page.verifier()
    poursuivre(page)
    expect(page.get_by_text("susceptible d'en tenir compte").first).to_be_visible()
    page.verifier()
    poursuivre(page)


def etape_justificatifs(page):
    expect(page.get_by_text("Étape 4 sur 6").first).to_be_visible()
    poursuivre(page)
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    page.verifier()
    for champ in page.locator("fieldset[data-piece][data-url]").all():
        code = champ.get_attribute("data-piece")
        depot = page.locator(f"#id_fichier_{code}")
        depot.set_input_files(image(f"{code.lower()}.png"))
        if page.avec_js:
            expect(page.locator(f"#piece-{code}").get_by_text(f"{code.lower()}.png").first).to_be_visible(timeout=15000)
    page.locator("#id_ephoto").fill(EPHOTO)
    cliquer(page, "Confirmer le numéro ephoto")
    expect(page.get_by_text("1PMT - EK77 - 0613 - 1138 - 07AA - 00")).to_be_visible()
    page.verifier()
    poursuivre(page)


def etape_recapitulatif(page):
    expect(page.get_by_text("Étape 5 sur 6").first).to_be_visible()
    page.verifier()
    cliquer(page, "Valider et transmettre ma demande")
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    page.verifier()
    for _partie in range(4):
        cliquer(page, "Valider et vérifier la suite de ma saisie")
    page.locator("#id_observations").fill("Je signale une erreur sur mon nom")
    page.locator("#id_declaration").check(force=True)
    cliquer(page, "Valider et transmettre ma demande")
    expect(page.get_by_role("heading", name="Votre demande est enregistrée")).to_be_visible()
    page.verifier()


def lire_2d_doc(pdf: bytes) -> str:
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=300 / 72).to_pil()
    codes = [code for code in zxingcpp.read_barcodes(page) if code.format == zxingcpp.BarcodeFormat.DataMatrix]
    return codes[0].bytes.decode("ascii")


def verifier(page, message):
    """La page publique de vérification, avec ce que le code contient."""
    page.goto(page.racine + reverse("documents:verifier"))
    page.locator("textarea").first.fill(message)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_load_state()
    expect(page.get_by_text(re.compile("authentique", re.I)).first).to_be_visible()
    page.verifier()


def telecharger(page, numero) -> bytes:
    reponse = page.context.request.get(page.racine + reverse("demandes:document", args=[numero]))
    assert reponse.status == 200 and reponse.headers["content-type"] == "application/pdf"
    return reponse.body()


def decider(page, demande):
    """L'agent ouvre la file, prend le dossier en charge, vérifie sa décision et l'accorde."""
    page.goto(page.racine + "/agents/")
    page.locator("#id_username").fill("agent.paris")
    page.locator("#id_password").fill("Sept mots pour une phrase de passe")
    page.verifier()
    page.locator("main [type=submit]").last.click()
    page.wait_for_load_state()
    page.goto(page.racine + reverse("admin:dossiers"))
    page.verifier()
    page.locator(f"a[href*='{demande.numero}']").first.click()
    page.wait_for_load_state()
    page.verifier()
    cliquer(page, "Prendre en charge")
    page.goto(page.racine + reverse("admin:dossier_decider", args=[demande.numero]))
    page.locator("#id_titre").select_option("CST_ETU")
    page.locator("#id_mention").fill("ÉTUDIANT")
    jour = timezone.localdate()
    dater(page, "du", jour)
    dater(page, "au", jour + dt.timedelta(days=300))
    page.locator("#id_taxe").fill("75")
    page.verifier()
    cliquer(page, "Vérifier la décision")
    page.verifier()
    cliquer(page, "Accorder et notifier")
    page.verifier()


def test_de_l_orientation_a_la_decision(visite, julie, smtp, boite, browser, browser_context_args, sans_faute_axe):
    page = visite
    ouvrir_un_compte(page, julie, boite)
    se_connecter(page)
    commencer(page)
    etape_informations(page)
    etape_motif(page)
    etape_ressources(page)
    etape_justificatifs(page)
    etape_recapitulatif(page)

    demande = Demande.objects.get()
    texte = courriel(boite, "confirmation de dépôt")
    assert demande.numero in texte
    document = demande.evenements.get(nature="transition").document
    message = lire_2d_doc(telecharger(page, document.numero))
    assert demande.numero in message and "JOHN" in message
    verifier(page, message)

    AgentFactory(site=demande.site, compte=CompteFactory(nature="agent", is_staff=True, identifiant="agent.paris"))
    contexte = browser.new_context(**browser_context_args, java_script_enabled=page.avec_js)
    agent_page = contexte.new_page()
    agent_page.racine, agent_page.verifier = page.racine, lambda: page.avec_js and sans_faute_axe(agent_page)
    decider(agent_page, demande)
    contexte.close()
    demande.refresh_from_db()
    assert demande.etat == "favorable"

    assert demande.numero in courriel(boite, "décision")
    page.goto(page.racine + reverse("demandes:notifications"))
    page.verifier()
    cliquer(page, "Notification de la décision", genre="link")
    page.verifier()
    cliquer(page, "Ouvrir la notification")
    expect(page.get_by_text("a été acceptée")).to_be_visible()
    page.verifier()
    decision = demande.decisions.get().document
    assert demande.numero in lire_2d_doc(telecharger(page, decision.numero))
    page.goto(page.racine + reverse("demandes:suivi", args=[demande.numero]))
    page.verifier()
    assert not Envoi.objects.filter(etat="echec").exists()
