"""Les coordonnées d'un site : datées, préparées d'avance, corrigées aussitôt, jamais absentes d'une page."""

import datetime as dt
import html

import pytest
from django.contrib.messages import get_messages
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django.utils import timezone

from demandes.attestations import donnees_du_depot
from demandes.models import Changement, CoordonneesSite, Site
from instruction.forms_suivi import RetraitForm
from instruction.operations import contexte_du_transfert
from tests.factories import AgentFactory, SiteFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
AUJOURDHUI = timezone.localdate()
HIER, DEMAIN = AUJOURDHUI - dt.timedelta(days=1), AUJOURDHUI + dt.timedelta(days=1)
NEUVES = {
    "adresse": "9 rue Neuve, 75013 Paris", "courriel": "neuf@exemple.invalid", "telephone": "01 99 99 99 99",
    "horaires": "le mardi", "information": "Le service déménage.", "information_en": "The office is moving.",
    "consigne_retrait": "Sonnez porte B.",
}  # fmt: skip


@pytest.fixture
def administrateur(client):
    agent = AgentFactory(roles=["admin_fonctionnel"], nom="Alix Fontaine")
    connecter(client, agent.compte)
    return agent


@pytest.fixture
def coordonnees():
    return SiteFactory().coordonnees.get()


def adresse(geste, *objets):
    return reverse(f"admin:demandes_coordonneessite_{geste}", args=[objet.pk for objet in objets])


def remplacer(client, ligne, **donnees):
    return client.post(adresse("remplacer", ligne), {**NEUVES, "du": DEMAIN.isoformat(), "au": "", **donnees})


def corriger(client, ligne, **donnees):
    actuelles = {nom: getattr(ligne, nom) for nom in NEUVES} | {"au": "", "invente": "on"}
    return client.post(adresse("change", ligne), actuelles | donnees, follow=True)


def ecrire(site, **dates):
    return CoordonneesSite.objects.create(site=site, **NEUVES, **dates)


def lu(reponse) -> str:
    return html.unescape(reponse.content.decode()).replace("\u00a0", " ")


def erreurs(reponse) -> str:
    return html.unescape(" ".join(map(str, reponse.context["errors"]))).replace("\u00a0", " ")


# --- Celles d'un jour ------------------------------------------------------------------------------------------------
def test_une_adresse_change_au_jour_dit_et_pas_avant(client, administrateur, coordonnees):
    reponse = remplacer(client, coordonnees, invente="on")
    assert "restent marquées inventées" in " ".join(map(str, get_messages(reponse.wsgi_request)))
    coordonnees.refresh_from_db()
    nouvelle = CoordonneesSite.objects.get(du=DEMAIN)
    assert reponse.url == adresse("change", nouvelle)
    assert coordonnees.au == AUJOURDHUI and coordonnees.adresse == "1 place de l'Exemple, 75004 Paris"
    site = Site.objects.get()
    assert site.coordonnees_le(AUJOURDHUI) == site.coordonnees_du_jour == coordonnees
    assert site.coordonnees_le(DEMAIN) == nouvelle


def test_sans_ligne_ce_jour_la_derniere_finie_reste_montree_puis_la_premiere_a_venir(coordonnees):
    site = coordonnees.site
    CoordonneesSite.objects.update(au=HIER)
    a_venir = ecrire(site, du=DEMAIN)
    ecrire(site)  # sans date d'effet : jamais lue
    assert site.coordonnees_le(AUJOURDHUI) == coordonnees
    assert site.coordonnees_le(DEMAIN) == a_venir
    coordonnees.delete()
    assert site.coordonnees_le(AUJOURDHUI) == a_venir


def test_un_site_sans_coordonnees_se_lit_vide(coordonnees):
    coordonnees.delete()
    assert Site.objects.get().coordonnees_du_jour.adresse == ""


def test_la_base_refuse_deux_coordonnees_le_meme_jour_ou_a_rebours(coordonnees):
    with pytest.raises(IntegrityError, match="coordonnees_sans_chevauchement"), transaction.atomic():
        ecrire(coordonnees.site, du=DEMAIN)
    with pytest.raises(IntegrityError, match="coordonnees_dans_l_ordre"), transaction.atomic():
        CoordonneesSite.objects.filter(pk=coordonnees.pk).update(au=dt.date(1999, 1, 1))
    assert ecrire(SiteFactory(code="5901", departement="59", coordonnees=None), du=DEMAIN).pk


# --- Qui les lit -----------------------------------------------------------------------------------------------------
def service(client) -> str:
    return lu(client.get(reverse("demandes:contact"), {"departement": "75"}))


def test_la_page_des_services_donne_celles_du_jour(client, coordonnees):
    CoordonneesSite.objects.update(au=AUJOURDHUI)
    nouvelle = ecrire(coordonnees.site, du=DEMAIN)
    avant = service(client)
    assert "1 place de l'Exemple" in avant and "Coordonnées inventées" in avant and "rue Neuve" not in avant
    CoordonneesSite.objects.filter(pk=coordonnees.pk).update(au=HIER)
    CoordonneesSite.objects.filter(pk=nouvelle.pk).update(du=AUJOURDHUI)
    apres = service(client)
    assert "9 rue Neuve" in apres and "tel:0199999999" in apres and "Le mardi" in apres
    assert "Le service déménage." in apres and "Coordonnées inventées" not in apres and "1 place" not in apres


def test_l_information_se_lit_dans_la_langue_de_la_page(client, coordonnees):
    CoordonneesSite.objects.update(information="Fermé <b>lundi</b>.", information_en="Closed on Monday.")
    assert "&lt;b&gt;lundi" in client.get(reverse("demandes:contact"), {"departement": "75"}).content.decode()
    client.post(reverse("set_language"), {"language": "en"})
    assert "Closed on Monday." in service(client) and "lundi" not in service(client)
    CoordonneesSite.objects.update(information_en="")
    assert 'lang="fr">Fermé' in service(client)


def test_les_services_d_un_departement_se_lisent_sans_une_requete_chacun(client, django_assert_num_queries):
    SiteFactory()
    with django_assert_num_queries(2):
        service(client)
    for code in ("7503", "7504", "7505"):
        SiteFactory(code=code)
    with django_assert_num_queries(2):
        service(client)


def test_la_personne_lit_les_coordonnees_du_jour_et_l_information_de_son_service(client, deposee):
    connecter(client, deposee.usager.compte)
    suivi = reverse("demandes:suivi", args=[deposee.numero])
    assert "Information du service" not in lu(client.get(suivi))
    CoordonneesSite.objects.update(au=AUJOURDHUI)
    nouvelle = ecrire(deposee.site, du=DEMAIN)
    assert "01 00 00 00 00" in lu(client.get(suivi))
    CoordonneesSite.objects.exclude(pk=nouvelle.pk).update(au=HIER)
    CoordonneesSite.objects.filter(pk=nouvelle.pk).update(du=AUJOURDHUI)
    page = lu(client.get(suivi))
    assert "01 99 99 99 99" in page and "Information du service : Préfecture de police de Paris" in page
    assert "Le service déménage." in page


def test_l_agent_qui_annonce_un_titre_part_de_celles_du_jour(deposee):
    initial = RetraitForm(demande=deposee).initial
    assert initial["lieu"].endswith("1 place de l'Exemple, 75004 Paris") and initial["consigne"] == ""
    CoordonneesSite.objects.update(au=HIER)
    ecrire(deposee.site, du=AUJOURDHUI)
    initial = RetraitForm(demande=type(deposee).objects.get()).initial
    assert initial["lieu"].endswith("9 rue Neuve, 75013 Paris")
    assert (initial["horaires"], initial["consigne"]) == ("le mardi", "Sonnez porte B.")


def test_une_attestation_et_une_lettre_portent_celles_de_leur_jour(deposee):
    CoordonneesSite.objects.update(au=AUJOURDHUI)
    ecrire(deposee.site, du=DEMAIN)
    contenu = deposee.instantanes.get().contenu
    for jour, telephone in ((AUJOURDHUI, "01 00 00 00 00"), (DEMAIN, "01 99 99 99 99")):
        assert donnees_du_depot(deposee, contenu, jour=jour)["service"]["telephone"] == telephone
        assert contexte_du_transfert(deposee, deposee.site, jour=jour)["service"]["telephone"] == telephone


# --- Qui les change --------------------------------------------------------------------------------------------------
def test_un_instructeur_les_lit_sans_les_changer(client, coordonnees):
    connecter(client, AgentFactory().compte)
    fiche = lu(client.get(adresse("change", coordonnees)))
    assert "1 place de l'Exemple" in fiche and 'name="adresse"' not in fiche and "Remplacer" not in fiche
    assert client.post(adresse("change", coordonnees), NEUVES).status_code == 403
    assert client.get(adresse("remplacer", coordonnees)).status_code == 403
    assert remplacer(client, coordonnees).status_code == 403
    assert client.post(adresse("add"), NEUVES).status_code == 403
    du_site = lu(client.get(reverse("admin:demandes_site_change", args=["7502"])))
    assert "01 00 00 00 00" in du_site and "Lire" in du_site
    assert "Remplacer" not in du_site and "Ajouter" not in du_site
    assert not CoordonneesSite.objects.exclude(telephone="01 00 00 00 00").exists()


def test_un_numero_faux_se_corrige_aussitot_et_le_journal_dit_avant_et_apres(client, administrateur, coordonnees):
    assert "ce qui est corrigé ici se lit aussitôt" in lu(client.get(adresse("change", coordonnees)))
    assert "restent marquées inventées" in lu(corriger(client, coordonnees, telephone="01 02 03 04 05"))
    assert Site.objects.get().coordonnees_du_jour.telephone == "01 02 03 04 05"
    changement = Changement.objects.get()
    assert (changement.par, changement.objet) == (administrateur.compte, "coordonnées du site 7502 du 01/01/2000")
    assert changement.ecarts == {"telephone": ["01 00 00 00 00", "01 02 03 04 05"]}
    histoire = lu(client.get(adresse("history", coordonnees)))
    assert "<del>01 00 00 00 00</del>" in histoire and "<ins>01 02 03 04 05</ins>" in histoire

    reponse = corriger(client, coordonnees, courriel="sejour@paris.invalid", invente="")
    assert "restent marquées" not in lu(reponse)
    assert Changement.objects.latest("pk").ecarts["invente"] == [True, False]


def test_la_date_d_effet_et_le_site_ne_se_reecrivent_pas(client, administrateur, coordonnees):
    SiteFactory(code="5901", departement="59")
    corriger(client, coordonnees, du=DEMAIN.isoformat(), site="5901")
    coordonnees.refresh_from_db()
    assert (coordonnees.du, coordonnees.site_id) == (dt.date(2000, 1, 1), "7502")


@pytest.mark.parametrize(
    ("changements", "dit"),
    [
        ({"telephone": ""}, "obligatoire"),
        ({"courriel": "pas une adresse"}, "adresse de courriel valide"),
        ({"telephone": "0" * 21}, "20 caractères"),
        ({"information": "x" * 501}, "500 caractères"),
        ({"consigne_retrait": "x" * 301}, "300 caractères"),
        ({"au": HIER.isoformat()}, "aujourd'hui au plus tôt"),
        ({"au": "demain"}, "date valide"),
        ({"adresse": "a\x00b"}, "caractère nul"),
    ],
)
def test_une_saisie_fautive_est_refusee_par_une_phrase(client, administrateur, coordonnees, changements, dit):
    reponse = corriger(client, coordonnees, **changements)
    assert reponse.status_code == 200 and dit in erreurs(reponse)
    assert not Changement.objects.exists()


@pytest.mark.parametrize("du", ["", AUJOURDHUI.isoformat(), "2020-01-01"])
def test_un_demenagement_ne_se_prepare_que_pour_demain_au_plus_tot(client, administrateur, coordonnees, du):
    reponse = remplacer(client, coordonnees, du=du)
    assert reponse.status_code == 422 and "9 rue Neuve" in lu(reponse)
    assert CoordonneesSite.objects.get().au is None


def test_le_second_clic_d_un_remplacement_lit_qu_il_est_deja_fait(client, administrateur, coordonnees):
    assert remplacer(client, coordonnees).status_code == 302
    reponse = remplacer(client, coordonnees)
    assert reponse.status_code == 422 and "en chevauche une autre du même site" in erreurs(reponse)
    assert CoordonneesSite.objects.count() == 2
    assert [trace.nature for trace in Changement.objects.order_by("pk")] == ["changement", "ajout"]


def test_une_ligne_de_plus_s_ajoute_pour_un_site_sans_chevaucher(client, administrateur, coordonnees):
    page = client.get(adresse("add"), {"site": "7502"})
    assert '<option value="7502" selected>' in page.content.decode()
    donnees = {**NEUVES, "site": "7502", "du": DEMAIN.isoformat(), "au": ""}
    assert "en chevauche une autre du même site" in erreurs(client.post(adresse("add"), donnees))
    assert "date d'effet" in erreurs(client.post(adresse("add"), donnees | {"du": "", "au": DEMAIN.isoformat()}))
    assert "obligatoire" in erreurs(client.post(adresse("add"), donnees | {"site": ""}))
    assert "choix" in erreurs(client.post(adresse("add"), donnees | {"site": "0000"}))
    CoordonneesSite.objects.update(au=AUJOURDHUI)
    assert client.post(adresse("add"), donnees).status_code == 302
    assert Site.objects.get().coordonnees_le(DEMAIN).adresse == NEUVES["adresse"]


# --- Le site ---------------------------------------------------------------------------------------------------------
def ajouter_un_site(client, **changements):
    donnees = {**NEUVES, "code": "5901", "departement": "59", "libelle": "Préfecture du Nord", "ferme_le": ""}
    return client.post(reverse("admin:demandes_site_add"), donnees | changements)


def test_un_site_s_ajoute_avec_ses_coordonnees_du_jour_et_le_journal_le_dit(client, administrateur):
    assert 'name="telephone"' in client.get(reverse("admin:demandes_site_add")).content.decode()
    assert ajouter_un_site(client).status_code == 302
    ligne = Site.objects.get(code="5901").coordonnees.get()
    assert {nom: getattr(ligne, nom) for nom in NEUVES} == NEUVES
    assert (ligne.du, ligne.au, ligne.invente) == (AUJOURDHUI, None, False)
    objets = Changement.objects.filter(par=administrateur.compte).order_by("pk").values_list("objet", flat=True)
    assert list(objets) == ["site 5901, Préfecture du Nord", f"coordonnées du site 5901 du {AUJOURDHUI:%d/%m/%Y}"]


@pytest.mark.parametrize(
    ("changements", "dit"),
    [
        ({"adresse": ""}, "obligatoire"),
        ({"courriel": "pas une adresse"}, "adresse de courriel valide"),
        ({"code": "7502"}, "existe déjà"),
        ({"consigne_retrait": "x" * 301}, "300 caractères"),
    ],
)
def test_un_site_mal_saisi_ne_s_ajoute_pas_ni_ses_coordonnees(client, administrateur, changements, dit):
    reponse = ajouter_un_site(client, **changements)
    assert reponse.status_code == 200 and dit in erreurs(reponse)
    assert CoordonneesSite.objects.count() == Site.objects.count() == 1


def test_la_fiche_d_un_site_montre_ses_coordonnees_passees_du_jour_et_a_venir(client, administrateur, coordonnees):
    fiche = reverse("admin:demandes_site_change", args=["7502"])
    assert 'name="telephone"' not in client.get(fiche).content.decode()
    CoordonneesSite.objects.update(au=HIER)
    a_venir = ecrire(coordonnees.site, du=DEMAIN)
    ecrire(coordonnees.site)
    page = lu(client.get(fiche))
    assert "Sans date d'effet" in page and f"À venir</strong> – du {DEMAIN:%d/%m/%Y} sans fin" in page
    assert f"Finie</strong> – du 01/01/2000 au {HIER:%d/%m/%Y} – montrée aujourd'hui, faute d'une autre" in page
    assert adresse("change", a_venir) in page and adresse("remplacer", a_venir) not in page
    assert f"{adresse('add')}?site=7502" in page and "Sonnez porte B." in page
    assert adresse("remplacer", coordonnees) in page


def test_ce_que_le_journal_disait_d_un_site_avant_les_lignes_datees_se_lit_encore(client, administrateur, coordonnees):
    Changement.objects.create(
        nature="changement", modele="demandes.site", cle="7502", objet="site 7502", le=timezone.now(),
        ecarts={"telephone": ["01 00", "01 02"], "libelle": ["Avant", "Après"]},
    )  # fmt: skip
    page = lu(client.get(reverse("admin:demandes_site_history", args=["7502"])))
    assert "<del>01 00</del>" in page and "<ins>Après</ins>" in page and page.index("Libellé") < page.index("Telephone")


# --- La migration ----------------------------------------------------------------------------------------------------
def test_les_coordonnees_d_avant_deviennent_une_ligne_et_reviennent(coordonnees):
    CoordonneesSite.objects.update(au=HIER)
    ecrire(coordonnees.site, du=AUJOURDHUI)
    with connection.cursor() as curseur:
        curseur.execute("SET CONSTRAINTS ALL IMMEDIATE")
    [migration] = [
        cle for cle in MigrationExecutor(connection).loader.graph.nodes if cle[1].endswith("_coordonnees_de_site")
    ]
    avant = MigrationExecutor(connection).loader.get_migration(*migration).dependencies
    apres = MigrationExecutor(connection).loader.graph.leaf_nodes()

    ancien = MigrationExecutor(connection).migrate(avant).apps.get_model("demandes", "Site").objects.get()
    assert (ancien.adresse, ancien.telephone, ancien.invente) == ("9 rue Neuve, 75013 Paris", "01 99 99 99 99", False)
    MigrationExecutor(connection).migrate(apres)
    ligne = CoordonneesSite.objects.get()
    assert (ligne.du, ligne.au, ligne.adresse) == (dt.date(2000, 1, 1), None, "9 rue Neuve, 75013 Paris")
