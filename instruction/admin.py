"""Les données de référence : lues par tout agent, changées par l'administrateur fonctionnel. Aucune demande ici."""

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from dsfr.models import DsfrConfig

from demandes.models import Bareme, PieceReference, Site
from instruction.models import Agent
from instruction.permissions import agent_de, peut_changer_les_references

# Les rôles ne sont pas des groupes, les essais de connexion portent des adresses IP, l'aspect se règle par fichier, les
# clés des seconds facteurs ne se montrent pas.
admin.site.unregister([Group, AccessAttempt, AccessFailureLog, AccessLog, DsfrConfig, StaticDevice, TOTPDevice])
admin.site.disable_action("delete_selected")


class ReferenceAdmin(admin.ModelAdmin):
    """Rien ne se supprime : ce qui n'est plus en vigueur reçoit une date de fin."""

    def has_module_permission(self, request):
        return agent_de(request.user) is not None

    def has_view_permission(self, request, obj=None):
        return agent_de(request.user) is not None

    def has_add_permission(self, request):
        return peut_changer_les_references(agent_de(request.user))

    def has_change_permission(self, request, obj=None):
        return peut_changer_les_references(agent_de(request.user))

    def has_delete_permission(self, request, obj=None):
        return False

    def changelist_view(self, request, extra_context=None):
        titre = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": titre, **(extra_context or {})})


class EnVigueurFilter(admin.SimpleListFilter):
    title = _("en vigueur")
    parameter_name = "en_vigueur"

    def lookups(self, request, model_admin):
        return [("oui", _("aujourd'hui")), ("non", _("chargé, sans date d'effet"))]

    def queryset(self, request, queryset):
        if self.value() == "oui":
            return queryset.en_vigueur(timezone.localdate())
        return queryset.filter(du__isnull=True) if self.value() == "non" else queryset


@admin.register(Bareme)
class BaremeAdmin(ReferenceAdmin):
    list_display = ["code", "du", "au", "valeurs", "source"]
    list_filter = [EnVigueurFilter]
    search_fields = ["code", "source"]
    ordering = ["code", "du"]

    def get_changeform_initial_data(self, request):
        return {"valeurs": {}, **super().get_changeform_initial_data(request)}


@admin.register(PieceReference)
class PieceReferenceAdmin(ReferenceAdmin):
    list_display = ["libelle", "code", "du", "au", "obligatoire", "absence_permise", "fichiers_min", "fichiers_max"]
    list_filter = [EnVigueurFilter, "obligatoire"]
    search_fields = ["code", "libelle"]
    ordering = ["code", "du"]


@admin.register(Site)
class SiteAdmin(ReferenceAdmin):
    list_display = ["code", "departement", "libelle", "courriel", "telephone", "invente"]
    list_filter = ["invente"]
    search_fields = ["code", "departement", "libelle"]

    def get_readonly_fields(self, request, obj=None):
        # Le code d'un site fait le début de chaque n° de demande.
        return ["code"] if obj else []


class AgentForm(forms.ModelForm):
    roles = forms.MultipleChoiceField(
        label=_("rôles"), choices=Agent.Role.choices, widget=forms.CheckboxSelectMultiple, required=False
    )

    class Meta:
        model = Agent
        fields = ["nom", "site", "roles", "actif"]


@admin.register(Agent)
class AgentAdmin(ReferenceAdmin):
    """Les droits des agents. Un compte s'ouvre par `manage.py creer_agent` ; nul ne change ses propres droits."""

    form = AgentForm
    list_display = ["nom", "compte", "site", "roles_en_clair", "actif"]
    list_filter = ["actif"]
    list_select_related = ["compte", "site"]
    search_fields = ["nom", "compte__identifiant"]

    def get_readonly_fields(self, request, obj=None):
        return ["second_facteur"] if settings.SECOND_FACTEUR and obj else []

    @admin.display(description=_("second facteur"))
    def second_facteur(self, agent: Agent) -> str:
        if TOTPDevice.objects.filter(user=agent.compte_id, confirmed=True).exists():
            url = reverse("admin:second_facteur_reinitialiser", args=[agent.pk])
            return format_html('<a href="{}">{}</a>', url, _("Enregistré ; le remettre à zéro (appareil perdu)"))
        return _("Pas encore enregistré")

    @admin.display(description=_("rôles"))
    def roles_en_clair(self, agent: Agent) -> str:
        return ", ".join(str(Agent.Role(role).label) for role in agent.roles)

    def has_module_permission(self, request):
        return peut_changer_les_references(agent_de(request.user))

    def has_view_permission(self, request, obj=None):
        return peut_changer_les_references(agent_de(request.user))

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.compte_id != request.user.pk)
