"""Les relevés quotidiens : ce que le journal dit de chaque jour, compté une fois pour toutes.

Un évènement compte pour le site qui tenait le dossier à cet instant : un transfert d'après n'y change rien. Refaire un
jour passé redonne donc les mêmes nombres.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection, transaction
from django.db.models import (
    CharField,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    QuerySet,
    Subquery,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, ExtractDay, TruncDate
from django.utils import timezone

from demandes.etats import ETATS_A_INSTRUIRE, ETATS_EN_REMISE, Etat
from demandes.models import Demande, Evenement, Prolongation
from instruction.models import ReleveQuotidien

Mesure = ReleveQuotidien.Mesure
DECISIONS = (Etat.FAVORABLE, Etat.DEFAVORABLE)
# Ce par quoi une demande décidée passe encore.
DECIDEES = (Etat.DEFAVORABLE, *ETATS_EN_REMISE, Etat.REMISE)
PASSAGES = Evenement.objects.filter(nature=Evenement.Nature.TRANSITION).order_by()
TRANSFERTS = Evenement.objects.filter(nature=Evenement.Nature.TRANSFERT).order_by("pk")
# La clé d'un relevé : jour, site, démarche, mesure.
Cle = tuple[dt.date, str, str, str]


def relever_a_jour(*, le: dt.datetime) -> int:
    """Les deux derniers jours relevés et tous ceux d'après ; la première fois, tout le journal."""
    dernier = ReleveQuotidien.objects.order_by("-jour").values_list("jour", flat=True).first()
    if dernier is None:
        return relever_tout(le=le)
    return relever(du=dernier - dt.timedelta(days=1), au=timezone.localdate(le), le=le)


def relever_tout(*, le: dt.datetime) -> int:
    premiere = Demande.objects.filter(numero__isnull=False).order_by("deposee_le").first()
    return relever(du=timezone.localdate(premiere.deposee_le), au=timezone.localdate(le), le=le) if premiere else 0


def relever(*, du: dt.date, au: dt.date, le: dt.datetime) -> int:
    """Refait les relevés de ces jours, compris, mois par mois ; rend le nombre de lignes écrites."""
    return sum(_relever(debut, fin, le=le) for debut, fin in _mois(du, au))


def _mois(du: dt.date, au: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    while du <= au:
        suivant = (du.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        yield du, min(au, suivant - dt.timedelta(days=1))
        du = suivant


@transaction.atomic
def _relever(du: dt.date, au: dt.date, *, le: dt.datetime) -> int:
    with connection.cursor() as curseur:  # deux relevés à la fois : l'un attend l'autre ; lire reste permis
        curseur.execute(f"LOCK TABLE {ReleveQuotidien._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
    ReleveQuotidien.objects.filter(jour__range=(du, au)).delete()
    nombres, delais = _entrees(du, au)
    nombres += _ruptures(du, min(au, timezone.localdate(le) - dt.timedelta(days=1)))
    lignes = [
        ReleveQuotidien(
            jour=jour, site_id=site, demarche=demarche, mesure=mesure, nombre=nombre, releve_le=le,
            delais=delais.get((jour, site, demarche, mesure), []),
        )
        for (jour, site, demarche, mesure), nombre in nombres.items()
    ]  # fmt: skip
    ReleveQuotidien.objects.bulk_create(lignes, batch_size=2000)
    return len(lignes)


def _entrees(du: dt.date, au: dt.date) -> tuple[Counter[Cle], dict[Cle, list[int]]]:
    """Les entrées dans chaque état, les délais des décisions, et celles qu'un complément a précédées."""
    apres = Coalesce(
        Subquery(TRANSFERTS.filter(demande=OuterRef("demande"), pk__gt=OuterRef("pk")).values(de=KT("codes__de"))[:1]),
        F("demande__site"), output_field=CharField(),
    )  # fmt: skip
    duree = ExpressionWrapper(TruncDate("le") - TruncDate("demande__deposee_le"), output_field=DurationField())
    complement = PASSAGES.filter(demande=OuterRef("demande"), apres=Etat.COMPLEMENT_DEMANDE, pk__lt=OuterRef("pk"))
    passages = (
        PASSAGES.filter(le__gte=_minuit(du), le__lt=_minuit(au + dt.timedelta(days=1)), demande__numero__isnull=False)
        .annotate(jour=TruncDate("le"), site=apres, demarche=F("demande__demarche"))
        .values_list("jour", "site", "demarche", "apres")
    )
    nombres, delais = Counter(), {}
    for *cle, nombre in passages.exclude(apres__in=DECISIONS).annotate(nombre=Count("pk")):
        nombres[tuple(cle)] = nombre
    decisions = passages.filter(apres__in=DECISIONS).annotate(
        nombre=Count("pk"), delais=ArrayAgg(ExtractDay(duree)), completees=Count("pk", filter=Exists(complement))
    )
    for *cle, nombre, jours, completees in decisions:
        nombres[tuple(cle)] = nombre
        delais[tuple(cle)] = sorted(jours)
        if completees:
            nombres[(*cle[:3], Mesure.AVEC_COMPLEMENT)] += completees
    return nombres, delais


def _ruptures(du: dt.date, au: dt.date) -> Counter[Cle]:
    """Chaque fin de droits passée compte une fois : celle du titre de départ, puis celle de chaque attestation.

    Rien si la demande n'était pas encore déposée ce jour-là, ou si elle était close ou retirée.
    """
    titres = Demande.objects.filter(
        numero__isnull=False, titre_de_depart__fin__range=(du, au), deposee_le__date__lte=F("titre_de_depart__fin")
    )
    prolongations = Prolongation.objects.filter(au__range=(du, au)).order_by()
    return _fins_de_droits(titres, fin="titre_de_depart__fin", demande="") + _fins_de_droits(
        prolongations, fin="au", demande="demande__"
    )


def _fins_de_droits(lignes: QuerySet, *, fin: str, demande: str) -> Counter[Cle]:
    sienne = OuterRef(f"{demande}pk")
    passage = PASSAGES.filter(demande=sienne, le__date__lte=OuterRef(fin)).order_by("-pk").values("apres")[:1]
    transfert = TRANSFERTS.filter(demande=sienne, le__date__gt=OuterRef(fin)).values(de=KT("codes__de"))[:1]
    prolongee = Prolongation.objects.filter(demande=sienne, le__date__lte=OuterRef(fin), au__gt=OuterRef(fin))
    etats = lignes.annotate(
        tenu_par=Coalesce(Subquery(transfert), F(f"{demande}site"), output_field=CharField()),
        etat_ce_jour=Subquery(passage),
        prolongee=Exists(prolongee),
    ).values_list(fin, "tenu_par", f"{demande}demarche", "etat_ce_jour", "prolongee")
    nombres = Counter()
    for *cle, etat, est_prolongee, nombre in etats.annotate(nombre=Count("pk")):
        if etat in DECIDEES:
            nombres[(*cle, Mesure.EVITEE_DECISION)] += nombre
        elif etat in ETATS_A_INSTRUIRE:
            nombres[(*cle, Mesure.EVITEE_PROLONGATION if est_prolongee else Mesure.SUBIE)] += nombre
    return nombres


def _minuit(jour: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(jour, dt.time()))
