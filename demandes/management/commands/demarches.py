"""Les démarches, telles que leur déclaration les fait."""

import json

from django.core.management.base import BaseCommand, CommandError
from django.template.loader import render_to_string
from django.utils import timezone, translation

from demandes.demarches import DEMARCHES
from demandes.demarches.documentation import decrire


class Command(BaseCommand):
    help = "Écrit les étapes, les champs, les pièces avec leurs conditions, les titres et les paramètres des démarches."

    def add_arguments(self, parser):
        parser.add_argument("--code", metavar="X", help="une seule démarche")
        parser.add_argument("--format", choices=("texte", "json", "md"), default="texte")

    def handle(self, *, code, format, **options):
        if code and code not in DEMARCHES:
            raise CommandError(f"Démarche inconnue : « {code} ». Connues : {', '.join(DEMARCHES)}.")
        demarches = [DEMARCHES[code]] if code else list(DEMARCHES.values())
        with translation.override("fr"):
            descriptions = [decrire(demarche, timezone.localdate()) for demarche in demarches]
            if format == "json":
                self.stdout.write(json.dumps(descriptions, ensure_ascii=False, indent=2))
            else:
                for description in descriptions:
                    self.stdout.write(render_to_string(f"demarches/demarche.{format}", {"d": description}))
