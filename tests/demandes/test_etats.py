"""La table des états, paire par paire (domaine §8.3)."""

import itertools

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from demandes.etats import ETATS_ACTIFS, JALONS, TRANSITIONS, Etat
from demandes.models import Demande, Evenement
from demandes.models.demande import TransitionInterdite
from tests.factories import DemandeFactory

pytestmark = pytest.mark.django_db


def test_seuls_les_passages_de_la_table_sont_permis():
    demande = DemandeFactory(deposee=True)
    for avant, apres in itertools.product(Etat, Etat):
        Demande.objects.filter(pk=demande.pk).update(etat=avant)
        demande.refresh_from_db()
        journal = Evenement.objects.count()

        if apres in TRANSITIONS[avant]:
            evenement = demande.passer_a(apres, par=demande.ouverte_par, le=timezone.now())
            demande.refresh_from_db()
            assert demande.etat == apres
            assert (evenement.avant, evenement.apres) == (avant, apres)
        else:
            with pytest.raises(TransitionInterdite):
                demande.passer_a(apres, par=demande.ouverte_par, le=timezone.now())
            assert Evenement.objects.count() == journal, (avant, apres)


def test_les_passages_du_domaine_sont_tous_la():
    attendus = {
        "T2": (Etat.BROUILLON, Etat.DEPOSEE),
        "T3": (Etat.DEPOSEE, Etat.EN_INSTRUCTION),
        "T4": (Etat.COMPLEMENT_RECU, Etat.COMPLEMENT_DEMANDE),
        "T5": (Etat.COMPLEMENT_DEMANDE, Etat.COMPLEMENT_RECU),
        "T6": (Etat.COMPLEMENT_RECU, Etat.EN_INSTRUCTION),
        "T8": (Etat.EN_INSTRUCTION, Etat.PROPOSITION),
        "T9": (Etat.PROPOSITION, Etat.FAVORABLE),
        "T10": (Etat.PROPOSITION, Etat.DEFAVORABLE),
        "T11": (Etat.FAVORABLE, Etat.EN_FABRICATION),
        "T12": (Etat.EN_FABRICATION, Etat.TITRE_DISPONIBLE),
        "T13": (Etat.TITRE_DISPONIBLE, Etat.REMISE),
        "T14": (Etat.COMPLEMENT_DEMANDE, Etat.CLOTUREE),
        "T15": (Etat.CLOTUREE, Etat.EN_INSTRUCTION),
        "T16": (Etat.EN_INSTRUCTION, Etat.RETIREE),
    }
    assert [nom for nom, (avant, apres) in attendus.items() if apres not in TRANSITIONS[avant]] == []


def test_une_demande_ne_se_decide_pas_sans_proposition():
    assert not TRANSITIONS[Etat.EN_INSTRUCTION] & {Etat.FAVORABLE, Etat.DEFAVORABLE}


def test_chaque_etat_depose_a_son_jalon_ou_sort_de_la_frise():
    assert set(Etat) - set(JALONS) == {Etat.BROUILLON, Etat.CLOTUREE, Etat.RETIREE}
    assert Etat.FAVORABLE not in ETATS_ACTIFS


def test_un_etat_inconnu_est_refuse_par_la_base():
    demande = DemandeFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        Demande.objects.filter(pk=demande.pk).update(etat="perdue")


def test_un_numero_sans_date_de_depot_est_refuse_par_la_base():
    demande = DemandeFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        Demande.objects.filter(pk=demande.pk).update(numero="7502202601010000001")
