"""Entrer dans un dossier : l'agent, sa liste, et la demande si elle est de son site (404 sinon)."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from demandes.models import Demande
from instruction.file_de_travail import ONGLETS, TOUS, Onglet
from instruction.models import Agent
from instruction.permissions import a_une_file, agent_de, dossiers_visibles


@dataclass(frozen=True)
class Liste:
    """La liste d'où vient l'agent : onglet, tri, recherche ; elle se lit dans l'adresse, qui se garde et se partage."""

    onglet: Onglet
    tri: str
    q: str

    @classmethod
    def lire(cls, request: HttpRequest) -> "Liste":
        q = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
        defaut = TOUS if q else next(iter(ONGLETS.values()))
        onglet = TOUS if q else ONGLETS.get(request.GET.get("onglet", ""), defaut)
        tri = request.GET.get("tri", "")
        return cls(onglet, tri if tri in onglet.tris else onglet.tris[0], q)

    @property
    def parametres(self) -> str:
        """Ce qu'il faut d'adresse pour y revenir, vide pour la première liste dans son ordre."""
        valeurs = {"q": self.q} if self.q else {"onglet": self.onglet.code}
        if self.tri != self.onglet.tris[0]:
            valeurs["tri"] = self.tri
        return urlencode(valeurs)

    @property
    def url(self) -> str:
        return f"{reverse('admin:dossiers')}?{self.parametres}"


def agent_connecte(request: HttpRequest) -> Agent:
    """L'agent de la requête, si des dossiers sont de son rôle ; `admin_view` a déjà refusé tout autre compte."""
    agent = agent_de(request.user)
    if agent is None or not a_une_file(agent):
        raise Http404
    return agent


def dossier_de(request: HttpRequest, numero: str) -> Demande:
    dossiers = dossiers_visibles(agent_connecte(request)).select_related(
        "usager__compte", "usager__nationalite", "usager__pays_naissance", "titre_de_depart", "site", "agent__agent"
    )
    return get_object_or_404(dossiers, numero=numero)


def contexte_d_agent(agent: Agent) -> dict:
    """Ce que l'en-tête des agents montre."""
    return {"agent": agent, "file": a_une_file(agent)}
