"""Remplir une base d'essai de dossiers déposés : de quoi mesurer la file à un million de lignes.

Chaque démarche est d'abord déposée une fois par les vraies opérations, puis défaite : ce dépôt sert de modèle à tous
les autres, écrits par COPY. Une même graine et un même instant donnent les mêmes lignes ; seuls changent les noms de
stockage des fichiers, que tous les dossiers partagent. Les courriels et SMS ne sont pas écrits.
"""

import datetime as dt
import itertools
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone, translation

from demandes.demarches import DEMARCHES
from demandes.models import Compteur, Demande, Site
from documents.autorite import AutoriteAbsente
from documents.fichiers import enregistrer_octets
from instruction.demonstration import specimen
from instruction.models import Agent
from instruction.peuplement.histoire import SANS_MOT_DE_PASSE, Equipe, Histoires
from instruction.peuplement.modele import PeuplementImpossible, modele
from instruction.peuplement.tables import Table
from usagers.models import Compte, Identifiant

DEPUIS = dt.timedelta(days=3 * 365)
LOT = 2_000
# Un dossier sur huit, au moins, au premier site ; les autres se partagent le reste, du plus au moins chargé.
PART_DU_PREMIER = 8
INSTRUCTEURS = 12
ROLES = (*["instructeur"] * INSTRUCTEURS, "valideur", "signataire", "remise")


def peupler(
    nombre: int, *, sites: list[str], graine: int, le: dt.datetime, dire: Callable[[int, int], None]
) -> int:  # fmt: skip
    """Écrit `nombre` demandes et rend le nombre de lignes de toute sorte ; `dire(demandes, lignes)` après chaque lot.

    Lève `PeuplementImpossible`.
    """
    if Demande.objects.exists():
        raise PeuplementImpossible("Cette base contient déjà des demandes : le peuplement veut une base sans aucune.")
    choisis = list(Site.objects.ouverts(timezone.localdate(le)).prefetch_related("coordonnees"))
    # Paris d'abord, s'il y est : le plus chargé.
    choisis = sorted((s for s in choisis if s.pk in sites or not sites), key=lambda site: site.departement != "75")
    if inconnus := set(sites) - {site.code for site in choisis}:
        raise PeuplementImpossible(f"Site inconnu ou fermé : {', '.join(sorted(inconnus))}.")
    if not choisis:
        raise PeuplementImpossible("Chargez d'abord les sites : manage.py charger_sites.")
    with transaction.atomic(), translation.override("fr"):
        # Comme une démonstration : aucune production ne servira cette base (anef/controles.py).
        Group.objects.get_or_create(name=settings.GROUPE_DEMONSTRATION)
        try:
            modeles = [modele(code, le=le) for code in DEMARCHES]
        except AutoriteAbsente as absente:
            raise PeuplementImpossible(str(absente)) from absente
        pdf = specimen("Attestation", "Toutes les personnes", 1, en_pdf=True)
        fichier = enregistrer_octets(pdf.read(), nom="attestation.pdf", type_mime="application/pdf")
        equipes = _equipes(choisis, le=le)
    histoires = Histoires(modeles, pdf=fichier.pk, hasard=random.Random(graine), le=le)
    poids = [1 / (1 + rang % 8) for rang in range(len(equipes))]
    poids[0] = max(1, sum(poids[1:]) / (PART_DU_PREMIER - 1))
    lots = _lots(histoires, nombre, equipes=equipes, poids=poids, le=le)
    lignes, lot = 0, next(lots)
    # La base écrit un lot pendant que le suivant se prépare : les deux cœurs servent.
    connection.inc_thread_sharing()
    with ThreadPoolExecutor(max_workers=1) as fil:
        while lot:
            with transaction.atomic():
                _ecrire_les_compteurs(lot)
                ecriture = fil.submit(_ecrire, connection.cursor(), lot)
                suivant = next(lots, None)
                lignes += ecriture.result()
            dire(lot.demandes, lignes)
            lot = suivant
    connection.dec_thread_sharing()
    with connection.cursor() as curseur:
        # Ce que PostgreSQL ferait de lui-même en quelques heures : statistiques, carte de visibilité, index des noms.
        if connection.in_atomic_block:
            curseur.execute("SELECT gin_clean_pending_list('demande_recherche')")
            curseur.execute("ANALYZE")
        else:
            curseur.execute("VACUUM (ANALYZE)")
    return lignes


def _equipes(sites: list[Site], *, le: dt.datetime) -> list[Equipe]:
    """Les agents de chaque site, sans mot de passe : on entre par ceux de la démonstration."""
    noms = [f"essai.{site.pk}.{rang}" for site in sites for rang in range(1, len(ROLES) + 1)]
    # Leurs clés se suivent, même après un premier essai défait : les mêmes lignes pour la même graine.
    dernier = Compte.objects.aggregate(dernier=Max("pk"))["dernier"] or 0
    comptes = Compte.objects.bulk_create(
        Compte(
            pk=cle, identifiant=nom, password=SANS_MOT_DE_PASSE, nature=Compte.Nature.AGENT, is_staff=True,
            courriel=f"{nom}@exemple.invalid", cree_le=le,
        )
        for cle, nom in enumerate(noms, dernier + 1)
    )  # fmt: skip
    Identifiant.objects.bulk_create(
        Identifiant(valeur=compte.identifiant, compte=compte, nature=Identifiant.Nature.AGENT) for compte in comptes
    )
    Agent.objects.bulk_create(
        Agent(compte=compte, nom=f"Agent {compte.identifiant}", site=sites[rang // len(ROLES)], roles=[role])
        for rang, (compte, role) in enumerate(zip(comptes, itertools.cycle(ROLES), strict=False))
    )
    cles = [compte.pk for compte in comptes]
    return [
        Equipe(site, tuple(cles[debut : debut + INSTRUCTEURS]), *cles[debut + INSTRUCTEURS : debut + len(ROLES)])
        for site, debut in zip(sites, range(0, len(cles), len(ROLES)), strict=True)
    ]


@dataclass(frozen=True)
class Lot:
    """Des lignes prêtes à écrire. `demandes` : combien de demandes, celles des lots d'avant comprises."""

    demandes: int
    tables: list[tuple[Table, list[tuple]]]
    rangs: dict[tuple[str, int], int]


def _lots(
    histoires: Histoires, nombre: int, *, equipes: list[Equipe], poids: list[float], le: dt.datetime
) -> Iterator[Lot]:
    hasard, rangs = histoires.hasard, {}
    for rang in range(nombre):
        # Dans l'ordre du temps : le rang d'un numéro croît avec sa date.
        deposee_le = le - DEPUIS + DEPUIS * ((rang + hasard.random()) / nombre)
        jour, (equipe,) = timezone.localdate(deposee_le), hasard.choices(equipes, poids)
        cle = (equipe.site.pk, jour.year)
        rangs[cle] = rangs.get(cle, 0) + 1
        numero = f"{equipe.site.pk}{jour:%Y%m%d}{rangs[cle]:07}"
        histoires.ajouter(rang + 1, numero, equipe=equipe, deposee_le=deposee_le)
        if (rang + 1) % LOT == 0 or rang + 1 == nombre:
            yield Lot(rang + 1, [(table, table.vider()) for table in histoires.tables], dict(rangs))


def _ecrire_les_compteurs(lot: Lot) -> None:
    Compteur.objects.bulk_create(
        [Compteur(nature="demande", cle=code, annee=annee, dernier=rang) for (code, annee), rang in lot.rangs.items()],
        update_conflicts=True, unique_fields=["nature", "cle", "annee"], update_fields=["dernier"],
    )  # fmt: skip


def _ecrire(curseur, lot: Lot) -> int:
    """Dans la transaction de l'appelant ; les références se vérifient ici, sans attendre sa fin."""
    with curseur:
        # Un contenu figé de 9 ko se comprime plus vite ; l'index des noms se fond par blocs.
        curseur.execute(
            "SET LOCAL default_toast_compression = 'lz4'; SET LOCAL gin_pending_list_limit = '64MB'; "
            "SET LOCAL synchronous_commit = off"
        )
        lignes = sum(table.ecrire(curseur, lignes) for table, lignes in lot.tables)
        curseur.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return lignes
