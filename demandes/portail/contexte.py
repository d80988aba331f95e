"""Ce que toute page affiche autour de son contenu."""

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from demandes.portail.liens import LIENS
from usagers.models import Compte


def portail(request: HttpRequest) -> dict:
    return {
        "MARQUE_ETAT": settings.MARQUE_ETAT,
        "DEMONSTRATION": settings.DEMONSTRATION,
        "ASSISTANCE_TELEPHONE": settings.ASSISTANCE_TELEPHONE,
        "liens": LIENS,
        "entete": SimpleLazyObject(lambda: entete(request)),
    }


def entete(request: HttpRequest) -> dict:
    """Le nom et la cloche, en une requête, et seulement si la page les montre à une personne connectée."""
    compte = getattr(request, "user", None)
    if compte is None or not compte.is_authenticated:
        return {"nom": "", "non_lues": 0}
    ligne = (
        Compte.objects.filter(pk=compte.pk)
        .values("identifiant", "usager__prenoms", "usager__nom_naissance")
        .annotate(non_lues=Count("notifications", filter=Q(notifications__lue_le__isnull=True)))
        .order_by("pk")
        .first()
    )
    nom = f"{ligne['usager__prenoms'] or ''} {ligne['usager__nom_naissance'] or ''}".strip()
    return {"nom": nom or ligne["identifiant"], "non_lues": ligne["non_lues"]}
