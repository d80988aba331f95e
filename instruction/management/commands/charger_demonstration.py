"""Charger la démonstration, et dire comment l'essayer."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from demandes.droit import BaremeManquant
from demandes.models import Site
from documents.autorite import AutoriteAbsente
from instruction import demonstration, releves
from instruction.demonstration import A_CREER, AGENTS, COMPTES, DOSSIERS, MOT_DE_PASSE, TitulairesAbsents


class Command(BaseCommand):
    help = (
        "Ouvre les comptes de démonstration (usagers, agents de deux sites), dépose quelques demandes et écrit quoi "
        "essayer. Rejouable. Marque la base : aucune production ne la servira."
    )

    def handle(self, **options):
        if not settings.DEMONSTRATION:
            raise CommandError("Cette commande ne sert qu'en démonstration (ENVIRONNEMENT=demonstration).")
        try:
            with translation.override("fr"):
                demonstration.charger(le=timezone.now())
                releves.relever_a_jour(le=timezone.now())
        except TitulairesAbsents as absents:
            raise CommandError(
                f"Le titulaire {absents} manque : chargez d'abord « manage.py importer_titulaires "
                "usagers/donnees/titulaires.demo.csv »."
            ) from absents
        except (Site.DoesNotExist, BaremeManquant) as absent:
            raise CommandError(
                "Les sites ou le droit manquent : chargez d'abord « manage.py charger_lieux », « charger_sites » puis "
                "« charger_droit »."
            ) from absent
        except AutoriteAbsente as absente:
            raise CommandError(str(absente)) from absente
        self._ecrire_le_mode_d_emploi()

    def _ecrire_le_mode_d_emploi(self):
        site, ecrire = settings.ADRESSE_DU_SITE.rstrip("/"), self.stdout.write
        ecrire("PAR QUOI COMMENCER")
        ecrire(
            f"  1. {site}/ : « Se connecter », puis « Créez votre compte » avec le numéro et les dates de JULIE JOHN."
        )
        ecrire("  2. Le lien reçu par courriel est dans « Boîte d'envoi de démonstration », en pied de page.")
        ecrire("  3. Remplissez les six étapes et transmettez ; n'importe quels JPG, PNG ou PDF font des pièces.")
        ecrire(f"  4. {site}/agents/ : agent.paris prend le dossier et propose, chef.paris signe ; voyez votre espace.")
        ecrire("")
        ecrire("COMPTES À CRÉER           numéro à taper  début       fin         ce que cela montre")
        for personne in A_CREER:
            usager = personne.usager()
            titre = usager.titre_actuel
            suite = " (compte créé depuis)" if usager.compte else ""
            ecrire(
                f"  {_nom(usager):<24}{personne.numero:<16}{titre.debut:%d/%m/%Y}  {titre.fin:%d/%m/%Y}  "
                f"{personne.cas}{suite}"
            )
        ecrire("")
        ecrire(f"COMPTES OUVERTS           identifiant     mot de passe : {MOT_DE_PASSE}")
        for personne in (*COMPTES, *(dossier.personne for dossier in DOSSIERS)):
            usager = personne.usager()
            ecrire(f"  {_nom(usager):<24}{usager.compte.identifiant:<16}{personne.cas}")
        ecrire("")
        ecrire(f"AGENTS                    identifiant     mot de passe : {MOT_DE_PASSE}")
        for agent in AGENTS:
            ecrire(f"  {agent.nom:<24}{agent.identifiant:<16}{agent.role_en_clair}")


def _nom(usager) -> str:
    return usager.nom_complet[:23]
