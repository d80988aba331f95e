"""Une date dont le jour, ou le jour et le mois, peuvent être inconnus (domaine §2.1)."""

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import Self

FORME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


class DateImpossible(ValueError):
    """Le texte n'est pas une date, même partielle."""


@dataclass(frozen=True, order=True)
class DatePartielle:
    """Gardée en texte `AAAA-MM-JJ`, « 00 » pour une partie inconnue : ce texte se trie et nourrit MRZ et 2D-Doc."""

    annee: int
    mois: int = 0
    jour: int = 0

    def __post_init__(self):
        if not 1 <= self.annee <= 9999:
            raise DateImpossible("L'année est inconnue ou impossible.")
        if not 0 <= self.mois <= 12:
            raise DateImpossible("Le mois va de 01 à 12, 00 s'il est inconnu.")
        if self.jour and not self.mois:
            raise DateImpossible("Un jour connu demande un mois connu.")
        if not 0 <= self.jour <= (calendar.monthrange(self.annee, self.mois)[1] if self.mois else 0):
            raise DateImpossible("Ce jour n'existe pas dans ce mois.")

    @classmethod
    def lire(cls, texte: str) -> Self:
        """`1980-00-00` → une date partielle ; lève `DateImpossible`."""
        parties = FORME.fullmatch(texte.strip())
        if not parties:
            raise DateImpossible("La date s'écrit AAAA-MM-JJ, 00 pour une partie inconnue.")
        return cls(*(int(partie) for partie in parties.groups()))

    @classmethod
    def du(cls, jour: dt.date) -> Self:
        return cls(jour.year, jour.month, jour.day)

    def __str__(self) -> str:
        return f"{self.annee:04}-{self.mois:02}-{self.jour:02}"

    @property
    def affichage(self) -> str:
        """« 07/02/1993 », « 00/00/1980 » : comme sur les titres."""
        return f"{self.jour:02}/{self.mois:02}/{self.annee:04}"

    @property
    def est_complete(self) -> bool:
        return bool(self.jour)

    @property
    def au_plus_tot(self) -> dt.date:
        return dt.date(self.annee, self.mois or 1, self.jour or 1)

    @property
    def au_plus_tard(self) -> dt.date:
        mois = self.mois or 12
        return dt.date(self.annee, mois, self.jour or calendar.monthrange(self.annee, mois)[1])

    def age_au(self, jour: dt.date) -> int:
        """L'âge certain ce jour-là : compté depuis le jour de naissance le plus tardif possible."""
        naissance = self.au_plus_tard
        return jour.year - naissance.year - ((jour.month, jour.day) < (naissance.month, naissance.day))
