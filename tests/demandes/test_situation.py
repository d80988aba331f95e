"""Situation, présentation de la démarche, liste des pièces, ouverture du brouillon."""

import datetime as dt
import html
import io
import re

import pikepdf
import pypdfium2
import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from demandes.demarches import DEMARCHES
from demandes.liste_pieces import liste_des_pieces
from demandes.models import Demande
from notifications.models import Envoi
from tests.factories import AgentFactory, DemandeFactory, TitreSejourFactory, UsagerFactory

IDENTIFIANT = "usagers.backends.IdentifiantBackend"
SITUATION, PREAMBULE = reverse("demandes:situation"), reverse("demandes:preambule", args=["etudiant"])
COMMENCER = reverse("demandes:commencer", args=["etudiant"])


@pytest.fixture
def ouvrir(client, droit):
    """`ouvrir(fin=…)` : connecte une personne dont le titre finit dans tant de jours."""

    def connecter(fin=90, **titre):
        titre = TitreSejourFactory(fin=timezone.localdate() + dt.timedelta(days=fin), **titre)
        client.force_login(titre.usager.compte, backend=IDENTIFIANT)
        return titre.usager

    return connecter


def texte(reponse) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", reponse.content.decode())))


def jour(dans):
    return f"{timezone.localdate() + dt.timedelta(days=dans):%d/%m/%Y}"


# --- Situation -------------------------------------------------------------------------------------------------------
def test_la_situation_vient_du_referentiel_et_propose_le_renouvellement(client, ouvrir, django_assert_max_num_queries):
    ouvrir()

    with django_assert_max_num_queries(15):
        reponse = client.get(SITUATION)

    page = texte(reponse)
    assert "uniquement pour obtenir un titre de séjour en tant qu'étudiant" in page
    assert "Vous êtes titulaire d'un titre de séjour ÉTUDIANT avec la mention « ÉTUDIANT »" in page
    assert "Je souhaite renouveler ce titre" in page
    assert "Je continue" in page
    assert f"déposez votre demande au plus tard le {jour(30)}" in page


def test_je_continue_mene_a_la_presentation(client, ouvrir):
    ouvrir()

    assert client.post(SITUATION, {"demarche": "etudiant"})["Location"] == PREAMBULE


@pytest.mark.parametrize("choix", ["", "inconnue"])
def test_ne_rien_choisir_se_dit(client, ouvrir, choix):
    ouvrir()

    reponse = client.post(SITUATION, {"demarche": choix})

    assert reponse.status_code == 422
    assert "Choisissez ce que vous souhaitez faire." in texte(reponse)
    assert "<title>Erreur" in reponse.content.decode()


def test_un_visa_se_dit_comme_un_visa(client, ouvrir):
    ouvrir(nature="VLS_TS", valide_le=timezone.localdate())

    assert "titulaire d'un visa de long séjour valant titre de séjour avec la mention « ÉTUDIANT »" in texte(
        client.get(SITUATION)
    )


def test_une_demarche_fermee_dit_pourquoi_et_ne_se_choisit_pas(client, ouvrir):
    ouvrir(nature="RLD_UE", motif="resident")

    page = texte(client.get(SITUATION))

    assert "La carte de résident de longue durée-UE n'est pas couverte ici." in page
    assert "Je continue" not in page
    assert client.post(SITUATION, {"demarche": "etudiant"}).status_code == 422
    assert client.get(PREAMBULE)["Location"] == SITUATION
    assert client.post(COMMENCER)["Location"] == SITUATION
    assert not Demande.objects.exists()


def test_sans_titre_connu_rien_n_est_propose(client, droit):
    client.force_login(UsagerFactory().compte, backend=IDENTIFIANT)

    assert "ne connaît pas de titre de séjour à votre nom" in texte(client.get(SITUATION))


def test_un_brouillon_se_reprend_et_ne_se_double_pas(client, ouvrir):
    ouvrir()
    client.post(COMMENCER)
    client.post(COMMENCER)

    demande = Demande.objects.get()
    page = client.get(SITUATION)
    assert "Vous avez une demande commencée" in texte(page)
    assert reverse("demandes:reprendre", args=[demande.pk]) in page.content.decode()
    assert "Je continue" not in texte(page)
    assert "Reprendre ma demande" in texte(client.get(PREAMBULE))


def test_une_demande_deposee_mene_a_son_suivi(client, droit):
    demande = DemandeFactory(deposee=True)
    client.force_login(demande.usager.compte, backend=IDENTIFIANT)
    suivi = reverse("demandes:suivi", args=[demande.numero])

    assert demande.numero in texte(client.get(SITUATION))
    assert client.get(PREAMBULE)["Location"] == suivi
    assert client.post(COMMENCER)["Location"] == suivi
    assert client.get(reverse("demandes:reprendre", args=[demande.pk]))["Location"] == suivi


@pytest.mark.parametrize("etat", ["favorable", "en_fabrication", "titre_disponible"])
def test_un_titre_accorde_et_pas_encore_remis_ne_se_redemande_pas(client, droit, etat):
    demande = DemandeFactory(deposee=True, etat=etat)
    client.force_login(demande.usager.compte, backend=IDENTIFIANT)

    page = texte(client.get(SITUATION))
    assert f"Votre demande n° {demande.numero} est déjà acceptée".replace(" ", " ") in page.replace(" ", " ")
    assert "Je souhaite renouveler ce titre" not in page
    assert client.get(PREAMBULE)["Location"] == reverse("demandes:suivi", args=[demande.numero])
    assert client.post(COMMENCER)["Location"] == SITUATION
    assert Demande.objects.count() == 1


def test_le_titre_remis_se_renouvelle_a_son_tour(client, droit):
    demande = DemandeFactory(deposee=True, etat="remise")
    client.force_login(demande.usager.compte, backend=IDENTIFIANT)

    assert "Je souhaite renouveler ce titre" in texte(client.get(SITUATION))
    client.post(COMMENCER)
    assert Demande.objects.count() == 2


# --- Fenêtre de dépôt ------------------------------------------------------------------------------------------------
def test_avant_le_120e_jour_on_prepare_et_un_rappel_est_propose(client, ouvrir):
    ouvrir(fin=150)

    assert f"Vous pourrez envoyer votre demande à partir du {jour(30)}" in texte(client.get(SITUATION))
    assert f"Me prévenir par courriel le {jour(30)}" in texte(client.get(PREAMBULE))

    reponse = client.post(COMMENCER, {"rappel": "on"}, follow=True)

    assert "Nous vous écrirons ce jour-là" in texte(reponse)
    envoi = Envoi.objects.get(message="ouverture_depot")
    assert f"{timezone.localtime(envoi.a_partir_de):%d/%m/%Y}" == jour(30)


def test_le_rappel_se_demande_aussi_de_l_etape_1_une_seule_fois(client, ouvrir):
    ouvrir(fin=150)
    client.post(COMMENCER)
    demande = Demande.objects.get()
    rappel = reverse("demandes:rappel", args=[demande.pk])

    assert rappel in client.get(reverse("demandes:etape", args=[demande.pk, "informations"])).content.decode()
    client.post(rappel)
    client.post(rappel)

    assert Envoi.objects.filter(message="ouverture_depot").count() == 1


@pytest.mark.parametrize(("fin", "mot"), [(59, "Votre demande sera hors délai"), (-10, "a expiré le")])
def test_hors_delai_le_depot_reste_ouvert_et_ses_consequences_sont_dites(client, ouvrir, fin, mot):
    ouvrir(fin=fin)

    page = texte(client.get(SITUATION))

    assert mot in page
    assert "une majoration de 180 € peut vous être demandée" in page
    assert "n'est plus délivrée de plein droit" in page
    assert "Je continue" in page


def test_une_premiere_demande_n_a_pas_de_fenetre(client, ouvrir):
    ouvrir(fin=300, nature="VLS", motif="etudiant_mobilite")

    page = texte(client.get(SITUATION))

    assert "Je souhaite demander un titre de séjour étudiant" in page
    assert "Vous pourrez envoyer votre demande à partir du" not in page


# --- Présentation ----------------------------------------------------------------------------------------------------
def test_la_presentation_dit_tout_ce_que_dit_le_guide(client, ouvrir, django_assert_max_num_queries):
    ouvrir()
    liste_des_pieces(DEMARCHES["etudiant"], timezone.localdate(), "fr")

    with django_assert_max_num_queries(15):
        page = texte(client.get(PREAMBULE))

    for attendu in (
        "Je demande un titre de séjour pour étudier",
        "dans les 12 derniers mois",
        "Déposez votre demande en 6 étapes",
        "Vérifiez les informations relatives à votre état-civil et votre adresse.",
        "Décrivez votre projet.",
        "Renseignez les ressources dont vous bénéficiez.",
        "Joignez les documents justifiant votre situation.",
        "Vérifiez le récapitulatif de votre demande et de vos documents.",
        "Le dépôt de votre demande est confirmé.",
        "Votre saisie est sauvegardée à la validation de chaque étape",
        "format JPG, PNG ou PDF",
        "10 Mo par fichier",
        "carte de géolocalisation",
        "Observations à destination de l'administration",
        "Télécharger la liste des pièces justificatives",
        "Revenir à l'étape précédente",
        "Je commence",
    ):
        assert attendu in page, attendu
    assert re.search(r"PDF – \d+ ko", page)


def test_je_commence_ouvre_l_etape_1(client, ouvrir):
    usager = ouvrir()

    reponse = client.post(COMMENCER)

    demande = Demande.objects.get()
    assert (demande.usager, demande.cas, demande.objet) == (usager, "ETU_TITRE", "titre_sejour")
    assert reponse["Location"] == reverse("demandes:etape", args=[demande.pk, "informations"])


# --- Liste des pièces ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("langue", "mots"),
    [
        ("fr", ["Titre de séjour", "Passeport", "Vous vivez à l'hôtel", "3 fichiers au moins", "Selon votre logement"]),
        ("en", ["Passport"]),
    ],
)
def test_la_liste_des_pieces_est_un_pdf_balise_dans_la_langue_de_la_page(client, droit, langue, mots):
    cache.clear()
    client.cookies["django_language"] = langue

    reponse = client.get(reverse("demandes:pieces_liste", args=["etudiant"]))

    assert reponse["Content-Type"] == "application/pdf"
    assert reponse["Content-Disposition"] == 'inline; filename="liste-des-pieces-etudiant.pdf"'
    assert reponse["X-Content-Type-Options"] == "nosniff"
    pdf = pypdfium2.PdfDocument(reponse.content)
    contenu = " ".join(feuille.get_textpage().get_text_range() for feuille in pdf)
    contenu = re.sub(r"\s+", " ", contenu)
    for mot in mots:
        assert mot in contenu, contenu
    with pikepdf.open(io.BytesIO(reponse.content)) as document:
        assert str(document.Root.Lang) == langue
        assert "/StructTreeRoot" in document.Root


def test_la_liste_n_est_faite_qu_une_fois_par_jour(client, droit, django_assert_num_queries):
    cache.clear()
    adresse = reverse("demandes:pieces_liste", args=["etudiant"])
    premiere = client.get(adresse).content

    with django_assert_num_queries(0):
        assert client.get(adresse).content == premiere


def test_sans_cache_la_liste_se_fait_quand_meme(client, droit, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nulle/part/redis.sock",
        }
    }

    assert client.get(reverse("demandes:pieces_liste", args=["etudiant"])).content.startswith(b"%PDF")


# --- Accès -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("adresse", [SITUATION, PREAMBULE])
def test_il_faut_etre_connecte(client, db, adresse):
    assert client.get(adresse)["Location"].startswith(reverse("usagers:connexion"))


@pytest.mark.parametrize("adresse", [SITUATION, PREAMBULE])
def test_un_agent_n_a_pas_de_parcours(client, droit, adresse):
    client.force_login(AgentFactory().compte, backend=IDENTIFIANT)

    assert client.get(adresse).status_code == 404


def test_une_demarche_inconnue_n_existe_pas(client, ouvrir):
    ouvrir()

    assert client.get(reverse("demandes:preambule", args=["cuisine"])).status_code == 404
    assert client.get(reverse("demandes:pieces_liste", args=["cuisine"])).status_code == 404
    assert client.post(reverse("demandes:commencer", args=["cuisine"])).status_code == 404


def test_rien_ne_s_ouvre_par_un_simple_lien(client, ouvrir):
    ouvrir()

    assert client.get(COMMENCER).status_code == 405
    assert not Demande.objects.exists()


def test_la_demande_d_autrui_n_existe_pas(client, ouvrir, brouillon):
    ouvrir()

    assert client.get(reverse("demandes:reprendre", args=[brouillon.pk])).status_code == 404
    assert client.post(reverse("demandes:rappel", args=[brouillon.pk])).status_code == 404
