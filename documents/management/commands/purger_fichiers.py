"""Retire les fichiers auxquels plus rien ne renvoie : à passer chaque nuit."""

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import suppress

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from documents import pages
from documents.fichiers import en_mo
from documents.models import Fichier

# Un fichier plus jeune peut être en cours d'envoi : ses octets sont rangés avant la ligne, la ligne avant son lien.
AGE_MINIMAL = dt.timedelta(hours=24)
# Seuls les noms que `cle_aleatoire` donne : un dossier de stockage mal réglé ne fait rien effacer d'autre.
DOSSIER = re.compile(r"[0-9a-f]{2}")
NOM = re.compile(r"[0-9a-f]{62}(_\w+)?")


class Command(BaseCommand):
    help = (
        "Efface les fichiers de plus de 24 heures auxquels rien ne renvoie, et les octets que la base ne connaît pas."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--simuler", action="store_true", help="compter sans rien effacer")

    def handle(self, *, simuler: bool, **options) -> None:
        avant = timezone.now() - AGE_MINIMAL
        sans_lien, octets_sans_lien = self.purger_lignes(avant=avant, simuler=simuler)
        inconnus, octets_inconnus = self.purger_octets(avant=avant, simuler=simuler)
        verbe = "à effacer" if simuler else "effacés"
        self.stdout.write(f"Fichiers auxquels rien ne renvoie, {verbe} : {sans_lien} ({en_mo(octets_sans_lien)}).")
        self.stdout.write(f"Fichiers inconnus de la base, {verbe} : {inconnus} ({en_mo(octets_inconnus)}).")
        if simuler:
            self.stdout.write("Simulation : rien n'a été effacé.")
        else:
            self.stdout.write(f"Images de pages de PDF, effacées : {pages.purger(le=timezone.now())}.")

    def purger_lignes(self, *, avant: dt.datetime, simuler: bool) -> tuple[int, int]:
        """La ligne d'abord, puis ses octets : un arrêt entre les deux laisse des octets, que `purger_octets` retire."""
        nombre = octets = 0
        for pk in Fichier.objects.orphelins(avant=avant).order_by("pk").values_list("pk", flat=True).iterator():
            with transaction.atomic():
                # Relu sous verrou : ce qui vient d'être joint n'est plus orphelin.
                verrouille = Fichier.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=pk)
                fichier = verrouille.orphelins(avant=avant).first()
                if fichier is None:
                    continue
                nombre += 1
                octets += fichier.taille
                if not simuler:
                    fichier.delete()
            if not simuler:
                fichier.contenu.storage.delete(fichier.contenu.name)
        return nombre, octets

    def purger_octets(self, *, avant: dt.datetime, simuler: bool) -> tuple[int, int]:
        nombre = octets = 0
        for nom in octets_sans_ligne(avant=avant):
            with suppress(FileNotFoundError):  # une autre purge vient de l'effacer
                octets += default_storage.size(nom)
                nombre += 1
                if not simuler:
                    default_storage.delete(nom)
        return nombre, octets


def octets_sans_ligne(*, avant: dt.datetime) -> Iterator[str]:
    """Un dossier à la fois : le stockage entier ne tient pas en mémoire."""
    try:
        dossiers, _fichiers = default_storage.listdir("")
    except FileNotFoundError:
        return
    for dossier in sorted(filter(DOSSIER.fullmatch, dossiers)):
        _dossiers, fichiers = default_storage.listdir(dossier)
        noms = {f"{dossier}/{nom}" for nom in fichiers if NOM.fullmatch(nom)}
        connus = Fichier.objects.filter(contenu__startswith=f"{dossier}/").values_list("contenu", flat=True)
        for nom in sorted(noms.difference(connus)):
            if default_storage.get_modified_time(nom) < avant:
                yield nom
