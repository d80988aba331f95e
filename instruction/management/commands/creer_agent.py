"""Ouvrir le compte d'un agent."""

import getpass
import re
import secrets
import sys

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.utils import timezone

from demandes.models import Site
from instruction.models import Agent
from instruction.operations import IdentifiantPris, creer_agent
from usagers.models import Compte, Identifiant
from usagers.mots_de_passe import est_assez_fort

IDENTIFIANT = re.compile(r"[a-z][a-z0-9.-]{2,39}")


class Command(BaseCommand):
    help = (
        "Ouvre le compte d'un agent, ou met à jour son nom, son site, ses rôles et son courriel. Le mot de passe est "
        "demandé ; sans terminal, c'est la première ligne de l'entrée standard. Celui d'un compte ouvert ne change pas."
    )

    def add_arguments(self, parser):
        parser.add_argument("identifiant", metavar="IDENTIFIANT", help="minuscules, chiffres, point, tiret")
        parser.add_argument("--nom", required=True, help="nom affiché, par exemple « Camille Martin »")
        parser.add_argument("--site", required=True, help="code du site, par exemple 7502")
        parser.add_argument(
            "--roles", required=True, nargs="+", choices=Agent.Role.values, metavar="ROLE", help=", ".join(Agent.Role)
        )
        parser.add_argument("--courriel", required=True)
        parser.add_argument(
            "--engendrer", action="store_true", help="tirer un mot de passe au hasard et l'écrire, une seule fois"
        )

    def handle(self, *, identifiant, nom, site, roles, courriel, engendrer, **options):
        if not IDENTIFIANT.fullmatch(identifiant):
            raise CommandError(
                f"« {identifiant} » : un identifiant d'agent compte 3 à 40 minuscules, chiffres, points ou tirets, et "
                "commence par une lettre."
            )
        try:
            validate_email(courriel)
        except ValidationError as faute:
            raise CommandError(f"« {courriel} » n'est pas une adresse électronique.") from faute
        service = Site.objects.filter(code=site).first()
        if service is None:
            raise CommandError(f"Aucun site ne porte le code « {site} » (manage.py charger_sites les charge).")
        mot_de_passe = None
        if not Identifiant.objects.filter(valeur=identifiant).exists():
            mot_de_passe = self._mot_de_passe(Compte(identifiant=identifiant, courriel=courriel), engendrer=engendrer)
        try:
            _agent, nouveau = creer_agent(
                identifiant, nom=nom, site=service, roles=roles, courriel=courriel, mot_de_passe=mot_de_passe,
                le=timezone.now(),
            )  # fmt: skip
        except IdentifiantPris as pris:
            raise CommandError(f"« {identifiant} » est l'identifiant d'un usager : choisissez-en un autre.") from pris
        if nouveau:
            self.stdout.write(f"Compte ouvert : {identifiant}, {service.libelle}, {', '.join(sorted(roles))}.")
        else:
            self.stdout.write(
                f"{identifiant} existe déjà : nom, site, rôles et courriel sont à jour, mot de passe gardé."
            )
        if engendrer and nouveau:
            self.stdout.write(f"Mot de passe (affiché cette seule fois) : {mot_de_passe}")

    def _mot_de_passe(self, compte: Compte, *, engendrer: bool) -> str:
        if engendrer:
            while not est_assez_fort(tire := secrets.token_urlsafe(18)):
                pass
            return tire
        if sys.stdin.isatty():
            mot_de_passe = getpass.getpass("Mot de passe : ")
            if getpass.getpass("Encore une fois : ") != mot_de_passe:
                raise CommandError("Les deux saisies diffèrent : rien n'est créé.")
        else:
            mot_de_passe = sys.stdin.readline().rstrip("\n")
        try:
            validate_password(mot_de_passe, compte)
        except ValidationError as faute:
            raise CommandError(" ".join(faute.messages)) from faute
        return mot_de_passe
