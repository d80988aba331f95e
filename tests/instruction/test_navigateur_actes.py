"""Les pages des actes que les parcours entiers ne rencontrent pas, dans Chromium : ordinaires et en faute."""

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from demandes.complements import LigneDemandee
from demandes.models import Demande
from instruction import operations, tasks
from instruction.models import Lot
from instruction.views import second_facteur as vues
from tests.factories import AgentFactory
from tests.instruction.conftest import semer
from tests.instruction.test_second_facteur import code_de, enregistrer
from tests.instruction.test_suivi import de_visa  # noqa: F401 (la demande d'une personne connue par son visa)

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def cache_a_soi(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def aller(live_server, page, sans_faute_axe):
    """`aller(nom, …)` : cette page des agents, qui passe axe ; rend la réponse."""

    def ouvrir(nom, *arguments, **parametres):
        requete = "&".join(f"{cle}={valeur}" for cle, valeur in parametres.items())
        reponse = page.goto(f"{live_server.url}{reverse(f'admin:{nom}', args=arguments)}?{requete}")
        sans_faute_axe(page)
        return reponse

    yield ouvrir
    # Un refus dit en 422, une page qui n'existe pas : le navigateur les note aussi.
    page.fautes[:] = [faute for faute in page.fautes if "422" not in faute and "404" not in faute]


def test_chaque_acte_de_suivi_est_accessible_juste_ou_faux(aller, page, se_connecter, de_visa, agent, sans_faute_axe):  # noqa: F811
    se_connecter(agent.compte)
    for nom, bouton in (
        ("dossier_reaffecter", "Confier le dossier"),
        ("dossier_transferer", "Transférer et notifier"),
        ("dossier_numero", "Attribuer"),
        ("dossier_proposer_cloture", "Proposer cette clôture"),
        ("dossier_prolonger", "Délivrer l'attestation"),
        ("dossier_complement", "Vérifier la lettre"),
    ):
        aller(nom, de_visa.numero)
        if nom == "dossier_prolonger":
            page.locator("#id_au_2").fill("2020")
        page.get_by_role("button", name=bouton).click()
        expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
        sans_faute_axe(page)


def test_renoncer_au_complement_est_accessible(aller, page, se_connecter, en_instruction, agent, le):
    piece = operations.pieces_a_demander(en_instruction, jour=timezone.localdate())[0]
    ligne = LigneDemandee(piece.code, piece.libelle, ("complement.illisible",))
    operations.demander_complement(
        en_instruction, [ligne], message="", agent=agent, version=en_instruction.version, le=le
    )
    se_connecter(agent.compte)
    aller("dossier_complement_renoncer", en_instruction.numero)
    page.get_by_role("button", name="Renoncer").click()
    expect(page.get_by_text("Le complément n'est plus attendu.")).to_be_visible()


def test_un_lot_se_prepare_se_suit_et_finit_sans_faute(
    aller, page, se_connecter, deposee, agent, sans_faute_axe, monkeypatch
):
    monkeypatch.setattr(tasks.traiter_lot, "delay", lambda cle: None)  # l'ouvrier passera quand on le dira
    semer(3, agent.site)
    se_connecter(agent.compte)
    aller("dossiers")
    page.locator("select[name=geste]").select_option("prolonger")
    page.get_by_role("button", name="Toute la liste").click()
    expect(page.get_by_text("3 dossiers choisis se lisent un à un")).to_be_visible()
    sans_faute_axe(page)
    page.get_by_role("link", name="Revenir à la liste").click()
    page.get_by_role("button", name="Toute la liste").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("4 dossiers")
    sans_faute_axe(page)
    page.get_by_role("button", name="Lancer sur 4 dossiers").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("lot en cours")
    sans_faute_axe(page)
    Demande.objects.filter(pk=deposee.pk).update(version=9)
    lot = Lot.objects.get()
    operations.traiter_lot(lot)
    aller("lot", lot.pk)
    expect(page.get_by_text("Faits : 3. Refusés : 1. À faire : 0. Total : 4.")).to_be_visible()
    expect(page.get_by_text("Le dossier a changé entre-temps")).to_be_visible()


def test_l_autre_site_le_guichet_et_ce_qui_n_existe_pas_le_disent_sans_faute(
    aller, page, se_connecter, deposee, agent_du_nord, sans_faute_axe
):
    se_connecter(agent_du_nord.compte)
    aller("autre_site")
    page.locator("main button[type=submit]").first.click()
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    sans_faute_axe(page)
    assert aller("dossier", deposee.numero).status == 404
    se_connecter(AgentFactory(roles=["accueil"], site=deposee.site).compte)
    aller("guichet")
    aller("guichet", numero="7502202601010000009")


def test_le_second_facteur_redemande_au_milieu_d_un_acte_garde_ce_qui_est_ecrit(
    aller, page, se_connecter, deposee, sans_faute_axe, settings, monkeypatch
):
    settings.SECOND_FACTEUR = True
    admin = AgentFactory(roles=["admin_fonctionnel"])
    enregistrer(admin)
    appareil = TOTPDevice.objects.get()
    se_connecter(admin.compte)
    aller("second_facteur_reinitialiser", AgentFactory(site=deposee.site).pk)
    page.get_by_label("Code").fill(code_de(appareil))
    page.get_by_role("button", name="Continuer").click()
    page.locator("#id_motif").fill("Téléphone perdu")
    sans_faute_axe(page)
    # Plus de cinq minutes passent.
    monkeypatch.setattr(vues, "FRAICHEUR", 0)
    page.get_by_role("button", name="Remettre à zéro").click()
    expect(page.get_by_text("ce que vous avez saisi est gardé")).to_be_visible()
    sans_faute_axe(page)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_role("heading", name="Il y a un problème")).to_be_visible()
    sans_faute_axe(page)
    monkeypatch.undo()
    assert page.locator("input[name=motif]").input_value() == "Téléphone perdu"
