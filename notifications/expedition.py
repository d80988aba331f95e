"""Le départ d'un envoi : le prendre à bail, l'envoyer hors de toute transaction, puis le tamponner.

La ligne en base est la file ; un message du courtier n'est qu'un réveil. Un processus tué entre l'acceptation du
serveur et le tampon laisse un bail qui s'éteint : l'envoi repart une fois, sous le même identifiant.
"""

import datetime as dt
import smtplib
import traceback

import structlog
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from notifications.canaux import nouvelle_reference, remettre
from notifications.models import Envoi

BAIL = dt.timedelta(minutes=2)
TENTATIVES_MAX = 72  # de minute en minute, puis d'heure en heure : trois jours
LOT = 500
journal = structlog.get_logger(__name__)


def expedier(envoi_id: int) -> bool:
    """Envoie, si c'est à faire et si personne d'autre ne le fait ; vrai si cet appel l'a envoyé."""
    envoi = prendre(envoi_id, le=timezone.now())
    if envoi is None:
        return False
    try:
        remettre(envoi)
    except Exception as erreur:
        reporter(envoi, erreur, le=timezone.now())
        return False
    tamponner(envoi, le=timezone.now())
    return True


def a_relancer() -> list[int]:
    """Les envois échus ou abandonnés en route ; ceux qui ont trop essayé passent en échec."""
    le = timezone.now()
    Envoi.objects.filter(etat=Envoi.Etat.EN_COURS, bail__lt=le, tentatives__gte=TENTATIVES_MAX).update(
        etat=Envoi.Etat.ECHEC, bail=None
    )
    envois = Envoi.objects.filter(_libre(le)).order_by("priorite", "a_partir_de", "pk")
    return list(envois.values_list("pk", flat=True)[:LOT])


def prendre(envoi_id: int, *, le) -> Envoi | None:
    """Pose le bail par une seule mise à jour conditionnelle : de plusieurs travailleurs, un seul l'obtient."""
    repris = When(etat=Envoi.Etat.EN_COURS, then=Value(True))
    pris = Envoi.objects.filter(_libre(le), pk=envoi_id).update(
        etat=Envoi.Etat.EN_COURS,
        bail=le + BAIL,
        tentatives=F("tentatives") + 1,
        doublon_possible=Case(repris, default=F("doublon_possible")),
        message_id=Case(When(message_id="", then=Value(nouvelle_reference())), default=F("message_id")),
    )
    return Envoi.objects.select_related("document__fichier").get(pk=envoi_id) if pris else None


def tamponner(envoi: Envoi, *, le) -> None:
    """Le serveur a accepté : c'est vrai même si le bail a expiré entre-temps."""
    Envoi.objects.filter(pk=envoi.pk, etat__in=[Envoi.Etat.EN_COURS, Envoi.Etat.A_ENVOYER]).update(
        etat=Envoi.Etat.ENVOYE, envoye_le=le, bail=None, erreur=""
    )


def reporter(envoi: Envoi, erreur: Exception, *, le) -> None:
    """Rend le bail et donne l'heure du prochain essai, ou constate l'échec."""
    motif = _motif(erreur)
    dernier = envoi.tentatives >= TENTATIVES_MAX
    Envoi.objects.filter(pk=envoi.pk, etat=Envoi.Etat.EN_COURS, bail=envoi.bail).update(
        etat=Envoi.Etat.ECHEC if dernier else Envoi.Etat.A_ENVOYER,
        bail=None,
        a_partir_de=le + attente(envoi.tentatives),
        erreur=motif,
        # La liaison s'est rompue sans réponse : le serveur a pu accepter le message.
        doublon_possible=envoi.doublon_possible or isinstance(erreur, TimeoutError | smtplib.SMTPServerDisconnected),
    )
    journal.warning("envoi_reporte", envoi=envoi.pk, motif=motif, dernier_essai=dernier)


def attente(tentatives: int) -> dt.timedelta:
    return dt.timedelta(minutes=min(60, 2 ** min(tentatives - 1, 6)))


def _libre(le) -> Q:
    return Q(tentatives__lt=TENTATIVES_MAX) & (
        Q(etat=Envoi.Etat.A_ENVOYER, a_partir_de__lte=le) | Q(etat=Envoi.Etat.EN_COURS, bail__lt=le)
    )


def _motif(erreur: Exception) -> str:
    """La sorte d'erreur, son code et l'endroit ; jamais son texte, qui cite l'adresse du destinataire."""
    code = getattr(erreur, "smtp_code", getattr(erreur, "code", ""))
    endroit = traceback.extract_tb(erreur.__traceback__)[-1]
    return f"{type(erreur).__name__} {code} ({endroit.name}, ligne {endroit.lineno})".replace("  ", " ")[:200]
