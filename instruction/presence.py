"""Qui d'autre a ce dossier ouvert : une marque qui s'efface seule. Un confort : sans Redis, personne n'est annoncé."""

import datetime as dt

from django.core.cache import cache
from redis.exceptions import RedisError

from demandes.models import Demande
from instruction.models import Agent

DUREE = dt.timedelta(minutes=5)


def signaler(demande: Demande, agent: Agent, *, le: dt.datetime) -> list[tuple[str, dt.datetime]]:
    """Marque le passage de cet agent ; rend les autres (leur nom, l'heure de leur page), le plus récent d'abord."""
    cle = f"consulte:{demande.numero}"
    try:
        ouverts = cache.get(cle) or {}
        ouverts = {pk: (nom, vu) for pk, (nom, vu) in ouverts.items() if vu > le - DUREE}
        cache.set(cle, ouverts | {agent.pk: (agent.nom, le)}, timeout=DUREE.total_seconds())
    except RedisError:
        return []
    autres = [passage for pk, passage in ouverts.items() if pk != agent.pk]
    return sorted(autres, key=lambda passage: passage[1], reverse=True)
