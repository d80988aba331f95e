"""Un dossier décidé, pour un agent du site et pour un autre ; les autres visiteurs : test_chaque_adresse.py."""

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from demandes.models import PieceJointe
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter, envoi_d_accord

pytestmark = pytest.mark.django_db

# Nom → (méthode, statuts admis pour un agent du site sur un dossier décidé).
DU_DOSSIER = {
    "dossier": ("get", {200}),
    "dossier_piece": ("get", {200}),
    "dossier_document": ("get", {200, 202}),
    "dossier_decision": ("get", {200}),
    "dossier_prendre": ("post", {409}),
    "dossier_proposer": ("get", {302}),
    "dossier_proposer_refus": ("get", {302}),
    "dossier_proposition": ("get", {302}),
    "dossier_refus_propose": ("get", {404}),
    "dossier_viser": ("post", {409}),
    "dossier_renvoyer": ("post", {302}),
    "dossier_signer": ("post", {409}),
    "dossier_acte": ("get", {302}),
    "dossier_annuler": ("post", {302}),
    "dossier_proposer_cloture": ("get", {302}),
    "dossier_cloture": ("get", {302}),
    "dossier_ecarter_cloture": ("post", {409}),
    "dossier_cloturer": ("post", {409}),
    "dossier_rouvrir": ("get", {302}),
}
GENERALES = {"dossiers": {200}, "index": {302}, "references": {200}, "password_change": {200}}


def adresse(nom, demande):
    arguments = [demande.numero]
    if nom == "dossier_piece":
        arguments.append(PieceJointe.objects.filter(demande=demande).first().pk)
    if nom == "dossier_annuler":
        arguments.append(demande.actes_differes.latest("pk").pk)
    if nom == "dossier_document":
        arguments.append(demande.evenements.exclude(document=None).first().document.numero)
    return reverse(f"admin:{nom}", args=arguments)


def test_aucune_demande_ne_s_edite_dans_l_administration():
    with pytest.raises(NoReverseMatch):
        reverse("admin:demandes_demande_changelist")
    assert {modele.__name__ for modele in admin.site._registry} == {
        "Agent", "Bareme", "CoordonneesSite", "Motif", "PieceReference", "Site",
    }  # fmt: skip


@pytest.mark.parametrize("nom", DU_DOSSIER)
def test_un_agent_du_site_entre(client_agent, decidee, nom):
    methode, admis = DU_DOSSIER[nom]
    reponse = getattr(client_agent, methode)(adresse(nom, decidee))
    reponse.close()
    assert reponse.status_code in admis


@pytest.mark.parametrize("visiteur", ["autre_site", "sans_role"])
def test_un_agent_d_ailleurs_ne_trouve_rien(client, decidee, agent_du_nord, visiteur):
    """Une adresse qui n'admet pas la méthode le dit à tous, sans rien dire du dossier."""
    agent = agent_du_nord if visiteur == "autre_site" else AgentFactory(site=decidee.site, roles=["auditeur"])
    connecter(client, agent.compte)
    for nom, (la_sienne, _statuts) in DU_DOSSIER.items():
        url = adresse(nom, decidee)
        for methode in ("get", "post"):
            reponse = getattr(client, methode)(url, envoi_d_accord(decidee))
            assert reponse.status_code == 404 or (reponse.status_code == 405 and methode != la_sienne), (nom, methode)
            assert decidee.numero not in reponse.content.decode().replace(url, ""), (nom, methode)


def test_le_dossier_d_un_autre_site_n_est_dans_aucune_liste(client, decidee, agent_du_nord):
    connecter(client, agent_du_nord.compte)
    for parametres in ({}, {"onglet": "tous"}, {"onglet": "decides"}, {"q": "john"}, {"apres": decidee.numero}):
        page = client.get(reverse("admin:dossiers"), parametres).content.decode()
        assert f"/dossiers/{decidee.numero}" not in page and "JULIE" not in page


@pytest.mark.parametrize("nom", GENERALES)
def test_les_pages_generales_s_ouvrent_a_un_agent(client_agent, nom):
    assert client_agent.get(reverse(f"admin:{nom}")).status_code in GENERALES[nom]


def test_l_accueil_mene_a_la_file_ou_aux_references(client, client_agent):
    assert client_agent.get(reverse("admin:index")).url == reverse("admin:dossiers")
    connecter(client, AgentFactory(roles=["admin_fonctionnel"]).compte)
    assert client.get(reverse("admin:index")).url == reverse("admin:references")
    assert client.get(reverse("admin:dossiers")).status_code == 404


def test_l_espace_des_agents_est_en_francais(client, deposee, agent):
    connecter(client, agent.compte)
    reponse = client.get(reverse("admin:dossiers"), headers={"accept-language": "en"})
    assert '<html lang="fr"' in reponse.content.decode()
    assert reponse["Content-Language"] == "fr"
