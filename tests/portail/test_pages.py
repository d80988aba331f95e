"""Les pages publiques répondent, disent où l'on est et ne coûtent rien à la base."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from demandes.portail.entrees import ENTREES
from notifications.models import Notification
from tests.factories import CompteFactory, DemandeFactory, SiteFactory, TitreSejourFactory, UsagerFactory

pytestmark = pytest.mark.django_db

NOMS = ["accueil", "orientation", "rechercher", "contact", "aide", "plan", "mentions", "accessibilite", "donnees"]
PAGES = [
    *(reverse(f"demandes:{nom}") for nom in NOMS),
    *(reverse("demandes:a_venir", args=[code]) for code in ENTREES),
]


@pytest.mark.parametrize("url", PAGES)
def test_chaque_page_publique_s_affiche_avec_un_seul_titre(client, url):
    page = client.get(url).content.decode()
    assert page.count("<h1") == 1
    assert "– Étrangers en France</title>" in page


def test_chaque_page_a_un_titre_different(client):
    titres = [re.search(r"<title>(.*?)</title>", client.get(url).content.decode(), re.DOTALL)[1] for url in PAGES]
    assert len(set(titres)) == len(PAGES)


@pytest.mark.parametrize("url", PAGES)
def test_chaque_page_est_ecrite_sans_style_ni_script_en_ligne(client, url):
    page = client.get(url).content.decode()
    assert not re.search(r'\sstyle="|\son[a-z]+="|<style|<script(?![^>]*\ssrc=)', page)


@pytest.mark.parametrize("url", PAGES)
def test_une_personne_sans_session_coute_deux_requetes_au_plus(client, url, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        client.get(url)


def test_l_en_tete_d_une_personne_connectee_coute_une_requete(client, django_assert_max_num_queries):
    usager = UsagerFactory()
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    # La session et le compte, l'en-tête, puis la session prolongée dans sa transaction.
    with django_assert_max_num_queries(6):
        page = client.get(reverse("demandes:mentions")).content.decode()
    assert "JULIE JOHN" in page


def test_la_cloche_dit_combien_de_notifications_ne_sont_pas_lues(client):
    compte = UsagerFactory().compte
    Notification.objects.create(destinataire=compte, message="depot", creee_le=timezone.now())
    Notification.objects.create(destinataire=compte, message="depot", creee_le=timezone.now(), lue_le=timezone.now())
    client.force_login(compte, backend="usagers.backends.IdentifiantBackend")
    page = client.get(reverse("demandes:accueil")).content.decode()
    assert "Mes notifications\u00a0: 1 non lue<" in page


def test_une_personne_connectee_ne_voit_que_les_entrees_qui_la_concernent(client):
    client.force_login(UsagerFactory().compte, backend="usagers.backends.IdentifiantBackend")
    page = client.get(reverse("demandes:accueil")).content.decode()
    assert "Valider mon VLS-TS" not in page
    assert reverse("demandes:situation") in page
    assert reverse("demandes:orientation") not in page


def test_un_agent_est_renvoye_vers_son_espace(client):
    client.force_login(CompteFactory(nature="agent", is_staff=True), backend="usagers.backends.IdentifiantBackend")
    page = client.get(reverse("demandes:accueil")).content.decode()
    assert "Espace des agents" in page
    assert "cloche" not in page


def test_se_deconnecter_est_un_envoi_de_formulaire(client):
    client.force_login(UsagerFactory().compte, backend="usagers.backends.IdentifiantBackend")
    page = client.get(reverse("demandes:accueil")).content.decode()
    assert f'<form method="post" action="{reverse("usagers:deconnexion")}">' in page


def test_l_accueil_dit_les_demarches_ouvertes(client):
    page = client.get(reverse("demandes:accueil")).content.decode()
    assert "<strong>titre de séjour étudiant</strong>" in page
    assert "Je valide mon VLS-TS" in page
    assert "Je demande ou renouvelle un titre de séjour" in page


def test_l_accueil_propose_d_abord_de_reprendre_le_brouillon(client):
    demande = DemandeFactory(titre_de_depart=TitreSejourFactory())
    client.force_login(demande.usager.compte, backend="usagers.backends.IdentifiantBackend")
    page = client.get(reverse("demandes:accueil")).content.decode()
    assert page.index("Reprendre ma demande") < page.index("Cette procédure est accessible")
    assert "étape 1 sur 6" in page


def test_l_accueil_ne_montre_pas_le_brouillon_d_une_autre_personne(client):
    DemandeFactory()
    client.force_login(UsagerFactory().compte, backend="usagers.backends.IdentifiantBackend")
    assert "Reprendre ma demande" not in client.get(reverse("demandes:accueil")).content.decode()


def test_une_entree_inconnue_n_existe_pas(client):
    assert client.get(reverse("demandes:a_venir", args=["carte-bleue"])).status_code == 404


def test_l_entree_du_timbre_mene_au_site_officiel(client):
    page = client.get(reverse("demandes:a_venir", args=["timbre"])).content.decode()
    assert 'href="https://timbres.impots.gouv.fr/"' in page


def test_le_contact_donne_l_adresse_et_le_telephone_du_departement(client):
    SiteFactory(code="5901", departement="59", libelle="Préfecture du Nord", coordonnees__telephone="03 00 00 00 59")
    SiteFactory()
    page = client.get(reverse("demandes:contact"), {"departement": "59"}).content.decode()
    assert "Préfecture du Nord</h2>" in page
    assert 'href="tel:0300000059"' in page
    assert "Préfecture de police de Paris</h2>" not in page


def test_le_contact_montre_d_abord_le_service_du_domicile(client):
    SiteFactory()
    usager = UsagerFactory(adresse_code_postal="75020")
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    assert "Préfecture de police de Paris</h2>" in client.get(reverse("demandes:contact")).content.decode()


@pytest.mark.parametrize("choix", ["", "999", "' OR 1=1"])
def test_un_departement_inconnu_est_refuse_avec_une_phrase(client, choix):
    SiteFactory()
    page = client.get(reverse("demandes:contact"), {"departement": choix}).content.decode()
    assert "<title>Erreur : Contact" in re.sub(r"\s+", " ", page)
    assert 'href="#id_departement"' in page


def test_sans_annuaire_charge_le_contact_renvoie_aux_sites_des_prefectures(client):
    assert "prefectures-regions.gouv.fr" in client.get(reverse("demandes:contact")).content.decode()


def test_le_choix_de_la_langue_garde_la_page(client):
    page = client.get(reverse("demandes:aide")).content.decode()
    assert f'name="next" value="{reverse("demandes:aide")}"' in page
    reponse = client.post(reverse("set_language"), {"language": "en", "next": reverse("demandes:aide")})
    assert reponse.url == reverse("demandes:aide")
    assert '<html lang="en"' in client.get(reponse.url).content.decode()


def test_la_boite_d_envoi_n_est_annoncee_qu_en_demonstration(client, settings):
    settings.DEMONSTRATION = False
    page = client.get(reverse("demandes:accueil")).content.decode()
    assert "Boîte d'envoi" not in page
    assert "Site de démonstration" not in page


def test_la_marque_de_l_etat_n_apparait_qu_avec_le_reglage(client, settings):
    assert "fr-logo" not in client.get("/").content.decode()
    settings.MARQUE_ETAT = True
    page = client.get("/").content.decode()
    assert "République<br>française" in page
    assert 'data-marque="etat"' in page


def test_la_politique_de_securite_interdit_le_code_en_ligne():
    entete = Client().get("/")["Content-Security-Policy"]
    assert "style-src 'self'" in entete
    assert "unsafe" not in entete
