"""Jusqu'à quand une demande close peut être rouverte par la personne, et ce qu'elle doit fournir. Lecture seule."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from demandes.droit import BaremeManquant, baremes
from demandes.etats import ETATS_ACTIFS, ETATS_EN_REMISE, Etat
from demandes.models import Demande, Evenement, PieceJointe
from notifications.models import Notification

BAREME = "reouverture.delai"
# Sous ce code se rangent les fichiers joints pour rouvrir : le service dira à quelle pièce ils répondent.
CODE_DE_PIECE = "REOUVERTURE"
# Closes faute d'une réponse ou d'une pièce : rouvrir, c'est l'apporter.
MOTIFS_AVEC_PIECE = {"cloture.sans_reponse", "cloture.incomplete"}


@dataclass(frozen=True)
class ClotureFaite:
    """La clôture en cours d'une demande. `dernier_jour` : celui où la personne peut encore la faire rouvrir."""

    le: dt.datetime
    motif: str
    notification: Notification | None
    dernier_jour: dt.date

    @property
    def demande_une_piece(self) -> bool:
        return self.motif in MOTIFS_AVEC_PIECE

    @property
    def est_lue(self) -> bool:
        return self.notification is None or self.notification.lue_le is not None

    def est_dans_le_delai(self, jour: dt.date | None = None) -> bool:
        return (jour or timezone.localdate()) <= self.dernier_jour


def jours_pour_rouvrir(jour: dt.date) -> int:
    """Le délai en vigueur le jour de la clôture. Lève `BaremeManquant`."""
    try:
        return baremes(jour)[BAREME]["jours"]
    except KeyError:
        raise BaremeManquant(f"{BAREME}.jours le {jour}") from None


def cloture_faite(demande: Demande) -> ClotureFaite | None:
    """Rien si la demande n'est pas close."""
    if demande.etat != Etat.CLOTUREE:
        return None
    passages = demande.evenements.filter(nature=Evenement.Nature.TRANSITION, apres=Etat.CLOTUREE)
    evenement = passages.select_related("notification").order_by("pk").last()
    if evenement is None:
        return None
    jour = timezone.localdate(evenement.le)
    dernier_jour = jour + dt.timedelta(days=jours_pour_rouvrir(jour))
    return ClotureFaite(evenement.le, evenement.codes.get("motif", ""), evenement.notification, dernier_jour)


def fichiers_en_attente(demande: Demande, cloture: ClotureFaite) -> QuerySet[PieceJointe]:
    """Joints depuis la clôture, pas encore transmis."""
    jointes = PieceJointe.objects.vivantes().filter(demande=demande, code=CODE_DE_PIECE, ajoutee_le__gte=cloture.le)
    return jointes.select_related("fichier")


def autre_demande(demande: Demande) -> Demande | None:
    """Celle qui a pris sa place : une seule en cours par objet, et un titre ne se remplace pas deux fois."""
    autres = Demande.objects.filter(usager=demande.usager_id, objet=demande.objet).exclude(pk=demande.pk)
    active = autres.filter(etat__in=ETATS_ACTIFS).first()
    return active or autres.filter(etat__in=ETATS_EN_REMISE, titre_de_depart=demande.titre_de_depart_id).first()
