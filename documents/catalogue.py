"""Registre des sortes de documents émis."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Acte(models.TextChoices):
    CONFIRMATION_DEPOT = "confirmation_depot", _("Confirmation du dépôt")
    DECISION_FAVORABLE = "decision_favorable", _("Attestation de décision favorable")
    REFUS = "refus", _("Décision de refus")
    PROLONGATION = "prolongation", _("Attestation de prolongation de l'instruction")


@dataclass(frozen=True)
class Modele:
    """Gabarit HTML (avec sa version), code 6J du 2D-Doc, code MRZ ; rien de cela pour un PDF reçu."""

    gabarit: str = ""
    code_6j: str = ""
    code_mrz: str = ""


MODELES: dict[Acte, Modele] = {
    Acte.CONFIRMATION_DEPOT: Modele("attestations/confirmation_depot.1.html", "1", "AD"),
    Acte.DECISION_FAVORABLE: Modele("attestations/decision_favorable.1.html", "3", "AF"),
    Acte.REFUS: Modele(),
    Acte.PROLONGATION: Modele("attestations/prolongation.1.html", "2", "AP"),
}
