"""Les pages d'erreur. Celles de 500 et 503 ne demandent ni base, ni session, ni liste des fichiers statiques."""

import sys

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe


def erreur_interne(request: HttpRequest) -> HttpResponse:
    """500 avec la référence à donner à l'assistance ; 503 quand c'est la base qui ne répond pas."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return indisponible(request)
    reference = structlog.contextvars.get_contextvars().get("requete", "")
    return HttpResponse(get_template("500.html").render(_contexte(reference=reference)), status=500)


def indisponible(request: HttpRequest, *, minutes: int = 5) -> HttpResponse:
    response = HttpResponse(get_template("503.html").render(_contexte(minutes=minutes)), status=503)
    response["Retry-After"] = str(minutes * 60)
    return response


def jeton_absent(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Le formulaire a été ouvert trop longtemps, dans une autre session, ou sans cookies."""
    return render(request, "403_csrf.html", {"page": request.path}, status=403)


@require_safe
@cache_control(public=True, max_age=3600)
def feuille(request: HttpRequest) -> FileResponse:
    """Les styles des pages 500 et 503, lus du disque : une adresse qui ne dépend d'aucune collecte."""
    chemin = settings.BASE_DIR / "static" / "css" / "erreur.css"
    return FileResponse(chemin.open("rb"), content_type="text/css; charset=utf-8")


def _contexte(**valeurs) -> dict:
    return {**valeurs, "telephone": settings.ASSISTANCE_TELEPHONE}
