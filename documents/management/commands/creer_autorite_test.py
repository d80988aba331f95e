from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from documents import autorite


class Command(BaseCommand):
    help = (
        "Crée l'autorité de certification d'essai FR00 et son certificat de signature 2D-Doc sous DEUXD_DOC_DOSSIER. "
        "Sans effet si elle existe ; renouvelle un certificat qui expire dans moins de 30 jours. "
        "Les anciens certificats restent, pour vérifier les anciens documents."
    )

    def add_arguments(self, parser):
        parser.add_argument("--renouveler", action="store_true", help="émettre un certificat de plus")
        parser.add_argument("--revoquer", metavar="CERTIFICAT", help="révoquer ce certificat (par exemple AN13)")

    def handle(self, **options):
        if not settings.DEMONSTRATION or settings.DEUXD_DOC_AUTORITE != autorite.AUTORITE_ESSAI:
            raise CommandError("L'autorité d'essai FR00 ne sert qu'en démonstration.")
        le = timezone.now()
        if identifiant := options["revoquer"]:
            try:
                autorite.revoquer(autorite.AUTORITE_ESSAI, identifiant, le=le)
            except autorite.AutoriteAbsente as absence:
                raise CommandError(str(absence)) from absence
            self.stdout.write(f"Certificat {identifiant} révoqué.")
        crees = autorite.creer_autorite_test(le=le, renouveler=options["renouveler"])
        self.stdout.write(f"Créés : {', '.join(crees)}." if crees else "Rien à faire : l'autorité d'essai est là.")
