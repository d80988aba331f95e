"""Ce que les données de référence ont en commun : qui les change, leur journal, et la règle des lignes datées."""

import copy
from contextlib import nullcontext

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import F, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from demandes.journal_des_references import ecarts_en_mots, jour_en_mots, modifier
from demandes.models import Changement
from instruction.permissions import agent_de, peut_changer_les_references
from instruction.references import FIGES, a_pris_effet, est_finie, finir_avant

CHANGEMENTS_MONTRES = 100


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

    def change_view(self, request, object_id, form_url="", extra_context=None):
        titre = capfirst(self.opts.verbose_name)
        return super().change_view(request, object_id, form_url, {"title": titre, **(extra_context or {})})


class DonneeAdmin(ReferenceAdmin):
    """Une donnée de référence : ses changements vont au journal de l'auditeur, avant et après."""

    # Les autres tables que l'enregistrement écrit.
    ecrits_avec: tuple[type[models.Model], ...] = ()
    formfield_overrides = {
        models.DateField: {
            "widget": forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        },
    }  # fmt: skip

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        modeles = (self.model, *self.ecrits_avec)
        with modifier(*modeles, par=request.user) if request.method == "POST" else nullcontext():
            return super().changeform_view(request, object_id, form_url, extra_context)

    def log_addition(self, request, obj, message):
        """`modifier` l'a noté, avec les valeurs."""

    def log_change(self, request, obj, message):
        """`modifier` l'a noté, avec les valeurs."""

    def history_view(self, request, object_id, extra_context=None):
        objet = self.get_object(request, unquote(object_id))
        if objet is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        changements = Changement.objects.filter(modele=self.opts.label_lower, cle=str(objet.pk))
        lignes = [
            (changement, ecarts_en_mots(changement, self.model))
            for changement in changements.select_related("par__agent").order_by("-pk")[:CHANGEMENTS_MONTRES]
        ]
        contexte = self._contexte(request, objet, _("Historique"), lignes=lignes)
        return TemplateResponse(request, "admin/demandes/object_history.html", contexte)

    def _contexte(self, request, objet, titre, **contexte) -> dict:
        return {
            **self.admin_site.each_context(request), "title": titre, "subtitle": str(objet) if objet else None,
            "opts": self.opts, "object": objet, "media": self.media, **contexte,
        }  # fmt: skip


class EnVigueurFilter(admin.SimpleListFilter):
    title = _("en vigueur")
    parameter_name = "en_vigueur"

    def lookups(self, request, model_admin):
        return [
            ("oui", _("aujourd'hui")),
            ("bientot", _("à venir")),
            ("finie", _("finie")),
            ("non", _("chargé, sans date d'effet")),
        ]

    def queryset(self, request, queryset):
        jour = timezone.localdate()
        if self.value() == "oui":
            return queryset.en_vigueur(jour)
        filtres = {"bientot": Q(du__gt=jour), "finie": Q(au__lt=jour), "non": Q(du__isnull=True)}
        return queryset.filter(filtres[self.value()]) if self.value() in filtres else queryset


class LigneDateeAdmin(DonneeAdmin):
    """Une ligne qui a pris effet garde ses valeurs ; un bouton la remplace à partir d'un jour à venir."""

    list_filter = [EnVigueurFilter]
    ordering = ["code", F("du").desc(nulls_first=True)]
    change_form_template = "admin/demandes/ligne_datee.html"
    # Ce qui nomme la ligne, et n'a jamais changé.
    identite: tuple[str, ...] = ("code",)

    def get_urls(self):
        nom = f"{self.opts.app_label}_{self.opts.model_name}_remplacer"
        vue = self.admin_site.admin_view(self.remplacer_view)
        return [path("<path:object_id>/remplacer/", vue, name=nom), *super().get_urls()]

    def get_readonly_fields(self, request, obj=None):
        jour = timezone.localdate()
        if obj is None:
            return []
        if not a_pris_effet(obj, jour=jour):
            return [*self.identite]
        return [*self.identite, "du", *(["au"] if est_finie(obj, jour=jour) else []), *self.figes]

    @property
    def figes(self) -> tuple[str, ...]:
        return FIGES[self.model]

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj and self.has_change_permission(request) and a_pris_effet(obj, jour=timezone.localdate()):
            context["figee_depuis"] = obj.du
            context["url_remplacer"] = self._url("remplacer", obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _url(self, nom: str, *objets) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{nom}", args=[o.pk for o in objets])

    # --- Remplacer à partir du … ---
    def formulaire_de_remplacement(self, request, ancienne, **options):
        return self.get_form(request, None, fields=None, exclude=[*self.identite], **options)

    def remplacer_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Finit la ligne la veille et écrit la suivante, ensemble ou pas du tout."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        with modifier(self.model, par=request.user) if request.method == "POST" else nullcontext():
            ancienne = self.get_object(request, unquote(object_id))
            if ancienne is None:
                raise Http404
            if not a_pris_effet(ancienne, jour=timezone.localdate()):
                messages.info(request, _("Cette ligne n'a pas encore pris effet : elle se change directement."))
                return redirect(self._url("change", ancienne))
            form = self._formulaire(request, ancienne)
            if request.method == "POST" and form.is_valid():
                if finir_avant(ancienne, form.instance.du):
                    ancienne.save()
                nouvelle = form.save(commit=False)
                self.save_model(request, nouvelle, form, change=False)
                phrase = _("La nouvelle ligne vaut à partir du %(du)s ; l'ancienne finit le %(au)s.") % {
                    "du": jour_en_mots(nouvelle.du), "au": jour_en_mots(ancienne.au),
                }  # fmt: skip
                messages.success(request, phrase)
                return redirect(self._url("change", nouvelle))
        return self._page_de_remplacement(request, ancienne, form)

    def _formulaire(self, request, ancienne):
        suivante = copy.copy(ancienne)
        suivante.pk, suivante._state = None, type(ancienne._state)()
        suivante.du = None
        if est_finie(ancienne, jour=timezone.localdate()):
            suivante.au = None
        form = self.formulaire_de_remplacement(request, ancienne)(
            request.POST if request.method == "POST" else None, instance=suivante
        )
        form.remplace = ancienne
        form.fields["du"].required = True
        form.fields["du"].label = _("À partir du")
        form.fields["du"].help_text = _("Demain au plus tôt. La ligne actuelle finit la veille.")
        form.fields["du"].error_messages["required"] = _("Donnez le jour à partir duquel la nouvelle ligne vaut.")
        return form

    def _page_de_remplacement(self, request, ancienne, form) -> HttpResponse:
        champs = sorted(form.fields, key=lambda nom: nom == "source")
        page = AdminForm(form, [(None, {"fields": champs})], {}, model_admin=self)
        erreurs = AdminErrorList(form, [])
        contexte = self._contexte(
            request, ancienne, _("Remplacer à partir d'un jour à venir"), adminform=page, errors=erreurs,
            media=self.media + page.media,
        )  # fmt: skip
        return TemplateResponse(
            request, "admin/demandes/remplacer.html", contexte, status=422 if request.method == "POST" else 200
        )
