"""Ce que l'administration émet et ce qu'elle reçoit, octet par octet ; aucune règle de droit, aucune personne."""

import secrets

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from documents.catalogue import Acte


def cle_aleatoire(fichier: "Fichier", nom: str) -> str:
    """Nom de stockage imprévisible (256 bits), rangé par préfixe pour ne pas charger un seul dossier."""
    cle = secrets.token_hex(32)
    return f"{cle[:2]}/{cle[2:]}"


class FichierQuerySet(models.QuerySet):
    def orphelins(self, *, avant) -> "FichierQuerySet":
        """Fichiers auxquels aucune ligne ne renvoie, créés avant `avant`."""
        requete = self.filter(cree_le__lt=avant)
        for lien in Fichier._meta.related_objects:
            requete = requete.exclude(
                models.Exists(lien.related_model._base_manager.filter(**{lien.field.name: models.OuterRef("pk")}))
            )
        return requete


class Fichier(models.Model):
    """Tout octet conservé : pièce reçue, PDF émis, preuve. Son contenu n'est jamais réécrit."""

    class Antivirus(models.TextChoices):
        A_EXAMINER = "a_examiner", _("à examiner")
        SAIN = "sain", _("sain")
        INFECTE = "infecte", _("infecté")
        ECHEC = "echec", _("échec")
        SANS_OBJET = "sans_objet", _("sans objet")

    contenu = models.FileField(upload_to=cle_aleatoire, unique=True, max_length=100)
    empreinte = models.CharField("SHA-256 du contenu, en hexadécimal", max_length=64, db_index=True)
    taille = models.PositiveBigIntegerField("taille en octets")
    type_mime = models.CharField(max_length=50)
    nom_affiche = models.CharField("nom donné par la personne, pour l'affichage seulement", max_length=255)
    antivirus = models.CharField(max_length=10, choices=Antivirus, default=Antivirus.A_EXAMINER)
    cree_le = models.DateTimeField(auto_now_add=True)
    efface_le = models.DateTimeField(null=True, blank=True)

    objects = FichierQuerySet.as_manager()

    class Meta:
        verbose_name = "fichier"

    def __str__(self) -> str:
        return f"fichier {self.pk}"

    @property
    def est_retenu(self) -> bool:
        """Ses octets ne se montrent à personne : effacés, ou arrêtés par l'antivirus."""
        return self.antivirus == self.Antivirus.INFECTE or self.efface_le is not None


class Document(models.Model):
    """Un document émis : ses données, sa validité, puis son PDF quand il est rendu."""

    class Etat(models.TextChoices):
        EN_VIGUEUR = "en_vigueur", _("en vigueur")
        REMPLACE = "remplace", _("remplacé")
        RETIRE = "retire", _("retiré")

    acte = models.CharField(max_length=30, choices=Acte)
    gabarit = models.CharField("gabarit et sa version", max_length=60)
    numero = models.CharField("n° d'attestation, 9 caractères (2D-Doc, DI 01)", max_length=9, unique=True)
    donnees = models.JSONField("données dont le document est fait", default=dict)
    code_2d = models.TextField("message 2D-Doc à signer (vide : document sans 2D-Doc)", blank=True)
    certificat = models.CharField("identifiant du certificat de signature", max_length=8, blank=True)
    emis_le = models.DateTimeField()
    valable_du = models.DateField(null=True, blank=True)
    valable_au = models.DateField(null=True, blank=True)
    etat = models.CharField(max_length=10, choices=Etat, default=Etat.EN_VIGUEUR)
    remplace_par = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="remplacements")
    etat_le = models.DateTimeField("remplacé ou retiré le", null=True, blank=True)
    motif = models.CharField("motif du retrait", max_length=200, blank=True)
    fichier = models.ForeignKey(Fichier, models.PROTECT, null=True, blank=True, related_name="documents")
    bail = models.DateTimeField("rendu pris jusqu'à", null=True, blank=True)
    tentatives = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = "document"
        constraints = [
            models.CheckConstraint(
                name="document_remplace_a_un_remplacant",
                condition=Q(etat="remplace", remplace_par__isnull=False)
                | (~Q(etat="remplace") & Q(remplace_par__isnull=True)),
            ),
            models.CheckConstraint(
                name="document_validite_ordonnee",
                condition=Q(valable_du__isnull=True) | Q(valable_au__isnull=True) | Q(valable_du__lte=F("valable_au")),
            ),
        ]
        indexes = [models.Index(fields=["id"], name="document_a_rendre", condition=Q(fichier__isnull=True))]

    def __str__(self) -> str:
        return f"{self.get_acte_display()} {self.numero}"

    @property
    def est_en_preparation(self) -> bool:
        """Le PDF n'est pas encore fait : la page le dit et propose de revenir."""
        return self.fichier_id is None
