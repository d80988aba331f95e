from demandes.models.demande import Decision, Demande, Instantane, Saisie
from demandes.models.journal import Evenement
from demandes.models.pieces import NumeroUtilise, PieceJointe
from demandes.models.reference import Bareme, Compteur, PieceReference, Site

__all__ = [
    "Bareme", "Compteur", "Decision", "Demande", "Evenement", "Instantane", "NumeroUtilise", "PieceJointe",
    "PieceReference", "Saisie", "Site",
]  # fmt: skip
