"""Ce que tous les actes partagent : le verrou, la version lue, les refus."""

from demandes.demarches import DEMARCHES
from demandes.models import Demande, Evenement
from demandes.operations import verrouiller
from instruction.models import Agent
from instruction.permissions import GESTES, peut


class Conflit(Exception):
    """La demande a changé depuis que la page a été ouverte ; `demande` est son état en base."""

    def __init__(self, demande: Demande):
        super().__init__(demande.numero)
        self.demande = demande


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


def contexte_du_message(demande: Demande) -> dict:
    sms = DEMARCHES[demande.demarche].sms
    return {"numero": demande.numero, "nom": demande.usager.nom_complet, "sms": sms}
