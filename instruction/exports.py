"""Les exports du journal : demandés à l'écran, faits en arrière-plan, gardés sept jours, notés au journal eux-mêmes."""

import csv
import datetime as dt
import io

import structlog
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from documents.fichiers import enregistrer_octets
from instruction.journal import REGISTRES, Filtres, Ligne, filtrer, parcourir
from instruction.models import Agent, Consultation, Export
from instruction.operations import GesteInterdit
from instruction.permissions import voit

journal = structlog.get_logger(__name__)
# Au-delà, un tableur ne suit plus : l'auditeur choisit une période plus courte.
LIGNES_MAX = 200_000
BAIL = dt.timedelta(minutes=10)
DUREE_DE_GARDE = dt.timedelta(days=7)
MEME_DEMANDE = dt.timedelta(minutes=1)
# Ce qu'un tableur prendrait pour une formule.
FORMULES = ("=", "+", "-", "@", "\t", "\r")


class TropDeLignes(Exception):
    """L'export dépasserait `LIGNES_MAX`."""


@transaction.atomic
def demander(agent: Agent, *, registre: str, filtres: Filtres, le: dt.datetime) -> Export:
    """Retient la demande, la note au journal, réveille le travailleur. Un second envoi retrouve le premier.

    Lève `GesteInterdit`, `TropDeLignes`.
    """
    agent = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    if not voit(agent, "journal"):
        raise GesteInterdit
    codes = filtres.en_codes
    deja = Export.objects.filter(agent=agent, journal=registre, filtres=codes, demande_le__gt=le - MEME_DEMANDE).first()
    if deja:
        return deja
    if filtrer(REGISTRES[registre], filtres)[: LIGNES_MAX + 1].count() > LIGNES_MAX:
        raise TropDeLignes
    export = Export.objects.create(agent=agent, journal=registre, filtres=codes, demande_le=le)
    objet = " ".join([registre, *(f"{nom}={valeur}" for nom, valeur in codes.items())])
    Consultation.objects.create(agent=agent, nature=Consultation.Nature.EXPORT, objet=objet[:200], le=le)
    transaction.on_commit(_reveil(export.pk), robust=True)
    return export


def _reveil(export_id: int):
    from instruction import tasks  # noqa: PLC0415  (les tâches appellent ce module)

    def reveiller():
        tasks.produire_export.delay(export_id)

    return reveiller


def produire(export_id: int, *, le: dt.datetime) -> Export:
    """Écrit le CSV, une fois : un bail garde deux travailleurs de le faire ensemble."""
    with transaction.atomic():
        export = Export.objects.select_for_update().get(pk=export_id)
        if export.fini_le or (export.bail and export.bail > le):
            return export
        export.bail = le + BAIL
        export.save(update_fields=["bail"])
    with translation.override("fr"):
        contenu, nombre = _en_csv(export)
    nom = f"journal-{export.journal}-{timezone.localtime(export.demande_le):%Y%m%d-%H%M%S}.csv"
    fichier = enregistrer_octets(contenu, nom=nom, type_mime="text/csv; charset=utf-8")
    export.fichier, export.lignes, export.fini_le = fichier, nombre, le
    export.save(update_fields=["fichier", "lignes", "fini_le"])
    return export


def _en_csv(export: Export) -> tuple[bytes, int]:
    """Ce que l'écran montrait au moment de la demande, dans l'ordre de l'écran ; pour un tableur français."""
    registre = REGISTRES[export.journal]
    lignes = filtrer(registre, Filtres.lire(export.filtres)).filter(
        **{f"{registre.champs['le']}__lte": export.demande_le}
    )
    texte, nombre = io.StringIO(), 0
    ecrire = csv.writer(texte, delimiter=";", lineterminator="\r\n").writerow
    ecrire([_("Date et heure"), _("Qui"), _("Site"), _("Dossier"), _("Nature"), _("Détail")])
    for ligne in parcourir(registre, lignes):
        ecrire(_cellules(ligne))
        nombre += 1
    return texte.getvalue().encode("utf-8-sig"), nombre


def _cellules(ligne: Ligne) -> list[str]:
    instant = f"{timezone.localtime(ligne.le):%Y-%m-%d %H:%M:%S}"
    # L'apostrophe garde le numéro en texte, et ôte à une formule ce qui la ferait calculer.
    textes = [ligne.qui, ligne.site, ligne.dossier, ligne.nature, " ".join(ligne.detail.split())]
    return [instant, *(f"'{texte}" if texte.startswith(FORMULES) else texte for texte in textes)]


def relancer(*, le: dt.datetime) -> int:
    """Les exports qu'une panne a laissés ; les fichiers de plus de sept jours sont rendus à la purge."""
    Export.objects.filter(demande_le__lte=le - DUREE_DE_GARDE, fichier__isnull=False).update(fichier=None)
    faits = 0
    for export in Export.objects.filter(fini_le__isnull=True).order_by("demande_le")[:10]:
        try:
            faits += produire(export.pk, le=le).fichier_id is not None
        except Exception:
            journal.exception("export_en_echec", export=export.pk)
    return faits
