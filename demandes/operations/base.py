"""Ce que toutes les opérations partagent : refus, verrous, contexte."""

import datetime as dt

from django.utils import timezone

from demandes.demarches import DEMARCHES
from demandes.droit import Contexte
from demandes.models import Demande, Saisie
from demandes.parcours import Manque
from usagers.models import Usager


class DemarcheFermee(Exception):
    """La démarche n'est pas ouverte à cette personne ; le motif est une phrase."""


class DemandeIncomplete(Exception):
    """Le dépôt est refusé ; `manques` dit tout ce qui manque."""

    def __init__(self, manques: list[Manque]):
        super().__init__(", ".join(manque.code for manque in manques))
        self.manques = manques


class SaisiePerimee(Exception):
    """L'étape a été enregistrée ailleurs depuis que la page a été ouverte ; `saisie` est la version en base."""

    def __init__(self, saisie: Saisie):
        super().__init__(saisie.etape)
        self.saisie = saisie


class SaisieTropLongue(Exception):
    """Le brouillon dépasse 64 kio."""


class DemandeFigee(Exception):
    """La demande n'est plus un brouillon : rien ne s'y modifie par ce chemin."""


class NumeroDejaUtilise(Exception):
    """Ce numéro d'e-photo a servi à une autre demande."""


class PieceRefusee(Exception):
    """La pièce n'est pas demandée, ou son nombre de fichiers est atteint ; le texte est une phrase."""


def verrouiller(demande: Demande) -> Demande:
    """La même demande, verrouillée ; `FOR NO KEY UPDATE` laisse passer les insertions qui la désignent."""
    verrouillee = Demande.objects.select_for_update(of=("self",), no_key=True).select_related(
        "usager__compte", "usager__nationalite", "usager__pays_naissance", "titre_de_depart", "site"
    ).get(pk=demande.pk)  # fmt: skip
    verrouillee.droit_lu = demande.droit_lu
    return verrouillee


def verrouiller_brouillon(demande: Demande) -> Demande:
    demande = verrouiller(demande)
    if not demande.est_brouillon:
        raise DemandeFigee
    return demande


def contexte_de(usager: Usager, *, le: dt.datetime, langue: str = "fr") -> Contexte:
    return Contexte(timezone.localdate(le), usager, usager.titre_actuel, langue)


def contexte_du_message(demande: Demande) -> dict:
    """Ce que tout message sur une demande déposée sait d'elle."""
    sms = DEMARCHES[demande.demarche].sms
    return {"numero": demande.numero, "nom": demande.usager.nom_complet, "sms": sms}
