"""Retirer sa demande (T16) : ce que la page en dit, ce qui s'écrit, et qui l'emporte quand un agent agit."""

import datetime as dt
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from demandes import operations
from demandes.complements import LigneDemandee
from demandes.demarches import DEMARCHES
from demandes.etats import Etat
from demandes.models import Complement, Demande, Evenement
from demandes.reperes import DemandeChangee, repere
from documents.models import Document
from documents.operations import produire
from documents.verification import Etat as EtatVerifie
from documents.verification import extraire, verifier
from instruction import operations as agents
from instruction.models import ActeDiffere
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory, CompteFactory, TitreSejourFactory, UsagerFactory
from tests.instruction.conftest import proposer
from usagers.models import TitreSejour

pytestmark = pytest.mark.django_db
QUESTION = LigneDemandee("", "Information demandée", (), "Quelle est la date de votre rentrée ?")


@pytest.fixture
def agent(deposee):
    return AgentFactory(site=deposee.site)


@pytest.fixture
def client_usager(client, usager):
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


def url(demande):
    return reverse("demandes:retirer", args=[demande.numero])


def envoyer(client, demande, *, vu=None, **champs):
    donnees = {"vu": repere(demande) if vu is None else vu, "confirme": "on", **champs}
    return client.post(url(demande), {nom: v for nom, v in donnees.items() if v is not None})


def retirer(demande, le, **champs):
    vu = champs.pop("vu", repere(demande))
    return operations.retirer_demande(demande, vu=vu, par=demande.usager.compte, le=le, **champs)


def texte(reponse) -> str:
    return unescape(reponse.content.decode())


# --- Ce que la page dit ----------------------------------------------------------------------------------------------
def test_la_page_dit_ce_que_le_retrait_change_sans_rien_faire(client_usager, deposee):
    page = texte(client_usager.get(url(deposee)))

    for phrase in (
        "aucune décision ne sera prise",
        "Votre attestation de dépôt ne vaudra plus rien",
        f"il reste valable jusqu'au {deposee.titre_de_depart.fin:%d/%m/%Y}",
        "Vous pourrez déposer une nouvelle demande",
        "Il faudra une nouvelle ephoto",
        deposee.site.coordonnees_du_jour.courriel,
    ):
        assert phrase in page
    assert Demande.objects.get().etat == Etat.DEPOSEE
    assert url(deposee) in texte(client_usager.get(reverse("demandes:suivi", args=[deposee.numero])))


@pytest.mark.parametrize(("nature", "mot"), [("CST", "Votre titre a expiré"), ("VLS", "Votre visa a expiré")])
def test_la_page_previent_qui_n_aura_plus_de_titre(client_usager, deposee, le, nature, mot):
    TitreSejour.objects.update(nature=nature, fin=le.date() - dt.timedelta(days=1))
    page = texte(client_usager.get(url(deposee)))
    assert mot in page and "plus aucun titre ni attestation ne prouvera votre droit au séjour" in page


def test_la_page_se_lit_en_anglais(client_usager, deposee):
    client_usager.cookies["django_language"] = "en"
    page = texte(client_usager.get(url(deposee)))
    assert "Withdraw my application" in page and "Retirer" not in page


# --- Le retrait ------------------------------------------------------------------------------------------------------
def test_le_retrait_se_confirme_et_previent_par_chaque_canal(client_usager, deposee):
    reponse = envoyer(client_usager, deposee, raison="autre_demande")

    assert reponse["Location"] == reverse("demandes:suivi", args=[deposee.numero])
    page = texte(client_usager.get(reponse["Location"]))
    assert "a été retirée à votre demande" in page and "ne vaut plus" in page and "à venir" not in page
    assert url(deposee) not in page
    demande, evenement = Demande.objects.get(), Evenement.objects.get(apres=Etat.RETIREE)
    assert (demande.etat, evenement.avant, evenement.par) == (Etat.RETIREE, Etat.DEPOSEE, demande.usager.compte)
    assert evenement.codes == {"raison": "autre_demande"} and evenement.notification.message == "demande_retiree"
    assert {envoi.canal for envoi in Envoi.objects.filter(message="demande_retiree")} == {"courriel", "sms"}


def test_la_notification_de_retrait_se_lit_sur_le_portail(client_usager, deposee, le):
    retirer(deposee, le)
    lettre = Notification.objects.get(message="demande_retiree")
    page = client_usager.post(reverse("demandes:notification_ouvrir", args=[lettre.pk]), follow=True)
    assert "Aucune décision ne sera prise" in texte(page) and reverse("demandes:situation") in texte(page)


def test_les_attestations_ne_valent_plus_a_la_verification(deposee, agent, le):
    document = Document.objects.get()
    code = extraire(produire(document))
    assert verifier(code, le=le).etat == EtatVerifie.AUTHENTIQUE

    retirer(deposee, le)

    assert verifier(code, le=le).etat == EtatVerifie.RETIRE
    document.refresh_from_db()
    assert (document.etat, document.etat_le) == (Document.Etat.RETIRE, le)


def test_le_retrait_defait_ce_qui_attendait(deposee, agent, le):
    agents.demander_complement(deposee, [QUESTION], message="", agent=agent, version=deposee.version, le=le)
    deposee.refresh_from_db()
    agents.proposer_cloture(
        deposee, motif="cloture.doublon", texte="Deux fois.", agent=agent, version=deposee.version, le=le
    )

    demande = retirer(deposee, le)

    assert Complement.objects.get().annule_le == le
    assert agents.cloture_proposee(demande) is None
    assert agents.acte_en_attente(demande) is None


def test_une_prolongation_et_un_complement_en_cours_s_arretent_avec_la_demande(client_usager, deposee, agent, le):
    demande = agents.prendre_en_charge(deposee, agent=agent, version=deposee.version, le=le)
    TitreSejour.objects.update(fin=timezone.localdate() + dt.timedelta(days=10))
    Demande.objects.update(fin_de_droits=timezone.localdate() + dt.timedelta(days=10))
    demande.refresh_from_db()
    au = agents.periode_possible(demande, jour=timezone.localdate()).au
    prolongation = agents.prolonger(
        demande, au=au, travail="accessoire", agent=agent, version=demande.version, le=le
    ).document
    demande.refresh_from_db()
    agents.demander_complement(demande, [QUESTION], message="", agent=agent, version=demande.version, le=le)
    lettre = Notification.objects.get(message="complement")
    page = texte(client_usager.get(url(demande)))
    assert f"attestation de prolongation, valable jusqu'au {au:%d/%m/%Y}" in page
    assert "La demande de complément n'attendra plus de réponse." in page

    assert envoyer(client_usager, demande).status_code == 302

    prolongation.refresh_from_db()
    assert prolongation.etat == Document.Etat.RETIRE
    ouverte = client_usager.post(reverse("demandes:notification_ouvrir", args=[lettre.pk]), follow=True)
    assert "plus attendu" in texte(ouverte) and Complement.objects.get().echeance_le is None


def test_un_double_envoi_donne_le_meme_recu(client_usager, deposee):
    vu = repere(deposee)
    premiere, seconde = (envoyer(client_usager, deposee, vu=vu) for _ in range(2))

    assert premiere.status_code == seconde.status_code == 302 and premiere["Location"] == seconde["Location"]
    assert Evenement.objects.filter(apres=Etat.RETIREE).count() == 1
    assert Notification.objects.filter(message="demande_retiree").count() == 1


def test_apres_le_retrait_une_nouvelle_demande_est_possible(deposee, le):
    retirer(deposee, le)
    nouvelle = operations.commencer(DEMARCHES["etudiant"], deposee.usager, par=deposee.ouverte_par, le=le)
    assert nouvelle.pk != deposee.pk and nouvelle.est_brouillon


# --- Les refus -------------------------------------------------------------------------------------------------------
def test_sans_la_case_rien_ne_change(client_usager, deposee):
    reponse = envoyer(client_usager, deposee, confirme=None, raison="depart")

    assert reponse.status_code == 422 and "Cochez la case pour confirmer le retrait." in texte(reponse)
    assert reponse.context["form"]["raison"].value() == "depart"
    assert Demande.objects.get().etat == Etat.DEPOSEE


def test_une_raison_inventee_est_refusee(client_usager, deposee):
    assert envoyer(client_usager, deposee, raison="x").status_code == 422
    assert Demande.objects.get().etat == Etat.DEPOSEE


def test_un_agent_a_agi_la_page_le_dit_et_se_confirme_a_nouveau(client_usager, deposee, agent, le):
    vu = repere(deposee)
    agents.prendre_en_charge(deposee, agent=agent, version=deposee.version, le=le)

    reponse = envoyer(client_usager, deposee, vu=vu)

    assert reponse.status_code == 409
    assert "rien n'a été fait" in texte(reponse) and "En cours d'instruction" in texte(reponse)
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION
    assert reponse.context["vu"] == repere(deposee)
    assert envoyer(client_usager, deposee, vu=reponse.context["vu"]).status_code == 302
    assert Demande.objects.get().etat == Etat.RETIREE


def test_ce_qui_est_interne_au_service_ne_gene_pas_le_retrait(client_usager, deposee, agent, le):
    vu = repere(deposee)
    agents.proposer_cloture(
        deposee, motif="cloture.doublon", texte="Deux fois.", agent=agent, version=deposee.version, le=le
    )
    assert envoyer(client_usager, deposee, vu=vu).status_code == 302


@pytest.fixture
def proposee(deposee, agent, le):
    demande = agents.prendre_en_charge(deposee, agent=agent, version=deposee.version, le=le)
    return proposer(demande, agent=agent, le=le)


def test_un_acte_signe_qui_attend_son_heure_ne_se_fait_plus(client_usager, proposee, le, settings):
    settings.DELAI_ANNULATION = 10
    signataire = AgentFactory(site=proposee.site, roles=["signataire"])
    agents.signer(proposee, agent=signataire, version=proposee.version, le=le)
    assert "signé" not in texte(client_usager.get(url(proposee)))

    assert envoyer(client_usager, proposee).status_code == 302
    agents.executer_les_echus(le=le + dt.timedelta(minutes=11))

    assert Demande.objects.get().etat == Etat.RETIREE
    assert ActeDiffere.objects.get().echec == "etat_change"
    assert not Notification.objects.filter(message="decision").exists()


def test_une_decision_prise_l_emporte_sans_dire_son_sens(client_usager, proposee, le):
    vu = repere(proposee)
    signataire = AgentFactory(site=proposee.site, roles=["signataire"])
    agents.signer(proposee, agent=signataire, version=proposee.version, le=le)

    reponse = envoyer(client_usager, proposee, vu=vu)

    page = texte(reponse)
    assert reponse.status_code == 409 and "Une décision a été prise" in page and "favorable" not in page
    assert "ne peut plus être retirée" in page
    assert Demande.objects.get().etat == Etat.FAVORABLE
    assert "ne peut plus être retirée" in texte(client_usager.get(url(proposee), follow=True))


def test_une_page_vieille_d_un_autre_etat_est_refusee(deposee, le):
    with pytest.raises(DemandeChangee):
        retirer(deposee, le, vu=0)
    retiree = retirer(deposee, le)
    assert retirer(deposee, le, vu=0) == retiree


@pytest.mark.parametrize("methode", ["get", "post"])
def test_la_demande_d_un_autre_n_existe_pas(client, deposee, methode):
    autre = TitreSejourFactory(usager=UsagerFactory(compte=CompteFactory())).usager
    client.force_login(autre.compte, backend="usagers.backends.IdentifiantBackend")
    assert getattr(client, methode)(url(deposee)).status_code == 404
    assert Demande.objects.get().etat == Etat.DEPOSEE


def test_le_retrait_a_un_cout_borne(client_usager, deposee, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        client_usager.get(url(deposee))
    with django_assert_max_num_queries(40):
        envoyer(client_usager, deposee)
