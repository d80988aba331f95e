"""`manage.py peupler` : déterministe, et refusé là où il ferait du tort."""

import itertools

import pytest
from django.core.management import CommandError
from django.db import transaction
from django.test import override_settings

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.models import Complement, Decision, Demande, Evenement, Instantane, PieceJointe
from instruction import peuplement
from tests.factories import SiteFactory, TitreSejourFactory
from tests.instruction.test_base_peuplee import LE, charger_referentiels, peupler
from usagers.models import TitreSejour, Usager

pytestmark = pytest.mark.django_db


@pytest.fixture
def referentiels(db):
    charger_referentiels()


@pytest.mark.long
def test_une_meme_graine_donne_les_memes_lignes_et_une_autre_d_autres(referentiels, monkeypatch):
    modeles = {code: peuplement.modele(code, le=LE) for code in DEMARCHES}
    monkeypatch.setattr(peuplement, "modele", lambda code, le: modeles[code])
    tables = (Usager, TitreSejour, Demande, Evenement, Decision, Complement, PieceJointe, Instantane)

    def lignes(graine: int) -> list[list[dict]]:
        with transaction.atomic():
            peupler(40, graine=graine, sites=["5901"])
            vues = [list(modele.objects.order_by("pk").values()) for modele in tables]
            assert set(Demande.objects.values_list("site_id", flat=True)) == {"5901"}
            transaction.set_rollback(True)
        for ligne in itertools.chain(*vues):
            ligne.pop("fichier_id", None)  # la suite des clés ne revient pas en arrière
        return vues

    premieres = lignes(1)
    assert lignes(1) == premieres
    assert lignes(2) != premieres


@pytest.mark.parametrize(
    ("options", "dit"),
    [({"demandes": 0}, "au moins une demande"), ({"sites": ["0000"]}, "Site inconnu ou fermé : 0000")],
)
def test_un_peuplement_mal_demande_se_refuse(referentiels, options, dit):
    with pytest.raises(CommandError, match=dit):
        peupler(**options)
    assert not Demande.objects.exists()


def test_un_peuplement_sans_referentiels_dit_quoi_charger(db):
    with pytest.raises(CommandError, match="charger_sites"):
        peupler()
    SiteFactory()
    with pytest.raises(CommandError, match="charger_lieux"):
        peupler()


def test_ni_une_production_ni_une_base_qui_sert_ne_se_peuplent(referentiels):
    with override_settings(DEMONSTRATION=False), pytest.raises(CommandError, match="qu'en démonstration"):
        peupler()
    usager = TitreSejourFactory().usager
    operations.commencer(DEMARCHES["etudiant"], usager, par=usager.compte, le=LE)
    with pytest.raises(CommandError, match="contient déjà des demandes"):
        peupler()
