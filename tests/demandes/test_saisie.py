"""Garder et valider une étape : brouillon, versions, deux onglets, relecture."""

import datetime as dt
import threading

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.etats import Etat
from demandes.models import Demande, Saisie
from demandes.operations import DemandeFigee, SaisiePerimee, SaisieTropLongue
from demandes.parcours import Parcours, form_de_saisie
from tests.demandes.reponses import ETAPES, envoi
from tests.factories import TitreSejourFactory
from tests.situations import remplir

ETUDIANT = DEMARCHES["etudiant"]
MOTIF = ETUDIANT.etape("motif")
RESSOURCES = ETUDIANT.etape("ressources")
INFORMATIONS = ETUDIANT.etape("informations")


def garder(demande, etape, version, *, le=None, **changements):
    le = le or timezone.now()
    donnees = envoi(ETAPES[etape.code], **changements)
    form = form_de_saisie(Parcours(demande, le=le), etape, donnees)
    return operations.garder_brouillon(demande, etape, donnees, version=version, le=le, form=form)


def enregistrer(demande, etape, version, *, le=None, **changements):
    le = le or timezone.now()
    form = form_de_saisie(Parcours(demande, le=le), etape, envoi(ETAPES[etape.code], **changements))
    assert form.is_valid(), form.errors
    return operations.enregistrer_etape(demande, etape, form, version=version, le=le, par=demande.usager.compte)


def test_un_brouillon_invalide_est_garde_tel_que_tape(brouillon, le):
    saisie = garder(brouillon, INFORMATIONS, 0, le=le, adresse_code_postal="7502", telephone="06")

    saisie.refresh_from_db()
    assert saisie.brouillon["adresse_code_postal"] == ["7502"]
    assert (saisie.reponses, saisie.version) == (None, 1)
    brouillon.refresh_from_db()
    assert brouillon.modifiee_le == le


def test_le_brouillon_se_remontre_sans_reproche(brouillon, le):
    garder(brouillon, INFORMATIONS, 0, adresse_code_postal="7502")

    form = form_de_saisie(Parcours(brouillon, le=le), INFORMATIONS)

    assert form["adresse_code_postal"].value() == "7502"
    assert not form.errors


def test_valider_remplace_le_brouillon(brouillon, le):
    garder(brouillon, INFORMATIONS, 0, adresse_voie="à compléter")

    saisie = enregistrer(brouillon, INFORMATIONS, 1)

    assert saisie.brouillon is None
    assert saisie.reponses["adresse_voie"] == ["rue des Pyrénées"]
    assert saisie.validee_le is not None
    assert Parcours(brouillon, le=le).courante == MOTIF


def test_une_version_depassee_est_refusee_et_rien_n_est_ecrase(brouillon):
    garder(brouillon, INFORMATIONS, 0, adresse_voie="premier onglet")

    with pytest.raises(SaisiePerimee) as refus:
        garder(brouillon, INFORMATIONS, 0, adresse_voie="second onglet")

    assert refus.value.saisie.brouillon["adresse_voie"] == ["premier onglet"]
    assert Saisie.objects.get().brouillon["adresse_voie"] == ["premier onglet"]


def test_valider_avec_une_version_depassee_est_refuse(brouillon):
    garder(brouillon, INFORMATIONS, 0, adresse_voie="autre appareil")

    with pytest.raises(SaisiePerimee):
        enregistrer(brouillon, INFORMATIONS, 0)

    assert Saisie.objects.get().reponses is None


def test_un_contenu_identique_est_accepte_en_silence(brouillon):
    """Double clic, rejeu, retour arrière : la même chose dite deux fois n'est pas un conflit."""
    garder(brouillon, INFORMATIONS, 0)
    assert garder(brouillon, INFORMATIONS, 0).version == 1
    enregistrer(brouillon, INFORMATIONS, 1)
    assert enregistrer(brouillon, INFORMATIONS, 1).version == 2


def test_revalider_ce_qui_attend_ailleurs_une_modification_est_un_conflit(brouillon):
    enregistrer(brouillon, INFORMATIONS, 0)
    garder(brouillon, INFORMATIONS, 1, adresse_voie="rue modifiée ailleurs")

    with pytest.raises(SaisiePerimee):
        enregistrer(brouillon, INFORMATIONS, 1)


def test_redire_les_reponses_validees_n_ouvre_pas_de_modification(brouillon, le):
    enregistrer(brouillon, INFORMATIONS, 0)

    # Sans JavaScript, la page renvoie aussi les champs repliés, vides, et la recherche d'adresse.
    saisie = garder(brouillon, INFORMATIONS, 1, nationalite_conjoint="", adresse="18 rue des pyr")

    assert (saisie.brouillon, saisie.version) == (None, 1)


def test_defaire_une_modification_a_la_main_la_referme(brouillon):
    enregistrer(brouillon, INFORMATIONS, 0)
    garder(brouillon, INFORMATIONS, 1, adresse_voie="rue de Bagnolet")

    saisie = garder(brouillon, INFORMATIONS, 2)

    assert (saisie.brouillon, saisie.version) == (None, 3)


def test_revalider_sans_changement_garde_la_relecture(brouillon_relu, le):
    saisie = Saisie.objects.get(demande=brouillon_relu, etape="ressources")

    enregistrer(brouillon_relu, RESSOURCES, saisie.version, **{"ressources-TOTAL_FORMS": "3"})
    saisie.refresh_from_db()
    assert saisie.relue_le is not None

    enregistrer(brouillon_relu, RESSOURCES, saisie.version, **{"ressources-0-montant": "401"})
    saisie.refresh_from_db()
    assert saisie.relue_le is None


def test_un_brouillon_trop_long_est_refuse(brouillon):
    with pytest.raises(SaisieTropLongue):
        garder(brouillon, RESSOURCES, 0, explication="x" * 70_000)

    assert not Saisie.objects.exists()


def test_une_demande_close_ne_se_modifie_plus(brouillon, le):
    operations.retirer(brouillon, par=brouillon.usager.compte, le=le)

    with pytest.raises(DemandeFigee):
        garder(brouillon, INFORMATIONS, 0)


def test_un_enregistrement_lance_avant_le_depot_arrive_trop_tard(brouillon, le):
    """La page tient encore un brouillon ; la base sait que la demande est close."""
    Demande.objects.filter(pk=brouillon.pk).update(etat=Etat.RETIREE)
    assert brouillon.est_brouillon

    with pytest.raises(DemandeFigee):
        garder(brouillon, INFORMATIONS, 0)


def test_abandonner_une_modification_rend_les_reponses_validees(brouillon, le):
    enregistrer(brouillon, INFORMATIONS, 0)
    garder(brouillon, INFORMATIONS, 1, adresse_voie="rue de Bagnolet")

    operations.abandonner_brouillon(brouillon, INFORMATIONS, le=le)

    form = form_de_saisie(Parcours(brouillon, le=le), INFORMATIONS)
    assert form["adresse_voie"].value() == "rue des Pyrénées"


# --- Parcours --------------------------------------------------------------------------------------------------------
def test_l_etape_courante_se_deduit_des_reponses(brouillon, le):
    assert Parcours(brouillon, le=le).courante == INFORMATIONS
    remplir(brouillon, jusqu_a="ressources", le=le)
    parcours = Parcours(brouillon, le=le)
    assert parcours.courante == RESSOURCES
    assert parcours.est_accessible(INFORMATIONS) and not parcours.est_accessible(ETUDIANT.etape("justificatifs"))
    assert parcours.pieces == []


def test_une_reponse_qui_devient_fausse_rouvre_son_etape(brouillon_complet, le):
    """Le droit a changé, ou l'étape demande autre chose : les réponses sont relues à chaque fois."""
    Saisie.objects.filter(etape="motif").update(reponses={"mobilite": ["oui"]})

    assert Parcours(brouillon_complet, le=le).courante == MOTIF


def test_commencer_reprend_le_brouillon_existant(brouillon, le):
    plus_tard = le + dt.timedelta(days=3)

    assert operations.commencer(ETUDIANT, brouillon.usager, par=brouillon.usager.compte, le=plus_tard) == brouillon


def test_une_demarche_fermee_ne_commence_pas(droit, le):
    usager = TitreSejourFactory(nature="RLD_UE", motif="resident").usager

    with pytest.raises(operations.DemarcheFermee, match="longue durée"):
        operations.commencer(ETUDIANT, usager, par=usager.compte, le=le)


# --- Concurrence -----------------------------------------------------------------------------------------------------
def en_parallele(nombre, geste):
    """Lance le geste dans autant de fils, au même instant ; rend ce que chacun a obtenu."""
    resultats, depart = [None] * nombre, threading.Barrier(nombre)

    def fil(rang):
        close_old_connections()
        depart.wait()
        try:
            resultats[rang] = geste(rang)
        except Exception as erreur:
            resultats[rang] = erreur
        finally:
            connection.close()

    fils = [threading.Thread(target=fil, args=(rang,)) for rang in range(nombre)]
    for tache in fils:
        tache.start()
    for tache in fils:
        tache.join()
    return resultats


@pytest.mark.django_db(transaction=True)
def test_vingt_onglets_enregistrent_un_seul_gagne_et_rien_ne_se_perd_en_silence(droit, le):
    usager = TitreSejourFactory().usager
    demande = operations.commencer(ETUDIANT, usager, par=usager.compte, le=le)
    garder(demande, INFORMATIONS, 0)

    resultats = en_parallele(20, lambda rang: garder(demande, INFORMATIONS, 1, adresse_voie=f"onglet {rang}"))

    gagnants = [rang for rang, resultat in enumerate(resultats) if isinstance(resultat, Saisie)]
    assert len(gagnants) == 1, resultats
    assert sum(isinstance(resultat, SaisiePerimee) for resultat in resultats) == 19
    saisie = Saisie.objects.get()
    assert saisie.brouillon["adresse_voie"] == [f"onglet {gagnants[0]}"]
    assert saisie.version == 2


@pytest.mark.django_db(transaction=True)
def test_enregistrer_et_garder_ensemble_ne_se_bloquent_pas(droit, le):
    """Même ordre de verrous partout : aucun interblocage, quel que soit celui qui passe le premier."""
    usager = TitreSejourFactory().usager
    demande = operations.commencer(ETUDIANT, usager, par=usager.compte, le=le)

    def geste(rang):
        version = Saisie.objects.filter(etape="informations").values_list("version", flat=True).first() or 0
        if rang % 2:
            return garder(demande, INFORMATIONS, version, adresse_voie=f"onglet {rang}")
        return enregistrer(demande, INFORMATIONS, version, adresse_voie=f"onglet {rang}")

    resultats = en_parallele(12, geste)

    assert all(isinstance(resultat, Saisie | SaisiePerimee) for resultat in resultats), resultats
    assert any(isinstance(resultat, Saisie) for resultat in resultats)


@pytest.mark.django_db(transaction=True)
def test_vingt_clics_sur_je_commence_ouvrent_un_brouillon(droit, le):
    usager = TitreSejourFactory().usager

    resultats = en_parallele(20, lambda rang: operations.commencer(ETUDIANT, usager, par=usager.compte, le=le).pk)

    assert len(set(resultats)) == 1, resultats
    assert Demande.objects.count() == 1
