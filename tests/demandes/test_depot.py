"""Le dépôt : une transaction, un numéro, un reçu (architecture §3, domaine T2)."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.etats import Etat
from demandes.models import Compteur, Demande, Evenement, Instantane, Saisie, Site
from demandes.operations import DemandeFigee, DemandeIncomplete
from documents.models import Document
from notifications.models import Envoi, Notification
from tests.demandes.reponses import EPHOTO, envoi
from tests.factories import CompteFactory, SiteFactory, TitreSejourFactory, UsagerFactory
from tests.situations import joindre_tout, numero_ephoto, photo, remplir, tout_relire

pytestmark = pytest.mark.django_db


def test_un_depot_complet_est_numerote_date_fige_et_annonce(brouillon_relu, le):
    demande = operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)

    assert demande.etat == Etat.DEPOSEE
    assert demande.deposee_le == le
    assert demande.numero == f"7502{timezone.localdate(le):%Y%m%d}0000001"
    assert demande.site_id == "7502"
    assert demande.complete_au_depot
    assert demande.echeance_legale == timezone.localdate(le) + dt.timedelta(days=90)
    evenement = Evenement.objects.get(demande=demande, nature=Evenement.Nature.TRANSITION)
    assert (evenement.avant, evenement.apres, evenement.par) == ("brouillon", "deposee", demande.ouverte_par)
    assert evenement.document == Document.objects.get() and evenement.notification == Notification.objects.get()
    assert {envoi.canal for envoi in Envoi.objects.all()} == {"courriel", "sms"}


def test_le_contenu_fige_porte_libelles_pieces_empreintes_et_baremes(brouillon_relu, le):
    demande = operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)

    contenu = Instantane.objects.get(demande=demande).contenu
    lignes = {
        ligne["libelle"]: ligne["affichage"]
        for partie in contenu["parties"]
        for groupe in partie["groupes"]
        for ligne in groupe["lignes"]
    }
    assert lignes["Nom de naissance"] == "JOHN"
    assert lignes["Ressource 2 – Montant (€/mois)"] == "225,50\u00a0€"
    assert lignes["Discipline"] == "Biologie"
    fichiers = [fichier for piece in contenu["pieces"] for fichier in piece["fichiers"]]
    assert fichiers and all(len(fichier["empreinte"]) == 64 for fichier in fichiers)
    assert next(piece for piece in contenu["pieces"] if piece["code"] == "EPHOTO")["numero"] == numero_ephoto(demande)
    assert contenu["baremes"]["etudiant.seuil_ressources"] == {"montant": "615.00"}


def test_l_adresse_et_le_contact_du_depot_deviennent_ceux_du_profil(brouillon_relu, le):
    demande = operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)

    usager = demande.usager
    usager.refresh_from_db()
    assert (usager.adresse_voie, usager.adresse_code_postal) == ("18 rue des Pyrénées", "75020")
    assert usager.situation_familiale == "celibataire"
    assert usager.compte.telephone == "+33601020304"


def test_deposer_deux_fois_rend_la_meme_demande(brouillon_relu, le):
    premiere = operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)
    seconde = operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le + dt.timedelta(minutes=1))

    assert (premiere.pk, premiere.numero, premiere.deposee_le) == (seconde.pk, seconde.numero, seconde.deposee_le)
    assert Document.objects.count() == Notification.objects.count() == Instantane.objects.count() == 1


def test_un_depot_sans_relecture_nomme_chaque_partie_manquante(brouillon_complet, le):
    with pytest.raises(DemandeIncomplete) as refus:
        operations.deposer(brouillon_complet, par=brouillon_complet.ouverte_par, le=le)

    assert [manque.code for manque in refus.value.manques] == ["relecture"] * 4
    assert "Ressources (3/4)" in refus.value.manques[2].texte
    assert Demande.objects.get().numero is None


def test_un_depot_incomplet_nomme_l_etape_a_terminer(brouillon, le):
    with pytest.raises(DemandeIncomplete) as refus:
        operations.deposer(brouillon, par=brouillon.ouverte_par, le=le)

    assert [manque.etape for manque in refus.value.manques] == ["informations", "motif", "ressources", "justificatifs"]


def test_une_modification_non_enregistree_empeche_le_depot(brouillon_relu, le):
    etape = DEMARCHES["etudiant"].etape("motif")
    saisie = Saisie.objects.get(demande=brouillon_relu, etape="motif")
    form = etape.form(contexte=operations.contexte_de(brouillon_relu.usager, le=le))
    operations.garder_brouillon(
        brouillon_relu, etape, envoi(saisie.reponses, mobilite="oui"), version=saisie.version, le=le, form=form
    )

    with pytest.raises(DemandeIncomplete) as refus:
        operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)

    assert [manque.code for manque in refus.value.manques] == ["brouillon"]


def test_changer_une_etape_annule_sa_relecture_et_elle_seule(brouillon_relu, le):
    etape = DEMARCHES["etudiant"].etape("ressources")
    saisie = Saisie.objects.get(demande=brouillon_relu, etape="ressources")
    form = etape.form(
        envoi(saisie.reponses, **{"ressources-0-montant": "500"}),
        contexte=operations.contexte_de(brouillon_relu.usager, le=le),
    )
    assert form.is_valid()
    operations.enregistrer_etape(
        brouillon_relu, etape, form, version=saisie.version, le=le, par=brouillon_relu.ouverte_par
    )

    relues = set(Saisie.objects.filter(relue_le__isnull=False).values_list("etape", flat=True))
    assert relues == {"informations", "motif", "justificatifs"}


def test_avant_le_120e_jour_tout_se_prepare_mais_rien_ne_part(droit, le):
    titre = TitreSejourFactory(fin=timezone.localdate() + dt.timedelta(days=150))
    demande = operations.commencer(DEMARCHES["etudiant"], titre.usager, par=titre.usager.compte, le=le)
    remplir(demande, le=le)
    tout_relire(demande, le=le)

    with pytest.raises(DemandeIncomplete) as refus:
        operations.deposer(demande, par=demande.ouverte_par, le=le)

    assert [manque.code for manque in refus.value.manques] == ["fenetre"]
    trente_jours_apres = le + dt.timedelta(days=30)
    assert operations.deposer(demande, par=demande.ouverte_par, le=trente_jours_apres).numero


def test_apres_le_60e_jour_le_depot_est_accepte_et_marque_hors_delai(droit, le):
    titre = TitreSejourFactory(fin=timezone.localdate() + dt.timedelta(days=20))
    demande = operations.commencer(DEMARCHES["etudiant"], titre.usager, par=titre.usager.compte, le=le)
    remplir(demande, le=le)
    tout_relire(demande, le=le)

    assert operations.deposer(demande, par=demande.ouverte_par, le=le).hors_delai


def test_une_piece_obligatoire_declaree_absente_rend_la_demande_incomplete(brouillon, le):
    remplir(brouillon, jusqu_a="justificatifs", le=le)
    joindre_tout(brouillon, le=le)
    inscription = brouillon.pieces.get(code="INSCRIPTION")
    operations.retirer_piece(brouillon, inscription, le=le)
    etape = DEMARCHES["etudiant"].etape("justificatifs")
    absence = envoi({}, absente_INSCRIPTION="on", raison_INSCRIPTION="Inscription en septembre")
    saisie = operations.enregistrer_pieces(brouillon, etape, absence, version=0, le=le, valider=True)
    assert saisie.validee_le
    tout_relire(brouillon, le=le)

    demande = operations.deposer(brouillon, par=brouillon.ouverte_par, le=le)

    assert not demande.complete_au_depot and demande.echeance_legale is None
    piece = next(p for p in demande.instantanes.get().contenu["pieces"] if p["code"] == "INSCRIPTION")
    assert piece["absence"] == "Inscription en septembre"


def test_un_service_ferme_garde_la_demande_et_le_dit(brouillon_relu, le):
    Site.objects.update(ferme_le=timezone.localdate(le))
    with pytest.raises(DemandeIncomplete) as erreur:
        operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)
    (manque,) = erreur.value.manques
    assert "est fermé" in str(manque.texte) and "gardée" in str(manque.texte)
    assert Demande.objects.get().est_brouillon


def test_un_code_postal_sans_prefecture_est_signale_a_l_etape_de_l_adresse(brouillon_relu, le):
    brouillon_relu.saisies.filter(etape="informations").update(
        reponses=dict(envoi(Saisie.objects.get(etape="informations").reponses, adresse_code_postal="00000").lists())
    )

    with pytest.raises(DemandeIncomplete) as refus:
        operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)

    assert [(manque.code, manque.etape) for manque in refus.value.manques] == [("site", "informations")]


def test_une_demande_deposee_ne_se_modifie_plus(brouillon_relu, le):
    demande = operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)

    with pytest.raises(DemandeFigee):
        operations.joindre_piece(demande, "INSCRIPTION", photo(), par=demande.ouverte_par, le=le)
    with pytest.raises(DemandeFigee):
        operations.noter_observations(demande, "trop tard", le=le)


def test_un_echec_apres_le_compteur_rend_le_rang(brouillon_relu, le, monkeypatch):
    def panne(*args, **kwargs):
        raise RuntimeError("panne")

    with monkeypatch.context() as contexte, pytest.raises(RuntimeError):
        contexte.setattr(operations.depot, "notifier", panne)
        operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)

    assert not Compteur.objects.exists()
    assert operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le).numero.endswith("0000001")


def _en_parallele(travaux):
    """Lance chaque appel dans son fil, au même signal ; rend (résultats, erreurs)."""
    depart, resultats, erreurs = threading.Barrier(len(travaux)), [], []

    def courir(travail):
        try:
            depart.wait(timeout=30)
            resultats.append(travail())
        except Exception as erreur:
            erreurs.append(erreur)
        finally:
            connection.close()

    fils = [threading.Thread(target=courir, args=(travail,)) for travail in travaux]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join(timeout=60)
    return resultats, erreurs


@pytest.mark.django_db(transaction=True)
def test_vingt_clics_sur_un_brouillon_font_un_depot(brouillon_relu, le):
    def deposer():
        return operations.deposer(Demande.objects.get(pk=brouillon_relu.pk), par=brouillon_relu.ouverte_par, le=le)

    resultats, erreurs = _en_parallele([deposer] * 20)

    assert not erreurs
    assert len({demande.numero for demande in resultats}) == 1
    assert Document.objects.count() == Instantane.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_cinquante_depots_simultanes_ont_cinquante_numeros_consecutifs(droit, le):
    site = SiteFactory()

    def attribuer(rang):
        def travail():
            with transaction.atomic():
                numero = operations.attribuer_numero(site, le=le)
                if rang % 5 == 0:
                    transaction.set_rollback(True)
                    return None
                return numero

        return travail

    resultats, erreurs = _en_parallele([attribuer(rang) for rang in range(62)])

    assert not erreurs
    rangs = sorted(int(numero[12:]) for numero in resultats if numero)
    assert rangs == list(range(1, len(rangs) + 1)) and len(rangs) == 49


def test_une_seule_demande_active_par_objet(usager, le):
    premiere = operations.commencer(DEMARCHES["etudiant"], usager, par=usager.compte, le=le)
    seconde = operations.commencer(DEMARCHES["etudiant"], usager, par=usager.compte, le=le)

    assert premiere.pk == seconde.pk
    assert Evenement.objects.filter(nature=Evenement.Nature.OUVERTURE).count() == 1


def test_un_numero_d_ephoto_ne_sert_qu_une_fois(brouillon, le, droit):
    operations.confirmer_ephoto(brouillon, EPHOTO, le=le)
    autre = TitreSejourFactory(usager=UsagerFactory(compte=CompteFactory()))
    demande = operations.commencer(DEMARCHES["etudiant"], autre.usager, par=autre.usager.compte, le=le)

    with pytest.raises(operations.NumeroDejaUtilise):
        operations.confirmer_ephoto(demande, "1PMT-EK77-0613-1138-07AA-00", le=le)

    assert operations.confirmer_ephoto(brouillon, EPHOTO, le=le) == EPHOTO


def test_retirer_un_brouillon_rend_son_numero_d_ephoto(brouillon, le):
    operations.confirmer_ephoto(brouillon, EPHOTO, le=le)

    demande = operations.retirer(brouillon, par=brouillon.ouverte_par, le=le)

    assert demande.etat == Etat.RETIREE and not demande.numeros.exists()
