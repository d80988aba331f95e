"""Importer le référentiel des titulaires (format : `docs/titulaires.md`)."""

import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from usagers.titulaires.chargement import CREEE, INCHANGEE, MODIFIEE, importer
from usagers.titulaires.lecture import FichierRefuse


class Command(BaseCommand):
    help = "Importe un fichier de titulaires. Code de retour 1 si une ligne, ou le fichier, est refusé."

    def add_arguments(self, parser):
        parser.add_argument("fichier", type=Path, metavar="FICHIER.csv")
        parser.add_argument("--simuler", action="store_true", help="tout vérifier, ne rien écrire")
        parser.add_argument("--json", action="store_true", help="rendre le rapport en un objet JSON")

    def handle(self, *, fichier, simuler, **options):
        erreur = ""
        try:
            rapport = importer(fichier, jour=timezone.localdate(), simuler=simuler)
        except FichierRefuse as refus:
            if not options["json"]:
                raise CommandError(f"{fichier.name} : {refus} Rien n'a été chargé.") from refus
            erreur, rapport = str(refus), None
        if options["json"]:
            self.stdout.write(json.dumps(_objet(fichier, simuler, rapport, erreur), ensure_ascii=False, indent=2))
        else:
            self._ecrire(rapport, simuler)
        if erreur or rapport.refus:
            sys.exit(1)

    def _ecrire(self, rapport, simuler):
        for refus in rapport.refus:
            numero = f" ({refus['numero']})" if refus["numero"] else ""
            self.stdout.write(f"ligne {refus['ligne']}{numero} — refusée : {' ; '.join(refus['motifs'])}")
        comptes = ", ".join(f"{verdict}s : {nombre}" for verdict, nombre in rapport.comptes.items())
        debut = "Simulation, rien n'est écrit. " if simuler else ""
        self.stdout.write(f"{debut}{rapport.lignes} lignes — {comptes}, refusées : {len(rapport.refus)}")


def _objet(fichier, simuler, rapport, erreur):
    if rapport is None:
        return {"fichier": fichier.name, "simulation": simuler, "erreur": erreur}
    return {
        "fichier": fichier.name,
        "simulation": simuler,
        "lignes": rapport.lignes,
        "creees": rapport.comptes[CREEE],
        "modifiees": rapport.comptes[MODIFIEE],
        "inchangees": rapport.comptes[INCHANGEE],
        "refusees": rapport.refus,
    }
