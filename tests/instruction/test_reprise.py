"""La session finit pendant que l'agent écrit : ce qu'il écrivait revient après la connexion, à lui seul."""

import datetime as dt
from html import unescape

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from instruction import operations
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
MOT_DE_PASSE = "Sept mots pour une phrase de passe"
TEXTE = "Le relevé de compte de juin manque."


def expirer(client) -> None:
    Session.objects.update(expire_date=timezone.now() - dt.timedelta(seconds=1))


def revenir(client, compte, reponse):
    """Se reconnecte par la page où l'envoi a mené, et suit jusqu'à la page d'où il partait."""
    saisie = {"username": compte.identifiant, "password": MOT_DE_PASSE}
    return client.post(reponse.url, saisie, follow=True)


@pytest.mark.parametrize(
    ("ecran", "acte", "champs"),
    [
        ("dossier_complement", "dossier_complement", {"message": TEXTE, "information_1": "Quelle adresse ?"}),
        ("dossier_proposer_cloture", "dossier_proposer_cloture", {"texte": TEXTE, "motif": "cloture.sans_objet"}),
        ("dossier_proposer", "dossier_proposer", {"avis": TEXTE, "mention": "ÉTUDIANTE"}),
        ("dossier_transferer", "dossier_transferer", {"motif": TEXTE}),
        ("dossier", "dossier_note", {"texte": TEXTE}),
    ],
)
def test_ce_que_l_agent_ecrivait_revient_apres_la_connexion(client, en_instruction, agent, ecran, acte, champs):
    connecter(client, agent.compte)
    page = reverse(f"admin:{ecran}", args=[en_instruction.numero])
    client.get(page)
    expirer(client)
    envoi = {"version": en_instruction.version, "action": "confirmer", **champs}
    suite = f"http://testserver{page}{'?vue=notes' if acte == 'dossier_note' else ''}"
    reponse = client.post(reverse(f"admin:{acte}", args=[en_instruction.numero]), envoi, headers={"referer": suite})
    revenue = revenir(client, agent.compte, reponse)

    assert revenue.request["PATH_INFO"] == page and revenue.status_code == 200
    texte = unescape(revenue.content.decode())
    assert "quand votre session a fini" in texte
    for valeur in champs.values():
        assert valeur in texte
    en_instruction.refresh_from_db()
    assert en_instruction.version == envoi["version"] and not en_instruction.notes.exists()
    assert TEXTE in unescape(client.get(suite).content.decode())  # une page rechargée la montre encore
    client.post(page, {**envoi, "action": "apercu"}, headers={"referer": suite})
    assert "quand votre session a fini" not in unescape(client.get(suite).content.decode())


def test_ce_qui_a_change_pendant_l_absence_se_dit_avant_d_agir(client, en_instruction, agent, valideur, le):
    connecter(client, agent.compte)
    page = reverse("admin:dossier_proposer_cloture", args=[en_instruction.numero])
    envoi = {"version": en_instruction.version, "texte": TEXTE, "motif": "cloture.sans_objet"}
    expirer(client)
    reponse = client.post(page, envoi, headers={"referer": f"http://testserver{page}"})
    collegue = AgentFactory(site=agent.site, nom="Sacha Collègue")
    operations.reaffecter(en_instruction, collegue, agent=agent, version=en_instruction.version, le=le)

    revenue = revenir(client, agent.compte, reponse)
    assert str(revenue.context["version"]) == str(envoi["version"])
    conflit = client.post(page, envoi | {"version": revenue.context["version"]})
    assert conflit.status_code == 409 and "Dossier affecté" in conflit.content.decode()
    assert not en_instruction.clotures.exists()


def test_deux_onglets_reviennent_chacun_et_un_autre_envoi_ne_les_efface_pas(client, en_instruction, agent):
    connecter(client, agent.compte)
    pages = [
        reverse(f"admin:dossier_{nom}", args=[en_instruction.numero]) for nom in ("proposer_cloture", "complement")
    ]
    expirer(client)
    for page, champ in zip(pages, ("texte", "message"), strict=True):
        reponse = client.post(page, {champ: f"{TEXTE} {champ}"}, headers={"referer": f"http://testserver{page}"})
    revenir(client, agent.compte, reponse)
    note = reverse("admin:dossier_note", args=[en_instruction.numero])
    dossier = reverse("admin:dossier", args=[en_instruction.numero])
    client.post(note, {"texte": "Une note"}, headers={"referer": f"http://testserver{dossier}?vue=notes"})
    for page, champ in zip(pages, ("texte", "message"), strict=True):
        assert f"{TEXTE} {champ}" in client.get(page).content.decode()


def test_deux_onglets_qui_se_ferment_d_eux_memes_reviennent_chacun(client, en_instruction, agent):
    connecter(client, agent.compte)
    pages = [reverse(f"admin:dossier_{nom}", args=[en_instruction.numero]) for nom in ("transferer", "complement")]
    for page, champ in zip(pages, ("motif", "message"), strict=True):
        champs = {"expiration": "1", "next": page, f"saisie-{champ}": TEXTE, "saisie-version": "2"}
        reponse = client.post(reverse("admin:logout"), champs)
    revenir(client, agent.compte, reponse)
    for page in pages:
        assert TEXTE in client.get(page).content.decode()
    client.post(reverse("admin:logout"))
    connecter(client, agent.compte)
    assert TEXTE not in client.get(pages[0]).content.decode()


def test_un_onglet_sans_saisie_ferme_d_abord_ne_perd_pas_celle_d_un_autre(client, en_instruction, agent):
    connecter(client, agent.compte)
    page = reverse("admin:dossier_complement", args=[en_instruction.numero])
    client.post(reverse("admin:logout"), {"expiration": "1", "next": reverse("admin:dossiers")})
    reponse = client.post(reverse("admin:logout"), {"expiration": "1", "next": page, "saisie-message": TEXTE})
    revenir(client, agent.compte, reponse)
    assert TEXTE in client.get(page).content.decode()


def test_la_cle_de_session_survit_a_la_session_dans_le_navigateur(client, agent):
    """Sans elle, rien ne dirait à qui rendre la saisie : la durée est tenue par le serveur."""
    client.post(reverse("admin:login"), {"username": agent.compte.identifiant, "password": MOT_DE_PASSE})
    client.get(reverse("admin:dossiers"))
    assert not client.cookies["sessionid"]["max-age"]
    reste = Session.objects.get().expire_date - timezone.now()
    assert dt.timedelta(minutes=29) < reste <= dt.timedelta(minutes=30)


def test_une_note_refusee_puis_la_session_finie_revient_dans_les_notes(client, en_instruction, agent):
    """La page rendue en 422 a l'adresse d'un envoi, où l'on ne revient pas."""
    connecter(client, agent.compte)
    note = reverse("admin:dossier_note", args=[en_instruction.numero])
    reponse = client.post(reverse("admin:logout"), {"expiration": "1", "next": note, "saisie-texte": TEXTE})
    assert TEXTE in revenir(client, agent.compte, reponse).content.decode()
    controle = reverse("admin:dossier_controle", args=[en_instruction.numero, en_instruction.pieces.first().pk])
    client.post(controle, {"verifiee": "on"})
    dossier = reverse("admin:dossier", args=[en_instruction.numero])
    assert TEXTE in client.get(dossier, {"vue": "notes"}).content.decode()


def test_un_autre_compte_ne_recoit_pas_ce_que_le_premier_ecrivait(client, en_instruction, agent, valideur):
    valideur.roles = ["instructeur"]
    valideur.save()
    valideur.compte.set_password(MOT_DE_PASSE)
    valideur.compte.save()
    connecter(client, agent.compte)
    page = reverse("admin:dossier_proposer_cloture", args=[en_instruction.numero])
    expirer(client)
    reponse = client.post(page, {"texte": TEXTE}, headers={"referer": f"http://testserver{page}"})
    assert TEXTE not in revenir(client, valideur.compte, reponse).content.decode()


@pytest.mark.parametrize(
    ("champs", "referent"),
    [
        ({"texte": "x" * 64_001}, "dossier_proposer_cloture"),
        ({"texte": "", "version": "1"}, "dossier_proposer_cloture"),
        ({"second_facteur": "123456"}, "dossier_proposer_cloture"),
        ({"mot_de_passe": TEXTE}, ""),
    ],
)
def test_rien_ne_se_garde_qui_soit_vide_trop_long_secret_ou_d_ailleurs(client, en_instruction, agent, champs, referent):
    connecter(client, agent.compte)
    page = reverse(f"admin:{referent}", args=[en_instruction.numero]) if referent else reverse("admin:password_change")
    expirer(client)
    client.post(page, champs, headers={"referer": f"http://testserver{page}"})
    assert "saisies_a_reprendre" not in client.session


@pytest.mark.parametrize("cle", ["jamaisvue", "", "\x00", "é" * 50, "x" * 5000])
def test_sans_session_d_avant_rien_ne_se_garde(client, en_instruction, cle):
    page = reverse("admin:dossier_proposer_cloture", args=[en_instruction.numero])
    # L'en-tête tel quel : `http.cookies` refuse d'écrire ce qu'un inconnu peut envoyer.
    envoyer = {"referer": f"http://testserver{page}", "cookie": f"sessionid={cle}"}
    assert client.post(page, {"texte": TEXTE}, headers=envoyer).status_code == 302
    assert "saisies_a_reprendre" not in client.session


# --- Reconnecté dans un autre onglet : le jeton de la page d'avant ne vaut plus ---------------------------------------
@pytest.fixture
def strict(agent):
    client = Client(enforce_csrf_checks=True)
    return connecter(client, agent.compte)


def test_une_page_d_avant_la_reconnexion_revient_remplie(strict, en_instruction):
    page = reverse("admin:dossier_proposer_cloture", args=[en_instruction.numero])
    reponse = strict.post(page, {"texte": TEXTE}, headers={"referer": f"http://testserver{page}"}, follow=True)
    assert reponse.status_code == 200 and TEXTE in reponse.content.decode()
    assert not en_instruction.clotures.exists()


@pytest.mark.parametrize("referent", ["https://ailleurs.invalid/agents/", "", "//["])
def test_un_envoi_d_un_autre_site_ne_remplit_rien(strict, en_instruction, referent):
    page = reverse("admin:dossier_proposer_cloture", args=[en_instruction.numero])
    reponse = strict.post(page, {"texte": TEXTE}, headers={"referer": referent})
    assert reponse.status_code == 403 and TEXTE not in reponse.content.decode()
    assert TEXTE not in strict.get(page).content.decode()


def test_un_controle_de_piece_ou_une_page_du_public_garde_son_refus(strict, en_instruction, agent):
    """Rien ne se garde qu'aucune page ne saurait rendre : l'erreur se dit."""
    piece = en_instruction.pieces.first()
    dossier = reverse("admin:dossier", args=[en_instruction.numero])
    for adresse in (
        reverse("admin:dossier_controle", args=[en_instruction.numero, piece.pk]),
        reverse("demandes:rouvrir", args=[en_instruction.numero]),
    ):
        reponse = strict.post(adresse, {"texte": TEXTE}, headers={"referer": f"http://testserver{dossier}"})
        assert reponse.status_code == 403 and "saisies_a_reprendre" not in strict.session


def test_une_page_d_avant_qui_arrive_au_bout_de_son_temps_ferme_la_session_et_revient(strict, en_instruction, agent):
    page = reverse("admin:dossier_complement", args=[en_instruction.numero])
    champs = {"expiration": "1", "next": page, "saisie-message": TEXTE}
    reponse = strict.post(reverse("admin:logout"), champs, headers={"referer": f"http://testserver{page}"})
    assert "_auth_user_id" not in strict.session and "expire=1" in reponse.url
    connecter(strict, agent.compte)
    assert TEXTE in strict.get(page).content.decode()


@pytest.mark.parametrize("suite", ["//[", "https://ailleurs.invalid/", "/agents/dossiers/%00/", "x" * 5000, ""])
def test_une_suite_hostile_ne_garde_rien_et_ne_mene_nulle_part(client, agent, suite):
    connecter(client, agent.compte)
    reponse = client.post(reverse("admin:logout"), {"expiration": "1", "next": suite, "saisie-texte": TEXTE})
    assert reponse.status_code == 302 and "ailleurs" not in reponse.url
    assert "saisies_a_reprendre" not in client.session


# --- Avec JavaScript, la page se ferme d'elle-même -------------------------------------------------------------------
@pytest.mark.navigateur
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ecrit", [True, False])
def test_la_page_qui_se_ferme_emporte_ce_qui_est_ecrit(live_server, page, se_connecter, en_instruction, agent, ecrit):
    se_connecter(agent.compte)
    page.clock.install()
    page.goto(live_server.url + reverse("admin:dossier_proposer_cloture", args=[en_instruction.numero]))
    if ecrit:
        page.locator("#id_texte").fill(TEXTE)
    page.clock.fast_forward("32:00")
    expect(page.get_by_text("Vous avez été déconnecté(e)")).to_be_visible()
    page.locator("#id_username").fill(agent.compte.identifiant)
    page.locator("#id_password").fill(MOT_DE_PASSE)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("heading", name="Proposer de clore")).to_be_visible()
    expect(page.locator("#id_texte")).to_have_value(TEXTE if ecrit else "")
    expect(page.get_by_text("quand votre session a fini")).to_have_count(1 if ecrit else 0)
