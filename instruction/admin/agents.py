"""Les droits des agents."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from instruction.admin.base import ReferenceAdmin
from instruction.models import Agent
from instruction.permissions import agent_de, peut_changer_les_references


class AgentForm(forms.ModelForm):
    roles = forms.MultipleChoiceField(
        label=_("rôles"), choices=Agent.Role.choices, widget=forms.CheckboxSelectMultiple, required=False
    )

    class Meta:
        model = Agent
        fields = ["nom", "site", "roles", "actif"]

    def clean(self):
        saisie = super().clean()
        if saisie.get("actif") and not saisie.get("roles"):
            self.add_error(
                "roles", _("Cochez au moins un rôle, ou décochez « actif » si cette personne n'est plus là.")
            )
        return saisie


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

    def construct_change_message(self, request, form, formsets, add=False):
        """Le journal de l'auditeur dit les droits d'avant et ceux d'après."""
        lignes = []
        for nom in form.changed_data:
            avant, apres = (self._en_mots(nom, valeurs.get(nom)) for valeurs in (form.initial, form.cleaned_data))
            lignes.append(f"{form.fields[nom].label} : {avant} → {apres}")
        return " ; ".join(lignes)

    @staticmethod
    def _en_mots(nom: str, valeur) -> str:
        if nom == "roles":
            return ", ".join(str(Agent.Role(role).label) for role in valeur or []) or str(_("aucun"))
        if isinstance(valeur, bool):
            return str(_("oui") if valeur else _("non"))
        return str(getattr(valeur, "pk", valeur))

    def has_module_permission(self, request):
        return peut_changer_les_references(agent_de(request.user))

    def has_view_permission(self, request, obj=None):
        return peut_changer_les_references(agent_de(request.user))

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.compte_id != request.user.pk)
