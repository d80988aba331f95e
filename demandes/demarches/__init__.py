"""Le registre des démarches : les ajouter ici suffit à les ouvrir."""

from demandes.demarches.base import Cas, Demarche, Fermee
from demandes.demarches.citoyen_ue import CITOYEN_UE
from demandes.demarches.etudiant import ETUDIANT
from demandes.droit import Contexte

DECLARATIONS: tuple[Demarche, ...] = (ETUDIANT, CITOYEN_UE)
DEMARCHES: dict[str, Demarche] = {demarche.code: demarche for demarche in DECLARATIONS}


def demarches_ouvertes() -> list[Demarche]:
    """Les démarches que le portail propose, dans l'ordre d'affichage."""
    return list(DEMARCHES.values())


def situations(contexte: Contexte) -> list[tuple[Demarche, Cas | Fermee]]:
    """Pour une personne : chaque démarche avec son cas, ou la raison de sa fermeture."""
    return [(demarche, demarche.cas(contexte)) for demarche in DEMARCHES.values()]
