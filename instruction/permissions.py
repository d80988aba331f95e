"""Ce que chaque agent voit et peut faire. Les rôles ne sont pas des groupes Django."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from demandes.etats import Etat
from demandes.models import Demande
from instruction.models import Agent
from usagers.models import Compte

Role = Agent.Role


@dataclass(frozen=True)
class Geste:
    """Un acte d'agent : d'où, vers où, par qui."""

    depuis: frozenset[Etat]
    vers: tuple[Etat, ...]
    roles: frozenset[str]


GESTES: Mapping[str, Geste] = {
    "prendre_en_charge": Geste(frozenset({Etat.DEPOSEE}), (Etat.EN_INSTRUCTION,), frozenset({Role.INSTRUCTEUR})),
    # Un même agent enchaîne la proposition et la signature ; les personnes seront séparées ensuite.
    "accorder": Geste(
        frozenset({Etat.EN_INSTRUCTION, Etat.COMPLEMENT_RECU}),
        (Etat.PROPOSITION, Etat.FAVORABLE),
        frozenset({Role.INSTRUCTEUR}),
    ),
    "refuser": Geste(
        frozenset({Etat.EN_INSTRUCTION, Etat.COMPLEMENT_RECU}),
        (Etat.PROPOSITION, Etat.DEFAVORABLE),
        frozenset({Role.INSTRUCTEUR}),
    ),
}


def agent_de(compte: Compte) -> Agent | None:
    """L'agent en activité à qui ce compte appartient ; `None` pour tout autre compte. Gardé pour la requête."""
    if not compte.is_authenticated or not compte.is_active or not compte.est_agent:
        return None
    if not hasattr(compte, "_agent_en_activite"):
        compte._agent_en_activite = Agent.objects.select_related("site").filter(compte=compte, actif=True).first()
    return compte._agent_en_activite


# Ceux dont le travail est le dossier ; l'auditeur, le support et l'administrateur fonctionnel ne l'ouvrent pas.
ROLES_DES_DOSSIERS = frozenset({Role.INSTRUCTEUR, Role.VALIDEUR, Role.SIGNATAIRE, Role.REMISE})


def a_une_file(agent: Agent) -> bool:
    return bool(ROLES_DES_DOSSIERS & set(agent.roles))


def peut_changer_les_references(agent: Agent | None) -> bool:
    """Barèmes, pièces de référence, sites et agents : l'administrateur fonctionnel (domaine §8.1)."""
    return agent is not None and Role.ADMIN_FONCTIONNEL in agent.roles


def dossiers_visibles(agent: Agent | None) -> QuerySet[Demande]:
    """Les demandes déposées auprès du site de l'agent, et d'aucun autre, si son rôle est d'en traiter."""
    if agent is None or not a_une_file(agent):
        return Demande.objects.none()
    return Demande.objects.filter(site=agent.site, numero__isnull=False)


def peut(agent: Agent, nom: str, demande: Demande) -> bool:
    """L'acte est-il permis à cet agent, sur cette demande, dans son état ?"""
    geste = GESTES[nom]
    habilite = agent.actif and agent.site_id == demande.site_id and bool(geste.roles & set(agent.roles))
    return habilite and demande.etat in geste.depuis
