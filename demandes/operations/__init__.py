"""Les verbes de l'usager. Une opération = une transaction ; l'appelant donne l'instant `le`."""

from demandes.operations.base import (
    DemandeFigee,
    DemandeIncomplete,
    DemarcheFermee,
    NumeroDejaUtilise,
    PieceRefusee,
    SaisiePerimee,
    SaisieTropLongue,
    contexte_de,
    verrouiller,
    verrouiller_brouillon,
)
from demandes.operations.depot import attribuer_numero, deposer, echeance_legale
from demandes.operations.echanges import ouvrir_notification
from demandes.operations.pieces import (
    confirmer_ephoto,
    enregistrer_pieces,
    joindre_piece,
    pieces_a_regler,
    retablir_piece,
    retirer_ephoto,
    retirer_piece,
)
from demandes.operations.saisie import (
    TAILLE_MAX_BROUILLON,
    abandonner_brouillon,
    commencer,
    demander_rappel,
    enregistrer_etape,
    garder_brouillon,
    noter_observations,
    relire,
    retirer,
)

__all__ = [
    "TAILLE_MAX_BROUILLON",
    "DemandeFigee",
    "DemandeIncomplete",
    "DemarcheFermee",
    "NumeroDejaUtilise",
    "PieceRefusee",
    "SaisiePerimee",
    "SaisieTropLongue",
    "abandonner_brouillon",
    "attribuer_numero",
    "commencer",
    "confirmer_ephoto",
    "contexte_de",
    "demander_rappel",
    "deposer",
    "echeance_legale",
    "enregistrer_etape",
    "enregistrer_pieces",
    "garder_brouillon",
    "joindre_piece",
    "noter_observations",
    "ouvrir_notification",
    "pieces_a_regler",
    "relire",
    "retablir_piece",
    "retirer",
    "retirer_ephoto",
    "retirer_piece",
    "verrouiller",
    "verrouiller_brouillon",
]
