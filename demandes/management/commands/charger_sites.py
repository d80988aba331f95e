"""Les services instructeurs, un par département (`demandes/donnees/sites.csv`), et leurs premières coordonnées."""

import datetime as dt
from pathlib import Path

from django.core.management.base import BaseCommand

import demandes
from demandes.journal_des_references import modifier, touchees_par_un_agent
from demandes.models import CoordonneesSite, Site
from usagers.referentiels import Bilan, lire_csv, synchroniser

FICHIER = Path(demandes.__file__).parent / "donnees" / "sites.csv"
DU_SITE = ("code", "departement", "libelle")
DEPUIS_TOUJOURS = dt.date(2000, 1, 1)


class Command(BaseCommand):
    help = (
        "Charge les services instructeurs et leurs coordonnées. Peut être relancée sans dommage : un site qu'un agent "
        "a changé, ou dont les coordonnées ne sont plus marquées inventées, n'est pas réécrit."
    )

    def handle(self, *args, **options):
        lignes = [{**ligne, "invente": ligne["invente"] == "oui"} for ligne in lire_csv(FICHIER)]
        with modifier(Site, CoordonneesSite, origine="charger_sites"):
            gardes = _sites_des_agents()
            bilan = synchroniser(
                Site, ({nom: ligne[nom] for nom in DU_SITE} for ligne in lignes), cle=("code",),
                garder=lambda present: present["code"] in gardes,
            )  # fmt: skip
            bilan_des_coordonnees = _charger_les_coordonnees(lignes, gardes)
        self.stdout.write(f"Sites — {bilan}")
        self.stdout.write(f"Coordonnées — {bilan_des_coordonnees}")


def _sites_des_agents() -> set[str]:
    """Les sites qu'une personne a changés, eux-mêmes ou leurs coordonnées, et ceux qui n'ont plus rien d'inventé."""
    changees = touchees_par_un_agent(CoordonneesSite)
    return touchees_par_un_agent(Site) | {
        ligne.site_id for ligne in CoordonneesSite.objects.all() if not ligne.invente or str(ligne.pk) in changees
    }


def _charger_les_coordonnees(lignes: list[dict], gardes: set[str]) -> Bilan:
    """La première ligne de chaque site naît du fichier, et le suit tant qu'aucun agent n'y touche."""
    bilan, presentes = Bilan(), {ligne.site_id: ligne for ligne in CoordonneesSite.objects.all()}
    for ligne in lignes:
        valeurs = {nom: valeur for nom, valeur in ligne.items() if nom not in DU_SITE}
        presente = presentes.get(ligne["code"])
        if presente is None:
            bilan.creees += 1
            CoordonneesSite.objects.create(site_id=ligne["code"], du=DEPUIS_TOUJOURS, **valeurs)
        elif all(getattr(presente, nom) == valeur for nom, valeur in valeurs.items()):
            bilan.inchangees += 1
        elif ligne["code"] in gardes:
            bilan.gardees += 1
        else:
            bilan.modifiees += 1
            CoordonneesSite.objects.filter(pk=presente.pk).update(**valeurs)
    return bilan
