"""La règle des mots de passe (CNIL 2022-100), puis l'oubli et le changement."""

import datetime as dt

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.models import Envoi
from tests.factories import CompteFactory, UsagerFactory
from tests.usagers.conftest import MOT_DE_PASSE, adresse_du_lien
from usagers import operations
from usagers.models import Compte
from usagers.mots_de_passe import RegleCnilValidator, est_assez_fort
from usagers.views import mots_de_passe

NOUVEAU = "Une autre phrase avec bien sept mots"


@pytest.mark.parametrize(
    "mot_de_passe",
    [
        "Abcdefghij1!",
        "Abcdefghijkl12",
        "abcdefghijk-12",
        "un deux trois quatre cinq six sept",
        "Étudiant-2026",
    ],
)
def test_un_mot_de_passe_qui_suit_une_regle_est_accepte(mot_de_passe):
    assert est_assez_fort(mot_de_passe)


@pytest.mark.parametrize(
    "mot_de_passe",
    [
        "",
        "Abcdefghi1!",
        "Abcdefghijk1",
        "abcdefghijklmnop",
        "abcdefghijkl12",
        "un deux trois quatre cinq six",
        "na " * 9,
    ],
)
def test_un_mot_de_passe_qui_n_en_suit_aucune_est_refuse(mot_de_passe):
    assert not est_assez_fort(mot_de_passe)
    with pytest.raises(ValidationError, match="plus fort"):
        RegleCnilValidator().validate(mot_de_passe)


def test_la_regle_se_lit_en_une_phrase():
    assert "12 caractères" in RegleCnilValidator().get_help_text()


@pytest.fixture
def usager(db):
    return UsagerFactory()


@pytest.fixture
def sans_attente(monkeypatch):
    monkeypatch.setattr(mots_de_passe, "DUREE_D_UNE_DEMANDE", 0)


def demander(client, identifiant):
    return client.post(reverse("usagers:mot_de_passe_oublie"), {"identifiant": identifiant})


def test_un_oubli_envoie_un_lien_a_l_adresse_du_compte(client, usager, sans_attente):
    reponse = demander(client, f" {usager.numero_etranger[:4]} {usager.numero_etranger[4:]} ")
    assert reponse.url == reverse("usagers:mot_de_passe_demande")
    envoi = Envoi.objects.get()
    assert (envoi.message, envoi.adresse) == ("mot_de_passe", usager.compte.courriel)
    assert envoi.contexte["nom"] == "JULIE JOHN"


@pytest.mark.parametrize("cas", ["inconnu", "agent", "inactif"])
def test_la_reponse_est_la_meme_sans_compte_d_usager(client, usager, sans_attente, cas):
    identifiants = {
        "inconnu": "9999999999",
        "agent": CompteFactory(identifiant="agent.paris", nature="agent").identifiant,
        "inactif": CompteFactory(is_active=False).identifiant,
    }
    connu, autre = demander(client, usager.numero_etranger), demander(client, identifiants[cas])
    assert (connu.status_code, connu.url) == (autre.status_code, autre.url)
    assert Envoi.objects.count() == 1


def test_les_deux_ecrans_de_l_oubli_se_lisent(client, db):
    assert 'autocomplete="username"' in client.get(reverse("usagers:mot_de_passe_oublie")).content.decode()
    page = client.get(reverse("usagers:mot_de_passe_demande")).content.decode()
    assert "Si cet identifiant a un compte" in page
    refus = client.post(reverse("usagers:mot_de_passe_oublie"), {}).content.decode()
    assert "Saisissez votre identifiant" in refus


def test_un_identifiant_inconnu_ne_repond_pas_plus_vite(client, usager, monkeypatch):
    monkeypatch.setattr(mots_de_passe, "DUREE_D_UNE_DEMANDE", 0.3)
    debut = mots_de_passe.time.monotonic()
    demander(client, "9999999999")
    assert mots_de_passe.time.monotonic() - debut >= 0.3


def test_le_lien_change_le_mot_de_passe_une_seule_fois_et_ferme_les_autres_sessions(client, usager, sans_attente):
    ailleurs = Client()
    ailleurs.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    demander(client, usager.numero_etranger)
    lien = adresse_du_lien(Envoi.objects.get())

    assert client.get(lien).status_code == 200
    usager.compte.refresh_from_db()
    assert usager.compte.check_password(MOT_DE_PASSE)
    reponse = client.post(lien, {"mot_de_passe": NOUVEAU, "confirmation": NOUVEAU})
    assert reponse.url == reverse("usagers:connexion")
    usager.compte.refresh_from_db()
    assert usager.compte.check_password(NOUVEAU)

    assert client.get(lien).status_code == 410
    assert client.post(lien, {"mot_de_passe": MOT_DE_PASSE, "confirmation": MOT_DE_PASSE}).status_code == 410
    assert ailleurs.get(reverse("usagers:informations")).status_code == 302


def test_le_lien_d_une_demande_plus_ancienne_meurt_avec_le_premier_changement(client, usager, sans_attente):
    demander(client, usager.numero_etranger)
    demander(client, usager.numero_etranger)
    premier, second = (adresse_du_lien(envoi) for envoi in Envoi.objects.order_by("pk"))
    client.post(premier, {"mot_de_passe": NOUVEAU, "confirmation": NOUVEAU})
    assert client.get(second).status_code == 410


def test_le_lien_expire_au_bout_d_une_heure(client, usager, sans_attente):
    demander(client, usager.numero_etranger)
    lien = adresse_du_lien(Envoi.objects.get())
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=61), tick=False):
        reponse = client.get(lien)
    assert reponse.status_code == 410
    assert reverse("usagers:mot_de_passe_oublie") in reponse.content.decode()


@pytest.mark.parametrize("jeton", ["n-importe-quoi", "WzEsIngiXQ:1abc:xyz"])
def test_un_lien_abime_est_inconnu(client, db, jeton):
    assert client.get(reverse("usagers:mot_de_passe_nouveau", args=[jeton])).status_code == 404


def test_un_lien_d_un_autre_objet_ne_change_pas_le_mot_de_passe(client, usager):
    operations.demander_changement_courriel(usager.compte, courriel="x@exemple.invalid", le=timezone.now())
    jeton = adresse_du_lien(Envoi.objects.first()).rstrip("/").rsplit("/", 1)[1]
    assert client.get(reverse("usagers:mot_de_passe_nouveau", args=[jeton])).status_code == 404


@pytest.mark.parametrize(
    ("mot_de_passe", "confirmation", "phrase"),
    [
        ("", "", "Choisissez un mot de passe"),
        ("court", "court", "trois règles"),
        (NOUVEAU, MOT_DE_PASSE, "sont différents"),
    ],
)
def test_un_nouveau_mot_de_passe_refuse_dit_pourquoi(client, usager, sans_attente, mot_de_passe, confirmation, phrase):
    demander(client, usager.numero_etranger)
    reponse = client.post(
        adresse_du_lien(Envoi.objects.get()), {"mot_de_passe": mot_de_passe, "confirmation": confirmation}
    )
    assert reponse.status_code == 200
    assert phrase in reponse.content.decode()
    usager.compte.refresh_from_db()
    assert usager.compte.check_password(MOT_DE_PASSE)


def test_un_mot_de_passe_qui_ressemble_a_l_identifiant_est_refuse(client, usager, sans_attente):
    demander(client, usager.numero_etranger)
    proche = f"Ab!{usager.numero_etranger}"
    reponse = client.post(adresse_du_lien(Envoi.objects.get()), {"mot_de_passe": proche, "confirmation": proche})
    assert reponse.status_code == 200
    usager.compte.refresh_from_db()
    assert not usager.compte.check_password(proche)


def test_un_nouveau_mot_de_passe_debloque_le_compte(client, usager, sans_attente):
    for _ in range(5):
        client.post(reverse("usagers:connexion"), {"username": usager.numero_etranger, "password": "faux"})
    assert AccessAttempt.objects.exists()
    demander(client, usager.numero_etranger)
    client.post(adresse_du_lien(Envoi.objects.get()), {"mot_de_passe": NOUVEAU, "confirmation": NOUVEAU})
    reponse = client.post(
        reverse("usagers:connexion"),
        {"username": usager.numero_etranger, "password": NOUVEAU, "next": reverse("usagers:informations")},
    )
    assert reponse.status_code == 302


def test_les_demandes_sont_freinees_par_identifiant_sans_dire_s_il_existe(client, usager, sans_attente):
    for identifiant in (usager.numero_etranger, "9999999999"):
        statuts = [demander(client, identifiant).status_code for _ in range(6)]
        assert statuts == [302] * 5 + [429]
    reponse = demander(client, usager.numero_etranger)
    assert reponse["Retry-After"]
    assert "Réessayez dans" in reponse.content.decode()
    assert Envoi.objects.count() == 5


def test_les_demandes_sont_freinees_par_adresse(client, db, sans_attente):
    statuts = [demander(client, f"99999{rang:05}").status_code for rang in range(31)]
    assert statuts == [302] * 30 + [429]


def test_connecte_on_change_son_mot_de_passe_et_on_le_reste(client, usager):
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    ailleurs = Client()
    ailleurs.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    page = reverse("usagers:mot_de_passe_modifier")
    donnees = {"mot_de_passe_actuel": MOT_DE_PASSE, "mot_de_passe": NOUVEAU, "confirmation": NOUVEAU}

    refus = client.post(page, donnees | {"mot_de_passe_actuel": "faux"})
    assert "pas votre mot de passe actuel" in refus.content.decode()
    assert client.post(page, donnees).url == reverse("usagers:informations")
    assert client.get(page).status_code == 200
    assert ailleurs.get(page).status_code == 302


def test_deux_changements_simultanes_n_en_font_qu_un(usager):
    lu, relu = get_user_model().objects.get(pk=usager.compte_id), get_user_model().objects.get(pk=usager.compte_id)
    operations.changer_mot_de_passe(lu, mot_de_passe=NOUVEAU)
    with pytest.raises(operations.LienUtilise):
        operations.changer_mot_de_passe(relu, mot_de_passe=MOT_DE_PASSE)
    assert Compte.objects.get(pk=usager.compte_id).check_password(NOUVEAU)
