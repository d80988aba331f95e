"""Charger une liste de référence d'un fichier compact : autant de fois qu'on veut, le même résultat."""

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import models, transaction

TRANCHE = 5000


@dataclass
class Bilan:
    """Ce qu'un chargement a changé. `gardees` : des lignes que le portail a corrigées et qu'on ne réécrit pas."""

    creees: int = 0
    modifiees: int = 0
    inchangees: int = 0
    retirees: int = 0
    gardees: int = 0

    def __str__(self) -> str:
        textes = [f"créées : {self.creees}", f"modifiées : {self.modifiees}", f"inchangées : {self.inchangees}"]
        textes += [f"retirées : {self.retirees}"] if self.retirees else []
        textes += [f"gardées telles quelles : {self.gardees}"] if self.gardees else []
        return ", ".join(textes)


def lire_csv(chemin: Path) -> Iterator[dict[str, str]]:
    """Les lignes d'un CSV UTF-8 à points-virgules, comprimé ou non."""
    ouvrir = gzip.open if chemin.suffix == ".gz" else open
    with ouvrir(chemin, "rt", encoding="utf-8", newline="") as flux:
        yield from csv.DictReader(flux, delimiter=";")


@transaction.atomic
def synchroniser(
    modele: type[models.Model], lignes: Iterable[dict], *, cle: tuple[str, ...], retirer: bool = False,
    garder: Callable[[dict], bool] = lambda present: False,
) -> Bilan:  # fmt: skip
    """Met la table à l'image des lignes, par leur clé. `retirer` efface celles que le fichier n'a plus."""
    bilan, a_ecrire, vues = Bilan(), [], set()
    presentes = {tuple(ligne[nom] for nom in cle): ligne for ligne in modele.objects.values()}
    champs: list[str] = []
    for ligne in lignes:
        champs = champs or [nom for nom in ligne if nom not in cle]
        identite = tuple(ligne[nom] for nom in cle)
        vues.add(identite)
        presente = presentes.get(identite)
        if presente is None:
            bilan.creees += 1
            a_ecrire.append(modele(**ligne))
        elif all(presente[nom] == ligne[nom] for nom in champs):
            bilan.inchangees += 1
        elif garder(presente):
            bilan.gardees += 1
        else:
            bilan.modifiees += 1
            a_ecrire.append(modele(**ligne))
    modele.objects.bulk_create(
        a_ecrire, batch_size=TRANCHE, update_conflicts=True, unique_fields=cle, update_fields=champs
    )
    if retirer and (absentes := [ligne["id"] for identite, ligne in presentes.items() if identite not in vues]):
        bilan.retirees = modele.objects.filter(pk__in=absentes).delete()[0]
    return bilan
