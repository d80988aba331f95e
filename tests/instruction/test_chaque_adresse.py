"""Chaque adresse de l'espace des agents × chaque rôle × {son site, un autre} × {usager, anonyme} : essais engendrés.

Rien n'est à ajouter ici quand une adresse naît : la liste est lue dans le site des agents lui-même.
"""

import re

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver

from demandes.models import PieceJointe, Site
from instruction.models import Agent, Consultation
from instruction.permissions import ROLES_DES_DOSSIERS
from tests.factories import AgentFactory, CompteFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db

# Les portes elles-mêmes, et ce que Django ouvre à tous : aucune ne montre de dossier.
PORTES = {"/agents/login/", "/agents/logout/"}
PARAMETRE = re.compile(r"<(?:(?P<genre>\w+):)?(?P<nom>\w+)>")


def routes(motifs=None, debut="/agents/") -> list[str]:
    trouvees = []
    for motif in admin.site.get_urls() if motifs is None else motifs:
        suite = debut + str(motif.pattern)
        if isinstance(motif, URLResolver):
            trouvees += routes(motif.url_patterns, suite)
        elif isinstance(motif, URLPattern) and "(?P" not in suite and suite not in PORTES:
            trouvees.append(suite)
    return sorted(set(trouvees))


ROUTES = routes()
DU_DOSSIER = [route for route in ROUTES if "<slug:numero>" in route]
AUTRES = [route for route in ROUTES if route not in DU_DOSSIER]


def adresses(routes: list[str], demande) -> dict[str, str]:
    """Une vraie pièce et un vrai document de ce dossier ; pour tout autre objet, le premier venu."""
    document = demande.evenements.exclude(document=None).first().document
    valeurs = {
        "numero": demande.numero, "attestation": document.numero,
        "cle": PieceJointe.objects.filter(demande=demande).first().pk, "object_id": Site.objects.first().pk,
    }  # fmt: skip
    return {route: PARAMETRE.sub(lambda m: str(valeurs.get(m["nom"], "1")), route) for route in routes}


def lire(client, methode, url):
    reponse = getattr(client, methode)(url)
    if reponse.streaming:
        b"".join(reponse)  # le fichier se ferme quand il est lu
    return reponse


def test_les_adresses_lues_sont_celles_que_l_on_connait():
    assert "/agents/dossiers/<slug:numero>/pieces/<int:cle>/" in DU_DOSSIER
    assert {"/agents/", "/agents/dossiers/", "/agents/autre-site/", "/agents/guichet/"} <= set(AUTRES)


@pytest.mark.parametrize("methode", ["get", "post"])
@pytest.mark.parametrize("visiteur", ["anonyme", "usager", "agent_inactif", "agent_sans_fiche"])
def test_qui_n_est_pas_agent_n_ouvre_aucune_adresse(client, deposee, visiteur, methode):
    if visiteur == "usager":
        connecter(client, deposee.usager.compte)
    elif visiteur == "agent_inactif":
        connecter(client, AgentFactory(site=deposee.site, actif=False).compte)
    elif visiteur == "agent_sans_fiche":
        connecter(client, CompteFactory(nature="agent", is_staff=True))
    ouvertes = []
    for route, url in adresses(ROUTES, deposee).items():
        reponse = lire(client, methode, url)
        if reponse.status_code != 302 or not reponse.url.startswith("/agents/login/"):
            ouvertes.append((route, reponse.status_code))
    assert not ouvertes
    assert not Consultation.objects.exists()


# Les droits s'ajoutent : qui cumule ces rôles ouvre tout ce que l'un d'eux ouvre. Les essais longs les prennent seuls.
CUMUL = pytest.mark.parametrize(
    "un_a_un", [False, pytest.param(True, marks=pytest.mark.long)], ids=["cumulés", "un à un"]
)


def par_role(roles, *, un_a_un) -> list[list[str]]:
    return [[role] for role in sorted(roles)] if un_a_un else [sorted(roles)]


def reponses_du_dossier(client, site, roles, demande, methode) -> dict[str, int]:
    connecter(client, AgentFactory(site=site, roles=roles).compte)
    return {route: lire(client, methode, url).status_code for route, url in adresses(DU_DOSSIER, demande).items()}


@CUMUL
@pytest.mark.parametrize("methode", ["get", "post"])
def test_un_dossier_d_un_autre_site_n_a_aucune_adresse_pour_aucun_role(client, deposee, autre_site, methode, un_a_un):
    """Une adresse qui n'admet pas la méthode le dit à tous, sans rien dire du dossier."""
    avant, ouvertes = deposee.version, []
    for roles in par_role(Agent.Role.values, un_a_un=un_a_un):
        reponses = reponses_du_dossier(client, autre_site, roles, deposee, methode)
        ouvertes += [(roles, route, statut) for route, statut in reponses.items() if statut not in {404, 405}]
    deposee.refresh_from_db()
    assert not ouvertes
    assert deposee.version == avant
    assert not Consultation.objects.exists()


@CUMUL
@pytest.mark.parametrize("methode", ["get", "post"])
def test_un_dossier_de_son_site_n_a_aucune_adresse_pour_qui_n_en_traite_pas(client, deposee, methode, un_a_un):
    ouvertes = []
    for roles in par_role(set(Agent.Role.values) - ROLES_DES_DOSSIERS, un_a_un=un_a_un):
        reponses = reponses_du_dossier(client, deposee.site, roles, deposee, methode)
        ouvertes += [(roles, route, statut) for route, statut in reponses.items() if statut not in {404, 405}]
    assert not ouvertes
    assert not Consultation.objects.exists()


@pytest.mark.parametrize("methode", ["get", "post"])
def test_un_dossier_de_son_site_s_ouvre_aux_roles_qui_en_traitent(client, deposee, methode):
    """GET ne change rien ; POST sans saisie ni version n'y change rien non plus."""
    pannes = []
    for role in sorted(ROLES_DES_DOSSIERS):
        reponses = reponses_du_dossier(client, deposee.site, [role], deposee, methode)
        # 404 : ce dossier-là n'a pas encore de décision, de complément… à montrer.
        attendus = {200, 202, 302, 404, 405, 409, 422}
        pannes += [(role, route, statut) for route, statut in reponses.items() if statut not in attendus]
        if methode == "get":
            assert reponses["/agents/dossiers/<slug:numero>/"] == 200
    deposee.refresh_from_db()
    assert not pannes
    assert deposee.etat == "deposee"


@CUMUL
def test_aucune_autre_adresse_ne_tombe_en_panne_ni_ne_montre_un_dossier_d_ailleurs(
    client, deposee, autre_site, un_a_un
):
    urls = adresses(AUTRES, deposee)
    for roles in par_role(Agent.Role.values, un_a_un=un_a_un):
        connecter(client, AgentFactory(site=autre_site, roles=roles).compte)
        for route, url in urls.items():
            reponse = client.get(url, {"numero": deposee.numero, "q": deposee.numero})
            assert reponse.status_code < 500, (roles, route)
            page = (b"".join(reponse) if reponse.streaming else reponse.content).decode()
            assert deposee.usager.nom_naissance not in page, (roles, route)
