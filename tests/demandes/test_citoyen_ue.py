"""Qui peut renouveler un titre permanent de citoyen européen, et avec quelles pièces (domaine §1.2, §4.7, §7.2)."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.demarches.base import Fermee
from demandes.models import Bareme, Demande, Saisie
from demandes.parcours import Parcours
from documents.models import Document
from tests.factories import PaysFactory, TitreSejourFactory, UsagerFactory
from tests.situations import joindre_tout, remplir, tout_relire

pytestmark = pytest.mark.django_db
UE = DEMARCHES["citoyen_ue"]
IDENTIFIANT = "usagers.backends.IdentifiantBackend"
SITUATION = reverse("demandes:situation")


@pytest.fixture
def citoyen(droit):
    """Une personne de cette nationalité, titulaire d'une carte permanente valable encore 95 jours."""

    def creer(pays="CH", nom="Suisse", **titre):
        nationalite = PaysFactory(code=pays, alpha3=f"{pays}X", nom=nom)
        usager = UsagerFactory(nationalite=nationalite)
        TitreSejourFactory(usager=usager, **({"nature": "UE", "motif": "citoyen_ue_permanent"} | titre))
        return usager

    return creer


def cas(usager):
    return UE.cas(operations.contexte_de(usager, le=timezone.now()))


def texte(reponse) -> str:
    return reponse.content.decode().replace("\u00a0", " ").replace("&#x27;", "'")


@pytest.mark.parametrize("pays", ["DE", "PL", "HR", "IS", "LI", "NO", "CH"])
def test_un_citoyen_de_l_union_de_l_eee_ou_suisse_renouvelle_son_titre_permanent(citoyen, pays):
    assert cas(citoyen(pays)).code == "UE_PERMANENT"


def test_la_france_n_est_pas_dans_la_table(droit):
    assert "FR" not in Bareme.objects.get(code="citoyen_ue.pays").valeurs


def test_un_titre_expire_meme_depuis_longtemps_est_accepte(citoyen):
    assert cas(citoyen(debut=dt.date(2008, 1, 1), fin=dt.date(2018, 1, 1))).code == "UE_PERMANENT"


@pytest.mark.parametrize(
    ("pays", "titre", "mot"),
    [
        ("ML", {}, "réservée aux citoyens de l'Union européenne"),
        ("GB", {}, "Depuis le 01/01/2021"),
        ("CH", {"motif": "citoyen_ue"}, "n'est pas une carte de séjour permanent"),
        ("CH", {"nature": "CST", "motif": "salarie"}, "réservée aux titulaires d'une carte"),
    ],
)
def test_les_autres_lisent_pourquoi_la_demarche_est_fermee(client, citoyen, pays, titre, mot):
    usager = citoyen(pays, **titre)
    situation = cas(usager)
    assert isinstance(situation, Fermee) and mot in str(situation.motif).replace("\u00a0", " ")

    client.force_login(usager.compte, backend=IDENTIFIANT)
    assert mot in texte(client.get(SITUATION))
    client.post(reverse("demandes:commencer", args=["citoyen_ue"]))
    assert not Demande.objects.exists()


def test_la_nationalite_se_juge_le_jour_dit(citoyen):
    usager = citoyen("GB")
    veille = dt.datetime(2020, 12, 31, 12, tzinfo=dt.UTC)
    assert UE.cas(operations.contexte_de(usager, le=veille)).code == "UE_PERMANENT"


def test_sans_titre_connu_la_demarche_est_fermee(droit):
    assert isinstance(cas(UsagerFactory()), Fermee)


def test_la_situation_montre_la_demarche_ouverte_et_pourquoi_l_autre_ne_l_est_pas(
    client, citoyen, django_assert_max_num_queries
):
    client.force_login(citoyen().compte, backend=IDENTIFIANT)

    with django_assert_max_num_queries(15):
        page = texte(client.get(SITUATION))

    assert "Je sollicite le renouvellement de ce titre" in page and "Je commence" in page
    assert "vous donne déjà le droit d'étudier" in page
    assert "obtenir un titre de séjour en tant qu'étudiant ou renouveler une carte de séjour permanent" in page


def test_les_pages_publiques_citent_les_deux_demarches(client, droit):
    accueil = texte(client.get("/"))
    assert "titre de séjour étudiant" in accueil and "« Citoyen UE/EEE/Suisse – Séjour permanent »" in accueil
    assert "Séjour permanent" in texte(client.get("/orientation/", {"pour": "moi", "situation": "titre"}))


# --- Parcours --------------------------------------------------------------------------------------------------------
@pytest.fixture
def brouillon_ue(citoyen, le):
    usager = citoyen()
    return operations.commencer(UE, usager, par=usager.compte, le=le)


def test_quatre_etapes_sans_fenetre_ni_penalite(brouillon_ue, le):
    parcours = Parcours(brouillon_ue, le=le)
    assert [etape.code for etape in parcours.etapes] == [
        "informations", "justificatifs", "recapitulatif", "confirmation",
    ]  # fmt: skip
    assert parcours.fenetre is None and not parcours.est_hors_delai and not parcours.est_trop_tot


def test_les_pieces_sont_celles_du_guide(brouillon_ue, le):
    remplir(brouillon_ue, jusqu_a="justificatifs", le=le)

    pieces = Parcours(brouillon_ue, le=le).pieces
    assert [p.code for p in pieces] == ["IDENTITE_UE", "EPHOTO", "DOMICILE", "TITRE_SEJOUR", "DECL_PRESENCE"]
    assert all(piece.obligatoire for piece in pieces)


def test_un_demenagement_se_declare_d_abord_et_le_brouillon_attend(client, brouillon_ue):
    client.force_login(brouillon_ue.usager.compte, backend=IDENTIFIANT)
    page = texte(client.get(reverse("demandes:etape", args=[brouillon_ue.pk, "informations"])))
    assert "Déclarez d'abord votre changement d'adresse" in page and "votre brouillon vous attend" in page


def test_la_declaration_de_presence_se_coche_ou_s_explique(client, brouillon_ue, le):
    remplir(brouillon_ue, jusqu_a="justificatifs", le=le)
    joindre_tout(brouillon_ue, le=le)
    client.force_login(brouillon_ue.usager.compte, backend=IDENTIFIANT)
    url = reverse("demandes:etape", args=[brouillon_ue.pk, "justificatifs"])

    refus = client.post(url, {"action": "poursuivre", "version": "0"})
    assert refus.status_code == 422 and "cochez la déclaration" in texte(refus)

    def poursuivre(**donnees):
        version = Saisie.objects.get(demande=brouillon_ue, etape="justificatifs").version
        return client.post(url, {"action": "poursuivre", "version": str(version), **donnees})

    absence = {"absente_DECL_PRESENCE": "on", "raison_DECL_PRESENCE": "J'ai soigné ma mère à Berne trois ans."}
    assert poursuivre(**absence).status_code == 302
    assert not Parcours(brouillon_ue, le=le).est_complete
    assert poursuivre(declaree_DECL_PRESENCE="on").status_code == 302
    assert Parcours(Demande.objects.get(), le=le).est_complete
    assert " checked" in texte(client.get(url)).split('name="declaree_DECL_PRESENCE"')[1].split(">")[0]


def test_une_declaration_ne_recoit_pas_de_fichier(brouillon_ue, le):
    remplir(brouillon_ue, jusqu_a="justificatifs", le=le)
    with pytest.raises(operations.PieceRefusee):
        operations.verifier_place(Parcours(brouillon_ue, le=le), "DECL_PRESENCE")


def deposer(brouillon, le):
    remplir(brouillon, le=le)
    tout_relire(brouillon, le=le)
    return operations.deposer(brouillon, par=brouillon.ouverte_par, le=le)


def test_le_depot_fige_la_declaration_et_dit_ce_que_dit_le_guide(brouillon_ue, le):
    demande = deposer(brouillon_ue, le)

    contenu = demande.instantanes.get().contenu
    declaration = next(piece for piece in contenu["pieces"] if piece["code"] == "DECL_PRESENCE")
    assert declaration["declaration"].startswith("Je déclare sur l'honneur ne pas avoir quitté la France")
    assert demande.complete_au_depot and not demande.hors_delai
    donnees = Document.objects.get().donnees
    assert donnees["schengen"] is False and donnees["sms"] is False and donnees["premiere_demande"] is False


def test_des_lettres_islandaises_se_deposent(droit, le):
    islande = PaysFactory(code="IS", alpha3="ISL", nom="Islande")
    usager = UsagerFactory(nationalite=islande, nom_naissance="SIGURÐARDÓTTIR", prenoms="Guðrún Þóra")
    TitreSejourFactory(usager=usager, nature="UE", motif="citoyen_ue_permanent")
    demande = deposer(operations.commencer(UE, usager, par=usager.compte, le=le), le)
    assert demande.numero


# --- Adresses croisées -----------------------------------------------------------------------------------------------
def test_une_etape_de_l_autre_demarche_ramene_ou_l_on_en_etait(client, brouillon_ue):
    client.force_login(brouillon_ue.usager.compte, backend=IDENTIFIANT)
    ailleurs = reverse("demandes:etape", args=[brouillon_ue.pk, "ressources"])

    for reponse in (client.get(ailleurs, follow=True), client.post(ailleurs, {"action": "poursuivre"}, follow=True)):
        assert "Cette étape n'est pas dans votre démarche" in texte(reponse)
        assert reponse.redirect_chain[-1][0].endswith("/informations/")
    inconnue = reverse("demandes:etape", args=[brouillon_ue.pk, "inconnue"])
    assert client.get(inconnue).status_code == 404


def test_la_presentation_de_l_autre_demarche_mene_au_brouillon(client, brouillon_ue):
    client.force_login(brouillon_ue.usager.compte, backend=IDENTIFIANT)
    reponse = client.get(reverse("demandes:preambule", args=["etudiant"]), follow=True)
    assert "déjà une demande de titre de séjour en cours" in texte(reponse)
    assert client.post(reverse("demandes:commencer", args=["etudiant"])).status_code == 302
    assert Demande.objects.get() == brouillon_ue


def test_le_brouillon_d_un_autre_n_existe_pas(client, brouillon_ue):
    client.force_login(UsagerFactory(nationalite=brouillon_ue.usager.nationalite).compte, backend=IDENTIFIANT)
    assert client.get(reverse("demandes:etape", args=[brouillon_ue.pk, "informations"])).status_code == 404
