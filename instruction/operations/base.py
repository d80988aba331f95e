"""Ce que tous les actes partagent : le verrou, la version lue, les refus."""

import datetime as dt

from demandes.models import Demande, Evenement
from demandes.operations import contexte_du_message as contexte_du_message
from demandes.operations import verrouiller
from instruction.models import Agent
from instruction.permissions import GESTES, peut

# Ce qui, au journal, est un acte : chacun fait avancer la version.
ACTES = (
    Evenement.Nature.TRANSITION,
    Evenement.Nature.AFFECTATION,
    Evenement.Nature.TRANSFERT,
    Evenement.Nature.PROLONGATION,
    Evenement.Nature.NUMERO,
    Evenement.Nature.CLOTURE,
)


class Conflit(Exception):
    """La demande a changé depuis que la page a été ouverte ; `demande` est son état en base."""

    def __init__(self, demande: Demande):
        super().__init__(demande.numero)
        self.demande = demande


class ActeImpossible(Exception):
    """L'acte contredit une règle ; `champ` est le champ en cause (vide : aucun), le texte une phrase."""

    def __init__(self, champ: str, texte: str):
        super().__init__(texte)
        self.champ = champ


class GesteInterdit(Exception):
    """Cet agent ne peut pas faire cet acte sur cette demande, dans son état."""


def verrouiller_pour(demande: Demande, *, agent: Agent, geste: str, version: int) -> Demande:
    demande = verrouiller(demande)
    if demande.version != version:
        raise Conflit(demande)
    if not peut(agent, geste, demande):
        raise GesteInterdit
    return demande


def est_deja_fait(demande: Demande, *, agent: Agent, geste: str, version: int) -> bool:
    """Second envoi du même formulaire : depuis la version lue, seul cet acte a été fait, par cet agent."""
    vers = GESTES[geste].vers
    if demande.version != version + len(vers):
        return False
    passages = demande.evenements.filter(nature=Evenement.Nature.TRANSITION).order_by("-pk")[: len(vers)]
    return [(e.apres, e.par_id) for e in reversed(passages)] == [(etat, agent.compte_id) for etat in vers]


def consigner(
    demande: Demande, nature: str, *, agent: Agent, le: dt.datetime, document=None, notification=None,
    codes: dict | None = None,
) -> Evenement:  # fmt: skip
    """Un acte qui ne change pas l'état : la version avance, la demande s'enregistre, le journal gagne une ligne."""
    demande.version += 1
    demande.save()
    return Evenement.objects.create(
        usager=demande.usager, demande=demande, nature=nature, par=agent.compte, le=le, document=document,
        notification=notification, codes=codes or {},
    )  # fmt: skip


def est_deja_consigne(demande: Demande, nature: str, *, agent: Agent, version: int, codes: dict | None = None) -> bool:
    """Second envoi d'un acte sans changement d'état : il est le seul depuis la version lue, et il dit la même chose."""
    if demande.version != version + 1:
        return False
    dernier = demande.evenements.filter(nature__in=ACTES).order_by("-pk").first()
    return dernier is not None and (dernier.nature, dernier.par_id, dernier.codes) == (
        nature, agent.compte_id, codes or {},
    )  # fmt: skip
