"""Les passerelles : le courriel par les réglages de Django, le SMS par la classe que nomme `SMS_BACKEND`."""

import json
import os
import sys
import time
import urllib.request
from email.utils import parseaddr
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string

from documents.models import Fichier
from documents.operations import rendre
from notifications.catalogue import MODELES, Canal, Message
from notifications.composition import composer
from notifications.models import Envoi

DELAI = 10  # secondes accordées à une passerelle
ATTENTE_DU_RENDU = 10  # secondes laissées au travailleur qui rend déjà le PDF


class PieceAbsente(Exception):
    """Le PDF à joindre n'est pas encore là."""


def nouvelle_reference() -> str:
    """L'identifiant d'un envoi, le même à chaque reprise : Message-ID du courriel, référence du SMS."""
    domaine = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{uuid4().hex}@{domaine}>"


def remettre(envoi: Envoi) -> None:
    """Compose et remet l'envoi à sa passerelle. Lent et distant : jamais dans une transaction."""
    ecrit = composer(envoi.message, canal=envoi.canal, contexte=envoi.contexte, langue=envoi.langue)
    if envoi.canal == Canal.SMS:
        import_string(settings.SMS_BACKEND)().envoyer(envoi.adresse, ecrit.texte, reference=envoi.message_id)
        return
    courriel = EmailMultiAlternatives(
        ecrit.sujet,
        ecrit.texte,
        to=[envoi.adresse],
        headers={
            "Message-ID": envoi.message_id,
            "Content-Language": envoi.langue,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    courriel.attach_alternative(ecrit.html, "text/html")
    if fichier := piece_jointe(envoi):
        with fichier.contenu.open() as contenu:
            courriel.attach(fichier.nom_affiche, contenu.read(), fichier.type_mime)
    courriel.send()


def piece_jointe(envoi: Envoi) -> Fichier | None:
    """Le PDF qui part avec l'envoi, rendu sur-le-champ s'il ne l'est pas encore."""
    if not (MODELES[Message(envoi.message)].piece_jointe and envoi.canal == Canal.COURRIEL and envoi.document):
        return None
    document = rendre(envoi.document)
    fin = time.monotonic() + ATTENTE_DU_RENDU
    while document.fichier is None:
        if time.monotonic() > fin:
            raise PieceAbsente
        time.sleep(0.5)
        document.refresh_from_db()
    return document.fichier


class SmsConsole:
    """Pour le développement. Le numéro est tronqué : la sortie d'un travailleur est un journal."""

    def envoyer(self, numero: str, texte: str, *, reference: str) -> None:
        sys.stdout.write(f"SMS {reference} au …{numero[-2:]} : {texte}\n")
        sys.stdout.flush()


class SmsFichier:
    """Un fichier par SMS dans `SMS_DOSSIER` ; une reprise réécrit le même."""

    def envoyer(self, numero: str, texte: str, *, reference: str) -> None:
        settings.SMS_DOSSIER.mkdir(parents=True, exist_ok=True, mode=0o700)
        chemin = settings.SMS_DOSSIER / (reference.strip("<>").partition("@")[0] + ".txt")
        with open(os.open(chemin, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as fichier:
            fichier.write(f"{numero}\n{texte}\n")


class SmsPasserelle:
    """Une passerelle HTTP : `POST` d'un objet JSON, jeton au porteur. La forme de l'échange est de nous ; celle
    d'un opérateur se pose dans une classe sœur. La référence lui permet d'écarter un doublon."""

    def envoyer(self, numero: str, texte: str, *, reference: str) -> None:
        corps = {"destinataire": numero, "texte": texte, "reference": reference}
        requete = urllib.request.Request(
            settings.SMS_PASSERELLE_URL,
            data=json.dumps(corps).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {settings.SMS_PASSERELLE_JETON}",
            },
            method="POST",
        )
        with urllib.request.urlopen(requete, timeout=DELAI):
            pass  # un code d'erreur lève HTTPError
