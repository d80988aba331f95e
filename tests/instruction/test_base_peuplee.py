"""Une base peuplée : des dossiers inventés, mais tels que les vraies opérations les auraient écrits."""

import datetime as dt
import hashlib
import json

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count, Max
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from anef.controles import base_de_demonstration
from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.etats import ETATS_A_INSTRUIRE, TRANSITIONS, Etat
from demandes.models import Complement, Compteur, Decision, Demande, Evenement, Instantane, PieceJointe, Prolongation
from documents.models import Document, Fichier
from instruction.models import Agent
from notifications.models import Notification
from tests.factories import AgentFactory, PaysFactory, SiteFactory, TitreSejourFactory
from tests.instruction.conftest import connecter
from tests.situations import remplir, tout_relire
from usagers.models import TitreSejour, Usager

pytestmark = pytest.mark.django_db
LE = timezone.now()
NOMBRE = 300
# Ce qu'aucune opération n'écrit : la saisie en cours, et une démarche enregistrée sans instruction.
ABSENTS = {Etat.BROUILLON, Etat.TRAITEE}


def charger_referentiels():
    call_command("charger_droit", verbosity=0)
    for code, departement, ville in (("5901", "59", "59000 Lille"), ("7502", "75", "75004 Paris")):
        SiteFactory(code=code, departement=departement, coordonnees__adresse=f"1 place de l'Exemple, {ville}")
    PaysFactory()
    PaysFactory(code="IT", alpha3="ITA", nom="Italie", nationalite_f="italienne", nationalite_m="italien")


@pytest.fixture(scope="module")
def base_peuplee(django_db_setup, django_db_blocker, tmp_path_factory, autorite_d_essai):
    """Peuplée une fois pour tout le module, puis défaite : les tests n'y font que lire."""
    dossier = tmp_path_factory.mktemp("peuplement")
    stockage = settings.STORAGES["default"] | {"OPTIONS": {"location": dossier, "base_url": None}}
    reglages = {"DEUXD_DOC_DOSSIER": autorite_d_essai, "FICHIERS_DIR": dossier}
    reglages["STORAGES"] = {**settings.STORAGES, "default": stockage}
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(**reglages):
            charger_referentiels()
            peupler()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def peuple(base_peuplee, db):
    assert Demande.objects.count() == NOMBRE


def peupler(demandes=NOMBRE, **options):
    call_command("peupler", demandes=demandes, le=LE, verbosity=0, **options)


def test_tous_les_etats_toutes_les_demarches_et_tous_les_sites_y_sont(peuple):
    for champ, attendus in (
        ("etat", set(Etat) - ABSENTS), ("demarche", set(DEMARCHES)), ("site_id", {"5901", "7502"}),
    ):  # fmt: skip
        assert set(Demande.objects.values_list(champ, flat=True)) == attendus
    assert {role for agent in Agent.objects.all() for role in agent.roles} == {
        "instructeur", "valideur", "signataire", "remise",
    }  # fmt: skip
    assert Group.objects.get() and base_de_demonstration()


@pytest.mark.long
def test_chaque_ligne_est_valide_pour_son_modele(peuple):
    modeles = (Usager, TitreSejour, Demande, Decision, Complement, Prolongation, Evenement, Notification, Document)
    for modele in modeles:
        lignes = modele.objects.all()[:15]
        assert lignes, modele
        for ligne in lignes:
            # Les références, elles, sont gardées par la base.
            references = [champ.name for champ in modele._meta.fields if champ.is_relation]
            vides = [champ.name for champ in modele._meta.fields if getattr(ligne, champ.attname) in ("", {}, [])]
            ligne.clean_fields(exclude=[*references, *vides])
            ligne.validate_constraints()


def test_le_journal_de_chaque_dossier_mene_a_son_etat_par_des_passages_permis(peuple):
    for demande in Demande.objects.prefetch_related("evenements"):
        etat, version = Etat.BROUILLON, 0
        for evenement in demande.evenements.all():
            assert demande.deposee_le - dt.timedelta(days=1) < evenement.le <= LE
            if evenement.nature == Evenement.Nature.TRANSITION:
                assert evenement.avant == etat and Etat(evenement.apres) in TRANSITIONS[etat]
                etat = Etat(evenement.apres)
            version += evenement.nature in {
                Evenement.Nature.TRANSITION, Evenement.Nature.PROLONGATION, Evenement.Nature.CLOTURE,
            }  # fmt: skip
        assert (etat, version) == (demande.etat, demande.version)


def test_ce_que_chaque_etat_suppose_est_ecrit(peuple):
    decidees = Demande.objects.filter(decidee_le__isnull=False)
    assert set(decidees.values_list("etat", flat=True)) == {
        Etat.FAVORABLE, Etat.DEFAVORABLE, Etat.EN_FABRICATION, Etat.TITRE_DISPONIBLE, Etat.REMISE,
    }  # fmt: skip
    assert not decidees.exclude(decisions__signee_le__isnull=False, decisions__document__isnull=False).exists()
    proposees = Decision.objects.filter(demande__etat=Etat.PROPOSITION)
    assert proposees and {decision.visee_le is None for decision in proposees} == {True, False}
    attendus = Complement.objects.filter(repondu_le__isnull=True)
    assert set(attendus.values_list("demande__etat", flat=True)) == {Etat.COMPLEMENT_DEMANDE}
    remises = Demande.objects.filter(etat=Etat.REMISE)
    assert TitreSejour.objects.exclude(origine="").count() == remises.count()
    assert not Demande.objects.filter(etat__in=ETATS_A_INSTRUIRE[1:], agent__isnull=True).exists()
    assert Prolongation.objects.exists()
    # Aucun document à rendre, et les mêmes quelques fichiers pour tous.
    assert not Document.objects.filter(fichier__isnull=True).exists()
    assert PieceJointe.objects.count() > 3 * NOMBRE > 100 * Fichier.objects.count() / 10


def test_les_numeros_suivent_le_compteur_et_le_depot_suivant_continue(peuple):
    for demande in Demande.objects.all():
        jour = demande.deposee_le.astimezone(dt.UTC).date()
        assert demande.numero[:4] == demande.site_id and abs((_jour(demande.numero) - jour).days) <= 1
    for compteur in Compteur.objects.all():
        siens = Demande.objects.filter(numero__startswith=f"{compteur.cle}{compteur.annee}")
        assert siens.aggregate(Count("pk"), Max("numero")) == {
            "pk__count": compteur.dernier, "numero__max": siens.order_by("deposee_le").last().numero,
        }  # fmt: skip
    usager, le = TitreSejourFactory().usager, LE
    demande = operations.commencer(DEMARCHES["etudiant"], usager, par=usager.compte, le=le)
    remplir(demande, le=le)
    tout_relire(demande, le=le)
    avant = Compteur.objects.get(cle="7502", annee=timezone.localdate(LE).year).dernier
    assert operations.deposer(demande, par=usager.compte, le=le).numero.endswith(f"{avant + 1:07}")


def _jour(numero: str) -> dt.date:
    return dt.datetime.strptime(numero[4:12], "%Y%m%d").date()


def test_l_instantane_parle_de_cette_personne_et_porte_son_empreinte(peuple):
    for figee in Instantane.objects.select_related("demande__usager__nationalite", "demande__titre_de_depart")[:50]:
        contenu, demande = figee.contenu, figee.demande
        texte = json.dumps(contenu, ensure_ascii=False, sort_keys=True)
        assert figee.empreinte == hashlib.sha256(texte.encode()).hexdigest()
        assert "ZZ" not in texte.replace("ZZU", "") and "§" not in texte and "%(" not in texte
        civil = contenu["etat_civil"]
        assert (civil["nom_naissance"], civil["numero_etranger"]) == (
            demande.usager.nom_naissance, demande.usager.numero_etranger,
        )  # fmt: skip
        assert civil["nationalite"]["code"] == demande.usager.nationalite_id
        affichees = {
            ligne["champ"]: ligne["affichage"]
            for partie in contenu["parties"]
            for groupe in partie["groupes"]
            for ligne in groupe["lignes"]
        }
        assert affichees["naissance"] == "/".join(reversed(demande.usager.naissance.split("-")))
        assert affichees["nationalite"] == demande.usager.libelle_nationalite.capitalize()
        assert contenu["adresse"]["voie"] == demande.usager.adresse_voie
        assert contenu["titre"]["fin"] == demande.titre_de_depart.fin.isoformat()
        assert contenu["hors_delai"] == demande.hors_delai and contenu["complete"] == demande.complete_au_depot
        cles = [fichier["piece"] for piece in contenu["pieces"] for fichier in piece["fichiers"]]
        assert sorted(cles) == sorted(demande.pieces.values_list("pk", flat=True))


@pytest.mark.long
def test_la_file_la_recherche_et_un_dossier_de_chaque_etat_s_ouvrent(peuple, client):
    agent = AgentFactory(site_id="7502", roles=["instructeur", "valideur", "signataire", "remise"])
    connecter(client, agent.compte)
    file = reverse("admin:dossiers")
    assert client.get(file, {"onglet": "tous"}).status_code == 200
    choisi = Demande.objects.filter(site_id="7502").select_related("usager").first()
    for texte in (choisi.usager.numero_etranger, choisi.usager.nom_naissance, choisi.usager.compte.courriel):
        assert choisi.numero in client.get(file, {"q": texte, "tri": "depot"}).content.decode(), texte
    vus = {demande.etat: demande.numero for demande in Demande.objects.filter(site_id="7502")}
    assert set(vus) == set(Etat) - ABSENTS
    for etat, numero in vus.items():
        assert client.get(reverse("admin:dossier", args=[numero])).status_code == 200, etat
    for vue in ("pieces", "echanges", "historique"):
        assert client.get(reverse("admin:dossier", args=[vus[Etat.COMPLEMENT_RECU]]), {"vue": vue}).status_code == 200
