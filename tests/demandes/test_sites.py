"""Le service qui instruit se déduit du domicile."""

import datetime as dt

import pytest

from demandes.sites import SiteFerme, departement_du_code_postal, site_de
from tests.factories import SiteFactory
from usagers.models import Commune

pytestmark = pytest.mark.django_db
JOUR = dt.date(2026, 11, 22)


@pytest.mark.parametrize(
    ("code_postal", "departement"),
    [
        ("75020", "75"),
        ("59000", "59"),
        ("97410", "974"),
        ("98800", "988"),
        ("20000", "2A"),
        ("20137", "2A"),
        ("20200", "2B"),
    ],
)
def test_le_departement_se_lit_dans_le_code_postal(code_postal, departement):
    assert departement_du_code_postal(code_postal) == departement


def test_la_commune_l_emporte_quand_un_code_postal_deborde_de_son_departement():
    """42620 Saint-Pierre-Laval est dans l'Allier (03)."""
    SiteFactory(code="4201", departement="42")
    SiteFactory(code="0301", departement="03")
    Commune.objects.create(insee="03250", code_postal="42620", nom="Saint-Pierre-Laval")

    assert site_de(code_postal="42620", jour=JOUR).code == "0301"


def test_un_code_insee_etranger_au_code_postal_ne_choisit_pas_le_service():
    SiteFactory()
    SiteFactory(code="5901", departement="59")
    Commune.objects.create(insee="75120", code_postal="75020", nom="Paris")

    assert site_de(code_postal="75020", insee="59350", jour=JOUR).code == "7502"


def test_un_code_postal_sans_service_ne_donne_rien():
    assert site_de(code_postal="00000", jour=JOUR) is None


@pytest.mark.parametrize(("ferme_le", "code"), [(JOUR, "7503"), (JOUR + dt.timedelta(days=1), "7502"), (None, "7502")])
def test_un_site_ferme_laisse_la_place_a_l_autre_du_departement(ferme_le, code):
    SiteFactory(ferme_le=ferme_le)
    SiteFactory(code="7503", departement="75")
    assert site_de(code_postal="75020", jour=JOUR).code == code


def test_un_departement_sans_site_ouvert_le_dit():
    SiteFactory(ferme_le=JOUR)
    with pytest.raises(SiteFerme):
        site_de(code_postal="75020", jour=JOUR)
