"""Les agents, et ce que leur travail garde à part des demandes : actes en attente, notes, lectures, lots."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from demandes.models import Demande, PieceJointe, Site
from documents.models import Fichier
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


class ActeDiffere(models.Model):
    """Un acte signé dont l'heure n'est pas venue : rien d'autre n'existe encore, l'annuler n'efface donc rien."""

    demande = models.ForeignKey(Demande, models.PROTECT, related_name="actes_differes")
    geste = models.CharField(max_length=30)
    saisie = models.JSONField("ce que l'acte écrira", default=dict)
    version = models.PositiveIntegerField("version de la demande que le signataire a lue")
    par = models.ForeignKey(Agent, models.PROTECT, related_name="actes_differes")
    signe_le = models.DateTimeField()
    a_executer_le = models.DateTimeField()
    execute_le = models.DateTimeField(null=True, blank=True)
    annule_le = models.DateTimeField(null=True, blank=True)
    annule_par = models.ForeignKey(Agent, models.PROTECT, null=True, blank=True, related_name="+")
    echec = models.CharField("pourquoi l'acte n'a pas pu se faire (code)", max_length=60, blank=True)

    class Meta:
        verbose_name = "acte différé"
        verbose_name_plural = "actes différés"
        constraints = [
            models.UniqueConstraint(
                fields=["demande"],
                name="un_acte_differe_par_demande",
                condition=Q(execute_le__isnull=True, annule_le__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["a_executer_le"],
                name="acte_differe_a_executer",
                condition=Q(execute_le__isnull=True, annule_le__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.geste} de la demande {self.demande_id}"

    @property
    def est_en_attente(self) -> bool:
        return self.execute_le is None and self.annule_le is None


class AccesExceptionnel(models.Model):
    """Un agent ouvre un dossier d'un autre site, pour une raison écrite et un temps borné."""

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="acces_exceptionnels")
    demande = models.ForeignKey(Demande, models.PROTECT, related_name="+")
    motif = models.TextField()
    ouvert_le = models.DateTimeField()
    expire_le = models.DateTimeField()

    class Meta:
        verbose_name = "accès exceptionnel"
        verbose_name_plural = "accès exceptionnels"
        indexes = [models.Index(fields=["agent", "demande", "expire_le"], name="acces_exceptionnel_ouvert")]

    def __str__(self) -> str:
        return f"accès exceptionnel {self.pk}"


class Consultation(models.Model):
    """Une lecture, un téléchargement ou un export, à part du journal des actes ; ajout seul, par déclencheur."""

    class Nature(models.TextChoices):
        DOSSIER = "dossier", _("dossier lu")
        PIECE = "piece", _("pièce lue")
        DOCUMENT = "document", _("document lu")
        TELECHARGEMENT = "telechargement", _("original téléchargé")
        EXPORT = "export", _("export")

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="consultations")
    demande = models.ForeignKey(Demande, models.PROTECT, null=True, blank=True, related_name="consultations")
    nature = models.CharField(max_length=15, choices=Nature)
    objet = models.CharField("pièce, document ou filtres, en codes", max_length=200, blank=True)
    acces = models.ForeignKey(AccesExceptionnel, models.PROTECT, null=True, blank=True, related_name="consultations")
    le = models.DateTimeField()

    class Meta:
        verbose_name = "consultation"
        ordering = ["le", "pk"]
        indexes = [
            BrinIndex(fields=["le"], name="consultation_le"),
            models.Index(fields=["demande", "le"], name="consultation_demande"),
        ]

    def __str__(self) -> str:
        return f"consultation {self.pk}"


class Export(models.Model):
    """Une part du journal en CSV, demandée par un auditeur : faite en arrière-plan, gardée quelques jours."""

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="exports")
    journal = models.CharField(max_length=15)
    filtres = models.JSONField("ceux de l'écran, en codes", default=dict)
    demande_le = models.DateTimeField()
    bail = models.DateTimeField("pris jusqu'à", null=True, blank=True)
    fini_le = models.DateTimeField(null=True, blank=True)
    lignes = models.PositiveIntegerField(null=True, blank=True)
    fichier = models.ForeignKey(Fichier, models.PROTECT, null=True, blank=True, related_name="exports")

    class Meta:
        verbose_name = "export"
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["demande_le"], name="export_a_faire", condition=Q(fini_le__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"


class NoteInterne(models.Model):
    """Ce que les agents s'écrivent sur un dossier ; jamais visible de l'usager, ni modifiable."""

    demande = models.ForeignKey(Demande, models.PROTECT, related_name="notes")
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="notes")
    texte = models.TextField()
    le = models.DateTimeField()

    class Meta:
        verbose_name = "note interne"
        verbose_name_plural = "notes internes"
        ordering = ["le", "pk"]

    def __str__(self) -> str:
        return f"note {self.pk}"


class ControlePiece(models.Model):
    """Ce qu'un agent a relevé d'un fichier déposé : la date qui y est écrite, et qu'il l'a vérifié."""

    piece = models.OneToOneField(PieceJointe, models.PROTECT, related_name="controle")
    datee_du = models.DateField(null=True, blank=True)
    verifiee = models.BooleanField("vérifiée", default=False)
    par = models.ForeignKey(Agent, models.PROTECT, related_name="+")
    le = models.DateTimeField()

    class Meta:
        verbose_name = "contrôle d'une pièce"
        verbose_name_plural = "contrôles de pièces"

    def __str__(self) -> str:
        return f"contrôle {self.pk}"


class FiltreEnregistre(models.Model):
    """Une liste que l'agent retrouve : un nom, et la fin d'adresse de la file."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="filtres")
    nom = models.CharField(max_length=60)
    parametres = models.TextField()

    class Meta:
        verbose_name = "filtre enregistré"
        verbose_name_plural = "filtres enregistrés"
        ordering = ["nom"]
        constraints = [models.UniqueConstraint(fields=["agent", "nom"], name="un_filtre_par_nom")]

    def __str__(self) -> str:
        return self.nom


class Lot(models.Model):
    """Un même acte sur plusieurs dossiers, en arrière-plan ; jamais un refus ni une clôture."""

    geste = models.CharField(max_length=30)
    saisie = models.JSONField(default=dict)
    cle = models.CharField("clé de la page de confirmation : un second clic rend le même lot", max_length=32)
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="lots")
    cree_le = models.DateTimeField()
    fini_le = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "lot"
        ordering = ["-cree_le"]
        constraints = [models.UniqueConstraint(fields=["agent", "cle"], name="un_lot_par_confirmation")]

    def __str__(self) -> str:
        return f"lot {self.pk}"


class LotLigne(models.Model):
    class Etat(models.TextChoices):
        A_FAIRE = "a_faire", _("à faire")
        FAIT = "fait", _("fait")
        REFUSE = "refuse", _("refusé")

    lot = models.ForeignKey(Lot, models.CASCADE, related_name="lignes")
    demande = models.ForeignKey(Demande, models.PROTECT, related_name="+")
    version = models.PositiveIntegerField()
    etat = models.CharField(max_length=8, choices=Etat, default=Etat.A_FAIRE)
    resultat = models.CharField("code du résultat", max_length=60, blank=True)
    fait_le = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "ligne de lot"
        verbose_name_plural = "lignes de lot"
        constraints = [models.UniqueConstraint(fields=["lot", "demande"], name="une_ligne_par_dossier")]

    def __str__(self) -> str:
        return f"ligne {self.pk} du lot {self.lot_id}"


class ReleveQuotidien(models.Model):
    """Ce que le journal dit d'un jour, d'un site et d'une démarche, compté d'avance ; se refait à volonté."""

    class Mesure(models.TextChoices):
        """Ce qui se compte en plus des entrées dans un état, dont la mesure est le code de l'état."""

        AVEC_COMPLEMENT = "avec_complement", _("décidée après un complément")
        EVITEE_PROLONGATION = "evitee_prolongation", _("rupture évitée par une prolongation")
        EVITEE_DECISION = "evitee_decision", _("rupture évitée par une décision")
        SUBIE = "subie", _("rupture subie")

    jour = models.DateField(db_index=True)
    site = models.ForeignKey(Site, models.PROTECT, db_index=False, related_name="+")
    demarche = models.CharField("code de la démarche", max_length=30)
    mesure = models.CharField("code d'un état, ou de `Mesure`", max_length=20)
    nombre = models.PositiveIntegerField()
    delais = ArrayField(
        models.PositiveIntegerField(), default=list, blank=True,
        verbose_name="d'une décision : les jours écoulés depuis chaque dépôt",
    )  # fmt: skip
    releve_le = models.DateTimeField()

    class Meta:
        verbose_name = "relevé quotidien"
        verbose_name_plural = "relevés quotidiens"
        constraints = [
            models.UniqueConstraint(fields=["site", "jour", "demarche", "mesure"], name="un_releve_par_jour_et_mesure")
        ]

    def __str__(self) -> str:
        return f"{self.mesure} du {self.jour:%d/%m/%Y} à {self.site_id}"
