"""Remplir une base d'essai de dossiers déposés : de quoi mesurer la file à un million de lignes.

Chaque démarche est d'abord déposée une fois par les vraies opérations, puis défaite : ce dépôt sert de modèle à tous
les autres, écrits par COPY. Une même graine et un même instant donnent les mêmes lignes ; seuls changent les noms de
stockage des fichiers, que tous les dossiers partagent. Les courriels et SMS ne sont pas écrits.
"""

import datetime as dt
import itertools
import random
from collections.abc import Callable

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
from usagers.models import Compte, Identifiant

DEPUIS = dt.timedelta(days=3 * 365)
LOT = 5_000
# Un dossier sur huit au premier site ; les autres se partagent le reste, du plus au moins chargé.
PART_DU_PREMIER = 8
ROLES = ("instructeur", "instructeur", "instructeur", "valideur", "signataire", "remise")


def peupler(
    nombre: int, *, sites: list[str], graine: int, le: dt.datetime, dire: Callable[[int, int], None]
) -> int:  # fmt: skip
    """Écrit `nombre` demandes et rend le nombre de lignes de toute sorte ; `dire(demandes, lignes)` après chaque lot.

    Lève `PeuplementImpossible`.
    """
    if Demande.objects.exists():
        raise PeuplementImpossible("Cette base contient déjà des demandes : le peuplement veut une base sans aucune.")
    choisis = list(Site.objects.filter(code__in=sites) if sites else Site.objects.all())
    if inconnus := set(sites) - {site.code for site in choisis}:
        raise PeuplementImpossible(f"Site inconnu : {', '.join(sorted(inconnus))}.")
    if not choisis:
        raise PeuplementImpossible("Chargez d'abord les sites : manage.py charger_sites.")
    hasard = random.Random(graine)
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
    histoires = Histoires(modeles, pdf=fichier.pk, hasard=hasard, le=le)
    poids = [
        len(equipes) * 4 / (PART_DU_PREMIER - 1) if rang == 0 else 8 / (1 + rang % 8) for rang in range(len(equipes))
    ]
    rangs: dict[tuple[str, int], int] = {}
    lignes = 0
    for debut in range(0, nombre, LOT):
        fin = min(debut + LOT, nombre)
        for rang in range(debut, fin):
            # Dans l'ordre du temps : le rang d'un numéro croît avec sa date.
            deposee_le = le - DEPUIS + DEPUIS * ((rang + hasard.random()) / nombre)
            jour, (equipe,) = timezone.localdate(deposee_le), hasard.choices(equipes, poids)
            cle = (equipe.site.pk, jour.year)
            rangs[cle] = rangs.get(cle, 0) + 1
            numero = f"{equipe.site.pk}{jour:%Y%m%d}{rangs[cle]:07}"
            histoires.ajouter(rang + 1, numero, equipe=equipe, deposee_le=deposee_le)
        lignes += _ecrire(histoires, rangs)
        dire(fin, lignes)
    with connection.cursor() as curseur:
        curseur.execute("SELECT gin_clean_pending_list('demande_recherche')")
        curseur.execute("ANALYZE")
    return lignes


def _equipes(sites: list[Site], *, le: dt.datetime) -> list[Equipe]:
    """Six agents par site, sans mot de passe : on entre par ceux de la démonstration."""
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
        Equipe(site, tuple(cles[debut : debut + 3]), *cles[debut + 3 : debut + 6])
        for site, debut in zip(sites, range(0, len(cles), len(ROLES)), strict=True)
    ]


@transaction.atomic
def _ecrire(histoires: Histoires, rangs: dict[tuple[str, int], int]) -> int:
    """Un lot entier ou rien, compteurs de numéros compris."""
    Compteur.objects.bulk_create(
        [Compteur(nature="demande", cle=code, annee=annee, dernier=rang) for (code, annee), rang in rangs.items()],
        update_conflicts=True, unique_fields=["nature", "cle", "annee"], update_fields=["dernier"],
    )  # fmt: skip
    with connection.cursor() as curseur:
        # Un contenu figé de 9 ko se comprime plus vite ; l'index des noms se fond par blocs.
        curseur.execute(
            "SET LOCAL default_toast_compression = 'lz4'; SET LOCAL gin_pending_list_limit = '64MB'; "
            "SET LOCAL synchronous_commit = off"
        )
        return sum(table.ecrire(curseur) for table in histoires.tables)
