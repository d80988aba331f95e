"""Remplir la base locale d'adresses d'un fichier de la Base adresse nationale (BAN)."""

import csv
import gzip
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from usagers.adresses import en_recherche, nom_de_commune
from usagers.models import AdresseLocale

LOT = 5000
REFUS_MONTRES = 20
COLONNES = ("id", "numero", "rep", "nom_voie", "code_postal", "code_insee", "nom_commune")
CHAMPS = ("numero", "voie", "code_postal", "insee", "commune", "recherche")
SANS_NUMERO = {"", "0", "99999"}  # 99999 : un lieu-dit, dans les bases adresses locales


class LigneRefusee(Exception):
    """La ligne n'a pas de quoi faire une adresse."""


class Command(BaseCommand):
    help = "Importe des adresses aux colonnes de la BAN (CSV, comprimé ou non). Code de retour 1 si une est refusée."

    def add_arguments(self, parser):
        parser.add_argument("fichier", type=Path, metavar="FICHIER.csv[.gz]")
        parser.add_argument("--simuler", action="store_true", help="tout vérifier, ne rien écrire")

    def handle(self, *, fichier, simuler, **options):
        self.comptes = {"créées": 0, "modifiées": 0, "inchangées": 0, "refusées": 0}
        try:
            with (gzip.open if fichier.suffix == ".gz" else open)(
                fichier, "rt", encoding="utf-8-sig", errors="surrogateescape", newline=""
            ) as flux:
                adresses = self._lire(flux)
                while lot := list(islice(adresses, LOT)):
                    self._ecrire(lot, simuler=simuler)
        except OSError as erreur:
            raise CommandError(f"{fichier.name} ne peut pas être lu : {erreur}") from erreur
        debut = "Simulation, rien n'est écrit. " if simuler else ""
        self.stdout.write(debut + "Adresses — " + ", ".join(f"{nom} : {n}" for nom, n in self.comptes.items()))
        if self.comptes["refusées"]:
            sys.exit(1)

    def _lire(self, flux) -> Iterator[AdresseLocale]:
        lecteur = csv.reader(flux, delimiter=";")
        en_tete = next(lecteur, [])
        if manquantes := [nom for nom in COLONNES if nom not in en_tete]:
            raise CommandError(f"il manque les colonnes {', '.join(manquantes)} : rien n'a été chargé.")
        rangs = [en_tete.index(nom) for nom in COLONNES]
        for valeurs in lecteur:
            try:
                if len(valeurs) != len(en_tete):
                    raise LigneRefusee(f"{len(valeurs)} valeurs au lieu de {len(en_tete)}")
                yield adresse(*(valeurs[rang].strip() for rang in rangs))
            except LigneRefusee as refus:
                self._refuser(lecteur.line_num, refus)

    def _refuser(self, ligne, refus):
        self.comptes["refusées"] += 1
        if self.comptes["refusées"] <= REFUS_MONTRES:
            self.stdout.write(f"ligne {ligne} — refusée : {refus}")
        elif self.comptes["refusées"] == REFUS_MONTRES + 1:
            self.stdout.write("… les refus suivants sont seulement comptés.")

    @transaction.atomic
    def _ecrire(self, lot: list[AdresseLocale], *, simuler: bool) -> None:
        lues = {adresse.cle: adresse for adresse in lot}  # deux fois le même identifiant : la dernière ligne vaut
        presentes = AdresseLocale.objects.filter(cle__in=lues).values_list("cle", *CHAMPS)
        connues = {cle: champs for cle, *champs in presentes}
        nouvelles = [adresse for cle, adresse in lues.items() if cle not in connues]
        changees = [
            adresse
            for cle, adresse in lues.items()
            if cle in connues and connues[cle] != [getattr(adresse, nom) for nom in CHAMPS]
        ]
        AdresseLocale.objects.bulk_create(
            nouvelles + changees, update_conflicts=True, unique_fields=["cle"], update_fields=CHAMPS
        )
        self.comptes["créées"] += len(nouvelles)
        self.comptes["modifiées"] += len(changees)
        self.comptes["inchangées"] += len(lot) - len(nouvelles) - len(changees)
        transaction.set_rollback(simuler)


def adresse(cle, numero, rep, voie, code_postal, insee, commune) -> AdresseLocale:
    """Une ligne de la BAN → une adresse ; lève `LigneRefusee`."""
    numero = "" if numero in SANS_NUMERO else f"{numero} {rep}".strip()
    commune = nom_de_commune(commune)
    valeurs = {
        "cle": cle, "numero": numero, "voie": voie, "code_postal": code_postal, "insee": insee, "commune": commune,
    }  # fmt: skip
    for nom, valeur in valeurs.items():
        if not valeur and nom != "numero":
            raise LigneRefusee(f"{nom} : vide")
        if not valeur.isprintable():
            raise LigneRefusee(f"{nom} : mal codé, le fichier doit être en UTF-8")
        if len(valeur) > AdresseLocale._meta.get_field(nom).max_length:
            raise LigneRefusee(f"{nom} : trop long")
    if not re.fullmatch(r"[0-9]{5}", code_postal):
        raise LigneRefusee("code_postal : 5 chiffres attendus")
    if not re.fullmatch(r"[0-9][0-9AB][0-9]{3}", insee):
        raise LigneRefusee("code_insee : 5 caractères attendus")
    return AdresseLocale(**valeurs, recherche=en_recherche(f"{numero} {voie} {code_postal} {commune}")[:260])
