"""Les chiffres du service : stock, flux, délais, compléments, ruptures de droits (domaine §8.5). Lecture seule.

Le stock et l'âge se lisent à l'instant dans les demandes ; le reste, dans les relevés quotidiens du journal.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from django.db import connection
from django.db.models import (
    Aggregate,
    Count,
    DateField,
    DurationField,
    ExpressionWrapper,
    F,
    FloatField,
    Q,
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
        return self._bornees(Demande.objects.filter(numero__isnull=False))

    def releves(self) -> QuerySet[ReleveQuotidien]:
        periode = self.periode
        return self._bornees(ReleveQuotidien.objects.filter(jour__range=(periode.du, periode.au)))

    def _bornees(self, lignes: QuerySet) -> QuerySet:
        if self.site:
            lignes = lignes.filter(site=self.site)
        return lignes.filter(demarche=self.demarche) if self.demarche else lignes


# --- Les calculs -----------------------------------------------------------------------------------------------------
class Percentile(Aggregate):
    """`percentile_cont` : la valeur sous laquelle se trouve cette part des lignes."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(part)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression, *, part: float, **options):
        super().__init__(expression, part=part, output_field=FloatField(), **options)


@dataclass(frozen=True)
class Durees:
    """Des durées en jours : combien, la médiane, le 90e centile, et combien dans chaque tranche de `BORNES`."""

    nombre: int = 0
    mediane: float | None = None
    p90: float | None = None
    par_tranche: tuple[int, ...] = (0,) * (len(BORNES) + 1)


def stock(portee: Portee) -> dict[Etat, int]:
    """Les demandes à instruire ou à remettre, par état, à l'instant."""
    nombres = portee.demandes().filter(etat__in=ETATS_DU_STOCK).values_list("etat").annotate(Count("pk")).order_by()
    trouves = dict(nombres)
    return {etat: trouves.get(etat, 0) for etat in ETATS_DU_STOCK}


def ages(portee: Portee, *, jour: dt.date) -> Durees:
    """Les jours écoulés depuis le dépôt des demandes à instruire, à l'instant."""
    nombres = {f"t{rang}": Count("pk", filter=tranche) for rang, tranche in enumerate(_tranches("age"))}
    lu = _ouvertes(portee, jour=jour).aggregate(**AGES, **nombres)
    return Durees(lu["nombre"], lu["mediane"], lu["p90"], tuple(lu[nom] for nom in nombres))


def ages_par_site(portee: Portee, *, jour: dt.date) -> dict[str, Durees]:
    lignes = _ouvertes(portee, jour=jour).values("site").annotate(**AGES).order_by()
    return {ligne["site"]: Durees(ligne["nombre"], ligne["mediane"], ligne["p90"]) for ligne in lignes}


AGES = {"nombre": Count("pk"), "mediane": Percentile("age", part=0.5), "p90": Percentile("age", part=0.9)}


def _ouvertes(portee: Portee, *, jour: dt.date) -> QuerySet[Demande]:
    duree = ExpressionWrapper(Value(jour, DateField()) - TruncDate("deposee_le"), DurationField())
    return portee.demandes().filter(etat__in=ETATS_A_INSTRUIRE).annotate(age=ExtractDay(duree))


def _tranches(champ: str) -> Iterator[Q]:
    for plus_que, au_plus in pairwise((None, *BORNES, None)):
        tranche = Q() if plus_que is None else Q(**{f"{champ}__gt": plus_que})
        yield tranche if au_plus is None else tranche & Q(**{f"{champ}__lte": au_plus})


def delais(portee: Portee) -> dict[str | None, Durees]:
    """Les jours du dépôt à la décision, des demandes décidées dans la période ; par site, et sous `None` pour tous."""
    comptes = ", ".join(
        f"count(*) FILTER (WHERE delai > {plus_que} AND delai <= {au_plus})"
        for plus_que, au_plus in pairwise((-1, *BORNES, 2**31 - 1))
    )
    requete = f"""
        SELECT site_id, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY delai),
            percentile_cont(0.9) WITHIN GROUP (ORDER BY delai), {comptes}
        FROM {ReleveQuotidien._meta.db_table}, unnest(delais) AS delai
        WHERE jour BETWEEN %(du)s AND %(au)s AND (%(site)s IN ('', site_id)) AND (%(demarche)s IN ('', demarche))
        GROUP BY GROUPING SETS ((), (site_id))
    """
    bornes = {"du": portee.periode.du, "au": portee.periode.au}
    with connection.cursor() as curseur:
        curseur.execute(requete, bornes | {"site": portee.code_du_site, "demarche": portee.demarche})
        return {
            site: Durees(nombre, mediane, p90, tuple(nombres))
            for site, nombre, mediane, p90, *nombres in curseur.fetchall()
        }


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
    portee: Portee, sites: Iterable[Site], *, jour: dt.date, delais: Mapping[str | None, Durees]
) -> list[LigneDeSite]:
    """Ceux de ces sites qui ont des demandes à instruire ou un chiffre dans la période."""
    ages, mesures = ages_par_site(portee, jour=jour), flux_par_site(portee)
    return [
        LigneDeSite(site, ages.get(site.pk, Durees()), delais.get(site.pk, Durees()), mesures.get(site.pk, {}))
        for site in sites
        if site.pk in ages or site.pk in mesures
    ]
