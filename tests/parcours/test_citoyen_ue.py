"""Le parcours d'un citoyen suisse dans Chromium : de l'accueil à la décision, avec et sans JavaScript (guide 004)."""

import datetime as dt
import re

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
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
    se_connecter,
    telecharger,
    texte_du_pdf,
    verifier,
)

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def karl(live_server, settings):
    """KARL SUISSE, titulaire d'une carte permanente de dix ans."""
    settings.ADRESSE_DU_SITE = live_server.url
    call_command("charger_droit", verbosity=0)
    SiteFactory(code="5901", departement="59", libelle="Préfecture du Nord")
    suisse = PaysFactory(code="CH", alpha3="CHE", nom="Suisse", nationalite_f="suisse", nationalite_m="suisse")
    usager = UsagerFactory(
        compte=None, numero_etranger="5903006620", nom_naissance="SUISSE", prenoms="KARL", sexe="M",
        naissance="1950-06-25", lieu_naissance="BERNE", pays_naissance=suisse, nationalite=suisse,
    )  # fmt: skip
    jour = timezone.localdate()
    return TitreSejourFactory(
        usager=usager, nature="UE", motif="citoyen_ue_permanent", debut=jour - dt.timedelta(days=3556),
        fin=jour + dt.timedelta(days=95),
    )  # fmt: skip


def commencer(page):
    page.goto(page.racine)
    cliquer(page, "Je demande ou renouvelle un titre de séjour", genre="link")
    page.verifier()
    expect(page.get_by_text("vous donne déjà le droit d'étudier")).to_be_visible()
    page.get_by_label("Je sollicite le renouvellement de ce titre").check(force=True)
    cliquer(page, "Je commence")
    expect(page.get_by_role("heading", name="Déposez votre demande en 4 étapes")).to_be_visible()
    expect(page.get_by_text("à l'étape 3")).to_be_visible()
    page.verifier()
    cliquer(page, "Je continue")
    expect(page.get_by_text(re.compile("Étape 1 sur 4")).first).to_be_visible()
    expect(page.get_by_role("link", name="Déclarez d'abord votre changement d'adresse")).to_be_visible()


def test_de_l_accueil_a_la_decision(visite, karl, smtp, boite, browser, browser_context_args, sans_faute_axe):
    page = visite
    ouvrir_un_compte(page, karl, boite)
    se_connecter(page, karl.usager)
    commencer(page)
    etape_informations(page, numero="20", voie="RUE NATIONALE", code_postal="59000", commune="Lille")
    etape_justificatifs(page, "Étape 2 sur 4")
    etape_recapitulatif(page, "Étape 3 sur 4", parties=2)
    assert "ameli" not in page.content()

    demande = Demande.objects.get()
    assert demande.numero.startswith("5901") and demande.demarche == "citoyen_ue"
    assert demande.numero in courriel(boite, "confirmation de dépôt")
    depot = boite.messages[-1]
    assert [piece.get_content_type() for piece in depot.iter_attachments()] == ["application/pdf"]
    document = demande.evenements.get(nature="transition").document
    pdf = telecharger(page, document.numero)
    message = lire_2d_doc(pdf)
    assert demande.numero in message and "KARL" in message
    assert "n'autorise pas le franchissement des frontières de l'espace Schengen" in texte_du_pdf(pdf)
    verifier(page, message)

    instruire(page, browser, browser_context_args, demande, sans_faute_axe, duree=3600, taxe="0")
    assert demande.numero in courriel(boite, "décision")
    ouvrir_la_decision(page)
    pdf = telecharger(page, demande.decisions.get().document.numero)
    assert demande.numero in lire_2d_doc(pdf)
    texte = texte_du_pdf(pdf)
    for phrase in (
        "CITOYEN UE/EEE/SUISSE",
        "accompagnée du visa de long séjour ou du titre précédemment détenu",
        "Ce document autorise le franchissement des frontières de l'espace Schengen",
        "vous acquitter de 0 €",
    ):
        assert phrase in texte, phrase
    page.goto(page.racine + reverse("demandes:suivi", args=[demande.numero]))
    page.verifier()
    assert not Envoi.objects.filter(etat="echec").exists()
    assert not Envoi.objects.filter(canal="sms").exists()
