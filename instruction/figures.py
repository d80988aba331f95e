"""Les chiffres du service : stock, flux, délais, compléments, ruptures de droits (domaine §8.5). Lecture seule.

Le stock et l'âge se lisent à l'instant dans les demandes ; le reste, dans les relevés quotidiens du journal.
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from django.db.models import (
    Count,
    DateField,
    DurationField,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import ExtractDay, TruncDate, TruncMonth, TruncWeek

from demandes.etats import ETATS_A_INSTRUIRE, ETATS_EN_REMISE, Etat
from demandes.models import Demande, Site
from instruction.models import ReleveQuotidien
from instruction.releves import DECISIONS

Mesure = ReleveQuotidien.Mesure
# Ce que le service a encore à faire : instruire, puis remettre.
ETATS_DU_STOCK = (*ETATS_A_INSTRUIRE, *ETATS_EN_REMISE)
ETATS_DU_FLUX = tuple(etat for etat in Etat if etat != Etat.BROUILLON)
RUPTURES = (Mesure.EVITEE_PROLONGATION, Mesure.EVITEE_DECISION, Mesure.SUBIE)
MESURES_COMPAREES = (Etat.DEPOSEE, *DECISIONS, Mesure.AVEC_COMPLEMENT, *RUPTURES)
# Les tranches d'âge et de délai, en jours, borne comprise. À 90 ou 120, le silence vaut rejet (domaine §6).
BORNES = (30, 60, 90, 120, 180)


# --- La période ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Tranche:
    """Un jour, une semaine ou un mois de la période ; coupé à ses bords."""

    du: dt.date
    au: dt.date


@dataclass(frozen=True)
class Periode:
    """Des jours, compris."""

    du: dt.date
    au: dt.date

    @property
    def jours(self) -> int:
        return (self.au - self.du).days + 1

    @property
    def pas(self) -> str:
        """Par jour jusqu'à un mois, par semaine jusqu'à six, par mois au-delà."""
        return "jour" if self.jours <= 31 else "semaine" if self.jours <= 184 else "mois"

    def debut_de_tranche(self, jour: dt.date) -> dt.date:
        if self.pas == "mois":
            return jour.replace(day=1)
        return jour - dt.timedelta(days=jour.weekday()) if self.pas == "semaine" else jour

    @property
    def tranches(self) -> dict[dt.date, Tranche]:
        """Par leur début entier : le lundi, ou le premier du mois."""
        jours = (self.du + dt.timedelta(days=rang) for rang in range(self.jours))
        debuts = sorted({self.debut_de_tranche(jour) for jour in jours})
        fins = [debut - dt.timedelta(days=1) for debut in debuts[1:]]
        return {debut: Tranche(max(debut, self.du), fin) for debut, fin in zip(debuts, [*fins, self.au], strict=True)}


@dataclass(frozen=True)
class Portee:
    """Ce que l'on compte : une période, un site (aucun : tous), une démarche (aucune : toutes)."""

    periode: Periode
    site: Site | None
    demarche: str = ""

    @property
    def code_du_site(self) -> str:
        return self.site.pk if self.site else ""

    def demandes(self) -> QuerySet[Demande]:
        return self._bornees(Demande.objects.filter(deposee_le__isnull=False))

    def releves(self) -> QuerySet[ReleveQuotidien]:
        periode = self.periode
        return self._bornees(ReleveQuotidien.objects.filter(jour__range=(periode.du, periode.au)))

    def _bornees(self, lignes: QuerySet) -> QuerySet:
        if self.site:
            lignes = lignes.filter(site=self.site)
        return lignes.filter(demarche=self.demarche) if self.demarche else lignes


# --- Les calculs -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Durees:
    """Des durées en jours : combien, la médiane, le 90e centile, et combien dans chaque tranche de `BORNES`."""

    nombre: int = 0
    mediane: float | None = None
    p90: float | None = None
    par_tranche: tuple[int, ...] = (0,) * (len(BORNES) + 1)

    @classmethod
    def de(cls, effectifs: Mapping[int, int]) -> "Durees":
        """`effectifs` : combien de fois chaque durée, en jours entiers."""
        jours = sorted(effectifs)
        rangs = list(accumulate(effectifs[jour] for jour in jours))
        nombre = rangs[-1]

        def centile(part: float) -> float:
            """Comme `percentile_cont` : entre deux valeurs, à proportion."""
            rang, reste = divmod(part * (nombre - 1), 1)
            avant, apres = (jours[bisect_right(rangs, place)] for place in (rang, min(rang + 1, nombre - 1)))
            return avant + reste * (apres - avant)

        par_tranche = Counter()
        for jour in jours:
            par_tranche[bisect_left(BORNES, jour)] += effectifs[jour]
        tranches = tuple(par_tranche[rang] for rang in range(len(BORNES) + 1))
        return cls(nombre, centile(0.5), centile(0.9), tranches)


def stock(portee: Portee) -> dict[Etat, int]:
    """Les demandes à instruire ou à remettre, par état, à l'instant."""
    stock = portee.demandes().filter(etat__in=ETATS_DU_STOCK).order_by()
    trouves = dict(stock.values_list("etat").annotate(nombre=Count("*")))
    return {etat: trouves.get(etat, 0) for etat in ETATS_DU_STOCK}


def ages(portee: Portee, *, jour: dt.date) -> dict[str | None, Durees]:
    """Les jours écoulés depuis le dépôt des demandes à instruire, à l'instant."""
    age = ExtractDay(ExpressionWrapper(Value(jour, DateField()) - TruncDate("deposee_le"), DurationField()))
    return _par_site(portee.demandes().filter(etat__in=ETATS_A_INSTRUIRE).annotate(jours=age))


def delais(portee: Portee) -> dict[str | None, Durees]:
    """Les jours du dépôt à la décision des demandes décidées dans la période."""
    chacun = Func("delais", function="unnest", output_field=IntegerField())
    return _par_site(portee.releves().filter(mesure__in=DECISIONS).annotate(jours=chacun))


def _par_site(lignes: QuerySet) -> dict[str | None, Durees]:
    """Les durées de chaque site, et celles de tous sous `None`."""
    effectifs: dict[str | None, Counter[int]] = defaultdict(Counter)
    for site, jours, nombre in lignes.order_by().values_list("site", "jours").annotate(nombre=Count("*")):
        effectifs[site][jours] += nombre
        effectifs[None][jours] += nombre
    return {site: Durees.de(effectif) for site, effectif in effectifs.items()}


def flux(portee: Portee) -> dict[dt.date, Counter]:
    """Par début de tranche : les entrées dans chaque état, et les autres mesures des relevés."""
    debut = {"jour": F("jour"), "semaine": TruncWeek("jour"), "mois": TruncMonth("jour")}[portee.periode.pas]
    lignes = portee.releves().annotate(debut=debut).values_list("debut", "mesure").annotate(Sum("nombre")).order_by()
    par_tranche: dict[dt.date, Counter] = {tranche: Counter() for tranche in portee.periode.tranches}
    for tranche, mesure, nombre in lignes:
        par_tranche[tranche][mesure] = nombre
    return par_tranche


def flux_par_site(portee: Portee) -> dict[str, Counter]:
    lignes = portee.releves().filter(mesure__in=MESURES_COMPAREES).values_list("site", "mesure")
    par_site: dict[str, Counter] = defaultdict(Counter)
    for site, mesure, nombre in lignes.annotate(Sum("nombre")).order_by():
        par_site[site][mesure] = nombre
    return par_site


def decisions(mesures: Mapping[str, int]) -> int:
    return sum(mesures.get(etat, 0) for etat in DECISIONS)


def part_completee(mesures: Mapping[str, int]) -> float | None:
    """La part des demandes décidées à qui un complément avait été demandé ; rien s'il n'y a pas de décision."""
    nombre = decisions(mesures)
    return mesures.get(Mesure.AVEC_COMPLEMENT, 0) / nombre if nombre else None


def releve_le() -> dt.datetime | None:
    """L'heure du dernier relevé ; rien tant qu'aucun n'est fait."""
    return ReleveQuotidien.objects.order_by("-jour").values_list("releve_le", flat=True).first()


@dataclass(frozen=True)
class LigneDeSite:
    """Un site parmi les autres."""

    site: Site
    ages: Durees
    delais: Durees
    mesures: Mapping[str, int]

    @property
    def decisions(self) -> int:
        return decisions(self.mesures)


def comparaison(
    portee: Portee, sites: Iterable[Site], *, ages: Mapping[str | None, Durees], delais: Mapping[str | None, Durees]
) -> list[LigneDeSite]:
    """Ceux de ces sites qui ont des demandes à instruire ou un chiffre dans la période."""
    mesures = flux_par_site(portee)
    return [
        LigneDeSite(site, ages.get(site.pk, Durees()), delais.get(site.pk, Durees()), mesures.get(site.pk, {}))
        for site in sites
        if site.pk in ages or site.pk in mesures
    ]
