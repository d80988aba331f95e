"""Remettre à zéro le second facteur d'un agent, quand aucun administrateur fonctionnel ne peut plus entrer."""

from django.core.management.base import BaseCommand, CommandError

from instruction.models import Agent
from instruction.operations import second_facteur


class Command(BaseCommand):
    help = "Remet à zéro le second facteur d'un agent ; il en enregistre un autre en se connectant. Gardé au journal."

    def add_arguments(self, parser):
        parser.add_argument("identifiant", metavar="IDENTIFIANT")
        parser.add_argument("--motif", required=True, help="pourquoi, et qui l'a demandé")

    def handle(self, *, identifiant, motif, **options):
        agent = Agent.objects.select_related("compte").filter(compte__identifiant=identifiant).first()
        if agent is None:
            raise CommandError(f"Aucun agent ne porte l'identifiant « {identifiant} ».")
        if second_facteur.reinitialiser(agent, par=None, motif=motif):
            self.stdout.write(f"Second facteur de {identifiant} remis à zéro.")
        else:
            self.stdout.write(f"{identifiant} n'a pas de second facteur : rien à remettre à zéro.")
