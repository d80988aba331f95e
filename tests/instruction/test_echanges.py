"""Ce qui a été envoyé et reçu, avec les dates de lecture et de réponse."""

import datetime as dt

import pytest
from django.urls import reverse

from demandes.models import Complement, ComplementLigne
from notifications.catalogue import Message
from notifications.operations import marquer_lue, notifier

pytestmark = pytest.mark.django_db


def lire(client, demande):
    return client.get(reverse("admin:dossier", args=[demande.numero]), {"vue": "echanges"}).content.decode()


def complement(demande, agent, le, **champs) -> Complement:
    notification = notifier(
        Message.COMPLEMENT, demande.usager.compte, le=le, objet=demande.numero,
        contexte={
            "numero": demande.numero, "nom": demande.usager.nom_complet, "demarche": demande.demarche, "sms": True,
        },
    )  # fmt: skip
    ouvert = Complement.objects.create(
        demande=demande, notification=notification, message="Merci de joindre le relevé complet.",
        demande_par=agent.compte, demande_le=le, **champs,
    )  # fmt: skip
    ComplementLigne.objects.create(
        complement=ouvert, rang=1, code="RELEVES", libelle="Relevés de notes", consigne="Il manque le verso.",
    )  # fmt: skip
    return ouvert


def test_ce_qui_est_parti_se_lit_avec_son_courriel_et_son_etat(client_agent, en_instruction):
    page = lire(client_agent, en_instruction)
    for dit in (
        "Confirmation de dépôt", "Suivi de la demande", "Pas encore lu", "Dépôt de la demande", "Reçu", "Envoyé",
        "Voir le courriel", "courriel à", "Fichiers joints",
    ):  # fmt: skip
        assert dit in page


def test_une_notification_lue_dit_quand(client_agent, deposee, le):
    notification = deposee.usager.compte.notifications.get(message=Message.DEPOT)
    marquer_lue(notification, le=dt.datetime(2026, 11, 2, 9, 30, tzinfo=dt.UTC))
    page = lire(client_agent, deposee)
    assert "Lu le 02/11/2026 à 10:30" in page and "Pas encore lu" not in page


def test_un_complement_montre_ce_qui_est_demande_et_l_echeance(client_agent, deposee, agent, le):
    complement(deposee, agent, le, echeance_le=dt.date(2026, 12, 24))
    page = lire(client_agent, deposee)
    for dit in ("Merci de joindre le relevé complet.", "Relevés de notes", "Il manque le verso.", "24/12/2026"):
        assert dit in page


def test_la_reponse_recue_se_lit_ligne_par_ligne(client_agent, deposee, agent, le):
    ouvert = complement(deposee, agent, le)
    ouvert.lignes.update(reponse="maintenir", justification="Il est <complet>.")
    Complement.objects.filter(pk=ouvert.pk).update(reponse="Bonjour", repondu_le=le + dt.timedelta(hours=1))
    page = lire(client_agent, deposee)
    assert "Réponse à la demande de complément" in page and "répondu le" in page
    assert "document maintenu – Il est &lt;complet&gt;." in page and "Bonjour" in page


def test_un_complement_abandonne_le_dit(client_agent, deposee, agent, le):
    complement(deposee, agent, le, annule_le=le)
    assert "abandonné par le service" in lire(client_agent, deposee)


def test_les_messages_d_un_autre_dossier_n_y_sont_pas(client_agent, deposee, le):
    notifier(
        Message.PRISE_EN_CHARGE, deposee.usager.compte, le=le, objet="7502202501010000009",
        contexte={"numero": "7502202501010000009", "nom": "X", "sms": True},
    )  # fmt: skip
    assert "Suivi de la demande" not in lire(client_agent, deposee)
