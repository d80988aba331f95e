"""L'acte signé attend son heure : d'ici là il s'annule ; alors tout est revérifié, et tout s'écrit ensemble.

Verrous : la demande d'abord, l'acte ensuite.
"""

import datetime as dt
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from demandes.models import Cloture, Demande, Evenement
from demandes.operations import verrouiller
from documents.operations import NonEncodable
from instruction.models import ActeDiffere, Agent
from instruction.operations.base import ActeImpossible, Conflit, GesteInterdit, verrouiller_pour
from instruction.operations.cloture import TOUJOURS_DANS_LE_DELAI, clore, cloture_proposee, delai_echu
from instruction.operations.decision import QuatreYeux, decider, geste_de_signature, proposition_de
from instruction.permissions import GESTES, peut
from notifications.catalogue import Message
from notifications.operations import ecrire

journal = structlog.get_logger(__name__)
LOT = 50
# Geste → ce qu'il écrit quand son heure est venue, la demande étant verrouillée.
EFFETS: dict[str, Callable] = {
    "signer_favorable": decider,
    "signer_refus": decider,
    "cloturer": clore,
}


class DejaSigne(Exception):
    """Un acte signé par quelqu'un d'autre attend déjà son heure ; `acte` est celui-là."""

    def __init__(self, acte: ActeDiffere):
        super().__init__(str(acte))
        self.acte = acte


class AnnulationTardive(Exception):
    """L'acte est déjà fait, ou déjà annulé."""


def acte_en_attente(demande: Demande) -> ActeDiffere | None:
    return demande.actes_differes.filter(execute_le__isnull=True, annule_le__isnull=True).select_related("par").first()


@transaction.atomic
def signer(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> ActeDiffere:
    """Signe la proposition, favorable ou non. Lève ce que lève `differer`, et `QuatreYeux` pour un refus."""
    demande = verrouiller(demande)
    decision = proposition_de(demande)
    if decision is None:
        raise Conflit(demande) if demande.version != version else GesteInterdit
    geste = geste_de_signature(decision)
    if geste == "signer_refus" and decision.proposee_par_id == agent.compte_id:
        raise QuatreYeux
    return differer(demande, geste, saisie={"decision": decision.pk}, agent=agent, version=version, le=le)


@transaction.atomic
def cloturer(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> ActeDiffere:
    """Signe la clôture proposée par une autre personne. Lève ce que lève `differer`, `QuatreYeux`, `ActeImpossible`."""
    demande = verrouiller(demande)
    cloture = cloture_proposee(demande)
    if cloture is None:
        if demande.version != version:
            raise Conflit(demande)
        raise ActeImpossible("", "Aucune clôture n'est proposée.")
    if cloture.proposee_par_id == agent.compte_id:
        raise QuatreYeux
    if cloture.motif == Cloture.SANS_REPONSE and not delai_echu(demande, jour=timezone.localdate(le)):
        raise ActeImpossible("", f"{TOUJOURS_DANS_LE_DELAI} Écartez cette clôture.")
    return differer(demande, "cloturer", saisie={"cloture": cloture.pk}, agent=agent, version=version, le=le)


def differer(demande: Demande, geste: str, *, saisie: dict, agent: Agent, version: int, le: dt.datetime) -> ActeDiffere:
    """Met l'acte en attente, ou le fait aussitôt si le délai est nul. Signer deux fois rend le même acte.

    Lève `Conflit`, `GesteInterdit`, `DejaSigne`, et ce que lève l'effet si le délai est nul.
    """
    demande = verrouiller_pour(demande, agent=agent, geste=geste, version=version)
    deja = acte_en_attente(demande)
    if deja is not None:
        if (deja.geste, deja.par_id, deja.saisie) == (geste, agent.pk, saisie):
            return deja
        raise DejaSigne(deja)
    delai = dt.timedelta(minutes=settings.DELAI_ANNULATION)
    acte = ActeDiffere(
        demande=demande, geste=geste, saisie=saisie, version=version, par=agent, signe_le=le, a_executer_le=le + delai
    )
    if not delai:
        EFFETS[geste](demande, saisie, agent=agent, signe_le=le, le=le)
        acte.execute_le = le
        acte.save()
        return acte
    acte.save()
    _noter(acte, Evenement.Nature.SIGNATURE, par=agent, le=le, codes={})
    _reveiller_a_l_heure(acte)
    return acte


def _reveiller_a_l_heure(acte: ActeDiffere) -> None:
    """Une tâche attend l'heure de l'acte ; perdue avec le courtier ou le travailleur, le balayage la remplace."""
    from instruction import tasks  # noqa: PLC0415 (les tâches appellent les opérations)

    transaction.on_commit(lambda: tasks.executer_acte.apply_async([acte.pk], eta=acte.a_executer_le), robust=True)


@transaction.atomic
def executer(acte: ActeDiffere, *, le: dt.datetime) -> ActeDiffere:
    """Fait l'acte si son heure est venue et si rien n'a changé ; sinon ne fait rien d'autre que le dire à l'agent.

    Peut passer deux fois.
    """
    demande = verrouiller(acte.demande)
    acte = ActeDiffere.objects.select_for_update(of=("self",)).select_related("par__compte").get(pk=acte.pk)
    if not acte.est_en_attente or acte.a_executer_le > le:
        return acte
    echec = _empechement(acte, demande)
    if not echec:
        try:
            with transaction.atomic():
                EFFETS[acte.geste](demande, acte.saisie, agent=acte.par, signe_le=acte.signe_le, le=le)
        except NonEncodable:
            echec = "non_encodable"
        except QuatreYeux:
            echec = "quatre_yeux"
    if echec:
        return _abandonner(acte, echec, demande, le=le)
    acte.execute_le = le
    acte.save(update_fields=["execute_le"])
    return acte


def _empechement(acte: ActeDiffere, demande: Demande) -> str:
    """Pourquoi l'acte ne peut plus se faire, en un code ; vide s'il le peut."""
    if not acte.par.actif or not acte.par.compte.is_active:
        return "agent_inactif"
    if demande.etat not in GESTES[acte.geste].depuis:
        return "etat_change"
    if demande.version != acte.version:
        return "dossier_change"
    return "" if peut(acte.par, acte.geste, demande) else "droits_retires"


def _abandonner(acte: ActeDiffere, echec: str, demande: Demande, *, le: dt.datetime) -> ActeDiffere:
    acte.annule_le, acte.echec = le, echec
    acte.save(update_fields=["annule_le", "echec"])
    _noter(acte, Evenement.Nature.ANNULATION, par=None, le=le, codes={"echec": echec})
    ecrire(
        Message.ACTE_NON_FAIT, adresse=acte.par.compte.courriel, langue="fr", le=le,
        contexte={"numero": demande.numero, "geste": acte.geste, "echec": echec},
    )  # fmt: skip
    return acte


def peut_annuler(agent: Agent, acte: ActeDiffere) -> bool:
    """Qui a signé, ou qui aurait pu signer : le dossier peut avoir changé d'état depuis."""
    if not agent.actif or agent.site_id != acte.demande.site_id:
        return False
    return agent.pk == acte.par_id or bool(GESTES[acte.geste].roles & set(agent.roles))


@transaction.atomic
def annuler(acte: ActeDiffere, *, agent: Agent, le: dt.datetime) -> ActeDiffere:
    """Retire un acte signé avant son heure : rien n'est parti, une ligne au journal. Annuler deux fois n'annule qu'une.

    Lève `AnnulationTardive`, `GesteInterdit`.
    """
    verrouiller(acte.demande)
    acte = ActeDiffere.objects.select_for_update(of=("self",)).select_related("demande", "par").get(pk=acte.pk)
    if not peut_annuler(agent, acte):
        raise GesteInterdit
    if acte.annule_par_id == agent.pk:
        return acte
    if not acte.est_en_attente:
        raise AnnulationTardive
    acte.annule_le, acte.annule_par = le, agent
    acte.save(update_fields=["annule_le", "annule_par"])
    _noter(acte, Evenement.Nature.ANNULATION, par=agent, le=le, codes={})
    return acte


def executer_les_echus(*, le: dt.datetime) -> int:
    """Le balayage : chaque acte dont l'heure est venue, dans sa transaction ; ceux qui échouent n'arrêtent personne."""
    echus = ActeDiffere.objects.filter(execute_le__isnull=True, annule_le__isnull=True, a_executer_le__lte=le)
    faits = 0
    for acte in echus.select_related("demande").order_by("a_executer_le"):
        try:
            faits += executer(acte, le=le).execute_le is not None
        except Exception:
            journal.exception("acte_differe_en_echec", acte=acte.pk)
        if faits == LOT:
            break
    return faits


def _noter(acte: ActeDiffere, nature: str, *, par: Agent | None, le: dt.datetime, codes: dict) -> None:
    Evenement.objects.create(
        usager_id=acte.demande.usager_id, demande=acte.demande, nature=nature, par=par.compte if par else None, le=le,
        codes={"geste": acte.geste, **codes},
    )  # fmt: skip
