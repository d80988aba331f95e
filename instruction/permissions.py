"""Ce que chaque agent voit et peut faire. Les rôles ne sont pas des groupes Django."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from demandes.etats import ETATS_A_INSTRUIRE, Etat
from demandes.models import Demande
from instruction.models import AccesExceptionnel, Agent
from usagers.models import Compte

Role = Agent.Role


@dataclass(frozen=True)
class Geste:
    """Un acte d'agent : d'où, vers où (rien : l'état ne change pas), par qui.

    `second_facteur` : redemandé juste avant. `differe` : l'acte attend son heure, et s'annule d'ici là.
    """

    libelle: str
    depuis: frozenset[Etat]
    vers: tuple[Etat, ...]
    roles: frozenset[str]
    second_facteur: bool = False
    differe: bool = False


INSTRUITE = frozenset({Etat.EN_INSTRUCTION, Etat.COMPLEMENT_RECU})
OUVERTE = frozenset(ETATS_A_INSTRUIRE)
INSTRUCTEUR, VALIDEUR, SIGNATAIRE, REMISE = Role.INSTRUCTEUR, Role.VALIDEUR, Role.SIGNATAIRE, Role.REMISE


def _geste(libelle: str, depuis, vers: tuple[Etat, ...], *roles: str, **options) -> Geste:
    return Geste(libelle, frozenset(depuis), vers, frozenset(roles), **options)


# La seule table des actes : les vues, « manage.py roles » et les tests engendrés la lisent.
GESTES: Mapping[str, Geste] = {
    "prendre_en_charge": _geste("Prendre en charge", {Etat.DEPOSEE}, (Etat.EN_INSTRUCTION,), INSTRUCTEUR),
    "reaffecter": _geste("Réaffecter", OUVERTE, (), INSTRUCTEUR, VALIDEUR),
    "transferer": _geste("Transférer à un autre site", OUVERTE, (), INSTRUCTEUR, VALIDEUR),
    "demander_complement": _geste(
        "Demander un complément", {Etat.DEPOSEE, *INSTRUITE}, (Etat.COMPLEMENT_DEMANDE,), INSTRUCTEUR
    ),
    "abandonner_complement": _geste(
        "Renoncer au complément", {Etat.COMPLEMENT_DEMANDE}, (Etat.EN_INSTRUCTION,), INSTRUCTEUR
    ),
    "reprendre": _geste("Remettre en instruction", {Etat.COMPLEMENT_RECU}, (Etat.EN_INSTRUCTION,), INSTRUCTEUR),
    "prolonger": _geste("Prolonger l'instruction", OUVERTE, (), INSTRUCTEUR, VALIDEUR),
    "attribuer_numero": _geste("Attribuer un n° d'étranger", OUVERTE, (), INSTRUCTEUR),
    "proposer": _geste("Proposer une décision", INSTRUITE, (Etat.PROPOSITION,), INSTRUCTEUR),
    "renvoyer": _geste(
        "Renvoyer en instruction", {Etat.PROPOSITION}, (Etat.EN_INSTRUCTION,), VALIDEUR, SIGNATAIRE
    ),
    "viser": _geste("Viser la proposition", {Etat.PROPOSITION}, (), VALIDEUR),
    "signer_favorable": _geste(
        "Signer la décision favorable", {Etat.PROPOSITION}, (Etat.FAVORABLE,), SIGNATAIRE,
        second_facteur=True, differe=True,
    ),
    "signer_refus": _geste(
        "Signer le refus", {Etat.PROPOSITION}, (Etat.DEFAVORABLE,), SIGNATAIRE, second_facteur=True, differe=True
    ),
    "proposer_cloture": _geste("Proposer la clôture", OUVERTE, (), INSTRUCTEUR),
    "cloturer": _geste("Clôturer", OUVERTE, (Etat.CLOTUREE,), VALIDEUR, second_facteur=True, differe=True),
    "rouvrir": _geste("Rouvrir", {Etat.CLOTUREE}, (Etat.EN_INSTRUCTION,), INSTRUCTEUR, VALIDEUR),
    "fabriquer": _geste(
        "Mettre en fabrication", {Etat.FAVORABLE}, (Etat.EN_FABRICATION,), INSTRUCTEUR, REMISE
    ),
    "rendre_disponible": _geste("Titre disponible", {Etat.EN_FABRICATION}, (Etat.TITRE_DISPONIBLE,), REMISE),
    "remettre": _geste("Remettre le titre", {Etat.TITRE_DISPONIBLE}, (Etat.REMISE,), REMISE),
}  # fmt: skip


def agent_de(compte: Compte) -> Agent | None:
    """L'agent en activité à qui ce compte appartient ; `None` pour tout autre compte. Gardé pour la requête."""
    if not compte.is_authenticated or not compte.is_active or not compte.est_agent:
        return None
    if not hasattr(compte, "_agent_en_activite"):
        agent = Agent.objects.select_related("site").filter(compte=compte, actif=True).first()
        if agent:
            agent.compte = compte
        compte._agent_en_activite = agent
    return compte._agent_en_activite


@dataclass(frozen=True)
class Acces:
    """Ce qu'un agent peut ouvrir, et à quels rôles cela revient."""

    libelle: str
    roles: frozenset[str]


# Ceux dont le travail est le dossier ; l'auditeur, le support et l'administrateur fonctionnel ne l'ouvrent pas.
ROLES_DES_DOSSIERS = frozenset({INSTRUCTEUR, VALIDEUR, SIGNATAIRE, REMISE})

# La seule table de ce que chaque rôle voit (domaine §8.1) : les menus, les vues et « manage.py roles » la lisent.
ACCES: Mapping[str, Acces] = {
    "dossiers": Acces("Lire les dossiers de son site, leurs pièces et leurs documents", ROLES_DES_DOSSIERS),
    "autre_site": Acces("Ouvrir un dossier d'un autre site, par écrit et pour huit heures", ROLES_DES_DOSSIERS),
    "guichet": Acces("Voir où en est une demande, sans réponses ni pièces", frozenset({Role.ACCUEIL, Role.SUPPORT})),
    "journal": Acces("Lire et exporter le journal", frozenset({Role.AUDITEUR})),
    "figures": Acces("Lire les chiffres de son site", frozenset({VALIDEUR, SIGNATAIRE, Role.ADMIN_FONCTIONNEL})),
    "figures_des_sites": Acces("Lire et comparer les chiffres de tous les sites", frozenset({Role.ADMIN_FONCTIONNEL})),
    "references": Acces("Lire les données de référence", frozenset(Role)),
    "administration": Acces(
        "Changer les données de référence et les droits des agents", frozenset({Role.ADMIN_FONCTIONNEL})
    ),
}


def voit(agent: Agent | None, nom: str) -> bool:
    return agent is not None and agent.actif and bool(ACCES[nom].roles & set(agent.roles))


def a_une_file(agent: Agent) -> bool:
    return voit(agent, "dossiers")


def peut_changer_les_references(agent: Agent | None) -> bool:
    """Barèmes, pièces de référence, sites et agents : l'administrateur fonctionnel (domaine §8.1)."""
    return voit(agent, "administration")


def dossiers_visibles(agent: Agent | None) -> QuerySet[Demande]:
    """La file et la recherche : les demandes déposées auprès du site de l'agent, si son rôle est d'en traiter."""
    if agent is None or not a_une_file(agent):
        return Demande.objects.none()
    # Une date de dépôt vaut un numéro (contrainte `demande_numero_et_depot`), et les index de la file la portent.
    return Demande.objects.filter(site=agent.site, deposee_le__isnull=False)


def acces_ouverts(agent: Agent, *, le: dt.datetime) -> QuerySet[AccesExceptionnel]:
    return AccesExceptionnel.objects.filter(agent=agent, expire_le__gt=le)


def dossiers_ouverts(agent: Agent | None, *, le: dt.datetime) -> QuerySet[Demande]:
    """Les dossiers qui s'ouvrent par leur adresse : ceux de la file, et les accès exceptionnels en cours.

    Ces derniers ne sont dans aucune liste et n'admettent aucun acte (`peut`) : ils se lisent.
    """
    if agent is None or not voit(agent, "autre_site"):
        return Demande.objects.none()
    ailleurs = acces_ouverts(agent, le=le).values("demande")
    return Demande.objects.filter(Q(site=agent.site) | Q(pk__in=ailleurs), numero__isnull=False)


def demandes_suivies(agent: Agent | None) -> QuerySet[Demande]:
    """L'accueil et le support suivent les demandes déposées de leur site, sans en ouvrir le dossier."""
    if agent is None or not voit(agent, "guichet"):
        return Demande.objects.none()
    # Une date de dépôt vaut un numéro (contrainte `demande_numero_et_depot`), et les index de la file la portent.
    return Demande.objects.filter(site=agent.site, deposee_le__isnull=False)


def peut(agent: Agent, nom: str, demande: Demande) -> bool:
    """L'acte est-il permis à cet agent, sur cette demande, dans son état ?"""
    geste = GESTES[nom]
    en_poste = agent.actif and agent.compte.is_active
    habilite = en_poste and agent.site_id == demande.site_id and bool(geste.roles & set(agent.roles))
    return habilite and demande.etat in geste.depuis
