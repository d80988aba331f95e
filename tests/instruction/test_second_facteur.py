"""Le second facteur : exigé en entrant, redemandé avant ce qui engage, remis à zéro quand l'appareil est perdu."""

import base64
import time

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from instruction.operations import GesteInterdit, second_facteur
from instruction.operations.second_facteur import CodeRefuse
from instruction.views import second_facteur as vues
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def exige(settings):
    settings.SECOND_FACTEUR = True


@pytest.fixture
def agent(db):
    return AgentFactory(compte__identifiant="agent.paris")


@pytest.fixture
def enregistre(agent):
    """Un agent dont l'application est enregistrée ; ses codes de secours en clair."""
    agent.codes = enregistrer(agent)
    return agent


def enregistrer(agent) -> list[str]:
    """Enregistre l'application de cet agent, comme si c'était il y a longtemps ; rend ses codes de secours."""
    appareil, codes = second_facteur.confirmer(agent.compte, code_de(second_facteur.preparer(agent.compte)))
    TOTPDevice.objects.filter(pk=appareil.pk).update(last_t=-1, drift=0)
    return codes


@pytest.fixture
def client_verifie(client, enregistre):
    connecter(client, enregistre.compte)
    donner(client, code_de(TOTPDevice.objects.get()))
    return client


def code_de(appareil, rang=0) -> str:
    """Le code que le téléphone montre, `rang` périodes plus tard : chacun ne sert qu'une fois."""
    totp = TOTP(appareil.bin_key, appareil.step, appareil.t0, appareil.digits)
    totp.time = time.time() + rang * appareil.step
    return f"{totp.token():06d}"


def donner(client, code, suite="", **champs):
    url = reverse("admin:second_facteur")
    return client.post(f"{url}?next={suite}" if suite else url, {"second_facteur": code, **champs})


def vieillir(client, secondes=vues.FRAICHEUR):
    session = client.session
    session[vues.CLE] = time.time() - secondes
    session.save()


# --- Entrer ----------------------------------------------------------------------------------------------------------
def test_sans_second_facteur_rien_ne_s_ouvre_que_la_page_qui_le_demande(client, agent):
    connecter(client, agent.compte)
    for nom in ("dossiers", "index", "references", "password_change", "autre_site", "instruction_agent_changelist"):
        reponse = client.get(reverse(f"admin:{nom}"))
        assert reponse.url.startswith(f"{reverse('admin:second_facteur')}?next=")
    assert client.post(reverse("admin:logout")).url == reverse("admin:login")


def test_un_agent_enregistre_son_application_et_lit_ses_codes_une_fois(client, agent):
    connecter(client, agent.compte)
    page = client.get(reverse("admin:second_facteur"))
    appareil = TOTPDevice.objects.get()
    cle = base64.b32encode(appareil.bin_key).decode()

    assert "no-store" in page["Cache-Control"]
    assert "data:image/svg+xml" in page.content.decode() and cle[:4] in page.content.decode()
    codes = donner(client, code_de(appareil), suite="/agents/dossiers/?onglet=tous")
    assert codes.status_code == 200 and len(codes.context["codes"]) == 10
    assert codes.context["suite"] == "/agents/dossiers/?onglet=tous"
    assert client.get(reverse("admin:dossiers")).status_code == 200
    deuxieme = client.get(reverse("admin:second_facteur")).content.decode()
    assert "data:image" not in deuxieme and codes.context["codes"][0] not in deuxieme
    # La base ne garde pas de quoi écrire un code.
    assert not StaticToken.objects.filter(token__in=codes.context["codes"]).exists()


def test_recharger_la_page_ne_change_pas_la_cle(client, agent):
    connecter(client, agent.compte)
    for _fois in range(2):
        client.get(reverse("admin:second_facteur"))
    assert TOTPDevice.objects.count() == 1


def test_un_mauvais_code_n_enregistre_rien(client, agent):
    connecter(client, agent.compte)
    reponse = donner(client, "000000")
    assert reponse.status_code == 422 and "Ce code n&#x27;est pas le bon" in reponse.content.decode()
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    assert client.get(reverse("admin:dossiers")).status_code == 302


def test_une_application_enregistree_ne_se_remplace_pas_avec_le_seul_mot_de_passe(enregistre):
    TOTPDevice.objects.create(user=enregistre.compte, confirmed=False)
    with pytest.raises(GesteInterdit):
        second_facteur.confirmer(enregistre.compte, "123456")


def test_un_code_ouvre_la_session_et_ne_sert_qu_une_fois(client, enregistre):
    code = code_de(TOTPDevice.objects.get())
    connecter(client, enregistre.compte)
    assert donner(client, f"{code[:3]} {code[3:]}", suite="/agents/references/").url == "/agents/references/"
    assert client.get(reverse("admin:dossiers")).status_code == 200

    autre = connecter(Client(), enregistre.compte)
    assert donner(autre, code).status_code == 422
    assert autre.get(reverse("admin:dossiers")).status_code == 302


def test_la_suite_ne_mene_jamais_ailleurs(client, enregistre):
    connecter(client, enregistre.compte)
    assert donner(client, code_de(TOTPDevice.objects.get()), suite="//ailleurs.invalid/").url == reverse("admin:index")


def test_un_code_de_secours_sert_une_fois_et_dit_combien_il_en_reste(client, enregistre):
    connecter(client, enregistre.compte)
    code = enregistre.codes[0]
    assert donner(client, code.upper().replace("-", " ")).status_code == 302
    assert "Il vous reste 9 codes de secours" in client.get(reverse("admin:dossiers")).content.decode()
    with pytest.raises(CodeRefuse):
        second_facteur.verifier(enregistre.compte, code)


def test_les_essais_manques_font_attendre(client, enregistre):
    connecter(client, enregistre.compte)
    for _essai in range(2):
        reponse = donner(client, "000000")
    assert "Trop d&#x27;essais. Attendez" in reponse.content.decode()
    # Même un code juste attend.
    assert donner(client, code_de(TOTPDevice.objects.get())).status_code == 422


@pytest.mark.parametrize("code", ["", "abc", "éééééé", "１２３４５６", "-1", "1e5", "x" * 21])
def test_un_code_mal_ecrit_se_dit(client, enregistre, code):
    connecter(client, enregistre.compte)
    assert donner(client, code).status_code == 422


def test_le_code_d_un_autre_agent_n_ouvre_rien(client, enregistre):
    autre = AgentFactory()
    enregistrer(autre)
    connecter(client, enregistre.compte)
    assert donner(client, code_de(second_facteur.appareil_de(autre.compte))).status_code == 422


def test_de_nouveaux_codes_remplacent_les_anciens(client_verifie, enregistre):
    page = client_verifie.post(reverse("admin:second_facteur_codes"))
    assert len(page.context["codes"]) == 10
    with pytest.raises(CodeRefuse):
        second_facteur.verifier(enregistre.compte, enregistre.codes[0])


# --- Redemander ------------------------------------------------------------------------------------------------------
def test_un_second_facteur_de_cinq_minutes_est_redemande_sans_rien_perdre(client_verifie, enregistre):
    vieillir(client_verifie)
    url = reverse("admin:second_facteur_codes")
    page = client_verifie.post(url, {"version": "3", "motifs": ["a", "b"], "avis": "Accord <b>"})

    assert page.status_code == 200 and "Rien n'est encore fait" in page.content.decode()
    assert page.context["garder"] == [("version", "3"), ("motifs", "a"), ("motifs", "b"), ("avis", "Accord <b>")]
    assert "Accord &lt;b&gt;" in page.content.decode()
    faux = client_verifie.post(url, {"version": "3", "second_facteur": "abcde-fghjk"})
    assert faux.status_code == 422 and faux.context["garder"] == [("version", "3")]
    StaticDevice.objects.update(throttling_failure_count=0)  # la seconde d'attente est passée
    fait = client_verifie.post(url, {"version": "3", "second_facteur": enregistre.codes[0]})
    assert "codes" in fait.context


def test_une_page_ouverte_trop_tard_demande_le_code_puis_y_revient(client, enregistre):
    admin = AgentFactory(roles=["admin_fonctionnel"])
    enregistrer(admin)
    appareil = second_facteur.appareil_de(admin.compte)
    connecter(client, admin.compte)
    donner(client, code_de(appareil))
    vieillir(client)
    url = reverse("admin:second_facteur_reinitialiser", args=[enregistre.pk])
    demande = client.get(url)

    assert demande.url.startswith(reverse("admin:second_facteur"))
    assert client.post(demande.url, {"second_facteur": code_de(appareil, rang=1)}).url == url


def test_un_fichier_choisi_trop_tard_est_a_choisir_de_nouveau(client_verifie):
    from django.core.files.uploadedfile import SimpleUploadedFile

    vieillir(client_verifie)
    reponse = client_verifie.post(
        reverse("admin:second_facteur_codes"), {"fichier": SimpleUploadedFile("a.pdf", b"%PDF-")}, follow=True
    )
    assert "Rien n&#x27;a été fait" in reponse.content.decode()


@pytest.mark.parametrize("nom", ["dossier_signer", "dossier_cloturer"])
@pytest.mark.parametrize("methode", ["get", "post"])
def test_un_acte_qui_engage_ne_se_fait_pas_avec_un_second_facteur_ancien(client_verifie, nom, methode):
    vieillir(client_verifie)
    reponse = getattr(client_verifie, methode)(reverse(f"admin:{nom}", args=["7502209901019999999"]))
    # La page du code, avant même de chercher le dossier.
    demandee = reponse.status_code == 302 and reponse.url.startswith(reverse("admin:second_facteur"))
    assert demandee or "Donnez de nouveau un code" in reponse.content.decode()


# --- Appareil perdu --------------------------------------------------------------------------------------------------
@pytest.fixture
def client_admin(client):
    admin = AgentFactory(roles=["admin_fonctionnel"], nom="Alix Fontaine")
    enregistrer(admin)
    appareil = second_facteur.appareil_de(admin.compte)
    connecter(client, admin.compte)
    donner(client, code_de(appareil))
    client.agent = admin
    return client


def test_l_administrateur_remet_a_zero_un_appareil_perdu(client_admin, enregistre):
    perdu = connecter(Client(), enregistre.compte)
    donner(perdu, enregistre.codes[1])
    assert perdu.get(reverse("admin:dossiers")).status_code == 200
    fiche = reverse("admin:instruction_agent_change", args=[enregistre.pk])
    url = reverse("admin:second_facteur_reinitialiser", args=[enregistre.pk])
    assert url in client_admin.get(fiche).content.decode()

    assert client_admin.get(url).status_code == 200
    assert client_admin.post(url, {"motif": ""}).status_code == 422
    assert client_admin.post(url, {"motif": "Téléphone perdu"}).url == fiche

    assert not second_facteur.appareil_de(enregistre.compte)
    assert perdu.get(reverse("admin:dossiers")).url.startswith(reverse("admin:second_facteur"))
    trace = LogEntry.objects.get()
    assert (trace.user, trace.object_id) == (client_admin.agent.compte, str(enregistre.pk))
    assert "Téléphone perdu" in trace.get_change_message()
    assert "rien n&#x27;était à remettre" in client_admin.post(url, {"motif": "encore"}, follow=True).content.decode()
    assert LogEntry.objects.count() == 1


def test_nul_ne_remet_a_zero_son_propre_second_facteur(client_admin):
    assert (
        client_admin.get(reverse("admin:second_facteur_reinitialiser", args=[client_admin.agent.pk])).status_code == 404
    )
    with pytest.raises(GesteInterdit):
        second_facteur.reinitialiser(client_admin.agent, par=client_admin.agent, motif="x")


def test_un_instructeur_ne_remet_rien_a_zero(client_verifie, enregistre):
    autre = AgentFactory()
    assert client_verifie.get(reverse("admin:second_facteur_reinitialiser", args=[autre.pk])).status_code == 404
    with pytest.raises(GesteInterdit):
        second_facteur.reinitialiser(autre, par=enregistre, motif="x")


def test_la_commande_sert_quand_plus_personne_n_entre(enregistre, capsys):
    call_command("reinitialiser_second_facteur", "agent.paris", motif="Tous les téléphones perdus")
    call_command("reinitialiser_second_facteur", "agent.paris", motif="encore")
    assert "remis à zéro" in capsys.readouterr().out
    assert "en ligne de commande" in LogEntry.objects.get().change_message
    with pytest.raises(CommandError):
        call_command("reinitialiser_second_facteur", "inconnu", motif="x")


# --- Coupé, en démonstration -----------------------------------------------------------------------------------------
def test_coupe_il_n_est_demande_nulle_part(client, agent, settings):
    settings.SECOND_FACTEUR = False
    connecter(client, agent.compte)
    assert client.get(reverse("admin:dossiers")).status_code == 200
    assert client.get(reverse("admin:second_facteur")).status_code == 404
    assert client.post(reverse("admin:second_facteur_codes")).status_code == 404
