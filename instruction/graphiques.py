"""Des nombres en images : où tombe chaque trait d'un SVG de 320 unités de large, lisible tel quel sur un téléphone.

Des entiers partout : un gabarit français écrirait « 12,5 », que SVG ne lit pas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LARGEUR = 320
# Barres couchées : le libellé, la barre, sa valeur.
X_BARRE, LONGUEUR_MAX, PAS_DES_BARRES = 144, 124, 24
# Colonnes : la graduation au-dessus, les dates dessous.
HAUT, BAS_DES_COLONNES, HAUTEUR_DES_COLONNES = 18, 98, 116


@dataclass(frozen=True)
class Barre:
    libelle: str
    texte: str
    y: int
    longueur: int

    @property
    def x_du_texte(self) -> int:
        return X_BARRE + self.longueur + 6


@dataclass(frozen=True)
class Barres:
    """Une barre couchée par ligne. `description` dit en mots tout ce que l'image montre."""

    cle: str
    titre: str
    barres: Sequence[Barre]
    gabarit: str = "instruction/figures_barres.html"

    @property
    def hauteur(self) -> int:
        return len(self.barres) * PAS_DES_BARRES

    @property
    def description(self) -> str:
        return ", ".join(f"{barre.libelle} : {barre.texte}" for barre in self.barres)


def barres(cle: str, titre: str, lignes: Sequence[tuple[str, int, str]]) -> Barres:
    """`lignes` : libellé, valeur, valeur écrite. Une valeur non nulle se voit toujours."""
    plus_grande = max((valeur for _libelle, valeur, _texte in lignes), default=0)
    return Barres(
        cle,
        titre,
        [
            Barre(libelle, texte, rang * PAS_DES_BARRES, _longueur(valeur, plus_grande, LONGUEUR_MAX))
            for rang, (libelle, valeur, texte) in enumerate(lignes)
        ],
    )


@dataclass(frozen=True)
class Rectangle:
    x: int
    y: int
    largeur: int
    hauteur: int
    genre: str
    texte: str


@dataclass(frozen=True)
class Colonnes:
    """Une colonne par tranche de temps, ses parts l'une sur l'autre."""

    cle: str
    titre: str
    description: str
    rectangles: Sequence[Rectangle]
    graduation: str
    dates: Sequence[tuple[int, str, str]]
    legende: Sequence[tuple[str, str]] = ()
    gabarit: str = "instruction/figures_colonnes.html"
    hauteur: int = HAUTEUR_DES_COLONNES


@dataclass(frozen=True)
class Part:
    """Une série : son genre (la classe qui la colore), son nom, un nombre par tranche."""

    genre: str
    libelle: str
    nombres: Sequence[int]


def colonnes(
    cle: str, titre: str, description: str, tranches: Sequence[str], parts: Sequence[Part], *, graduation: str
) -> Colonnes:
    """`tranches` : la date de chacune, écrite. La graduation est la plus haute colonne."""
    plus_haute = max(map(sum, zip(*(part.nombres for part in parts), strict=True)), default=0)
    largeur = LARGEUR // max(len(tranches), 1)
    jeu = 1 if largeur < 16 else 4
    rectangles = []
    for rang, tranche in enumerate(tranches):
        bas = BAS_DES_COLONNES
        for part in parts:
            hauteur = _longueur(part.nombres[rang], plus_haute, BAS_DES_COLONNES - HAUT)
            if hauteur:
                bas -= hauteur
                texte = f"{tranche}, {part.libelle.lower()} : {part.nombres[rang]}"
                x, large = rang * largeur + jeu, min(largeur - 2 * jeu, 40)
                rectangles.append(Rectangle(x, bas, large, hauteur, part.genre, texte))
    dates = [(0, "start", tranches[0])] if tranches else []
    if len(tranches) > 1:
        dates.append((largeur * len(tranches), "end", tranches[-1]))
    legende = [(part.genre, part.libelle) for part in parts] if len(parts) > 1 else []
    return Colonnes(cle, titre, description, rectangles, graduation, dates, legende)


def _longueur(valeur: int, plus_grande: int, longueur: int) -> int:
    return max(valeur * longueur // plus_grande, 2) if valeur else 0
