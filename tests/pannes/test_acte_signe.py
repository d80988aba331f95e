"""L'acte signé part à son heure : par sa tâche, ou par le balayage si elle s'est perdue."""

import datetime as dt

import pytest
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Demande
from instruction import operations
from instruction.models import ActeDiffere
from tests.instruction.conftest import agent, en_instruction, proposee, signataire
from tests.notifications.conftest import Processus
from tests.pannes.serveurs import attendre

__all__ = ["agent", "en_instruction", "proposee", "signataire"]
pytestmark = [pytest.mark.panne, pytest.mark.django_db(transaction=True)]
SIGNER = """
import django
django.setup()
from django.conf import settings
from django.utils import timezone
from demandes.models import Demande
from instruction import operations
from instruction.models import Agent
settings.DELAI_ANNULATION = 1 / 30
demande = Demande.objects.get()
signataire = Agent.objects.get(nom="Sacha Signataire")
operations.signer(demande, agent=signataire, version=demande.version, le=timezone.now())
"""


def signer(courtier) -> ActeDiffere:
    """Depuis un autre processus, comme une requête : l'acte attend deux secondes."""
    with Processus("-c", SIGNER, REDIS_URL=courtier.url) as processus:
        sortie, _ = processus.communicate(timeout=60)
    assert processus.returncode == 0, sortie
    return ActeDiffere.objects.get()


def test_sans_balayage_la_tache_fait_l_acte_a_son_heure(travailler, courtier, proposee, signataire):
    travailleur = travailler(courtier)
    acte = signer(courtier)
    attendre(lambda: Demande.objects.filter(etat=Etat.FAVORABLE).exists(), quoi="l'acte", processus=travailleur)
    acte.refresh_from_db()
    assert acte.execute_le >= acte.a_executer_le
    assert operations.executer_les_echus(le=timezone.now()) == 0


def test_sans_courtier_l_acte_est_signe_et_le_balayage_le_fait(courtier, proposee, signataire):
    courtier.arreter()
    acte = signer(courtier)
    assert acte.est_en_attente
    assert operations.executer_les_echus(le=acte.a_executer_le + dt.timedelta(seconds=1)) == 1
    assert Demande.objects.get().etat == Etat.FAVORABLE
