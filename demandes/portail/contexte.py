"""Ce que toute page affiche autour de son contenu."""

from django.conf import settings
from django.http import HttpRequest


def portail(request: HttpRequest) -> dict:
    return {"MARQUE_ETAT": settings.MARQUE_ETAT, "DEMONSTRATION": settings.DEMONSTRATION}
