"""Le courtier n'est qu'un réveil : sans lui rien ne se perd, et une requête n'attend pas."""

import re
import signal
import time

import pytest

from notifications.models import Envoi
from tests.factories import CompteFactory
from tests.notifications.conftest import NUMERO, Processus, ecrire_a

pytestmark = pytest.mark.django_db(transaction=True)
DEPOT = {"numero": NUMERO, "demarche": "etudiant", "nom": "JULIE JOHN", "sms": True}
REQUETE = f"""
import time, django
django.setup()
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from notifications.operations import notifier
from usagers.models import Compte
compte = Compte.objects.get()
for essai in ("à froid", "mesuré"):
    debut = time.monotonic()
    with transaction.atomic():
        notifier("depot", compte, contexte={DEPOT!r}, le=timezone.now())
    print("opération", time.monotonic() - debut)
    debut = time.monotonic()
    saisie = {{"identifiant": compte.identifiant}}
    reponse = Client(SERVER_NAME="localhost").post(reverse("usagers:mot_de_passe_oublie"), saisie)
    print("requête", time.monotonic() - debut, reponse.status_code)
"""


def durees(courtier):
    """Une opération à deux envois, puis une requête entière, une fois le processus chaud."""
    with Processus("-c", REQUETE, REDIS_URL=courtier.url) as processus:
        sortie, _ = processus.communicate(timeout=60)
    assert processus.returncode == 0, sortie
    requete, statut = re.findall(r"requête ([\d.]+) (\d+)", sortie)[-1]
    assert statut == "302"
    return float(re.findall(r"opération ([\d.]+)", sortie)[-1]), float(requete)


def test_le_courtier_arrete_ne_casse_ni_ne_retient_la_requete(courtier):
    CompteFactory()
    courtier.arreter()

    assert max(durees(courtier)) < 1
    assert Envoi.objects.filter(etat="a_envoyer").count() == 6


@pytest.mark.panne
def test_le_courtier_fige_ne_retient_la_requete_qu_une_seconde(courtier):
    CompteFactory()
    courtier.figer()

    assert max(durees(courtier)) < 2
    assert Envoi.objects.filter(etat="a_envoyer").count() == 6


def travailleur(courtier, smtp):
    return Processus(
        *("-m", "celery", "-A", "anef", "worker", "--concurrency=2", "--queues=courrier", "--loglevel=INFO"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        REDIS_URL=courtier.url,
        EMAIL_URL=f"smtp://127.0.0.1:{smtp.port}",
    )


def reveiller(courtier):
    """Ce que fait l'horloge chaque minute."""
    script = "import django; django.setup(); from notifications.tasks import relancer_envois; relancer_envois.delay()"
    with Processus("-c", script, REDIS_URL=courtier.url) as processus:
        assert processus.wait(30) == 0


def attendre(condition, processus):
    fin = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < fin and processus.poll() is None, "le travailleur n'a pas fait sa part"
        time.sleep(0.1)


def test_un_vrai_travailleur_envoie_ce_que_le_balayage_retrouve(courtier, smtp, boite):
    """Deux lignes écrites pendant que le courtier de l'appelant était muet : le balayage les fait partir."""
    for nom in "ab":
        ecrire_a(f"{nom}@exemple.invalid")

    with travailleur(courtier, smtp) as processus:
        reveiller(courtier)
        attendre(lambda: Envoi.objects.filter(etat="envoye").count() == 2, processus)
        processus.send_signal(signal.SIGTERM)
        journal, _ = processus.communicate(timeout=30)

    assert sorted(message["To"] for message in boite.messages) == ["a@exemple.invalid", "b@exemple.invalid"]
    assert "exemple.invalid" not in journal


@pytest.mark.panne
def test_un_travailleur_survit_a_l_arret_du_courtier(courtier, smtp, boite):
    with travailleur(courtier, smtp) as processus:
        premier = ecrire_a("a@exemple.invalid")
        reveiller(courtier)
        attendre(lambda: Envoi.objects.filter(etat="envoye").count() == 1, processus)
        courtier.arreter()
        second = ecrire_a("b@exemple.invalid")
        time.sleep(2)
        courtier.relancer()
        reveiller(courtier)
        attendre(lambda: Envoi.objects.filter(etat="envoye").count() == 2, processus)

    assert Envoi.objects.filter(pk__in=[premier.pk, second.pk], tentatives=1).count() == 2
    assert len(boite.messages) == 2
