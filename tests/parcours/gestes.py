"""Ce qu'une personne fait devant Chromium, quelle que soit sa démarche."""

import datetime as dt
import io
import re
import time

import pypdfium2
import zxingcpp
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from documents.models import Document
from documents.operations import rendre
from notifications.expedition import a_relancer, expedier
from tests.demandes.reponses import EPHOTO
from tests.factories import AgentFactory, CompteFactory

MOT_DE_PASSE = "Un chat gris dort sur le toit rouge"


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


def poursuivre(page):
    cliquer(page, "Enregistrer et poursuivre")


def lire_2d_doc(pdf: bytes) -> str:
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=300 / 72).to_pil()
    codes = [code for code in zxingcpp.read_barcodes(page) if code.format == zxingcpp.BarcodeFormat.DataMatrix]
    return codes[0].bytes.decode("ascii")


def texte_du_pdf(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(pdf)
    return " ".join(" ".join(page.get_textpage().get_text_bounded().split()) for page in pages)


def verifier(page, message):
    """La page publique de vérification, avec ce que le code contient."""
    if page.avec_js:  # une page qui attend son document se recharge : on la quitte après
        expect(page.locator("[data-document-attendu]")).to_have_count(0)
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


def ouvrir_un_compte(page, titre, boite):
    """De l'accueil au compte ouvert, avec le numéro et les dates du titre ; une erreur en chemin se dit."""
    numero = titre.usager.numero_etranger
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
    page.locator("#id_numero").fill(" ".join(re.findall("..", numero)))
    dater(page, "debut", titre.debut)
    dater(page, "fin", titre.fin)
    cliquer(page, "Créer un compte")
    page.verifier()
    page.locator("#id_courriel").fill("personne@exemple.invalid")
    cliquer(page, "Valider")
    page.verifier()
    lien = re.search(r"http\S+/compte/activer/\S+", courriel(boite, "compte"))[0]
    page.goto(lien)
    page.verifier()
    page.locator("#id_mot_de_passe").fill(MOT_DE_PASSE)
    page.locator("#id_confirmation").fill(MOT_DE_PASSE)
    cliquer(page, "Créer mon compte")
    expect(page.get_by_text(numero).first).to_be_visible()
    page.verifier()


def se_connecter(page, usager, mot_de_passe=MOT_DE_PASSE):
    page.goto(page.racine + reverse("usagers:connexion"))
    page.locator("#id_username").fill(usager.numero_etranger)
    page.locator("#id_password").fill(mot_de_passe)
    cliquer(page, "S'identifier")
    expect(page.get_by_role("heading", name=f"Bienvenue {usager.nom_complet}")).to_be_visible()
    page.verifier()


def etape_informations(page, **adresse):
    """Une étape vide est refusée ; puis la situation la plus simple, à cette adresse."""
    poursuivre(page)
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    page.verifier()
    page.locator("#id_situation_familiale").select_option("celibataire")
    page.locator("input[name=en_couple][value=non]").check(force=True)
    page.locator("input[name=enfants_en_france][value=non]").check(force=True)
    page.locator("input[name=logement][value=locataire_proprietaire]").check(force=True)
    for nom, valeur in adresse.items():
        page.locator(f"#id_adresse_{nom}").fill(valeur)
    page.locator("#id_telephone").fill("06 01 02 03 04")
    page.verifier()
    poursuivre(page)


def etape_justificatifs(page, rang):
    """Envoyée vide, l'étape dit ce qui manque ; puis un fichier par pièce, les déclarations, l'e-photo."""
    expect(page.get_by_text(rang).first).to_be_visible()
    poursuivre(page)
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    page.verifier()
    for champ in page.locator("fieldset[data-piece][data-url]").all():
        code = champ.get_attribute("data-piece")
        page.locator(f"#id_fichier_{code}").set_input_files(image(f"{code.lower()}.png"))
        if page.avec_js:
            expect(page.locator(f"#piece-{code}").get_by_text(f"{code.lower()}.png").first).to_be_visible(timeout=15000)
    for declaration in page.locator("input[name^=declaree_]").all():
        declaration.check(force=True)
    page.locator("#id_ephoto").fill(EPHOTO)
    cliquer(page, "Confirmer le numéro ephoto")
    expect(page.get_by_text("1PMT - EK77 - 0613 - 1138 - 07AA - 00")).to_be_visible()
    page.verifier()
    poursuivre(page)


def etape_recapitulatif(page, rang, *, parties):
    """Transmettre trop tôt nomme les parties ; puis chacune se valide, et la demande part."""
    expect(page.get_by_text(rang).first).to_be_visible()
    page.verifier()
    cliquer(page, "Valider et transmettre ma demande")
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    page.verifier()
    for _partie in range(parties):
        cliquer(page, "Valider et vérifier la suite de ma saisie")
    page.locator("#id_observations").fill("Je signale une erreur sur mon nom")
    page.locator("#id_declaration").check(force=True)
    cliquer(page, "Valider et transmettre ma demande")
    expect(page.get_by_role("heading", name="Votre demande est enregistrée")).to_be_visible()
    page.verifier()


def ouvrir_la_decision(page):
    """La notification s'ouvre par un geste, jamais par la seule visite."""
    page.goto(page.racine + reverse("demandes:notifications"))
    page.verifier()
    cliquer(page, "Notification de la décision", genre="link")
    page.verifier()
    cliquer(page, "Ouvrir la notification")
    expect(page.get_by_text("a été acceptée")).to_be_visible()
    page.verifier()


def instruire(page, browser, options, demande, sans_faute_axe, **accord):
    """Deux agents du site, chacun dans sa session : l'un prend la demande et propose de l'accorder, l'autre signe."""
    for role, geste in (("instructeur", proposer), ("signataire", signer)):
        identifiant = f"{role}.{demande.site_id}"
        compte = CompteFactory(nature="agent", is_staff=True, identifiant=identifiant)
        AgentFactory(site=demande.site, compte=compte, roles=[role])
        contexte = browser.new_context(**options, java_script_enabled=page.avec_js)
        agent_page = contexte.new_page()
        agent_page.racine = page.racine
        agent_page.verifier = lambda vue=agent_page: page.avec_axe and sans_faute_axe(vue)
        entrer(agent_page, identifiant)
        geste(agent_page, demande, **(accord if role == "instructeur" else {}))
        contexte.close()
    demande.refresh_from_db()
    assert demande.etat == "favorable"


def entrer(page, identifiant):
    page.goto(page.racine + "/agents/")
    page.locator("#id_username").fill(identifiant)
    page.locator("#id_password").fill("Sept mots pour une phrase de passe")
    page.verifier()
    page.locator("main [type=submit]").last.click()
    page.wait_for_load_state()


def proposer(page, demande, *, duree, **champs):
    """L'instructeur ouvre la file, prend le dossier en charge et propose d'accorder le titre."""
    page.goto(page.racine + reverse("admin:dossiers"))
    page.verifier()
    page.locator(f"a[href*='{demande.numero}']").first.click()
    page.wait_for_load_state()
    page.verifier()
    cliquer(page, "Prendre en charge")
    cliquer(page, "Proposer une décision", genre="link")
    for nom, valeur in champs.items():
        page.locator(f"#id_{nom}").fill(valeur)
    jour = timezone.localdate()
    dater(page, "du", jour)
    dater(page, "au", jour + dt.timedelta(days=duree))
    page.locator("#id_avis").fill("Conditions remplies")
    page.verifier()
    cliquer(page, "Proposer cette décision")
    expect(page.get_by_role("heading", name="Proposition : accorder")).to_be_visible()
    page.verifier()


def signer(page, demande):
    """Le signataire relit la proposition et ce qui partira, puis signe."""
    page.goto(page.racine + reverse("admin:dossier", args=[demande.numero]))
    page.verifier()
    cliquer(page, "Signer la décision favorable", genre="link")
    page.verifier()
    cliquer(page, "Signer et accorder")
    expect(page.get_by_role("heading", name="Décision favorable", exact=True)).to_be_visible()
    page.verifier()
