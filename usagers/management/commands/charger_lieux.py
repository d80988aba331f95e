"""Pays, nationalités, communes et codes postaux, depuis les fichiers du dépôt (`usagers/donnees/README.md`)."""

from pathlib import Path

from django.core.management.base import BaseCommand

import usagers
from usagers.models import Commune, Pays
from usagers.referentiels import lire_csv, synchroniser

DONNEES = Path(usagers.__file__).parent / "donnees"


class Command(BaseCommand):
    help = "Charge les pays, les nationalités, les communes et les codes postaux. Peut être relancée sans dommage."

    def handle(self, *args, **options):
        # Un pays qui a disparu du fichier reste : des personnes y sont nées.
        pays = synchroniser(Pays, lire_csv(DONNEES / "pays.csv"), cle=("code",))
        communes = synchroniser(
            Commune, lire_csv(DONNEES / "communes.csv.gz"), cle=("insee", "code_postal"), retirer=True
        )
        self.stdout.write(f"Pays — {pays}")
        self.stdout.write(f"Communes — {communes}")
