"""Le journal : qui, quand, quel état, quel document, quelle lettre. Ajout seul, gardé par un déclencheur."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from documents.models import Document
from notifications.models import Notification
from usagers.models import Usager


class Evenement(models.Model):
    class Nature(models.TextChoices):
        OUVERTURE = "ouverture", _("Demande commencée")
        TRANSITION = "transition", _("Changement d'état")
        PIECE = "piece", _("Pièce")
        LECTURE = "lecture", _("Notification ouverte")
        CONSULTATION = "consultation", _("Document consulté")
        AFFECTATION = "affectation", _("Dossier affecté")
        TRANSFERT = "transfert", _("Dossier transféré")
        PROLONGATION = "prolongation", _("Instruction prolongée")
        CLOTURE = "cloture", _("Clôture proposée ou écartée")
        VISA = "visa", _("Proposition visée")
        SIGNATURE = "signature", _("Acte signé, en attente de son heure")
        ANNULATION = "annulation", _("Acte annulé avant son heure")
        NUMERO = "numero", _("Numéro d'étranger attribué")

    usager = models.ForeignKey(Usager, models.PROTECT, related_name="evenements")
    demande = models.ForeignKey("demandes.Demande", models.PROTECT, null=True, blank=True, related_name="evenements")
    nature = models.CharField(max_length=20, choices=Nature)
    avant = models.CharField(max_length=20, blank=True)
    apres = models.CharField(max_length=20, blank=True)
    par = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    document = models.ForeignKey(Document, models.PROTECT, null=True, blank=True, related_name="evenements")
    notification = models.ForeignKey(Notification, models.PROTECT, null=True, blank=True, related_name="evenements")
    le = models.DateTimeField()
    codes = models.JSONField("codes seulement : ni texte libre, ni nom", default=dict)

    class Meta:
        verbose_name = "évènement"
        ordering = ["le", "pk"]
        indexes = [models.Index(fields=["demande", "le"], name="evenement_demande")]

    def __str__(self) -> str:
        return f"évènement {self.pk}"
