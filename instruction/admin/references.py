"""Barèmes, motifs, pièces de référence, sites et leurs coordonnées."""

from functools import partial

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import TextField
from django.forms import ModelForm, fields_for_model
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from demandes.journal_des_references import valeurs_en_mots
from demandes.models import Bareme, CoordonneesSite, Site
from instruction.admin.base import DonneeAdmin, EnVigueurFilter, LigneDateeAdmin
from instruction.admin.fichiers import FichiersAdmin
from instruction.forms_references import BaremeForm, LigneDateeForm, MotifForm, formulaire_de_bareme
from instruction.references import a_pris_effet, etat_en_mots

CHAMPS_DES_COORDONNEES = [
    "adresse", "courriel", "telephone", "horaires", "information", "information_en", "consigne_retrait",
]  # fmt: skip

# Quelques lignes suffisent à ce qu'un site fait savoir.
TEXTES_COURTS = DonneeAdmin.formfield_overrides | {TextField: {"widget": AdminTextareaWidget({"rows": 3})}}


class BaremeAdmin(FichiersAdmin, LigneDateeAdmin):
    """Un barème ne s'ajoute pas : l'application lit ceux qu'elle connaît. Sa ligne suivante naît d'un remplacement."""

    form = BaremeForm
    list_display = ["code", "du", "au", "en_bref", "source"]
    search_fields = ["code", "source"]
    figes = ("valeurs_lues",)

    def has_add_permission(self, request):
        return False

    def get_fields(self, request, obj=None):
        if not self._se_saisit(request, obj):
            return ["code", "du", "au", "valeurs_lues", "source"]
        return ["code", "du", "au", *formulaire_de_bareme(obj.valeurs).declared_fields, "source"]

    def get_form(self, request, obj=None, change=False, **kwargs):
        if self._se_saisit(request, obj):
            kwargs["form"] = formulaire_de_bareme(obj.valeurs)
        return super().get_form(request, obj, change, **kwargs)

    def _se_saisit(self, request, obj) -> bool:
        return (
            obj is not None and self.has_change_permission(request) and not a_pris_effet(obj, jour=timezone.localdate())
        )

    def formulaire_de_remplacement(self, request, ancienne):
        return super().formulaire_de_remplacement(request, ancienne, form=formulaire_de_bareme(ancienne.valeurs))

    @admin.display(description=_("valeurs"))
    def valeurs_lues(self, bareme: Bareme) -> str:
        return valeurs_en_mots(bareme.valeurs)

    @admin.display(description=_("valeurs"))
    def en_bref(self, bareme: Bareme) -> str:
        return Truncator(valeurs_en_mots(bareme.valeurs)).chars(80)


class MotifAdmin(FichiersAdmin, LigneDateeAdmin):
    """Les raisons que les agents cochent. Les pages qui les proposent relisent la table à chaque affichage."""

    form = MotifForm
    list_display = ["libelle", "code", "du", "au", "ordre"]
    list_filter = ["nature", EnVigueurFilter]
    search_fields = ["code", "libelle", "texte"]
    ordering = ["nature", "ordre", "code", "-du"]
    identite = ("nature", "code")

    def get_form(self, request, obj=None, change=False, **kwargs):
        if obj is not None:
            kwargs.setdefault("form", LigneDateeForm)
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request, obj=None):
        identite = ["nature", "code"] if obj else ["liste", "suite"]
        return [*identite, "du", "au", "ordre", "libelle", "texte", "texte_en", "source"]

    def formulaire_de_remplacement(self, request, ancienne):
        return super().formulaire_de_remplacement(request, ancienne, form=LigneDateeForm)


class PieceReferenceAdmin(LigneDateeAdmin):
    """Une pièce ne s'ajoute pas : la condition qui l'appelle est dans la démarche."""

    form = LigneDateeForm
    list_display = ["libelle", "code", "du", "au", "obligatoire", "absence_permise", "fichiers_min", "fichiers_max"]
    list_filter = [EnVigueurFilter, "obligatoire"]
    search_fields = ["code", "libelle"]

    def has_add_permission(self, request):
        return False


class SiteAdmin(DonneeAdmin):
    """Un site naît avec ses coordonnées ; ensuite, elles ont leurs propres lignes, datées."""

    list_display = ["code", "departement", "libelle", "ferme_le"]
    list_filter = [("ferme_le", admin.EmptyFieldListFilter)]
    search_fields = ["code", "departement", "libelle"]
    fields = ["code", "departement", "libelle", "ferme_le"]
    change_form_template = "admin/demandes/site.html"
    formfield_overrides = TEXTES_COURTS
    ecrits_avec = (CoordonneesSite,)

    def get_readonly_fields(self, request, obj=None):
        # Le code d'un site fait le début de chaque n° de demande.
        return ["code"] if obj else []

    def get_fieldsets(self, request, obj=None):
        if obj:
            return super().get_fieldsets(request, obj)
        coordonnees = (_("Coordonnées, dès aujourd'hui"), {"fields": CHAMPS_DES_COORDONNEES})
        return [(None, {"fields": self.fields}), coordonnees]

    def get_form(self, request, obj=None, change=False, **kwargs):
        if obj is None:
            en_champ = partial(self.formfield_for_dbfield, request=request)
            champs = fields_for_model(CoordonneesSite, CHAMPS_DES_COORDONNEES, formfield_callback=en_champ)
            kwargs["form"] = type("NouveauSiteForm", (ModelForm,), champs)
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            valeurs = {nom: form.cleaned_data[nom] for nom in CHAMPS_DES_COORDONNEES}
            CoordonneesSite.objects.create(site=obj, du=timezone.localdate(), **valeurs)
        jour = obj.ferme_le
        if jour and not Site.objects.filter(departement=obj.departement).ouverts(jour).exists():
            phrase = _("Plus aucun site ouvert dans le département %(departement)s : les dépôts y seront refusés.")
            messages.warning(request, phrase % {"departement": obj.departement})

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj:
            jour = timezone.localdate()
            montrees = obj.coordonnees_du_jour
            context["lignes"] = [
                (ligne, etat_en_mots(ligne, jour=jour), ligne == montrees, a_pris_effet(ligne, jour=jour))
                for ligne in obj.coordonnees.all()
            ]
        return super().render_change_form(request, context, add, change, form_url, obj)


class CoordonneesSiteAdmin(LigneDateeAdmin):
    """Une faute se corrige aussitôt ; un déménagement se prépare par un remplacement, ou une ligne de plus."""

    form = LigneDateeForm
    list_display = ["site", "du", "au", "adresse", "telephone", "invente"]
    list_filter = [EnVigueurFilter, "invente"]
    search_fields = ["site__code", "site__departement", "site__libelle", "adresse"]
    ordering = CoordonneesSite._meta.ordering
    fields = ["site", "du", "au", *CHAMPS_DES_COORDONNEES, "invente"]
    formfield_overrides = TEXTES_COURTS
    identite = ("site",)
    change_form_template = "admin/demandes/coordonnees.html"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("site")

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if obj.invente and set(form.changed_data) & {"adresse", "courriel", "telephone"}:
            messages.info(
                request, _("Ces coordonnées restent marquées inventées : décochez la case quand elles sont sûres.")
            )
