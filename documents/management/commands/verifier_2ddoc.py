import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from documents import verification
from documents.autorite import lire_certificat


class Command(BaseCommand):
    help = (
        "Vérifie un 2D-Doc lu dans un fichier (texte brut, image ou PDF) ou sur l'entrée standard. "
        "Code de sortie 0 seulement si le document est authentique."
    )

    def add_arguments(self, parser):
        parser.add_argument("fichier", nargs="?", default="-", metavar="FICHIER|-")
        parser.add_argument(
            "--certificat", action="extend", nargs="+", default=[], metavar="PEM", help="certificats de plus"
        )
        parser.add_argument("--json", action="store_true", help="un objet JSON sur la sortie standard")

    def handle(self, *, fichier, certificat, **options):
        try:
            octets = sys.stdin.buffer.read() if fichier == "-" else Path(fichier).read_bytes()
            certificats = [lire_certificat(Path(chemin).read_bytes()) for chemin in certificat]
        except (OSError, ValueError) as cause:
            raise CommandError(str(cause), returncode=2) from cause
        code = verification.extraire(octets)
        verdict = verification.verifier(code, le=timezone.now(), certificats=certificats)
        if options["json"]:
            self.stdout.write(json.dumps(verdict.en_json(), ensure_ascii=False, indent=2))
        else:
            self.ecrire(verdict)
        if verdict.etat != verification.Etat.AUTHENTIQUE:
            sys.exit(1)

    def ecrire(self, verdict):
        self.stdout.write(f"État : {verdict.etat.value} ({verdict.etat.label})")
        self.stdout.write(f"Signature : {verdict.signature.label}")
        if verdict.lecture.faute:
            self.stdout.write(f"Faute : {verdict.lecture.faute}")
        for nom, valeur in (verdict.en_json()["entete"] or {}).items():
            self.stdout.write(f"  {nom} : {valeur or '–'}")
        for identifiant, valeur in verdict.lecture.champs.items():
            coupe = " (coupé)" if identifiant in verdict.lecture.tronques else ""
            self.stdout.write(f"  {identifiant} : {valeur}{coupe}")
        if verdict.lecture.annexe:
            self.stdout.write("  annexe présente, non signée : à ne pas croire")
