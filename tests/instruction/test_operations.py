"""Les verbes de l'agent : succès, chaque refus, double envoi, deux agents en même temps."""

import datetime as dt
import threading

import pytest
from django.db import connection
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Decision, Demande, Evenement
from documents.catalogue import Acte
from documents.deuxd_doc import NonEncodable
from documents.fichiers import recevoir
from documents.models import Document
from instruction import operations
from instruction.operations import Conflit, DecisionImpossible, GesteInterdit, ajouter_mois, taxe_due, titre_delivrable
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory
from tests.instruction.conftest import accord, pdf

pytestmark = pytest.mark.django_db


def test_prendre_en_charge_attribue_le_dossier_et_previent_la_personne(deposee, agent, le):
    demande = operations.prendre_en_charge(deposee, agent=agent, version=deposee.version, le=le)

    assert (demande.etat, demande.agent) == (Etat.EN_INSTRUCTION, agent.compte)
    evenement = demande.evenements.get(apres=Etat.EN_INSTRUCTION)
    assert (evenement.par, evenement.notification.message) == (agent.compte, "prise_en_charge")
    assert [envoi.canal for envoi in evenement.notification.envois.all()] == ["courriel"]


def test_accorder_enchaine_proposition_et_signature_et_emet_l_attestation(en_instruction, agent, le):
    decision = operations.accorder(en_instruction, accord(), agent=agent, version=en_instruction.version, le=le)

    demande = Demande.objects.get()
    assert (demande.etat, demande.decidee_le) == (Etat.FAVORABLE, le)
    passages = demande.evenements.filter(nature="transition").order_by("pk")
    assert [e.apres for e in passages][-2:] == [Etat.PROPOSITION, Etat.FAVORABLE]
    assert {e.par for e in passages[2:]} == {agent.compte}
    document = decision.document
    assert (document.acte, document.donnees["decision"]["taxe"]) == (Acte.DECISION_FAVORABLE, "75")
    assert document.donnees["decision"]["travail"] == "à titre accessoire"
    assert {e.canal for e in Envoi.objects.filter(message="decision")} == {"courriel", "sms"}
    assert operations.accord_pris(demande) == accord()


def test_refuser_garde_le_pdf_de_la_prefecture_tel_quel(en_instruction, agent, le):
    fichier = recevoir(pdf())
    decision = operations.refuser(
        en_instruction, fichier, motif="Études sans progression", agent=agent, version=en_instruction.version, le=le
    )

    demande = Demande.objects.get()
    assert demande.etat == Etat.DEFAVORABLE
    assert (decision.document.acte, decision.document.fichier) == (Acte.REFUS, fichier)
    assert "progression" not in str(list(Evenement.objects.values("codes")))  # le journal ne porte aucun texte libre
    assert operations.est_le_refus_pris(demande, motif="Études sans progression", fichier=fichier)
    assert not operations.est_le_refus_pris(demande, motif="Autre", fichier=fichier)
    assert operations.accord_pris(demande) is None


@pytest.mark.parametrize("geste", ["prendre", "accorder", "refuser"])
def test_une_version_depassee_est_un_conflit(geste, deposee, en_instruction, agent, le):
    with pytest.raises(Conflit) as conflit:
        {
            "prendre": lambda: operations.prendre_en_charge(deposee, agent=agent, version=1, le=le),
            "accorder": lambda: operations.accorder(deposee, accord(), agent=agent, version=1, le=le),
            "refuser": lambda: operations.refuser(deposee, recevoir(pdf()), motif="x", agent=agent, version=1, le=le),
        }[geste]()

    assert conflit.value.demande.version == en_instruction.version


@pytest.mark.parametrize("faute", ["site", "role", "inactif", "etat"])
def test_un_acte_interdit_ne_change_rien(faute, deposee, autre_site, le):
    agent = AgentFactory(
        site=autre_site if faute == "site" else deposee.site,
        roles=["remise"] if faute == "role" else ["instructeur"],
        actif=faute != "inactif",
    )
    with pytest.raises(GesteInterdit):
        if faute == "etat":
            operations.accorder(deposee, accord(), agent=agent, version=deposee.version, le=le)
        else:
            operations.prendre_en_charge(deposee, agent=agent, version=deposee.version, le=le)

    assert Demande.objects.get().etat == Etat.DEPOSEE
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("changement", "champ"),
    [
        ({"titre": "UE_PERM"}, "titre"),
        ({"au": dt.date(2020, 1, 1)}, "au"),
        ({"au": timezone.localdate() + dt.timedelta(days=91 + 366)}, "au"),
        ({"taxe": -1}, "taxe"),
    ],
)
def test_un_accord_hors_des_regles_est_refuse_en_nommant_le_champ(en_instruction, agent, le, changement, champ):
    with pytest.raises(DecisionImpossible) as refus:
        operations.accorder(en_instruction, accord(**changement), agent=agent, version=en_instruction.version, le=le)

    assert refus.value.champ == champ
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


def test_un_nom_impossible_a_encoder_n_ecrit_rien(en_instruction, agent, le):
    instantane = en_instruction.instantanes.get()
    instantane.contenu["etat_civil"]["nom_naissance"] = "山田"
    instantane.save()

    with pytest.raises(NonEncodable):
        operations.accorder(en_instruction, accord(), agent=agent, version=en_instruction.version, le=le)

    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION
    assert Document.objects.count() == 1 and not Decision.objects.exists()


def test_le_second_envoi_d_un_acte_se_reconnait(deposee, agent, le):
    version = deposee.version
    demande = operations.prendre_en_charge(deposee, agent=agent, version=version, le=le)
    fait = {"agent": agent, "geste": "prendre_en_charge"}

    assert operations.est_deja_fait(demande, version=version, **fait)
    assert not operations.est_deja_fait(demande, version=version - 1, **fait)
    assert not operations.est_deja_fait(demande, agent=AgentFactory(), geste="prendre_en_charge", version=version)
    assert not operations.est_deja_fait(demande, agent=agent, geste="accorder", version=version)


@pytest.mark.django_db(transaction=True)
def test_deux_agents_qui_prennent_le_meme_dossier_un_seul_l_a(deposee, agent, le):
    agents = [agent, *(AgentFactory(site=deposee.site) for _ in range(4))]
    depart, resultats = threading.Barrier(len(agents)), []

    def prendre(qui):
        try:
            depart.wait(timeout=30)
            demande = Demande.objects.get(pk=deposee.pk)
            operations.prendre_en_charge(demande, agent=qui, version=deposee.version, le=le)
            resultats.append(qui.compte_id)
        except Conflit:
            resultats.append("conflit")
        finally:
            connection.close()

    fils = [threading.Thread(target=prendre, args=(qui,)) for qui in agents]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join(timeout=60)

    assert resultats.count("conflit") == 4
    assert Demande.objects.get().agent_id in resultats
    assert Notification.objects.filter(message="prise_en_charge").count() == 1


def test_la_taxe_suit_le_bareme_la_situation_et_le_retard(deposee):
    jour, cst, aps = timezone.localdate(), titre_delivrable(deposee, "CST_ETU"), titre_delivrable(deposee, "APS")
    assert (taxe_due(deposee, cst, jour=jour), taxe_due(deposee, aps, jour=jour)) == (75, 0)

    deposee.hors_delai = True
    assert taxe_due(deposee, cst, jour=jour) == 255


@pytest.mark.parametrize(
    ("jour", "mois", "attendu"),
    [("2026-01-31", 1, "2026-02-28"), ("2024-02-29", 12, "2025-02-28"), ("2026-11-30", 2, "2027-01-30")],
)
def test_ajouter_des_mois_reste_dans_le_mois(jour, mois, attendu):
    assert str(ajouter_mois(dt.date.fromisoformat(jour), mois)) == attendu
