"""Les agents et leur service."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from demandes.models import Site
from usagers.models import Compte


class Agent(models.Model):
    class Role(models.TextChoices):
        ACCUEIL = "accueil", _("accueil")
        INSTRUCTEUR = "instructeur", _("instructeur")
        VALIDEUR = "valideur", _("valideur")
        SIGNATAIRE = "signataire", _("signataire")
        REMISE = "remise", _("remise")
        SUPPORT = "support", _("support")
        ADMIN_FONCTIONNEL = "admin_fonctionnel", _("administrateur fonctionnel")
        AUDITEUR = "auditeur", _("auditeur")

    compte = models.OneToOneField(Compte, models.PROTECT, related_name="agent")
    nom = models.CharField("nom affiché", max_length=100)
    site = models.ForeignKey(Site, models.PROTECT, related_name="agents")
    roles = ArrayField(models.CharField(max_length=20, choices=Role), default=list, verbose_name="rôles")
    actif = models.BooleanField(default=True)

    class Meta:
        verbose_name = "agent"

    def __str__(self) -> str:
        return self.nom
