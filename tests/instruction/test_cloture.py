"""Clore à deux, jamais d'office ; rouvrir à la date de dépôt d'origine."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Cloture, Complement, Demande, Motif
from demandes.operations import relancer_les_complements
from instruction import operations
from instruction.file_de_travail import ONGLETS
from instruction.models import ActeDiffere
from instruction.operations import ActeImpossible, Conflit, GesteInterdit, QuatreYeux
from instruction.permissions import dossiers_visibles
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory, DemandeFactory
from tests.instruction.conftest import connecter
from tests.instruction.conftest import proposer as proposer_une_decision

pytestmark = pytest.mark.django_db
SAISIE = {"motif": "cloture.sans_objet", "texte": "Vous avez reçu un autre titre."}


@pytest.fixture
def a_clore(en_instruction, agent, le):
    return proposer(en_instruction, agent=agent, le=le)


@pytest.fixture
def close(a_clore, valideur, le):
    operations.cloturer(a_clore, agent=valideur, version=a_clore.version, le=le)
    a_clore.refresh_from_db()
    return a_clore


def proposer(demande, *, agent, le, **changements):
    operations.proposer_cloture(demande, **(SAISIE | changements), agent=agent, version=demande.version, le=le)
    demande.refresh_from_db()
    return demande


def url(nom, demande):
    return reverse(f"admin:{nom}", args=[demande.numero])


def envoyer(client, nom, demande, **champs):
    return client.post(url(nom, demande), {"version": str(demande.version), **champs}, follow=True)


def messages_de(reponse) -> str:
    return " ".join(str(message) for message in reponse.context["messages"])


# --- Opérations ------------------------------------------------------------------------------------------------------
def test_une_cloture_proposee_ne_clot_rien(a_clore, agent):
    assert a_clore.etat == Etat.EN_INSTRUCTION
    assert Cloture.objects.get().proposee_par == agent.compte
    assert not Notification.objects.filter(message="cloture").exists()


def test_une_autre_personne_clot_et_la_personne_lit_le_motif_et_le_texte(close, valideur, le):
    cloture, demande = Cloture.objects.get(), Demande.objects.get()
    assert (demande.etat, cloture.decidee_par, cloture.decidee_le) == (Etat.CLOTUREE, valideur.compte, le)
    contexte = Notification.objects.get(message="cloture").contexte
    assert contexte["phrase"].startswith("Votre demande n'a plus d'objet")
    assert contexte["phrase_en"] and contexte["texte"] == SAISIE["texte"]
    assert {envoi.canal for envoi in Envoi.objects.filter(message="cloture")} == {"courriel", "sms"}
    assert "autre titre" not in str(list(demande.evenements.values("codes")))


def test_la_cloture_attend_aussi_son_heure(a_clore, valideur, le, settings):
    settings.DELAI_ANNULATION = 10
    operations.cloturer(a_clore, agent=valideur, version=a_clore.version, le=le)
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION
    operations.executer_les_echus(le=le + dt.timedelta(minutes=10))
    assert Demande.objects.get().etat == Etat.CLOTUREE


def test_qui_propose_ne_clot_pas(en_instruction, le):
    seul = AgentFactory(site=en_instruction.site, roles=["instructeur", "valideur"])
    demande = proposer(en_instruction, agent=seul, le=le)
    with pytest.raises(QuatreYeux):
        operations.cloturer(demande, agent=seul, version=demande.version, le=le)
    with pytest.raises(IntegrityError, match="cloture_decidee_par_une_autre_personne"), transaction.atomic():
        Cloture.objects.update(decidee_par=seul.compte, decidee_le=le)
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


@pytest.mark.parametrize(
    ("changement", "champ"),
    [({"motif": "cloture.inconnu"}, "motif"), ({"texte": "  "}, "texte"), ({"motif": "cloture.sans_reponse"}, "motif")],
)
def test_une_proposition_sans_motif_sans_texte_ou_trop_tot_est_refusee(en_instruction, agent, le, changement, champ):
    with pytest.raises(ActeImpossible) as refus:
        proposer(en_instruction, agent=agent, le=le, **changement)
    assert refus.value.champ == champ
    assert not Cloture.objects.exists()


def test_sans_reponse_se_propose_une_fois_le_delai_echu_et_clot_le_complement(en_instruction, agent, valideur, le):
    notification = Notification.objects.filter(message="prise_en_charge").get()
    Complement.objects.create(
        demande=en_instruction, notification=notification, demande_par=agent.compte, demande_le=le,
        echeance_le=timezone.localdate(le) - dt.timedelta(days=1), relance_le=le - dt.timedelta(days=3),
    )  # fmt: skip
    demande = proposer(en_instruction, agent=agent, le=le, motif="cloture.sans_reponse")
    operations.cloturer(demande, agent=valideur, version=demande.version, le=le)
    assert Complement.objects.get().annule_le == le


def echu(demande, agent, le, **champs) -> Complement:
    notification = Notification.objects.filter(message="prise_en_charge").get()
    return Complement.objects.create(
        demande=demande, notification=notification, demande_par=agent.compte, demande_le=le,
        echeance_le=timezone.localdate(le) - dt.timedelta(days=1), **champs,
    )  # fmt: skip


def test_sans_reponse_demande_qu_un_rappel_soit_parti(en_instruction, agent, le):
    echu(en_instruction, agent, le)
    with pytest.raises(ActeImpossible, match="dernier rappel"):
        proposer(en_instruction, agent=agent, le=le, motif="cloture.sans_reponse")


def test_sans_reponse_attend_que_le_dernier_rappel_soit_parti(en_instruction, agent, le):
    complement = echu(en_instruction, agent, le, prochaine_relance_le=timezone.localdate(le))
    with pytest.raises(ActeImpossible, match="dernier rappel n'est pas encore parti"):
        proposer(en_instruction, agent=agent, le=le, motif="cloture.sans_reponse")

    relancer_les_complements(le=le)
    complement.refresh_from_db()
    assert (complement.relance_le, complement.prochaine_relance_le) == (le, None)
    for jours in (0, 1):
        with pytest.raises(ActeImpossible, match="Un rappel est parti"):
            proposer(en_instruction, agent=agent, le=le + dt.timedelta(days=jours), motif="cloture.sans_reponse")
    proposer(en_instruction, agent=agent, le=le + dt.timedelta(days=2), motif="cloture.sans_reponse")
    assert Cloture.objects.get().motif == Cloture.SANS_REPONSE


def test_sans_reponse_ne_se_signe_plus_apres_la_reponse(client, en_instruction, agent, valideur, le):
    """La lettre dirait « Vous n'avez pas répondu » à qui vient de répondre."""
    notification = Notification.objects.filter(message="prise_en_charge").get()
    complement = Complement.objects.create(
        demande=en_instruction, notification=notification, demande_par=agent.compte, demande_le=le,
        echeance_le=timezone.localdate(le) - dt.timedelta(days=1), relance_le=le - dt.timedelta(days=3),
    )  # fmt: skip
    demande = proposer(en_instruction, agent=agent, le=le, motif="cloture.sans_reponse")
    complement.repondu_le = le
    complement.save()

    reponse = envoyer(connecter(client, valideur.compte), "dossier_cloturer", demande)
    assert "peut encore répondre" in messages_de(reponse)
    demande.refresh_from_db()
    assert demande.etat == Etat.EN_INSTRUCTION and not Notification.objects.filter(message="cloture").exists()


def test_une_decision_ecarte_la_cloture_proposee(a_clore, agent, signataire, le):
    demande = proposer_une_decision(a_clore, agent=agent, le=le)
    operations.signer(demande, agent=signataire, version=demande.version, le=le)
    assert Cloture.objects.get().ecartee_le == le and operations.cloture_proposee(demande) is None


def test_la_lettre_a_la_phrase_du_jour_de_la_proposition(a_clore):
    """Une phrase chargée d'avance pour l'an prochain ne part pas aujourd'hui."""
    en_vigueur = Motif.objects.filter(code=SAISIE["motif"], du__isnull=False).latest("du")
    demain = timezone.localdate() + dt.timedelta(days=1)
    Motif.objects.filter(pk=en_vigueur.pk).update(au=timezone.localdate())
    Motif.objects.create(
        code=en_vigueur.code, nature=en_vigueur.nature, libelle=en_vigueur.libelle, texte="Phrase de l'an prochain.",
        texte_en="Next year.", du=demain,
    )  # fmt: skip
    assert operations.contexte_de_la_cloture(Cloture.objects.get())["phrase"] == en_vigueur.texte


def test_rouvrir_rend_a_prendre_le_dossier_d_un_agent_parti(close, agent, valideur, le):
    agent.actif = False
    agent.save()
    rouverte = operations.rouvrir(close, agent=valideur, version=close.version, le=le)
    assert rouverte.agent is None
    assert rouverte in ONGLETS["a_prendre"].dossiers(dossiers_visibles(valideur), valideur)


def test_deux_clotures_ne_se_proposent_pas_ensemble(a_clore, agent, le):
    with pytest.raises(ActeImpossible):
        proposer(a_clore, agent=agent, le=le)
    assert Cloture.objects.count() == 1


def test_ecarter_laisse_l_instruction_continuer_et_permet_de_reproposer(a_clore, agent, valideur, le):
    operations.ecarter_cloture(a_clore, agent=valideur, version=a_clore.version, le=le)
    demande = Demande.objects.get()
    assert demande.etat == Etat.EN_INSTRUCTION and operations.cloture_proposee(demande) is None
    with pytest.raises(ActeImpossible):
        operations.cloturer(demande, agent=valideur, version=demande.version, le=le)
    proposer(demande, agent=agent, le=le)
    assert Cloture.objects.count() == 2


def test_une_version_depassee_ou_un_role_sans_droit_ne_change_rien(a_clore, agent, valideur, le):
    for geste in (operations.cloturer, operations.ecarter_cloture):
        with pytest.raises(Conflit):
            geste(a_clore, agent=valideur, version=1, le=le)
    collegue = AgentFactory(site=a_clore.site)
    for geste in (operations.cloturer, operations.ecarter_cloture, operations.rouvrir):
        with pytest.raises(GesteInterdit):
            geste(a_clore, agent=collegue, version=a_clore.version, le=le)
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


def test_rouvrir_garde_la_date_de_depot_et_previent(close, agent, le):
    depot, numero = close.deposee_le, close.numero
    demande = operations.rouvrir(close, agent=agent, version=close.version, le=le + dt.timedelta(days=9))
    assert (demande.etat, demande.deposee_le, demande.numero) == (Etat.EN_INSTRUCTION, depot, numero)
    assert Notification.objects.filter(message="reouverture").count() == 1


@pytest.mark.parametrize("etat", ["brouillon", "en_fabrication"])
def test_rouvrir_a_cote_d_une_autre_demande_est_refuse(close, agent, le, etat):
    autre = DemandeFactory(titre_de_depart=close.titre_de_depart, objet=close.objet)
    Demande.objects.filter(pk=autre.pk).update(etat=etat)
    with pytest.raises(ActeImpossible):
        operations.rouvrir(close, agent=agent, version=close.version, le=le)
    assert Demande.objects.get(pk=close.pk).etat == Etat.CLOTUREE


# --- Pages -----------------------------------------------------------------------------------------------------------
def test_proposer_puis_clore_puis_rouvrir_dans_les_pages(client, en_instruction, agent, valideur):
    connecter(client, agent.compte)
    page = client.get(url("dossier_proposer_cloture", en_instruction)).content.decode()
    assert "Sans objet" in page
    for _ in range(2):
        reponse = envoyer(client, "dossier_proposer_cloture", en_instruction, **SAISIE)
        assert "Clôture proposée" in messages_de(reponse)
    assert Cloture.objects.count() == 1 and "propose de clore" in reponse.content.decode()

    connecter(client, valideur.compte)
    demande = Demande.objects.get()
    page = client.get(url("dossier_cloture", demande)).content.decode().replace("&#x27;", "'")
    for dit in ("n'a plus d'objet", SAISIE["texte"], "Bonjour JULIE JOHN", "Signer et clore", "Écarter"):
        assert dit in page
    for _ in range(2):
        assert "c'est fait" in messages_de(envoyer(client, "dossier_cloturer", demande))
    demande.refresh_from_db()
    assert demande.etat == Etat.CLOTUREE and ActeDiffere.objects.count() == 1

    assert "garde sa date de dépôt" in client.get(url("dossier_rouvrir", demande)).content.decode()
    for _ in range(2):
        reponse = envoyer(client, "dossier_rouvrir", demande)
        assert "rouverte" in messages_de(reponse)
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION
    assert Notification.objects.filter(message="reouverture").count() == 1


def test_apres_la_signature_la_page_montre_la_lettre_qui_attend(client, a_clore, valideur, settings):
    settings.DELAI_ANNULATION = 10
    connecter(client, valideur.compte)
    page = envoyer(client, "dossier_cloturer", a_clore).content.decode()
    assert "Signé, pas encore parti" in page and "Annuler cet acte" in page and "clôturée" in page


def test_ecarter_dans_la_page_se_refait_sans_dommage(client, a_clore, valideur):
    connecter(client, valideur.compte)
    for _ in range(2):
        assert "Clôture écartée" in messages_de(envoyer(client, "dossier_ecarter_cloture", a_clore))


def test_qui_a_propose_retire_sa_proposition_et_peut_proposer_a_nouveau(client, a_clore, agent, le):
    connecter(client, agent.compte)
    page = client.get(url("dossier_cloture", a_clore)).content.decode()
    assert "Retirer ma proposition" in page and "Signer et clore" not in page
    for _ in range(2):
        assert "Proposition retirée" in messages_de(envoyer(client, "dossier_ecarter_cloture", a_clore))
    a_clore.refresh_from_db()
    proposer(a_clore, agent=agent, le=le)
    assert operations.cloture_proposee(a_clore)


def test_un_autre_instructeur_ne_retire_pas_la_proposition(client, a_clore):
    connecter(client, AgentFactory(site=a_clore.site).compte)
    assert "Retirer ma proposition" not in client.get(url("dossier_cloture", a_clore)).content.decode()
    envoyer(client, "dossier_ecarter_cloture", a_clore)
    assert operations.cloture_proposee(a_clore)


def test_la_page_dit_a_qui_propose_qu_il_faut_une_autre_personne(client, en_instruction, le):
    seul = AgentFactory(site=en_instruction.site, roles=["instructeur", "valideur"])
    demande = proposer(en_instruction, agent=seul, le=le)
    connecter(client, seul.compte)
    page = client.get(url("dossier_cloture", demande)).content.decode()
    assert "une autre personne doit la signer" in page and "Signer et clore" not in page
    assert "une autre personne doit la signer" in messages_de(envoyer(client, "dossier_cloturer", demande))


@pytest.mark.parametrize(
    ("changement", "champ"),
    [({"motif": ""}, "motif"), ({"texte": ""}, "texte"), ({"motif": "cloture.sans_reponse"}, "motif")],
)
def test_une_saisie_fausse_nomme_son_champ(client_agent, en_instruction, changement, champ):
    reponse = envoyer(client_agent, "dossier_proposer_cloture", en_instruction, **(SAISIE | changement))
    assert reponse.status_code == 422 and champ in reponse.context["form"].errors
    assert not Cloture.objects.exists()


def test_un_conflit_garde_le_texte(client_agent, en_instruction):
    lue = en_instruction.version
    Demande.objects.update(version=lue + 1)
    reponse = envoyer(client_agent, "dossier_proposer_cloture", en_instruction, **SAISIE)
    assert reponse.status_code == 409 and SAISIE["texte"] in reponse.content.decode()


@pytest.mark.parametrize("nom", ["dossier_proposer_cloture", "dossier_proposer", "dossier_proposer_refus"])
def test_une_saisie_fausse_ne_fait_pas_oublier_la_version_lue(client_agent, en_instruction, nom):
    """La page d'une erreur garde la version lue : corrigée, elle dit encore ce qu'un collègue a changé entre-temps."""
    lue = en_instruction.version
    Demande.objects.update(version=lue + 1)
    reponse = client_agent.post(url(nom, en_instruction), {"version": str(lue)})
    assert reponse.status_code == 422
    assert f'name="version" value="{lue}"' in reponse.content.decode()


def test_les_actes_de_cloture_ont_un_cout_borne(client, a_clore, valideur, django_assert_max_num_queries):
    connecter(client, valideur.compte)
    for nom in ("dossier_cloture", "dossier_proposer_cloture"):
        with django_assert_max_num_queries(30):
            client.get(url(nom, a_clore))
    with django_assert_max_num_queries(40):
        client.post(url("dossier_cloturer", a_clore), {"version": str(a_clore.version)})


def test_l_usager_lit_le_motif_dans_sa_langue(client, close):
    notification = Notification.objects.get(message="cloture")
    notification.lue_le = timezone.now()
    notification.save()
    connecter(client, close.usager.compte)
    page = client.get(reverse("demandes:notification", args=[notification.pk])).content.decode()
    assert "plus d&#x27;objet" in page and SAISIE["texte"] in page
    client.cookies["django_language"] = "en"
    page = client.get(reverse("demandes:notification", args=[notification.pk])).content.decode()
    assert notification.contexte["phrase_en"] in page
