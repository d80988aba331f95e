"""Les pièces justificatives et les numéros à usage unique."""

from django.db import models
from django.db.models import Q

from demandes.models.demande import Demande
from documents.models import Fichier


class PieceJointeQuerySet(models.QuerySet):
    def vivantes(self) -> "PieceJointeQuerySet":
        return self.filter(retiree_le__isnull=True)


class PieceJointe(models.Model):
    """Un fichier joint à une pièce demandée ; retiré ou remplacé, il reste jusqu'au dépôt pour être rétabli."""

    demande = models.ForeignKey(Demande, models.PROTECT, related_name="pieces")
    code = models.CharField("code de la pièce", max_length=30)
    fichier = models.ForeignKey(Fichier, models.PROTECT, related_name="pieces")
    remplace = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="successeurs")
    ajoutee_le = models.DateTimeField()
    retiree_le = models.DateTimeField(null=True, blank=True)
    posee_pour = models.ForeignKey(
        "demandes.ComplementLigne", models.PROTECT, null=True, blank=True, related_name="fichiers",
        verbose_name="réponse à cette ligne de complément",
    )  # fmt: skip

    objects = PieceJointeQuerySet.as_manager()

    class Meta:
        verbose_name = "pièce jointe"
        verbose_name_plural = "pièces jointes"
        ordering = ["ajoutee_le", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["remplace"],
                name="un_seul_successeur_vivant",
                condition=Q(retiree_le__isnull=True, remplace__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} de la demande {self.demande_id}"


class NumeroUtilise(models.Model):
    """Numéro d'e-photo ou de timbre : usage unique ; rendu quand un brouillon est vidé."""

    class Nature(models.TextChoices):
        EPHOTO = "ephoto", "e-photo"
        TIMBRE = "timbre", "timbre fiscal"

    nature = models.CharField(max_length=10, choices=Nature)
    valeur = models.CharField(max_length=22)
    demande = models.ForeignKey(Demande, models.PROTECT, related_name="numeros")

    class Meta:
        verbose_name = "numéro utilisé"
        constraints = [models.UniqueConstraint(fields=["nature", "valeur"], name="numero_a_usage_unique")]

    def __str__(self) -> str:
        return f"{self.nature} {self.pk}"
