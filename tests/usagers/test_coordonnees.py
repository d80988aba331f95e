"""« Mes informations » : ce qui se voit, ce qui se change, et le courriel confirmé aux deux adresses."""

import datetime as dt

import pytest
import time_machine
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from notifications.models import Envoi
from tests.factories import UsagerFactory
from tests.usagers.conftest import MOT_DE_PASSE, adresse_du_lien
from usagers import freins, operations
from usagers.models import ChangementCoordonnees, Compte, Usager

INFORMATIONS, MODIFIER = "/compte/informations/", "/compte/informations/modifier/"
COURRIEL = "/compte/courriel/"
NOUVELLE = "julie.nouvelle@exemple.invalid"


@pytest.fixture
def usager(db):
    return UsagerFactory(
        adresse_voie="18 RUE DES PYRÉNÉES",
        adresse_code_postal="75020",
        adresse_commune="PARIS",
        compte__courriel="julie@exemple.invalid",
    )


@pytest.fixture
def connecte(client, usager):
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


# --- Voir et modifier --------------------------------------------------------------------------------------------


def test_la_page_montre_etat_civil_adresse_et_contact(connecte, usager, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        page = connecte.get(INFORMATIONS).content.decode()
    for texte in (
        "JOHN", "JULIE", "Féminin", "07/02/1993", "Mali", "BAMAKO", "Malienne", "18 RUE DES PYRÉNÉES", "75020 PARIS",
        "julie@exemple.invalid", "06 01 02 03 04", usager.compte.identifiant, "Français",
    ):  # fmt: skip
        assert texte in page


def test_les_particularites_se_lisent(connecte, usager):
    Usager.objects.update(
        prenoms="", naissance="1980-00-00", adresse_voie="", adresse_code_postal="", adresse_commune=""
    )
    page = connecte.get(INFORMATIONS).content.decode()
    assert "Sans prénom" in page
    assert "00/00/1980" in page
    assert "Non renseigné" in page


def test_en_anglais_pays_et_nationalite_sont_en_anglais(connecte, usager):
    connecte.cookies["django_language"] = "en"
    assert "Malian" in connecte.get(INFORMATIONS).content.decode()


def test_ce_qui_se_modifie_est_enregistre(connecte, usager):
    donnees = {"nom_usage": "  Traoré   N'Diaye ", "situation_familiale": "marie", "telephone": "+223 70 12 34 56"}
    assert connecte.post(MODIFIER, donnees).url == INFORMATIONS
    usager.refresh_from_db()
    assert (usager.nom_usage, usager.situation_familiale) == ("Traoré N'Diaye", "marie")
    assert Compte.objects.get().telephone == "+22370123456"
    assert "Vos informations sont enregistrées" in connecte.get(INFORMATIONS).content.decode()


def test_l_etat_civil_envoye_par_ruse_ne_change_pas(connecte, usager):
    connecte.post(
        MODIFIER,
        {"situation_familiale": "marie", "telephone": "0601020304", "nom_naissance": "AUTRE", "adresse_voie": "AUTRE"},
    )
    usager.refresh_from_db()
    assert (usager.nom_naissance, usager.adresse_voie) == ("JOHN", "18 RUE DES PYRÉNÉES")


@pytest.mark.parametrize(
    ("donnees", "phrase"),
    [
        ({"telephone": "01 02 03 04 05"}, "numéro fixe"),
        ({"telephone": ""}, "Saisissez un numéro de téléphone"),
        ({"situation_familiale": ""}, "Choisissez votre situation familiale"),
        ({"nom_usage": "محمد"}, "lettres latines"),
    ],
)
def test_un_refus_dit_le_champ_et_n_ecrit_rien(connecte, usager, donnees, phrase):
    valides = {"nom_usage": "X", "situation_familiale": "marie", "telephone": "0601020304"}
    reponse = connecte.post(MODIFIER, valides | donnees)
    assert reponse.status_code == 200
    assert phrase in reponse.content.decode()
    usager.refresh_from_db()
    assert usager.nom_usage == ""


@pytest.mark.parametrize("page", [INFORMATIONS, MODIFIER, COURRIEL, "/compte/mot-de-passe/"])
def test_sans_session_on_passe_par_la_connexion(client, db, page):
    assert client.get(page).url == f"{reverse('usagers:connexion')}?next={page}"


# --- Changer de courriel -----------------------------------------------------------------------------------------


def demander(client, courriel=NOUVELLE, mot_de_passe=MOT_DE_PASSE):
    return client.post(COURRIEL, {"courriel": courriel, "mot_de_passe_actuel": mot_de_passe})


def liens() -> dict[str, str]:
    """Les liens du dernier changement, par adresse."""
    return {envoi.adresse: adresse_du_lien(envoi) for envoi in Envoi.objects.order_by("-pk")[:2]}


@pytest.mark.parametrize("ordre", [("julie@exemple.invalid", NOUVELLE), (NOUVELLE, "julie@exemple.invalid")])
def test_l_adresse_change_quand_les_deux_cotes_ont_confirme(connecte, client, usager, ordre):
    assert demander(connecte).url == INFORMATIONS
    assert set(Envoi.objects.values_list("message", "adresse")) == {
        ("coordonnees", NOUVELLE), ("coordonnees_avis", "julie@exemple.invalid"),
    }  # fmt: skip
    recus = liens()
    premiere = client.post(recus[ordre[0]]).content.decode()
    assert "Il reste à suivre le lien" in premiere
    assert ordre[1] in premiere
    assert Compte.objects.get().courriel == "julie@exemple.invalid"
    assert "est changée" in client.post(recus[ordre[1]]).content.decode()
    compte = Compte.objects.get()
    assert (compte.courriel, compte.identifiant) == (NOUVELLE, usager.compte.identifiant)
    for lien in recus.values():
        assert client.get(lien).status_code == 410


def test_suivre_un_lien_ne_confirme_rien(connecte, client, usager):
    demander(connecte)
    for lien in liens().values():
        assert client.get(lien).status_code == 200
    changement = ChangementCoordonnees.objects.get()
    assert changement.confirme_ancien_le is changement.confirme_nouveau_le is None


def test_confirmer_deux_fois_du_meme_cote_ne_suffit_pas(connecte, client, usager):
    demander(connecte)
    lien = liens()[NOUVELLE]
    client.post(lien)
    premiere = ChangementCoordonnees.objects.get().confirme_nouveau_le
    client.post(lien)
    changement = ChangementCoordonnees.objects.get()
    assert (changement.confirme_nouveau_le, changement.utilise_le) == (premiere, None)
    assert Compte.objects.get().courriel == "julie@exemple.invalid"


def test_un_cote_ne_se_fait_pas_passer_pour_l_autre(connecte, client, usager):
    demander(connecte)
    changement = ChangementCoordonnees.objects.get()
    for objet in ([changement.pk, "autre", "ancien"], [changement.pk + 1, changement.nonce, "ancien"]):
        jeton = signing.dumps(objet, salt=operations.SEL_COORDONNEES)
        assert client.post(reverse("usagers:courriel_confirmer", args=[jeton])).status_code == 404


def test_l_ancienne_adresse_peut_refuser(connecte, client, usager):
    demander(connecte)
    recus = liens()
    client.post(recus[NOUVELLE])
    assert "est refusé" in client.post(recus["julie@exemple.invalid"], {"refuser": "1"}).content.decode()
    for lien in recus.values():
        assert client.post(lien).status_code == 410
    assert Compte.objects.get().courriel == "julie@exemple.invalid"


def test_une_nouvelle_demande_remplace_la_precedente(connecte, client, usager):
    demander(connecte, "premiere@exemple.invalid")
    anciens = liens()
    demander(connecte)
    for lien in anciens.values():
        assert client.get(lien).status_code == 410
    for lien in liens().values():
        client.post(lien)
    assert Compte.objects.get().courriel == NOUVELLE


def test_les_liens_expirent_au_bout_de_vingt_quatre_heures(connecte, client, usager):
    demander(connecte)
    with time_machine.travel(timezone.now() + dt.timedelta(hours=25), tick=False):
        for lien in liens().values():
            assert client.post(lien).status_code == 410
    assert Compte.objects.get().courriel == "julie@exemple.invalid"


def test_le_changement_en_attente_se_voit_et_s_annule(connecte, usager):
    demander(connecte)
    page = connecte.get(INFORMATIONS).content.decode()
    assert "en attente" in page
    assert NOUVELLE in page
    assert connecte.get("/compte/courriel/annuler/").status_code == 405
    assert connecte.post("/compte/courriel/annuler/").url == INFORMATIONS
    assert NOUVELLE not in connecte.get(INFORMATIONS).content.decode()


def test_annuler_n_atteint_que_son_propre_changement(connecte, usager):
    autre = UsagerFactory()
    changement = operations.demander_changement_courriel(autre.compte, courriel="x@exemple.invalid", le=timezone.now())
    connecte.post("/compte/courriel/annuler/")
    changement.refresh_from_db()
    assert changement.expire_le > timezone.now()


def test_annuler_deux_fois_ne_fait_rien_de_plus(usager):
    le = timezone.now()
    changement = operations.demander_changement_courriel(usager.compte, courriel=NOUVELLE, le=le)
    assert operations.annuler_changement_courriel(changement, le=le) is True
    assert operations.annuler_changement_courriel(changement, le=le) is False


@pytest.mark.parametrize(
    ("courriel", "mot_de_passe", "phrase"),
    [
        (NOUVELLE, "faux", "pas votre mot de passe actuel"),
        ("Julie@exemple.invalid", MOT_DE_PASSE, "C&#x27;est déjà votre adresse"),
        ("julie@", MOT_DE_PASSE, "Vérifiez l&#x27;adresse"),
        ("", "", "Saisissez votre mot de passe actuel"),
    ],
)
def test_une_demande_refusee_dit_pourquoi(connecte, usager, courriel, mot_de_passe, phrase):
    assert phrase in demander(connecte, courriel, mot_de_passe).content.decode()
    assert not Envoi.objects.exists()


def test_les_changements_sont_freines(connecte, usager):
    for rang in range(freins.COURRIEL_COMPTE.essais):
        assert demander(connecte, f"j{rang}@exemple.invalid").status_code == 302
    assert demander(connecte).status_code == 429


def test_deux_comptes_peuvent_partager_une_adresse(connecte, client, usager):
    UsagerFactory(compte__courriel=NOUVELLE)
    demander(connecte)
    for lien in liens().values():
        client.post(lien)
    assert Compte.objects.filter(courriel=NOUVELLE).count() == 2
