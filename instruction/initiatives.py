"""Ce que la personne a décidé d'elle-même : retirer sa demande, la faire rouvrir. Lecture seule."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Q

from demandes.etats import ETATS_A_INSTRUIRE, Etat
from demandes.models import Demande, Evenement
from demandes.operations import Raison

PASSAGES = Evenement.objects.filter(nature=Evenement.Nature.TRANSITION)
ROUVERTE = Q(avant=Etat.CLOTUREE, par=F("usager__compte"))


@dataclass(frozen=True)
class Initiative:
    le: dt.datetime
    est_un_retrait: bool
    raison: str = ""


def initiative(demande: Demande) -> Initiative | None:
    """Le retrait, ou la réouverture tant que la demande est à instruire."""
    if demande.etat != Etat.RETIREE and demande.etat not in ETATS_A_INSTRUIRE:
        return None
    passages = PASSAGES.filter(Q(apres=Etat.RETIREE) | ROUVERTE, demande=demande)
    evenement = passages.order_by("pk").last()
    if evenement is None:
        return None
    return Initiative(evenement.le, evenement.apres == Etat.RETIREE, raison_de(evenement))


def raison_de(evenement: Evenement) -> str:
    """La raison du retrait, si la personne l'a donnée."""
    code = evenement.codes.get("raison")
    return str(Raison(code).label) if code in Raison.values else ""


def rouvertes_par_l_usager(demandes: Iterable[Demande]) -> set[int]:
    """Parmi les demandes d'une page de la file, celles que la personne a fait rouvrir ; une requête."""
    ouvertes = [demande.pk for demande in demandes if demande.etat in ETATS_A_INSTRUIRE]
    return set(PASSAGES.filter(ROUVERTE, demande__in=ouvertes).values_list("demande", flat=True)) if ouvertes else set()
