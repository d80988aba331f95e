"""Quel service instruit : par la commune quand elle est connue, sinon par le code postal (architecture §4.22)."""

import datetime as dt

from demandes.models import Site
from usagers.models import Commune


def departement_du_code_postal(code_postal: str) -> str:
    """« 75020 » → « 75 » ; « 97410 » → « 974 » ; Corse : 200 et 201 → « 2A », sinon « 2B »."""
    if code_postal.startswith(("97", "98")):
        return code_postal[:3]
    if code_postal.startswith("20"):
        return "2A" if code_postal[:3] in {"200", "201"} else "2B"
    return code_postal[:2]


def departement_de_la_commune(insee: str) -> str:
    return insee[:3] if insee.startswith(("97", "98")) else insee[:2]


class SiteFerme(Exception):
    """Le département a un service, mais aucun n'est ouvert."""


def site_de(*, code_postal: str, insee: str = "", jour: dt.date) -> Site | None:
    """Le site du domicile, ouvert ce jour-là ; lève `SiteFerme` si le département n'en a plus.

    Un code INSEE qui ne va pas avec le code postal est ignoré ; il ne choisit pas le service.

    Quelques codes postaux débordent de leur département : la commune connue l'emporte.
    """
    departement = departement_du_code_postal(code_postal)
    if departement_de_la_commune(insee) != departement:  # sinon les deux codes s'accordent
        communes = list(Commune.objects.filter(code_postal=code_postal).values_list("insee", flat=True))
        if insee in communes:
            departement = departement_de_la_commune(insee)
        elif communes and len({departement_de_la_commune(commune) for commune in communes}) == 1:
            departement = departement_de_la_commune(communes[0])
    # Ses coordonnées avec lui : le dépôt qui suit tient des verrous.
    sites = Site.objects.filter(departement=departement).order_by("code").prefetch_related("coordonnees")
    ouvert = sites.ouverts(jour).first()
    if ouvert is None and sites.exists():
        raise SiteFerme
    return ouvert
