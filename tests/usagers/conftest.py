"""Ce que partagent les tests du compte."""

import datetime as dt

import pytest
from django.core import signing
from django.urls import reverse

from notifications.models import Envoi
from tests.factories import TitreSejourFactory

MOT_DE_PASSE = "Sept mots pour une phrase de passe"


@pytest.fixture
def titre_sans_compte(db):
    """Le titre de JEAN BOUYA, qui n'a pas de compte, avec les dates que montre le guide 000."""
    return TitreSejourFactory(
        usager__compte=None,
        usager__numero_etranger="7503119958",
        usager__nom_naissance="BOUYA",
        usager__prenoms="JEAN",
        numero="TS7654321",
        debut=dt.date(2025, 3, 9),
        fin=dt.date(2026, 3, 8),
    )


def adresse_du_lien(envoi: Envoi) -> str:
    """Le lien tel que l'envoi le signe au départ."""
    lien = envoi.contexte["lien_signe"]
    return reverse(lien["url"], args=[signing.dumps(lien["objet"], salt=lien["sel"])])


def saisie(numero="7503119958", debut=("09", "3", "2025"), fin=("08", "3", "2026")) -> dict:
    dates = {"debut": debut, "fin": fin}
    return {"numero": numero} | {f"{nom}_{rang}": v for nom, parties in dates.items() for rang, v in enumerate(parties)}
