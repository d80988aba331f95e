"""Relire, déposer, confirmer, par les pages."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.models import Demande, Saisie
from notifications.models import Envoi
from tests.factories import CompteFactory, TitreSejourFactory, UsagerFactory
from tests.situations import remplir, tout_relire

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, brouillon_complet, settings, tmp_path):
    settings.DEUXD_DOC_DOSSIER = tmp_path / "2d-doc"
    call_command("creer_autorite_test", verbosity=0)
    client.force_login(brouillon_complet.usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


@pytest.fixture
def url(brouillon_complet):
    return reverse("demandes:etape", args=[brouillon_complet.pk, "recapitulatif"])


ENVOI = {"action": "deposer", "declaration": "on", "observations": ""}


def test_le_recapitulatif_montre_les_quatre_parties(client, url, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        texte = client.get(url).content.decode()

    for attendu in (
        "Informations personnelles (1/4)",
        "Justificatifs (4/4)",
        "Modifier ma saisie",
        "Malienne",
        "625,50",
    ):
        assert attendu in texte, attendu


def test_chaque_partie_se_valide_et_mene_a_la_suivante(client, url, brouillon_complet):
    reponse = client.post(url, {"action": "relire:informations"})

    assert reponse["Location"].endswith("#partie-motif")
    assert Saisie.objects.get(demande=brouillon_complet, etape="informations").relue_le


def test_envoyer_trop_tot_nomme_les_parties_et_garde_les_observations(client, url, brouillon_complet):
    reponse = client.post(url, ENVOI | {"observations": "Mon nom s'écrit DUPONT"})

    texte = reponse.content.decode()
    assert reponse.status_code == 422
    assert 'href="#partie-ressources"' in texte
    brouillon_complet.refresh_from_db()
    assert brouillon_complet.observations == "Mon nom s'écrit DUPONT"


def test_des_observations_trop_longues_sont_refusees_et_gardees_entieres(client, url, brouillon_complet, le):
    tout_relire(brouillon_complet, le=le)
    longues = "a" * 4001

    reponse = client.post(url, ENVOI | {"observations": longues})

    assert reponse.status_code == 422 and "4000 caractères" in reponse.content.decode()
    brouillon_complet.refresh_from_db()
    assert brouillon_complet.observations == longues and brouillon_complet.numero is None
    assert client.post(url, {"action": "quitter", "observations": "a" * 70_000}).status_code == 422


def test_le_recapitulatif_montre_le_contact_et_l_adresse_d_un_seul_tenant(client, url, brouillon_complet):
    texte = client.get(url).content.decode()

    assert brouillon_complet.usager.compte.courriel in texte
    assert "18 rue des Pyrénées<br>75020 Paris<br>FRANCE" in texte
    assert "Nom de la voie" not in texte


def test_ce_qui_manque_se_dit_dans_la_langue_de_la_page(client, url):
    reponse = client.post(url, ENVOI, headers={"accept-language": "en"})

    texte = reponse.content.decode()
    assert reponse.status_code == 422
    assert "You have not confirmed the section" in texte and "Vous n" not in texte


def test_relire_et_deposer_tiennent_leur_budget_de_requetes(
    client, url, brouillon_complet, le, django_assert_max_num_queries
):
    with django_assert_max_num_queries(25):
        client.post(url, {"action": "relire:informations"})
    tout_relire(brouillon_complet, le=le)

    with django_assert_max_num_queries(26):
        client.post(url, ENVOI)
    assert Demande.objects.get().numero


def test_sans_declaration_sur_l_honneur_rien_n_est_depose(client, url, brouillon_complet, le):
    tout_relire(brouillon_complet, le=le)

    reponse = client.post(url, ENVOI | {"declaration": ""})

    assert reponse.status_code == 422 and "déclaration sur l'honneur" in reponse.content.decode().replace("&#x27;", "'")
    assert not Demande.objects.exclude(numero=None).exists()


def test_deposer_mene_a_la_confirmation_et_rejouer_rend_le_meme_recu(client, url, brouillon_complet, le):
    tout_relire(brouillon_complet, le=le)

    premiere = client.post(url, ENVOI)
    seconde = client.post(url, ENVOI)

    demande = Demande.objects.get()
    recu = reverse("demandes:confirmation", args=[demande.numero])
    assert premiere["Location"] == recu
    assert client.get(seconde["Location"]).status_code == 200
    texte = client.get(recu).content.decode()
    assert demande.numero in texte and "en préparation" in texte and "ameli" in texte


def test_la_confirmation_n_est_lisible_que_par_son_proprietaire(client, url, brouillon_complet, le):
    tout_relire(brouillon_complet, le=le)
    recu = client.post(url, ENVOI)["Location"]
    autre = TitreSejourFactory(usager=UsagerFactory(compte=CompteFactory())).usager
    client.force_login(autre.compte, backend="usagers.backends.IdentifiantBackend")

    assert client.get(recu).status_code == 404
    assert client.post(url, ENVOI).status_code == 404


def test_modifier_depuis_le_recapitulatif_y_ramene(client, brouillon_complet):
    saisie = Saisie.objects.get(demande=brouillon_complet, etape="ressources")
    url = reverse("demandes:etape", args=[brouillon_complet.pk, "ressources"]) + "?retour=recapitulatif"

    reponse = client.post(url, saisie.reponses | {"action": "poursuivre", "version": saisie.version})

    assert reponse["Location"].endswith("/recapitulatif/#partie-ressources")


def test_avant_l_ouverture_un_rappel_se_demande_une_fois(client, droit, le):
    titre = TitreSejourFactory(
        usager=UsagerFactory(compte=CompteFactory()), fin=timezone.localdate() + dt.timedelta(days=150)
    )
    demande = operations.commencer(DEMARCHES["etudiant"], titre.usager, par=titre.usager.compte, le=le)
    remplir(demande, le=le)
    client.force_login(titre.usager.compte, backend="usagers.backends.IdentifiantBackend")
    url = reverse("demandes:etape", args=[demande.pk, "recapitulatif"])

    assert "Le dépôt s'ouvre le" in client.get(url).content.decode().replace("&#x27;", "'")
    client.post(url, {"action": "rappel"})
    client.post(url, {"action": "rappel"})

    envoi = Envoi.objects.get(message="ouverture_depot")
    assert timezone.localdate(envoi.a_partir_de) == titre.fin - dt.timedelta(days=120)
