"""La file, la recherche et le dossier à plusieurs tailles de base, côte à côte : médiane, p95, requêtes SQL.

Chaque taille a sa base, peuplée puis jetée. Les pages passent par le client de Django, dans ce processus ; chaque
mesure tourne sur plusieurs dossiers ou plusieurs noms, pour ne pas relire toujours les mêmes lignes.
"""

import argparse
import io
import statistics
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from jetable import installation  # isort: skip (il installe Django)
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from demandes.demarches import DEMARCHES
from demandes.etats import Etat
from instruction import file_de_travail as file
from instruction.models import Agent
from instruction.permissions import dossiers_visibles
from instruction.peuplement import peupler

SITE = "7502"
# Une mesure s'arrête là, même si tous ses tours ne sont pas faits.
DUREE_MAX = 30


@dataclass(frozen=True)
class Releve:
    mediane: float
    p95: float
    requetes: int

    def __str__(self) -> str:
        return f"{self.mediane:.0f} | {self.p95:.0f} | {self.requetes}"


def mesurer(client: Client, adresses: list[str], tours: int) -> Releve:
    """Le premier tour échauffe ; le deuxième ne fait que compter."""
    client.get(adresses[0])
    with CaptureQueriesContext(connection) as requetes:
        client.get(adresses[0])
        nombre = len(requetes)
    temps, fin = [], time.monotonic() + DUREE_MAX
    for tour in range(tours):
        adresse = adresses[tour % len(adresses)]
        debut = time.perf_counter()
        reponse = client.get(adresse)
        temps.append(1000 * (time.perf_counter() - debut))
        if reponse.status_code not in {200, 302}:
            raise SystemExit(f"{adresse} : réponse {reponse.status_code}")
        if time.monotonic() > fin:
            break
    p95 = statistics.quantiles(temps, n=20, method="inclusive")[-1] if len(temps) > 1 else temps[0]
    return Releve(statistics.median(temps), p95, nombre)


def pages(agent: Agent) -> dict[str, list[str]]:
    """Ce qui se mesure : un nom, et les adresses à demander tour à tour."""
    visibles, trouvees = dossiers_visibles(agent), {}

    def liste(**parametres) -> str:
        return f"{reverse('admin:dossiers')}?{urlencode(parametres)}"

    def dossier(numero: str, **parametres) -> str:
        return f"{reverse('admin:dossier', args=[numero])}?{urlencode(parametres)}"

    for code, onglet in file.ONGLETS.items():
        trouvees[f"file : {onglet.libelle}"] = [liste(onglet=code)]
        ordre = file._cles(file.TRIS[onglet.tris[0]], arriere=False)
        debut = 19 * file.TAILLE_DE_PAGE - 1
        reperes = onglet.dossiers(visibles, agent).order_by(*ordre).values_list("numero", flat=True)[debut : debut + 1]
        if reperes:
            trouvees[f"file : {onglet.libelle}, 20e page"] = [liste(onglet=code, apres=reperes[0])]
    for code, (libelle, _filtre) in file.FILTRES.items():
        trouvees[f"filtre : {libelle}"] = [liste(onglet=nom, filtre=code) for nom in ("en_instruction", "tous")]
    for etat in (Etat.REMISE, Etat.RETIREE):
        trouvees[f"filtre : {etat.label}"] = [liste(onglet="tous", etat=etat)]
    trouvees["filtre : démarche"] = [liste(onglet=nom, demarche=code) for nom in ("a_prendre", "tous")
                                     for code in DEMARCHES]  # fmt: skip

    personnes = list(visibles.select_related("usager__compte").order_by("numero")[:: max(1, visibles.count() // 10)])
    recherches = {
        "n° de demande": [demande.numero for demande in personnes],
        "nom fréquent": ["diallo", "nguyen", "traore"],
        "prénom et nom": ["aminata diallo", "kofi nguyen"],
        "nom rare": [demande.usager.nom_naissance for demande in personnes],
        "nom mal écrit": ["dialo", "kowalczik", "coulybaly"],
        "date de naissance": ["/".join(reversed(demande.usager.naissance.split("-"))) for demande in personnes],
        "courriel": [demande.usager.compte.courriel for demande in personnes],
        "téléphone": [f"0{demande.usager.compte.telephone[3:]}" for demande in personnes],
        "n° étranger": [demande.usager.numero_etranger for demande in personnes],
        "nom que personne ne porte": ["zzyxqw"],
    }
    for nom, textes in recherches.items():
        trouvees[f"recherche : {nom}"] = [liste(q=texte) for texte in textes]

    for etat in Etat:
        if numeros := list(visibles.filter(etat=etat).values_list("numero", flat=True)[:10]):
            trouvees[f"dossier : {etat.label}"] = [dossier(numero) for numero in numeros]
    suivis = list(visibles.filter(etat=Etat.EN_INSTRUCTION).order_by("fin_de_droits").values_list("numero", flat=True))
    milieu = suivis[len(suivis) // 2 :][:10]
    for vue in ("pieces", "echanges", "historique"):
        trouvees[f"dossier : onglet {vue}"] = [dossier(numero, vue=vue) for numero in milieu]
    trouvees["dossier au milieu de « En instruction », voisins"] = [dossier(n, onglet="en_instruction") for n in milieu]
    tous = list(visibles.order_by("-deposee_le").values_list("numero", flat=True)[500:510])
    trouvees["dossier au milieu de « Tous », voisins"] = [dossier(numero, onglet="tous") for numero in tous or milieu]
    return trouvees


def relever(nombre: int, tours: int) -> dict[str, Releve]:
    with installation():
        call_command("charger_lieux", stdout=io.StringIO())
        debut = time.monotonic()
        lignes = peupler(nombre, sites=[], graine=1, le=timezone.now(), dire=lambda _demandes, _lignes: None)
        duree = time.monotonic() - debut
        agent = Agent.objects.select_related("compte").filter(site=SITE, roles=["instructeur"]).earliest("pk")
        print(
            f"{nombre} demandes, dont {dossiers_visibles(agent).count()} au site {SITE} ; {lignes} lignes écrites en "
            f"{duree:.0f} s, {lignes / duree:.0f} par seconde.",
            flush=True,
        )
        client = Client()
        client.force_login(agent.compte, backend="usagers.backends.IdentifiantBackend")
        return {nom: mesurer(client, adresses, tours) for nom, adresses in pages(agent).items()}


def principal() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--tailles", type=int, nargs="+", default=[10_000, 1_000_000], help="demandes de chaque base"
    )
    arguments.add_argument("--tours", type=int, default=20, help="mesures de chaque page (20)")
    choix = arguments.parse_args()
    releves = {nombre: relever(nombre, choix.tours) for nombre in choix.tailles}
    titres = [f"{nombre:,}".replace(",", "\u202f") for nombre in releves]
    print("\n| page | " + " | ".join(f"{titre} : p50, ms | p95, ms | requêtes" for titre in titres) + " |")
    print("|---|" + "---:|---:|---:|" * len(titres))
    for nom in dict.fromkeys(nom for releve in releves.values() for nom in releve):
        print(f"| {nom} | " + " | ".join(str(releve.get(nom, "– | – | –")) for releve in releves.values()) + " |")


if __name__ == "__main__":
    principal()
