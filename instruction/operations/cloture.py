"""Clore sans décider, et rouvrir : un motif et une explication, deux personnes, jamais une tâche planifiée."""

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Cloture, Demande, Evenement, Motif
from demandes.operations import agent_en_poste, complement_ouvert
from demandes.reouvertures import autre_demande
from instruction.models import Agent
from instruction.operations.base import (
    ActeImpossible,
    consigner,
    contexte_du_message,
    est_deja_consigne,
    verrouiller_pour,
)
from instruction.operations.decision import QuatreYeux
from notifications.catalogue import Message
from notifications.operations import notifier
from usagers.models import Usager

TOUJOURS_DANS_LE_DELAI = "Aucun délai de réponse n'est échu : la personne peut encore répondre."
RELANCE_A_VENIR = "Le dernier rappel n'est pas encore parti : il part dans la journée, attendez qu'il soit lu."
# Ce qu'un rappel parti en retard laisse encore à la personne : autant que le dernier d'avant l'échéance.
REPIT = dt.timedelta(days=2)
AUTRE_DEMANDE = "La personne a une autre demande en cours pour le même objet : rien n'a été rouvert."
PROPOSEE, ECARTEE = {"cloture": "proposee"}, {"cloture": "ecartee"}


def motifs_de_cloture(*, jour: dt.date) -> list[Motif]:
    return list(Motif.objects.en_vigueur(jour).filter(nature=Motif.Nature.CLOTURE))


def cloture_proposee(demande: Demande) -> Cloture | None:
    """Celle qui attend une seconde personne."""
    return demande.clotures.proposees().select_related("proposee_par__agent").first()


@transaction.atomic
def proposer_cloture(
    demande: Demande, *, motif: str, texte: str, agent: Agent, version: int, le: dt.datetime
) -> Cloture:
    """T14, premier temps : rien n'est envoyé. Lève `Conflit`, `GesteInterdit`, `ActeImpossible`."""
    demande = verrouiller_pour(demande, agent=agent, geste="proposer_cloture", version=version)
    if cloture_proposee(demande):
        raise ActeImpossible("", "Une clôture est déjà proposée : elle attend une autre personne.")
    if motif not in {connu.code for connu in motifs_de_cloture(jour=timezone.localdate(le))}:
        raise ActeImpossible("motif", "Ce motif n'est plus en vigueur : relisez la liste.")
    if not texte.strip():
        raise ActeImpossible("texte", "Expliquez la clôture à la personne.")
    if motif == Cloture.SANS_REPONSE:
        _verifier_sans_reponse(demande, jour=timezone.localdate(le))
    cloture = Cloture.objects.create(
        demande=demande, motif=motif, texte=texte.strip(), proposee_par=agent.compte, proposee_le=le
    )
    consigner(demande, Evenement.Nature.CLOTURE, agent=agent, le=le, codes=PROPOSEE | {"motif": motif})
    return cloture


def _verifier_sans_reponse(demande: Demande, *, jour: dt.date) -> None:
    """T14 : délai échu et relances envoyées, la dernière depuis deux jours. Lève `ActeImpossible`."""
    if not delai_echu(demande, jour=jour):
        raise ActeImpossible("motif", TOUJOURS_DANS_LE_DELAI)
    complement = complement_ouvert(demande)
    if complement.prochaine_relance_le or complement.relance_le is None:
        raise ActeImpossible("motif", RELANCE_A_VENIR)
    relance = timezone.localdate(complement.relance_le)
    if jour < (possible := relance + REPIT):
        raise ActeImpossible(
            "motif", f"Un rappel est parti le {relance:%d/%m/%Y} : laissez à la personne jusqu'au {possible:%d/%m/%Y}."
        )


def delai_echu(demande: Demande, *, jour: dt.date) -> bool:
    """La personne n'a pas répondu, et son délai est passé."""
    return demande.complements.filter(repondu_le__isnull=True, annule_le__isnull=True, echeance_le__lt=jour).exists()


def est_cette_cloture(demande: Demande, *, motif: str, texte: str, agent: Agent, version: int) -> bool:
    """Second envoi de la même proposition."""
    cloture = cloture_proposee(demande)
    codes = PROPOSEE | {"motif": motif}
    return (
        cloture is not None
        and (cloture.motif, cloture.texte, cloture.proposee_par_id) == (motif, texte.strip(), agent.compte_id)
        and est_deja_consigne(demande, Evenement.Nature.CLOTURE, agent=agent, version=version, codes=codes)
    )


@transaction.atomic
def ecarter_cloture(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """La clôture proposée ne se fera pas : un valideur l'écarte, qui l'a proposée la retire.

    Lève `Conflit`, `GesteInterdit`, `ActeImpossible`.
    """
    derniere = demande.clotures.order_by("-pk").first()
    geste = "proposer_cloture" if derniere and derniere.proposee_par_id == agent.compte_id else "cloturer"
    demande = verrouiller_pour(demande, agent=agent, geste=geste, version=version)
    cloture = cloture_proposee(demande)
    if cloture is None:
        raise ActeImpossible("", "Aucune clôture n'est proposée.")
    cloture.ecartee_le = le
    cloture.save(update_fields=["ecartee_le"])
    consigner(demande, Evenement.Nature.CLOTURE, agent=agent, le=le, codes=ECARTEE)
    return demande


def clore(demande: Demande, saisie: dict, *, agent: Agent, signe_le: dt.datetime, le: dt.datetime) -> None:
    """T14, second temps, la demande étant verrouillée. Un complément encore ouvert n'est plus attendu.

    Lève `QuatreYeux`.
    """
    cloture = demande.clotures.get(pk=saisie["cloture"])
    if cloture.proposee_par_id == agent.compte_id:
        raise QuatreYeux
    cloture.decidee_par, cloture.decidee_le = agent.compte, le
    cloture.save(update_fields=["decidee_par", "decidee_le"])
    demande.complements.filter(repondu_le__isnull=True, annule_le__isnull=True).update(annule_le=le)
    notification = notifier(
        Message.CLOTURE, demande.usager.compte, le=le, objet=demande.numero, contexte=contexte_de_la_cloture(cloture)
    )
    codes = {"motif": cloture.motif}
    demande.passer_a(Etat.CLOTUREE, par=agent.compte, le=le, notification=notification, codes=codes)


def contexte_de_la_cloture(cloture: Cloture) -> dict:
    """La phrase du motif est figée dans chaque langue : la lettre ne change pas quand le motif change."""
    jour = timezone.localdate(cloture.proposee_le)
    motif = Motif.objects.filter(code=cloture.motif, du__lte=jour).latest("du")
    phrases = {"phrase": motif.texte, "phrase_en": motif.texte_en}
    return contexte_du_message(cloture.demande) | phrases | {"texte": cloture.texte}


@transaction.atomic
def rouvrir(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """T15 : l'instruction reprend, à la date de dépôt d'origine. Lève `Conflit`, `GesteInterdit`, `ActeImpossible`."""
    # Même verrou que le dépôt, et d'abord : deux demandes du même objet ne s'ouvrent pas ensemble.
    Usager.objects.select_for_update(of=("self",), no_key=True).get(pk=demande.usager_id)
    demande = verrouiller_pour(demande, agent=agent, geste="rouvrir", version=version)
    if autre_demande(demande):
        raise ActeImpossible("", AUTRE_DEMANDE)
    demande.agent = agent_en_poste(demande)
    notification = notifier(
        Message.REOUVERTURE, demande.usager.compte, le=le, objet=demande.numero, contexte=contexte_du_message(demande)
    )
    try:
        with transaction.atomic():
            demande.passer_a(Etat.EN_INSTRUCTION, par=agent.compte, le=le, notification=notification)
    except IntegrityError:  # un brouillon du même objet vient de s'ouvrir, sans verrou
        raise ActeImpossible("", AUTRE_DEMANDE) from None
    return demande
