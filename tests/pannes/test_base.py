"""PostgreSQL redémarré sous un gunicorn en marche, arrêté proprement ou net : la requête suivante aboutit."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings

from tests.demandes.reponses import MOTIF
from tests.notifications.conftest import Processus
from tests.pannes.serveurs import Visiteur

# Le compte et le brouillon vivent dans l'autre base : c'est un processus sur elle qui les crée.
PEUPLER = """
import django; django.setup()
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from demandes.operations import commencer
from demandes.demarches import DEMARCHES
from tests.situations import remplir
from tests.factories import SiteFactory, TitreSejourFactory
call_command("migrate", verbosity=0)
call_command("charger_droit", verbosity=0)
SiteFactory()
usager = TitreSejourFactory().usager
demande = commencer(DEMARCHES["etudiant"], usager, par=usager.compte, le=timezone.now())
remplir(demande, jusqu_a="motif")
client = Client()
client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
print("session", client.cookies["sessionid"].value, demande.pk)
"""
pytestmark = [pytest.mark.panne, pytest.mark.django_db(transaction=True)]


class Grappe:
    """Un PostgreSQL privé, démarré comme le font bin/demarrer et bin/tester, dans une copie de leurs scripts."""

    def __init__(self, dossier: Path):
        self.dossier = dossier
        shutil.copytree(settings.BASE_DIR / "bin", dossier / "bin")
        (dossier / "var").mkdir()
        self.url = ""

    def commander(self, commandes: str) -> str:
        environnement = {nom: os.environ[nom] for nom in ("PATH", "HOME") if nom in os.environ}
        script = f"set -euo pipefail; source bin/_commun.sh; choisir_dossiers var; {commandes}"
        resultat = subprocess.run(
            ["bash", "-c", script], cwd=self.dossier, env=environnement, capture_output=True, text=True, timeout=120
        )
        assert resultat.returncode == 0, resultat.stderr
        return resultat.stdout

    def demarrer(self) -> None:
        self.url = self.commander('demarrer_postgres -c fsync=off -c full_page_writes=off; printf %s "$DATABASE_URL"')

    def arreter(self, mode: str) -> None:
        self.commander(
            'comme_postgres "$(find /usr/lib/postgresql/*/bin/pg_ctl | sort -V | tail -n 1)" -D "$PG_DONNEES" '
            f"-m {mode} -w stop >/dev/null"
        )

    def effacer(self) -> None:
        self.commander('rm -rf "$PG_DONNEES" "$PRISES"')


@pytest.fixture
def grappe(tmp_path):
    grappe = Grappe(tmp_path)
    grappe.demarrer()
    yield grappe
    grappe.arreter("immediate")
    grappe.effacer()


def ensemble(visiteur, adresse):
    """Huit requêtes à la fois : chaque fil de gunicorn garde sa connexion, tous doivent s'en remettre."""
    with ThreadPoolExecutor(8) as fils:
        return list(fils.map(lambda _rang: visiteur.get(adresse), range(8)))


def test_la_requete_qui_suit_un_redemarrage_de_la_base_aboutit(servir, grappe, courtier):
    with Processus("-c", PEUPLER, DATABASE_URL=grappe.url, REDIS_URL=courtier.url) as peuplement:
        sortie, _ = peuplement.communicate(timeout=120)
    assert peuplement.returncode == 0, sortie
    _mot, session, demande = next(ligne for ligne in sortie.splitlines() if ligne.startswith("session")).split()
    web = servir(DATABASE_URL=grappe.url, REDIS_URL=courtier.url)
    visiteur = Visiteur(web.port, session=session)
    adresse = f"/demandes/{demande}/motif/"

    for version, mode in enumerate(("fast", "immediate")):
        donnees = MOTIF | {"courante_diplome": [f"Master {mode}"], "version": [str(version)], "action": ["rester"]}
        assert visiteur.post(adresse, **donnees).status == 302
        assert {page.status for page in ensemble(visiteur, adresse)} == {200}

        grappe.arreter(mode)
        panne = visiteur.get(adresse)
        grappe.demarrer()

        assert panne.status == 503 and panne.duree < 5
        pages = ensemble(visiteur, adresse)
        assert {page.status for page in pages} == {200}
        assert all(f"Master {mode}" in page for page in pages)
    assert web.est_vivant
