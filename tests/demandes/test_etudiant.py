"""Qui peut demander un titre étudiant, et avec quelles pièces (domaine §1.1 et §7.1)."""

import datetime as dt

import pytest
from django.utils import timezone

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.demarches.base import Fermee
from demandes.demarches.etudiant import annee_universitaire
from demandes.droit import Contexte
from demandes.models import Bareme
from demandes.parcours import Parcours
from tests.demandes.reponses import ETAPES, envoi
from tests.factories import PaysFactory, TitreSejourFactory, UsagerFactory
from tests.situations import remplir

pytestmark = pytest.mark.django_db
ETUDIANT = DEMARCHES["etudiant"]


def contexte(**titre) -> Contexte:
    usager = UsagerFactory(**titre.pop("personne", {}))
    TitreSejourFactory(usager=usager, **titre)
    return operations.contexte_de(usager, le=timezone.now())


@pytest.mark.parametrize(
    ("titre", "cas"),
    [
        ({"nature": "VLS_TS", "motif": "etudiant", "valide_le": dt.date(2026, 1, 5)}, "ETU_VLSTS"),
        ({"nature": "VLS_TS", "motif": "etudiant_mobilite", "valide_le": dt.date(2026, 1, 5)}, "ETU_VLSTS"),
        ({"nature": "VLS", "motif": "etudiant_mobilite"}, "ETU_VLS_MOB"),
        ({"nature": "VLS_T", "motif": "mineur_scolarise"}, "ETU_MINEUR_SCOL"),
        ({"nature": "CST", "motif": "salarie"}, "ETU_CHGT_MOTIF"),
        ({"nature": "CST", "motif": "etudiant"}, "ETU_TITRE"),
        ({"nature": "CSP", "motif": "etudiant_mobilite"}, "ETU_TITRE"),
    ],
)
def test_chaque_situation_couverte_a_son_cas(droit, titre, cas):
    assert ETUDIANT.cas(contexte(**titre)).code == cas


def test_un_visa_long_sejour_etudiant_est_couvert_pour_un_ressortissant_algerien(droit):
    algerie = PaysFactory(code="DZ", alpha3="DZA", nom="Algérie")
    assert (
        ETUDIANT.cas(contexte(nature="VLS", motif="etudiant", personne={"nationalite": algerie})).code == "ETU_DZ_VLS"
    )


@pytest.mark.parametrize(
    ("titre", "mot"),
    [
        ({"nature": "VLS", "motif": "etudiant"}, "préfecture"),
        ({"nature": "C", "motif": "etudiant_concours"}, "concours"),
        ({"nature": "RLD_UE", "motif": "resident"}, "longue durée"),
        ({"nature": "UE", "motif": "citoyen_ue_permanent"}, "Citoyen UE"),
        ({"nature": "VLS_TS", "motif": "etudiant"}, "Validez"),
        ({"nature": "CST", "motif": "etudiant", "fin": dt.date(2024, 1, 1)}, "expiré"),
        ({"nature": "VLS_T", "motif": "mineur_scolarise", "personne": {"naissance": "2015-00-00"}}, "18 ans"),
    ],
)
def test_une_situation_non_couverte_dit_pourquoi_et_ou_aller(droit, titre, mot):
    situation = ETUDIANT.cas(contexte(**titre))

    assert isinstance(situation, Fermee) and mot in str(situation.motif)


def test_sans_titre_connu_la_demarche_est_fermee(droit):
    assert isinstance(ETUDIANT.cas(operations.contexte_de(UsagerFactory(), le=timezone.now())), Fermee)


def test_l_annee_universitaire_change_a_la_bascule(droit):
    usager = UsagerFactory()
    assert annee_universitaire(Contexte(dt.date(2026, 6, 30), usager, None)) == 2025
    assert annee_universitaire(Contexte(dt.date(2026, 7, 1), usager, None)) == 2026


def pieces(demande, le, **reponses) -> list[str]:
    for code, changements in reponses.items():
        etape = ETUDIANT.etape(code)
        demande.saisies.filter(etape=code).update(reponses=dict(envoi(ETAPES[etape.code], **changements).lists()))
    return [piece.code for piece in Parcours(type(demande).objects.get(pk=demande.pk), le=le).pieces]


def test_les_pieces_suivent_les_reponses(brouillon, le):
    remplir(brouillon, jusqu_a="justificatifs", le=le)

    base = ["TITRE_SEJOUR", "PASSEPORT", "EPHOTO", "DOMICILE", "INSCRIPTION"]
    assert pieces(brouillon, le) == [*base, "RELEVES_NOTES", "DERNIER_DIPLOME", "REUSSITE", "RES_BOURSE", "RES_PERSO"]
    assert "REUSSITE" not in pieces(brouillon, le, motif={"precedente_resultat": "non_validee"})
    assert "MOBILITE" in pieces(brouillon, le, motif={"mobilite": "oui"})
    sans_france = pieces(brouillon, le, motif={"etudiant_precedente": "non"})
    assert not {"RELEVES_NOTES", "REUSSITE"} & set(sans_france)
    assert "RES_SALAIRE" in pieces(brouillon, le, ressources={"ressources-0-origine": "salarie"})
    assert "RES_TIERS" in pieces(brouillon, le, ressources={"ressources-0-origine": "pris_en_charge"})


@pytest.mark.parametrize(
    ("logement", "mot"), [("hotel", "hôtelier"), ("heberge", "hébergement"), ("locataire_proprietaire", "bail")]
)
def test_le_logement_change_l_aide_du_justificatif_de_domicile(brouillon, le, logement, mot):
    remplir(brouillon, jusqu_a="justificatifs", le=le)
    pieces(brouillon, le, informations={"logement": logement})

    piece = Parcours(brouillon, le=le).piece("DOMICILE")

    assert mot in piece.texte
    assert piece.libelle == "Justificatifs de domicile datant de moins de 6 mois"


def test_le_passeport_devient_obligatoire_quand_la_carte_est_expiree(droit, le):
    titre = TitreSejourFactory(fin=timezone.localdate() - dt.timedelta(days=10))
    demande = operations.commencer(ETUDIANT, titre.usager, par=titre.usager.compte, le=le)
    remplir(demande, jusqu_a="justificatifs", le=le)

    assert Parcours(demande, le=le).piece("PASSEPORT").obligatoire


def test_trois_fiches_de_paie_ou_une_explication(brouillon, le):
    remplir(brouillon, jusqu_a="justificatifs", le=le)
    pieces(brouillon, le, ressources={"ressources-0-origine": "salarie"})

    piece = Parcours(brouillon, le=le).piece("RES_SALAIRE")

    assert piece.reference.fichiers_min == 3 and not piece.est_satisfaite


def test_un_tarif_charge_sans_date_n_est_pas_en_vigueur(droit):
    assert Bareme.objects.filter(code="etudiant.taxe").count() == 2
    assert operations.contexte_de(UsagerFactory(), le=timezone.now()).montant("etudiant.taxe", "premiere") == 75
