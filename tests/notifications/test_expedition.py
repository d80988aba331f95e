"""Une panne ne perd rien et ne double rien."""

import datetime as dt
import os
import random
import signal
import threading
import time
from collections import Counter

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications import expedition, tasks
from notifications.expedition import a_relancer, attente, expedier, prendre, reporter
from notifications.models import Envoi
from tests.notifications.conftest import Processus, echoir, ecrire_a


@pytest.mark.django_db
def test_un_envoi_deja_parti_ou_pris_ne_repart_pas(smtp, boite, envoi):
    assert prendre(envoi.pk, le=timezone.now())
    assert expedier(envoi.pk) is False
    assert boite.messages == []

    echoir(envoi)
    assert expedier(envoi.pk) is True
    assert expedier(envoi.pk) is False
    assert len(boite.messages) == 1


@pytest.mark.django_db
def test_un_envoi_a_venir_attend_son_heure(smtp, boite):
    envoi = ecrire_a("a@exemple.invalid")
    Envoi.objects.update(a_partir_de=timezone.now() + dt.timedelta(hours=1))

    assert expedier(envoi.pk) is False
    assert a_relancer() == []


@pytest.mark.django_db
def test_le_serveur_en_panne_puis_revenu_recoit_une_fois(smtp, boite, envoi):
    boite.reponse = "451 plus tard"
    for tentative in (1, 2):
        assert expedier(envoi.pk) is False
        envoi.refresh_from_db()
        assert (envoi.etat, envoi.tentatives) == ("a_envoyer", tentative)
        assert envoi.a_partir_de - timezone.now() > attente(tentative) - dt.timedelta(seconds=5)
        echoir(envoi)
    identifiant = envoi.message_id
    boite.reponse = "250 OK"

    for cle in a_relancer():
        expedier(cle)

    (message,) = boite.messages
    envoi.refresh_from_db()
    assert message["Message-ID"] == identifiant
    assert (envoi.etat, envoi.tentatives, envoi.erreur, envoi.doublon_possible) == ("envoye", 3, "", False)
    assert a_relancer() == []


@pytest.mark.django_db
def test_le_serveur_arrete_fait_reporter(smtp, envoi):
    smtp.stop()

    assert expedier(envoi.pk) is False

    envoi.refresh_from_db()
    assert envoi.etat == "a_envoyer"
    assert envoi.erreur.startswith("ConnectionRefusedError")


@pytest.mark.django_db
def test_une_liaison_rompue_sans_reponse_laisse_un_doublon_possible(smtp, boite, envoi, settings):
    settings.EMAIL_TIMEOUT = 0.3
    boite.avant_reponse = lambda: time.sleep(1)

    expedier(envoi.pk)

    envoi.refresh_from_db()
    assert (envoi.etat, envoi.doublon_possible) == ("a_envoyer", True)


@pytest.mark.django_db
def test_les_essais_s_espacent_puis_l_echec_est_constate(smtp, boite, envoi):
    assert [attente(n) // dt.timedelta(minutes=1) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    boite.reponse = "550 non"
    Envoi.objects.update(tentatives=expedition.TENTATIVES_MAX - 1)

    expedier(envoi.pk)

    envoi.refresh_from_db()
    assert (envoi.etat, envoi.bail) == ("echec", None)
    assert a_relancer() == []
    assert expedier(envoi.pk) is False


@pytest.mark.django_db
def test_un_envoi_qui_tue_son_travailleur_a_chaque_fois_finit_en_echec(envoi):
    Envoi.objects.update(tentatives=expedition.TENTATIVES_MAX - 1)
    prendre(envoi.pk, le=timezone.now())
    echoir(envoi)

    assert a_relancer() == []

    envoi.refresh_from_db()
    assert envoi.etat == "echec"


@pytest.mark.django_db
def test_qui_a_perdu_son_bail_ne_rend_pas_celui_d_un_autre(envoi):
    echoir(envoi)
    lent = prendre(envoi.pk, le=timezone.now() - dt.timedelta(minutes=10))
    rapide = prendre(envoi.pk, le=timezone.now())

    try:
        raise TimeoutError
    except TimeoutError as erreur:
        reporter(lent, erreur, le=timezone.now())

    envoi.refresh_from_db()
    assert (envoi.etat, envoi.bail, envoi.doublon_possible) == ("en_cours", rapide.bail, True)


@pytest.mark.django_db
def test_le_balayage_prend_l_urgent_d_abord_et_un_lot_a_la_fois(monkeypatch):
    monkeypatch.setattr(expedition, "LOT", 2)
    lent = ecrire_a("a@exemple.invalid", priorite=5)
    urgents = [ecrire_a("b@exemple.invalid"), ecrire_a("c@exemple.invalid")]

    assert a_relancer() == [envoi.pk for envoi in urgents]
    assert lent.pk not in a_relancer()


@pytest.mark.django_db
def test_une_erreur_de_composition_est_reportee_sans_casser_le_travailleur(smtp, envoi):
    Envoi.objects.update(contexte={"date": "pas une date"})

    assert tasks.envoyer(envoi.pk) is None

    envoi.refresh_from_db()
    assert envoi.etat == "a_envoyer"
    assert envoi.erreur.startswith("ValueError")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("travailleurs", "envois"), [(6, 30), pytest.param(16, 200, marks=pytest.mark.long)])
def test_plusieurs_travailleurs_n_envoient_rien_deux_fois(smtp, boite, travailleurs, envois):
    cles = [ecrire_a(f"u{n}@exemple.invalid").pk for n in range(envois)]
    partis = []

    def travailler():
        for cle in random.sample(cles, len(cles)):
            if expedier(cle):
                partis.append(cle)
        connection.close()

    fils = [threading.Thread(target=travailler) for _ in range(travailleurs)]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join()

    assert sorted(partis) == cles
    recus = Counter(message["Message-ID"] for message in boite.messages)
    assert len(recus) == envois and set(recus.values()) == {1}
    assert not Envoi.objects.exclude(etat="envoye", tentatives=1).exists()


@pytest.mark.panne
@pytest.mark.django_db(transaction=True)
def test_tue_entre_le_250_et_le_tampon_il_repart_une_fois_sous_le_meme_identifiant(smtp, boite):
    """Le tampon attend derrière notre verrou quand le processus est tué : le serveur, lui, a déjà accepté."""
    envoi = ecrire_a("a@exemple.invalid")
    recu, tenu = threading.Event(), threading.Event()

    def avant_reponse():
        recu.set()
        tenu.wait(10)

    boite.avant_reponse = avant_reponse
    script = f"import django; django.setup(); from notifications.expedition import expedier; expedier({envoi.pk})"
    url = f"smtp://127.0.0.1:{smtp.port}"
    with Processus("-c", script, EMAIL_URL=url) as processus:
        assert recu.wait(20), processus.communicate(timeout=5)
        with transaction.atomic(), connection.cursor() as curseur:
            Envoi.objects.select_for_update().get(pk=envoi.pk)
            tenu.set()
            curseur.execute("SELECT pg_backend_pid()")
            (nous,) = curseur.fetchone()
            bloque = None
            fin = time.monotonic() + 20
            while not bloque and time.monotonic() < fin:
                curseur.execute("SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", [nous])
                bloque = curseur.fetchone()
                time.sleep(0.02)
            assert bloque, processus.communicate(timeout=5)
            os.kill(processus.pid, signal.SIGKILL)
            processus.wait()
            curseur.execute("SELECT pg_terminate_backend(%s, 5000)", bloque)
    boite.avant_reponse = None
    envoi.refresh_from_db()
    assert (envoi.etat, len(boite.messages)) == ("en_cours", 1)
    assert a_relancer() == []  # le bail court encore

    echoir(envoi)
    for cle in a_relancer():
        expedier(cle)

    envoi.refresh_from_db()
    assert {message["Message-ID"] for message in boite.messages} == {envoi.message_id}
    assert len(boite.messages) == 2
    assert (envoi.etat, envoi.doublon_possible, envoi.tentatives) == ("envoye", True, 2)
    assert a_relancer() == []
