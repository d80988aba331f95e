"""« Mon espace » : ses blocs, ses notifications, ses documents, et rien de ceux des autres."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from demandes import operations
from demandes.models import Evenement
from documents.catalogue import Acte
from documents.operations import etablir, rendre
from instruction import operations as agents
from notifications.catalogue import Message
from notifications.models import Notification
from notifications.operations import notifier
from tests.factories import AgentFactory, CompteFactory, TitreSejourFactory, UsagerFactory
from tests.situations import fichier

pytestmark = pytest.mark.django_db


@pytest.fixture
def autorite(settings, tmp_path):
    settings.DEUXD_DOC_DOSSIER = tmp_path / "2d-doc"
    call_command("creer_autorite_test", verbosity=0)


@pytest.fixture
def deposee(autorite, brouillon_relu, le):
    return operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)


@pytest.fixture
def client_usager(client, usager):
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


def test_l_espace_montre_profil_statut_demande_frise_et_historique(
    client_usager, deposee, django_assert_max_num_queries
):
    with django_assert_max_num_queries(20):
        page = client_usager.get(reverse("demandes:espace"))

    texte = page.content.decode()
    for attendu in (
        "Bienvenue JULIE JOHN",
        deposee.numero,
        "Demande déposée\u00a0: le",
        "Dépôt de la demande",
        "Étudiant",
    ):
        assert attendu in texte, attendu
    assert 'aria-current="step"' in texte


def test_sans_demande_l_espace_propose_d_en_faire_une(client_usager):
    texte = client_usager.get(reverse("demandes:espace")).content.decode()

    assert "aucune demande en cours" in texte and reverse("demandes:situation") in texte


def test_un_brouillon_se_reprend_depuis_l_espace(client_usager, brouillon):
    texte = client_usager.get(reverse("demandes:espace")).content.decode()

    assert "Reprendre ma demande" in texte
    assert reverse("demandes:etape", args=[brouillon.pk, "informations"]) in texte


def test_lire_une_page_n_ouvre_jamais_une_notification(client_usager, deposee):
    notification = Notification.objects.get()

    client_usager.get(reverse("demandes:notification", args=[notification.pk]))
    client_usager.get(reverse("demandes:notification_ouvrir", args=[notification.pk]))

    notification.refresh_from_db()
    assert notification.lue_le is None


def test_ouvrir_une_notification_date_sa_lecture_une_fois_et_l_inscrit_au_journal(client_usager, deposee):
    notification = Notification.objects.get()
    url = reverse("demandes:notification_ouvrir", args=[notification.pk])

    page = client_usager.post(url, follow=True)
    notification.refresh_from_db()
    lue = notification.lue_le
    client_usager.post(url)

    notification.refresh_from_db()
    assert notification.lue_le == lue
    assert "a bien été enregistrée" in page.content.decode()
    assert Evenement.objects.filter(nature=Evenement.Nature.LECTURE).count() == 1


def test_la_boite_se_filtre_et_se_pagine(client_usager, usager):
    for _rang in range(12):
        notifier(Message.PRISE_EN_CHARGE, usager.compte, contexte={"numero": "1", "nom": "X"}, le=timezone.now())
    url = reverse("demandes:notifications")

    assert "Page 1 sur 2" in client_usager.get(url).content.decode()
    assert "Page 1 sur 2" not in client_usager.get(url, {"par_page": "25"}).content.decode()
    assert "Aucune notification de ce type" in client_usager.get(url, {"type": "decision"}).content.decode()
    for parametres in ({"page": "99"}, {"page": "x"}, {"par_page": "1000000"}, {"type": "inconnu"}):
        assert client_usager.get(url, parametres).status_code == 200


def test_une_decision_ne_se_lit_que_par_sa_notification(client_usager, deposee, le):
    """Le lien du suivi mène à la lettre : sans cela le document se lirait sans que le délai de recours ne parte."""
    compte = deposee.usager.compte
    decision = etablir(Acte.REFUS, donnees={}, le=le, fichier=fichier())
    contexte = {"numero": deposee.numero, "nom": "JULIE JOHN", "sens": "defavorable"}
    lettre = notifier(Message.DECISION, compte, contexte=contexte, le=le, document=decision, objet=deposee.numero)
    Evenement.objects.create(
        usager=deposee.usager, demande=deposee, nature="transition", apres="defavorable", par=compte,
        document=decision, le=le,
    )  # fmt: skip
    url = reverse("demandes:document", args=[decision.numero])

    assert client_usager.get(url)["Location"] == reverse("demandes:notification", args=[lettre.pk])
    assert client_usager.head(url, follow=True).status_code == 200  # la page qui attend un PDF l'apprend ainsi
    assert url not in client_usager.get(reverse("demandes:espace")).content.decode()
    client_usager.post(reverse("demandes:notification_ouvrir", args=[lettre.pk]))

    reponse = client_usager.get(url)
    assert reponse.status_code == 200 and b"".join(reponse.streaming_content)
    assert url in client_usager.get(reverse("demandes:espace")).content.decode()
    lettre.refresh_from_db()
    assert lettre.lue_le is not None


def test_le_document_s_annonce_en_preparation_puis_se_telecharge(client_usager, deposee):
    document = deposee.evenements.get(nature="transition").document
    url = reverse("demandes:document", args=[document.numero])

    assert client_usager.get(url).status_code == 202
    rendre(document)
    reponse = client_usager.get(url)

    assert reponse["Content-Type"] == "application/pdf"
    assert b"".join(reponse.streaming_content).startswith(b"%PDF")


def test_la_decision_favorable_se_lit_dans_le_suivi(client_usager, deposee, le, droit):
    agent = AgentFactory(site=deposee.site)
    deposee.refresh_from_db()
    demande = agents.prendre_en_charge(deposee, agent=agent, version=deposee.version, le=le)
    jour = timezone.localdate(le)
    accord = agents.Accord("CST_ETU", "ÉTUDIANT", jour, jour + dt.timedelta(days=364), 75)
    agents.proposer_favorable(
        demande, accord, motifs=[], avis="Études suivies", agent=agent, version=demande.version, le=le
    )
    demande.refresh_from_db()
    signataire = AgentFactory(site=deposee.site, roles=["signataire"])
    agents.signer(demande, agent=signataire, version=demande.version, le=le)

    texte = client_usager.get(reverse("demandes:suivi", args=[deposee.numero])).content.decode()

    assert "Décision favorable" in texte and "Attestation de décision favorable" in texte
    assert "refus implicite" not in texte  # décidée, la demande n'attend plus de réponse
    assert "PRT Paris" in texte


def test_en_anglais_le_depot_se_montre_en_francais_et_le_dit(client_usager, deposee):
    client_usager.cookies["django_language"] = "en"
    texte = client_usager.get(reverse("demandes:suivi", args=[deposee.numero])).content.decode()

    assert "Your answers are shown in French" in texte
    figes = texte[texte.index('<div lang="fr">') : texte.index("</main>")]
    assert "Justificatifs" in figes and "Non renseigné" in figes and deposee.usager.compte.courriel in figes
    assert "Not provided" not in figes and "Supporting" not in figes


def test_rien_d_autrui_n_est_visible(client, deposee):
    autre = TitreSejourFactory(usager=UsagerFactory(compte=CompteFactory())).usager
    client.force_login(autre.compte, backend="usagers.backends.IdentifiantBackend")
    document = deposee.evenements.get(nature="transition").document
    notification = Notification.objects.get()

    assert client.get(reverse("demandes:suivi", args=[deposee.numero])).status_code == 404
    assert client.get(reverse("demandes:document", args=[document.numero])).status_code == 404
    assert client.get(reverse("demandes:notification", args=[notification.pk])).status_code == 404
    assert client.post(reverse("demandes:notification_ouvrir", args=[notification.pk])).status_code == 404


@pytest.mark.parametrize("nom", ["espace", "notifications"])
def test_l_espace_demande_de_se_connecter(client, nom):
    reponse = client.get(reverse(f"demandes:{nom}"))

    assert reponse.status_code == 302 and reverse("usagers:connexion") in reponse["Location"]


def test_la_prise_en_charge_se_lit_dans_sa_notification(client_usager, usager):
    contexte = {"numero": "7502202611220000001", "nom": "JULIE JOHN"}
    notification = notifier(Message.PRISE_EN_CHARGE, usager.compte, contexte=contexte, le=timezone.now())

    page = client_usager.post(reverse("demandes:notification_ouvrir", args=[notification.pk]), follow=True)

    assert "7502202611220000001 est prise en charge" in page.content.decode()


@pytest.mark.parametrize(
    ("message", "contexte", "mot"),
    [
        ("complement_abandonne", {}, "plus attendu"),
        ("numero_attribue", {"numero_etranger": "9903000199"}, "9903000199"),
        ("reouverture", {}, "rouverte"),
    ],
)
def test_ce_que_le_service_fait_du_dossier_se_lit_dans_sa_notification(client_usager, usager, message, contexte, mot):
    numero = "7502202601010000001"
    notification = notifier(
        message, usager.compte, contexte={"numero": numero, "nom": usager.nom_complet, **contexte}, objet=numero,
        le=timezone.now(),
    )  # fmt: skip

    page = client_usager.post(reverse("demandes:notification_ouvrir", args=[notification.pk]), follow=True)

    assert mot in page.content.decode()
