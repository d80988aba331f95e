"""Les états d'une demande et les passages permis (domaine §8.2 et §8.3) : une table, rien d'autre."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Etat(models.TextChoices):
    BROUILLON = "brouillon", _("Demande en cours de saisie")
    DEPOSEE = "deposee", _("Demande déposée")
    TRAITEE = "traitee", _("Démarche enregistrée")
    EN_INSTRUCTION = "en_instruction", _("En cours d'instruction")
    COMPLEMENT_DEMANDE = "complement_demande", _("Complément attendu")
    COMPLEMENT_RECU = "complement_recu", _("Complément reçu")
    PROPOSITION = "proposition", _("En cours de décision")
    FAVORABLE = "favorable", _("Décision favorable")
    DEFAVORABLE = "defavorable", _("Décision défavorable")
    EN_FABRICATION = "en_fabrication", _("Titre en fabrication")
    TITRE_DISPONIBLE = "titre_disponible", _("Titre à retirer")
    REMISE = "remise", _("Titre remis")
    CLOTUREE = "cloturee", _("Demande clôturée")
    RETIREE = "retiree", _("Retirée à votre demande")


TRANSITIONS: dict[Etat, frozenset[Etat]] = {
    Etat.BROUILLON: frozenset({Etat.DEPOSEE, Etat.RETIREE}),
    Etat.DEPOSEE: frozenset({Etat.EN_INSTRUCTION, Etat.COMPLEMENT_DEMANDE, Etat.TRAITEE, Etat.CLOTUREE, Etat.RETIREE}),
    Etat.TRAITEE: frozenset(),
    Etat.EN_INSTRUCTION: frozenset({Etat.COMPLEMENT_DEMANDE, Etat.PROPOSITION, Etat.CLOTUREE, Etat.RETIREE}),
    Etat.COMPLEMENT_DEMANDE: frozenset({Etat.COMPLEMENT_RECU, Etat.EN_INSTRUCTION, Etat.CLOTUREE, Etat.RETIREE}),
    Etat.COMPLEMENT_RECU: frozenset(
        {Etat.EN_INSTRUCTION, Etat.COMPLEMENT_DEMANDE, Etat.PROPOSITION, Etat.CLOTUREE, Etat.RETIREE}
    ),
    Etat.PROPOSITION: frozenset({Etat.EN_INSTRUCTION, Etat.FAVORABLE, Etat.DEFAVORABLE, Etat.CLOTUREE, Etat.RETIREE}),
    Etat.FAVORABLE: frozenset({Etat.EN_FABRICATION}),
    Etat.DEFAVORABLE: frozenset(),
    Etat.EN_FABRICATION: frozenset({Etat.TITRE_DISPONIBLE}),
    Etat.TITRE_DISPONIBLE: frozenset({Etat.REMISE}),
    Etat.REMISE: frozenset(),
    Etat.CLOTUREE: frozenset({Etat.EN_INSTRUCTION}),
    Etat.RETIREE: frozenset(),
}

# Une seule demande du même objet à la fois ; une demande décidée n'empêche pas le renouvellement suivant.
ETATS_ACTIFS = (
    Etat.BROUILLON,
    Etat.DEPOSEE,
    Etat.EN_INSTRUCTION,
    Etat.COMPLEMENT_DEMANDE,
    Etat.COMPLEMENT_RECU,
    Etat.PROPOSITION,
)
ETATS_A_INSTRUIRE = ETATS_ACTIFS[1:]
# Le titre est accordé et pas encore remis : l'ancien ne se renouvelle pas une seconde fois.
ETATS_EN_REMISE = (Etat.FAVORABLE, Etat.EN_FABRICATION, Etat.TITRE_DISPONIBLE)
# Jalons de la frise de l'usager (domaine §3.2) : dépôt, instruction, décision, titre disponible.
JALONS: dict[Etat, int] = {
    Etat.DEPOSEE: 1,
    Etat.TRAITEE: 1,
    Etat.EN_INSTRUCTION: 2,
    Etat.COMPLEMENT_DEMANDE: 2,
    Etat.COMPLEMENT_RECU: 2,
    Etat.PROPOSITION: 2,
    Etat.FAVORABLE: 3,
    Etat.DEFAVORABLE: 3,
    Etat.EN_FABRICATION: 3,
    Etat.TITRE_DISPONIBLE: 4,
    Etat.REMISE: 4,
}
