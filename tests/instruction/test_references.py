"""Les données de référence : lues par tout agent, changées par l'administrateur fonctionnel, jamais supprimées."""

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.urls import reverse

from demandes.models import Bareme
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
MODELES = ["demandes_bareme", "demandes_piecereference", "demandes_site"]


@pytest.fixture
def references():
    call_command("charger_droit", verbosity=0)


@pytest.fixture
def instructeur(client):
    agent = AgentFactory()
    connecter(client, agent.compte)
    return agent


@pytest.fixture
def administrateur(client):
    agent = AgentFactory(roles=["admin_fonctionnel"], nom="Alix Fontaine")
    connecter(client, agent.compte)
    return agent


@pytest.mark.parametrize("modele", MODELES)
def test_un_instructeur_les_lit_sans_les_changer(client, references, instructeur, modele):
    assert client.get(reverse(f"admin:{modele}_changelist")).status_code == 200
    assert client.get(reverse(f"admin:{modele}_add")).status_code == 403


def test_un_instructeur_lit_un_bareme_sans_le_changer(client, references, instructeur):
    fiche = reverse("admin:demandes_bareme_change", args=[Bareme.objects.first().pk])
    assert client.get(fiche).status_code == 200
    assert client.post(fiche, {"code": "x"}).status_code == 403


def test_un_instructeur_ne_voit_pas_les_droits(client, instructeur):
    assert client.get(reverse("admin:instruction_agent_changelist")).status_code == 403
    assert "Agents" not in client.get(reverse("admin:references")).content.decode()


@pytest.mark.parametrize("modele", [*MODELES, "instruction_agent"])
def test_l_administrateur_fonctionnel_les_ouvre_toutes(client, references, administrateur, modele):
    assert client.get(reverse(f"admin:{modele}_changelist")).status_code == 200


@pytest.mark.parametrize("filtre", ["oui", "non", ""])
def test_les_baremes_se_filtrent_par_leur_effet(client, references, administrateur, filtre):
    reponse = client.get(reverse("admin:demandes_bareme_changelist"), {"en_vigueur": filtre} if filtre else {})
    trouves = reponse.context["cl"].queryset
    attendus = {
        "oui": Bareme.objects.filter(du__lte=dt.date.today(), au__isnull=True),
        "non": Bareme.objects.filter(du__isnull=True),
        "": Bareme.objects.all(),
    }[filtre]
    assert set(trouves) == set(attendus)


def test_un_bareme_se_change_et_le_changement_est_note(client, references, administrateur):
    bareme = Bareme.objects.get(code="etudiant.seuil_ressources")
    donnees = {"code": bareme.code, "du": "01/09/2020", "au": "", "valeurs": '{"montant": "700.00"}', "source": "Essai"}
    reponse = client.post(reverse("admin:demandes_bareme_change", args=[bareme.pk]), donnees)

    assert reponse.status_code == 302
    bareme.refresh_from_db()
    assert bareme.valeurs == {"montant": "700.00"}
    assert LogEntry.objects.get().user == administrateur.compte


def test_deux_baremes_d_un_meme_code_ne_se_chevauchent_pas(client, references, administrateur):
    donnees = {
        "code": "etudiant.seuil_ressources", "du": "01/01/2026", "au": "", "valeurs": '{"montant": "1"}', "source": "x",
    }  # fmt: skip
    reponse = client.post(reverse("admin:demandes_bareme_add"), donnees)
    assert reponse.status_code == 200 and reponse.context["errors"]
    assert not Bareme.objects.filter(source="x").exists()


@pytest.mark.parametrize("modele", [*MODELES, "instruction_agent"])
def test_rien_ne_se_supprime(client, references, administrateur, modele):
    (classe,) = [c for c in admin.site._registry if f"{c._meta.app_label}_{c._meta.model_name}" == modele]
    objet = classe.objects.first()
    assert client.post(reverse(f"admin:{modele}_delete", args=[objet.pk]), {"post": "yes"}).status_code == 403


def test_le_code_d_un_site_ne_change_pas(client, administrateur):
    page = client.get(reverse("admin:demandes_site_change", args=["7502"])).content.decode()
    assert 'name="libelle"' in page and 'name="code"' not in page
    assert 'name="code"' in client.get(reverse("admin:demandes_site_add")).content.decode()


def test_l_administrateur_change_les_droits_d_un_autre_mais_pas_les_siens(client, administrateur):
    autre = AgentFactory(nom="Camille Lenoir")
    donnees = {"nom": "Camille Lenoir", "site": "7502", "roles": ["instructeur", "remise"], "actif": "on"}
    assert client.post(reverse("admin:instruction_agent_change", args=[autre.pk]), donnees).status_code == 302
    autre.refresh_from_db()
    assert autre.roles == ["instructeur", "remise"]

    siens = reverse("admin:instruction_agent_change", args=[administrateur.pk])
    assert client.post(siens, donnees).status_code == 403
    assert client.get(reverse("admin:instruction_agent_add")).status_code == 403


def test_les_pages_de_reference_portent_l_en_tete_des_agents(client, instructeur):
    page = client.get(reverse("admin:references")).content.decode()
    assert "Espace des agents" in page and reverse("admin:dossiers") in page and "style=" not in page
