from demandes.models.complement import Complement, ComplementLigne, Prolongation
from demandes.models.demande import Cloture, Decision, Demande, Instantane, Saisie
from demandes.models.journal import Changement, Evenement
from demandes.models.pieces import NumeroUtilise, PieceJointe
from demandes.models.reference import Bareme, Compteur, CoordonneesSite, Motif, PieceReference, Site

__all__ = [
    "Bareme", "Changement", "Cloture", "Complement", "ComplementLigne", "Compteur", "CoordonneesSite", "Decision",
    "Demande", "Evenement", "Instantane", "Motif", "NumeroUtilise", "PieceJointe", "PieceReference", "Prolongation",
    "Saisie", "Site",
]  # fmt: skip
