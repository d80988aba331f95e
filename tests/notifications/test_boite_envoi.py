"""La boîte d'envoi de démonstration."""

import re

import pytest
from django.urls import resolve, reverse
from django.utils import timezone
from playwright.sync_api import expect

from documents.operations import rendre
from notifications.catalogue import Message
from notifications.expedition import expedier
from notifications.models import Envoi
from notifications.operations import ecrire, notifier
from tests.factories import CompteFactory
from tests.notifications.conftest import LIEN, NUMERO, Processus, ecrire_a

pytestmark = pytest.mark.django_db


@pytest.fixture
def inscription(db):
    return ecrire(
        Message.INSCRIPTION,
        adresse="julie@exemple.invalid",
        langue="fr",
        contexte={"lien_signe": LIEN},
        le=timezone.now(),
    )


def adresses(envoi):
    return [reverse(f"demandes:boite_envoi_{nom}", kwargs={"pk": envoi.pk}) for nom in ("detail", "html", "piece")]


def test_la_boite_montre_les_courriels_et_les_sms_le_plus_recent_d_abord(client, depot, inscription):
    expedier(inscription.pk)

    contenu = client.get(reverse("demandes:boite_envoi")).content.decode()

    sujets = re.findall(r"boite-envoi__sujet\"><a[^>]*>([^<]*)", contenu)
    assert [sujet[:30] for sujet in sujets] == [
        "Confirmez votre adresse e-mail",
        f"Étrangers en France : votre demande {NUMERO}"[:30],
        f"Votre demande n° {NUMERO}"[:30],
    ]
    assert "julie@exemple.invalid" in contenu and "+33601020304" in contenu
    assert "pièce jointe" in contenu


def test_une_boite_vide_dit_quoi_faire(client):
    assert "Créez un compte" in client.get(reverse("demandes:boite_envoi")).content.decode()


def test_la_boite_se_lit_page_a_page_en_peu_de_requetes(client, django_assert_max_num_queries):
    for n in range(25):
        ecrire_a(f"u{n}@exemple.invalid")

    with django_assert_max_num_queries(4):
        premiere = client.get(reverse("demandes:boite_envoi"))
    seconde = client.get(reverse("demandes:boite_envoi"), {"page": 2})

    assert len(premiere.context["lignes"]) == 20 and len(seconde.context["lignes"]) == 5
    assert "Page 1 sur 2" in premiere.content.decode()


def test_le_lien_d_activation_est_recalcule_et_cliquable(client, inscription):
    expedier(inscription.pk)

    contenu = client.get(adresses(inscription)[0]).content.decode()

    lien = re.search(r'<a href="(http[^"]+/activer/[^"]+)"', contenu)[1]
    assert resolve(lien.removeprefix("http://127.0.0.1:8000")).view_name == "usagers:activer"
    assert "activer" not in str(Envoi.objects.filter(pk=inscription.pk).values("contexte", "erreur").get()).replace(
        "usagers:activer", ""
    )


def test_le_courriel_html_est_isole_et_ses_liens_sortent_du_cadre(client, inscription):
    page = client.get(adresses(inscription)[0])
    reponse = client.get(adresses(inscription)[1])

    politique = reponse["Content-Security-Policy"]
    assert "default-src 'none'" in politique and "sandbox allow-popups" in politique and "script" not in politique
    assert '<base target="_blank">' in reponse.content.decode()
    assert re.search(r'<iframe[^>]+sandbox="allow-popups', page.content.decode())
    assert "unsafe-inline" not in page["Content-Security-Policy"]


def test_la_piece_jointe_se_telecharge_une_fois_rendue(client, depot):
    detail, _, piece = adresses(depot)
    assert "PDF en préparation" in client.get(detail).content.decode()
    assert client.get(piece).status_code == 404

    document = rendre(depot.document)

    assert document.fichier.nom_affiche in client.get(detail).content.decode()
    reponse = client.get(piece)
    assert b"".join(reponse.streaming_content).startswith(b"%PDF")
    assert reponse["Content-Disposition"].startswith("attachment")


def test_la_decision_n_a_pas_de_piece_a_telecharger(client, depot):
    rendre(depot.document)
    decision = notifier(
        Message.DECISION, CompteFactory(), contexte={"numero": NUMERO}, document=depot.document, le=timezone.now()
    ).envois.get(canal="courriel")

    assert client.get(adresses(decision)[2]).status_code == 404


def test_un_sms_n_a_pas_de_page_html(client, depot):
    sms = Envoi.objects.get(canal="sms")
    detail, html, _ = adresses(sms)

    assert "<iframe" not in client.get(detail).content.decode()
    assert client.get(html).status_code == 404


def test_un_envoi_inconnu_est_introuvable(client):
    assert client.get(reverse("demandes:boite_envoi_detail", kwargs={"pk": 999999})).status_code == 404


def test_hors_demonstration_rien_ne_repond(client, inscription, settings):
    settings.DEMONSTRATION = False

    for adresse in (reverse("demandes:boite_envoi"), *adresses(inscription)):
        assert client.get(adresse).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_en_production_ses_adresses_n_existent_pas():
    script = (
        "import django; django.setup()\n"
        "from django.urls import NoReverseMatch, reverse\n"
        "try: print(reverse('demandes:boite_envoi'))\n"
        "except NoReverseMatch: print('absente')\n"
    )
    production = {
        "ENVIRONNEMENT": "production",
        "SECRET_KEY": "x" * 60,
        "ALLOWED_HOSTS": "anef.invalid",
        "ADRESSE_DU_SITE": "https://anef.invalid",
        "EMAIL_URL": "smtp://127.0.0.1:25",
        "REDIS_URL": "redis://127.0.0.1:1",
        "DEUXD_DOC_AUTORITE": "FR05",
        "SMS_PASSERELLE_URL": "https://sms.exemple.invalid/",
    }
    with Processus("-c", script, **production) as processus:
        sortie, _ = processus.communicate(timeout=60)

    assert sortie.strip() == "absente"


@pytest.mark.navigateur
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("javascript", [True, False])
def test_dans_un_navigateur_la_boite_mene_a_l_activation(
    live_server, browser, browser_context_args, inscription, settings, javascript, sans_faute_axe
):
    settings.ADRESSE_DU_SITE = live_server.url
    contexte = browser.new_context(**browser_context_args, java_script_enabled=javascript)
    page = contexte.new_page()

    page.goto(live_server.url + reverse("demandes:boite_envoi"))
    if javascript:
        sans_faute_axe(page)
    page.get_by_role("link", name="Confirmez votre adresse e-mail").click()
    if javascript:
        sans_faute_axe(page)
    detail = page.url
    page.locator(".boite-envoi__texte a", has_text="/activer/").click()
    expect(page).to_have_url(re.compile("/activer/"))
    page.goto(detail)
    with contexte.expect_page() as fenetre:
        page.frame_locator("iframe").get_by_role("link", name="Confirmer mon adresse e-mail").click()
    assert "/activer/" in fenetre.value.url
    contexte.close()
