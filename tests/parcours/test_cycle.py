"""La journée d'une préfecture dans Chromium, des deux côtés : du dépôt à la remise, au refus, à la réouverture.

Chacun a sa fenêtre et sa session ; à chaque moment, on lit aussi ce que la personne voit de sa demande.
"""

import datetime as dt
import re

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from demandes import operations as usager_operations
from demandes.demarches import DEMARCHES
from demandes.models import Demande
from documents import deuxd_doc
from instruction import operations
from instruction.operations import executer_les_echus
from notifications.models import Envoi
from tests.factories import AgentFactory, PaysFactory, TitreSejourFactory, UsagerFactory
from tests.instruction.conftest import pdf
from tests.instruction.conftest import proposer as decider
from tests.parcours.gestes import (
    cliquer,
    courriel,
    image,
    lire_2d_doc,
    se_connecter,
    telecharger,
    texte_du_pdf,
    travailler,
)
from tests.situations import remplir, tout_relire

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]
NOMS = {
    "instructeur": "Camille Lenoir", "valideur": "Noor Valideur", "signataire": "Sacha Signataire",
    "remise": "Robin Guichet",
}  # fmt: skip


def deposer(titre, code: str) -> Demande:
    """Une demande remplie et déposée ; le parcours de saisie a ses propres essais dans Chromium."""
    usager, le = titre.usager, timezone.now()
    demande = remplir(usager_operations.commencer(DEMARCHES[code], usager, par=usager.compte, le=le), le=le)
    tout_relire(demande, le=le)
    return usager_operations.deposer(demande, par=usager.compte, le=le)


@pytest.fixture(autouse=True)
def cache_a_soi(settings):
    """Qui consulte un dossier est noté au cache : celui d'un essai n'est pas celui du suivant."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def julie(droit, smtp):
    """Déposée à temps ; depuis, les jours ont passé : ses droits finissent bientôt."""
    demande = deposer(TitreSejourFactory(), "etudiant")
    Demande.objects.update(fin_de_droits=timezone.localdate() + dt.timedelta(days=10))
    return demande


@pytest.fixture
def karl(droit, smtp):
    suisse = PaysFactory(code="CH", alpha3="CHE", nom="Suisse", nationalite_f="suisse", nationalite_m="suisse")
    personne = UsagerFactory(
        nom_naissance="SUISSE", prenoms="KARL", sexe="M", pays_naissance=suisse, nationalite=suisse,
        compte__telephone="",
    )  # fmt: skip
    jour = timezone.localdate()
    dates = {"debut": jour - dt.timedelta(days=3556), "fin": jour + dt.timedelta(days=95)}
    return deposer(
        TitreSejourFactory(usager=personne, nature="UE", motif="citoyen_ue_permanent", **dates), "citoyen_ue"
    )


@pytest.fixture
def equipe(en_scene):
    """`equipe(demande)` : la fenêtre de chaque agent du site, par rôle."""

    def reunir(demande, *roles, **options):
        return {
            role: en_scene(AgentFactory(site=demande.site, roles=[role], nom=NOMS[role]).compte, **options)
            for role in roles
        }

    return reunir


# --- Ce que chacun fait ----------------------------------------------------------------------------------------------
def ouvrir(page, demande, *, onglet="") -> None:
    """De la file au dossier, par l'onglet où l'agent le cherche."""
    page.goto(page.racine + reverse("admin:dossiers"))
    if onglet:
        cliquer(page, onglet, genre="link")
    page.verifier()
    page.locator(f"a[href*='{demande.numero}']").first.click()
    page.wait_for_load_state()
    page.verifier()


def autres_actes(page) -> None:
    page.locator("details.autres-gestes summary").click()


def acte(page, lien, bouton, dit) -> None:
    """Un acte : sa page depuis le dossier, son bouton, la phrase qui en rend compte."""
    if not page.get_by_role("link", name=lien, exact=True).first.is_visible():
        autres_actes(page)
    cliquer(page, lien, genre="link")
    acte_en_cours(page, bouton, dit)


def acte_en_cours(page, bouton, dit) -> None:
    """La page de l'acte est ouverte et remplie."""
    page.verifier()
    cliquer(page, bouton)
    expect(page.get_by_text(dit).first).to_be_visible()
    page.verifier()


def voit(page, demande, etat, *, jalon, suite="") -> None:
    """Ce que la personne lit de sa demande : l'état en une phrase, où en est la frise, ce qui vient."""
    page.goto(page.racine + reverse("demandes:suivi", args=[demande.numero]))
    expect(page.locator("dl.donnees").get_by_text(etat)).to_be_visible()
    expect(page.locator(".frise__jalon--courant .frise__texte")).to_contain_text(jalon)
    if suite:
        expect(page.get_by_text(suite).first).to_be_visible()
    page.verifier()


def demander_un_complement(page, demande) -> tuple[str, str]:
    """Deux pièces, un motif chacune, et une question ; rend les codes des pièces."""
    fournies = [piece["code"] for piece in demande.instantanes.get().contenu["pieces"] if piece["fichiers"]]
    cliquer(page, "Demander un complément", genre="link")
    for code, motif in zip(fournies, ("complement.illisible", "complement.trop_ancienne"), strict=False):
        bloc = page.locator(f"#piece-{code}")
        bloc.locator("summary").click()
        bloc.locator(f"input[value='{motif}'] + label").click()
    page.locator("#id_information_1").fill("Quelle est la date de votre rentrée ?")
    page.verifier()
    cliquer(page, "Vérifier la lettre")
    page.verifier()
    cliquer(page, "Envoyer la demande de complément")
    expect(page.get_by_text("Complément demandé.")).to_be_visible()
    return fournies[0], fournies[1]


def lire_la_notification(page, sujet, phrase) -> None:
    """De la liste à la lettre, par le bouton qui vaut accusé de réception."""
    page.goto(page.racine + reverse("demandes:notifications"))
    page.verifier()
    cliquer(page, sujet, genre="link")
    expect(page.get_by_text(phrase)).to_have_count(0)
    page.verifier()
    cliquer(page, "Ouvrir la notification")
    expect(page.get_by_text(phrase).first).to_be_visible()
    page.verifier()


def repondre_au_complement(page) -> None:
    """Maintenir la première pièce, remplacer la deuxième, répondre à la question, envoyer."""
    page.locator("label[for=id_reponse_1_maintenir]").click()
    page.locator("#id_justification_1").fill("Le verso est vierge.")
    page.locator("label[for=id_reponse_2_remplacer]").click()
    page.locator("#id_fichier_2").set_input_files(image("recent.png"))
    page.locator("#id_justification_3").fill("Le 1er septembre.")
    cliquer(page, "Valider et envoyer")
    expect(page.get_by_text("Votre réponse est prise en compte.")).to_be_visible()
    page.verifier()


def proposer(page, *, avis="Conditions remplies") -> None:
    cliquer(page, "Proposer une décision", genre="link")
    page.locator("#id_avis").fill(avis)
    page.verifier()
    cliquer(page, "Proposer cette décision")
    expect(page.get_by_role("heading", name="Proposition : accorder")).to_be_visible()
    page.verifier()


def comparer_les_versions(page, demande, code) -> None:
    """Ce que la réponse a changé, la version d'origine d'un clic, la nouvelle d'un autre."""
    page.goto(page.racine + reverse("admin:dossier", args=[demande.numero]) + "?vue=pieces")
    page.verifier()
    page.get_by_role("link", name=re.compile("recent.png")).first.click()
    page.wait_for_load_state()
    expect(page.locator(".visionneuse__nom")).to_contain_text("recent.png")
    page.locator(".pieces-liste__fichier--ancien a").first.click()
    page.wait_for_load_state()
    expect(page.get_by_text("Version d'origine : la personne l'a remplacée depuis.")).to_be_visible()
    page.verifier()
    for vue in ("echanges", "historique"):
        page.goto(page.racine + reverse("admin:dossier", args=[demande.numero]) + f"?vue={vue}")
        page.verifier()
    originale = demande.pieces.get(code=code, posee_pour__isnull=True)
    assert originale.retiree_le and demande.pieces.get(code=code, posee_pour__isnull=False).remplace == originale


def champs_du_code(octets: bytes) -> dict:
    return dict(deuxd_doc.lire(lire_2d_doc(octets).encode()).champs)


def lire_l_attestation(page, demande) -> None:
    """L'attestation de prolongation, depuis « Mon espace » : son code, et le droit de travailler en toutes lettres."""
    travailler()
    page.goto(page.racine + reverse("demandes:espace"))
    prolongation = demande.prolongations.get()
    lien = page.get_by_role("link", name=re.compile("attestation de prolongation"))
    expect(lien).to_contain_text(f"{prolongation.au:%d/%m/%Y}")
    page.verifier()
    recu = page.context.request.get(page.racine + lien.get_attribute("href"))
    champs = champs_du_code(recu.body())
    assert (champs["6J"], champs["6K"], champs["6P"]) == (
        "2",
        demande.numero,
        "AUTORISE A TRAVAILLER A TITRE ACCESSOIRE",
    )
    texte = texte_du_pdf(recu.body())
    assert "Ce document autorise son titulaire à travailler à titre accessoire." in texte
    assert f"du {prolongation.du:%d/%m/%Y} au {prolongation.au:%d/%m/%Y}" in texte


def dossier(page, demande) -> None:
    page.goto(page.racine + reverse("admin:dossier", args=[demande.numero]))


def envois(demande) -> list[tuple[str, str]]:
    """Ce qui est parti à la personne, dans l'ordre : (message, canal)."""
    travailler()
    partis = Envoi.objects.filter(notification__destinataire=demande.usager.compte).order_by("notification_id", "canal")
    assert {envoi.etat for envoi in partis} == {Envoi.Etat.ENVOYE}
    return [(envoi.message, envoi.canal) for envoi in partis]


# --- Guide 000 : l'étudiante, du dépôt à la remise -------------------------------------------------------------------
def test_une_etudiante_du_depot_a_la_remise(julie, boite, en_scene, equipe, settings):
    agents = equipe(julie, "instructeur", "valideur", "signataire", "remise")
    instructeur, usager = agents["instructeur"], en_scene()
    se_connecter(usager, julie.usager, "Sept mots pour une phrase de passe")
    voit(usager, julie, "Demande déposée : le", jalon="Dépôt de la demande", suite="Vous n'avez rien à faire.")

    ouvrir(instructeur, julie)
    cliquer(instructeur, "Prendre en charge")
    expect(instructeur.get_by_text("Vous avez pris ce dossier en charge")).to_be_visible()
    voit(usager, julie, "En cours d'instruction : le", jalon="Instruction en cours", suite="Un agent examine")

    _maintenue, remplacee = demander_un_complement(instructeur, julie)
    texte = courriel(boite, "complément")
    assert julie.numero in texte and "30 jours" in texte and "rentrée" not in texte
    voit(usager, julie, "Complément demandé le", jalon="Instruction en cours", suite="C'est à vous")
    lire_la_notification(usager, "Demande de complément", "Quelle est la date de votre rentrée")
    voit(usager, julie, "Complément attendu avant le", jalon="Instruction en cours")
    cliquer(usager, "Répondre à la demande de complément", genre="link")
    repondre_au_complement(usager)
    voit(usager, julie, "Complément reçu : le", jalon="Instruction en cours", suite="Votre réponse est reçue.")

    ouvrir(instructeur, julie, onglet="Réponse reçue")
    comparer_les_versions(instructeur, julie, remplacee)
    dossier(instructeur, julie)
    acte(instructeur, "Remettre en instruction", "Remettre en instruction", "L'instruction reprend")

    acte(instructeur, "Prolonger l'instruction", "Délivrer l'attestation", "Attestation délivrée")
    lire_l_attestation(usager, julie)

    proposer(instructeur)
    voit(usager, julie, "En cours de décision : le", jalon="Instruction en cours", suite="en préparation")
    viseur, signataire = agents["valideur"], agents["signataire"]
    ouvrir(viseur, julie)
    cliquer(viseur, "Viser la proposition", genre="link")
    cliquer(viseur, "Viser")
    expect(viseur.get_by_text("Proposition visée.")).to_be_visible()

    settings.DELAI_ANNULATION = 10
    ouvrir(signataire, julie)
    cliquer(signataire, "Signer la décision favorable", genre="link")
    signataire.verifier()
    cliquer(signataire, "Signer et accorder")
    expect(signataire.get_by_role("heading", name="Signé, pas encore parti")).to_be_visible()
    signataire.verifier()
    voit(usager, julie, "En cours de décision : le", jalon="Instruction en cours")
    cliquer(signataire, "Annuler cet acte")
    expect(signataire.get_by_text("Acte annulé. Rien n'est parti")).to_be_visible()
    assert executer_les_echus(le=timezone.now() + dt.timedelta(hours=1)) == 0
    settings.DELAI_ANNULATION = 0
    acte(signataire, "Signer la décision favorable", "Signer et accorder", "c'est fait")
    assert julie.numero in courriel(boite, "décision")
    lire_la_notification(usager, "Notification de la décision", "a été acceptée")
    voit(usager, julie, "Décision favorable : le", jalon="Décision statuée", suite="va être fabriqué")
    decision = julie.decisions.get()
    assert champs_du_code(telecharger(usager, decision.document.numero))["6J"] == "3"

    guichet = agents["remise"]
    ouvrir(guichet, julie)
    acte(guichet, "Mettre en fabrication", "Mettre en fabrication", "Le titre est en fabrication")
    voit(usager, julie, "Titre en fabrication : le", jalon="Décision statuée", suite="en fabrication depuis le")
    cliquer(guichet, "Titre disponible", genre="link")
    guichet.locator("#id_horaires").fill("9 h à 16 h")
    acte_en_cours(guichet, "Annoncer à la personne", "Le titre est à retirer")
    voit(usager, julie, "Titre à retirer : le", jalon="Titre de séjour disponible", suite="75 €, par timbre fiscal")
    cliquer(guichet, "Remettre le titre", genre="link")
    guichet.locator("#id_identite").check(force=True)
    guichet.locator("#id_numero_titre").fill("neuf 12345")
    guichet.locator("#id_timbre").fill("1234 5678 9012 3456")
    for case in guichet.locator("input[name^=du_]").all():
        case.check(force=True)
    acte_en_cours(guichet, "Titre remis", "Titre remis à JULIE JOHN")
    voit(usager, julie, "Titre remis : le", jalon="Titre de séjour disponible", suite="Cette demande est terminée.")
    usager.goto(usager.racine + reverse("demandes:espace"))
    premiere = usager.locator("table tbody tr").first
    expect(premiere).to_contain_text(f"{decision.au:%d/%m/%Y}")
    usager.verifier()

    assert envois(julie) == [
        ("depot", "courriel"), ("depot", "sms"), ("prise_en_charge", "courriel"), ("complement", "courriel"),
        ("complement", "sms"), ("prolongation", "courriel"), ("prolongation", "sms"), ("decision", "courriel"),
        ("decision", "sms"), ("fabrication", "courriel"), ("titre_disponible", "courriel"), ("titre_disponible", "sms"),
    ]  # fmt: skip
    recus = [message.destinataires for message in boite.messages]
    assert recus == [[julie.usager.compte.courriel]] * 7
    assert not Envoi.objects.exclude(etat=Envoi.Etat.ENVOYE).exists()


@pytest.mark.long
def test_l_essentiel_se_fait_sans_javascript(julie, boite, en_scene, equipe):
    agents = equipe(julie, "instructeur", "valideur", "signataire", avec_js=False)
    instructeur, usager = agents["instructeur"], en_scene(julie.usager.compte, avec_js=False)
    ouvrir(instructeur, julie)
    demander_un_complement(instructeur, julie)
    assert julie.numero in courriel(boite, "complément")
    lire_la_notification(usager, "Demande de complément", "Quelle est la date de votre rentrée")
    repondre_au_complement(usager)
    ouvrir(instructeur, julie, onglet="Réponse reçue")
    proposer(instructeur)
    ouvrir(agents["valideur"], julie)
    cliquer(agents["valideur"], "Viser la proposition", genre="link")
    cliquer(agents["valideur"], "Viser")
    ouvrir(agents["signataire"], julie)
    acte(agents["signataire"], "Signer la décision favorable", "Signer et accorder", "c'est fait")
    voit(usager, julie, "Décision favorable : le", jalon="Décision statuée")


# --- Guide 004 : le citoyen suisse, du dépôt à la remise ; refusé ; clos et rouvert ----------------------------------
@pytest.mark.long
def test_un_citoyen_suisse_du_depot_a_la_remise(karl, boite, en_scene, equipe):
    """Le même chemin que l'étudiante, sans montant ni timbre."""
    Demande.objects.update(fin_de_droits=timezone.localdate() + dt.timedelta(days=10))
    agents = equipe(karl, "instructeur", "signataire", "remise")
    instructeur, usager = agents["instructeur"], en_scene(karl.usager.compte)
    ouvrir(instructeur, karl)
    cliquer(instructeur, "Prendre en charge")
    _maintenue, remplacee = demander_un_complement(instructeur, karl)
    assert karl.numero in courriel(boite, "complément")
    lire_la_notification(usager, "Demande de complément", "Quelle est la date de votre rentrée")
    repondre_au_complement(usager)
    voit(usager, karl, "Complément reçu : le", jalon="Instruction en cours", suite="Votre réponse est reçue.")

    ouvrir(instructeur, karl, onglet="Réponse reçue")
    comparer_les_versions(instructeur, karl, remplacee)
    dossier(instructeur, karl)
    acte(instructeur, "Remettre en instruction", "Remettre en instruction", "L'instruction reprend")
    acte(instructeur, "Prolonger l'instruction", "Délivrer l'attestation", "Attestation délivrée")
    proposer(instructeur)
    signataire = agents["signataire"]
    ouvrir(signataire, karl, onglet="Tous")
    acte(signataire, "Signer la décision favorable", "Signer et accorder", "c'est fait")
    assert karl.numero in courriel(boite, "décision")
    lire_la_notification(usager, "Notification de la décision", "a été acceptée")
    decision = karl.decisions.get()
    attestation = telecharger(usager, decision.document.numero)
    assert champs_du_code(attestation)["6J"] == "3"
    assert "vous acquitter de 0 €" in texte_du_pdf(attestation)

    guichet = agents["remise"]
    ouvrir(guichet, karl)
    acte(guichet, "Mettre en fabrication", "Mettre en fabrication", "Le titre est en fabrication")
    cliquer(guichet, "Titre disponible", genre="link")
    guichet.locator("#id_horaires").fill("9 h à 16 h")
    acte_en_cours(guichet, "Annoncer à la personne", "Le titre est à retirer")
    voit(usager, karl, "Titre à retirer : le", jalon="Titre de séjour disponible")
    cliquer(guichet, "Remettre le titre", genre="link")
    expect(guichet.locator("#id_timbre")).to_have_count(0)
    guichet.locator("#id_identite").check(force=True)
    guichet.locator("#id_numero_titre").fill("SUIS12345")
    acte_en_cours(guichet, "Titre remis", "Titre remis à KARL SUISSE")
    voit(usager, karl, "Titre remis : le", jalon="Titre de séjour disponible", suite="Cette demande est terminée.")
    usager.goto(usager.racine + reverse("demandes:espace"))
    expect(usager.locator("table tbody tr").first).to_contain_text(f"{decision.au:%d/%m/%Y}")
    # Cette démarche ne promet pas de SMS : il part pour ce qui ne peut pas attendre.
    assert envois(karl) == [
        ("depot", "courriel"), ("prise_en_charge", "courriel"), ("complement", "courriel"),
        ("prolongation", "courriel"), ("prolongation", "sms"), ("decision", "courriel"), ("fabrication", "courriel"),
        ("titre_disponible", "courriel"), ("titre_disponible", "sms"),
    ]  # fmt: skip


def test_un_refus_se_signe_par_une_autre_personne_et_se_telecharge_octet_pour_octet(karl, boite, en_scene, equipe):
    agents = equipe(karl, "instructeur", "signataire")
    instructeur, usager = agents["instructeur"], en_scene(karl.usager.compte)
    ouvrir(instructeur, karl)
    cliquer(instructeur, "Prendre en charge")
    voit(usager, karl, "En cours d'instruction : le", jalon="Instruction en cours")
    refus = pdf()
    cliquer(instructeur, "Proposer une décision", genre="link")
    cliquer(instructeur, "Défavorable", genre="link")
    instructeur.locator("#id_avis").fill("Absence de plus de deux ans")
    instructeur.locator("#id_fichier").set_input_files(
        {"name": refus.name, "mimeType": "application/pdf", "buffer": refus.read()}
    )
    instructeur.locator("#id_verifiee").check(force=True)
    instructeur.locator("#id_voies_et_delais").check(force=True)
    acte_en_cours(instructeur, "Proposer ce refus", "Proposition enregistrée")
    voit(usager, karl, "En cours de décision : le", jalon="Instruction en cours")

    signataire = agents["signataire"]
    ouvrir(signataire, karl, onglet="Tous")
    acte(signataire, "Signer le refus", "Signer et refuser", "c'est fait")
    texte = courriel(boite, "décision")
    assert karl.numero in texte and "refus" not in texte.lower()
    decision = karl.decisions.get()
    adresse = usager.racine + reverse("demandes:document", args=[decision.document.numero])
    assert "Ouvrir la notification" in usager.context.request.get(adresse).text()
    lire_la_notification(usager, "Notification de la décision", "Télécharger le document")
    voit(usager, karl, "Décision défavorable : le", jalon="Décision statuée", suite="les voies de recours")
    assert telecharger(usager, decision.document.numero) == pdf().read()
    assert envois(karl) == [("depot", "courriel"), ("prise_en_charge", "courriel"), ("decision", "courriel")]


def proposer_de_clore(page, motif, texte) -> None:
    autres_actes(page)
    cliquer(page, "Proposer la clôture", genre="link")
    page.locator(f"input[name=motif][value='{motif}']").check(force=True)
    page.locator("#id_texte").fill(texte)
    acte_en_cours(page, "Proposer cette clôture", "Clôture proposée : une autre personne doit la signer")


def test_une_cloture_se_fait_a_deux_et_se_rouvre_a_la_date_de_depot(karl, boite, en_scene, equipe):
    agents = equipe(karl, "instructeur", "valideur")
    instructeur, valideur, usager = agents["instructeur"], agents["valideur"], en_scene(karl.usager.compte)
    ouvrir(instructeur, karl)
    proposer_de_clore(instructeur, "cloture.doublon", "Une autre demande est en cours à votre nom.")
    voit(usager, karl, "Demande déposée : le", jalon="Dépôt de la demande")

    ouvrir(valideur, karl, onglet="Tous")
    acte(valideur, "Clôturer", "Écarter la clôture", "Clôture écartée")
    ouvrir(instructeur, karl)
    proposer_de_clore(instructeur, "cloture.sans_objet", "Vous avez déjà votre carte.")
    dossier(valideur, karl)
    acte(valideur, "Clôturer", "Signer et clore", "c'est fait")
    assert karl.numero in courriel(boite, "clôtur")
    lire_la_notification(usager, "Clôture de la demande", "Vous avez déjà votre carte.")
    voit(usager, karl, "Demande clôturée : le", jalon="Demande clôturée", suite="Votre demande est clôturée.")

    dossier(instructeur, karl)
    acte(instructeur, "Rouvrir", "Rouvrir", "Demande rouverte, à sa date de dépôt d'origine")
    voit(usager, karl, "En cours d'instruction : le", jalon="Instruction en cours")
    depot = timezone.localtime(karl.deposee_le)
    expect(usager.locator(".frise__jalon--fait").first).to_contain_text(f"{depot:%d/%m/%Y}")
    assert Demande.objects.get().deposee_le == karl.deposee_le
    assert envois(karl) == [("depot", "courriel"), ("cloture", "courriel"), ("reouverture", "courriel")]


# --- Deux personnes décident l'une contre l'autre --------------------------------------------------------------------
def proposee(demande) -> Demande:
    agent = AgentFactory(site=demande.site, nom="Noah Auteur")
    prise = operations.prendre_en_charge(demande, agent=agent, version=demande.version, le=timezone.now())
    return decider(prise, agent=agent, le=timezone.now())


def test_l_un_signe_l_autre_renvoie_un_seul_acte_tient(julie, en_scene):
    demande = proposee(julie)
    un, deux = (
        en_scene(AgentFactory(site=julie.site, roles=["signataire"], nom=nom).compte)
        for nom in ("Alix Premier", "Sacha Second")
    )
    for page in (un, deux):
        page.goto(page.racine + reverse("admin:dossier_proposition", args=[demande.numero]))
    cliquer(un, "Signer et accorder")
    expect(un.get_by_role("heading", name="Décision favorable", exact=True)).to_be_visible()

    deux.get_by_text("Renvoyer en instruction").click()
    deux.get_by_label("Pourquoi la renvoyer").fill("Le diplôme n'est pas le bon")
    cliquer(deux, "Renvoyer la proposition")
    expect(deux.get_by_role("heading", name="Votre acte n'a pas été enregistré")).to_be_visible()
    passage = demande.evenements.get(apres="favorable")
    quand = timezone.localtime(passage.le)
    dit = f"Alix Premier a accordé le titre le {quand:%d/%m/%Y} à {quand:%H:%M}."
    expect(deux.get_by_text(dit)).to_be_visible()
    expect(deux.get_by_text("Le diplôme n'est pas le bon")).to_be_visible()
    deux.verifier()
    demande.refresh_from_db()
    assert (demande.etat, demande.notes.count(), demande.decisions.count()) == ("favorable", 0, 1)
    assert [e for e in envois(demande) if e[0] == "decision"] == [("decision", "courriel"), ("decision", "sms")]


def test_l_un_demande_un_complement_l_autre_propose_rien_ne_se_contredit(julie, en_scene):
    un, deux = (en_scene(AgentFactory(site=julie.site, nom=nom).compte) for nom in ("Alix Premier", "Sacha Second"))
    ouvrir(un, julie)
    cliquer(un, "Prendre en charge")
    for page, nom in ((un, "dossier_complement"), (deux, "dossier_proposer")):
        page.goto(page.racine + reverse(f"admin:{nom}", args=[julie.numero]))
    un.locator("#id_information_1").fill("Quelle est la date de votre rentrée ?")
    cliquer(un, "Vérifier la lettre")
    cliquer(un, "Envoyer la demande de complément")
    expect(un.get_by_text("Complément demandé.")).to_be_visible()

    deux.locator("#id_avis").fill("Études suivies")
    cliquer(deux, "Proposer cette décision")
    expect(deux.get_by_role("heading", name="Votre acte n'a pas été enregistré")).to_be_visible()
    expect(deux.get_by_text("Alix Premier a demandé un complément le")).to_be_visible()
    expect(deux.get_by_text("Études suivies")).to_be_visible()
    deux.verifier()
    julie.refresh_from_db()
    assert (julie.etat, julie.decisions.count()) == ("complement_demande", 0)
