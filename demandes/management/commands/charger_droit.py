"""Charge les barèmes, les pièces de référence et les motifs, sans toucher à ce que les agents ont changé."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand
from django.db import transaction

from demandes.models import Bareme, Motif, PieceReference

DONNEES = Path(__file__).resolve().parent.parent.parent / "donnees"
FICHIERS = {"baremes.json": Bareme, "pieces.json": PieceReference, "motifs.json": Motif}


class Command(BaseCommand):
    help = (
        "Charge demandes/donnees/baremes.json, pieces.json et motifs.json. Une ligne déjà connue (même code, même "
        "date d'effet) n'est pas modifiée : elle appartient aux agents habilités."
    )

    @transaction.atomic
    def handle(self, *args, **options):
        for nom, modele in FICHIERS.items():
            connues = {(code, du and du.isoformat()) for code, du in modele.objects.values_list("code", "du")}
            lignes = json.loads((DONNEES / nom).read_text(encoding="utf-8"))
            nouvelles = [modele(**ligne) for ligne in lignes if (ligne["code"], ligne["du"]) not in connues]
            modele.objects.bulk_create(nouvelles)
            self.stdout.write(f"{nom} : {len(nouvelles)} créées, {len(lignes) - len(nouvelles)} inchangées.")
