"""Ce que l'agent voit quand la personne retire sa demande ou la fait rouvrir."""

import datetime as dt
from html import unescape

import pytest
from django.urls import reverse

from demandes import operations as usager
from demandes.etats import Etat
from demandes.models import Demande
from demandes.reperes import repere
from instruction import operations
from instruction.operations import ActeImpossible
from instruction.presentation import gestes_possibles, journal
from notifications.models import Notification
from tests.factories import AgentFactory, DemandeFactory
from tests.instruction.conftest import connecter, proposer
from tests.instruction.test_differe import ensemble
from tests.situations import photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def retiree(en_instruction, le):
    compte = en_instruction.usager.compte
    return usager.retirer_demande(en_instruction, vu=repere(en_instruction), raison="depart", par=compte, le=le)


@pytest.fixture
def close(en_instruction, agent, valideur, le):
    demande = en_instruction
    operations.proposer_cloture(
        demande, motif="cloture.incomplete", texte="Il manque une pièce.", agent=agent, version=demande.version, le=le
    )
    demande.refresh_from_db()
    operations.cloturer(demande, agent=valideur, version=demande.version, le=le)
    return Demande.objects.get()


@pytest.fixture
def rouverte(close, le):
    usager.joindre_a_la_reouverture(close, photo("certificat.png"), le=le)
    compte = close.usager.compte
    return usager.rouvrir_demande(close, vu=repere(close), message="Voici le certificat.", par=compte, le=le)


def lire(client, demande, vue="demande") -> str:
    reponse = client.get(reverse("admin:dossier", args=[demande.numero]), {"vue": vue})
    assert reponse.status_code == 200
    return unescape(reponse.content.decode())


def liste(client, onglet) -> str:
    return unescape(client.get(reverse("admin:dossiers"), {"onglet": onglet}).content.decode())


def test_un_dossier_retire_le_dit_et_n_admet_plus_aucun_acte(client_agent, retiree, agent):
    page = lire(client_agent, retiree)
    assert "Retirée par l'usager le" in page and "Je quitte la France" in page and "Retirée à votre demande" not in page
    agent.roles = ["instructeur", "valideur", "signataire", "remise"]
    assert gestes_possibles(agent, retiree) == []
    assert journal(retiree)[0].texte == "Retirée par l'usager (Je quitte la France)"


def test_un_dossier_retire_quitte_les_onglets_ouverts_et_reste_dans_tous(client_agent, retiree):
    for onglet, present in (("mes_dossiers", False), ("en_instruction", False), ("rupture", False), ("tous", True)):
        assert (retiree.numero[12:] in liste(client_agent, onglet)) is present, onglet
    assert "Retirée par l'usager" in liste(client_agent, "tous")


def test_un_acte_signe_n_est_plus_annonce_sur_un_dossier_retire(client, proposee, agent, signataire, le, settings):
    settings.DELAI_ANNULATION = 10
    operations.signer(proposee, agent=signataire, version=proposee.version, le=le)
    connecter(client, agent.compte)
    assert "a signé un acte" in lire(client, proposee)
    usager.retirer_demande(proposee, vu=repere(proposee), par=proposee.usager.compte, le=le)
    assert "a signé un acte" not in lire(client, proposee)


def test_l_accueil_lit_aussi_le_retrait(client, retiree):
    connecter(client, AgentFactory(site=retiree.site, roles=["accueil"]).compte)
    page = client.get(reverse("admin:guichet"), {"numero": retiree.numero})
    assert "Retirée par l'usager" in unescape(page.content.decode())


def test_un_dossier_rouvert_le_dit_partout_et_montre_ce_qui_est_apporte(client_agent, rouverte):
    assert "Rouverte par l'usager le" in lire(client_agent, rouverte)
    echanges = lire(client_agent, rouverte, "echanges")
    assert "Réouverture par l'usager" in echanges and "Voici le certificat." in echanges
    pieces = lire(client_agent, rouverte, "pieces")
    assert "certificat.png" in pieces and "Documents joints pour rouvrir la demande" in pieces and "nouveau" in pieces
    assert "Rouverte par l'usager" in lire(client_agent, rouverte, "historique")
    assert "Rouverte par l'usager" in liste(client_agent, "mes_dossiers")


def test_un_dossier_rouvert_par_un_agent_ne_se_dit_pas_rouvert_par_l_usager(client_agent, close, agent, le):
    operations.rouvrir(close, agent=agent, version=close.version, le=le)
    assert "Rouverte par l'usager" not in lire(client_agent, close) + liste(client_agent, "mes_dossiers")
    assert journal(close)[0].texte == "Demande rouverte"


def test_un_dossier_rouvert_s_instruit_jusqu_au_bout(rouverte, agent, le):
    codes = [piece.code for piece in operations.pieces_a_demander(rouverte, jour=le.date())]
    assert "REOUVERTURE" not in codes
    assert proposer(rouverte, agent=agent, le=le).etat == Etat.PROPOSITION


def test_un_brouillon_ouvert_au_meme_instant_refuse_la_reouverture_de_l_agent(close, agent, le, monkeypatch):
    DemandeFactory(titre_de_depart=close.titre_de_depart, objet=close.objet)
    monkeypatch.setattr("instruction.operations.cloture.autre_demande", lambda demande: None)
    with pytest.raises(ActeImpossible):
        operations.rouvrir(close, agent=agent, version=close.version, le=le)
    assert Demande.objects.get(pk=close.pk).etat == Etat.CLOTUREE


# --- Au même instant -------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_du_retrait_et_de_la_decision_au_meme_instant_un_seul_l_emporte(proposee, signataire, le, settings):
    settings.DELAI_ANNULATION = 10
    operations.signer(proposee, agent=signataire, version=proposee.version, le=le)
    vu, compte = repere(proposee), proposee.usager.compte

    ensemble(
        [
            lambda: usager.retirer_demande(proposee, vu=vu, par=compte, le=le),
            lambda: operations.executer_les_echus(le=le + dt.timedelta(minutes=10)),
        ]
    )

    demande = Demande.objects.get()
    assert demande.etat in {Etat.RETIREE, Etat.FAVORABLE}
    envoyes = Notification.objects.filter(message__in=["decision", "demande_retiree"])
    assert [n.message for n in envoyes] == ["decision" if demande.etat == Etat.FAVORABLE else "demande_retiree"]


@pytest.mark.django_db(transaction=True)
def test_l_usager_et_l_agent_rouvrent_au_meme_instant_une_seule_fois(close, agent, le):
    usager.joindre_a_la_reouverture(close, photo(), le=le)
    vu, version, compte = repere(close), close.version, close.usager.compte

    resultats = ensemble(
        [
            lambda: usager.rouvrir_demande(close, vu=vu, message="Voici.", par=compte, le=le),
            lambda: operations.rouvrir(close, agent=agent, version=version, le=le),
        ]
    )

    assert sorted(resultats) in (["Conflit", "fait"], ["DemandeChangee", "fait"])
    assert Notification.objects.filter(message="reouverture").count() == 1
