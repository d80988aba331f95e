"""La table des passages (domaine §8.3) contre le code : chaque acte × chaque état × chaque rôle, essais engendrés.

Ce que la table permet se fait ; tout le reste est refusé par l'opération : rien n'est écrit, rien n'est envoyé.
"""

import ast
import contextlib
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from demandes import operations as usager_operations
from demandes.complements import LigneDemandee
from demandes.etats import TRANSITIONS, Etat
from demandes.models import Cloture, Complement, ComplementLigne, Decision, Demande, Evenement, Site
from demandes.reperes import DemandeChangee, repere
from documents.models import Document
from instruction import operations
from instruction.models import ActeDiffere, Agent, NoteInterne
from instruction.operations import ActeImpossible, GesteInterdit, Remise, Retrait
from instruction.permissions import GESTES
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory
from tests.instruction.conftest import accord

E = Etat
PREMIERS = (E.DEPOSEE, E.EN_INSTRUCTION, E.COMPLEMENT_DEMANDE, E.COMPLEMENT_RECU, E.PROPOSITION)

# Le tableau du domaine, ligne par ligne. Qui : l'acte d'agent (GESTES), ou « usager ».
PASSAGES: dict[str, tuple[str, set[tuple[Etat, Etat]]]] = {
    "T2": ("usager", {(E.BROUILLON, E.DEPOSEE)}),
    "T3": ("prendre_en_charge", {(E.DEPOSEE, E.EN_INSTRUCTION)}),
    "T4": (
        "demander_complement",
        {(avant, E.COMPLEMENT_DEMANDE) for avant in (E.DEPOSEE, E.EN_INSTRUCTION, E.COMPLEMENT_RECU)},
    ),
    "T5": ("usager", {(E.COMPLEMENT_DEMANDE, E.COMPLEMENT_RECU)}),
    "T6": ("reprendre", {(E.COMPLEMENT_RECU, E.EN_INSTRUCTION)}),
    "T8": ("proposer", {(avant, E.PROPOSITION) for avant in (E.EN_INSTRUCTION, E.COMPLEMENT_RECU)}),
    "T9": ("signer_favorable", {(E.PROPOSITION, E.FAVORABLE)}),
    "T10": ("signer_refus", {(E.PROPOSITION, E.DEFAVORABLE)}),
    "T11": ("fabriquer", {(E.FAVORABLE, E.EN_FABRICATION)}),
    "T12": ("rendre_disponible", {(E.EN_FABRICATION, E.TITRE_DISPONIBLE)}),
    "T13": ("remettre", {(E.TITRE_DISPONIBLE, E.REMISE)}),
    "T14": ("cloturer", {(avant, E.CLOTUREE) for avant in PREMIERS}),
    "T15": ("rouvrir", {(E.CLOTUREE, E.EN_INSTRUCTION)}),
    "T16": ("usager", {(avant, E.RETIREE) for avant in (E.BROUILLON, *PREMIERS)}),
    "renvoi": ("renvoyer", {(E.PROPOSITION, E.EN_INSTRUCTION)}),
    "complément abandonné": ("abandonner_complement", {(E.COMPLEMENT_DEMANDE, E.EN_INSTRUCTION)}),
    # Démarche enregistrée aussitôt (VLS-TS, adresse) : aucune démarche ouverte n'y mène encore.
    "enregistrement": ("usager", {(E.DEPOSEE, E.TRAITEE)}),
}
# T1 fait naître la demande ; T7 (prolonger) et T17 (transférer) ne changent pas l'état, comme ces actes.
SANS_PASSAGE = {
    "prolonger", "transferer", "reaffecter", "attribuer_numero", "viser", "proposer_cloture",
}  # fmt: skip
# Les seules fonctions qui font passer une demande d'un état à un autre, et leurs lignes du tableau.
AUTEURS = {
    "demandes.depot.deposer": {"T2"},
    "demandes.complement.repondre_complement": {"T5"},
    "demandes.saisie.retirer": {"T16"},
    "demandes.retrait.retirer_demande": {"T16"},
    "demandes.reouverture.rouvrir_demande": {"T15"},
    "instruction.suivi.prendre_en_charge": {"T3"},
    "instruction.complement.demander_complement": {"T4"},
    "instruction.complement.abandonner_complement": {"complément abandonné"},
    "instruction.complement.reprendre": {"T6"},
    "instruction.decision._proposer": {"T8"},
    "instruction.decision.renvoyer": {"renvoi"},
    "instruction.decision.decider": {"T9", "T10"},
    "instruction.cloture.clore": {"T14"},
    "instruction.cloture.rouvrir": {"T15"},
    "instruction.remise.fabriquer": {"T11"},
    "instruction.remise.rendre_disponible": {"T12"},
    "instruction.remise.remettre": {"T13"},
}
# Ce que l'usager fait, par ses propres opérations ; la réouverture est à lui autant qu'à l'agent.
DE_L_USAGER: dict[str, set[tuple[Etat, Etat]]] = {
    "deposer": {(E.BROUILLON, E.DEPOSEE)},
    "repondre_complement": {(E.COMPLEMENT_DEMANDE, E.COMPLEMENT_RECU)},
    "rouvrir_demande": {(E.CLOTUREE, E.EN_INSTRUCTION)},
    "retirer": {(E.BROUILLON, E.RETIREE)},
    "retirer_demande": {(avant, E.RETIREE) for avant in PREMIERS},
}
# Lignes du tableau qu'aucune fonction ne fait encore.
A_VENIR = {"enregistrement"}


# --- La table --------------------------------------------------------------------------------------------------------
def test_le_tableau_du_domaine_est_la_table_des_etats_ni_plus_ni_moins():
    du_tableau = [paire for _qui, paires in PASSAGES.values() for paire in paires]
    assert len(du_tableau) == len(set(du_tableau))
    assert set(du_tableau) == {(avant, apres) for avant, suites in TRANSITIONS.items() for apres in suites}


def test_les_actes_des_agents_et_les_operations_de_l_usager_couvrent_le_tableau():
    du_tableau = {qui: paires for qui, paires in PASSAGES.values() if qui != "usager"}
    des_gestes = {
        nom: {(avant, apres) for avant in geste.depuis for apres in geste.vers} for nom, geste in GESTES.items()
    }
    assert {nom: paires for nom, paires in des_gestes.items() if paires} == du_tableau
    assert {nom for nom, paires in des_gestes.items() if not paires} == SANS_PASSAGE


def test_les_operations_de_l_usager_font_les_lignes_qui_lui_reviennent():
    siennes = {paire for paires in DE_L_USAGER.values() for paire in paires}
    du_tableau = {nom: paires for nom, (qui, paires) in PASSAGES.items() if qui == "usager" or nom == "T15"}
    assert siennes == set().union(*(paires for nom, paires in du_tableau.items() if nom not in A_VENIR))


def test_rien_d_autre_ne_change_l_etat():
    trouves = set()
    for app in ("demandes", "instruction"):
        for chemin in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            for fonction in ast.walk(ast.parse(chemin.read_text())):
                if isinstance(fonction, ast.FunctionDef) and any(
                    isinstance(noeud, ast.Attribute) and noeud.attr == "passer_a" for noeud in ast.walk(fonction)
                ):
                    trouves.add(f"{app}.{chemin.stem}.{fonction.name}")
    assert trouves == set(AUTEURS)
    assert set().union(*AUTEURS.values()) | A_VENIR == set(PASSAGES)
    assert not A_VENIR & set().union(*AUTEURS.values())


# --- Chaque acte × chaque état × chaque rôle --------------------------------------------------------------------------
REMISE = Remise("NEUF12345", "1234567890123456", identite=True, dus=1)
RETRAIT = Retrait("Guichet 4", "9 h à 16 h", ("identite",))


def _proposer(demande, *, le, **communs):
    return operations.proposer_favorable(demande, accord(), motifs=[], avis="Avis", le=le, **communs)


def _demander(demande, *, le, **communs):
    piece = operations.pieces_a_demander(demande, jour=timezone.localdate(le))[0]
    ligne = LigneDemandee(piece.code, piece.libelle, ("complement.illisible",))
    return operations.demander_complement(demande, [ligne], message="", le=le, **communs)


def _prolonger(demande, *, le, **communs):
    au = operations.periode_possible(demande, jour=timezone.localdate(le)).au
    return operations.prolonger(demande, au=au, travail="aucun", le=le, **communs)


# Geste → comment l'appeler avec une saisie juste : seuls l'état, le rôle et le site peuvent l'empêcher.
APPELS = {
    "prendre_en_charge": operations.prendre_en_charge,
    "reaffecter": lambda d, **c: operations.reaffecter(d, Agent.objects.get(nom="Collègue"), **c),
    "transferer": lambda d, **c: operations.transferer(d, Site.objects.get(code="5901"), motif="X", **c),
    "demander_complement": _demander,
    "abandonner_complement": operations.abandonner_complement,
    "reprendre": operations.reprendre,
    "prolonger": _prolonger,
    "attribuer_numero": lambda d, **c: operations.attribuer_numero(d, "7703009999", **c),
    "proposer": _proposer,
    "renvoyer": lambda d, **c: operations.renvoyer(d, raison="X", **c),
    "viser": operations.viser,
    "signer_favorable": operations.signer,
    "signer_refus": operations.signer,
    "proposer_cloture": lambda d, **c: operations.proposer_cloture(d, motif="cloture.doublon", texte="X", **c),
    "cloturer": operations.cloturer,
    "rouvrir": operations.rouvrir,
    "fabriquer": operations.fabriquer,
    "rendre_disponible": lambda d, **c: operations.rendre_disponible(d, RETRAIT, **c),
    "remettre": lambda d, **c: operations.remettre(
        d, Remise("NEUF12345", "1234567890123456", identite=True, dus=1), **c
    ),
}
ECRITS = (Evenement, Notification, Envoi, Document, ActeDiffere, Decision, Cloture, NoteInterne)
REFUS = (GesteInterdit, ActeImpossible)


@pytest.fixture
def pret(deposee, autre_site, le):
    """Un dossier où rien ne manque à aucun acte : ce que l'état permet se fait, et rien que cela."""
    tiers = AgentFactory(site=deposee.site, nom="Collègue")
    prevu = accord()
    commun = {"demande": deposee, "proposee_par": tiers.compte, "proposee_le": le}
    signee = {"signee_par": tiers.compte, "signee_le": le}
    valeurs = {"titre": prevu.titre, "mention": prevu.mention, "du": prevu.du, "au": prevu.au, "taxe": prevu.taxe}
    Decision.objects.create(sens="favorable", **commun, **valeurs, **signee)
    Decision.objects.create(sens="favorable", **commun, **valeurs)
    deposee.refresh_from_db()
    return deposee


def preparer(nom: str, demande: Demande, le) -> None:
    tiers = Agent.objects.get(nom="Collègue").compte
    if nom == "cloturer":
        Cloture.objects.create(demande=demande, motif="cloture.doublon", texte="X", proposee_par=tiers, proposee_le=le)
    elif nom == "signer_refus":
        fichier = demande.pieces.first().fichier
        Decision.objects.create(
            demande=demande, sens="defavorable", fichier=fichier, proposee_par=tiers, proposee_le=le
        )
    elif nom == "attribuer_numero":
        type(demande.usager).objects.update(numero_etranger=None)


def essayer(nom: str, demande: Demande, etat: Etat, agent: Agent, le) -> Etat | None:
    """L'état où l'acte a mené, défait aussitôt ; rien s'il a été refusé sans rien écrire."""
    with transaction.atomic():
        Demande.objects.filter(pk=demande.pk).update(etat=etat)
        preparer(nom, demande, le)
        lue = Demande.objects.select_related("site", "usager", "titre_de_depart").get(pk=demande.pk)
        avant = [table.objects.count() for table in ECRITS]
        try:
            APPELS[nom](lue, agent=agent, version=lue.version, le=le)
            return Etat(Demande.objects.values_list("etat", flat=True).get(pk=demande.pk))
        except REFUS:
            assert [table.objects.count() for table in ECRITS] == avant, (nom, etat)
            apres = Demande.objects.filter(pk=demande.pk).values("etat", "version", "agent", "site").get()
            assert apres == {"etat": etat, "version": lue.version, "agent": lue.agent_id, "site": lue.site_id}
            return None
        finally:
            transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("nom", GESTES)
def test_un_acte_se_fait_depuis_ses_etats_par_ses_roles_et_nulle_part_ailleurs(pret, autre_site, le, nom):
    geste = GESTES[nom]
    habilite = AgentFactory(site=pret.site, roles=sorted(geste.roles))
    for etat in Etat:
        obtenu = essayer(nom, pret, etat, habilite, le)
        attendu = (geste.vers or (etat,))[-1] if etat in geste.depuis else None
        assert obtenu == attendu, (nom, etat)

    depuis = sorted(geste.depuis)[0]
    for role in Agent.Role.values:
        agent = AgentFactory(site=pret.site, roles=[role])
        assert (essayer(nom, pret, depuis, agent, le) is not None) == (role in geste.roles), (nom, role)
    for intrus in (
        AgentFactory(site=autre_site, roles=sorted(geste.roles)),
        AgentFactory(site=pret.site, roles=sorted(geste.roles), actif=False),
    ):
        assert essayer(nom, pret, depuis, intrus, le) is None, (nom, intrus)


# --- L'usager, dans chaque état --------------------------------------------------------------------------------------
def complement_lu(demande: Demande, le) -> Complement:
    compte = demande.usager.compte
    lettre = Notification.objects.create(destinataire=compte, message="complement", creee_le=le, lue_le=le)
    complement = Complement.objects.create(
        demande=demande, notification=lettre, demande_par=compte, demande_le=le, echeance_le=timezone.localdate(le)
    )
    ligne = {"rang": 1, "code": "", "libelle": "Information", "reponse": "information", "justification": "Oui."}
    ComplementLigne.objects.create(complement=complement, **ligne)
    return complement


def rouvrir(demande, *, par, le):
    return usager_operations.rouvrir_demande(demande, vu=repere(demande), message="Voici.", par=par, le=le)


APPELS_DE_L_USAGER = {
    "deposer": usager_operations.deposer,
    "repondre_complement": lambda d, par, le: usager_operations.repondre_complement(
        complement_lu(d, le), par=par, le=le
    ),
    "rouvrir_demande": rouvrir,
    "retirer": usager_operations.retirer,
    "retirer_demande": lambda d, par, le: usager_operations.retirer_demande(d, vu=repere(d), par=par, le=le),
}
REFUS_A_L_USAGER = (
    usager_operations.DemandeFigee,
    usager_operations.ComplementFerme,
    DemandeChangee,
)


@pytest.mark.django_db
@pytest.mark.parametrize("nom", DE_L_USAGER)
def test_l_usager_ne_change_l_etat_que_depuis_les_siens(deposee, le, nom):
    codes = {"motif": "cloture.doublon"}
    Evenement.objects.create(
        usager=deposee.usager, demande=deposee, nature="transition", avant=E.DEPOSEE, apres=E.CLOTUREE, le=le,
        codes=codes,
    )  # fmt: skip
    for etat in Etat:
        with transaction.atomic():
            Demande.objects.filter(pk=deposee.pk).update(etat=etat)
            deposee.instantanes.update(rang=9)  # un brouillon n'a pas encore de premier instantané
            demande = Demande.objects.select_related("usager__compte", "site", "titre_de_depart").get(pk=deposee.pk)
            avant = [Evenement.objects.count(), Envoi.objects.count(), Document.objects.count()]
            with contextlib.suppress(*REFUS_A_L_USAGER):
                APPELS_DE_L_USAGER[nom](demande, par=demande.usager.compte, le=le)
            apres = Etat(Demande.objects.values_list("etat", flat=True).get(pk=deposee.pk))
            ecrit = [Evenement.objects.count(), Envoi.objects.count(), Document.objects.count()] != avant
            transaction.set_rollback(True)
        attendu = dict(DE_L_USAGER[nom]).get(etat)
        assert (apres, ecrit) == (attendu or etat, attendu is not None), etat
