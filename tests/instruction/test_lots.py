"""Les lots : choisir, relire, lancer, chaque résultat, double envoi, reprise, ce qui ne se fait jamais par lot."""

import datetime as dt
import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Complement, Demande, Evenement, Prolongation, Site
from instruction import operations, tasks
from instruction.models import Lot, LotLigne
from instruction.operations import ACTES_PAR_LOT, LOT_MAX, LotImpossible
from notifications.models import Notification
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter, semer

pytestmark = pytest.mark.django_db
DEFAVORABLES = {"signer_refus", "refuser", "proposer", "proposer_cloture", "cloturer", "renvoyer"}


@pytest.fixture
def reveils(monkeypatch):
    """Ce que la page a demandé au travailleur."""
    demandes = []
    monkeypatch.setattr(tasks.traiter_lot, "delay", demandes.append)
    return demandes


@pytest.fixture
def collegue(agent):
    return AgentFactory(site=agent.site, nom="Sacha Collègue")


@pytest.fixture
def dossiers(deposee, agent):
    return [deposee, *semer(3, agent.site)]


def dit(reponse) -> str:
    return " ".join(str(message) for message in reponse.context["messages"])


def preparer(client, demandes, geste="prendre_en_charge", **champs):
    champs = {"geste": geste, "dossier": [demande.numero for demande in demandes], **champs}
    return client.post(reverse("admin:lot_preparer"), champs, follow=True)


def lancer(client, page, **champs):
    communs = {nom: page.context[nom] for nom in ("geste", "cle")}
    envoi = {"dossier": page.context["dossiers"], **communs, **champs}
    return client.post(reverse("admin:lot_lancer"), envoi, follow=True)


def creer(demandes, agent, geste="prendre_en_charge", saisie=None, cle="a"):
    couples = [(demande, demande.version) for demande in demandes]
    return operations.creer_lot(couples, geste=geste, saisie=saisie or {}, cle=cle, agent=agent, le=timezone.now())


def test_aucun_acte_defavorable_ne_se_fait_par_lot():
    assert not DEFAVORABLES & set(ACTES_PAR_LOT)


def test_la_file_propose_les_lots_de_son_role(client, client_agent, dossiers, agent):
    page = client_agent.get(reverse("admin:dossiers")).content.decode()
    assert 'form="lot"' in page and "Prendre en charge" in page and "Titre disponible" not in page
    connecter(client, AgentFactory(site=agent.site, roles=["signataire"]).compte)
    assert 'form="lot"' not in client.get(reverse("admin:dossiers")).content.decode()


def test_un_lot_se_relit_se_lance_et_montre_chaque_resultat(
    client_agent, dossiers, agent, reveils, django_assert_max_num_queries, django_capture_on_commit_callbacks
):
    with django_assert_max_num_queries(40):
        page = preparer(client_agent, dossiers)
    assert page.context["nombre"] == 4 and dossiers[0].numero in page.content.decode()
    assert not Lot.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        suivi = lancer(client_agent, page)
    lot = Lot.objects.get()
    assert suivi.status_code == 202 and "lot en cours" in suivi.content.decode()
    assert reveils == [lot.pk]

    tasks.traiter_lot(lot.pk)
    with django_assert_max_num_queries(15):
        fin = client_agent.get(reverse("admin:lot", args=[lot.pk]))
    assert fin.status_code == 200 and "Faits : 4. Refusés : 0. À faire : 0. Total : 4." in fin.content.decode()
    assert set(Demande.objects.values_list("etat", "agent")) == {(Etat.EN_INSTRUCTION, agent.compte_id)}
    assert Notification.objects.filter(message="prise_en_charge").count() == 4
    assert Lot.objects.get().fini_le is not None


def test_un_dossier_change_entre_temps_est_refuse_et_n_arrete_pas_les_autres(client_agent, dossiers, agent, collegue):
    lot = creer(dossiers, agent)
    operations.prendre_en_charge(dossiers[1], agent=collegue, version=dossiers[1].version, le=timezone.now())
    operations.traiter_lot(lot)

    resultats = {ligne.demande_id: (ligne.etat, ligne.resultat) for ligne in lot.lignes.all()}
    assert resultats.pop(dossiers[1].pk) == ("refuse", "change")
    assert set(resultats.values()) == {("fait", "")}
    assert "Le dossier a changé" in client_agent.get(reverse("admin:lot", args=[lot.pk])).content.decode()


def test_une_panne_ou_une_regle_sur_un_dossier_n_arrete_pas_les_autres(dossiers, agent, le):
    """Sans instantané, l'attestation d'un dossier semé ne peut pas se faire : il est seul à en souffrir."""
    Demande.objects.update(complete_au_depot=True)
    Demande.objects.filter(pk=dossiers[2].pk).update(hors_delai=True)
    lot = creer(dossiers, agent, "prolonger")
    operations.traiter_lot(lot)

    resultats = {ligne.demande_id: ligne.resultat for ligne in lot.lignes.all()}
    assert [resultats[d.pk] for d in dossiers] == ["", "panne", "regle", "panne"]
    assert dossiers[0].prolongations.get().travail


def test_l_agent_desactive_entre_temps_n_y_fait_plus_rien(dossiers, agent):
    lot = creer(dossiers, agent)
    agent.actif = False
    agent.save()
    operations.traiter_lot(lot)
    assert set(lot.lignes.values_list("resultat", flat=True)) == {"interdit"}


def test_un_dossier_parti_avant_le_lancement_se_dit(client_agent, dossiers, autre_site, reveils):
    page = preparer(client_agent, dossiers)
    Demande.objects.filter(pk=dossiers[1].pk).update(site=autre_site)
    suivi = lancer(client_agent, page)
    assert "1 dossier n'est plus de votre site" in dit(suivi) and Lot.objects.get().lignes.count() == 3


def test_le_compte_ferme_entre_temps_n_y_fait_plus_rien(dossiers, agent):
    lot = creer(dossiers, agent)
    agent.compte.is_active = False
    agent.compte.save()
    operations.traiter_lot(lot)
    assert set(lot.lignes.values_list("resultat", flat=True)) == {"interdit"}
    assert not Notification.objects.filter(message="prise_en_charge").exists()


def test_confier_par_lot(client_agent, dossiers, agent, collegue, reveils):
    page = preparer(client_agent, dossiers, "reaffecter")
    sans = lancer(client_agent, page)
    assert sans.status_code == 422 and "Choisissez à qui" in sans.content.decode() and not Lot.objects.exists()
    lancer(client_agent, page, cible=collegue.pk)
    operations.relancer_lots()
    assert set(Demande.objects.values_list("agent", flat=True)) == {collegue.compte_id}
    assert Evenement.objects.filter(nature="affectation").count() == 4


def test_fabriquer_puis_annoncer_par_lot(client, decidee, reveils):
    connecter(client, AgentFactory(site=decidee.site, roles=["remise"]).compte)
    lancer(client, preparer(client, [decidee], "fabriquer"))
    operations.relancer_lots()
    assert Demande.objects.get().etat == Etat.EN_FABRICATION
    page = preparer(client, [decidee], "rendre_disponible")
    lancer(client, page, lieu="Guichet 4", horaires="9 h", documents=["identite"])
    operations.relancer_lots()
    assert Demande.objects.get().etat == Etat.TITRE_DISPONIBLE
    assert Notification.objects.get(message="titre_disponible").contexte["montant"] == "75.00"


def test_le_lot_montre_ce_que_recevra_la_premiere_personne(client, client_agent, dossiers, decidee, reveils):
    page = preparer(client_agent, dossiers)
    assert {apercu.canal for apercu in page.context["apercus"]} >= {"courriel"}
    assert "La première personne" in page.content.decode()
    assert "apercus" not in preparer(client_agent, dossiers, geste="reaffecter").context

    connecter(client, AgentFactory(site=decidee.site, roles=["instructeur", "remise"]).compte)
    lancer(client, preparer(client, [decidee], geste="fabriquer"))
    tasks.traiter_lot(Lot.objects.get().pk)
    page = preparer(client, [decidee], geste="rendre_disponible")
    champs = {"lieu": "Guichet 12", "horaires": "9 h à 12 h", "documents": ["identite"], "action": "apercu"}
    page = lancer(client, page, **champs)
    assert page.status_code == 200 and Lot.objects.count() == 1
    assert any("Guichet 12" in apercu.texte for apercu in page.context["apercus"])


def test_un_lot_de_prolongations_montre_l_attestation_qui_partira(client_agent, en_instruction):
    page = preparer(client_agent, [en_instruction], geste="prolonger")
    fin = operations.periode_possible(en_instruction, jour=timezone.localdate()).au
    assert any(f"{fin:%d/%m/%Y}" in apercu.texte for apercu in page.context["apercus"])


def test_un_lot_dit_avant_de_partir_qui_ne_se_prolonge_pas_par_lot_et_pourquoi(
    client_agent, agent, en_instruction, reveils, le, django_assert_max_num_queries
):
    jour = timezone.localdate(le)
    demain = jour + dt.timedelta(days=1)
    communs = {"etat": "en_instruction", "complete_au_depot": True}
    possible, tardif, interrompu, avance, attendu = semer(
        5, agent.site, **communs, hors_delai=lambda rang: rang == 1,
        fin_de_droits=lambda rang: jour - dt.timedelta(days=4) if rang == 2 else demain,
    )  # fmt: skip
    document = en_instruction.evenements.get(nature="transition", apres="deposee").document
    Prolongation.objects.create(
        demande=avance, document=document, du=demain, au=demain, travail=True, par=agent.compte, le=le
    )
    Complement.objects.create(
        demande=attendu, notification=Notification.objects.first(), demande_le=le, demande_par=agent.compte
    )
    with CaptureQueriesContext(connection) as pour_un:
        preparer(client_agent, [possible], geste="prolonger")
    with django_assert_max_num_queries(len(pour_un)):  # aucune par dossier
        page = preparer(client_agent, [possible, tardif, interrompu, avance, attendu], geste="prolonger")
    assert page.context["dossiers"] == [f"{possible.numero}:0"]
    dits = {demande.pk: [str(reserve.titre) for reserve in reserves] for demande, reserves in page.context["seuls"]}
    assert dits == {
        tardif.pk: ["Dépôt hors délai"],
        interrompu.pk: ["Droits interrompus"],
        avance.pk: ["Une attestation déjà délivrée n'a pas encore commencé"],
        attendu.pk: ["Complément attendu"],
    }
    texte = page.content.decode()
    assert "4 dossiers choisis se lisent un à un" in texte and "Lancer sur 1 dossier" in texte
    assert reverse("admin:dossier_prolonger", args=[tardif.numero]) in texte

    aucun = preparer(client_agent, [tardif], geste="prolonger")
    assert "Lancer sur" not in aucun.content.decode() and "Revenir à la liste" in aucun.content.decode()


def test_l_apercu_d_un_lot_ne_promet_que_ce_qui_partira(client, decidee, reveils):
    connecter(client, AgentFactory(site=decidee.site, roles=["remise"]).compte)
    Demande.objects.update(etat=Etat.EN_FABRICATION)
    page = preparer(client, [decidee], geste="rendre_disponible")
    champs = {"lieu": "Guichet 12", "horaires": "9 h", "documents": ["identite"], "action": "apercu"}
    textes = " ".join(apercu.texte for apercu in lancer(client, page, **champs).context["apercus"])
    assert "certificat d'inscription" in textes  # cette démarche le doit, coché ou non


def test_un_lot_n_envoie_personne_a_la_porte_d_un_site_ferme(client, decidee, reveils):
    connecter(client, AgentFactory(site=decidee.site, roles=["remise"]).compte)
    Demande.objects.update(etat=Etat.EN_FABRICATION)
    Site.objects.update(ferme_le=timezone.localdate())
    page = preparer(client, [decidee], geste="rendre_disponible")
    assert page.context["apercus"] == []
    refus = lancer(client, page, lieu=decidee.site.libelle, horaires="9 h", documents=["identite"])
    assert refus.status_code == 422 and "lieu" in refus.context["form"].errors and not Lot.objects.exists()


def test_un_double_clic_ne_lance_qu_un_lot(client_agent, dossiers, reveils):
    page = preparer(client_agent, dossiers)
    adresses = {lancer(client_agent, page).request["PATH_INFO"] for _rang in range(2)}
    assert len(adresses) == 1 and Lot.objects.count() == 1 and LotLigne.objects.count() == 4


def test_un_lot_laisse_tranquille_le_dossier_dont_un_acte_signe_attend(
    proposee, agent, signataire, collegue, le, settings
):
    settings.DELAI_ANNULATION = 10
    acte = operations.signer(proposee, agent=signataire, version=proposee.version, le=le)
    lot = creer([proposee], agent, geste="reaffecter", saisie={"cible": collegue.pk})
    operations.traiter_lot(lot)
    assert lot.lignes.get().resultat == "signe"
    operations.executer_les_echus(le=le + dt.timedelta(minutes=10))
    acte.refresh_from_db()
    assert acte.execute_le and not acte.echec


def test_le_certificat_d_inscription_n_est_demande_qu_a_qui_le_doit(decidee, agent, le):
    remise = AgentFactory(site=agent.site, roles=["remise"])
    demande = operations.fabriquer(decidee, agent=remise, version=decidee.version, le=le)
    retrait = {"lieu": "Guichet 4", "horaires": "9 h à 16 h", "documents": ["identite"], "consigne": ""}
    operations.traiter_lot(creer([demande], remise, geste="rendre_disponible", saisie=retrait))
    assert Notification.objects.get(message="titre_disponible").contexte["documents"] == [
        "identite", "inscription", "timbre",
    ]  # fmt: skip


@pytest.mark.parametrize("geste", ["", "cloturer", "signer_refus", "rendre_disponible"])
def test_un_acte_qui_n_est_ni_du_lot_ni_du_role_est_refuse(client_agent, dossiers, agent, geste):
    assert "Choisissez ce qu'il faut faire" in dit(preparer(client_agent, dossiers, geste))
    envoi = {"geste": geste, "cle": "x", "dossier": [f"{dossiers[0].numero}:1"]}
    assert "ne peut pas se lancer" in dit(client_agent.post(reverse("admin:lot_lancer"), envoi, follow=True))
    if geste in {"", "cloturer", "signer_refus"}:
        with pytest.raises(LotImpossible):
            creer(dossiers, agent, geste)
    assert not Lot.objects.exists()


def test_rien_de_coche_ou_rien_de_possible_se_dit(client_agent, dossiers, agent):
    assert "Cochez au moins un dossier" in dit(preparer(client_agent, []))
    Demande.objects.update(etat=Etat.EN_INSTRUCTION)
    assert "Aucun de ces dossiers" in dit(preparer(client_agent, dossiers))


def test_toute_la_liste_se_choisit_d_un_coup_dans_la_limite(client_agent, dossiers, agent):
    page = preparer(client_agent, [], tous="1")
    assert page.context["nombre"] == 4
    semer(LOT_MAX, agent.site, premier=100)
    assert "500 dossiers au plus" in dit(preparer(client_agent, [], tous="1"))


def test_les_dossiers_d_un_autre_site_et_les_lots_d_un_autre_agent_n_existent_pas(
    client, dossiers, agent, agent_du_nord, reveils
):
    lot = creer(dossiers, agent)
    connecter(client, agent_du_nord.compte)
    assert "Cochez au moins un dossier" in dit(preparer(client, dossiers))
    envoi = {"geste": "prendre_en_charge", "cle": "x", "dossier": [f"{dossiers[0].numero}:1"]}
    assert "ne peut pas se lancer" in dit(client.post(reverse("admin:lot_lancer"), envoi, follow=True))
    assert client.get(reverse("admin:lot", args=[lot.pk])).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_deux_travailleurs_se_partagent_un_lot_sans_rien_faire_deux_fois(dossiers, agent, reveils):
    lot = creer(dossiers, agent)

    def travailler():
        try:
            operations.traiter_lot(Lot.objects.get(pk=lot.pk))
        finally:
            connection.close()

    fils = [threading.Thread(target=travailler) for _rang in range(2)]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join(timeout=60)
    operations.relancer_lots()
    assert set(lot.lignes.values_list("etat", flat=True)) == {"fait"}
    assert Notification.objects.filter(message="prise_en_charge").count() == 4
