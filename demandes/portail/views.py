"""Les pages publiques du portail : elles n'écrivent rien."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def accueil(request: HttpRequest) -> HttpResponse:
    return render(request, "portail/accueil.html")


orientation = rechercher = contact = aide = plan = mentions = accessibilite = donnees = accueil


@require_safe
def a_venir(request: HttpRequest, code: str) -> HttpResponse:
    return accueil(request)
