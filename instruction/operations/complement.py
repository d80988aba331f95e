"""Demander un complément, y renoncer, reprendre l'instruction après la réponse."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from demandes.complements import LigneDemandee, jours_pour_repondre
from demandes.demarches import DEMARCHES
from demandes.etats import Etat
from demandes.models import Complement, ComplementLigne, Demande, Motif, PieceReference
from demandes.operations import complement_ouvert, premiere_relance
from instruction.models import Agent
from instruction.operations.base import contexte_du_message, verrouiller_pour
from notifications.catalogue import Message
from notifications.operations import notifier

MOTIF_AUTRE = "complement.autre"
LIBELLE_INFORMATION = "Information demandée"


class ComplementImpossible(Exception):
    """Ce qui est demandé contredit une règle ; le texte est une phrase."""


def motifs_de_complement(jour: dt.date) -> list[Motif]:
    return list(Motif.objects.en_vigueur(jour).filter(nature=Motif.Nature.COMPLEMENT))


def pieces_a_demander(demande: Demande, *, jour: dt.date) -> list[LigneDemandee]:
    """Les pièces à fichiers de la démarche : celles qui sont fournies d'abord, puis les autres."""
    a_fichiers = [piece.code for piece in DEMARCHES[demande.demarche].pieces if piece.a_des_fichiers]
    contenu = demande.instantanes.latest("rang").contenu
    deposees = {piece["code"]: piece["libelle"] for piece in contenu["pieces"] if piece["code"] in a_fichiers}
    prefixe = f"{demande.demarche}."
    references = PieceReference.objects.en_vigueur(jour).filter(code__startswith=prefixe)
    libelles = {code.removeprefix(prefixe): libelle for code, libelle in references.values_list("code", "libelle")}
    autres = {code: libelles[code] for code in a_fichiers if code not in deposees and code in libelles}
    fournies = {piece["code"] for piece in contenu["pieces"] if piece["fichiers"]}
    toutes = [LigneDemandee(code, libelle, fournie=code in fournies) for code, libelle in (deposees | autres).items()]
    return sorted(toutes, key=lambda piece: not piece.fournie)


def verifier_complement(demande: Demande, lignes: list[LigneDemandee], *, jour: dt.date) -> None:
    """Au moins une ligne ; un motif codé par pièce, une consigne par information (T4). Lève `ComplementImpossible`."""
    if not lignes:
        raise ComplementImpossible("Demandez au moins une pièce ou une information.")
    motifs = {motif.code for motif in motifs_de_complement(jour)}
    pieces = {piece.code for piece in pieces_a_demander(demande, jour=jour)}
    for ligne in lignes:
        if ligne.est_information:
            if not ligne.consigne:
                raise ComplementImpossible("Écrivez l'information que vous demandez.")
            continue
        if ligne.code not in pieces:
            raise ComplementImpossible("Cette pièce ne se demande pas pour cette démarche.")
        if not ligne.motifs or not motifs.issuperset(ligne.motifs):
            raise ComplementImpossible(f"{ligne.libelle}\u00a0: cochez au moins un motif.")
        if MOTIF_AUTRE in ligne.motifs and not ligne.consigne:
            raise ComplementImpossible(f"{ligne.libelle}\u00a0: écrivez l'observation que le motif annonce.")


@transaction.atomic
def demander_complement(
    demande: Demande, lignes: list[LigneDemandee], *, message: str, agent: Agent, version: int, le: dt.datetime
) -> Complement:
    """T4 : la personne est avertie ; le délai courra de l'ouverture de sa notification.

    Lève `Conflit`, `GesteInterdit`, `ComplementImpossible`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="demander_complement", version=version)
    verifier_complement(demande, lignes, jour=timezone.localdate(le))
    if demande.agent_id is None:
        demande.agent = agent.compte
    notification = notifier(
        Message.COMPLEMENT, demande.usager.compte, le=le, objet=demande.numero,
        contexte=contexte_du_complement(demande, le=le),
    )  # fmt: skip
    complement = Complement.objects.create(
        demande=demande, notification=notification, message=message, demande_par=agent.compte, demande_le=le,
        prochaine_relance_le=premiere_relance(timezone.localdate(le)),
    )  # fmt: skip
    ComplementLigne.objects.bulk_create(
        ComplementLigne(
            complement=complement, rang=rang, code=ligne.code, libelle=ligne.libelle, motifs=list(ligne.motifs),
            consigne=ligne.consigne,
        )
        for rang, ligne in enumerate(lignes, 1)
    )  # fmt: skip
    motifs = {ligne.code: list(ligne.motifs) for ligne in lignes if ligne.code}
    demande.passer_a(
        Etat.COMPLEMENT_DEMANDE, par=agent.compte, le=le, notification=notification,
        codes={"complement": complement.pk, "motifs": motifs},
    )  # fmt: skip
    return complement


def contexte_du_complement(demande: Demande, *, le: dt.datetime) -> dict:
    """Ce que le message reçoit ; l'aperçu montré à l'agent part du même contexte."""
    return contexte_du_message(demande) | {"jours": jours_pour_repondre(timezone.localdate(le))}


def est_le_complement_demande(demande: Demande, lignes: list[LigneDemandee], *, message: str) -> bool:
    """Le dernier complément de la demande est-il celui-ci, mot pour mot ?"""
    dernier = demande.complements.order_by("-pk").first()
    if dernier is None or dernier.message != message:
        return False
    faites = [(ligne.code, tuple(ligne.motifs), ligne.consigne) for ligne in dernier.lignes.all()]
    return faites == [(ligne.code, ligne.motifs, ligne.consigne) for ligne in lignes]


@transaction.atomic
def abandonner_complement(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """L'agent renonce à ce qu'il demandait : la personne en est avertie, l'instruction reprend.

    Lève `Conflit`, `GesteInterdit`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="abandonner_complement", version=version)
    complement = complement_ouvert(demande)
    if complement is not None:
        complement.annule_le = le
        complement.save(update_fields=["annule_le"])
    notification = notifier(
        Message.COMPLEMENT_ABANDONNE, demande.usager.compte, le=le, objet=demande.numero,
        contexte=contexte_du_message(demande),
    )  # fmt: skip
    demande.passer_a(Etat.EN_INSTRUCTION, par=agent.compte, le=le, notification=notification)
    return demande


@transaction.atomic
def reprendre(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """T6 : la réponse est reçue, l'instruction reprend ; rien ne part. Lève `Conflit`, `GesteInterdit`."""
    demande = verrouiller_pour(demande, agent=agent, geste="reprendre", version=version)
    if demande.agent_id is None:
        demande.agent = agent.compte
    demande.passer_a(Etat.EN_INSTRUCTION, par=agent.compte, le=le)
    return demande
