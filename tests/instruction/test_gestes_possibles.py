"""Les actes que la page du dossier propose."""

import pytest
from django.urls import reverse

from demandes.etats import Etat
from demandes.models import Decision
from instruction.models import Agent
from instruction.permissions import GESTES
from instruction.presentation import GESTE_SI, GESTE_URL, GESTES_IMMEDIATS, GESTES_PRINCIPAUX, gestes_possibles
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def noms(agent, demande) -> set[str]:
    return {geste.nom for geste in gestes_possibles(agent, demande)}


def test_chaque_acte_propose_est_dans_la_table_et_a_une_page():
    for nom in (*GESTE_URL, *GESTES_IMMEDIATS, *GESTES_PRINCIPAUX, *GESTE_SI):
        assert nom in GESTES
    for url in GESTE_URL.values():
        assert reverse(url, args=["7502202601010000001"])


def test_un_acte_se_propose_quand_l_etat_et_le_role_le_permettent(agent, deposee, agent_du_nord):
    assert "prendre_en_charge" in noms(agent, deposee)
    assert not noms(agent_du_nord, deposee)
    assert "prendre_en_charge" not in noms(AgentFactory(site=deposee.site, roles=[Agent.Role.REMISE]), deposee)
    deposee.etat = Etat.EN_INSTRUCTION
    assert "prendre_en_charge" not in noms(agent, deposee)


def test_les_actes_gardent_l_ordre_de_la_table(agent, deposee):
    rangs = [list(GESTES).index(geste.nom) for geste in gestes_possibles(agent, deposee)]
    assert rangs == sorted(rangs)
    deposee.etat = Etat.COMPLEMENT_RECU
    assert gestes_possibles(agent, deposee)[0].nom == "reprendre"  # la réponse se lit avant d'en demander une autre


@pytest.mark.parametrize(("sens", "permis", "exclu"), [
    ("favorable", "signer_favorable", "signer_refus"), ("defavorable", "signer_refus", "signer_favorable"),
])  # fmt: skip
def test_on_ne_signe_que_le_sens_propose(deposee, agent, le, sens, permis, exclu):
    Decision.objects.create(
        demande=deposee, sens=sens, titre="CST_ETU", du=le.date(), au=le.date(), taxe=75, proposee_par=agent.compte,
        proposee_le=le,
    )  # fmt: skip
    assert GESTE_SI[permis](deposee) and not GESTE_SI[exclu](deposee)


def test_on_ne_vise_qu_une_fois(deposee, agent, le):
    decision = Decision.objects.create(
        demande=deposee, sens="favorable", titre="CST_ETU", du=le.date(), au=le.date(), taxe=75,
        proposee_par=agent.compte, proposee_le=le,
    )  # fmt: skip
    assert GESTE_SI["viser"](deposee)
    decision.visee_par, decision.visee_le = AgentFactory(site=deposee.site).compte, le
    decision.save()
    assert not GESTE_SI["viser"](deposee)


def test_un_numero_ne_s_attribue_qu_une_fois(deposee):
    assert not GESTE_SI["attribuer_numero"](deposee)
    deposee.usager.numero_etranger = None
    assert GESTE_SI["attribuer_numero"](deposee)
