"""Les services instructeurs, un par département (`demandes/donnees/sites.csv`)."""

from pathlib import Path

from django.core.management.base import BaseCommand

import demandes
from demandes.journal_des_references import modifier, touchees_par_un_agent
from demandes.models import Site
from usagers.referentiels import lire_csv, synchroniser

FICHIER = Path(demandes.__file__).parent / "donnees" / "sites.csv"


class Command(BaseCommand):
    help = (
        "Charge les services instructeurs. Peut être relancée sans dommage : un site qu'un agent a changé, ou dont "
        "les coordonnées ne sont plus marquées inventées, n'est pas réécrit."
    )

    def handle(self, *args, **options):
        lignes = ({**ligne, "invente": ligne["invente"] == "oui"} for ligne in lire_csv(FICHIER))
        with modifier(Site, origine="charger_sites"):
            touches = touchees_par_un_agent(Site)
            bilan = synchroniser(
                Site, lignes, cle=("code",),
                garder=lambda present: not present["invente"] or present["code"] in touches,
            )  # fmt: skip
        self.stdout.write(f"Sites — {bilan}")
