"""Limite des essais de la page de vérification, par adresse.

En cache, à la différence des freins d'un compte (`usagers`) : vérifier est public et ne fait deviner aucun secret ;
la limite n'épargne que du calcul, et un essai ne doit pas coûter une écriture en base.
"""

import time

from axes.helpers import get_client_ip_address
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

ESSAIS, PERIODE = 20, 60


def attente(request: HttpRequest) -> int:
    """Compte un essai ; rend les secondes à attendre, zéro s'il est permis. Sans cache, rien n'est limité."""
    fenetre, ecoule = divmod(int(time.time()), PERIODE)
    cle = f"verification:{get_client_ip_address(request)}:{fenetre}"
    try:
        cache.add(cle, 0, timeout=2 * PERIODE)
        essais = cache.incr(cle)
    except (RedisError, ValueError):
        return 0
    return PERIODE - ecoule if essais > ESSAIS else 0
