"""Renoncer à un brouillon se confirme, libère la place et ne touche pas à ce qui est déposé."""

import pytest
from django.urls import reverse

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.etats import Etat
from demandes.models import Evenement

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, usager):
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


def test_la_page_dit_ce_qui_sera_perdu_sans_rien_faire(client, brouillon):
    texte = client.get(reverse("demandes:abandonner", args=[brouillon.pk])).content.decode()

    assert "ne pourra pas être repris" in texte
    brouillon.refresh_from_db()
    assert brouillon.etat == Etat.BROUILLON


def test_abandonner_retire_le_brouillon_une_fois_et_permet_d_en_commencer_un_autre(client, brouillon, le):
    url = reverse("demandes:abandonner", args=[brouillon.pk])

    client.post(url)
    client.post(url)

    brouillon.refresh_from_db()
    assert brouillon.etat == Etat.RETIREE
    assert Evenement.objects.filter(demande=brouillon, apres=Etat.RETIREE).count() == 1
    nouvelle = operations.commencer(DEMARCHES["etudiant"], brouillon.usager, par=brouillon.ouverte_par, le=le)
    assert nouvelle.pk != brouillon.pk


def test_une_demande_deposee_ne_s_abandonne_pas_par_cette_page(client, deposee):
    reponse = client.post(reverse("demandes:abandonner", args=[deposee.pk]))

    deposee.refresh_from_db()
    assert deposee.etat == Etat.DEPOSEE and reponse["Location"] == reverse("demandes:suivi", args=[deposee.numero])
