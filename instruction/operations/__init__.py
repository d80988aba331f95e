"""Les verbes de l'agent. Une opération = une transaction ; l'appelant donne l'instant `le` et la version lue."""

from instruction.operations.base import (
    ACTES,
    Conflit,
    GesteInterdit,
    consigner,
    contexte_du_message,
    est_deja_consigne,
    est_deja_fait,
    verrouiller_pour,
)
from instruction.operations.comptes import IdentifiantPris, creer_agent
from instruction.operations.decision import (
    Accord,
    DecisionImpossible,
    accord_pris,
    accorder,
    ajouter_mois,
    contexte_de_la_decision,
    est_le_refus_pris,
    refuser,
    taxe_due,
    titre_delivrable,
    verifier_accord,
)
from instruction.operations.lectures import noter_lecture, ouvrir_acces
from instruction.operations.suivi import prendre_en_charge

__all__ = [
    "ACTES",
    "Accord",
    "Conflit",
    "DecisionImpossible",
    "GesteInterdit",
    "IdentifiantPris",
    "accord_pris",
    "accorder",
    "ajouter_mois",
    "consigner",
    "contexte_de_la_decision",
    "contexte_du_message",
    "creer_agent",
    "est_deja_consigne",
    "est_deja_fait",
    "est_le_refus_pris",
    "noter_lecture",
    "ouvrir_acces",
    "prendre_en_charge",
    "refuser",
    "taxe_due",
    "titre_delivrable",
    "verifier_accord",
    "verrouiller_pour",
]
