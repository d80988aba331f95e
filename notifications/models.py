"""La boîte d'envoi : ce qui est dit (`Notification`), et chaque départ par un canal (`Envoi`)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from documents.models import Document
from notifications.catalogue import Canal, Message


class Notification(models.Model):
    destinataire = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notifications")
    message = models.CharField(max_length=30, choices=Message)
    contexte = models.JSONField("codes et valeurs primitives, jamais un libellé", default=dict)
    document = models.ForeignKey(Document, models.PROTECT, null=True, blank=True, related_name="notifications")
    objet = models.CharField("n° de la demande", max_length=19, blank=True)
    creee_le = models.DateTimeField()
    lue_le = models.DateTimeField(null=True, blank=True)
    repondue_le = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "notification"
        ordering = ["-creee_le", "-pk"]
        indexes = [models.Index(fields=["destinataire", "-creee_le"], name="notification_boite")]

    def __str__(self) -> str:
        return f"notification {self.pk}"


class Envoi(models.Model):
    class Etat(models.TextChoices):
        A_ENVOYER = "a_envoyer", _("à envoyer")
        EN_COURS = "en_cours", _("en cours")
        ENVOYE = "envoye", _("envoyé")
        REMIS = "remis", _("remis")
        ECHEC = "echec", _("échec")
        ABANDONNE = "abandonne", _("abandonné")

    notification = models.ForeignKey(Notification, models.PROTECT, null=True, blank=True, related_name="envois")
    canal = models.CharField(max_length=10, choices=Canal)
    adresse = models.CharField("adresse figée : courriel ou numéro E.164", max_length=254)
    langue = models.CharField(max_length=5, default="fr")
    message = models.CharField(max_length=30, choices=Message)
    contexte = models.JSONField(default=dict)
    document = models.ForeignKey(Document, models.PROTECT, null=True, blank=True, related_name="envois")
    etat = models.CharField(max_length=10, choices=Etat, default=Etat.A_ENVOYER)
    priorite = models.PositiveSmallIntegerField("0 : tout de suite", default=5)
    a_partir_de = models.DateTimeField()
    bail = models.DateTimeField("envoi pris jusqu'à", null=True, blank=True)
    tentatives = models.PositiveSmallIntegerField(default=0)
    message_id = models.CharField(max_length=120, blank=True)
    doublon_possible = models.BooleanField(default=False)
    envoye_le = models.DateTimeField(null=True, blank=True)
    erreur = models.CharField("dernière erreur, sans donnée personnelle", max_length=200, blank=True)

    class Meta:
        verbose_name = "envoi"
        constraints = [models.UniqueConstraint(fields=["notification", "canal"], name="un_envoi_par_canal")]
        indexes = [
            models.Index(
                fields=["priorite", "a_partir_de"],
                name="envoi_a_faire",
                condition=Q(etat__in=["a_envoyer", "en_cours"]),
            ),
        ]

    def __str__(self) -> str:
        return f"envoi {self.pk}"
