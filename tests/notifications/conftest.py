import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from email import message_from_bytes
from email.policy import default as politique
from urllib.parse import quote

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings as reglages
from django.db import connection
from django.utils import timezone

from documents.catalogue import Acte
from documents.operations import etablir
from notifications.catalogue import Message
from notifications.models import Envoi
from notifications.operations import ecrire, notifier
from tests.documents.donnees import DEPOT as DONNEES_DEPOT
from tests.factories import CompteFactory

LIEN = {"url": "usagers:activer", "sel": "essai", "objet": [7, "nonce"]}
NUMERO = "7502202006290000030"


class Boite:
    """Ce qu'un serveur SMTP a accepté."""

    def __init__(self):
        self.messages = []
        self.reponse = "250 OK"
        self.avant_reponse = None

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=politique)
        message.destinataires = envelope.rcpt_tos
        if self.avant_reponse:
            self.avant_reponse()
        if self.reponse.startswith("250"):
            self.messages.append(message)
        return self.reponse


def port_libre():
    with socket.create_server(("127.0.0.1", 0)) as prise:
        return prise.getsockname()[1]


@pytest.fixture
def boite():
    return Boite()


@pytest.fixture
def smtp(boite, settings):
    """Un vrai serveur SMTP, sur un port libre."""
    serveur = Controller(boite, hostname="127.0.0.1", port=port_libre())
    serveur.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = serveur.hostname, serveur.port
    yield serveur
    if serveur._thread:
        serveur.stop()


@pytest.fixture
def envoi(db):
    contexte = {"numero": NUMERO, "nom": "JULIE JOHN", "sens": "favorable"}
    notification = notifier(Message.DECISION, CompteFactory(telephone=""), contexte=contexte, le=timezone.now())
    return notification.envois.get()


def ecrire_a(adresse, **champs):
    return ecrire(Message.INSCRIPTION_REFUSEE, adresse=adresse, langue="fr", contexte={}, le=timezone.now(), **champs)


def echoir(envoi):
    """Le temps passe : le bail est éteint, l'heure du prochain essai est venue."""
    hier = timezone.now() - dt.timedelta(days=1)
    Envoi.objects.filter(pk=envoi.pk).update(a_partir_de=hier)
    Envoi.objects.filter(pk=envoi.pk, bail__isnull=False).update(bail=hier)
    envoi.refresh_from_db()


class Processus(subprocess.Popen):
    """Un processus du projet, sur la base des tests ; tué à la sortie s'il vit encore."""

    def __init__(self, *arguments, **variables):
        base = connection.settings_dict
        hote = base["HOST"] or base["OPTIONS"].get("host", "")
        acces = quote(base["USER"]) + (f":{quote(base['PASSWORD'], safe='')}" if base["PASSWORD"] else "")
        if hote.startswith("/"):
            url = f"postgres://{acces}@/{base['NAME']}?host={hote}"
        else:
            url = f"postgres://{acces}@{hote}:{base['PORT']}/{base['NAME']}"
        super().__init__(
            [sys.executable, *arguments],
            cwd=reglages.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "anef.settings",
                "ENVIRONNEMENT": "demonstration",
                "SECRET_KEY": reglages.SECRET_KEY,
                "DATABASE_URL": url,
                "FICHIERS_DIR": str(reglages.FICHIERS_DIR),
                **variables,
            },
        )

    def __exit__(self, *exception):
        if self.poll() is None:
            self.kill()
        super().__exit__(*exception)


class Courtier:
    """Un Redis à nous seuls : on peut le figer, l'arrêter, le relancer."""

    def __init__(self, prise):
        self.prise, self.url = prise, f"redis+socket://{prise}"
        self.relancer()

    def relancer(self):
        self.prise.unlink(missing_ok=True)
        self.serveur = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.prise), "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        fin = time.monotonic() + 10
        while not self.prise.exists() and time.monotonic() < fin:
            time.sleep(0.02)

    def figer(self):
        self.serveur.send_signal(signal.SIGSTOP)

    def arreter(self):
        self.serveur.kill()
        self.serveur.wait()


@pytest.fixture
def courtier(tmp_path_factory):
    courtier = Courtier(tmp_path_factory.mktemp("r") / "redis.sock")
    yield courtier
    courtier.arreter()


@pytest.fixture
def depot(db):
    """Un dépôt notifié : son document n'est pas encore rendu."""
    document = etablir(Acte.CONFIRMATION_DEPOT, donnees=DONNEES_DEPOT, le=timezone.now())
    contexte = {"numero": NUMERO, "demarche": "etudiant", "nom": "JULIE JOHN", "sms": True}
    notification = notifier(Message.DEPOT, CompteFactory(), contexte=contexte, document=document, le=timezone.now())
    return notification.envois.get(canal="courriel")
