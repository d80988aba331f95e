"""Ce qu'un agent demande encore, ligne par ligne, et ce que la personne y répond."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Q, Value

from demandes.models.demande import Demande
from demandes.models.reference import Periode
from documents.models import Document
from notifications.models import Notification
from usagers.models import Compte


class Complement(models.Model):
    """Une demande de complément. Le délai court de l'ouverture de sa notification (guide 000)."""

    demande = models.ForeignKey(Demande, models.PROTECT, related_name="complements")
    notification = models.OneToOneField(Notification, models.PROTECT, related_name="complement")
    message = models.TextField("message de l'agent", blank=True)
    demande_par = models.ForeignKey(Compte, models.PROTECT, related_name="+")
    demande_le = models.DateTimeField()
    echeance_le = models.DateField(
        "dernier jour pour répondre ; vide tant que la notification n'est pas ouverte", null=True, blank=True
    )
    reponse = models.TextField("message à l'agent", blank=True)
    repondu_le = models.DateTimeField(null=True, blank=True)
    annule_le = models.DateTimeField("demande abandonnée par un agent", null=True, blank=True)
    prochaine_relance_le = models.DateField("jour du prochain rappel ; vide : il n'y en a plus", null=True, blank=True)
    relance_le = models.DateTimeField("départ du dernier rappel", null=True, blank=True)

    class Meta:
        verbose_name = "demande de complément"
        verbose_name_plural = "demandes de complément"
        ordering = ["demande_le", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["demande"],
                name="un_complement_ouvert_par_demande",
                condition=Q(repondu_le__isnull=True, annule_le__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["echeance_le"],
                name="complement_echeances",
                condition=Q(repondu_le__isnull=True, annule_le__isnull=True),
            ),
            models.Index(
                fields=["prochaine_relance_le"],
                name="complement_relances",
                condition=Q(repondu_le__isnull=True, annule_le__isnull=True, prochaine_relance_le__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"complément {self.pk}"

    @property
    def est_ouvert(self) -> bool:
        return self.repondu_le is None and self.annule_le is None


class ComplementLigne(models.Model):
    """Une pièce (ou une information, sans code) à fournir, pour quels motifs, et la réponse."""

    class Reponse(models.TextChoices):
        MAINTENIR = "maintenir", "document maintenu"
        REMPLACER = "remplacer", "document mis à jour"
        JOINDRE = "joindre", "document joint"
        IMPOSSIBLE = "impossible", "ne peut pas le fournir"
        INFORMATION = "information", "information donnée"

    complement = models.ForeignKey(Complement, models.CASCADE, related_name="lignes")
    rang = models.PositiveSmallIntegerField()
    code = models.CharField("code de la pièce ; vide : une information", max_length=30, blank=True)
    libelle = models.CharField("libellé du jour, en français", max_length=200)
    motifs = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    consigne = models.TextField("observation de l'agent", blank=True)
    reponse = models.CharField(max_length=12, choices=Reponse, blank=True)
    justification = models.TextField("justification, raison ou information donnée", blank=True)

    class Meta:
        verbose_name = "ligne de complément"
        verbose_name_plural = "lignes de complément"
        ordering = ["rang"]
        constraints = [models.UniqueConstraint(fields=["complement", "rang"], name="un_rang_par_ligne_de_complement")]

    def __str__(self) -> str:
        return f"ligne {self.rang} du complément {self.complement_id}"


class Prolongation(models.Model):
    """Une attestation de prolongation de l'instruction (API), jours compris ; deux ne se chevauchent pas."""

    demande = models.ForeignKey(Demande, models.PROTECT, related_name="prolongations")
    document = models.OneToOneField(Document, models.PROTECT, related_name="prolongation")
    du = models.DateField()
    au = models.DateField()
    travail = models.BooleanField("autorise à travailler")
    par = models.ForeignKey(Compte, models.PROTECT, null=True, blank=True, related_name="+")
    le = models.DateTimeField()

    class Meta:
        verbose_name = "prolongation"
        ordering = ["du"]
        constraints = [
            models.CheckConstraint(name="prolongation_dates_ordonnees", condition=Q(du__lte=F("au"))),
            ExclusionConstraint(
                name="prolongations_sans_chevauchement",
                expressions=[
                    ("demande", RangeOperators.EQUAL),
                    (Periode(F("du"), F("au"), Value("[]")), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"prolongation {self.pk}"
