"""Les pages des actes : succès, chaque refus, double envoi, conflit, rien de perdu."""

import pytest
from django.urls import reverse

from demandes.etats import Etat
from demandes.models import Demande
from instruction import operations
from notifications.models import Notification
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def url(nom, demande):
    return reverse(f"admin:{nom}", args=[demande.numero])


def messages_de(reponse) -> str:
    return " ".join(str(message) for message in reponse.context["messages"])


# --- Prendre en charge -----------------------------------------------------------------------------------------------
def prendre(client, demande, version=None):
    version = demande.version if version is None else version
    return client.post(url("dossier_prendre", demande), {"version": version}, follow=True)


def test_prendre_en_charge_dit_ce_qui_est_parti(client_agent, deposee, agent):
    reponse = prendre(client_agent, deposee)

    demande = Demande.objects.get()
    assert (demande.etat, demande.agent) == (Etat.EN_INSTRUCTION, agent.compte)
    assert "JULIE JOHN" in messages_de(reponse) and demande.usager.compte.courriel in messages_de(reponse)
    assert "Proposer une décision" in reponse.content.decode()


def test_un_double_clic_ne_prend_qu_une_fois(client_agent, deposee):
    prendre(client_agent, deposee)
    seconde = prendre(client_agent, deposee)

    assert seconde.status_code == 200 and "Vous avez pris ce dossier" in messages_de(seconde)
    assert Notification.objects.filter(message="prise_en_charge").count() == 1


def test_un_dossier_pris_par_un_collegue_dit_qui_et_quand(client_agent, deposee, le):
    collegue = AgentFactory(site=deposee.site, nom="Sacha Collègue")
    operations.prendre_en_charge(deposee, agent=collegue, version=deposee.version, le=le)

    reponse = prendre(client_agent, deposee, version=1)
    assert reponse.status_code == 409
    assert "Sacha Collègue a pris ce dossier en charge le" in reponse.content.decode()
    assert Demande.objects.get().agent == collegue.compte


@pytest.mark.parametrize("version", ["", "abc", "-1", "9" * 30])
def test_une_version_illisible_est_un_conflit(client_agent, deposee, version):
    assert prendre(client_agent, deposee, version=version).status_code == 409
    assert Demande.objects.get().etat == Etat.DEPOSEE


def test_prendre_un_dossier_en_instruction_est_refuse_d_une_phrase(client_agent, en_instruction):
    assert "Cet acte n'est pas possible" in messages_de(prendre(client_agent, en_instruction))


def test_la_page_montre_ce_qui_part_avant_de_prendre(client_agent, deposee):
    page = client_agent.get(url("dossier_prendre", deposee)).content.decode()
    assert "La personne recevra" in page and "Prendre en charge et prévenir la personne" in page
    assert url("dossier_prendre", deposee) in client_agent.get(url("dossier", deposee)).content.decode()
    assert Demande.objects.get().etat == Etat.DEPOSEE


def test_l_adresse_d_un_acte_sans_page_ramene_au_dossier(client_agent, proposee):
    for nom in ("dossier_viser", "dossier_signer", "dossier_cloturer", "dossier_ecarter_cloture"):
        assert client_agent.get(url(nom, proposee)).url == url("dossier", proposee)
