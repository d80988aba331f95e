"""Dans Chromium : s'enregistrer avec le QR sous la politique de sécurité, et les pages de qui n'a pas de dossiers."""

import time

import pytest
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from instruction import exports, operations
from instruction.journal import Filtres
from tests.factories import AgentFactory

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]
MOTIF = "Recherche d'un doublon signalé par la préfecture du Nord"


def test_un_agent_s_enregistre_et_lit_ses_codes(live_server, page, se_connecter, settings, sans_faute_axe):
    settings.SECOND_FACTEUR = True
    se_connecter(AgentFactory(roles=["admin_fonctionnel"]).compte)
    page.goto(live_server.url + reverse("admin:references"))
    sans_faute_axe(page)
    # L'image est bien dessinée : la politique de sécurité l'admet.
    assert page.locator("main img").evaluate("image => image.complete && image.naturalWidth") > 100
    appareil = TOTPDevice.objects.get()
    totp = TOTP(appareil.bin_key)
    totp.time = time.time()
    page.get_by_label("Code à six chiffres").fill(f"{totp.token():06d}")
    page.get_by_role("button", name="Enregistrer").click()
    assert page.locator("main li code").count() == 10
    sans_faute_axe(page)
    page.get_by_role("link", name="J'ai noté mes codes").click()
    assert page.url.endswith(reverse("admin:references"))
    page.goto(live_server.url + reverse("admin:second_facteur"))
    sans_faute_axe(page)


def test_le_journal_le_guichet_et_l_autre_site_se_lisent_sans_faute(
    live_server, page, se_connecter, deposee, agent_du_nord, sans_faute_axe
):
    auditeur = AgentFactory(roles=["auditeur"], site=deposee.site)
    acces = operations.ouvrir_acces(deposee, agent=agent_du_nord, motif=MOTIF, le=timezone.now())
    operations.noter_lecture(agent_du_nord, deposee, "dossier", acces=acces, le=timezone.now())
    export = exports.demander(auditeur, registre="actes", filtres=Filtres(), le=timezone.now())
    exports.produire(export.pk, le=timezone.now())
    se_connecter(auditeur.compte)
    for registre in ("actes", "lectures", "acces", "references", "administration"):
        page.goto(f"{live_server.url}{reverse('admin:journal')}?registre={registre}")
        sans_faute_axe(page)
    se_connecter(agent_du_nord.compte)
    for nom, arguments in (("autre_site", []), ("dossier", [deposee.numero])):
        page.goto(live_server.url + reverse(f"admin:{nom}", args=arguments))
        sans_faute_axe(page)
    se_connecter(AgentFactory(roles=["accueil"], site=deposee.site).compte)
    page.goto(f"{live_server.url}{reverse('admin:guichet')}?numero={deposee.numero}")
    sans_faute_axe(page)
