"""Deux cent mille dossiers : la file, ses pages et la recherche passent par les index, bornés par le site.

Jamais de parcours de toute la table. Les temps sont affichés.
"""

import json
import time

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from demandes.etats import Etat
from demandes.models import Demande, Site
from instruction.file_de_travail import ONGLETS, chercher, nombres_plafonnes, page, ressembler
from instruction.models import Agent
from instruction.permissions import dossiers_visibles
from tests.factories import AgentFactory, CompteFactory, TitreSejourFactory

pytestmark = [pytest.mark.long, pytest.mark.django_db]
NOMBRE = 200_000
SITE = "7502"
# Un dossier sur sept est à Paris ; un sur quatre est encore à instruire ; une date de fin de droits sur cinq manque.
SEMER = """
INSERT INTO demandes_demande (
    usager_id, demarche, cas, objet, ouverte_par_id, ouverte_le, modifiee_le, site_id, etat, version, numero,
    deposee_le, decidee_le, fin_de_droits, echeance_legale, hors_delai, complete_au_depot, observations, recherche,
    agent_id
)
SELECT
    %(usager)s, 'etudiant', 'ETU_TITRE', 'essai ' || n, %(compte)s, instant, instant, site, etat, 1,
    site || to_char(instant, 'YYYYMMDD') || lpad(n::text, 7, '0'), instant,
    CASE WHEN etat IN ('favorable', 'defavorable', 'remise') THEN instant + interval '40 days' END,
    CASE WHEN n %% 5 > 0 THEN (instant + (n %% 400) * interval '1 day')::date END,
    (instant + interval '90 days')::date, false, true, '',
    (ARRAY['julie', 'mamadou', 'jean', 'fatou', 'kofi', 'thi mai', 'olena', 'aicha'])[1 + (n * 7) %% 8] || ' ' ||
    (ARRAY['john', 'diallo', 'ndiaye', 'nguyen', 'traore', 'kowalczyk', 'benali', 'santos'])[1 + (n / 8) %% 8] ||
    (n %% 997)::text || ' 77' || lpad(n::text, 8, '0') || ' u' || n || '@exemple.invalid',
    CASE WHEN etat = 'en_instruction' THEN CASE WHEN n %% 50 < 2 THEN %(agent)s ELSE %(collegue)s END END
FROM (
    SELECT n, now() - (n %% 700) * interval '1 day' - n * interval '1 second' AS instant,
        (%(sites)s::text[])[1 + CASE WHEN n %% 7 = 0 THEN 0 ELSE n %% %(nombre_de_sites)s END] AS site,
        (ARRAY['deposee', 'en_instruction', 'favorable', 'remise', 'remise', 'defavorable', 'cloturee', 'remise'])
        [1 + (n / 3) %% 8] AS etat
    FROM generate_series(1, %(nombre)s) AS n
) AS lignes
"""

# Les onglets lus par une autre table.
A_SIGNER = {"a_valider", "a_signer", "a_clore"}


@pytest.fixture
def agent(db):
    call_command("charger_sites", verbosity=0)
    agent = AgentFactory(site=Site.objects.get(code=SITE), compte=CompteFactory(nature="agent", identifiant="agent"))
    semer(NOMBRE, agent=agent, sites=[SITE, *Site.objects.exclude(code=SITE).values_list("code", flat=True)])
    return agent


def semer(nombre: int, *, agent: Agent, sites: list[str]) -> None:
    """Des dossiers sur ces sites, le premier plus chargé que les autres."""
    personne, collegue = TitreSejourFactory().usager, AgentFactory(site=agent.site)
    with connection.cursor() as curseur:
        curseur.execute(
            SEMER,
            {
                "usager": personne.pk, "compte": personne.compte_id, "agent": agent.compte_id,
                "collegue": collegue.compte_id,
                "sites": sites,
                "nombre_de_sites": len(sites), "nombre": nombre,
            },
        )  # fmt: skip
        curseur.execute("SELECT gin_clean_pending_list('demande_recherche')")
        curseur.execute("ANALYZE demandes_demande")


def noeuds(plan: dict) -> list[dict]:
    return [plan, *(petit for enfant in plan.get("Plans", []) for petit in noeuds(enfant))]


def lectures(appel) -> list[tuple[float, list[dict]]]:
    """Pour chaque lecture des dossiers : son temps en millisecondes, et les nœuds de son plan qui lisent la table."""
    with CaptureQueriesContext(connection) as requetes:
        appel()
    lues = []
    for requete in requetes.captured_queries:
        if 'FROM "demandes_demande"' not in requete["sql"]:
            continue
        with connection.cursor() as curseur:
            curseur.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {requete['sql']}")
            (resultat,) = curseur.fetchone()
        (plan,) = json.loads(resultat) if isinstance(resultat, str) else resultat
        tables = [noeud for noeud in noeuds(plan["Plan"]) if noeud.get("Relation Name") == "demandes_demande"]
        index = [noeud for noeud in noeuds(plan["Plan"]) if "Index Name" in noeud and "demande" in noeud["Index Name"]]
        lues.append((plan["Execution Time"], tables + index))
    assert lues
    return lues


def verifier(nom: str, appel, *, index: set[str], plafond: float) -> None:
    """Aucun parcours de la table ; l'index voulu, borné par le site ; un temps qui ne dépend pas du nombre."""
    temps, servis = 0.0, set()
    for duree, noeuds_lus in lectures(appel):
        temps += duree
        assert "Seq Scan" not in {noeud["Node Type"] for noeud in noeuds_lus}, (nom, noeuds_lus)
        employes = {noeud["Index Name"]: noeud.get("Index Cond", "") for noeud in noeuds_lus if "Index Name" in noeud}
        assert employes and set(employes) <= index, (nom, employes)
        servis |= set(employes)
        assert all(SITE in condition for condition in employes.values()), (nom, employes)
    print(f"  {nom:<44} {temps:8.2f} ms   {', '.join(sorted(servis))}")
    assert temps < plafond, (nom, temps)


def test_la_file_et_ses_pages_passent_par_les_index_partiels(agent, capsys):
    visibles = dossiers_visibles(agent)
    with capsys.disabled():
        print(f"\n{NOMBRE} dossiers, {visibles.count()} à {SITE}")
        for code in ("a_prendre", "en_instruction"):
            dossiers = ONGLETS[code].dossiers(visibles, agent)
            milieu = dossiers.filter(fin_de_droits__isnull=False).order_by("fin_de_droits", "id")[1000]
            index = {"demande_file", "demande_onglets", "demande_par_etat", "demande_de_l_agent", "demande_stock"}
            verifier(f"{code} : première page", lambda d=dossiers: page(d, "droits"), index=index, plafond=50)
            verifier(
                f"{code} : page suivante",
                lambda d=dossiers, m=milieu: page(d, "droits", apres=m),
                index=index,
                plafond=50,
            )
            verifier(
                f"{code} : page précédente",
                lambda d=dossiers, m=milieu: page(d, "droits", avant=m),
                index=index,
                plafond=50,
            )
            verifier(f"{code} : décompte", lambda d=dossiers: nombres_plafonnes([d]), index=index, plafond=100)


def test_les_decomptes_des_onglets_du_site_restent_bornes(agent, capsys):
    du_site = [onglet for onglet in ONGLETS.values() if not onglet.de_l_agent and onglet.code not in A_SIGNER]
    listes = [onglet.dossiers(dossiers_visibles(agent), agent) for onglet in du_site]
    index = {
        "demande_file", "demande_onglets", "demande_echeances", "demande_par_etat", "demande_du_site", "demande_stock",
        "demande_decidees", "demande_a_remettre", "demande_recherche", "demande_de_l_agent",
    }  # fmt: skip
    with capsys.disabled():
        print()
        verifier("décomptes des onglets du site", lambda: nombres_plafonnes(listes), index=index, plafond=500)


@pytest.mark.parametrize("code", sorted(A_SIGNER))
def test_ce_qui_attend_une_signature_se_lit_des_seules_propositions(agent, code):
    """Peu de dossiers en attendent une : la lecture part d'eux, et ne parcourt pas les autres."""
    ((temps, noeuds_lus),) = lectures(
        lambda: nombres_plafonnes([ONGLETS[code].dossiers(dossiers_visibles(agent), agent)])
    )
    assert "Seq Scan" not in {noeud["Node Type"] for noeud in noeuds_lus}, noeuds_lus
    assert temps < 100


def test_la_recherche_passe_par_l_index_trigramme_avec_le_site(agent, capsys):
    visibles = dossiers_visibles(agent)
    recherches = {
        "nom fréquent": lambda: page(chercher(visibles, "diallo"), "recents"),
        "nom et prénom": lambda: page(chercher(visibles, "fatou nguyen"), "recents"),
        "nom rare": lambda: page(chercher(visibles, "kowalczyk994"), "recents"),
        "n° étranger": lambda: page(chercher(visibles, "7700000007"), "recents"),
        "courriel": lambda: page(chercher(visibles, "u70007@exemple.invalid"), "recents"),
        "nom mal écrit": lambda: page(ressembler(visibles, "kowalczik"), "recents"),
    }
    with capsys.disabled():
        print()
        for nom, appel in recherches.items():
            verifier(f"recherche : {nom}", appel, index={"demande_recherche", "demande_du_site"}, plafond=1000)


def test_chaque_page_de_la_file_repond_vite_par_le_web(agent, client, capsys):
    client.force_login(agent.compte, backend="usagers.backends.IdentifiantBackend")
    adresse = reverse("admin:dossiers")
    numero = Demande.objects.filter(site=SITE, etat=Etat.DEPOSEE).order_by("fin_de_droits")[500].numero
    demandes = [{"onglet": onglet.code, "tri": tri} for onglet in ONGLETS.values() for tri in onglet.tris]
    demandes += [{"onglet": "a_prendre", "apres": numero}, {"q": "diallo"}, {"q": "jolie jon"}, {"q": "u70007@exemple"}]
    client.get(adresse)
    with capsys.disabled():
        print()
        for parametres in demandes:
            with CaptureQueriesContext(connection) as requetes:
                debut = time.perf_counter()
                reponse = client.get(adresse, parametres)
                duree = 1000 * (time.perf_counter() - debut)
            assert reponse.status_code == 200
            print(f"  {' '.join(parametres.values()):<44} {duree:8.0f} ms   {len(requetes)} requêtes")
            assert len(requetes) <= 15
