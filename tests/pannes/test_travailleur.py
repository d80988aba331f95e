"""Le travailleur tué pendant un rendu ou un envoi ; le serveur de courriel absent : rien ne se perd, rien ne double."""

import datetime as dt
import os
import time
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from documents.models import Document, Fichier
from notifications.models import Envoi
from tests.notifications.conftest import echoir, port_libre
from tests.pannes.serveurs import attendre, balayer, un_autre_attend_un_verrou
from tests.pannes.test_web import table_retenue

pytestmark = [pytest.mark.panne, pytest.mark.django_db(transaction=True)]


def adresse(smtp):
    return f"smtp://127.0.0.1:{smtp.port}"


def les_baux_s_eteignent():
    Document.objects.filter(bail__isnull=False).update(bail=timezone.now() - dt.timedelta(seconds=1))
    for envoi in Envoi.objects.exclude(etat="envoye"):
        echoir(envoi)


def octets_ranges() -> list[Path]:
    return [chemin for chemin in Path(settings.FICHIERS_DIR).rglob("*") if chemin.is_file()]


def relancer(travailleur):
    """Tué entier, le travailleur se relance ; son ouvrier seul, il en fait un autre de lui-même."""
    if not travailleur.est_vivant:
        travailleur.lancer()


@pytest.fixture(params=["travailleur entier", "son seul ouvrier"])
def couper(request):
    return lambda travailleur: (
        travailleur.tuer() if request.param == "travailleur entier" else travailleur.tuer_un_ouvrier()
    )


def test_tue_pendant_un_rendu_le_balayage_fait_un_seul_pdf(travailler, courtier, smtp, boite, depot, couper):
    travailleur = travailler(courtier, EMAIL_URL=adresse(smtp))

    with table_retenue(Fichier):
        balayer(courtier)
        attendre(un_autre_attend_un_verrou, quoi="le PDF écrit, sa ligne pas encore", processus=travailleur)
        couper(travailleur)
    assert len(octets_ranges()) == 1
    assert Document.objects.get().fichier is None

    relancer(travailleur)
    les_baux_s_eteignent()
    balayer(courtier)
    attendre(lambda: not Envoi.objects.exclude(etat="envoye").exists(), quoi="les envois", processus=travailleur)

    fichier = Document.objects.get().fichier
    with fichier.contenu.open() as ouvert:
        assert ouvert.read(5) == b"%PDF-"
    (message,) = boite.messages
    assert [piece.get_content_type() for piece in message.iter_attachments()] == ["application/pdf"]
    # Du premier essai restent des octets, et leur ligne si la base avait déjà reçu l'ordre de l'écrire.
    for chemin in octets_ranges():
        os.utime(chemin, (0, 0))
    Fichier.objects.update(cree_le=timezone.now() - dt.timedelta(days=2))
    call_command("purger_fichiers")
    assert Fichier.objects.get() == fichier
    assert [chemin.name for chemin in octets_ranges()] == [Path(fichier.contenu.name).name]


@pytest.mark.parametrize(
    ("reponse", "recus"),
    [("250 OK", 2), ("451 plus tard", 1)],
    ids=["après l'accord du serveur", "avant l'accord du serveur"],
)
def test_tue_pendant_un_envoi_le_courriel_part_une_fois_ou_porte_le_meme_identifiant(
    travailler, courtier, smtp, boite, depot, couper, reponse, recus
):
    travailleur = travailler(courtier, EMAIL_URL=adresse(smtp))
    boite.reponse, coupures = reponse, []
    boite.avant_reponse = lambda: coupures or coupures.append(couper(travailleur))

    balayer(courtier)
    attendre(lambda: coupures, quoi="l'envoi en cours")
    depot.refresh_from_db()
    assert depot.etat == "en_cours"
    identifiant = depot.message_id
    boite.reponse = "250 OK"
    relancer(travailleur)
    les_baux_s_eteignent()
    balayer(courtier)

    attendre(lambda: not Envoi.objects.exclude(etat="envoye").exists(), quoi="les envois", processus=travailleur)
    balayer(courtier)
    time.sleep(1)
    depot.refresh_from_db()
    assert [message["Message-ID"] for message in boite.messages] == [identifiant] * recus
    assert (depot.doublon_possible, depot.tentatives) == (True, 2)


def test_le_serveur_de_courriel_arrete_puis_revenu_recoit_une_fois(travailler, courtier, boite, depot):
    port = port_libre()
    travailleur = travailler(courtier, EMAIL_URL=f"smtp://127.0.0.1:{port}")
    balayer(courtier)
    reporte = Envoi.objects.filter(pk=depot.pk, etat="a_envoyer", tentatives=1)
    attendre(reporte.exists, quoi="l'envoi reporté", processus=travailleur)
    assert reporte.get().erreur.startswith("ConnectionRefusedError")

    serveur = Controller(boite, hostname="127.0.0.1", port=port)
    serveur.start()
    try:
        les_baux_s_eteignent()
        balayer(courtier)
        attendre(lambda: not Envoi.objects.exclude(etat="envoye").exists(), quoi="les envois", processus=travailleur)
    finally:
        serveur.stop()

    depot.refresh_from_db()
    assert (depot.tentatives, depot.erreur, depot.doublon_possible) == (2, "", False)
    assert [message["Message-ID"] for message in boite.messages] == [depot.message_id]
