"""Réaffecter, transférer, attribuer un n° étranger : succès, chaque refus, double envoi, autre site."""

import pytest
from django.urls import reverse
from django.utils import timezone

from demandes.attestations import donnees_du_depot
from demandes.etats import Etat
from demandes.models import Demande, Evenement, Site
from instruction import operations
from instruction.file_de_travail import ONGLETS
from instruction.models import NoteInterne
from instruction.operations import ActeImpossible, Conflit, GesteInterdit
from instruction.permissions import dossiers_visibles
from instruction.presentation import gestes_possibles
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory, SiteFactory, UsagerFactory
from tests.instruction.conftest import connecter
from usagers.backends import trouver_compte
from usagers.models import Compte, Identifiant, Usager
from usagers.operations import NumeroDejaAttribue, attribuer_numero_etranger

pytestmark = pytest.mark.django_db
NUMERO, VISA = "7703009999", "FRA123456789"


def url(nom, demande):
    return reverse(f"admin:dossier_{nom}", args=[demande.numero])


def dit(reponse) -> str:
    return " ".join(str(message) for message in reponse.context["messages"])


def poster(client, nom, demande, **champs):
    champs.setdefault("version", demande.version)
    return client.post(url(nom, demande), {"action": "confirmer", **champs}, follow=True)


@pytest.fixture
def collegue(agent):
    return AgentFactory(site=agent.site, nom="Sacha Collègue")


@pytest.fixture
def de_visa(en_instruction):
    """La même demande, d'une personne connue par son seul visa."""
    compte = en_instruction.usager.compte
    Usager.objects.update(numero_etranger=None)
    Identifiant.objects.filter(compte=compte).update(valeur=VISA, nature=Identifiant.Nature.VISA)
    Compte.objects.filter(pk=compte.pk).update(identifiant=VISA)
    return Demande.objects.select_related("usager__compte").get()


@pytest.mark.parametrize("nom", ["reaffecter", "transferer", "numero"])
def test_un_autre_site_ne_trouve_rien(client, agent_du_nord, en_instruction, nom):
    connecter(client, agent_du_nord.compte)
    assert client.get(url(nom, en_instruction)).status_code == 404
    assert client.post(url(nom, en_instruction), {"version": en_instruction.version}).status_code == 404


@pytest.mark.parametrize("nom", ["reaffecter", "transferer", "numero"])
def test_les_pages_tiennent_dans_leur_budget(client_agent, de_visa, nom, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        assert client_agent.get(url(nom, de_visa)).status_code == 200


@pytest.mark.parametrize("nom", ["reaffecter", "transferer", "numero"])
def test_les_envois_tiennent_dans_leur_budget(
    client_agent, de_visa, collegue, autre_site, nom, django_assert_max_num_queries
):
    champs = {"reaffecter": {"cible": collegue.pk}, "transferer": {"cible": autre_site.pk, "motif": "Déménagement"}}
    envoi = {"version": de_visa.version, **champs.get(nom, {"numero": NUMERO})}
    with django_assert_max_num_queries(40):
        reponse = client_agent.post(url(nom, de_visa), envoi)
    assert reponse.status_code == 302
    assert Demande.objects.get().version == de_visa.version + 1


@pytest.mark.parametrize("nom", ["reaffecter", "transferer", "numero"])
def test_apres_la_decision_rien_de_cela_n_est_possible(client_agent, decidee, nom):
    assert "Cet acte n'est pas possible" in dit(client_agent.get(url(nom, decidee), follow=True))


# --- Réaffecter ------------------------------------------------------------------------------------------------------
def test_confier_un_dossier_le_donne_au_collegue_sans_rien_envoyer(client_agent, en_instruction, agent, collegue):
    avant = Envoi.objects.count()
    reponse = poster(client_agent, "reaffecter", en_instruction, cible=collegue.pk)

    demande = Demande.objects.get()
    assert "confié à Sacha Collègue" in dit(reponse)
    assert (demande.agent, demande.etat) == (collegue.compte, Etat.EN_INSTRUCTION)
    evenement = demande.evenements.get(nature=Evenement.Nature.AFFECTATION)
    assert (evenement.par, evenement.codes) == (agent.compte, {"agent": collegue.pk})
    assert Envoi.objects.count() == avant


def test_un_double_clic_ne_confie_qu_une_fois(client_agent, en_instruction, collegue):
    for _rang in range(2):
        reponse = poster(client_agent, "reaffecter", en_instruction, cible=collegue.pk)
    assert "confié à Sacha Collègue" in dit(reponse)
    assert Evenement.objects.filter(nature=Evenement.Nature.AFFECTATION).count() == 1


@pytest.mark.parametrize("roles", [["remise"], ["valideur"]])
def test_on_ne_confie_un_dossier_qu_a_un_instructeur_du_site(client_agent, en_instruction, agent, roles, le):
    autre = AgentFactory(site=agent.site, roles=roles)
    reponse = poster(client_agent, "reaffecter", en_instruction, cible=autre.pk)
    assert reponse.status_code == 422 and "n&#x27;instruit pas" in reponse.content.decode()
    with pytest.raises(ActeImpossible):
        operations.reaffecter(en_instruction, autre, agent=agent, version=en_instruction.version, le=le)


def test_confier_a_qui_l_a_deja_ou_a_personne_est_refuse(client_agent, en_instruction, agent, agent_du_nord):
    assert "a déjà ce dossier" in poster(client_agent, "reaffecter", en_instruction, cible=agent.pk).content.decode()
    assert "Choisissez à qui" in poster(client_agent, "reaffecter", en_instruction).content.decode()
    assert poster(client_agent, "reaffecter", en_instruction, cible=agent_du_nord.pk).status_code == 422


def test_qui_a_deja_le_dossier_n_est_pas_propose_et_sans_collegue_la_page_le_dit(client_agent, en_instruction, agent):
    page = client_agent.get(url("reaffecter", en_instruction)).content.decode()
    assert f">{agent.nom}</option>" not in page and "personne à qui confier" in page
    AgentFactory(site=agent.site, nom="Sacha Collègue")
    page = client_agent.get(url("reaffecter", en_instruction)).content.decode()
    assert ">Sacha Collègue</option>" in page and "personne à qui confier" not in page


def test_deux_agents_qui_confient_le_second_voit_le_premier(client_agent, en_instruction, collegue, le):
    troisieme = AgentFactory(site=collegue.site, nom="Alix Tiers")
    operations.reaffecter(en_instruction, troisieme, agent=collegue, version=en_instruction.version, le=le)
    reponse = poster(client_agent, "reaffecter", en_instruction, cible=collegue.pk)
    assert reponse.status_code == 409 and "Dossier affecté par Sacha Collègue" in reponse.content.decode()


# --- Transférer ------------------------------------------------------------------------------------------------------
def test_un_transfert_garde_le_numero_et_dit_le_nouveau_service(client_agent, en_instruction, agent, autre_site):
    reponse = client_agent.post(
        url("transferer", en_instruction),
        {"cible": autre_site.pk, "motif": "x", "action": "apercu", "version": en_instruction.version},
    )
    lettre, courriel = reponse.context["apercus"]
    assert "Préfecture du Nord" in lettre.lettre and "Préfecture du Nord" in courriel.texte
    assert not client_agent.get(url("transferer", en_instruction)).context["apercus"]  # pas le service d'avant
    reponse = poster(client_agent, "transferer", en_instruction, cible=autre_site.pk, motif="A déménagé à Lille.")

    demande = Demande.objects.get()
    assert "Nouveau service : Préfecture du Nord" in dit(reponse)
    assert (demande.site, demande.agent, demande.numero) == (autre_site, None, en_instruction.numero)
    evenement = demande.evenements.get(nature=Evenement.Nature.TRANSFERT)
    assert evenement.codes == {"de": agent.site_id, "vers": autre_site.pk}
    assert NoteInterne.objects.get().texte == "A déménagé à Lille."
    contexte = Notification.objects.get(message="transfert").contexte
    assert contexte["service"]["libelle"] == "Préfecture du Nord" and "déménagé" not in str(contexte)


def test_le_double_clic_d_un_transfert_recoit_le_meme_recu(client_agent, en_instruction, autre_site):
    for _rang in range(2):
        reponse = poster(client_agent, "transferer", en_instruction, cible=autre_site.pk, motif="Déménagement")
    assert reponse.status_code == 200 and "Nouveau service : Préfecture du Nord" in dit(reponse)
    assert Evenement.objects.filter(nature=Evenement.Nature.TRANSFERT).count() == 1
    assert client_agent.get(url("transferer", en_instruction)).status_code == 404


def test_un_transfert_sans_motif_ou_sur_place_est_refuse(client_agent, en_instruction, agent, autre_site, le):
    assert poster(client_agent, "transferer", en_instruction, cible=autre_site.pk).status_code == 422
    assert poster(client_agent, "transferer", en_instruction, cible=agent.site_id, motif="x").status_code == 422
    with pytest.raises(ActeImpossible):
        operations.transferer(en_instruction, agent.site, motif="x", agent=agent, version=en_instruction.version, le=le)
    assert Demande.objects.get().site == agent.site


def test_aucun_dossier_ne_va_a_un_site_ferme_et_les_siens_en_partent(
    client_agent, en_instruction, agent, autre_site, le
):
    autre_site.ferme_le = timezone.localdate(le)
    autre_site.save()
    reponse = poster(client_agent, "transferer", en_instruction, cible=autre_site.pk, motif="x")
    assert reponse.status_code == 422 and "un service ouvert" in reponse.content.decode()
    with pytest.raises(ActeImpossible, match="fermé"):
        operations.transferer(en_instruction, autre_site, motif="x", agent=agent, version=en_instruction.version, le=le)
    Site.objects.filter(pk=agent.site_id).update(ferme_le=timezone.localdate(le))
    Site.objects.filter(pk=autre_site.pk).update(ferme_le=None)
    assert poster(client_agent, "transferer", en_instruction, cible=autre_site.pk, motif="x").status_code == 200


def test_un_dossier_transfere_en_instruction_est_a_prendre_la_bas(client, en_instruction, agent, agent_du_nord, le):
    transfere = operations.transferer(
        en_instruction, agent_du_nord.site, motif="Déménagement", agent=agent, version=en_instruction.version, le=le
    )
    assert transfere in ONGLETS["a_prendre"].dossiers(dossiers_visibles(agent_du_nord), agent_du_nord)
    principaux = {geste.nom for geste in gestes_possibles(agent_du_nord, transfere) if geste.est_principal}
    assert "reaffecter" in principaux, "le confier à quelqu'un, soi compris, vient d'abord"


def test_la_personne_lit_son_nouveau_service(client, en_instruction, agent, autre_site, le):
    operations.transferer(en_instruction, autre_site, motif="x", agent=agent, version=en_instruction.version, le=le)
    connecter(client, en_instruction.usager.compte)
    lettre = Notification.objects.get(message="transfert")
    client.post(reverse("demandes:notification_ouvrir", args=[lettre.pk]))
    page = client.get(reverse("demandes:notification", args=[lettre.pk])).content.decode()
    assert "Préfecture du Nord" in page
    assert "Préfecture du Nord" in client.get(reverse("demandes:suivi", args=[en_instruction.numero])).content.decode()


# --- Attribuer un n° étranger ----------------------------------------------------------------------------------------
def test_le_numero_attribue_devient_l_identifiant_et_l_ancien_reste_accepte(client_agent, de_visa):
    reponse = poster(client_agent, "numero", de_visa, numero="7703 009 999")

    usager = Usager.objects.get(pk=de_visa.usager_id)
    assert f"N° étranger {NUMERO} attribué" in dit(reponse)
    assert (usager.numero_etranger, usager.compte.identifiant) == (NUMERO, NUMERO)
    assert trouver_compte(NUMERO) == trouver_compte(VISA) == usager.compte
    assert usager.compte.check_password("Sept mots pour une phrase de passe")
    demande = Demande.objects.get()
    assert NUMERO in demande.recherche
    assert demande.evenements.filter(nature=Evenement.Nature.NUMERO).count() == 1
    envoi = Envoi.objects.get(message="numero_attribue")
    assert envoi.adresse == usager.compte.courriel


def test_les_documents_suivants_portent_le_numero_attribue(de_visa, agent, le):
    contenu = de_visa.instantanes.latest("rang").contenu
    contenu["etat_civil"]["numero_etranger"] = ""
    contenu["titre"] |= {"numero": VISA, "est_visa": True}
    assert donnees_du_depot(de_visa, contenu, jour=timezone.localdate(le))["numero_visa"] == VISA
    demande = operations.attribuer_numero(de_visa, NUMERO, agent=agent, version=de_visa.version, le=le)
    donnees = donnees_du_depot(demande, contenu, jour=timezone.localdate(le))
    assert (donnees["numero_etranger"], donnees["numero_visa"]) == (NUMERO, "")


def test_un_double_clic_n_attribue_qu_une_fois(client_agent, de_visa):
    for _rang in range(2):
        reponse = poster(client_agent, "numero", de_visa, numero=NUMERO)
    assert f"N° étranger {NUMERO} attribué" in dit(reponse)
    assert Notification.objects.filter(message="numero_attribue").count() == 1
    assert poster(client_agent, "numero", de_visa, numero="7703001111").status_code == 409


def test_qui_a_deja_un_numero_n_en_recoit_pas_d_autre(client_agent, en_instruction):
    reponse = client_agent.get(url("numero", en_instruction), follow=True)
    assert reponse.redirect_chain[0][0].split("?")[0] == reverse("admin:dossier", args=[en_instruction.numero])
    assert "Cette personne a déjà un numéro étranger" in reponse.content.decode()


@pytest.mark.parametrize("numero", ["", "123", "770300999", "77030099999", "FRA123456789"])
def test_un_numero_mal_forme_est_refuse(client_agent, de_visa, numero):
    reponse = poster(client_agent, "numero", de_visa, numero=numero)
    assert reponse.status_code == 422 and "10 chiffres" in reponse.content.decode()
    assert Usager.objects.get(pk=de_visa.usager_id).numero_etranger is None


def test_le_numero_d_une_autre_personne_est_refuse(client_agent, de_visa):
    UsagerFactory(compte=None, numero_etranger=NUMERO)
    reponse = poster(client_agent, "numero", de_visa, numero=NUMERO)
    assert reponse.status_code == 422 and "celui d&#x27;une autre personne" in reponse.content.decode()
    assert Compte.objects.get(pk=de_visa.usager.compte_id).identifiant == VISA


def test_l_identifiant_d_un_autre_compte_est_refuse(de_visa, agent, le):
    autre = AgentFactory(compte__identifiant=NUMERO)
    assert autre.compte.identifiant == NUMERO
    with pytest.raises(ActeImpossible, match="autre personne"):
        operations.attribuer_numero(de_visa, NUMERO, agent=agent, version=de_visa.version, le=le)


def test_qui_a_deja_un_numero_le_garde(client_agent, en_instruction):
    reponse = poster(client_agent, "numero", en_instruction, numero=NUMERO)
    assert reponse.status_code == 422 and "a déjà un numéro étranger" in reponse.content.decode()
    with pytest.raises(NumeroDejaAttribue):
        attribuer_numero_etranger(en_instruction.usager, numero=NUMERO)


@pytest.mark.parametrize("acte", ["reaffecter", "transferer", "numero"])
@pytest.mark.parametrize("faute", ["role", "version"])
def test_sans_le_role_ou_sur_une_version_depassee_rien_ne_change(de_visa, agent, collegue, le, acte, faute):
    qui = AgentFactory(site=agent.site, roles=["remise"]) if faute == "role" else agent
    version = de_visa.version - (faute == "version")
    communs = {"agent": qui, "version": version, "le": le}
    with pytest.raises(GesteInterdit if faute == "role" else Conflit):
        if acte == "reaffecter":
            operations.reaffecter(de_visa, collegue, **communs)
        elif acte == "transferer":
            operations.transferer(de_visa, SiteFactory(code="1301", departement="13"), motif="x", **communs)
        else:
            operations.attribuer_numero(de_visa, NUMERO, **communs)
    assert Demande.objects.get().version == de_visa.version
