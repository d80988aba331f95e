"""Le journal : qui, quand, quel état, quel document, quelle lettre. Ajout seul, gardé par un déclencheur."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
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
        RELANCE = "relance", _("Rappel envoyé")
        CONTROLE = "controle", _("Pièce contrôlée")

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
        indexes = [
            models.Index(fields=["demande", "le"], name="evenement_demande"),
            # Les relevés : les actes d'un jour, et le site qui tenait alors un dossier transféré depuis.
            BrinIndex(fields=["le"], name="evenement_le"),
            models.Index(fields=["demande", "id"], name="evenement_transferts", condition=Q(nature="transfert")),
        ]

    def __str__(self) -> str:
        return f"évènement {self.pk}"


class Changement(models.Model):
    """Une donnée de référence ajoutée ou changée : avant, après. Ajout seul, gardé par un déclencheur."""

    class Nature(models.TextChoices):
        AJOUT = "ajout", "ajout"
        CHANGEMENT = "changement", "changement"

    nature = models.CharField(max_length=10, choices=Nature)
    modele = models.CharField("modèle, par exemple « demandes.bareme »", max_length=40)
    cle = models.CharField("clé primaire", max_length=20)
    objet = models.CharField("la ligne, en mots", max_length=300)
    ecarts = models.JSONField("par champ : [avant, après]")
    par = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name="compte ; vide : une commande, que `origine` nomme",
    )  # fmt: skip
    origine = models.CharField("la commande ou le fichier", max_length=200, blank=True)
    le = models.DateTimeField()

    class Meta:
        verbose_name = "changement d'une donnée de référence"
        verbose_name_plural = "changements des données de référence"
        indexes = [models.Index(fields=["modele", "cle"], name="changement_de_la_ligne")]

    def __str__(self) -> str:
        return f"changement {self.pk}"
