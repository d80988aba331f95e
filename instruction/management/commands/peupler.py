"""Remplir une base d'essai de demandes inventées."""

import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from instruction.peuplement import PeuplementImpossible, peupler


class Command(BaseCommand):
    help = (
        "Écrit N demandes déposées sur tous les sites, à tous les états, avec leur journal, leurs pièces et leurs "
        "décisions : de quoi mesurer. Ne sert qu'en démonstration, sur une base sans demande. Marque la base : aucune "
        "production ne la servira."
    )

    def add_arguments(self, parser):
        parser.add_argument("--demandes", type=int, required=True, metavar="N", help="combien de demandes")
        parser.add_argument("--graine", type=int, default=1, help="la même donne les mêmes lignes (1)")
        parser.add_argument("--le", type=parse_datetime, help="l'instant présent des dossiers, AAAA-MM-JJTHH:MM+00:00")
        parser.add_argument("--sites", nargs="*", default=[], metavar="CODE", help="ces sites seulement")

    def handle(self, *, demandes, graine, le, sites, **options):
        if not settings.DEMONSTRATION:
            raise CommandError("Cette commande ne sert qu'en démonstration (ENVIRONNEMENT=demonstration).")
        if demandes < 1:
            raise CommandError("Donnez au moins une demande : --demandes 1000.")
        if le is not None and timezone.is_naive(le):
            le = timezone.make_aware(le)
        debut = time.monotonic()

        def dire(faites: int, lignes: int) -> None:
            vitesse = lignes / (time.monotonic() - debut)
            self.stdout.write(f"{faites} demandes, {lignes} lignes ({vitesse:.0f} lignes par seconde)")

        try:
            peupler(demandes, sites=sites, graine=graine, le=le or timezone.now(), dire=dire)
        except PeuplementImpossible as impossible:
            raise CommandError(str(impossible)) from impossible
        self.stdout.write(
            f"Fini en {time.monotonic() - debut:.0f} s. « manage.py charger_demonstration » ouvre des comptes."
        )
