"""L'acte signé attend son heure : il se fait, s'annule, ou ne se fait pas et le dit."""

import datetime as dt
import threading
from html import unescape

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Decision, Demande
from documents.models import Document
from instruction import operations
from instruction.models import ActeDiffere
from instruction.operations import AnnulationTardive, Conflit, DejaSigne, GesteInterdit
from instruction.tasks import executer_les_echus
from instruction.views.differe import reste
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
DELAI = dt.timedelta(minutes=10)


@pytest.fixture(autouse=True)
def delai(settings):
    settings.DELAI_ANNULATION = 10


@pytest.fixture
def signe(proposee, signataire, le):
    return operations.signer(proposee, agent=signataire, version=proposee.version, le=le)


def rien_n_est_parti() -> bool:
    return (
        Demande.objects.get().etat == Etat.PROPOSITION
        and Document.objects.count() == 1
        and not Notification.objects.filter(message="decision").exists()
        and not Decision.objects.filter(signee_le__isnull=False).exists()
    )


# --- Attendre, faire -------------------------------------------------------------------------------------------------
def test_avant_son_heure_il_n_existe_qu_un_acte_et_une_ligne_au_journal(signe, signataire, le):
    assert (signe.geste, signe.par, signe.signe_le, signe.a_executer_le) == (
        "signer_favorable", signataire, le, le + DELAI,
    )  # fmt: skip
    assert rien_n_est_parti()
    assert signe.demande.evenements.filter(nature="signature").count() == 1

    assert operations.executer_les_echus(le=le + DELAI - dt.timedelta(seconds=1)) == 0
    assert rien_n_est_parti()


def test_a_son_heure_tout_s_ecrit_ensemble_et_une_seule_fois(signe, signataire, le):
    fin = le + DELAI
    assert operations.executer_les_echus(le=fin) == 1
    assert operations.executer_les_echus(le=fin) == 0
    operations.executer(signe, le=fin)

    demande, decision = Demande.objects.get(), Decision.objects.get()
    assert (demande.etat, demande.decidee_le) == (Etat.FAVORABLE, fin)
    assert (decision.signee_par, decision.signee_le) == (signataire.compte, le)
    assert decision.document.emis_le == fin
    assert Notification.objects.filter(message="decision").count() == 1
    assert ActeDiffere.objects.get().execute_le == fin


def test_la_tache_fait_les_actes_echus(signe):
    ActeDiffere.objects.update(a_executer_le=timezone.now() - dt.timedelta(seconds=1))
    assert executer_les_echus() == 1
    assert Demande.objects.get().etat == Etat.FAVORABLE


def test_un_refus_attend_aussi(refus_propose, signataire, le):
    operations.signer(refus_propose, agent=signataire, version=refus_propose.version, le=le)
    assert rien_n_est_parti()
    operations.executer_les_echus(le=le + DELAI)
    assert Demande.objects.get().etat == Etat.DEFAVORABLE


def test_un_acte_qui_se_casse_n_arrete_pas_les_autres_et_se_reprend(signe, le, monkeypatch):
    from instruction.operations import differe

    def casser(*args, **kwargs):
        raise OSError("panne")

    avec_panne = {**differe.EFFETS, "signer_favorable": casser}
    monkeypatch.setattr(differe, "EFFETS", avec_panne)
    assert operations.executer_les_echus(le=le + DELAI) == 0
    assert rien_n_est_parti() and ActeDiffere.objects.get().est_en_attente
    monkeypatch.undo()
    assert operations.executer_les_echus(le=le + DELAI) == 1


# --- Ne pas faire ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("echec", ["agent_inactif", "compte_ferme", "droits_retires", "etat_change", "dossier_change"])
def test_ce_qui_a_change_empeche_l_acte_et_l_agent_est_averti(signe, signataire, valideur, le, echec):
    if echec == "agent_inactif":
        signataire.actif = False
        signataire.save()
    elif echec == "compte_ferme":
        signataire.compte.is_active = False
        signataire.compte.save()
    elif echec == "droits_retires":
        signataire.roles = ["instructeur"]
        signataire.save()
    elif echec == "etat_change":
        version = signe.demande.version
        operations.renvoyer(signe.demande, raison="À revoir", agent=valideur, version=version, le=le)
    else:
        Demande.objects.update(version=signe.demande.version + 1)
    avant = Demande.objects.get().etat

    assert operations.executer_les_echus(le=le + DELAI) == 0

    acte = ActeDiffere.objects.get()
    assert (acte.execute_le, acte.annule_le, acte.annule_par) == (None, le + DELAI, None)
    assert acte.echec == echec.replace("compte_ferme", "agent_inactif")
    assert Demande.objects.get().etat == avant and Document.objects.count() == 1
    assert not Notification.objects.filter(message="decision").exists()
    assert Envoi.objects.get(message="acte_non_fait").adresse == signataire.compte.courriel
    journal = acte.demande.evenements.get(nature="annulation")
    assert journal.codes == {"geste": "signer_favorable", "echec": acte.echec} and journal.par is None


def test_une_donnee_devenue_impossible_a_imprimer_empeche_l_acte(signe, le):
    instantane = signe.demande.instantanes.get()
    instantane.contenu["etat_civil"]["nom_naissance"] = "山田"
    instantane.save()
    operations.executer_les_echus(le=le + DELAI)
    assert rien_n_est_parti() and ActeDiffere.objects.get().echec == "non_encodable"


# --- Annuler ---------------------------------------------------------------------------------------------------------
def test_annuler_ne_laisse_qu_une_ligne_et_permet_de_resigner(signe, signataire, le):
    for _ in range(2):
        operations.annuler(signe, agent=signataire, le=le)
    assert operations.executer_les_echus(le=le + DELAI) == 0
    assert rien_n_est_parti()
    assert signe.demande.evenements.filter(nature="annulation").count() == 1

    operations.signer(signe.demande, agent=signataire, version=signe.version, le=le + DELAI)
    operations.executer_les_echus(le=le + 2 * DELAI)
    assert Demande.objects.get().etat == Etat.FAVORABLE


def test_un_autre_signataire_annule_un_instructeur_non(signe, agent, agent_du_nord, le):
    for interdit in (agent, agent_du_nord):
        with pytest.raises(GesteInterdit):
            operations.annuler(signe, agent=interdit, le=le)
    collegue = AgentFactory(site=signe.demande.site, roles=["signataire"])
    assert operations.annuler(signe, agent=collegue, le=le).annule_par == collegue


def test_annuler_un_acte_fait_est_trop_tard(signe, signataire, le):
    operations.executer_les_echus(le=le + DELAI)
    with pytest.raises(AnnulationTardive):
        operations.annuler(signe, agent=signataire, le=le + DELAI)
    assert Demande.objects.get().etat == Etat.FAVORABLE


# --- Deux personnes à la fois ----------------------------------------------------------------------------------------
def test_signer_deux_fois_rend_le_meme_acte_et_un_collegue_est_refuse(signe, signataire, le):
    encore = operations.signer(signe.demande, agent=signataire, version=signe.version, le=le)
    assert encore.pk == signe.pk
    with pytest.raises(DejaSigne):
        collegue = AgentFactory(site=signe.demande.site, roles=["signataire"])
        operations.signer(signe.demande, agent=collegue, version=signe.version, le=le)
    assert ActeDiffere.objects.count() == 1


def ensemble(gestes: list) -> list:
    """Lance tous ces gestes au même instant ; le nom de l'exception, ou « fait »."""
    depart, resultats = threading.Barrier(len(gestes)), []

    def lancer(geste):
        try:
            depart.wait(timeout=30)
            geste()
            resultats.append("fait")
        except Exception as erreur:
            resultats.append(type(erreur).__name__)
        finally:
            connection.close()

    fils = [threading.Thread(target=lancer, args=(geste,)) for geste in gestes]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join(timeout=60)
    return resultats


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("minutes", [0, 10])
def test_de_deux_signatures_simultanees_une_seule_tient(proposee, le, settings, minutes):
    settings.DELAI_ANNULATION = minutes
    agents = [AgentFactory(site=proposee.site, roles=["signataire"]) for _ in range(4)]

    def signer(qui):
        demande = Demande.objects.get(pk=proposee.pk)
        return lambda: operations.signer(demande, agent=qui, version=proposee.version, le=le)

    resultats = ensemble([signer(qui) for qui in agents])

    assert resultats.count("fait") == 1
    assert resultats.count("DejaSigne" if minutes else "Conflit") == 3
    assert ActeDiffere.objects.count() == 1
    assert Notification.objects.filter(message="decision").count() == (0 if minutes else 1)


@pytest.mark.django_db(transaction=True)
def test_de_l_heure_et_de_l_annulation_simultanees_une_seule_gagne(proposee, signataire, le):
    acte = operations.signer(proposee, agent=signataire, version=proposee.version, le=le)
    fin = le + DELAI
    resultats = ensemble(
        [
            lambda: operations.executer_les_echus(le=fin),
            lambda: operations.executer_les_echus(le=fin),
            lambda: operations.annuler(acte, agent=signataire, le=fin),
        ]
    )

    acte.refresh_from_db()
    assert (acte.execute_le is None) != (acte.annule_le is None)
    assert Notification.objects.filter(message="decision").count() == (1 if acte.execute_le else 0)
    assert set(resultats) <= {"fait", "AnnulationTardive"}


def test_un_conflit_de_version_se_dit_avant_l_attente(proposee, signataire, le):
    with pytest.raises(Conflit):
        operations.signer(proposee, agent=signataire, version=proposee.version - 1, le=le)


# --- Les pages -------------------------------------------------------------------------------------------------------
def url(nom, *arguments):
    return reverse(f"admin:{nom}", args=arguments)


def test_apres_la_signature_la_page_dit_ce_qui_attend_et_offre_d_annuler(client_signataire, proposee):
    envoi = {"version": str(proposee.version)}
    reponse = client_signataire.post(url("dossier_signer", proposee.numero), envoi, follow=True)
    encore = client_signataire.post(url("dossier_signer", proposee.numero), envoi, follow=True)

    assert reponse.redirect_chain == encore.redirect_chain
    assert reponse.redirect_chain[-1][0].startswith(url("dossier_acte", proposee.numero))
    acte, page = ActeDiffere.objects.get(), reponse.content.decode()
    heure = f"{timezone.localtime(acte.a_executer_le):%H:%M}"
    for dit in ("Signé, pas encore parti", " minutes</strong>", heure, "Annuler cet acte", "Bonjour JULIE JOHN"):
        assert dit in page
    assert rien_n_est_parti()

    reponse = client_signataire.post(url("dossier_annuler", proposee.numero, acte.pk), follow=True)
    assert "Rien n'est parti" in " ".join(str(message) for message in reponse.context["messages"])
    assert "annulé" in client_signataire.get(url("dossier_acte", proposee.numero)).content.decode()


def test_une_heure_passee_sans_rien_faire_se_dit(client_signataire, signe):
    ActeDiffere.objects.update(a_executer_le=timezone.now() - dt.timedelta(minutes=3))
    page = client_signataire.get(reverse("admin:dossier_acte", args=[signe.demande.numero])).content.decode()
    assert "Son heure est venue, mais rien n'est encore parti." in unescape(page) and "Annuler cet acte" in page


def test_le_dossier_dit_a_tous_qu_un_acte_attend(client_agent, signe):
    page = client_agent.get(url("dossier", signe.demande.numero)).content.decode()
    assert "Sacha Signataire a signé un acte sur ce dossier" in page and "ou l'annuler" not in page
    page = client_agent.get(url("dossier_acte", signe.demande.numero)).content.decode()
    assert "Annuler cet acte" not in page
    reponse = client_agent.post(url("dossier_annuler", signe.demande.numero, signe.pk), follow=True)
    assert "Cet acte n'est pas possible" in " ".join(str(message) for message in reponse.context["messages"])
    assert ActeDiffere.objects.get().est_en_attente


def test_un_second_signataire_voit_l_acte_qui_attend(client, signe):
    connecter(client, AgentFactory(site=signe.demande.site, roles=["valideur", "signataire"]).compte)
    page = client.get(url("dossier", signe.demande.numero)).content.decode()
    assert "ou l'annuler" in page and "Viser la proposition" not in page and "Signer la décision" not in page
    envoi = {"version": str(signe.demande.version)}
    reponse = client.post(url("dossier_signer", signe.demande.numero), envoi, follow=True)
    assert "Une autre personne a déjà signé" in " ".join(str(message) for message in reponse.context["messages"])
    assert "Sacha Signataire" in reponse.content.decode()


def test_un_acte_qui_n_a_pas_pu_se_faire_dit_pourquoi(client_signataire, signe, le):
    Demande.objects.update(version=99)
    operations.executer_les_echus(le=le + DELAI)
    page = client_signataire.get(url("dossier_acte", signe.demande.numero)).content.decode()
    assert "le dossier a changé entre-temps" in page
    historique = client_signataire.get(url("dossier", signe.demande.numero), {"vue": "historique"}).content.decode()
    assert "Signer la décision favorable (le dossier a changé entre-temps)" in historique


def test_une_fois_fait_la_page_mene_a_la_decision_et_annuler_est_trop_tard(client_signataire, signe, le):
    operations.executer_les_echus(le=le + DELAI)
    numero = signe.demande.numero
    assert client_signataire.get(url("dossier_acte", numero)).url.startswith(url("dossier_decision", numero))
    reponse = client_signataire.post(url("dossier_annuler", numero, signe.pk), follow=True)
    assert "Trop tard" in " ".join(str(message) for message in reponse.context["messages"])


def test_un_dossier_sans_acte_signe_n_a_pas_cette_page(client_agent, proposee):
    assert client_agent.get(url("dossier_acte", proposee.numero)).status_code == 404
    assert client_agent.post(url("dossier_annuler", proposee.numero, 1)).status_code == 404


def test_l_attente_et_l_annulation_ont_un_cout_borne(client_signataire, proposee, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        client_signataire.post(url("dossier_signer", proposee.numero), {"version": str(proposee.version)})
    with django_assert_max_num_queries(30):
        client_signataire.get(url("dossier_acte", proposee.numero))
    with django_assert_max_num_queries(30):
        client_signataire.post(url("dossier_annuler", proposee.numero, ActeDiffere.objects.get().pk))


@pytest.mark.parametrize(
    ("secondes", "dit"),
    [(600, "10 minutes"), (61, "1 minute"), (40, "40 secondes"), (1, "1 seconde"), (-5, "quelques")],
)
def test_le_temps_qui_reste_se_dit_en_mots(secondes, dit):
    assert reste(dt.timedelta(seconds=secondes)).startswith(dit)
