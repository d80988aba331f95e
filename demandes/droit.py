"""Le droit d'un jour donné : barèmes et pièces de référence, lus en une requête chacun."""

import datetime as dt
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from demandes.models import Bareme, PieceReference
from usagers.models import Pays, TitreSejour, Usager


class BaremeManquant(Exception):
    """Un barème nécessaire n'est pas chargé à cette date : faute d'exploitation, jamais de l'usager."""


class Droit:
    """Ce qui est en vigueur un jour donné ; chaque liste est lue une fois, quand elle sert."""

    def __init__(self, jour: dt.date):
        self.jour = jour

    @cached_property
    def baremes(self) -> dict[str, dict]:
        return baremes(self.jour)

    @cached_property
    def pieces(self) -> dict[str, PieceReference]:
        return {piece.code: piece for piece in PieceReference.objects.en_vigueur(self.jour)}

    @cached_property
    def nationalites(self) -> list[Pays]:
        return list(Pays.objects.exclude(nationalite_f=""))


@dataclass(frozen=True)
class Contexte:
    """Ce qu'un formulaire et une condition peuvent connaître ; ils ne font aucune requête.

    `jour` : date de Paris ; `langue` : code de langue de l'affichage.
    """

    jour: dt.date
    usager: Usager
    titre: TitreSejour | None
    langue: str = "fr"
    baremes_fournis: Mapping[str, dict] | None = field(default=None, compare=False)
    droit_fourni: "Droit | None" = field(default=None, compare=False)

    @cached_property
    def droit(self) -> "Droit":
        return self.droit_fourni or Droit(self.jour)

    @property
    def baremes(self) -> Mapping[str, dict]:
        return self.droit.baremes if self.baremes_fournis is None else self.baremes_fournis

    def valeur(self, code: str, nom: str):
        """Valeur nommée d'un barème en vigueur ; lève `BaremeManquant`."""
        try:
            return self.baremes[code][nom]
        except KeyError:
            raise BaremeManquant(f"{code}.{nom} le {self.jour}") from None

    def montant(self, code: str, nom: str = "montant") -> Decimal:
        return Decimal(self.valeur(code, nom))

    @cached_property
    def choix_nationalites(self) -> list[tuple[str, str]]:
        """(code, nationalité au féminin), par ordre alphabétique."""
        lignes = self.droit.nationalites
        if self.langue == "en":
            return sorted(((p.code, p.nationalite_en or p.nom_en) for p in lignes), key=lambda choix: choix[1])
        return sorted(((p.code, p.nationalite_f.capitalize()) for p in lignes), key=lambda choix: _cle(choix[1]))

    @property
    def pieces(self) -> Mapping[str, PieceReference]:
        return self.droit.pieces


def _cle(texte: str) -> str:
    """Ordre alphabétique sans accents."""
    return "".join(c for c in unicodedata.normalize("NFD", texte.lower()) if not unicodedata.combining(c))


def baremes(jour: dt.date) -> dict[str, dict]:
    """Tous les barèmes en vigueur ce jour-là, par code."""
    return dict(Bareme.objects.en_vigueur(jour).values_list("code", "valeurs"))
