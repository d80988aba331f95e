"""Un site par département ; ce que les agents ont corrigé reste."""

import pytest
from django.core.management import call_command

from demandes.journal_des_references import modifier
from demandes.models import Changement, Site
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def test_chaque_departement_a_un_site():
    call_command("charger_sites")
    departements = {f"{rang:02}" for rang in range(1, 96)} - {"20"} | {"2A", "2B", "971", "972", "973", "974", "976"}
    assert departements <= set(Site.objects.values_list("departement", flat=True))
    codes = dict(Site.objects.values_list("departement", "code"))
    assert [codes[d] for d in ("75", "59", "01", "2A", "2B", "971")] == ["7502", "5901", "0101", "2001", "2002", "9710"]
    assert len(set(codes.values())) == len(codes) == Site.objects.filter(invente=True).count()


def test_recharger_ne_change_rien(capsys):
    call_command("charger_sites")
    call_command("charger_sites")
    assert "créées : 0, modifiées : 0, inchangées : 104" in capsys.readouterr().out


def test_un_site_corrige_par_les_agents_n_est_pas_reecrit(capsys):
    call_command("charger_sites")
    Site.objects.filter(code="7502").update(telephone="01 02 03 04 05", invente=False)
    Site.objects.filter(code="5901").update(telephone="01 02 03 04 05")
    call_command("charger_sites")
    assert "modifiées : 1, inchangées : 102, gardées telles quelles : 1" in capsys.readouterr().out
    assert Site.objects.get(code="7502").telephone == "01 02 03 04 05"


def test_un_site_change_par_un_agent_n_est_pas_reecrit_meme_marque_invente(capsys):
    call_command("charger_sites")
    agent = AgentFactory(site=Site.objects.get(code="7502"), roles=["admin_fonctionnel"])
    with modifier(Site, par=agent.compte):
        Site.objects.filter(code="5901").update(horaires="le mardi")
    call_command("charger_sites")
    assert "gardées telles quelles : 1" in capsys.readouterr().out.replace("\u00a0", " ")
    assert Site.objects.get(code="5901").horaires == "le mardi"


def test_ce_que_la_commande_charge_est_au_journal_sans_auteur():
    call_command("charger_sites")
    Site.objects.filter(code="5901").update(telephone="faux")
    call_command("charger_sites")
    dernier = Changement.objects.latest("pk")
    assert Changement.objects.count() == 105
    assert (dernier.par, dernier.origine, dernier.cle) == (None, "charger_sites", "5901")
    assert list(dernier.ecarts) == ["telephone"] and dernier.ecarts["telephone"][0] == "faux"
