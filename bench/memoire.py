"""Mémoire résidente du travailleur qui rend les PDF : au départ, puis à mesure qu'il en rend.

C'est le vrai Celery, un seul ouvrier ; il est remplacé au-delà de CELERY_WORKER_MAX_MEMORY_PER_CHILD (réglages).
"""

import argparse
import time
from pathlib import Path

from jetable import installation, variables  # isort: skip (il installe Django)
from django.conf import settings
from django.utils import timezone

from documents.catalogue import Acte
from documents.models import Document
from documents.operations import etablir
from tests.documents.donnees import DECISION, DEPOT
from tests.pannes.serveurs import Travailleur, attendre


def residente(pid: int) -> int:
    """En Mo."""
    (ligne,) = [li for li in Path(f"/proc/{pid}/status").read_text().splitlines() if li.startswith("VmRSS:")]
    return int(ligne.split()[1]) // 1024


def rendre(nombre: int) -> None:
    """Une décision pour trois confirmations ; chaque document réveille le travailleur."""
    for rang in range(nombre):
        acte, donnees = (Acte.CONFIRMATION_DEPOT, DEPOT) if rang % 4 else (Acte.DECISION_FAVORABLE, DECISION)
        etablir(acte, donnees=donnees, le=timezone.now())


def montrer(rendus: int, travailleur: Travailleur, duree: float) -> None:
    (ouvrier,) = travailleur.ouvriers
    maitre = residente(travailleur.processus.pid)
    print(f"{rendus:>10} {residente(ouvrier):>10} Mo {maitre:>10} Mo {ouvrier:>10} {duree:>9.1f} s", flush=True)


def principal() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--paliers", type=int, nargs="+", default=[0, 50, 200], help="PDF rendus (0 50 200)")
    choix = arguments.parse_args()
    with installation() as courtier:
        travailleur = Travailleur(courtier=courtier, **variables())
        try:
            print(f"plafond d'un ouvrier : {settings.CELERY_WORKER_MAX_MEMORY_PER_CHILD // 1024} Mo")
            print("PDF rendus        ouvrier        maître  n° d'ouvrier     durée")
            for palier in sorted(choix.paliers):
                debut = time.monotonic()
                rendre(palier - Document.objects.count())
                reste = Document.objects.filter(fichier=None)
                attendre(lambda r=reste: not r.exists(), quoi="les PDF", processus=travailleur, secondes=5 * palier + 5)
                montrer(palier, travailleur, time.monotonic() - debut)
        finally:
            travailleur.tuer()


if __name__ == "__main__":
    principal()
