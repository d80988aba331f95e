"""Le parcours étudiant entier dans Chromium : de l'orientation à la décision, avec et sans JavaScript."""

import re

import pytest
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import expect

from demandes.models import Demande
from notifications.models import Envoi
from tests.factories import PaysFactory, SiteFactory, TitreSejourFactory, UsagerFactory
from tests.parcours.gestes import (
    cliquer,
    courriel,
    etape_informations,
    etape_justificatifs,
    etape_recapitulatif,
    instruire,
    lire_2d_doc,
    ouvrir_la_decision,
    ouvrir_un_compte,
    poursuivre,
    se_connecter,
    telecharger,
    verifier,
)

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]
NUMERO = "7703004369"


@pytest.fixture
def julie(live_server, settings):
    """JULIE JOHN, connue de l'État, sans compte ; son titre expire dans 90 jours."""
    settings.ADRESSE_DU_SITE = live_server.url
    call_command("charger_droit", verbosity=0)
    SiteFactory()
    PaysFactory()
    return TitreSejourFactory(usager=UsagerFactory(compte=None, numero_etranger=NUMERO))


def commencer(page):
    page.goto(page.racine + reverse("demandes:situation"))
    page.verifier()
    page.get_by_label("Je souhaite renouveler ce titre").check(force=True)
    cliquer(page, "Je continue")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Je demande un titre de séjour pour étudier"))
    page.verifier()
    cliquer(page, "Je commence")


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


def test_de_l_orientation_a_la_decision(visite, julie, smtp, boite, browser, browser_context_args, sans_faute_axe):
    page = visite
    ouvrir_un_compte(page, julie, boite)
    se_connecter(page, julie.usager)
    commencer(page)
    etape_informations(page, numero="18", voie="rue des Pyrénées", code_postal="75020", commune="Paris")
    etape_motif(page)
    etape_ressources(page)
    etape_justificatifs(page, "Étape 4 sur 6")
    etape_recapitulatif(page, "Étape 5 sur 6", parties=4)

    demande = Demande.objects.get()
    texte = courriel(boite, "confirmation de dépôt")
    assert demande.numero in texte
    document = demande.evenements.get(nature="transition").document
    message = lire_2d_doc(telecharger(page, document.numero))
    assert demande.numero in message and "JOHN" in message
    verifier(page, message)

    accord = {"duree": 300, "mention": "ÉTUDIANT", "taxe": "75"}
    instruire(page, browser, browser_context_args, demande, sans_faute_axe, **accord)
    assert demande.numero in courriel(boite, "décision")
    ouvrir_la_decision(page)
    decision = demande.decisions.get().document
    assert demande.numero in lire_2d_doc(telecharger(page, decision.numero))
    page.goto(page.racine + reverse("demandes:suivi", args=[demande.numero]))
    page.verifier()
    assert not Envoi.objects.filter(etat="echec").exists()
