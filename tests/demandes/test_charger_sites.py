"""Un site par département ; ce que les agents ont corrigé reste."""

import datetime as dt

import pytest
from django.core.management import call_command

from demandes.journal_des_references import modifier
from demandes.models import Changement, CoordonneesSite, Site
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def test_chaque_departement_a_un_site():
    call_command("charger_sites")
    departements = {f"{rang:02}" for rang in range(1, 96)} - {"20"} | {"2A", "2B", "971", "972", "973", "974", "976"}
    assert departements <= set(Site.objects.values_list("departement", flat=True))
    codes = dict(Site.objects.values_list("departement", "code"))
    assert [codes[d] for d in ("75", "59", "01", "2A", "2B", "971")] == ["7502", "5901", "0101", "2001", "2002", "9710"]
    assert len(set(codes.values())) == len(codes) == CoordonneesSite.objects.filter(invente=True).count()


def test_recharger_ne_change_rien(capsys):
    call_command("charger_sites")
    call_command("charger_sites")
    assert capsys.readouterr().out.count("créées : 0, modifiées : 0, inchangées : 104") == 2
    assert CoordonneesSite.objects.count() == 104


def test_un_site_corrige_par_les_agents_n_est_pas_reecrit(capsys):
    call_command("charger_sites")
    CoordonneesSite.objects.filter(site="7502").update(telephone="01 02 03 04 05", invente=False)
    CoordonneesSite.objects.filter(site="5901").update(telephone="01 02 03 04 05")
    call_command("charger_sites")
    assert "modifiées : 1, inchangées : 102, gardées telles quelles : 1" in capsys.readouterr().out
    assert Site.objects.get(code="7502").coordonnees_du_jour.telephone == "01 02 03 04 05"


def test_un_site_change_par_un_agent_n_est_pas_reecrit_meme_marque_invente(capsys):
    call_command("charger_sites")
    agent = AgentFactory(site=Site.objects.get(code="7502"), roles=["admin_fonctionnel"])
    with modifier(CoordonneesSite, par=agent.compte):
        CoordonneesSite.objects.filter(site="5901").update(horaires="le mardi")
    call_command("charger_sites")
    assert "gardées telles quelles : 1" in capsys.readouterr().out.replace("\u00a0", " ")
    assert Site.objects.get(code="5901").coordonnees_du_jour.horaires == "le mardi"


def test_des_coordonnees_preparees_par_un_agent_gardent_tout_leur_site(capsys):
    call_command("charger_sites")
    agent = AgentFactory(site=Site.objects.get(code="7502"), roles=["admin_fonctionnel"])
    actuelle = CoordonneesSite.objects.get(site="5901")
    with modifier(CoordonneesSite, par=agent.compte):
        CoordonneesSite.objects.filter(pk=actuelle.pk).update(au=dt.date(2030, 1, 1), telephone="faux")
        CoordonneesSite.objects.create(
            site_id="5901", du=dt.date(2030, 1, 2), adresse="Ailleurs", courriel="a@b.invalid", telephone="01",
            invente=True,
        )  # fmt: skip
    Site.objects.filter(code="5901").update(libelle="Préfecture à Lille")
    call_command("charger_sites")
    dit = capsys.readouterr().out
    assert dit.count("inchangées : 103, gardées telles quelles : 1") == 2
    site = Site.objects.get(code="5901")
    assert (site.libelle, site.coordonnees_le(dt.date(2029, 1, 1)).telephone) == ("Préfecture à Lille", "faux")
    assert site.coordonnees_le(dt.date(2030, 1, 2)).adresse == "Ailleurs"


def test_ce_que_la_commande_charge_est_au_journal_sans_auteur():
    call_command("charger_sites")
    CoordonneesSite.objects.filter(site="5901").update(telephone="faux")
    call_command("charger_sites")
    dernier = Changement.objects.latest("pk")
    assert Changement.objects.count() == 104 + 104 + 1
    assert (dernier.par, dernier.origine, dernier.modele) == (None, "charger_sites", "demandes.coordonneessite")
    assert dernier.objet == "coordonnées du site 5901 du 01/01/2000"
    assert list(dernier.ecarts) == ["telephone"] and dernier.ecarts["telephone"][0] == "faux"
