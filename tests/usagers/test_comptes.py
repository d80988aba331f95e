"""Créer son compte : le titre, le courriel, le lien, le mot de passe ; et ce qui n'est jamais dit à l'écran."""

import datetime as dt
import threading

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from notifications.models import Envoi
from tests.factories import CompteFactory, TitreSejourFactory, UsagerFactory
from tests.usagers.conftest import MOT_DE_PASSE, adresse_du_lien, saisie
from usagers import freins, operations
from usagers.models import Compte, Identifiant, Inscription, Tentative, TitreSejour, Usager

CREER, COURRIEL = "/compte/creer/", "/compte/creer/courriel/"
ENREGISTREE, CREE = "/compte/creer/enregistree/", "/compte/cree/"
CHOIX = {"mot_de_passe": MOT_DE_PASSE, "confirmation": MOT_DE_PASSE}


def demander(client, courriel="jean@exemple.invalid", **donnees):
    """Les deux écrans de la demande ; rend la réponse du second."""
    assert client.post(CREER, saisie(**donnees)).url == COURRIEL
    page = client.get(COURRIEL)
    return client.post(COURRIEL, {"courriel": courriel, "saisie": page.context["form"].initial["saisie"]})


def preinscrire(numero="7503119958", debut=dt.date(2025, 3, 9), fin=dt.date(2026, 3, 8), **donnees):
    valeurs = {"courriel": "jean@exemple.invalid", "langue": "fr", "le": timezone.now(), **donnees}
    return operations.preinscrire(numero=numero, debut=debut, fin=fin, **valeurs)


# --- Demander ----------------------------------------------------------------------------------------------------


def test_du_numero_au_compte(client, titre_sans_compte):
    assert demander(client).url == ENREGISTREE
    assert "jean@exemple.invalid" in client.get(ENREGISTREE).content.decode()
    assert not Compte.objects.exists()
    envoi = Envoi.objects.get()
    assert (envoi.message, envoi.adresse) == ("inscription", "jean@exemple.invalid")

    lien = adresse_du_lien(envoi)
    assert client.get(lien).status_code == 200
    assert not Compte.objects.exists()
    assert client.post(lien, CHOIX).url == CREE
    page = client.get(CREE).content.decode()
    assert "7503119958" in page
    assert "JEAN" not in page

    compte = Compte.objects.get()
    assert (compte.identifiant, compte.courriel, compte.langue) == ("7503119958", "jean@exemple.invalid", "fr")
    assert compte.courriel_verifie_le
    assert compte.usager == titre_sans_compte.usager
    assert list(compte.identifiants.values_list("valeur", "nature")) == [("7503119958", "numero_etranger")]

    page = client.get(reverse("usagers:connexion"))
    assert page.context["form"].initial["username"] == "7503119958"
    suite = {"username": "7503119958", "password": MOT_DE_PASSE, "next": "/compte/informations/"}
    assert client.post(reverse("usagers:connexion"), suite).status_code == 302


@pytest.mark.parametrize("numero", ["TS7654321", " ts 765-4321 ", "7503 119 958"])
def test_le_numero_du_titre_convient_autant_que_le_numero_etranger(client, titre_sans_compte, numero):
    demander(client, numero=numero)
    client.post(adresse_du_lien(Envoi.objects.get()), CHOIX)
    assert Compte.objects.get().identifiant == "7503119958"


@pytest.mark.parametrize("numero", ["FRA012345678", "012345678"])
def test_le_porteur_d_un_visa_sans_numero_etranger_se_connecte_avec_son_visa(client, db, numero):
    visa = TitreSejourFactory(
        usager__compte=None, usager__numero_etranger=None, nature=TitreSejour.Nature.VLS_TS, numero="FRA012345678"
    )
    preinscrire(numero, visa.debut, visa.fin)
    client.post(adresse_du_lien(Envoi.objects.get()), CHOIX)
    compte = Compte.objects.get()
    assert list(compte.identifiants.values_list("valeur", "nature")) == [("FRA012345678", "visa")]
    assert compte.identifiant == "FRA012345678"


def test_le_visa_reste_accepte_a_cote_du_numero_etranger(client, db):
    visa = TitreSejourFactory(
        usager__compte=None,
        usager__numero_etranger="9903000001",
        nature=TitreSejour.Nature.VLS_TS,
        numero="FRA012345678",
    )
    preinscrire("FRA012345678", visa.debut, visa.fin)
    client.post(adresse_du_lien(Envoi.objects.get()), CHOIX)
    assert Compte.objects.get().identifiant == "9903000001"
    assert set(Identifiant.objects.values_list("valeur", flat=True)) == {"9903000001", "FRA012345678"}


def test_un_titre_expire_ouvre_un_compte(titre_sans_compte):
    assert titre_sans_compte.fin < timezone.localdate()
    assert operations.rapprocher(numero="7503119958", debut=titre_sans_compte.debut, fin=titre_sans_compte.fin)


def message(inscription) -> str:
    assert inscription.pk
    return Envoi.objects.latest("pk").message


@pytest.mark.parametrize(
    "ecart",
    [
        {"numero": "7503119959"},
        {"debut": dt.date(2025, 3, 10)},
        {"fin": dt.date(2026, 3, 9)},
    ],
)
def test_une_information_fausse_se_dit_par_courriel_et_sans_lien(titre_sans_compte, ecart):
    assert message(preinscrire(**ecart)) == "inscription_refusee"
    assert Envoi.objects.get().contexte == {}


@pytest.mark.parametrize(
    "changement",
    [
        {"statut": TitreSejour.Statut.RETIRE},
        {"nature": TitreSejour.Nature.COURT_SEJOUR},
        {"nature": TitreSejour.Nature.RLD_UE},
    ],
)
def test_un_titre_sans_demarche_n_ouvre_pas_de_compte_mort(titre_sans_compte, changement):
    TitreSejour.objects.update(**changement)
    assert message(preinscrire()) == "inscription_refusee"


def test_une_personne_effacee_n_ouvre_pas_de_compte(titre_sans_compte):
    Usager.objects.update(anonymise_le=timezone.now())
    assert message(preinscrire()) == "inscription_refusee"


def test_un_compte_deja_ouvert_se_dit_par_courriel(titre_sans_compte):
    Usager.objects.update(compte=CompteFactory(identifiant="7503119958"))
    assert message(preinscrire()) == "compte_existant"


def test_l_ecran_les_ecritures_et_leur_nombre_sont_les_memes_que_la_personne_existe_ou_non(titre_sans_compte):
    avec_compte = TitreSejourFactory(debut=dt.date(2025, 1, 1), fin=dt.date(2026, 1, 1))
    cas = {
        "connue": {},
        "inconnue": {"numero": "9999999999"},
        "compte": {"numero": avec_compte.numero, "debut": ("1", "1", "2025"), "fin": ("1", "1", "2026")},
    }
    vus = []
    for donnees in cas.values():
        client = Client()
        with CaptureQueriesContext(
            connection,
        ) as requetes:
            reponse = demander(client, **donnees)
        formes = [requete["sql"].split(" ")[0] for requete in requetes]
        vus.append(
            (reponse.status_code, reponse.url, formes, client.get(ENREGISTREE).content.decode().split("<main")[1])
        )
    assert vus[0][:3] == vus[1][:3] == vus[2][:3]
    assert vus[0][3] == vus[1][3] == vus[2][3]
    assert Inscription.objects.count() == Envoi.objects.count() == 3


# --- Saisie ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("donnees", "phrase"),
    [
        ({"numero": ""}, "Saisissez le numéro écrit sur votre titre"),
        ({"numero": "12"}, "9 à 12 lettres et chiffres"),
        ({"debut": ("", "", "")}, "Saisissez la date de début de validité"),
        ({"fin": ("31", "2", "2026")}, "n&#x27;existe pas"),
        ({"fin": ("08", "3", "2024")}, "la fin de validité est avant le début"),
    ],
)
def test_une_saisie_impossible_dit_le_champ_et_garde_le_reste(client, db, donnees, phrase):
    reponse = client.post(CREER, saisie(**donnees))
    page = reponse.content.decode()
    assert reponse.status_code == 200
    assert phrase in page
    assert "<title>Erreur" in page
    assert "data-resume-erreurs" in page
    assert 'value="2025"' in page or donnees.get("debut")


def test_un_numero_a_neuf_chiffres_est_accepte_avec_un_avertissement(client, db):
    for numero, averti in (("770300436", True), ("7703004369", False)):
        client.post(CREER, saisie(numero=numero))
        assert ("10 chiffres" in client.get(COURRIEL).content.decode().replace("\u00a0", " ")) is averti


def test_l_ecran_du_courriel_sans_saisie_ramene_au_debut(client, db):
    assert client.get(COURRIEL).url == CREER
    assert client.post(COURRIEL, {"courriel": "a@exemple.invalid", "saisie": "fausse"}).url == CREER
    assert client.get(ENREGISTREE).url == CREER
    assert client.get(CREE).url == reverse("usagers:connexion")


@pytest.mark.parametrize(("courriel", "phrase"), [("", "Saisissez votre adresse"), ("nom@", "Vérifiez l&#x27;adresse")])
def test_un_courriel_impossible_est_refuse_sur_place(client, db, courriel, phrase):
    reponse = demander(client, courriel=courriel)
    assert phrase in reponse.content.decode()
    assert not Inscription.objects.exists()


def test_deux_onglets_ne_melangent_pas_leurs_saisies(client, titre_sans_compte):
    client.post(CREER, saisie())
    premier = client.get(COURRIEL).context["form"].initial["saisie"]
    client.post(CREER, saisie(numero="9999999999"))
    client.get(COURRIEL)
    client.post(COURRIEL, {"courriel": "jean@exemple.invalid", "saisie": premier})
    assert Inscription.objects.get().numero == "7503119958"


def test_la_langue_de_la_page_devient_celle_du_compte(client, titre_sans_compte):
    client.cookies["django_language"] = "en"
    demander(client)
    envoi = Envoi.objects.get()
    assert envoi.langue == "en"
    client.post(adresse_du_lien(envoi), CHOIX)
    assert Compte.objects.get().langue == "en"


def test_l_aide_montre_chaque_document_avec_son_texte(client, db):
    page = client.get(CREER).content.decode()
    assert page.count('<details class="aide-numero">') == 1
    assert page.count("img/numero-") == 4
    assert 'alt=""' not in page.split("aide-numero")[1]


def test_la_page_se_lit_en_peu_de_requetes(client, db, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        client.get(CREER)


# --- Freins ------------------------------------------------------------------------------------------------------


def test_la_creation_est_freinee_par_numero(client, titre_sans_compte):
    for rang in range(freins.CREATION_NUMERO.essais):
        assert demander(client, courriel=f"j{rang}@exemple.invalid").status_code == 302
    reponse = demander(client, courriel="j9@exemple.invalid")
    assert reponse.status_code == 429
    assert "Réessayez dans" in reponse.content.decode()
    assert "indésirables" in reponse.content.decode()
    assert Inscription.objects.count() == Envoi.objects.count() == freins.CREATION_NUMERO.essais


def test_la_creation_est_freinee_par_courriel(client, db):
    statuts = [demander(client, numero=f"99999{rang:05}").status_code for rang in range(6)]
    assert statuts == [302] * 5 + [429]


def test_la_creation_est_freinee_par_adresse(client, db):
    for rang in range(freins.CREATION_ADRESSE.essais):
        demander(client, courriel=f"j{rang}@exemple.invalid", numero=f"99999{rang:05}")
    assert demander(client, numero="8888888888").status_code == 429
    assert Tentative.objects.filter(frein="creation_numero").count() == freins.CREATION_ADRESSE.essais


# --- Le lien -----------------------------------------------------------------------------------------------------


@pytest.fixture
def lien(titre_sans_compte):
    preinscrire()
    return adresse_du_lien(Envoi.objects.get())


def test_le_lien_ne_sert_qu_une_fois(client, lien):
    client.post(lien, CHOIX)
    for reponse in (client.get(lien), client.post(lien, CHOIX)):
        assert reponse.status_code == 410
        assert reverse("usagers:connexion") in reponse.content.decode()
    assert Compte.objects.count() == 1


def test_le_lien_expire_au_bout_de_vingt_quatre_heures_et_se_redemande(client, lien):
    with time_machine.travel(timezone.now() + dt.timedelta(hours=24, seconds=1), tick=False):
        reponse = client.get(lien)
        assert reponse.status_code == 410
        assert "M'envoyer un nouveau lien" in reponse.content.decode()
        assert client.post(lien).url == ENREGISTREE
        nouveau = Envoi.objects.latest("pk")
        assert (nouveau.message, nouveau.adresse) == ("inscription", "jean@exemple.invalid")
        assert client.post(adresse_du_lien(nouveau), CHOIX).url == CREE


def test_le_lien_tient_vingt_trois_heures_cinquante_neuf(client, lien):
    with time_machine.travel(timezone.now() + dt.timedelta(hours=23, minutes=59), tick=False):
        assert client.get(lien).status_code == 200


@pytest.mark.parametrize("jeton", ["rien", signing.dumps([1, "x"], salt="autre")], ids=["abîmé", "d'un autre objet"])
def test_un_lien_abime_ou_d_un_autre_objet_est_inconnu(client, db, jeton):
    reponse = client.get(reverse("usagers:activer", args=[jeton]))
    assert reponse.status_code == 404
    assert CREER in reponse.content.decode()


def test_un_lien_bien_signe_mais_d_un_autre_nonce_est_inconnu(client, lien):
    inscription = Inscription.objects.get()
    for objet in ([inscription.pk, "autre"], [inscription.pk + 1, inscription.nonce]):
        jeton = signing.dumps(objet, salt=operations.SEL_INSCRIPTION)
        assert client.get(reverse("usagers:activer", args=[jeton])).status_code == 404


def test_le_lien_d_un_refus_n_existe_pas_et_ne_s_ouvrirait_pas(client, titre_sans_compte):
    inscription = preinscrire(numero="9999999999")
    jeton = signing.dumps([inscription.pk, inscription.nonce], salt=operations.SEL_INSCRIPTION)
    reponse = client.post(reverse("usagers:activer", args=[jeton]), CHOIX)
    assert reponse.status_code == 409
    assert not Compte.objects.exists()


def test_un_titre_retire_depuis_l_envoi_n_ouvre_plus_de_compte(client, lien):
    TitreSejour.objects.update(statut=TitreSejour.Statut.RETIRE)
    assert client.post(lien, CHOIX).status_code == 409
    assert not Compte.objects.exists()


def test_deux_liens_de_la_meme_personne_n_ouvrent_qu_un_compte(client, lien):
    preinscrire()
    second = adresse_du_lien(Envoi.objects.latest("pk"))
    assert client.post(lien, CHOIX).url == CREE
    reponse = client.post(second, CHOIX)
    assert reponse.status_code == 409
    assert "Vous avez déjà un compte" in reponse.content.decode()
    assert Compte.objects.count() == 1


def test_un_identifiant_deja_pris_n_ouvre_pas_un_second_compte(client, lien):
    CompteFactory(identifiant="7503119958")
    assert client.post(lien, CHOIX).status_code == 409
    assert Compte.objects.count() == 1


@pytest.mark.parametrize(
    ("choix", "phrase"),
    [
        ({}, "Choisissez un mot de passe"),
        ({"mot_de_passe": "court", "confirmation": "court"}, "trois règles"),
        ({"mot_de_passe": "Ab!7503119958", "confirmation": "Ab!7503119958"}, "trop semblable"),
        ({"mot_de_passe": MOT_DE_PASSE, "confirmation": "autre"}, "sont différents"),
    ],
)
def test_un_mot_de_passe_refuse_laisse_le_lien_utilisable(client, lien, choix, phrase):
    reponse = client.post(lien, choix)
    assert phrase in reponse.content.decode()
    assert not Compte.objects.exists()
    assert client.post(lien, CHOIX).url == CREE


def test_les_regles_se_lisent_avant_de_taper(client, lien):
    page = client.get(lien).content.decode()
    assert page.index("7 mots différents") < page.index('name="mot_de_passe"')
    assert page.count('autocomplete="new-password"') == 2


def test_ouvrir_un_compte_ferme_la_session_d_une_autre_personne_sur_ce_poste(client, lien):
    client.force_login(UsagerFactory().compte, backend="usagers.backends.IdentifiantBackend")
    client.post(lien, CHOIX)
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db(transaction=True)
def test_vingt_clics_simultanes_ouvrent_un_seul_compte():
    titre = TitreSejourFactory(usager__compte=None, usager__numero_etranger="7503119958")
    inscriptions = [preinscrire(titre.numero, titre.debut, titre.fin) for _ in range(4)]
    issues = []

    def activer(inscription):
        try:
            operations.activer(inscription, mot_de_passe=MOT_DE_PASSE, le=timezone.now())
            issues.append("ouvert")
        except (operations.LienUtilise, operations.CompteDejaOuvert) as refus:
            issues.append(type(refus).__name__)
        finally:
            connection.close()

    fils = [threading.Thread(target=activer, args=[inscriptions[rang % 4]]) for rang in range(20)]
    [fil.start() for fil in fils]
    [fil.join() for fil in fils]
    assert issues.count("ouvert") == 1
    assert len(issues) == 20
    assert Compte.objects.count() == Identifiant.objects.count() == 1
