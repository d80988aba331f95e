"""On trouve une personne par ses coordonnées d'aujourd'hui, pas seulement par celles de son dépôt."""

import datetime as dt
import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from demandes import operations, tasks
from demandes.models import Demande
from instruction import operations as agents
from instruction.file_de_travail import chercher, ressembler
from instruction.permissions import dossiers_visibles
from tests.factories import CompteFactory
from usagers.models import Compte, Usager
from usagers.operations import confirmer_courriel, demander_changement_courriel, modifier_informations

NOUVEAU = {"nom_usage": "Traoré-Éluard", "situation_familiale": "marie", "telephone": "+33698765432"}


def trouves(agent, texte) -> list[str]:
    return [demande.numero for demande in chercher(dossiers_visibles(agent), texte)]


def modifier(demande, le, **changements):
    modifier_informations(demande.usager, **(NOUVEAU | changements), le=le)


@pytest.mark.parametrize("texte", ["06 98 76 54 32", "+33 6 98 76 54 32", "eluard", "TRAORÉ"])
def test_un_nom_d_usage_ou_un_telephone_change_apres_le_depot_se_trouve(agent, deposee, le, texte):
    modifier(deposee, le)
    assert trouves(agent, texte) == []

    assert tasks.actualiser_la_recherche() == 1
    assert trouves(agent, texte) == [deposee.numero]
    assert [d.numero for d in ressembler(dossiers_visibles(agent), "traore-elouard")] == [deposee.numero]


def test_un_courriel_se_trouve_quand_les_deux_adresses_l_ont_confirme(agent, deposee, le):
    changement = demander_changement_courriel(deposee.usager.compte, courriel="neuve@exemple.invalid", le=le)
    confirmer_courriel(changement, cote="nouveau", le=le)
    operations.actualiser_la_recherche()
    assert trouves(agent, "neuve@exemple.invalid") == []

    confirmer_courriel(changement, cote="ancien", le=le)
    operations.actualiser_la_recherche()
    assert trouves(agent, "neuve@exemple.invalid") == [deposee.numero]


def test_les_numeros_du_dossier_et_du_titre_remis_restent(agent, deposee, le):
    deposee.usager.titres.create(
        numero="ZZ1234567", nature="CST", motif="etudiant", debut=dt.date(2026, 1, 1), fin=dt.date(2026, 12, 31),
        origine=deposee.numero,
    )  # fmt: skip
    modifier(deposee, le)
    operations.actualiser_la_recherche()

    for texte in (deposee.numero, deposee.titre_de_depart.numero, "zz1234567", deposee.usager.nom_naissance):
        assert trouves(agent, texte) == [deposee.numero]


def test_ce_qui_n_a_pas_change_n_est_pas_relu(deposee, le, django_assert_num_queries):
    operations.actualiser_la_recherche()
    with django_assert_num_queries(1):
        assert operations.actualiser_la_recherche() == 0
    modifier(deposee, le)
    assert operations.actualiser_la_recherche() == 1
    assert operations.actualiser_la_recherche() == 0


def test_un_changement_fait_pendant_la_relecture_est_relu_au_passage_suivant(agent, deposee, le, monkeypatch):
    modifier(deposee, le)
    lire = operations.recherche.texte_de_recherche

    def lire_puis_changer(demande, **options):
        texte = lire(demande, **options)
        modifier(deposee, timezone.now(), telephone="+33611111111")
        return texte

    monkeypatch.setattr(operations.recherche, "texte_de_recherche", lire_puis_changer)
    operations.actualiser_la_recherche()
    assert trouves(agent, "06 11 11 11 11") == []
    monkeypatch.undo()
    operations.actualiser_la_recherche()
    assert trouves(agent, "06 11 11 11 11") == [deposee.numero]


def test_un_compte_en_faute_n_empeche_pas_les_autres(agent, deposee, le, monkeypatch):
    fautif = CompteFactory(coordonnees_changees_le=le - dt.timedelta(hours=1))
    modifier(deposee, le)
    actualiser = operations.recherche._actualiser

    def trebucher(compte):
        if compte == fautif:
            raise RuntimeError
        actualiser(compte)

    monkeypatch.setattr(operations.recherche, "_actualiser", trebucher)
    assert operations.actualiser_la_recherche() == 1
    assert trouves(agent, "eluard") == [deposee.numero]
    assert list(Compte.objects.filter(coordonnees_changees_le__isnull=False)) == [fautif]


def test_un_brouillon_n_a_rien_a_chercher(brouillon, le):
    modifier(brouillon, le)
    assert operations.actualiser_la_recherche() == 1
    assert Demande.objects.get(pk=brouillon.pk).recherche == ""


@pytest.mark.django_db(transaction=True)
def test_un_numero_attribue_la_meme_seconde_ne_se_perd_pas(deposee, agent, le):
    """La relecture attend l'acte, puis relit la personne : elle n'efface pas ce qu'il vient d'écrire."""
    Usager.objects.filter(pk=deposee.usager_id).update(numero_etranger=None)
    Compte.objects.filter(pk=deposee.usager.compte_id).update(coordonnees_changees_le=le)
    parti = threading.Event()

    def relire():
        parti.set()
        operations.actualiser_la_recherche()
        connection.close()

    fil = threading.Thread(target=relire)
    with transaction.atomic():
        agents.attribuer_numero(deposee, "7703009999", agent=agent, version=deposee.version, le=le)
        fil.start()
        parti.wait(10)
        time.sleep(0.3)  # le temps que la relecture bute sur le verrou
    fil.join(20)
    assert trouves(agent, "7703009999") == [deposee.numero]
    assert Compte.objects.get(pk=deposee.usager.compte_id).coordonnees_changees_le is None
