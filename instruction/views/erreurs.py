"""Ce qui n'existe pas, ou plus, pour cet agent : dit chez les agents, avec ce qu'il venait d'écrire."""

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.defaults import page_not_found

from demandes.portail.erreurs import jeton_absent
from instruction.permissions import agent_de
from instruction.views import reprise
from instruction.views.acces import contexte_d_agent
from instruction.views.connexion import deconnexion

# Ce qu'une page envoie d'elle-même.
HORS_SAISIE = {"csrfmiddlewaretoken", "version", "action", "cle"}


def introuvable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 : la page des agents sous leur adresse et pour eux seuls, celle du portail ailleurs."""
    compte = getattr(request, "user", None)
    agent = agent_de(compte) if compte and request.path.startswith(reverse("admin:index")) else None
    if agent is None:
        return page_not_found(request, exception)
    return render(
        request, "instruction/introuvable.html", {**contexte_d_agent(agent), "saisie": _textes(request)}, status=404
    )


def _textes(request: HttpRequest) -> list[str]:
    """Les textes de plus d'un mot que la page envoyait ; un envoi mal formé n'en a pas."""
    try:
        champs = list(request.POST.lists())
    except (MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        return []
    return [valeur for nom, valeurs in champs if nom not in HORS_SAISIE for valeur in valeurs if " " in valeur]


def jeton_perime(request: HttpRequest, reason: str = "") -> HttpResponse:
    """L'agent s'est reconnecté dans un autre onglet : sa page d'avant revient, remplie, avec un jeton neuf.

    Seulement pour un acte qui sait se rendre, et si l'envoi vient d'une page d'ici ; sinon, la page commune qui dit de
    recommencer.
    """
    if reprise.page_d_origine(request):
        if request.path == reverse("admin:logout"):  # la page d'avant arrive au bout de son temps
            return deconnexion(request)
        acte, compte = reprise.acte_de(request.path), reprise.compte_de_la_session(request)
        if acte and reprise.garder(request, request.POST.lists(), acte=acte, compte=compte):
            return redirect(acte.page)
    return jeton_absent(request, reason)
