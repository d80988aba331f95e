"""La file de travail."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from demandes.demarches import DEMARCHES
from demandes.models import Demande
from instruction.file_de_travail import (
    ETATS_FILTRES,
    FILTRES,
    ONGLETS,
    PLAFOND,
    TAILLE_DE_PAGE,
    Page,
    RechercheTropCourte,
    nombres_plafonnes,
    page,
)
from instruction.initiatives import rouvertes_par_l_usager
from instruction.models import Agent
from instruction.permissions import dossiers_visibles
from instruction.presentation import Rangee, gestes_par_lot
from instruction.views.acces import Liste, agent_connecte, contexte_d_agent
from usagers.numeros import est_numero_demande, normaliser

# Listes gardées par un agent, au plus.
FILTRES_MAX = 20
# Colonne du tableau → tris qu'elle porte, le premier étant celui que son titre propose.
COLONNES_TRIEES = {"droits": ("droits",), "echeance": ("echeance",), "depot": ("depot", "recents")}


@require_safe
def dossiers(request: HttpRequest) -> HttpResponse:
    agent, liste = agent_connecte(request), Liste.lire(request)
    visibles = dossiers_visibles(agent)
    if est_numero_demande(numero := normaliser(liste.q)) and visibles.filter(numero=numero).exists():
        return redirect("admin:dossier", numero)
    try:
        trouves = liste.dossiers(visibles, agent)
        feuillet, approchee, trop_courte = _feuillet(request, visibles, trouves, liste.tri), False, False
        if liste.q and not feuillet.dossiers:
            feuillet = _feuillet(request, visibles, liste.approches(visibles, agent), liste.tri)
            approchee = bool(feuillet.dossiers)
    except RechercheTropCourte:
        feuillet, approchee, trop_courte = Page([]), False, True
    jour, rouvertes = timezone.localdate(), rouvertes_par_l_usager(feuillet.dossiers)
    return render(
        request,
        "instruction/dossiers.html",
        {
            **contexte_d_agent(agent),
            "liste": liste,
            "onglets": _onglets(visibles, agent),
            "filtres": _filtres(liste),
            "demarches": [(code, demarche.intitule) for code, demarche in DEMARCHES.items()],
            "etats": list(ETATS_FILTRES.items()),
            "enregistres": list(agent.filtres.all()),
            "gestes_par_lot": gestes_par_lot(agent),
            "tris": _tris(liste),
            "rangees": [Rangee(demande, jour, agent.compte, demande.pk in rouvertes) for demande in feuillet.dossiers],
            "feuillet": feuillet,
            "approchee": approchee,
            "trop_courte": trop_courte,
            "taille": TAILLE_DE_PAGE,
        },
    )


def _feuillet(request: HttpRequest, visibles, choisis, tri: str) -> Page:
    """La page demandée ; un repère inconnu, ou d'un autre site, ramène à la première."""
    choisis = choisis.select_related("usager", "agent__agent").defer("observations", "recherche")

    def repere(nom: str) -> Demande | None:
        numero = request.GET.get(nom, "")
        return visibles.filter(numero=numero).first() if est_numero_demande(numero) else None

    apres, avant = repere("apres"), repere("avant")
    feuillet = page(choisis, tri, apres=apres, avant=avant)
    return feuillet if feuillet.dossiers or not (apres or avant) else page(choisis, tri)


def _onglets(visibles, agent: Agent) -> list[dict]:
    nombres = nombres_plafonnes([onglet.dossiers(visibles, agent) for onglet in ONGLETS.values()])
    return [
        {
            "code": onglet.code,
            "libelle": onglet.libelle,
            "nombre": _("plus de 10 000") if nombre > PLAFOND else f"{nombre:,}".replace(",", "\u202f"),
        }
        for onglet, nombre in zip(ONGLETS.values(), nombres, strict=True)
    ]


def _filtres(liste: Liste) -> list[dict]:
    """Chaque filtre, posé ou non, et l'adresse qui le pose ou le retire."""
    filtres = []
    for code, (libelle, _filtre) in FILTRES.items():
        pose = code in liste.filtres
        autres = tuple(autre for autre in liste.filtres if autre != code) if pose else (*liste.filtres, code)
        filtres.append({"code": code, "libelle": libelle, "pose": pose, "url": liste.avec(filtres=autres).url})
    return filtres


@require_POST
def enregistrer_filtre(request: HttpRequest) -> HttpResponse:
    """Garde la liste sous un nom, pour cet agent ; le même nom la remplace."""
    agent, liste = agent_connecte(request), Liste.lire(request)
    nom = " ".join(request.POST.get("nom", "").replace("\x00", "").split())[:60]
    if not nom:
        messages.error(request, _("Donnez un nom à cette liste."))
    elif agent.filtres.exclude(nom=nom).count() >= FILTRES_MAX:
        messages.error(request, _("Vous avez déjà %(n)s listes : oubliez-en une.") % {"n": FILTRES_MAX})
    else:
        agent.filtres.update_or_create(nom=nom, defaults={"parametres": liste.parametres})
        messages.success(request, _("La liste « %(nom)s » est gardée.") % {"nom": nom})
    return redirect(liste.url)


@require_POST
def oublier_filtre(request: HttpRequest, pk: int) -> HttpResponse:
    agent = agent_connecte(request)
    filtre = get_object_or_404(agent.filtres, pk=pk)
    filtre.delete()
    messages.success(request, _("La liste « %(nom)s » est oubliée.") % {"nom": filtre.nom})
    return redirect(f"{reverse('admin:dossiers')}?{filtre.parametres}")


def _tris(liste: Liste) -> dict:
    """Par colonne triable : l'adresse du tri qu'elle propose, et le sens en cours."""
    adresse = reverse("admin:dossiers")
    tris = {}
    for colonne, codes in COLONNES_TRIEES.items():
        permis = [code for code in codes if code in liste.onglet.tris]
        if not permis:
            continue
        autre = next((code for code in permis if code != liste.tri), permis[0])
        sens = {"recents": "descending"}.get(liste.tri, "ascending") if liste.tri in codes else ""
        tris[colonne] = {"url": f"{adresse}?{liste.avec(tri=autre).parametres}", "sens": sens}
    return tris
