"""Qui voit et fait quoi : le site, le rôle, l'état."""

from itertools import pairwise, product

import pytest

from demandes.etats import TRANSITIONS, Etat
from instruction.models import Agent
from instruction.permissions import GESTES, Role, agent_de, dossiers_visibles, peut
from tests.factories import AgentFactory, CompteFactory, DemandeFactory, UsagerFactory
from tests.instruction.conftest import semer
from usagers.models import Compte

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("nom", GESTES)
def test_chaque_acte_suit_la_table_des_etats(nom):
    for depart in GESTES[nom].depuis:
        etats = [depart, *GESTES[nom].vers]
        assert all(apres in TRANSITIONS[avant] for avant, apres in pairwise(etats))


@pytest.mark.parametrize("nom", GESTES)
def test_un_acte_demande_le_role_et_l_etat(nom):
    """Chaque rôle dans chaque état, sur son site, sur un autre, et fermé."""
    demande = DemandeFactory.build(
        site_id="7502", titre_de_depart=None, usager=UsagerFactory.build(compte=None), ouverte_par=None,
        fin_de_droits=None,
    )  # fmt: skip
    for demande.etat, role in product(Etat.values, Role.values):
        permis = role in GESTES[nom].roles and demande.etat in GESTES[nom].depuis
        agents = {
            "en poste": Agent(site_id="7502", roles=[role], compte=Compte()),
            "ailleurs": Agent(site_id="5901", roles=[role], compte=Compte()),
            "parti": Agent(site_id="7502", roles=[role], actif=False, compte=Compte()),
            "au compte fermé": Agent(site_id="7502", roles=[role], compte=Compte(is_active=False)),
        }
        for qui, agent in agents.items():
            assert peut(agent, nom, demande) == (permis and qui == "en poste"), (demande.etat, role, qui)


def test_un_agent_voit_les_demandes_deposees_de_son_site_et_d_aucun_autre(deposee, agent, agent_du_nord, autre_site):
    DemandeFactory()  # un brouillon n'est à personne
    (du_nord,) = semer(1, autre_site)

    assert list(dossiers_visibles(agent)) == [deposee]
    assert list(dossiers_visibles(agent_du_nord)) == [du_nord]
    assert not dossiers_visibles(None).exists()


@pytest.mark.parametrize("role", ["admin_fonctionnel", "auditeur", "support", "accueil"])
def test_un_role_sans_dossiers_n_en_voit_aucun(deposee, role):
    assert not dossiers_visibles(AgentFactory(site=deposee.site, roles=[role])).exists()


def test_seul_un_agent_en_activite_est_un_agent():
    assert agent_de(AgentFactory().compte) is not None
    assert agent_de(AgentFactory(actif=False).compte) is None
    assert agent_de(AgentFactory(compte__is_active=False).compte) is None
    assert agent_de(CompteFactory()) is None
    assert agent_de(CompteFactory(nature="agent", is_staff=True)) is None  # un compte sans fiche d'agent
