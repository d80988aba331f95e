"""Ce que coûte à un agent un acte courant, de la file à l'acte fait : clics, touches, pages, secondes de machine.

Sur les données de démonstration, devant un vrai gunicorn et dans Chromium. Le temps est celui que l'agent attend, de
chaque clic à la page prête ; ce qu'il passe à lire et à choisir n'y est pas.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from jetable import installation, variables  # isort: skip (il installe Django)
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, sync_playwright

from demandes.etats import Etat
from demandes.models import Complement, Demande
from instruction.demonstration import AGENTS
from tests.conftest import ARGUMENTS_CHROMIUM, CHROMIUM
from tests.pannes.serveurs import Web
from usagers.models import Compte

AGENT = AGENTS[0]


@dataclass
class Compteur:
    """La main de l'agent : chaque geste se compte, chaque attente se mesure."""

    page: Page
    clics: int = 0
    touches: int = 0
    pages: int = 0
    secondes: float = 0.0

    def cliquer(self, cible: Locator) -> None:
        self.clics += 1
        cible.click()

    def aller(self, cible: Locator) -> None:
        """Un clic qui mène à une autre page, attendue jusqu'au bout."""
        debut = time.perf_counter()
        with self.page.expect_event("load"):
            self.cliquer(cible)
        self.secondes += time.perf_counter() - debut
        self.pages += 1

    def taper(self, cible: Locator, texte: str) -> None:
        self.cliquer(cible)
        self.touches += len(texte)
        self.page.keyboard.type(texte)

    def lien(self, nom: str) -> None:
        self.aller(self.page.get_by_role("link", name=nom).first)

    def bouton(self, nom: str) -> None:
        self.aller(self.page.get_by_role("button", name=nom).first)


def demander_un_complement(main: Compteur, demande: Demande) -> None:
    """Une pièce illisible, depuis un dossier que personne n'a pris : le demander le prend."""
    main.aller(main.page.locator(f"a[href*='{demande.numero}']").first)
    main.lien("Demander un complément")
    piece = main.page.locator("details.volet--agent").first
    main.cliquer(piece.locator("summary"))
    main.cliquer(piece.locator("input[value='complement.illisible'] + label"))
    main.bouton("Vérifier la lettre")
    main.bouton("Envoyer la demande de complément")


def proposer_d_accorder(main: Compteur, demande: Demande) -> None:
    """Titre, dates et montant sont ceux que la page propose ; un motif coché suffit d'avis."""
    main.aller(main.page.locator(f"a[href*='{demande.numero}']").first)
    main.bouton("Prendre en charge")
    main.lien("Proposer une décision")
    main.cliquer(main.page.locator("input[name=motifs] + label").first)
    main.bouton("Proposer cette décision")


def rendre(demande: Demande) -> None:
    """Le dossier redevient à prendre, pour le tour suivant."""
    Complement.objects.filter(demande=demande).update(annule_le=timezone.now())
    Demande.objects.filter(pk=demande.pk).update(etat=Etat.DEPOSEE, agent=None)


def mesurer(nom: str, faire: Callable, page: Page, file: str, demande: Demande, etat: Etat, tours: int) -> None:
    """Le premier tour échauffe le serveur et le navigateur."""
    temps = []
    for _tour in range(tours + 1):
        rendre(demande)
        page.goto(file)
        main = Compteur(page)
        faire(main, demande)
        temps.append(main.secondes)
        demande.refresh_from_db()
        if demande.etat != etat:
            raise SystemExit(f"{nom} : le dossier est à l'état « {demande.etat} »")
    median, pire = statistics.median(temps[1:]), max(temps[1:])
    print(f"{nom:<34} {main.clics:>6} {main.touches:>8} {main.pages:>6} {median:>9.2f} s {pire:>9.2f} s", flush=True)


def connecter(page: Page, racine: str) -> str:
    """Ouvre la session de l'agent ; rend l'adresse de sa file."""
    client = Client()
    client.force_login(Compte.objects.get(identifiant=AGENT.identifiant), backend="usagers.backends.IdentifiantBackend")
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": racine}])
    return racine + reverse("admin:dossiers")


def principal() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tours", type=int, default=10, help="mesures de chaque acte (10)")
    choix = arguments.parse_args()
    with installation():
        titulaires = settings.BASE_DIR / "usagers/donnees/titulaires.demo.csv"
        for commande in (["charger_lieux"], ["importer_titulaires", titulaires], ["charger_demonstration"]):
            call_command(*commande, stdout=io.StringIO())
        web = Web(**variables(), WEB_PROCESSUS="2")
        try:
            with sync_playwright() as playwright:
                navigateur = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS_CHROMIUM)
                page = navigateur.new_page(locale="fr-FR")
                file = connecter(page, f"http://127.0.0.1:{web.port}")
                demande = Demande.objects.filter(site=AGENT.site, etat=Etat.DEPOSEE, complete_au_depot=True).first()
                print("de la file à…                       clics  touches  pages     médiane        pire")
                communs = {"page": page, "file": file, "demande": demande, "tours": choix.tours}
                mesurer("un complément envoyé", demander_un_complement, etat=Etat.COMPLEMENT_DEMANDE, **communs)
                mesurer("une décision favorable proposée", proposer_d_accorder, etat=Etat.PROPOSITION, **communs)
                navigateur.close()
        finally:
            web.tuer()


if __name__ == "__main__":
    principal()
