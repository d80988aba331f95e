"""Exporter et importer une liste : le fichier est lu, montré, écrit d'un coup ; il ne revient pas du navigateur."""

import secrets

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from instruction.fichiers_de_reference import (
    LIGNES_MAX,
    POIDS_MAX,
    Entree,
    Faute,
    FichierIllisible,
    en_csv,
    en_json,
    lire,
)
from instruction.import_de_reference import BaseChangee, empreinte, importer, preparer

FORMES = {"csv": (en_csv, "text/csv; charset=utf-8"), "json": (en_json, "application/json")}
# Au-delà, l'écran compte au lieu de nommer.
MONTREES = 200


class FichierForm(forms.Form):
    fichier = forms.FileField(
        label=_("Fichier CSV ou JSON"),
        max_length=150,
        help_text=_("En UTF-8, 1 Mo et 5 000 lignes au plus. Partez d'un export : les colonnes y sont."),
        widget=forms.FileInput({"accept": ".csv,.json"}),
        error_messages={
            "required": _("Choisissez un fichier."),
            "empty": _("Le fichier est vide."),
            "max_length": _("Le nom du fichier est trop long : 150 caractères au plus."),
        },
    )

    def clean_fichier(self):
        fichier = self.cleaned_data["fichier"]
        if fichier.size > POIDS_MAX:
            raise forms.ValidationError(_("Le fichier dépasse 1 Mo : coupez-le en plusieurs."))
        return fichier


class FichiersAdmin:
    """À mêler à un `LigneDateeAdmin`."""

    change_list_template = "admin/demandes/liste_a_fichiers.html"

    def get_urls(self):
        debut, vue = f"{self.opts.app_label}_{self.opts.model_name}", self.admin_site.admin_view
        ecrire, lire_et_montrer = require_safe(self.exporter_view), require_http_methods(["GET", "HEAD", "POST"])
        return [
            path("exporter/<str:forme>/", vue(ecrire), name=f"{debut}_exporter"),
            path("importer/", vue(lire_et_montrer(self.importer_view)), name=f"{debut}_importer"),
            path("importer/apercu/", vue(lire_et_montrer(self.apercu_view)), name=f"{debut}_apercu"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        peut_importer = self.has_change_permission(request)
        return super().changelist_view(request, {"peut_importer": peut_importer, **(extra_context or {})})

    # --- Exporter ---
    def exporter_view(self, request: HttpRequest, forme: str) -> HttpResponse:
        if forme not in FORMES:
            raise Http404
        ecrire, type_mime = FORMES[forme]
        nom = f"{self.opts.model_name}s-{timezone.localdate():%Y-%m-%d}.{forme}"
        entetes = {"Content-Disposition": f'attachment; filename="{nom}"'}
        return HttpResponse(ecrire(self.model), content_type=type_mime, headers=entetes)

    # --- Importer ---
    @property
    def _cle(self) -> str:
        return f"import_{self.opts.model_name}"

    def importer_view(self, request: HttpRequest) -> HttpResponse:
        """Oublie le fichier d'avant, lit celui-ci ; sans faute, le garde dans la session et mène à l'aperçu."""
        self._exiger_le_droit(request)
        request.session.pop(self._cle, None)
        form = FichierForm(request.POST, request.FILES) if request.method == "POST" else FichierForm()
        fautes: list[Faute] = []
        if form.is_valid():
            fichier = form.cleaned_data["fichier"]
            try:
                entrees, fautes = lire(fichier.read(), self.model)
                fautes += preparer(self.model, entrees, jour=timezone.localdate()).fautes
                fautes.sort(key=lambda faute: faute.ligne)
            except FichierIllisible as erreur:
                form.add_error("fichier", str(erreur))
            else:
                if not fautes:
                    self._garder(request, fichier.name, entrees)
                    return redirect(self._adresse("apercu"))
        return self._page_d_import(request, form, fautes)

    def _page_d_import(self, request, form, fautes: list[Faute]) -> HttpResponse:
        contexte = self._contexte(
            request, None, _("Importer un fichier"), form=form, fautes=fautes[:MONTREES], nombre_de_fautes=len(fautes),
            errors=bool(form.errors or fautes), lignes_max=LIGNES_MAX,
        )  # fmt: skip
        statut = 422 if request.method == "POST" else 200
        return TemplateResponse(request, "admin/demandes/importer.html", contexte, status=statut)

    def _garder(self, request, nom: str, entrees: list[Entree]) -> None:
        request.session[self._cle] = {
            "jeton": secrets.token_urlsafe(16), "nom": nom,
            "entrees": [[entree.ligne, entree.valeurs] for entree in entrees],
        }  # fmt: skip

    def apercu_view(self, request: HttpRequest) -> HttpResponse:
        """GET montre ce que l'import ferait ; POST l'écrit, si la base et le fichier sont ceux de l'aperçu."""
        self._exiger_le_droit(request)
        garde = request.session.get(self._cle)
        if garde is None:
            messages.warning(request, _("Aucun fichier n'attend d'être importé : il l'a déjà été, ou choisissez-le."))
            return redirect(self._adresse("importer"))
        entrees = [Entree(ligne, valeurs) for ligne, valeurs in garde["entrees"]]
        if request.method == "POST":
            return self._confirmer(request, garde, entrees)
        plan = preparer(self.model, entrees, jour=timezone.localdate())
        sections = [
            (_("À ajouter"), plan.ajouts), (_("À finir"), plan.fins), (_("À changer"), plan.changements)
        ]  # fmt: skip
        contexte = self._contexte(
            request, None, _("Relire avant d'importer"), plan=plan, fautes=plan.fautes[:MONTREES],
            nombre_de_fautes=len(plan.fautes), errors=bool(plan.fautes), nom=garde["nom"], jeton=garde["jeton"],
            vue=empreinte(self.model),
            sections=[(titre, ecarts[:MONTREES], len(ecarts)) for titre, ecarts in sections], montrees=MONTREES,
        )  # fmt: skip
        return TemplateResponse(request, "admin/demandes/apercu.html", contexte)

    def _confirmer(self, request, garde: dict, entrees: list[Entree]) -> HttpResponse:
        if request.POST.get("jeton") != garde["jeton"]:
            messages.error(request, _("Un autre fichier a été choisi depuis : relisez celui-ci. Rien n'est importé."))
            return redirect(self._adresse("apercu"))
        try:
            plan = importer(
                self.model,
                entrees,
                vue=request.POST.get("vue", ""),
                par=request.user,
                fichier=garde["nom"],
                jour=timezone.localdate(),
            )
        except BaseChangee:
            messages.error(
                request,
                _("Ces données ont changé depuis l'aperçu : relisez ce que l'import ferait. Rien n'est importé."),
            )
            return redirect(self._adresse("apercu"))
        del request.session[self._cle]
        phrase = _("Importé – ajoutées : %(ajouts)s ; changées : %(changements)s ; finies : %(fins)s.") % {
            "ajouts": len(plan.ajouts), "changements": len(plan.changements), "fins": len(plan.fins),
        }  # fmt: skip
        messages.success(request, phrase)
        return redirect(self._adresse("changelist"))

    def _exiger_le_droit(self, request) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    def _adresse(self, nom: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{nom}")
