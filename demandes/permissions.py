"""Qui voit quoi : une requête, et 404 pour le reste."""

from django.db.models import QuerySet

from demandes.models import Demande
from usagers.models import Compte


def demandes_visibles(compte: Compte) -> QuerySet[Demande]:
    """Les demandes de la personne à qui ce compte appartient."""
    if not compte.is_authenticated or compte.est_agent:
        return Demande.objects.none()
    return Demande.objects.filter(usager__compte=compte)
