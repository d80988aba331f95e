"""Le journal de l'auditeur : chercher, tourner les pages, exporter en CSV."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from documents.fichiers import reponse_fichier
from instruction import exports, operations
from instruction.exports import TropDeLignes
from instruction.forms_acces import JournalForm
from instruction.journal import REGISTRES, Filtres, Registre, feuillet, filtrer
from instruction.models import Agent, Consultation, Export
from instruction.permissions import agent_de, voit
from instruction.views.acces import contexte_d_agent
from instruction.views.second_facteur import exiger_second_facteur

EXPORTS_MONTRES = 10


def _auditeur(request: HttpRequest) -> Agent:
    agent = agent_de(request.user)
    if not voit(agent, "journal"):
        raise Http404
    return agent


def _registre(donnees) -> Registre:
    return REGISTRES.get(donnees.get("registre", ""), REGISTRES["actes"])


def _cle(request: HttpRequest, nom: str) -> int | None:
    texte = request.GET.get(nom, "")
    return int(texte) if texte.isascii() and texte.isdecimal() and len(texte) < 19 else None


@require_safe
def journal(request: HttpRequest) -> HttpResponse:
    auditeur, registre = _auditeur(request), _registre(request.GET)
    form = JournalForm(request.GET, registre=registre)
    filtres = form.filtres if form.is_valid() else None
    page = None
    if filtres is not None:
        page = feuillet(
            registre, filtrer(registre, filtres), apres=_cle(request, "apres"), avant=_cle(request, "avant")
        )
    contexte = {
        **contexte_d_agent(auditeur),
        "registre": registre,
        "registres": REGISTRES.values(),
        "form": form,
        "feuillet": page,
        "parametres": _parametres(registre, filtres or Filtres()),
        "exports": auditeur.exports.select_related("fichier")[:EXPORTS_MONTRES],
    }
    return render(request, "instruction/journal.html", contexte, status=200 if filtres is not None else 422)


def _parametres(registre: Registre, filtres: Filtres) -> str:
    return urlencode({"registre": registre.code, **filtres.en_codes})


@require_POST
def exporter(request: HttpRequest) -> HttpResponse:
    auditeur, registre = _auditeur(request), _registre(request.POST)
    if page := exiger_second_facteur(request):
        return page
    form = JournalForm(request.POST, registre=registre)
    if not form.is_valid():
        return redirect(f"{reverse('admin:journal')}?registre={registre.code}")
    try:
        exports.demander(auditeur, registre=registre.code, filtres=form.filtres, le=timezone.now())
    except TropDeLignes:
        messages.error(request, _("Plus de 200 000 lignes : choisissez une période plus courte. Rien n'est exporté."))
    else:
        messages.success(request, _("L'export se prépare : il paraîtra sous le tableau. La demande est au journal."))
    return redirect(f"{reverse('admin:journal')}?{_parametres(registre, form.filtres)}#exports")


@require_safe
def export(request: HttpRequest, cle: int) -> HttpResponse:
    """Le fichier d'un export, à celui qui l'a demandé ; chaque téléchargement est au journal."""
    auditeur = _auditeur(request)
    fait = get_object_or_404(Export.objects.select_related("fichier"), pk=cle, agent=auditeur, fichier__isnull=False)
    if page := exiger_second_facteur(request):
        return page
    reponse = reponse_fichier(fait.fichier, en_ligne=False)
    operations.noter_lecture(
        auditeur, None, Consultation.Nature.TELECHARGEMENT, objet=f"export {fait.pk}", le=timezone.now()
    )
    return reponse
