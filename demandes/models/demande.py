"""La demande, ce qui y est saisi, ce qui est figé au dépôt, ce qui est décidé."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q

from demandes.etats import ETATS_A_INSTRUIRE, ETATS_ACTIFS, ETATS_EN_REMISE, JALONS, TRANSITIONS, Etat
from demandes.models.journal import Evenement
from demandes.models.reference import Site
from documents.models import Document, Fichier
from usagers.models import Compte, TitreSejour, Usager


class TransitionInterdite(Exception):
    """Le passage demandé n'est pas dans la table des états."""

    def __init__(self, avant: str, apres: str):
        super().__init__(f"{avant} → {apres}")
        self.avant, self.apres = avant, apres


class Demande(models.Model):
    usager = models.ForeignKey(Usager, models.PROTECT, related_name="demandes")
    demarche = models.CharField("code de la démarche", max_length=30)
    cas = models.CharField("situation de départ (domaine §1)", max_length=30)
    objet = models.CharField("ce qui est demandé : une seule demande active par objet", max_length=30)
    titre_de_depart = models.ForeignKey(TitreSejour, models.PROTECT, null=True, blank=True, related_name="demandes")
    ouverte_par = models.ForeignKey(Compte, models.PROTECT, related_name="+")
    ouverte_le = models.DateTimeField()
    modifiee_le = models.DateTimeField("dernier enregistrement de la saisie")
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="demandes")
    etat = models.CharField(max_length=20, choices=Etat, default=Etat.BROUILLON)
    version = models.PositiveIntegerField(default=0)
    numero = models.CharField("n° de demande, 19 chiffres", max_length=19, unique=True, null=True, blank=True)
    deposee_le = models.DateTimeField(null=True, blank=True)
    decidee_le = models.DateTimeField(null=True, blank=True)
    fin_de_droits = models.DateField(null=True, blank=True)
    echeance_legale = models.DateField("date de la décision implicite", null=True, blank=True)
    hors_delai = models.BooleanField(default=False)
    complete_au_depot = models.BooleanField(default=False)
    completude_constatee_le = models.DateTimeField("complétude constatée par un agent", null=True, blank=True)
    rappel_demande_le = models.DateTimeField("rappel d'ouverture du dépôt demandé", null=True, blank=True)
    agent = models.ForeignKey(Compte, models.PROTECT, null=True, blank=True, related_name="dossiers")
    observations = models.TextField("observations à destination de l'administration", blank=True)
    recherche = models.TextField("noms et numéros, minuscules sans accent", blank=True, default="")

    # Le droit du jour déjà lu pour cet objet (`demandes.droit.Droit`) : une écriture ne le fait pas relire.
    droit_lu = None

    class Meta:
        verbose_name = "demande"
        constraints = [
            models.CheckConstraint(name="demande_etat_connu", condition=Q(etat__in=Etat.values)),
            models.CheckConstraint(
                name="demande_numero_et_depot",
                condition=Q(numero__isnull=True, deposee_le__isnull=True)
                | Q(numero__isnull=False, deposee_le__isnull=False),
            ),
            models.CheckConstraint(
                name="demande_numero_bien_forme", condition=Q(numero__isnull=True) | Q(numero__regex=r"^\d{19}$")
            ),
            models.UniqueConstraint(
                fields=["usager", "objet"], name="une_demande_active_par_objet", condition=Q(etat__in=ETATS_ACTIFS)
            ),
        ]
        indexes = [
            models.Index(
                F("site"), F("fin_de_droits"), F("echeance_legale"), F("deposee_le"), F("id"),
                name="demande_file", condition=Q(etat__in=ETATS_A_INSTRUIRE),
            ),
            models.Index(
                F("site"), F("etat"), F("fin_de_droits"), F("echeance_legale"), F("deposee_le"), F("id"),
                name="demande_onglets", condition=Q(etat__in=ETATS_A_INSTRUIRE),
            ),
            models.Index(
                F("site"), F("decidee_le").desc(), F("id").desc(),
                name="demande_decidees", condition=Q(decidee_le__isnull=False),
            ),
            models.Index(
                F("site"), F("decidee_le").desc(), F("id").desc(),
                name="demande_a_remettre", condition=Q(etat__in=ETATS_EN_REMISE),
            ),
            # Les chiffres du service : combien, et depuis quand, sans lire les dossiers eux-mêmes.
            models.Index(
                fields=["site", "demarche", "etat", "deposee_le"],
                name="demande_stock", condition=Q(etat__in=(*ETATS_A_INSTRUIRE, *ETATS_EN_REMISE)),
            ),
            models.Index(
                F("site"), F("agent"), F("fin_de_droits"), F("echeance_legale"), F("deposee_le"), F("id"),
                name="demande_de_l_agent", condition=Q(etat__in=ETATS_A_INSTRUIRE),
            ),
            models.Index(
                F("site"), F("echeance_legale"), F("fin_de_droits"), F("deposee_le"), F("id"),
                name="demande_echeances", condition=Q(etat__in=ETATS_A_INSTRUIRE),
            ),
            models.Index(
                F("site"), F("deposee_le").desc(), F("id").desc(),
                name="demande_du_site", condition=Q(deposee_le__isnull=False),
            ),
            models.Index(
                F("site"), F("etat"), F("deposee_le").desc(), F("id").desc(),
                name="demande_par_etat", condition=Q(deposee_le__isnull=False),
            ),
            GinIndex(F("site"), OpClass("recherche", name="gin_trgm_ops"), name="demande_recherche"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.numero or f"brouillon {self.pk}"

    @property
    def est_brouillon(self) -> bool:
        return self.etat == Etat.BROUILLON

    @property
    def jalon(self) -> int:
        return JALONS.get(Etat(self.etat), 0)

    def passer_a(
        self, etat: Etat, *, par: Compte | None, le, document=None, notification=None, codes: dict | None = None
    ) -> Evenement:
        """Seule écriture de `etat` : vérifie la table, enregistre la demande et ajoute la ligne du journal.

        L'appelant tient le verrou de la ligne. Lève `TransitionInterdite`.
        """
        avant = Etat(self.etat)
        if etat not in TRANSITIONS[avant]:
            raise TransitionInterdite(avant, etat)
        self.etat = etat
        self.version += 1
        self.save()
        return Evenement.objects.create(
            usager=self.usager, demande=self, nature=Evenement.Nature.TRANSITION, avant=avant, apres=etat,
            par=par, le=le, document=document, notification=notification, codes=codes or {},
        )  # fmt: skip


class Saisie(models.Model):
    """Une étape du parcours : ce qui est tapé (`brouillon`) et ce qui est validé (`reponses`), tous deux bruts."""

    demande = models.ForeignKey(Demande, models.CASCADE, related_name="saisies")
    etape = models.CharField(max_length=30)
    brouillon = models.JSONField("nom du champ → liste de textes", null=True, blank=True)
    reponses = models.JSONField("nom du champ → liste de textes", null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    enregistree_le = models.DateTimeField(null=True, blank=True)
    validee_le = models.DateTimeField(null=True, blank=True)
    relue_le = models.DateTimeField("partie validée au récapitulatif", null=True, blank=True)

    class Meta:
        verbose_name = "saisie"
        constraints = [models.UniqueConstraint(fields=["demande", "etape"], name="une_saisie_par_etape")]

    def __str__(self) -> str:
        return f"{self.etape} de la demande {self.demande_id}"


class Instantane(models.Model):
    """Ce que la demande contenait à un instant qui compte ; vidé à l'effacement, jamais modifié."""

    class Cause(models.TextChoices):
        DEPOT = "depot", "dépôt"
        COMPLEMENT = "complement", "complément"
        RECTIFICATION = "rectification", "rectification"
        REOUVERTURE = "reouverture", "réouverture"

    demande = models.ForeignKey(Demande, models.PROTECT, related_name="instantanes")
    rang = models.PositiveSmallIntegerField()
    cause = models.CharField(max_length=15, choices=Cause)
    contenu = models.JSONField()
    empreinte = models.CharField("SHA-256 du contenu", max_length=64)
    le = models.DateTimeField()
    par = models.ForeignKey(Compte, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "instantané"
        constraints = [models.UniqueConstraint(fields=["demande", "rang"], name="un_instantane_par_rang")]

    def __str__(self) -> str:
        return f"instantané {self.rang} de la demande {self.demande_id}"


class Decision(models.Model):
    class Sens(models.TextChoices):
        FAVORABLE = "favorable", "favorable"
        DEFAVORABLE = "defavorable", "défavorable"

    demande = models.ForeignKey(Demande, models.PROTECT, related_name="decisions")
    sens = models.CharField(max_length=12, choices=Sens)
    titre = models.CharField("code du titre accordé", max_length=20, blank=True)
    mention = models.CharField(max_length=120, blank=True)
    du = models.DateField(null=True, blank=True)
    au = models.DateField(null=True, blank=True)
    taxe = models.DecimalField(
        "montant dû à la remise, en euros", max_digits=7, decimal_places=2, null=True, blank=True
    )
    motifs = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, verbose_name="motifs codés de l'avis"
    )
    avis = models.TextField("avis motivé de l'instructeur, interne", blank=True)
    fichier = models.ForeignKey(
        Fichier, models.PROTECT, null=True, blank=True, related_name="decisions", verbose_name="refus de la préfecture"
    )
    document = models.ForeignKey(Document, models.PROTECT, null=True, blank=True, related_name="decisions")
    proposee_par = models.ForeignKey(Compte, models.PROTECT, related_name="+")
    proposee_le = models.DateTimeField()
    visee_par = models.ForeignKey(Compte, models.PROTECT, null=True, blank=True, related_name="+")
    visee_le = models.DateTimeField(null=True, blank=True)
    signee_par = models.ForeignKey(Compte, models.PROTECT, null=True, blank=True, related_name="+")
    signee_le = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "décision"
        constraints = [
            models.CheckConstraint(
                name="decision_favorable_complete",
                condition=~Q(sens="favorable")
                | Q(du__isnull=False, au__isnull=False, taxe__isnull=False, du__lte=F("au")) & ~Q(titre=""),
            ),
            models.CheckConstraint(
                name="decision_defavorable_a_quatre_yeux",
                condition=~Q(sens="defavorable") | Q(signee_par__isnull=True) | ~Q(signee_par=F("proposee_par")),
            ),
            models.CheckConstraint(
                name="decision_visee_par_une_autre_personne",
                condition=Q(visee_par__isnull=True, visee_le__isnull=True)
                | Q(visee_le__isnull=False) & ~Q(visee_par=F("proposee_par")),
            ),
        ]

    def __str__(self) -> str:
        return f"décision {self.pk}"


class ClotureQuerySet(models.QuerySet):
    def proposees(self):
        """Celles qui attendent une seconde personne : une par demande au plus."""
        return self.filter(decidee_le__isnull=True, ecartee_le__isnull=True)


class Cloture(models.Model):
    """Clore sans décider : proposée par une personne, décidée ou écartée ensuite par une autre ; jamais d'office."""

    SANS_REPONSE = "cloture.sans_reponse"

    demande = models.ForeignKey(Demande, models.PROTECT, related_name="clotures")
    motif = models.CharField("code du motif", max_length=60)
    texte = models.TextField("explication écrite à la personne")
    proposee_par = models.ForeignKey(Compte, models.PROTECT, related_name="+")
    proposee_le = models.DateTimeField()
    decidee_par = models.ForeignKey(Compte, models.PROTECT, null=True, blank=True, related_name="+")
    decidee_le = models.DateTimeField(null=True, blank=True)
    ecartee_le = models.DateTimeField(null=True, blank=True)

    objects = ClotureQuerySet.as_manager()

    class Meta:
        verbose_name = "clôture"
        constraints = [
            models.UniqueConstraint(
                fields=["demande"],
                name="une_cloture_proposee_par_demande",
                condition=Q(decidee_le__isnull=True, ecartee_le__isnull=True),
            ),
            models.CheckConstraint(
                name="cloture_decidee_par_une_autre_personne",
                condition=Q(decidee_par__isnull=True, decidee_le__isnull=True)
                | Q(decidee_le__isnull=False) & ~Q(decidee_par=F("proposee_par")),
            ),
        ]

    def __str__(self) -> str:
        return f"clôture {self.pk}"
