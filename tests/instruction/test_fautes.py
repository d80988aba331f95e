"""Mauvaises saisies et fautes au milieu d'un acte : une phrase, rien à moitié fait, rien d'envoyé.

Ici, ce que les essais de chaque acte ne disent pas ; les autres cas sont dans `test_decision.py` (montant, dates, PDF
image, abîmé ou chiffré, double clic), `test_differe.py` (signatures simultanées), `test_second_facteur.py` (second
facteur échu) et `test_transitions.py` (chaque état).
"""

import datetime as dt
import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Complement, Decision, Demande, Evenement
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter, envoi_d_accord, envoi_de_refus, pdf

pytestmark = pytest.mark.django_db
ECRITS = (Evenement, Notification, Envoi, Complement, Decision)


def url(nom, demande):
    return reverse(f"admin:{nom}", args=[demande.numero])


def tout_ce_qui_est_ecrit() -> list:
    return [table.objects.count() for table in ECRITS] + list(Demande.objects.values_list("etat", "version", "site"))


def demander(demande) -> dict:
    return {"version": demande.version, "information_1": "Quelle est votre adresse ?", "action": "envoyer"}


# --- Qui agit n'en a plus le droit -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("nom", "envoi"),
    [("dossier_proposer", envoi_d_accord), ("dossier_complement", demander)],
    ids=["proposer", "complément"],
)
def test_un_agent_ferme_au_milieu_de_son_acte_le_lit_et_rien_n_est_fait(
    client_agent, en_instruction, agent, nom, envoi
):
    assert client_agent.get(url(nom, en_instruction)).status_code == 200
    type(agent).objects.update(actif=False)
    avant = tout_ce_qui_est_ecrit()

    reponse = client_agent.post(url(nom, en_instruction), envoi(en_instruction), follow=True)
    assert "Vos droits d'agent viennent d'être fermés" in reponse.content.decode()
    assert tout_ce_qui_est_ecrit() == avant


def test_un_signataire_ferme_avant_de_signer_le_lit(client_signataire, proposee, signataire):
    client_signataire.get(url("dossier_proposition", proposee))
    type(signataire).objects.update(actif=False)
    avant = tout_ce_qui_est_ecrit()
    reponse = client_signataire.post(url("dossier_signer", proposee), {"version": proposee.version}, follow=True)
    assert "Adressez-vous à l'administrateur de votre service" in reponse.content.decode()
    assert tout_ce_qui_est_ecrit() == avant


def test_un_compte_ferme_au_milieu_d_un_acte_ramene_a_la_porte(client_agent, en_instruction, agent):
    type(agent.compte).objects.filter(pk=agent.compte_id).update(is_active=False)
    avant = tout_ce_qui_est_ecrit()
    envoi = envoi_d_accord(en_instruction)
    assert client_agent.post(url("dossier_proposer", en_instruction), envoi).url.startswith("/agents/login/")
    assert tout_ce_qui_est_ecrit() == avant


def test_un_agent_change_de_site_au_milieu_d_un_acte_ne_trouve_plus_le_dossier(
    client_agent, en_instruction, agent, autre_site
):
    type(agent).objects.update(site=autre_site)
    avant = tout_ce_qui_est_ecrit()
    assert client_agent.post(url("dossier_proposer", en_instruction), envoi_d_accord(en_instruction)).status_code == 404
    assert tout_ce_qui_est_ecrit() == avant


def test_un_role_retire_au_milieu_d_un_acte_se_dit(client_agent, en_instruction, agent):
    type(agent).objects.update(roles=["remise"])
    avant = tout_ce_qui_est_ecrit()
    envoi = envoi_d_accord(en_instruction)
    reponse = client_agent.post(url("dossier_proposer", en_instruction), envoi, follow=True)
    assert "Cet acte n'est pas possible" in " ".join(str(message) for message in reponse.context["messages"])
    assert tout_ce_qui_est_ecrit() == avant


def test_un_site_ferme_pendant_la_saisie_ne_recoit_plus_le_dossier(client_agent, en_instruction, autre_site):
    client_agent.get(url("dossier_transferer", en_instruction))
    autre_site.ferme_le = timezone.localdate() - dt.timedelta(days=1)
    autre_site.save()
    avant = tout_ce_qui_est_ecrit()
    envoi = {"version": en_instruction.version, "cible": autre_site.pk, "motif": "A déménagé", "action": "confirmer"}
    reponse = client_agent.post(url("dossier_transferer", en_instruction), envoi)
    page = reponse.content.decode()
    assert reponse.status_code == 422 and "A déménagé" in page
    assert reponse.context["form"].errors["cible"]
    assert tout_ce_qui_est_ecrit() == avant


# --- Ce qui est joint ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("contenu", [b"", b"%PDF-1.7\n", b"<html>pas un PDF</html>", b"\x00" * 2000], ids=repr)
def test_un_refus_vide_ou_qui_n_est_pas_un_pdf_se_dit(client_agent, en_instruction, contenu):
    refus = pdf()
    refus.file.seek(0)
    refus.file.truncate(0)
    refus.file.write(contenu)
    refus.file.seek(0)
    refus.size = len(contenu)
    avant = tout_ce_qui_est_ecrit()

    reponse = client_agent.post(
        url("dossier_proposer_refus", en_instruction), envoi_de_refus(en_instruction, fichier=refus)
    )
    assert reponse.status_code == 422 and list(reponse.context["form"].errors) == ["fichier"]
    assert tout_ce_qui_est_ecrit() == avant


# --- Deux à la fois --------------------------------------------------------------------------------------------------
def ensemble(envois: list) -> list[int]:
    """Envoie ces (compte, adresse, champs) au même instant ; le statut de chaque réponse, dans l'ordre."""
    clients = [connecter(Client(), compte) for compte, _adresse, _champs in envois]
    depart, statuts = threading.Barrier(len(envois)), [0] * len(envois)

    def envoyer(rang):
        try:
            depart.wait(timeout=30)
            statuts[rang] = clients[rang].post(*envois[rang][1:]).status_code
        finally:
            connection.close()

    fils = [threading.Thread(target=envoyer, args=(rang,)) for rang in range(len(envois))]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join(timeout=60)
    return statuts


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("meme", [True, False], ids=["un triple clic", "trois agents"])
def test_de_complements_simultanes_un_seul_part(en_instruction, agent, meme):
    agents = [agent] * 3 if meme else [AgentFactory(site=en_instruction.site) for _ in range(3)]
    adresse, champs = url("dossier_complement", en_instruction), demander(en_instruction)

    statuts = ensemble([(qui.compte, adresse, champs) for qui in agents])

    assert sorted(statuts) == ([302, 302, 302] if meme else [302, 409, 409])
    assert Complement.objects.count() == Notification.objects.filter(message="complement").count() == 1
    assert sorted(Envoi.objects.filter(message="complement").values_list("canal", flat=True)) == ["courriel", "sms"]


@pytest.mark.django_db(transaction=True)
def test_un_complement_et_une_proposition_simultanes_ne_font_qu_un_acte(en_instruction, agent):
    collegue = AgentFactory(site=en_instruction.site)
    statuts = ensemble(
        [
            (agent.compte, url("dossier_complement", en_instruction), demander(en_instruction)),
            (collegue.compte, url("dossier_proposer", en_instruction), envoi_d_accord(en_instruction)),
        ]
    )

    assert sorted(statuts) == [302, 409]
    gagne = Etat(Demande.objects.get().etat)
    assert gagne == (Etat.COMPLEMENT_DEMANDE if statuts[0] == 302 else Etat.PROPOSITION)
    assert (Complement.objects.count(), Decision.objects.count()) == ((1, 0) if statuts[0] == 302 else (0, 1))
    assert Demande.objects.get().version == en_instruction.version + 1


@pytest.mark.django_db(transaction=True)
def test_une_signature_et_un_renvoi_simultanes_ne_font_qu_un_acte(proposee, signataire):
    collegue = AgentFactory(site=proposee.site, roles=["signataire"])
    champs = {"version": proposee.version, "raison": "Vérifiez le diplôme"}
    statuts = ensemble(
        [
            (signataire.compte, url("dossier_signer", proposee), champs),
            (collegue.compte, url("dossier_renvoyer", proposee), champs),
        ]
    )

    assert sorted(statuts) == [302, 409]
    signee = statuts[0] == 302
    assert Demande.objects.get().etat == (Etat.FAVORABLE if signee else Etat.EN_INSTRUCTION)
    assert Notification.objects.filter(message="decision").count() == signee
    assert proposee.notes.count() == (not signee)


def test_un_envoi_mal_forme_vers_un_dossier_absent_reste_un_404(client_agent):
    adresse = reverse("admin:dossier_complement", args=["7502202611229999999"])
    reponse = client_agent.post(adresse, b"\x89PNG", content_type="multipart/form-data")
    assert reponse.status_code == 404 and "existe pas, ou plus" in reponse.content.decode()
