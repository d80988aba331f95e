"""La file de travail."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from demandes.models import Demande
from instruction.file_de_travail import (
    ONGLETS,
    PLAFOND,
    TAILLE_DE_PAGE,
    Page,
    RechercheTropCourte,
    chercher,
    nombre_plafonne,
    page,
    ressembler,
)
from instruction.models import Agent
from instruction.permissions import dossiers_visibles
from instruction.presentation import Rangee
from instruction.views.acces import Liste, agent_connecte, contexte_d_agent
from usagers.numeros import est_numero_demande, normaliser

# Colonne du tableau → tris qu'elle porte, le premier étant celui que son titre propose.
COLONNES_TRIEES = {"droits": ("droits",), "echeance": ("echeance",), "depot": ("depot", "recents")}


@require_safe
def dossiers(request: HttpRequest) -> HttpResponse:
    agent, liste = agent_connecte(request), Liste.lire(request)
    visibles = dossiers_visibles(agent)
    if est_numero_demande(numero := normaliser(liste.q)) and visibles.filter(numero=numero).exists():
        return redirect("admin:dossier", numero)
    try:
        trouves = chercher(visibles, liste.q) if liste.q else liste.onglet.dossiers(visibles, agent)
        feuillet, approchee, trop_courte = _feuillet(request, visibles, trouves, liste.tri), False, False
        if liste.q and not feuillet.dossiers:
            feuillet = _feuillet(request, visibles, ressembler(visibles, liste.q), liste.tri)
            approchee = bool(feuillet.dossiers)
    except RechercheTropCourte:
        feuillet, approchee, trop_courte = Page([]), False, True
    jour = timezone.localdate()
    return render(
        request,
        "instruction/dossiers.html",
        {
            **contexte_d_agent(agent),
            "liste": liste,
            "onglets": [_onglet(onglet, visibles, agent) for onglet in ONGLETS.values()],
            "tris": _tris(liste),
            "rangees": [Rangee(demande, jour, agent.compte) for demande in feuillet.dossiers],
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


def _onglet(onglet, visibles, agent: Agent) -> dict:
    nombre = nombre_plafonne(onglet.dossiers(visibles, agent))
    texte = _("plus de 10 000") if nombre > PLAFOND else f"{nombre:,}".replace(",", "\u202f")
    return {"code": onglet.code, "libelle": onglet.libelle, "nombre": texte}


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
        tris[colonne] = {"url": f"{adresse}?{Liste(liste.onglet, autre, liste.q).parametres}", "sens": sens}
    return tris
