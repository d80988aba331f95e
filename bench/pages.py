"""Temps et nombre de requêtes SQL des pages principales, dans un seul processus, sur une base qu'on jette.

« calcul » : le plus court temps de processeur passé en Python ; une machine chargée le change peu.
"""

import argparse
import statistics
import time
from collections.abc import Callable

from jetable import installation  # isort: skip (il installe Django)
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.models import Demande, PieceJointe, Saisie, Site
from instruction.permissions import dossiers_visibles
from tests.demandes.reponses import ETAPES
from tests.factories import AgentFactory, CompteFactory, TitreSejourFactory
from tests.longs.test_volume import SITE, semer
from tests.situations import photo, remplir, tout_relire

ETUDIANT = DEMARCHES["etudiant"]
PETITE_FILE = 60
Requete = Callable[[], HttpResponse]


def connecte(compte) -> Client:
    client = Client()
    client.force_login(compte, backend="usagers.backends.IdentifiantBackend")
    return client


def brouillon() -> Demande:
    usager, le = TitreSejourFactory().usager, timezone.now()
    return remplir(operations.commencer(ETUDIANT, usager, par=usager.compte, le=le), le=le)


def prete() -> Demande:
    demande = brouillon()
    tout_relire(demande, le=timezone.now())
    return demande


def adresse(demande: Demande, code: str) -> str:
    return reverse("demandes:etape", args=[demande.pk, code])


def titre(texte: str) -> None:
    print(f"\n{texte:<46} {'médiane':>10} {'p95':>10} {'calcul':>10}  requêtes SQL", flush=True)


def mesurer(nom: str, preparer: Callable[[], Requete], tours: int, *, attendu: int = 200) -> None:
    """`preparer` travaille hors du temps mesuré. Le premier tour échauffe ; le deuxième ne fait que compter."""
    preparer()()
    demander = preparer()
    with CaptureQueriesContext(connection) as requetes:
        demander().getvalue()
        nombre = len(requetes)
    temps, calculs = [], []
    for _tour in range(tours):
        demander = preparer()
        debut, debut_du_calcul = time.perf_counter(), time.process_time()
        reponse = demander()
        reponse.getvalue()
        calculs.append(1000 * (time.process_time() - debut_du_calcul))
        temps.append(1000 * (time.perf_counter() - debut))
        if reponse.status_code != attendu:
            raise SystemExit(f"{nom} : réponse {reponse.status_code} au lieu de {attendu}")
    p95 = statistics.quantiles(temps, n=20, method="inclusive")[-1]
    print(f"{nom:<46} {statistics.median(temps):7.1f} ms {p95:7.1f} ms {min(calculs):7.1f} ms  {nombre:>6}", flush=True)


def lire(nom: str, client: Client, chemin: str, tours: int) -> None:
    mesurer(nom, lambda: lambda: client.get(chemin), tours)


# --- La personne -----------------------------------------------------------------------------------------------------
def parcours(tours: int) -> None:
    demande = prete()
    client = connecte(demande.usager.compte)
    titre("Remplir une demande")
    lire("accueil", Client(), reverse("demandes:accueil"), tours)
    for etape in ETUDIANT.parties:
        lire(f"étape « {etape.code} » : lire", client, adresse(demande, etape.code), tours)
        if etape.genre == "formulaire":
            mesurer(f"étape « {etape.code} » : valider", enregistrer(client, demande, etape.code), tours, attendu=302)
    mesurer("joindre un fichier", joindre(client, demande), tours)
    lire("récapitulatif", client, adresse(demande, "recapitulatif"), tours)
    mesurer("déposer", deposer(), tours, attendu=302)


def enregistrer(client: Client, demande: Demande, code: str) -> Callable[[], Requete]:
    def preparer() -> Requete:
        version = Saisie.objects.get(demande=demande, etape=code).version
        envoi = ETAPES[code] | {"version": [str(version)], "action": ["poursuivre"]}
        return lambda: client.post(adresse(demande, code), envoi)

    return preparer


def joindre(client: Client, demande: Demande) -> Callable[[], Requete]:
    chemin = reverse("demandes:piece_ajouter", args=[demande.pk, "INSCRIPTION"])
    garde = PieceJointe.objects.filter(demande=demande, code="INSCRIPTION").count()

    def preparer() -> Requete:
        for piece in PieceJointe.objects.filter(demande=demande, code="INSCRIPTION").order_by("pk")[garde:]:
            piece.delete()
        fichier = photo()
        return lambda: client.post(chemin, {"fichier": fichier})

    return preparer


def deposer() -> Callable[[], Requete]:
    def preparer() -> Requete:
        demande = prete()
        client = connecte(demande.usager.compte)
        envoi = {"action": "deposer", "declaration": "on", "observations": ""}
        return lambda: client.post(adresse(demande, "recapitulatif"), envoi)

    return preparer


def espace(tours: int) -> Demande:
    demande = prete()
    demande = operations.deposer(demande, par=demande.ouverte_par, le=timezone.now())
    client = connecte(demande.usager.compte)
    titre("Suivre sa demande")
    lire("Mon espace", client, reverse("demandes:espace"), tours)
    lire("suivi", client, reverse("demandes:suivi", args=[demande.numero]), tours)
    lire("confirmation du dépôt", client, reverse("demandes:confirmation", args=[demande.numero]), tours)
    lire("notifications", client, reverse("demandes:notifications"), tours)
    return demande


# --- L'agent ---------------------------------------------------------------------------------------------------------
def agents(tours: int, deposee: Demande, nombre: int) -> None:
    agent = AgentFactory(site=deposee.site, compte=CompteFactory(nature="agent", identifiant="agent.bench"))
    client, file = connecte(agent.compte), reverse("admin:dossiers")
    semer(PETITE_FILE, agent=agent, sites=[SITE])
    titre(f"Instruire : {dossiers_visibles(agent).count()} dossiers au site")
    lire("file", client, file, tours)
    lire("file : recherche", client, f"{file}?q=diallo", tours)
    for vue in ("", "?vue=demande", "?vue=pieces", "?vue=historique"):
        chemin = reverse("admin:dossier", args=[deposee.numero]) + vue
        lire(f"dossier {vue}".strip(), client, chemin, tours)

    Demande.objects.filter(objet__startswith="essai").delete()
    semer(nombre, agent=agent, sites=[SITE, *Site.objects.exclude(code=SITE).values_list("code", flat=True)])
    titre(f"Instruire : {nombre} dossiers, dont {dossiers_visibles(agent).count()} au site")
    milieu = dossiers_visibles(agent).filter(etat="deposee").order_by("fin_de_droits")[200].numero
    lire("file", client, file, tours)
    lire("file : une page du milieu", client, f"{file}?onglet=a_prendre&apres={milieu}", tours)
    lire("file : tous, les plus récents", client, f"{file}?onglet=tous", tours)
    lire("file : recherche d'un nom fréquent", client, f"{file}?q=diallo", tours)
    lire("file : recherche d'un nom mal écrit", client, f"{file}?q=kowalczik", tours)
    lire("dossier", client, reverse("admin:dossier", args=[deposee.numero]), tours)


def principal() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tours", type=int, default=20, help="mesures de chaque page (20)")
    arguments.add_argument("--dossiers", type=int, default=100_000, help="dossiers de la grande file (100000)")
    choix = arguments.parse_args()
    with installation():
        parcours(choix.tours)
        agents(choix.tours, espace(choix.tours), choix.dossiers)


if __name__ == "__main__":
    principal()
