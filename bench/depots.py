"""Débit des dépôts simultanés sur un vrai gunicorn et un vrai PostgreSQL ; le même site pour tous, le pire des cas.

Chaque personne dépose une demande complète. La mesure va de l'envoi de la déclaration à la redirection reçue.
"""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from jetable import installation, variables  # isort: skip (il installe Django)
from django.utils import timezone

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.models import Demande
from tests.factories import TitreSejourFactory
from tests.pannes.serveurs import Visiteur, Web
from tests.pannes.test_web import deposer
from tests.situations import remplir, tout_relire


def prete() -> Demande:
    usager, le = TitreSejourFactory().usager, timezone.now()
    demande = remplir(operations.commencer(DEMARCHES["etudiant"], usager, par=usager.compte, le=le), le=le)
    tout_relire(demande, le=le)
    return demande


def ensemble(web: Web, demandes: list[Demande], a_la_fois: int) -> None:
    visiteurs = [Visiteur(web.port, demande.usager.compte) for demande in demandes]
    debut = time.monotonic()
    with ThreadPoolExecutor(a_la_fois) as fils:
        reponses = list(fils.map(deposer, visiteurs, demandes))
    duree = time.monotonic() - debut
    refus = [reponse.status for reponse in reponses if "/deposees/" not in reponse.location]
    temps = sorted(1000 * reponse.duree for reponse in reponses)
    p95 = statistics.quantiles(temps, n=20, method="inclusive")[-1]
    print(
        f"{a_la_fois:>9} {len(demandes):>8} {len(refus):>7} {len(demandes) / duree:>10.1f} "
        f"{statistics.median(temps):>8.0f} ms {p95:>8.0f} ms {temps[-1]:>8.0f} ms",
        flush=True,
    )


def principal() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--depots", type=int, default=60, help="dépôts de chaque ligne (60)")
    arguments.add_argument("--a-la-fois", type=int, nargs="+", default=[1, 4, 20], help="dépôts en même temps (1 4 20)")
    arguments.add_argument("--processus", type=int, default=2, help="processus de gunicorn, de quatre fils (2)")
    choix = arguments.parse_args()
    with installation():
        web = Web(**variables(), WEB_PROCESSUS=str(choix.processus))
        try:
            print("à la fois   dépôts   refus  par seconde     p50         p95         max")
            ensemble_vide = [prete() for _rang in range(8)]  # les premiers échauffent les processus
            with ThreadPoolExecutor(4) as fils:
                list(fils.map(lambda d: deposer(Visiteur(web.port, d.usager.compte), d), ensemble_vide))
            for a_la_fois in choix.a_la_fois:
                ensemble(web, [prete() for _rang in range(choix.depots)], a_la_fois)
            rangs = sorted(int(numero[12:]) for numero in Demande.objects.values_list("numero", flat=True))
            print(
                f"rangs pris : de 1 à {len(rangs)}, {'sans trou' if rangs == list(range(1, len(rangs) + 1)) else '!'}"
            )
        finally:
            web.tuer()


if __name__ == "__main__":
    principal()
