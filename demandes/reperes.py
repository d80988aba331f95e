"""Ce qui a changé dans une demande depuis qu'une page a été ouverte, tel que la personne peut le lire."""

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from demandes.etats import Etat
from demandes.models import Demande, Evenement

# Le reste du journal (affectation, visa, signature, clôture proposée) est interne au service.
VISIBLES = (
    Evenement.Nature.TRANSITION,
    Evenement.Nature.TRANSFERT,
    Evenement.Nature.PROLONGATION,
    Evenement.Nature.NUMERO,
)


class DemandeChangee(Exception):
    """La demande n'est plus celle que la page montrait ; `demande` est son état en base."""

    def __init__(self, demande: Demande):
        super().__init__(demande.numero)
        self.demande = demande


def evenements_visibles(demande: Demande) -> QuerySet[Evenement]:
    return demande.evenements.filter(nature__in=VISIBLES).order_by("pk")


def repere(demande: Demande) -> int:
    """Le dernier évènement que la page montre ; elle le renvoie, et tout ce qui suit aura changé."""
    return evenements_visibles(demande).values_list("pk", flat=True).last() or 0


def changements(demande: Demande, *, depuis: int) -> list[str]:
    """Une phrase par évènement survenu depuis ce repère, du plus ancien au plus récent."""
    return [_phrase(evenement) for evenement in evenements_visibles(demande).filter(pk__gt=depuis)]


def _phrase(evenement: Evenement) -> str:
    instant = timezone.localtime(evenement.le)
    return _("Le %(jour)s à %(heure)s : %(quoi)s") % {
        "jour": f"{instant:%d/%m/%Y}", "heure": f"{instant:%H:%M}", "quoi": _quoi(evenement),
    }  # fmt: skip


def _quoi(evenement: Evenement) -> str:
    """Une décision s'annonce sans dire son sens : il se lit dans sa notification."""
    if evenement.nature != Evenement.Nature.TRANSITION:
        return str(evenement.get_nature_display())
    if evenement.apres in {Etat.FAVORABLE, Etat.DEFAVORABLE}:
        return _("Une décision a été prise")
    if evenement.avant == Etat.CLOTUREE:
        return _("Demande rouverte")
    return str(Etat(evenement.apres).label)
