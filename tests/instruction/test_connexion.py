"""La porte des agents : qui entre, qui n'entre pas, ce qui est dit."""

from urllib.parse import unquote

import pytest
from django.urls import reverse

from tests.factories import AgentFactory, UsagerFactory
from tests.instruction.conftest import connecter
from usagers.models import Compte

pytestmark = pytest.mark.django_db
MOT_DE_PASSE = "Sept mots pour une phrase de passe"
NOUVEAU = "Une autre phrase de passe en sept mots"


@pytest.fixture
def agent():
    return AgentFactory(compte__identifiant="agent.paris")


def entrer(client, identifiant="agent.paris", mot_de_passe=MOT_DE_PASSE, **donnees):
    return client.post(
        reverse("admin:login"), {"username": identifiant, "password": mot_de_passe, **donnees}, REMOTE_ADDR="192.0.2.1"
    )


def test_un_agent_entre_par_son_identifiant(client, agent):
    assert "Identifiant d&#x27;agent" in client.get(reverse("admin:login")).content.decode()
    reponse = entrer(client)
    assert reponse.url == reverse("admin:index")
    assert client.get(reverse("admin:login")).status_code == 302  # déjà entré


def test_un_agent_retourne_ou_il_allait(client, agent):
    assert entrer(client, next="/agents/dossiers/?onglet=tous").url == "/agents/dossiers/?onglet=tous"


def test_un_lien_vers_un_autre_site_n_est_pas_suivi(client, agent):
    assert entrer(client, next="https://ailleurs.invalid/").url == reverse("admin:index")


@pytest.mark.parametrize("cas", ["inconnu", "faux", "usager", "inactif", "sans_fiche"])
def test_les_refus_ont_tous_la_meme_phrase(client, agent, cas):
    usager = UsagerFactory()
    if cas == "inactif":
        agent.actif = False
        agent.save()
    elif cas == "sans_fiche":
        agent.delete()
    identifiant = {"inconnu": "agent.ailleurs", "usager": usager.compte.identifiant}.get(cas, "agent.paris")
    reponse = entrer(client, identifiant, "faux" if cas == "faux" else MOT_DE_PASSE)

    assert reponse.status_code == 200
    assert "n&#x27;est pas celui d&#x27;un agent" in reponse.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("champ", "dit"), [("identifiant", "Saisissez votre identifiant"), ("mot_de_passe", "Saisissez votre mot")]
)
def test_un_champ_vide_se_dit(client, agent, champ, dit):
    reponse = entrer(client, **{champ: ""})
    assert dit in reponse.content.decode() and "Il y a un problème" in reponse.content.decode()


def test_cinq_essais_suspendent_la_connexion_et_disent_a_qui_s_adresser(client, agent):
    for _essai in range(5):
        derniere = entrer(client, mot_de_passe="faux")
    assert derniere.status_code == 429
    assert "administrateur de votre service" in derniere.content.decode()
    assert entrer(client).status_code == 429


def test_un_usager_connecte_lit_qu_il_lui_faut_un_compte_d_agent(client):
    page = connecter(client, UsagerFactory().compte).get(reverse("admin:login")).content.decode()
    assert "avec un compte d'usager" in page


def test_se_deconnecter_demande_un_envoi(client, agent):
    connecter(client, agent.compte)
    assert client.get(reverse("admin:logout")).status_code == 405
    assert client.post(reverse("admin:logout")).url == reverse("admin:login")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("suite", "arrivee"), [("/agents/references/", "/agents/references/"), ("//ailleurs.invalid/", "/agents/")]
)
def test_a_l_expiration_la_connexion_ramene_au_meme_endroit_et_jamais_ailleurs(client, agent, suite, arrivee):
    connecter(client, agent.compte)
    reponse = client.post(reverse("admin:logout"), {"expiration": "1", "next": suite}, follow=True)
    assert "_auth_user_id" not in client.session
    assert "la session se ferme après 30 minutes" in reponse.content.decode()

    donnees = {"username": agent.compte.identifiant, "password": MOT_DE_PASSE, "next": reponse.context["next"]}
    assert client.post(reverse("admin:login"), donnees).url == arrivee


def test_un_agent_change_son_mot_de_passe(client, agent):
    connecter(client, agent.compte)
    donnees = {"mot_de_passe_actuel": MOT_DE_PASSE, "mot_de_passe": NOUVEAU, "confirmation": NOUVEAU}
    reponse = client.post(reverse("admin:password_change"), donnees)

    assert reponse.url == reverse("admin:index")
    assert Compte.objects.get(pk=agent.compte_id).check_password(NOUVEAU)
    assert client.get(reverse("admin:dossiers")).status_code == 200  # sa session reste ouverte


@pytest.mark.parametrize(
    "faute",
    [
        {"mot_de_passe_actuel": "faux"},
        {"confirmation": "différent"},
        {"mot_de_passe": "court", "confirmation": "court"},
    ],
)
def test_un_mot_de_passe_refuse_ne_change_rien(client, agent, faute):
    connecter(client, agent.compte)
    donnees = {"mot_de_passe_actuel": MOT_DE_PASSE, "mot_de_passe": NOUVEAU, "confirmation": NOUVEAU, **faute}
    assert "Il y a un problème" in client.post(reverse("admin:password_change"), donnees).content.decode()
    assert Compte.objects.get(pk=agent.compte_id).check_password(MOT_DE_PASSE)


def test_changer_deux_fois_a_la_fois_se_dit(client, agent, monkeypatch):
    from instruction.views import connexion

    def deja_change(*_args, **_kwargs):
        raise connexion.LienUtilise

    connecter(client, agent.compte)
    monkeypatch.setattr(connexion, "changer_mot_de_passe", deja_change)
    donnees = {"mot_de_passe_actuel": MOT_DE_PASSE, "mot_de_passe": NOUVEAU, "confirmation": NOUVEAU}
    page = client.post(reverse("admin:password_change"), donnees).content.decode()
    assert "changé ailleurs" in page


def test_l_en_tete_d_un_agent_sans_dossiers_n_en_propose_pas(client):
    connecter(client, AgentFactory(roles=["admin_fonctionnel"]).compte)
    page = client.get(reverse("admin:password_change")).content.decode()
    assert "Données de référence" in page and "recherche-dossier" not in page


def test_un_acte_envoye_sans_session_ne_fait_rien_et_le_dit(client, deposee):
    """La page d'où il part, et non l'adresse de l'acte, qui n'admet pas qu'on y revienne."""
    page = reverse("admin:dossier", args=[deposee.numero])
    for referent, suite in ((f"http://testserver{page}?q=x", page), ("https://ailleurs.invalid/", "/agents/")):
        reponse = client.post(
            reverse("admin:dossier_prendre", args=[deposee.numero]),
            {"version": deposee.version},
            headers={"referer": referent},
            follow=True,
        )
        assert "rien de ce que vous venez d&#x27;envoyer n&#x27;a été fait" in reponse.content.decode()
        assert suite in unquote(reponse.redirect_chain[0][0]) and "ailleurs" not in reponse.redirect_chain[0][0]
    deposee.refresh_from_db()
    assert deposee.etat == "deposee"


def test_une_suite_etrange_ne_fait_pas_de_panne(client, agent):
    connecter(client, agent.compte)
    assert client.get(reverse("admin:login"), {"next": '"å³'}).status_code == 302
