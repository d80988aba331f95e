import datetime as dt
import hashlib
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.utils import timezone

from documents.models import Document
from notifications import canaux
from notifications.canaux import SmsConsole, SmsFichier, SmsPasserelle
from notifications.catalogue import Message
from notifications.expedition import expedier
from notifications.operations import notifier
from tests.factories import CompteFactory
from tests.notifications.conftest import NUMERO

pytestmark = pytest.mark.django_db
DEPOT = {"numero": NUMERO, "demarche": "etudiant", "nom": "JULIE JOHN", "sms": True}


def test_un_courriel_part_en_texte_et_en_html_dans_la_langue_du_destinataire(smtp, boite, envoi):
    envoi.langue = "en"
    envoi.save()

    assert expedier(envoi.pk) is True

    (message,) = boite.messages
    envoi.refresh_from_db()
    assert message.destinataires == [envoi.adresse] == [message["To"]]
    assert message["Message-ID"] == envoi.message_id
    assert message["Content-Language"] == "en"
    assert message["Auto-Submitted"] == "auto-generated"
    assert NUMERO in message["Subject"]
    assert "JULIE JOHN" in message.get_body(("plain",)).get_content()
    assert '<html lang="en">' in message.get_body(("html",)).get_content()
    assert list(message.iter_attachments()) == []
    assert (envoi.etat, envoi.bail, envoi.tentatives, envoi.doublon_possible) == ("envoye", None, 1, False)


def test_le_courriel_de_depot_porte_la_confirmation_que_l_envoi_rend_lui_meme(smtp, boite, depot):
    assert depot.document.fichier is None

    assert expedier(depot.pk) is True

    (message,) = boite.messages
    (piece,) = message.iter_attachments()
    depot.document.refresh_from_db()
    assert piece.get_content_type() == "application/pdf"
    assert piece.get_filename() == depot.document.fichier.nom_affiche
    assert hashlib.sha256(piece.get_content()).hexdigest() == depot.document.fichier.empreinte
    assert NUMERO in message.get_body(("html",)).get_content()


def test_le_courriel_attend_le_pdf_qu_un_autre_rend_puis_se_reporte(smtp, boite, depot, monkeypatch):
    monkeypatch.setattr(canaux, "ATTENTE_DU_RENDU", 0)
    Document.objects.update(bail=timezone.now() + dt.timedelta(minutes=1))

    assert expedier(depot.pk) is False

    depot.refresh_from_db()
    assert boite.messages == []
    assert (depot.etat, depot.erreur.split()[0]) == ("a_envoyer", "PieceAbsente")


def test_la_decision_part_sans_piece_jointe(smtp, boite, depot, envoi):
    envoi.document = depot.document
    envoi.save()

    assert expedier(envoi.pk) is True

    assert list(boite.messages[0].iter_attachments()) == []


class Passerelle(BaseHTTPRequestHandler):
    statut = 200

    def do_POST(self):
        corps = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.recus.append((self.headers["Authorization"], corps))
        self.send_response(self.statut)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def passerelle(settings):
    """Une passerelle SMS locale, qui parle HTTP."""
    serveur = HTTPServer(("127.0.0.1", 0), type("PasserelleDEssai", (Passerelle,), {}))
    serveur.recus = []
    threading.Thread(target=serveur.serve_forever, daemon=True).start()
    settings.SMS_BACKEND = "notifications.canaux.SmsPasserelle"
    settings.SMS_PASSERELLE_URL = f"http://127.0.0.1:{serveur.server_port}/sms"
    settings.SMS_PASSERELLE_JETON = "jeton"
    yield serveur
    serveur.shutdown()
    serveur.server_close()


@pytest.fixture
def sms(db):
    notification = notifier(Message.DEPOT, CompteFactory(), contexte=DEPOT, le=timezone.now())
    return notification.envois.get(canal="sms")


def test_un_sms_part_par_la_passerelle(passerelle, sms):
    assert expedier(sms.pk) is True

    ((autorisation, corps),) = passerelle.recus
    sms.refresh_from_db()
    assert autorisation == "Bearer jeton"
    assert (corps["destinataire"], corps["reference"]) == ("+33601020304", sms.message_id)
    assert NUMERO in corps["texte"]


def test_une_passerelle_en_panne_fait_reporter_le_sms(passerelle, sms, caplog):
    passerelle.RequestHandlerClass.statut = 503

    assert expedier(sms.pk) is False

    sms.refresh_from_db()
    assert sms.etat == "a_envoyer"
    assert sms.erreur.startswith("HTTPError 503")


def test_un_sms_s_ecrit_dans_un_fichier(settings, tmp_path):
    settings.SMS_DOSSIER = tmp_path / "sms"

    for _ in range(2):
        SmsFichier().envoyer("+33601020304", "Bonjour", reference="<abc@anef.invalid>")

    (fichier,) = settings.SMS_DOSSIER.iterdir()
    assert fichier.read_text() == "+33601020304\nBonjour\n"
    assert fichier.stat().st_mode & 0o777 == 0o600


def test_un_sms_en_console_ne_montre_pas_le_numero(capsys):
    SmsConsole().envoyer("+33601020304", "Bonjour", reference="<abc@anef.invalid>")

    sortie = capsys.readouterr().out
    assert "Bonjour" in sortie and "0601020304" not in sortie and "33601" not in sortie


def test_les_journaux_ne_citent_ni_adresse_ni_nom_ni_numero(smtp, boite, envoi, sms, settings, caplog):
    caplog.set_level(logging.DEBUG)
    boite.reponse = f"550 {envoi.adresse} inconnu"
    settings.SMS_BACKEND = SmsPasserelle.__module__ + ".SmsPasserelle"
    settings.SMS_PASSERELLE_URL = "http://127.0.0.1:9/"

    expedier(envoi.pk)
    expedier(sms.pk)

    envoi.refresh_from_db()
    lignes = [e.getMessage() for e in caplog.records if not e.name.startswith(("mail.log", "asyncio", "django.db"))]
    assert len([ligne for ligne in lignes if "envoi_reporte" in ligne]) == 2
    for texte in [*lignes, envoi.erreur]:
        for secret in (envoi.adresse, "JULIE", NUMERO, "601020304"):
            assert secret not in texte
    assert "SMTPDataError 550" in envoi.erreur
