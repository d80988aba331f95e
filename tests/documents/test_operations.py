"""Émettre, rendre, remplacer, retirer : une ligne figée, un seul PDF, même quand tout s'arrête."""

import datetime as dt
import hashlib
import threading

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from documents import autorite, deuxd_doc, operations, tasks
from documents.catalogue import MODELES, Acte
from documents.deuxd_doc import NonEncodable
from documents.fichiers import enregistrer_octets
from documents.models import Document, Fichier
from tests.documents.donnees import DECISION, DEPOT, SUISSE, VISA

pytestmark = pytest.mark.django_db
ACTES_FAITS = [acte for acte in Acte if MODELES[acte].gabarit]


@pytest.fixture
def files(monkeypatch):
    """Ce que les opérations ont demandé au travailleur."""
    demandes = []
    monkeypatch.setattr(tasks.rendre, "delay", demandes.append)
    return demandes


def fichiers_stockes():
    return sum(len(default_storage.listdir(dossier)[1]) for dossier in default_storage.listdir("")[0])


def test_etablir_fige_les_donnees_et_le_code_a_signer(etablir):
    document = etablir(DEPOT, le=dt.datetime(2026, 11, 22, 23, 30, tzinfo=dt.UTC))

    assert len(document.numero) == 9
    assert document.certificat == "FR00AN13"
    assert document.etat == Document.Etat.EN_VIGUEUR
    assert document.est_en_preparation
    entete = document.code_2d[:26]
    assert entete == f"DC04FR00AN13{deuxd_doc.jours_hexa(dt.date(2026, 11, 23)) * 2}1301FR"  # le jour de Paris
    assert document.code_2d.endswith(f"01{document.numero}")


def test_une_decision_porte_la_validite_du_titre(etablir):
    document = etablir(DECISION)

    assert (document.valable_du, document.valable_au) == (dt.date(2026, 11, 23), dt.date(2046, 11, 22))
    assert "6N231120266O22112046" in document.code_2d
    assert "6PAUTORISE A TRAVAILLER A TITRE ACCESSOIRE6Q" in document.code_2d


def test_un_porteur_de_visa_a_son_numero_de_visa(etablir):
    code = etablir(VISA).code_2d

    assert "6Q\x1d" in code
    assert "6RFRA1234567896YFR" in code
    assert "6900021993" in code


@pytest.mark.parametrize(
    "valeurs",
    [
        {"nom_naissance": "Иванов"},
        {"lieu_naissance": "北京"},
        {"numero_demande": "123"},
        {"adresse": DEPOT["adresse"] | {"voie": "شارع"}},
        {"sexe": "X"},
    ],
)
def test_un_document_impossible_echoue_avant_d_exister(etablir, valeurs):
    with pytest.raises(NonEncodable):
        etablir(DEPOT | valeurs)

    assert not Document.objects.exists()


def test_sans_gabarit_le_fichier_doit_etre_donne():
    with pytest.raises(ValueError, match="gabarit"):
        operations.etablir(Acte.REFUS, donnees={}, le=timezone.now())


def test_un_refus_garde_le_pdf_de_la_prefecture(files, django_capture_on_commit_callbacks):
    fichier = enregistrer_octets(b"%PDF-1.7 refus", nom="refus.pdf", type_mime="application/pdf")

    with django_capture_on_commit_callbacks(execute=True):
        document = operations.etablir(
            Acte.REFUS, donnees={"numero_demande": "7502202611220000030"}, le=timezone.now(), fichier=fichier
        )

    assert document.fichier == fichier
    assert not document.code_2d
    assert files == []


def test_le_rendu_n_est_demande_qu_apres_la_transaction(etablir, files, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        document = etablir()
        assert files == []

    assert files == [document.pk]


def test_un_courtier_en_panne_ne_fait_pas_echouer_l_acte(etablir, monkeypatch, django_capture_on_commit_callbacks):
    def tomber(*_):
        raise ConnectionError

    monkeypatch.setattr(tasks.rendre, "delay", tomber)

    with django_capture_on_commit_callbacks(execute=True):
        document = etablir()

    assert Document.objects.filter(pk=document.pk).exists()


def test_rendre_fait_un_pdf_et_un_seul(etablir):
    document = operations.rendre(etablir())
    fichier = document.fichier

    assert operations.rendre(document).fichier == fichier
    assert Fichier.objects.count() == fichiers_stockes() == 1
    with fichier.contenu.open() as contenu:
        octets = contenu.read()
    assert octets.startswith(b"%PDF-")
    assert fichier.empreinte == hashlib.sha256(octets).hexdigest()
    assert fichier.nom_affiche == "confirmation-depot-7502202611220000030.pdf"
    assert (document.bail, document.tentatives) == (None, 1)
    assert not document.est_en_preparation


def test_la_tache_rend_et_peut_passer_deux_fois(etablir):
    document = etablir()

    tasks.rendre(document.pk)
    tasks.rendre(document.pk)

    assert Fichier.objects.count() == 1


def test_un_rendu_deja_pris_n_est_pas_refait(etablir):
    document = etablir()
    Document.objects.filter(pk=document.pk).update(bail=timezone.now() + dt.timedelta(minutes=1))

    assert operations.rendre(document).est_en_preparation
    assert document.tentatives == 0


def test_un_bail_eteint_se_reprend(etablir):
    document = etablir()
    Document.objects.filter(pk=document.pk).update(bail=timezone.now() - dt.timedelta(seconds=1))

    assert operations.relancer_rendus(le=timezone.now()) == 1


def test_sans_cle_le_rendu_echoue_puis_reprend_de_plus_en_plus_tard(etablir, settings, tmp_path):
    document = etablir()
    bon = settings.DEUXD_DOC_DOSSIER
    settings.DEUXD_DOC_DOSSIER = tmp_path / "vide"
    attentes = []
    for _ in range(3):
        Document.objects.update(bail=None)
        with pytest.raises(autorite.AutoriteAbsente):
            operations.rendre(document)
        document.refresh_from_db()
        attentes.append(document.bail - timezone.now())
    assert attentes == sorted(attentes)
    assert document.tentatives == 3
    assert operations.relancer_rendus(le=timezone.now()) == 0

    settings.DEUXD_DOC_DOSSIER = bon
    assert tasks.relancer_rendus() == 0
    Document.objects.update(bail=None)
    assert tasks.relancer_rendus() == 1


def test_un_document_en_echec_n_arrete_pas_le_balayage(etablir):
    casse, bon = etablir(), etablir(SUISSE)
    Document.objects.filter(pk=casse.pk).update(certificat="FR00ZZ99")

    assert operations.relancer_rendus(le=timezone.now()) == 1
    bon.refresh_from_db()
    assert bon.fichier


def test_le_perdant_d_un_rendu_double_retire_son_fichier(etablir, monkeypatch):
    document = etablir()
    gagnant = enregistrer_octets(b"%PDF-1.7 gagnant", nom="a.pdf", type_mime="application/pdf")

    def produire(_):
        Document.objects.filter(pk=document.pk).update(fichier=gagnant)
        return b"%PDF-1.7 perdant"

    monkeypatch.setattr(operations, "produire", produire)

    assert operations.rendre(document).fichier == gagnant
    assert Fichier.objects.count() == fichiers_stockes() == 1


@pytest.mark.django_db(transaction=True)
def test_huit_travailleurs_ensemble_ne_font_qu_un_pdf(etablir):
    document = etablir()
    depart = threading.Barrier(8)

    def travailler():
        depart.wait()
        try:
            operations.rendre(Document.objects.get(pk=document.pk))
        finally:
            connection.close()

    fils = [threading.Thread(target=travailler) for _ in range(8)]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join()

    document.refresh_from_db()
    assert document.fichier
    assert document.tentatives == 1
    assert Fichier.objects.count() == fichiers_stockes() == 1


def test_remplacer_dit_par_quoi_et_quand(etablir):
    ancien, nouveau, le = etablir(), etablir(), timezone.now()

    operations.remplacer(ancien, par_document=nouveau, le=le)
    encore = operations.remplacer(ancien, par_document=etablir(), le=le + dt.timedelta(days=1))

    assert (encore.etat, encore.remplace_par, encore.etat_le) == (Document.Etat.REMPLACE, nouveau, le)


def test_retirer_dit_pourquoi_et_l_emporte_sur_le_remplacement(etablir):
    document, le = etablir(), timezone.now()
    operations.remplacer(document, par_document=etablir(), le=le)

    operations.retirer(document, motif="Obtenu par fraude", le=le)
    encore = operations.retirer(document, motif="Autre", le=le + dt.timedelta(days=1))

    assert (encore.etat, encore.motif, encore.etat_le) == (Document.Etat.RETIRE, "Obtenu par fraude", le)


def test_un_document_ne_se_remplace_pas_lui_meme(etablir):
    document = etablir()

    assert operations.remplacer(document, par_document=document, le=timezone.now()).etat == Document.Etat.EN_VIGUEUR


def test_etablir_tient_dans_la_transaction_de_l_acte(etablir):
    with pytest.raises(RuntimeError), transaction.atomic():
        etablir()
        raise RuntimeError

    assert not Document.objects.exists()


def test_chaque_acte_a_son_modele():
    assert set(MODELES) == set(Acte)
    assert len({MODELES[acte].code_6j for acte in ACTES_FAITS}) == len(ACTES_FAITS)
