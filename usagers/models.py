"""Qui sont les personnes : le compte, la personne, ses titres, et les référentiels de lieux."""

import secrets

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


def nonce() -> str:
    return secrets.token_urlsafe(24)


class CompteManager(BaseUserManager):
    def get_by_natural_key(self, identifiant: str) -> "Compte":
        return self.get(identifiant=identifiant)

    def create_user(self, identifiant: str, password: str | None = None, **champs) -> "Compte":
        nature_identifiant = champs.pop("nature_identifiant", Identifiant.Nature.NUMERO_ETRANGER)
        compte = self.model(identifiant=identifiant, **champs)
        compte.set_password(password)
        compte.save(using=self._db)
        Identifiant.objects.create(valeur=identifiant, compte=compte, nature=nature_identifiant)
        return compte


class Compte(AbstractBaseUser, PermissionsMixin):
    """L'accès au portail. L'adresse électronique n'est jamais un identifiant : des familles en partagent une."""

    class Nature(models.TextChoices):
        USAGER = "usager", _("usager")
        AGENT = "agent", _("agent")

    identifiant = models.CharField("identifiant principal", max_length=40, unique=True)
    nature = models.CharField(max_length=10, choices=Nature, default=Nature.USAGER)
    courriel = models.EmailField()
    courriel_verifie_le = models.DateTimeField(null=True, blank=True)
    telephone = models.CharField("téléphone, E.164", max_length=16, blank=True)
    langue = models.CharField(max_length=5, default="fr")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    cree_le = models.DateTimeField(default=timezone.now)
    coordonnees_changees_le = models.DateTimeField(
        "nom d'usage, courriel ou téléphone changé, que ses dossiers n'ont pas encore lu", null=True, blank=True
    )

    objects = CompteManager()

    USERNAME_FIELD = "identifiant"
    EMAIL_FIELD = "courriel"
    REQUIRED_FIELDS = ["courriel"]

    class Meta:
        verbose_name = "compte"
        constraints = [
            models.CheckConstraint(
                name="seuls_les_agents_administrent", condition=Q(is_staff=False) | Q(nature="agent")
            ),
        ]
        indexes = [
            models.Index(
                fields=["coordonnees_changees_le"],
                name="compte_coordonnees_changees",
                condition=Q(coordonnees_changees_le__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.identifiant

    @property
    def est_agent(self) -> bool:
        return self.nature == self.Nature.AGENT


class Identifiant(models.Model):
    """Chaque identifiant de connexion accepté, l'ancien compris."""

    class Nature(models.TextChoices):
        NUMERO_ETRANGER = "numero_etranger", _("numéro étranger")
        VISA = "visa", _("numéro de visa")
        FRANCECONNECT = "franceconnect", "FranceConnect"
        AGENT = "agent", _("identifiant d'agent")

    valeur = models.CharField("valeur normalisée", max_length=64, unique=True)
    compte = models.ForeignKey(Compte, models.PROTECT, related_name="identifiants")
    nature = models.CharField(max_length=20, choices=Nature)

    class Meta:
        verbose_name = "identifiant"

    def __str__(self) -> str:
        return self.valeur


class Pays(models.Model):
    """Pays et nationalités : codes ISO 3166-1, codes propres au 2D-Doc et à la MRZ (2d-doc.md §4.1 et §7.4)."""

    code = models.CharField("alpha-2", max_length=2, primary_key=True)
    alpha3 = models.CharField("code de la MRZ", max_length=3)
    nom = models.CharField(max_length=80)
    nom_en = models.CharField(max_length=80)
    nationalite_f = models.CharField("nationalité au féminin", max_length=80, blank=True)
    nationalite_m = models.CharField("nationalité au masculin", max_length=80, blank=True)
    nationalite_en = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = "pays"
        verbose_name_plural = "pays"
        ordering = ["nom"]

    def __str__(self) -> str:
        return self.nom


class Usager(models.Model):
    """La personne. L'état civil appartient au référentiel ; contact, adresse, nom d'usage et situation au portail."""

    class Sexe(models.TextChoices):
        FEMININ = "F", _("Féminin")
        MASCULIN = "M", _("Masculin")

    class Source(models.TextChoices):
        REFERENTIEL = "referentiel", _("référentiel")
        DECLARE = "declare", _("déclaré")

    class Situation(models.TextChoices):
        CELIBATAIRE = "celibataire", _("Célibataire")
        CONCUBIN = "concubin", _("Concubin(e)")
        DIVORCE = "divorce", _("Divorcé(e)")
        MARIE = "marie", _("Marié(e)")
        PACSE = "pacse", _("Pacsé(e)")
        SEPARE = "separe", _("Séparé(e)")
        VEUF = "veuf", _("Veuf ou veuve")

    nom_naissance = models.CharField(max_length=100)
    prenoms = models.CharField("prénoms, séparés par une espace ; vide : sans prénom", max_length=150, blank=True)
    nom_usage = models.CharField(max_length=100, blank=True)
    sexe = models.CharField(max_length=1, choices=Sexe)
    naissance = models.CharField("date de naissance AAAA-MM-JJ, « 00 » pour une partie inconnue", max_length=10)
    lieu_naissance = models.CharField(max_length=100)
    pays_naissance = models.ForeignKey(Pays, models.PROTECT, related_name="+")
    nationalite = models.ForeignKey(Pays, models.PROTECT, related_name="+")
    situation_familiale = models.CharField(max_length=12, choices=Situation, blank=True)
    adresse_voie = models.CharField("numéro et voie", max_length=100, blank=True)
    adresse_complement = models.CharField(max_length=100, blank=True)
    adresse_code_postal = models.CharField(max_length=5, blank=True)
    adresse_commune = models.CharField(max_length=100, blank=True)
    adresse_insee = models.CharField("code INSEE de la commune", max_length=5, blank=True)
    numero_etranger = models.CharField(max_length=10, unique=True, null=True, blank=True)
    compte = models.OneToOneField(Compte, models.PROTECT, null=True, blank=True, related_name="usager")
    source = models.CharField(max_length=12, choices=Source, default=Source.REFERENTIEL)
    anonymise_le = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "usager"
        constraints = [
            models.CheckConstraint(
                name="usager_naissance_bien_formee", condition=Q(naissance__regex=r"^\d{4}-\d{2}-\d{2}$")
            ),
            models.CheckConstraint(
                name="usager_numero_etranger_bien_forme",
                condition=Q(numero_etranger__isnull=True) | Q(numero_etranger__regex=r"^\d{9,10}$"),
            ),
        ]

    def __str__(self) -> str:
        return f"usager {self.pk}"

    @property
    def nom_complet(self) -> str:
        """« JULIE JOHN » : prénoms puis nom de naissance ; le nom seul quand la personne n'a pas de prénom."""
        return f"{self.prenoms} {self.nom_naissance}".strip()

    @property
    def libelle_nationalite(self) -> str:
        """La nationalité au genre de la personne : « malienne »."""
        pays = self.nationalite
        return (pays.nationalite_f if self.sexe == self.Sexe.FEMININ else pays.nationalite_m) or pays.nom

    @property
    def titre_actuel(self) -> "TitreSejour | None":
        """Le titre dont la fin est la plus lointaine (seed : « Dernier titre obtenu »)."""
        return max(self.titres.all(), key=lambda titre: (titre.fin, titre.debut, titre.pk), default=None)


class TitreSejour(models.Model):
    """Un titre ou un visa détenu, tel que le référentiel le connaît."""

    class Nature(models.TextChoices):
        VLS_TS = "VLS_TS", _("Visa de long séjour valant titre de séjour")
        VLS = "VLS", _("Visa de long séjour")
        VLS_T = "VLS_T", _("Visa de long séjour temporaire")
        COURT_SEJOUR = "C", _("Visa de court séjour")
        CST = "CST", _("Carte de séjour temporaire")
        CSP = "CSP", _("Carte de séjour pluriannuelle")
        CRA = "CRA", _("Certificat de résidence algérien")
        CR = "CR", _("Carte de résident")
        APS = "APS", _("Autorisation provisoire de séjour")
        UE = "UE", _("Carte de séjour Citoyen UE/EEE/Suisse")
        RLD_UE = "RLD_UE", _("Carte de résident de longue durée-UE")

    class Motif(models.TextChoices):
        ETUDIANT = "etudiant", _("Étudiant")
        ETUDIANT_ELEVE = "etudiant_eleve", _("Étudiant-élève")
        ETUDIANT_MOBILITE = "etudiant_mobilite", _("Étudiant - programme de mobilité")
        ETUDIANT_CONCOURS = "etudiant_concours", _("Étudiant-concours")
        MINEUR_SCOLARISE = "mineur_scolarise", _("Mineur scolarisé")
        SALARIE = "salarie", _("Salarié")
        VISITEUR = "visiteur", _("Visiteur")
        VIE_PRIVEE = "vie_privee", _("Vie privée et familiale")
        RESIDENT = "resident", _("Résident")
        CITOYEN_UE = "citoyen_ue", _("Citoyen UE/EEE/Suisse")
        CITOYEN_UE_PERMANENT = "citoyen_ue_permanent", _("Citoyen UE/EEE/Suisse – Séjour permanent")

    class Statut(models.TextChoices):
        ACCEPTE = "accepte", _("Accepté")
        RETIRE = "retire", _("Retiré")

    usager = models.ForeignKey(Usager, models.PROTECT, related_name="titres")
    numero = models.CharField("n° du titre ou du visa", max_length=12, unique=True)
    nature = models.CharField(max_length=10, choices=Nature)
    motif = models.CharField(max_length=24, choices=Motif)
    debut = models.DateField()
    fin = models.DateField()
    statut = models.CharField(max_length=10, choices=Statut, default=Statut.ACCEPTE)
    valide_le = models.DateField("VLS-TS : date de validation en ligne", null=True, blank=True)
    origine = models.CharField("n° de la demande qui l'a produit", max_length=19, blank=True)

    class Meta:
        verbose_name = "titre de séjour"
        verbose_name_plural = "titres de séjour"
        ordering = ["-fin", "-debut"]
        constraints = [models.CheckConstraint(name="titre_dates_ordonnees", condition=Q(debut__lte=F("fin")))]

    def __str__(self) -> str:
        return f"titre {self.pk}"

    @property
    def duree(self) -> str:
        """« 1 an », « 18 mois », « 90 jours » : la validité arrondie au mois, bornes comprises."""
        jours = (self.fin - self.debut).days + 1
        mois = round(jours / 30.4375)
        if mois >= 12 and mois % 12 == 0:
            return ngettext("%(n)s an", "%(n)s ans", mois // 12) % {"n": mois // 12}
        if mois >= 4:
            return ngettext("%(n)s mois", "%(n)s mois", mois) % {"n": mois}
        return ngettext("%(n)s jour", "%(n)s jours", jours) % {"n": jours}

    @property
    def est_visa(self) -> bool:
        return self.nature in {self.Nature.VLS_TS, self.Nature.VLS, self.Nature.VLS_T, self.Nature.COURT_SEJOUR}


class Inscription(models.Model):
    """Une demande de création de compte : le compte n'existe qu'une fois le lien utilisé."""

    numero = models.CharField("n° saisi, normalisé", max_length=12)
    debut = models.DateField()
    fin = models.DateField()
    courriel = models.EmailField()
    langue = models.CharField(max_length=5, default="fr")
    nonce = models.CharField(max_length=40, default=nonce)
    creee_le = models.DateTimeField()
    expire_le = models.DateTimeField()
    utilise_le = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "inscription"

    def __str__(self) -> str:
        return f"inscription {self.pk}"


class ChangementCoordonnees(models.Model):
    """Une nouvelle adresse électronique, à confirmer par un lien envoyé à cette adresse ; l'ancienne est avertie."""

    compte = models.ForeignKey(Compte, models.CASCADE, related_name="changements")
    courriel = models.EmailField("nouvelle adresse")
    ancien_courriel = models.EmailField()
    nonce = models.CharField(max_length=40, default=nonce)
    cree_le = models.DateTimeField()
    expire_le = models.DateTimeField()
    confirme_ancien_le = models.DateTimeField("confirmé depuis l'ancienne adresse", null=True, blank=True)
    confirme_nouveau_le = models.DateTimeField("confirmé depuis la nouvelle adresse", null=True, blank=True)
    utilise_le = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "changement de coordonnées"

    def __str__(self) -> str:
        return f"changement de coordonnées {self.pk}"


class Tentative(models.Model):
    """Un essai compté par un frein (`usagers/freins.py`) ; ce qui est visé n'y est gardé qu'en empreinte."""

    frein = models.CharField(max_length=24)
    empreinte = models.CharField("HMAC du numéro, du courriel ou de l'adresse IP", max_length=64)
    le = models.DateTimeField()

    class Meta:
        verbose_name = "tentative"
        indexes = [
            models.Index(fields=["frein", "empreinte", "le"], name="tentative_comptage"),
            models.Index(fields=["le"], name="tentative_purge"),
        ]

    def __str__(self) -> str:
        return f"tentative {self.pk}"


class Commune(models.Model):
    """Une commune et un de ses codes postaux (source et licence : usagers/donnees/README.md)."""

    insee = models.CharField(max_length=5)
    code_postal = models.CharField(max_length=5, db_index=True)
    nom = models.CharField(max_length=100)

    class Meta:
        verbose_name = "commune"
        constraints = [models.UniqueConstraint(fields=["insee", "code_postal"], name="commune_code_postal_unique")]

    def __str__(self) -> str:
        return f"{self.code_postal} {self.nom}"


class AdresseLocale(models.Model):
    """Une adresse de la Base adresse nationale, importée pour la recherche locale."""

    cle = models.CharField("identifiant BAN", max_length=60, unique=True)
    numero = models.CharField("numéro et indice de répétition", max_length=12, blank=True)
    voie = models.CharField(max_length=120)
    code_postal = models.CharField(max_length=5)
    insee = models.CharField(max_length=5)
    commune = models.CharField(max_length=100)
    recherche = models.CharField("texte de recherche, minuscules sans accent", max_length=260)

    class Meta:
        verbose_name = "adresse locale"
        indexes = [GinIndex(OpClass("recherche", name="gin_trgm_ops"), name="adresse_trigrammes")]

    def __str__(self) -> str:
        return f"{self.numero} {self.voie}, {self.code_postal} {self.commune}".strip()
