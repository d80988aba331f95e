"""Un même acte sur plusieurs dossiers : choisir, relire, lancer, suivre le résultat de chacun."""

import secrets
from collections.abc import Iterator

from django import forms
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from demandes.models import Demande
from instruction import operations
from instruction.file_de_travail import RechercheTropCourte, page
from instruction.forms_suivi import ReaffectationForm, RetraitForm
from instruction.models import Agent, Lot, LotLigne
from instruction.operations import LOT_MAX, LotImpossible
from instruction.permissions import GESTES, dossiers_visibles, peut
from instruction.presentation import Attention, gestes_par_lot
from instruction.views.acces import Liste, agent_connecte, contexte_d_agent
from instruction.views.page_d_acte import PageDActe, apercus_de
from instruction.views.prolongation import PROLONGATION, RESERVES
from instruction.views.remise import DISPONIBLE, FABRICATION
from instruction.views.suivi import PRISE_EN_CHARGE
from usagers.numeros import est_numero_demande

ECHANTILLON = 10
RESULTATS = {
    "change": gettext_lazy("Le dossier a changé entre-temps : à reprendre seul"),
    "interdit": gettext_lazy("Cet acte n'est plus possible sur ce dossier"),
    "regle": gettext_lazy("Une règle s'y oppose : à faire seul, pour la lire"),
    "signe": gettext_lazy("Un acte signé attend son heure : annulez-le d'abord, ou laissez-le partir"),
    "non_encodable": gettext_lazy("Une donnée ne s'écrit pas en lettres latines"),
    "panne": gettext_lazy("Erreur du service ; elle est signalée"),
}


# Ce que chaque personne reçoit, comme si l'acte était fait seul.
PAGES: dict[str, PageDActe] = {page.geste: page for page in (PRISE_EN_CHARGE, PROLONGATION, FABRICATION, DISPONIBLE)}


def _formulaire(geste: str, demande: Demande, donnees=None) -> forms.Form:
    if geste == "reaffecter":
        return ReaffectationForm(donnees, demande=demande)
    if geste == "rendre_disponible":
        return RetraitForm(donnees, demande=demande)
    return forms.Form(donnees)


def _saisie(geste: str, form: forms.Form) -> dict:
    if geste == "reaffecter":
        return {"cible": form.cleaned_data["cible"].pk}
    return dict(form.cleaned_data)


def _choisis(request: HttpRequest, agent: Agent, liste: Liste) -> list[Demande]:
    """Les dossiers cochés, ou tous ceux de la liste ; un de plus que permis suffit à savoir qu'il y en a trop."""
    visibles = dossiers_visibles(agent).select_related("usager__compte", "site")
    if request.POST.get("tous"):
        try:
            return page(liste.dossiers_montres(visibles, agent), liste.tri, taille=LOT_MAX + 1).dossiers
        except RechercheTropCourte:
            return []
    numeros = [numero for numero in request.POST.getlist("dossier") if est_numero_demande(numero)]
    return list(visibles.filter(numero__in=numeros[: LOT_MAX + 1]).order_by("pk"))


@require_POST
def preparer(request: HttpRequest) -> HttpResponse:
    """Ce qui va se faire, sur combien de dossiers et lesquels ; rien n'est encore fait."""
    agent, liste = agent_connecte(request), Liste.lire(request)
    geste = request.POST.get("geste", "")
    if geste not in dict(gestes_par_lot(agent)):
        messages.error(request, _("Choisissez ce qu'il faut faire des dossiers."))
        return redirect(liste.url)
    demandes = _choisis(request, agent, liste)
    if not demandes:
        messages.error(request, _("Cochez au moins un dossier."))
        return redirect(liste.url)
    if len(demandes) > LOT_MAX:
        messages.error(request, _("Un lot compte %(n)s dossiers au plus : choisissez-en moins.") % {"n": LOT_MAX})
        return redirect(liste.url)
    possibles = [demande for demande in demandes if peut(agent, geste, demande)]
    if not possibles:
        messages.error(request, _("Aucun de ces dossiers n'est dans l'état qui permet cet acte."))
        return redirect(liste.url)
    ecartes, seuls = len(demandes) - len(possibles), []
    if geste == "prolonger":
        possibles, seuls = _par_lot_ou_seuls(possibles)
    dossiers = [(demande, demande.version) for demande in possibles]
    form = _formulaire(geste, possibles[0] if possibles else seuls[0][0])
    return _page(request, geste, dossiers, form, ecartes=ecartes, seuls=seuls, cle=secrets.token_hex(16))


def _par_lot_ou_seuls(demandes: list[Demande]) -> tuple[list[Demande], list[tuple[Demande, list[Attention]]]]:
    """Ceux qui se prolongent par lot, puis les autres, chacun avec ce qui demande qu'on le lise."""
    jour, possibles, seuls = timezone.localdate(), [], []
    prefetch_related_objects(demandes, "complements", "prolongations")
    for demande in demandes:
        if reserves := operations.reserves_du_lot(demande, jour=jour):
            seuls.append((demande, [RESERVES[code] for code in reserves]))
        else:
            possibles.append(demande)
    return possibles, seuls


def _exemple(geste: str, demandes: list[Demande], form: forms.Form) -> dict:
    """Ce que recevra la première personne du lot."""
    acte = PAGES.get(geste)
    if acte is None or not demandes:
        return {}
    premiere, imposees = demandes[0], {}
    if geste == "rendre_disponible":
        choisis = (
            form.cleaned_data.get("documents", []) if form.is_bound and form.is_valid() else form["documents"].value()
        )
        imposees["documents"] = operations.documents_a_apporter(premiere, choisis or [])
    sien = form if form.fields else acte.form(premiere, None)
    return {
        "apercus": apercus_de(premiere, acte, sien, **imposees), "sans_document": not acte.avec_document,
        "avec_apercu": bool(form.fields), "premiere": premiere,
    }  # fmt: skip


def _page(
    request: HttpRequest, geste: str, dossiers, form, *, cle: str, ecartes: int = 0, seuls=(), status: int = 200
) -> HttpResponse:  # fmt: skip
    """`ecartes` : combien ne sont pas dans l'état voulu. `seuls` : ceux qui se lisent un à un, et pourquoi."""
    contexte = {
        **contexte_d_agent(agent_connecte(request)),
        "liste": Liste.lire(request),
        "geste": geste,
        "libelle": GESTES[geste].libelle,
        "form": form,
        "nombre": len(dossiers),
        "ecartes": ecartes,
        "seuls": seuls,
        "echantillon": [demande for demande, _version in dossiers[:ECHANTILLON]],
        "dossiers": [f"{demande.numero}:{version}" for demande, version in dossiers],
        "cle": cle,
        **_exemple(geste, [demande for demande, _version in dossiers], form),
    }
    return render(request, "instruction/lot_preparer.html", contexte, status=status)


def _lus(textes: list[str]) -> Iterator[tuple[str, int]]:
    """« n°:version », tels que la page de confirmation les a écrits."""
    for texte in textes[: LOT_MAX + 1]:
        numero, _deux_points, version = texte.partition(":")
        if est_numero_demande(numero) and version.isdecimal() and len(version) < 10:
            yield numero, int(version)


@require_POST
def lancer(request: HttpRequest) -> HttpResponse:
    agent, liste = agent_connecte(request), Liste.lire(request)
    geste, cle = request.POST.get("geste", ""), request.POST.get("cle", "")[:32].replace("\x00", "")
    versions = dict(_lus(request.POST.getlist("dossier")))
    demandes = (
        dossiers_visibles(agent).select_related("usager__compte", "site").filter(numero__in=versions).order_by("pk")
    )
    dossiers = [(demande, versions[demande.numero]) for demande in demandes]
    partis = len(versions) - len(dossiers)
    if geste not in dict(gestes_par_lot(agent)) or not dossiers or not cle:
        messages.error(request, _("Ce lot ne peut pas se lancer. Choisissez de nouveau les dossiers et l'acte."))
        return redirect(liste.url)
    form = _formulaire(geste, dossiers[0][0], request.POST)
    if not form.is_valid():
        return _page(request, geste, dossiers, form, cle=cle, status=422)
    if request.POST.get("action") == "apercu":
        return _page(request, geste, dossiers, form, cle=cle)
    try:
        cree = operations.creer_lot(
            dossiers, geste=geste, saisie=_saisie(geste, form), cle=cle, agent=agent, le=timezone.now()
        )
    except LotImpossible as refus:
        messages.error(request, str(refus))
        return redirect(liste.url)
    if partis:
        phrase = ngettext(
            "%(n)s dossier n'est plus de votre site : il est laissé de côté.",
            "%(n)s dossiers ne sont plus de votre site : ils sont laissés de côté.",
            partis,
        )
        messages.warning(request, phrase % {"n": partis})
    return redirect("admin:lot", cree.pk)


@require_safe
def lot(request: HttpRequest, cle: int) -> HttpResponse:
    """L'avancement, puis le résultat de chaque dossier ; à l'agent qui l'a lancé, et à lui seul."""
    agent = agent_connecte(request)
    trouve = get_object_or_404(Lot, pk=cle, agent=agent)
    if trouve.geste not in GESTES:
        raise Http404
    lignes = list(trouve.lignes.select_related("demande__usager").order_by("etat", "pk"))
    restent = sum(ligne.etat == LotLigne.Etat.A_FAIRE for ligne in lignes)
    contexte = {
        **contexte_d_agent(agent),
        "lot": trouve,
        "libelle": GESTES[trouve.geste].libelle,
        "lignes": [(ligne, RESULTATS.get(ligne.resultat, "")) for ligne in lignes],
        "total": len(lignes),
        "faits": sum(ligne.etat == LotLigne.Etat.FAIT for ligne in lignes),
        "refuses": sum(ligne.etat == LotLigne.Etat.REFUSE for ligne in lignes),
        "restent": restent,
    }
    # 202 tant qu'il reste à faire : la page sait alors attendre et se recharger.
    return render(request, "instruction/lot.html", contexte, status=202 if restent else 200)
