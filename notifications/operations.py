"""Écrire la boîte d'envoi, dans la transaction de l'appelant ; le départ est l'affaire de `expedition`."""

from django.db import transaction

from documents.models import Document
from notifications.catalogue import MODELES, Canal, Message
from notifications.models import Envoi, Notification
from notifications.tasks import envoyer

PRIORITE_URGENTE, PRIORITE_ORDINAIRE = 0, 5


def notifier(
    message: Message, compte, *, contexte: dict, le, document: Document | None = None, objet: str = ""
) -> Notification:
    """Dit quelque chose à un compte : la notification, et un envoi par canal dont le compte a l'adresse.

    `contexte` : codes et valeurs primitives, jamais un libellé (il figerait la langue de l'appelant).
    """
    notification = Notification.objects.create(
        destinataire=compte, message=message, contexte=contexte, document=document, objet=objet, creee_le=le
    )
    _poster(
        Envoi(
            notification=notification,
            canal=canal,
            adresse=adresse,
            langue=compte.langue,
            message=message,
            contexte=contexte,
            document=document,
            priorite=PRIORITE_ORDINAIRE,
            a_partir_de=le,
        )
        for canal in MODELES[Message(message)].canaux
        if (adresse := _adresse(compte, canal, contexte))
    )
    return notification


def ecrire(
    message: Message,
    *,
    adresse: str,
    langue: str,
    contexte: dict,
    le,
    canal: Canal = Canal.COURRIEL,
    priorite: int = PRIORITE_URGENTE,
) -> Envoi:
    """Écrit à une adresse qui n'a pas, ou pas encore, de compte."""
    (envoi,) = _poster(
        [
            Envoi(
                canal=canal,
                adresse=adresse,
                langue=langue,
                message=message,
                contexte=contexte,
                priorite=priorite,
                a_partir_de=le,
            )
        ]
    )
    return envoi


def marquer_lue(notification: Notification, *, le) -> bool:
    """Pose la première lecture, une seule fois ; vrai si c'est cet appel qui l'a posée."""
    pose = bool(Notification.objects.filter(pk=notification.pk, lue_le__isnull=True).update(lue_le=le))
    notification.refresh_from_db(fields=["lue_le"])
    return pose


def _adresse(compte, canal: Canal, contexte: dict) -> str:
    if canal == Canal.SMS:
        return compte.telephone if contexte.get("sms", True) else ""
    return compte.courriel


def _poster(envois) -> list[Envoi]:
    envois = Envoi.objects.bulk_create(envois)

    def reveiller():
        """Un réveil perdu est sans gravité : le balayage reprend la ligne. Le premier échec arrête la boucle, pour
        qu'un courtier figé ne retienne la requête qu'une fois."""
        for envoi in envois:
            envoyer.delay(envoi.pk)

    # Pas de `partial` : quand il échoue, Django 5.2 lève en cherchant son `__qualname__`, malgré `robust`.
    transaction.on_commit(reveiller, robust=True)
    return envois
