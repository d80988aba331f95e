"""Le droit daté et les services : des lignes chargées d'un fichier, changées par les agents habilités."""

import datetime as dt

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.functional import cached_property


class Periode(Func):
    """`daterange(du, au, '[]')` : bornes comprises ; `au` vide vaut « sans fin »."""

    function = "daterange"
    output_field = DateRangeField()


def sans_chevauchement(nom: str, *, cle: str = "code") -> ExclusionConstraint:
    """Deux lignes en vigueur d'une même clé ne se chevauchent pas ; `du` vide : chargée, pas en vigueur."""
    return ExclusionConstraint(
        name=nom,
        expressions=[
            (cle, RangeOperators.EQUAL),
            (Periode(F("du"), F("au"), Value("[]")), RangeOperators.OVERLAPS),
        ],
        condition=Q(du__isnull=False),
    )


def dans_l_ordre(nom: str) -> models.CheckConstraint:
    """Une ligne ne finit pas avant d'avoir commencé."""
    return models.CheckConstraint(name=nom, condition=Q(au__gte=F("du")))


class LigneDateeQuerySet(models.QuerySet):
    def en_vigueur(self, jour) -> "LigneDateeQuerySet":
        return self.filter(Q(au__isnull=True) | Q(au__gte=jour), du__lte=jour)


class SiteQuerySet(models.QuerySet):
    def ouverts(self, jour) -> "SiteQuerySet":
        return self.filter(Q(ferme_le__isnull=True) | Q(ferme_le__gt=jour))


class Site(models.Model):
    """Un service instructeur ; son code fait les quatre premiers chiffres du n° de demande (domaine §2)."""

    code = models.CharField(max_length=4, primary_key=True)
    departement = models.CharField("code du département", max_length=3, db_index=True)
    libelle = models.CharField("libellé", max_length=120)
    ferme_le = models.DateField(
        "fermé à partir du",
        null=True,
        blank=True,
        help_text="Dès ce jour, aucun dépôt ni transfert n'y arrive ; ses dossiers s'y finissent ou en partent.",
    )

    objects = SiteQuerySet.as_manager()

    class Meta:
        verbose_name = "site"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.libelle

    def est_ferme(self, jour) -> bool:
        return self.ferme_le is not None and self.ferme_le <= jour

    def coordonnees_le(self, jour: dt.date) -> "CoordonneesSite":
        """Celles en vigueur ce jour ; entre deux lignes, les dernières finies ; avant toutes, les premières à venir."""
        datees = sorted((ligne for ligne in self.coordonnees.all() if ligne.du), key=lambda ligne: ligne.du)
        commencees = [ligne for ligne in datees if ligne.du <= jour]
        # Un site naît avec ses coordonnées ; sans aucune, une page les montre vides plutôt que de tomber en panne.
        return (commencees or datees[:1] or [CoordonneesSite(site=self)])[-1]

    @cached_property
    def coordonnees_du_jour(self) -> "CoordonneesSite":
        return self.coordonnees_le(timezone.localdate())

    def en_tete_le(self, jour: dt.date) -> dict[str, str]:
        """Le service tel qu'une lettre ou une attestation de ce jour le nomme."""
        coordonnees = self.coordonnees_le(jour)
        return {
            "libelle": self.libelle, "adresse": coordonnees.adresse, "courriel": coordonnees.courriel,
            "telephone": coordonnees.telephone,
        }  # fmt: skip


class CoordonneesSite(models.Model):
    """Où et quand joindre un site, et ce qu'il fait savoir, avec leur date d'effet."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="coordonnees")
    du = models.DateField("en vigueur du", null=True, blank=True, help_text="Vide : chargé, pas en vigueur.")
    au = models.DateField(
        "au (compris)", null=True, blank=True, help_text="Vide : sans fin. Sans suite, elles restent montrées."
    )
    adresse = models.CharField(max_length=200)
    courriel = models.EmailField()
    telephone = models.CharField("téléphone", max_length=20)
    horaires = models.CharField(max_length=200, blank=True)
    information = models.TextField(
        "information au public",
        max_length=500,
        blank=True,
        help_text="Montrée avec les coordonnées, par exemple « Le service est fermé du 24 au 31 décembre. »",
    )
    information_en = models.TextField("information au public, en anglais", max_length=500, blank=True)
    consigne_retrait = models.TextField(
        "consigne de retrait",
        max_length=300,
        blank=True,
        help_text="Proposée aux agents qui annoncent un titre disponible ; ils peuvent la changer.",
    )
    invente = models.BooleanField("coordonnées inventées, à remplacer", default=False)

    objects = LigneDateeQuerySet.as_manager()

    class Meta:
        verbose_name = "coordonnées d'un site"
        verbose_name_plural = "coordonnées des sites"
        ordering = ["site_id", F("du").desc(nulls_first=True)]
        constraints = [
            sans_chevauchement("coordonnees_sans_chevauchement", cle="site"),
            dans_l_ordre("coordonnees_dans_l_ordre"),
        ]

    def __str__(self) -> str:
        return self.site.libelle


class Bareme(models.Model):
    """Un montant, un délai ou un seuil du droit, avec sa date d'effet et sa source."""

    code = models.CharField(max_length=60)
    du = models.DateField("en vigueur du", null=True, blank=True, help_text="Vide : chargé, pas en vigueur.")
    au = models.DateField("au (compris)", null=True, blank=True)
    valeurs = models.JSONField()
    source = models.CharField(max_length=200)

    objects = LigneDateeQuerySet.as_manager()

    class Meta:
        verbose_name = "barème"
        constraints = [sans_chevauchement("bareme_sans_chevauchement"), dans_l_ordre("bareme_dans_l_ordre")]

    def __str__(self) -> str:
        return self.code


class PieceReference(models.Model):
    """Le texte d'une pièce justificative et ses bornes ; la condition qui l'appelle vit dans la démarche."""

    code = models.CharField(max_length=60, help_text="Démarche et pièce, par exemple etudiant.PASSEPORT.")
    du = models.DateField("en vigueur du", null=True, blank=True, help_text="Vide : chargé, pas en vigueur.")
    au = models.DateField("au (compris)", null=True, blank=True)
    libelle = models.CharField("libellé", max_length=200)
    libelle_en = models.CharField("libellé en anglais", max_length=200)
    texte = models.TextField()
    texte_en = models.TextField("texte en anglais")
    obligatoire = models.BooleanField(default=True)
    absence_permise = models.BooleanField(default=False, help_text="« Je n'ai pas ce document » est proposé.")
    fichiers_min = models.PositiveSmallIntegerField("fichiers au moins", default=1)
    fichiers_max = models.PositiveSmallIntegerField("fichiers au plus", default=5)
    anciennete_max = models.PositiveSmallIntegerField("âge au plus, en mois", null=True, blank=True)
    source = models.CharField(max_length=200)

    objects = LigneDateeQuerySet.as_manager()

    class Meta:
        verbose_name = "pièce de référence"
        verbose_name_plural = "pièces de référence"
        constraints = [
            sans_chevauchement("piece_reference_sans_chevauchement"),
            dans_l_ordre("piece_reference_dans_l_ordre"),
        ]

    def __str__(self) -> str:
        return self.libelle


class Motif(models.Model):
    """Un motif codé qu'un agent coche ; sa phrase part telle quelle dans la lettre, dans la langue de la personne."""

    class Nature(models.TextChoices):
        COMPLEMENT = "complement", "pièce à compléter"
        AVIS = "avis", "avis sur la décision"
        CLOTURE = "cloture", "clôture"

    nature = models.CharField(max_length=12, choices=Nature)
    code = models.CharField(max_length=60, help_text="Nature et motif, par exemple complement.illisible.")
    du = models.DateField("en vigueur du", null=True, blank=True, help_text="Vide : chargé, pas en vigueur.")
    au = models.DateField("au (compris)", null=True, blank=True)
    ordre = models.PositiveSmallIntegerField(default=100)
    libelle = models.CharField("libellé, pour les agents", max_length=120)
    texte = models.TextField("phrase de la lettre")
    texte_en = models.TextField("phrase de la lettre, en anglais")
    source = models.CharField(max_length=200, blank=True)

    objects = LigneDateeQuerySet.as_manager()

    class Meta:
        verbose_name = "motif"
        ordering = ["nature", "ordre", "code"]
        constraints = [
            sans_chevauchement("motif_sans_chevauchement"),
            dans_l_ordre("motif_dans_l_ordre"),
            models.CheckConstraint(
                name="motif_nature_en_tete_du_code", condition=Q(code__startswith=Concat("nature", Value(".")))
            ),
        ]

    def __str__(self) -> str:
        return self.libelle


class Compteur(models.Model):
    """Suites sans trou (n° de demande : une par site et par année). Dernier verrou pris par une opération."""

    nature = models.CharField(max_length=20)
    cle = models.CharField(max_length=10)
    annee = models.PositiveSmallIntegerField()
    dernier = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "compteur"
        constraints = [models.UniqueConstraint(fields=["nature", "cle", "annee"], name="compteur_unique")]

    def __str__(self) -> str:
        return f"{self.nature} {self.cle} {self.annee}"
