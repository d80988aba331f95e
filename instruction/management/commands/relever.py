"""Refaire les relevés dont les chiffres du service sont faits."""

import datetime as dt

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from instruction import releves


class Command(BaseCommand):
    help = (
        "Relève le journal pour les chiffres du service : les derniers jours, ou depuis une date, ou tout. Rejouable : "
        "refaire un jour passé redonne les mêmes nombres. La tâche horaire fait de même."
    )

    def add_arguments(self, parser):
        quand = parser.add_mutually_exclusive_group()
        quand.add_argument("--depuis", metavar="AAAA-MM-JJ", help="refait ce jour et tous ceux d'après")
        quand.add_argument("--tout", action="store_true", help="refait tous les jours, depuis le premier dépôt")

    def handle(self, *, depuis, tout, **options):
        le = timezone.now()
        if tout:
            lignes = releves.relever_tout(le=le)
        elif depuis:
            lignes = releves.relever(du=_jour(depuis), au=timezone.localdate(le), le=le)
        else:
            lignes = releves.relever_a_jour(le=le)
        self.stdout.write(f"{lignes} lignes relevées.")


def _jour(texte: str) -> dt.date:
    try:
        return dt.date.fromisoformat(texte)
    except ValueError as erreur:
        raise CommandError(f"« {texte} » n'est pas une date : écrivez-la comme 2026-03-09.") from erreur
