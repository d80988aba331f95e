"""Les tableaux des chiffres du service : les mêmes à l'écran et dans le fichier, les nombres écrits à la française."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from instruction.exports import FORMULES

Valeur = int | float | str | None


@dataclass(frozen=True)
class Tableau:
    """Le même à l'écran et dans le fichier."""

    titre: str
    colonnes: Sequence[str]
    lignes: Sequence[tuple[Valeur, ...]]
    # Une adresse par ligne, si elle en a.
    liens: Sequence[str] = ()

    def rangs(self) -> list[tuple[str, str, list[str]]]:
        """L'en-tête de chaque ligne, son lien, ses cellules."""
        liens = self.liens or [""] * len(self.lignes)
        return [
            (str(entete), lien, [ecrire(valeur) for valeur in valeurs])
            for (entete, *valeurs), lien in zip(self.lignes, liens, strict=True)
        ]


# --- Écrire ----------------------------------------------------------------------------------------------------------
def ecrire(valeur: Valeur) -> str:
    if valeur is None:
        return "–"
    if isinstance(valeur, str):
        return valeur
    return _nombre(valeur, grouper=True)


def _nombre(valeur: float, *, grouper: bool) -> str:
    """Une décimale au plus, et seulement si elle dit quelque chose."""
    entier = round(valeur, 1) == round(valeur)
    return number_format(round(valeur, 1), 0 if entier else 1, use_l10n=True, force_grouping=grouper)


def en_jours(valeur: float | None) -> str:
    return "–" if valeur is None else _("%(n)s j") % {"n": ecrire(valeur)}


def en_pourcents(part: float | None) -> str:
    return "–" if part is None else _("%(n)s %%") % {"n": ecrire(part * 100)}


# --- Le fichier ------------------------------------------------------------------------------------------------------
def en_csv(entete: Sequence[Sequence[str]], tableaux: Iterable[Tableau]) -> bytes:
    """Ces tableaux, l'un sous l'autre, pour un tableur français."""
    texte = io.StringIO()
    ecrire_ligne = csv.writer(texte, delimiter=";", lineterminator="\r\n").writerow
    for ligne in entete:
        ecrire_ligne(ligne)
    for tableau in tableaux:
        ecrire_ligne([])
        ecrire_ligne([tableau.titre])
        ecrire_ligne(tableau.colonnes)
        for ligne in tableau.lignes:
            ecrire_ligne([_cellule(valeur) for valeur in ligne])
    return texte.getvalue().encode("utf-8-sig")


def _cellule(valeur: Valeur) -> str:
    """L'apostrophe ôte à une formule ce qui la ferait calculer."""
    if isinstance(valeur, int | float):
        return _nombre(valeur, grouper=False)
    return f"'{valeur}" if valeur and valeur.startswith(FORMULES) else valeur or ""
