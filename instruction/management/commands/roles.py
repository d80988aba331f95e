"""Qui peut quoi, lu dans les tables mêmes que le programme applique."""

from django.core.management.base import BaseCommand
from django.utils import translation

from instruction.models import Agent
from instruction.permissions import ACCES, GESTES

COLONNES = {
    Agent.Role.ACCUEIL: "ACC", Agent.Role.INSTRUCTEUR: "INS", Agent.Role.VALIDEUR: "VAL",
    Agent.Role.SIGNATAIRE: "SIG", Agent.Role.REMISE: "REM", Agent.Role.SUPPORT: "SUP",
    Agent.Role.ADMIN_FONCTIONNEL: "ADM", Agent.Role.AUDITEUR: "AUD",
}  # fmt: skip


class Command(BaseCommand):
    help = "Écrit ce que chaque rôle voit et quels actes il fait, tels que le programme les applique."

    def handle(self, **options):
        with translation.override("fr"):
            self._ecrire()

    def _ecrire(self):
        largeur = max(len(ligne.libelle) for ligne in (*ACCES.values(), *GESTES.values())) + 2
        for role, abrege in COLONNES.items():
            self.stdout.write(f"{abrege} : {role.label}")
        for titre, table in (("CE QUE LE RÔLE VOIT", ACCES), ("LES ACTES DE SON SITE", GESTES)):
            self.stdout.write(f"\n{titre:<{largeur}}{' '.join(COLONNES.values())}")
            for ligne in table.values():
                marques = " ".join(" x " if role in ligne.roles else " . " for role in COLONNES)
                self.stdout.write(f"{ligne.libelle:<{largeur}}{marques}{_remarques(ligne)}")
        self.stdout.write("\n2F : second facteur redemandé juste avant ; différé : s'annule avant son heure.")


def _remarques(ligne) -> str:
    remarques = [mot for nom, mot in (("second_facteur", "2F"), ("differe", "différé")) if getattr(ligne, nom, False)]
    return f"  {', '.join(remarques)}" if remarques else ""
