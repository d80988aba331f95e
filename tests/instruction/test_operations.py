"""Les verbes de l'agent : succès, chaque refus, double envoi, deux agents en même temps."""

import datetime as dt
import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Decision, Demande, Evenement
from documents.catalogue import Acte
from documents.deuxd_doc import NonEncodable
from documents.fichiers import recevoir
from documents.models import Document
from instruction import operations
from instruction.operations import (
    Conflit,
    DecisionImpossible,
    DejaVisee,
    GesteInterdit,
    QuatreYeux,
    ajouter_mois,
    taxe_due,
    titre_delivrable,
)
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory
from tests.instruction.conftest import accord, pdf, proposer, proposer_refus

pytestmark = pytest.mark.django_db


def test_prendre_en_charge_attribue_le_dossier_et_previent_la_personne(deposee, agent, le):
    demande = operations.prendre_en_charge(deposee, agent=agent, version=deposee.version, le=le)

    assert (demande.etat, demande.agent) == (Etat.EN_INSTRUCTION, agent.compte)
    evenement = demande.evenements.get(apres=Etat.EN_INSTRUCTION)
    assert (evenement.par, evenement.notification.message) == (agent.compte, "prise_en_charge")
    assert [envoi.canal for envoi in evenement.notification.envois.all()] == ["courriel"]


def test_un_agent_propose_un_autre_signe_et_l_attestation_s_emet(proposee, agent, signataire, le):
    assert proposee.etat == Etat.PROPOSITION
    assert not Envoi.objects.filter(message="decision").exists() and Document.objects.count() == 1

    operations.signer(proposee, agent=signataire, version=proposee.version, le=le)

    demande, decision = Demande.objects.get(), Decision.objects.get()
    assert (demande.etat, demande.decidee_le) == (Etat.FAVORABLE, le)
    passages = demande.evenements.filter(nature="transition").order_by("pk")
    assert [(e.apres, e.par) for e in passages][-2:] == [
        (Etat.PROPOSITION, agent.compte), (Etat.FAVORABLE, signataire.compte),
    ]  # fmt: skip
    assert (decision.proposee_par, decision.signee_par, decision.signee_le) == (agent.compte, signataire.compte, le)
    document = decision.document
    assert (document.acte, document.donnees["decision"]["taxe"]) == (Acte.DECISION_FAVORABLE, "75.00")
    assert document.donnees["decision"]["travail"] == "à titre accessoire"
    assert {e.canal for e in Envoi.objects.filter(message="decision")} == {"courriel", "sms"}


def test_un_refus_garde_le_pdf_de_la_prefecture_tel_quel(refus_propose, signataire, le):
    fichier = operations.proposition_de(refus_propose).fichier
    operations.signer(refus_propose, agent=signataire, version=refus_propose.version, le=le)

    demande, decision = Demande.objects.get(), Decision.objects.get()
    assert demande.etat == Etat.DEFAVORABLE
    assert (decision.document.acte, decision.document.fichier) == (Acte.REFUS, fichier)
    assert "progression" not in str(list(Evenement.objects.values("codes")))  # le journal ne porte aucun texte libre


def test_un_refus_ne_se_signe_pas_par_qui_le_propose(en_instruction, le):
    seul = AgentFactory(site=en_instruction.site, roles=["instructeur", "signataire"])
    demande = proposer_refus(en_instruction, agent=seul, le=le)

    with pytest.raises(QuatreYeux):
        operations.signer(demande, agent=seul, version=demande.version, le=le)
    assert Demande.objects.get().etat == Etat.PROPOSITION
    with pytest.raises(IntegrityError, match="decision_defavorable_a_quatre_yeux"), transaction.atomic():
        Decision.objects.update(signee_par=seul.compte)


def test_un_refus_sans_voies_et_delais_ne_se_propose_pas(en_instruction, agent, le):
    with pytest.raises(DecisionImpossible) as refus:
        operations.proposer_refus(
            en_instruction, recevoir(pdf()), voies_et_delais=False, motifs=[], avis="x", agent=agent,
            version=en_instruction.version, le=le,
        )  # fmt: skip
    assert refus.value.champ == "voies_et_delais"


def test_une_proposition_dit_pourquoi(en_instruction, agent, le):
    with pytest.raises(DecisionImpossible) as refus:
        operations.proposer_favorable(
            en_instruction, accord(), motifs=[], avis="", agent=agent, version=en_instruction.version, le=le
        )
    assert refus.value.champ == "avis"
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


def test_viser_se_journalise_une_fois_et_laisse_signer(proposee, valideur, signataire, le):
    version = proposee.version
    for _ in range(2):
        operations.viser(proposee, agent=valideur, version=version, le=le)
    operations.signer(proposee, agent=signataire, version=version, le=le)

    assert Decision.objects.get().visee_par == valideur.compte
    assert proposee.evenements.filter(nature="visa").count() == 1
    assert Demande.objects.get().etat == Etat.FAVORABLE


def test_une_proposition_se_vise_par_une_autre_personne_et_une_seule(en_instruction, valideur, le):
    seul = AgentFactory(site=en_instruction.site, roles=["instructeur", "valideur"])
    demande = proposer(en_instruction, agent=seul, le=le)
    with pytest.raises(QuatreYeux):
        operations.viser(demande, agent=seul, version=demande.version, le=le)

    operations.viser(demande, agent=valideur, version=demande.version, le=le)
    with pytest.raises(DejaVisee):
        second = AgentFactory(site=demande.site, roles=["valideur"])
        operations.viser(demande, agent=second, version=demande.version, le=le)
    assert Decision.objects.get().visee_par == valideur.compte


def test_renvoyer_garde_la_raison_en_note_interne_et_permet_de_reproposer(proposee, agent, valideur, signataire, le):
    operations.renvoyer(proposee, raison="Vérifiez le diplôme", agent=valideur, version=proposee.version, le=le)

    demande = Demande.objects.get()
    assert demande.etat == Etat.EN_INSTRUCTION
    assert (demande.notes.get().texte, demande.notes.get().agent) == ("Vérifiez le diplôme", valideur)
    demande = proposer(demande, agent=agent, le=le, taxe=12)
    operations.signer(demande, agent=signataire, version=demande.version, le=le)
    signee = Decision.objects.get(signee_le__isnull=False)
    assert (signee.taxe, Decision.objects.count()) == (12, 2)


@pytest.mark.parametrize("geste", ["prendre", "proposer", "refuser", "viser", "renvoyer", "signer"])
def test_une_version_depassee_est_un_conflit(geste, deposee, proposee, agent, valideur, signataire, le):
    lue, fichier = {"version": 1, "le": le}, recevoir(pdf())
    with pytest.raises(Conflit) as conflit:
        {
            "prendre": lambda: operations.prendre_en_charge(deposee, agent=agent, **lue),
            "proposer": lambda: operations.proposer_favorable(
                deposee, accord(), motifs=[], avis="x", agent=agent, **lue
            ),
            "refuser": lambda: operations.proposer_refus(
                deposee, fichier, voies_et_delais=True, motifs=[], avis="x", agent=agent, **lue
            ),
            "viser": lambda: operations.viser(deposee, agent=valideur, **lue),
            "renvoyer": lambda: operations.renvoyer(deposee, raison="x", agent=valideur, **lue),
            "signer": lambda: operations.signer(deposee, agent=signataire, **lue),
        }[geste]()

    assert conflit.value.demande.version == proposee.version


@pytest.mark.parametrize("faute", ["site", "role", "inactif", "etat"])
def test_un_acte_interdit_ne_change_rien(faute, deposee, autre_site, le):
    agent = AgentFactory(
        site=autre_site if faute == "site" else deposee.site,
        roles=["remise"] if faute == "role" else ["instructeur"],
        actif=faute != "inactif",
    )
    with pytest.raises(GesteInterdit):
        if faute == "etat":
            operations.proposer_favorable(
                deposee, accord(), motifs=[], avis="x", agent=agent, version=deposee.version, le=le
            )
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
        proposer(en_instruction, agent=agent, le=le, **changement)

    assert refus.value.champ == champ
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


def test_un_nom_impossible_a_encoder_n_ecrit_rien(en_instruction, agent, le):
    instantane = en_instruction.instantanes.get()
    instantane.contenu["etat_civil"]["nom_naissance"] = "山田"
    instantane.save()

    with pytest.raises(NonEncodable):
        proposer(en_instruction, agent=agent, le=le)

    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION
    assert Document.objects.count() == 1 and not Decision.objects.exists()


def test_le_second_envoi_d_un_acte_se_reconnait(deposee, agent, le):
    version = deposee.version
    demande = operations.prendre_en_charge(deposee, agent=agent, version=version, le=le)
    fait = {"agent": agent, "geste": "prendre_en_charge"}

    assert operations.est_deja_fait(demande, version=version, **fait)
    assert not operations.est_deja_fait(demande, version=version - 1, **fait)
    assert not operations.est_deja_fait(demande, agent=AgentFactory(), geste="prendre_en_charge", version=version)
    assert not operations.est_deja_fait(demande, agent=agent, geste="proposer", version=version)


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
