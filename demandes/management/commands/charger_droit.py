"""Charge les barèmes, les pièces de référence et les motifs, sans toucher à ce que les agents ont changé."""

import datetime as dt
import json
from pathlib import Path

from django.core.management.base import BaseCommand

from demandes.journal_des_references import modifier
from demandes.models import Bareme, Motif, PieceReference

DONNEES = Path(__file__).resolve().parent.parent.parent / "donnees"
FICHIERS = {"baremes.json": Bareme, "pieces.json": PieceReference, "motifs.json": Motif}
SANS_FIN = dt.date.max.isoformat()


class Command(BaseCommand):
    """Le fichier amorce la base, il ne la corrige pas : rien de présent n'est réécrit.

    Un code inconnu entre avec toutes ses lignes. D'un code connu n'entre que la ligne datée qui ne chevauche rien ;
    les autres sont nommées, et un administrateur fonctionnel décide. Ce qui entre est au journal.
    """

    help = (
        "Charge demandes/donnees/baremes.json, pieces.json et motifs.json. Une ligne déjà connue (même code, même "
        "date d'effet) n'est pas modifiée, et rien n'entre par-dessus une autre : elle appartient aux agents habilités."
    )

    def handle(self, *args, **options):
        with modifier(*FICHIERS.values(), origine="charger_droit"):
            for nom, modele in FICHIERS.items():
                self._charger(nom, modele)

    def _charger(self, nom, modele):
        connues: dict[str, list[tuple]] = {}
        for code, du, au in modele.objects.values_list("code", "du", "au"):
            connues.setdefault(code, []).append((du and du.isoformat(), au and au.isoformat()))
        lignes = json.loads((DONNEES / nom).read_text(encoding="utf-8"))
        nouvelles, laissees = [], []
        for ligne in lignes:
            periodes = connues.get(ligne["code"], [])
            if any(du == ligne["du"] for du, _ in periodes):
                continue
            libre = not periodes or (ligne["du"] and not any(_se_chevauchent(ligne, *autre) for autre in periodes))
            (nouvelles if libre else laissees).append(ligne)
        modele.objects.bulk_create(modele(**ligne) for ligne in nouvelles)
        inchangees = len(lignes) - len(nouvelles) - len(laissees)
        self.stdout.write(f"{nom} : {len(nouvelles)} créées, {inchangees} inchangées.")
        for ligne in laissees:
            debut = f"du {ligne['du']}" if ligne["du"] else "sans date d'effet"
            self.stdout.write(f"  laissée de côté, les agents tiennent ce code : {ligne['code']} {debut}")


def _se_chevauchent(ligne: dict, du: str | None, au: str | None) -> bool:
    """Les dates ISO se comparent comme des textes ; une ligne sans date d'effet ne couvre rien."""
    return du is not None and du <= (ligne["au"] or SANS_FIN) and ligne["du"] <= (au or SANS_FIN)
