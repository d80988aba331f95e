"""Registre de ce qui est dit aux personnes : un message, ses canaux ; le texte vit dans `templates/`."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Canal(models.TextChoices):
    COURRIEL = "courriel", _("courriel")
    SMS = "sms", _("SMS")


class Message(models.TextChoices):
    INSCRIPTION = "inscription", _("Création de compte")
    INSCRIPTION_REFUSEE = "inscription_refusee", _("Création de compte impossible")
    COMPTE_EXISTANT = "compte_existant", _("Compte déjà ouvert")
    MOT_DE_PASSE = "mot_de_passe", _("Changement de mot de passe")
    COORDONNEES = "coordonnees", _("Changement de coordonnées")
    COORDONNEES_AVIS = "coordonnees_avis", _("Avis de changement de coordonnées")
    DEPOT = "depot", _("Confirmation de dépôt")
    PRISE_EN_CHARGE = "prise_en_charge", _("Suivi de la demande")
    COMPLEMENT = "complement", _("Demande de complément")
    COMPLEMENT_ABANDONNE = "complement_abandonne", _("Complément plus attendu")
    COMPLEMENT_RELANCE = "complement_relance", _("Rappel d'une demande de complément")
    DECISION = "decision", _("Notification de la décision")
    CLOTURE = "cloture", _("Clôture de la demande")
    REOUVERTURE = "reouverture", _("Réouverture de la demande")
    DEMANDE_RETIREE = "demande_retiree", _("Retrait de la demande")
    ACTE_NON_FAIT = "acte_non_fait", _("Acte signé qui n'a pas pu se faire")
    OUVERTURE_DEPOT = "ouverture_depot", _("Ouverture du dépôt")
    PROLONGATION = "prolongation", _("Notification de prolongation de l'instruction")
    FABRICATION = "fabrication", _("Titre en fabrication")
    TITRE_DISPONIBLE = "titre_disponible", _("Titre à retirer")
    TRANSFERT = "transfert", _("Changement de service")
    NUMERO_ATTRIBUE = "numero_attribue", _("N° étranger attribué")


@dataclass(frozen=True)
class Modele:
    """`canaux` : ceux qui partent ; `portail` : montré dans l'espace ; `effet` : l'ouvrir fait courir un délai ;
    `piece_jointe` : le PDF du document part avec le courriel."""

    canaux: tuple[Canal, ...]
    portail: bool = False
    effet: bool = False
    piece_jointe: bool = False


_COURRIEL = (Canal.COURRIEL,)
_TOUS = (Canal.COURRIEL, Canal.SMS)
MODELES: dict[Message, Modele] = {
    Message.INSCRIPTION: Modele(_COURRIEL),
    Message.INSCRIPTION_REFUSEE: Modele(_COURRIEL),
    Message.COMPTE_EXISTANT: Modele(_COURRIEL),
    Message.MOT_DE_PASSE: Modele(_COURRIEL),
    Message.COORDONNEES: Modele(_COURRIEL),
    Message.COORDONNEES_AVIS: Modele(_COURRIEL),
    Message.DEPOT: Modele(_TOUS, portail=True, piece_jointe=True),
    Message.PRISE_EN_CHARGE: Modele(_COURRIEL, portail=True),
    Message.COMPLEMENT: Modele(_TOUS, portail=True, effet=True),
    Message.COMPLEMENT_ABANDONNE: Modele(_COURRIEL, portail=True),
    Message.COMPLEMENT_RELANCE: Modele(_TOUS),
    Message.DECISION: Modele(_TOUS, portail=True, effet=True),
    Message.CLOTURE: Modele(_TOUS, portail=True, effet=True),
    Message.REOUVERTURE: Modele(_COURRIEL, portail=True),
    Message.DEMANDE_RETIREE: Modele(_TOUS, portail=True),
    Message.ACTE_NON_FAIT: Modele(_COURRIEL),
    Message.OUVERTURE_DEPOT: Modele(_COURRIEL),
    Message.PROLONGATION: Modele(_TOUS, portail=True, piece_jointe=True),
    Message.FABRICATION: Modele(_COURRIEL, portail=True),
    Message.TITRE_DISPONIBLE: Modele(_TOUS, portail=True),
    Message.TRANSFERT: Modele(_COURRIEL, portail=True),
    Message.NUMERO_ATTRIBUE: Modele(_COURRIEL, portail=True),
}
