"""Entrer dans un dossier : l'agent, sa liste, la demande qu'il peut ouvrir (404 sinon), et la trace de sa lecture."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from demandes.demarches import DEMARCHES
from demandes.models import Demande
from instruction import operations
from instruction.file_de_travail import (
    ETATS_FILTRES,
    FILTRES,
    ONGLETS,
    RECHERCHE,
    Onglet,
    chercher,
    filtrer,
    premier_onglet,
    ressembler,
)
from instruction.models import Agent, Consultation
from instruction.permissions import ACCES, a_une_file, acces_ouverts, agent_de, dossiers_ouverts, voit


@dataclass(frozen=True)
class Liste:
    """La liste d'où vient l'agent : onglet, tri, recherche ; elle se lit dans l'adresse, qui se garde et se partage."""

    onglet: Onglet
    tri: str
    q: str
    filtres: tuple[str, ...] = ()
    demarche: str = ""
    etat: str = ""

    @classmethod
    def lire(cls, request: HttpRequest) -> "Liste":
        q = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
        choisi = ONGLETS.get(request.GET.get("onglet", ""))
        onglet = RECHERCHE if q else choisi or premier_onglet(agent_de(request.user))
        tri = request.GET.get("tri", "")
        filtres = tuple(code for code in FILTRES if code in request.GET.getlist("filtre"))
        demarche, etat = request.GET.get("demarche", ""), request.GET.get("etat", "")
        return cls(
            onglet, tri if tri in onglet.tris else onglet.tris[0], q, filtres,
            demarche if demarche in DEMARCHES else "", etat if etat in ETATS_FILTRES else "",
        )  # fmt: skip

    def dossiers(self, visibles: QuerySet[Demande], agent: Agent) -> QuerySet[Demande]:
        """Les dossiers de la liste. Lève `RechercheTropCourte`."""
        return self._filtres(chercher(visibles, self.q) if self.q else self.onglet.dossiers(visibles, agent), agent)

    def approches(self, visibles: QuerySet[Demande], agent: Agent) -> QuerySet[Demande]:
        """Ce qui ressemble à ce qui est cherché : à lire quand `dossiers` ne donne rien."""
        return self._filtres(ressembler(visibles, self.q) if self.q else visibles.none(), agent)

    def dossiers_montres(self, visibles: QuerySet[Demande], agent: Agent) -> QuerySet[Demande]:
        """Ce que la liste a montré, d'où partent les voisins et les lots. Lève `RechercheTropCourte`."""
        trouves = self.dossiers(visibles, agent)
        return self.approches(visibles, agent) if self.q and not trouves.exists() else trouves

    def _filtres(self, dossiers: QuerySet[Demande], agent: Agent) -> QuerySet[Demande]:
        return filtrer(dossiers, agent, filtres=self.filtres, demarche=self.demarche, etat=self.etat)

    def avec(self, **changements) -> "Liste":
        return replace(self, **changements)

    @property
    def est_filtree(self) -> bool:
        return bool(self.filtres or self.demarche or self.etat)

    @property
    def parametres(self) -> str:
        """Ce qu'il faut d'adresse pour y revenir, vide pour la première liste dans son ordre."""
        valeurs = {"q": self.q} if self.q else {"onglet": self.onglet.code}
        if self.tri != self.onglet.tris[0]:
            valeurs["tri"] = self.tri
        if self.demarche:
            valeurs["demarche"] = self.demarche
        if self.etat:
            valeurs["etat"] = self.etat
        if self.filtres:
            valeurs["filtre"] = self.filtres
        return urlencode(valeurs, doseq=True)

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
    """Le dossier de cette adresse ; `demande.acces` est l'accès exceptionnel par lequel il s'ouvre, s'il en faut un.

    Le passage par ici suffit à laisser une trace : `tracer_la_lecture` l'écrit quand la page est rendue.
    """
    agent, le = agent_connecte(request), timezone.now()
    dossiers = dossiers_ouverts(agent, le=le).select_related(
        "usager__compte", "usager__nationalite", "usager__pays_naissance", "titre_de_depart", "site", "agent__agent"
    )
    demande = get_object_or_404(dossiers, numero=numero)
    demande.acces = None
    if demande.site_id != agent.site_id:
        demande.acces = acces_ouverts(agent, le=le).filter(demande=demande).latest("expire_le")
    request.dossier_ouvert = demande
    return demande


# Rendue, en préparation, en conflit ou à corriger : toutes montrent le dossier.
PAGES_QUI_MONTRENT = {200, 202, 206, 409, 422}


def tracer_la_lecture(request: HttpRequest, reponse: HttpResponse) -> None:
    """Écrit ce que la page rendue a montré d'un dossier ; une redirection ou un refus n'ont rien montré."""
    demande = getattr(request, "dossier_ouvert", None)
    if demande is None or reponse.status_code not in PAGES_QUI_MONTRENT:
        return
    arguments = request.resolver_match.kwargs
    # Les pages d'un même PDF sont une même pièce.
    objet = str(arguments.get("cle") or arguments.get("attestation", ""))
    operations.noter_lecture(
        agent_de(request.user),
        demande,
        _nature(reponse, arguments),
        objet=objet,
        acces=demande.acces,
        le=timezone.now(),
    )


def _nature(reponse: HttpResponse, arguments: dict) -> Consultation.Nature:
    """Une page montre le dossier, ou un document en préparation ; des octets sont une pièce ou un document."""
    if reponse.headers.get("Content-Type", "").startswith("text/html"):
        return Consultation.Nature.DOCUMENT if "attestation" in arguments else Consultation.Nature.DOSSIER
    if "attachment" in reponse.headers.get("Content-Disposition", ""):
        return Consultation.Nature.TELECHARGEMENT
    return Consultation.Nature.PIECE if "cle" in arguments else Consultation.Nature.DOCUMENT


def contexte_d_agent(agent: Agent) -> dict:
    """Ce que l'en-tête des agents montre."""
    return {
        "agent": agent,
        "file": a_une_file(agent),
        "voit": {nom for nom in ACCES if voit(agent, nom)},
        "second_facteur_exige": settings.SECOND_FACTEUR,
    }


def vers_le_dossier(request: HttpRequest, numero: str = "", **_autres) -> HttpResponse | None:
    """L'adresse d'un acte, retapée ou gardée en signet : elle ne se lit pas, le dossier si."""
    if dossiers_ouverts(agent_de(request.user), le=timezone.now()).filter(numero=numero).exists():
        return redirect("admin:dossier", numero)
    return None
