"""Les freins : combien d'essais, sur quelle durée, pour un numéro, un courriel ou une adresse IP.

Comptés en base plutôt qu'en cache : la fenêtre est exacte, et l'arrêt du cache ne lève pas la garde. Les seuils sont
un choix du projet ; ceux d'une adresse IP sont larges, car un foyer ou une université n'en ont qu'une.
"""

import contextlib
import datetime as dt
import ipaddress
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from usagers.models import Tentative

journal = structlog.get_logger(__name__)

CONSERVATION = dt.timedelta(days=1)


@dataclass(frozen=True)
class Frein:
    code: str
    essais: int
    periode: dt.timedelta


HEURE = dt.timedelta(hours=1)
CREATION_NUMERO = Frein("creation_numero", 5, HEURE)
CREATION_COURRIEL = Frein("creation_courriel", 5, HEURE)
CREATION_ADRESSE = Frein("creation_adresse", 30, HEURE)
OUBLI_IDENTIFIANT = Frein("oubli_identifiant", 5, HEURE)
OUBLI_ADRESSE = Frein("oubli_adresse", 30, HEURE)
COURRIEL_COMPTE = Frein("courriel_compte", 5, HEURE)
# django-axes freine un compte depuis une adresse (5 essais) ; ces deux-là voient un compte visé de partout, et une
# adresse qui essaie beaucoup de comptes.
CONNEXION_COMPTE = Frein("connexion_compte", 50, HEURE)
CONNEXION_ADRESSE = Frein("connexion_adresse", 50, dt.timedelta(minutes=15))


class TropDEssais(Exception):
    """Un frein est serré jusqu'à `jusqu_a`."""

    def __init__(self, frein: Frein, jusqu_a: dt.datetime):
        super().__init__(frein.code)
        self.frein, self.jusqu_a = frein, jusqu_a


def adresse_du_client(request: HttpRequest) -> str:
    """L'adresse IP : celle que le mandataire de confiance ajoute en dernier, sinon celle de la connexion."""
    if settings.DERRIERE_MANDATAIRE_HTTPS:
        relais = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1].strip()
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(relais))
    return request.META.get("REMOTE_ADDR") or "127.0.0.1"  # une socket Unix n'a pas d'adresse


def verifier(*vises: tuple[Frein, str], le: dt.datetime) -> None:
    """Lève `TropDEssais` si l'un des freins est déjà serré, sans compter d'essai."""
    for frein, valeur in vises:
        _verifier(frein, valeur, permis=frein.essais - 1, le=le)


def compter(*vises: tuple[Frein, str], le: dt.datetime) -> None:
    """Compte un essai pour chaque frein, ou lève `TropDEssais` : un essai refusé ne compte pas et n'allonge rien.

    L'essai est écrit avant d'être compté : deux requêtes simultanées se voient, aucune ne passe en trop.
    """
    Tentative.objects.filter(le__lt=le - CONSERVATION).delete()
    ecrites = Tentative.objects.bulk_create(
        Tentative(frein=frein.code, empreinte=_empreinte(frein, valeur), le=le) for frein, valeur in vises
    )
    try:
        for frein, valeur in vises:
            _verifier(frein, valeur, permis=frein.essais, le=le)
    except TropDEssais:
        Tentative.objects.filter(pk__in=[tentative.pk for tentative in ecrites]).delete()
        raise


def relacher(frein: Frein, valeur: str) -> None:
    Tentative.objects.filter(frein=frein.code, empreinte=_empreinte(frein, valeur)).delete()


def _verifier(frein: Frein, valeur: str, *, permis: int, le: dt.datetime) -> None:
    recentes = Tentative.objects.filter(
        frein=frein.code, empreinte=_empreinte(frein, valeur), le__gt=le - frein.periode
    )
    instants = list(recentes.order_by("-le").values_list("le", flat=True)[: permis + 1])
    if len(instants) > permis:
        journal.warning("frein_serre", frein=frein.code)
        raise TropDEssais(frein, instants[permis] + frein.periode)


def _empreinte(frein: Frein, valeur: str) -> str:
    return salted_hmac(f"usagers.freins.{frein.code}", valeur.casefold(), algorithm="sha256").hexdigest()
