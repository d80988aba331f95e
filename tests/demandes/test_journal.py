"""Le journal ne se réécrit pas."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from demandes.models import Evenement
from tests.factories import DemandeFactory

pytestmark = pytest.mark.django_db


def evenement(le=None):
    demande = DemandeFactory()
    return Evenement.objects.create(
        usager=demande.usager, demande=demande, nature="ouverture", le=le or timezone.now(), par=demande.ouverte_par
    )


def test_une_ligne_du_journal_ne_se_modifie_pas():
    ligne = evenement()

    with pytest.raises(IntegrityError), transaction.atomic():
        Evenement.objects.filter(pk=ligne.pk).update(apres="favorable")


def test_une_ligne_recente_ne_s_efface_pas():
    ligne = evenement()

    with pytest.raises(IntegrityError), transaction.atomic():
        Evenement.objects.filter(pk=ligne.pk).delete()


def test_une_ligne_plus_vieille_que_l_age_legal_s_efface():
    ligne = evenement(timezone.now() - dt.timedelta(days=366 * 10))

    Evenement.objects.filter(pk=ligne.pk).delete()

    assert not Evenement.objects.exists()
