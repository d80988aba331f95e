"""Ce que le service et la personne se sont écrit, dans l'ordre : envoyé, lu, répondu."""

import datetime as dt
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from demandes.models import Complement, Demande, Instantane
from documents.models import Document
from notifications.catalogue import MODELES, Canal, Message
from notifications.composition import composer
from notifications.models import Envoi, Notification


@dataclass(frozen=True)
class Echange:
    """`recu` : de la personne vers le service. `lignes` : ce qui est demandé ou répondu, (libellé, texte)."""

    le: dt.datetime
    titre: str
    recu: bool
    texte: str = ""
    lignes: list[tuple[str, str]] = field(default_factory=list)
    lettre: str = ""
    a_lire: bool = False
    lu_le: dt.datetime | None = None
    repondu_le: dt.datetime | None = None
    echeance: dt.date | None = None
    annule_le: dt.datetime | None = None
    document: Document | None = None
    envois: list[Envoi] = field(default_factory=list)


def echanges(demande: Demande, instantanes: list[Instantane]) -> list[Echange]:
    """Du plus récent au plus ancien."""
    complements = list(demande.complements.prefetch_related("lignes"))
    notifications = (
        Notification.objects.filter(destinataire=demande.usager.compte, objet=demande.numero)
        .select_related("document__fichier")
        .prefetch_related("envois")
    )
    par_notification = {complement.notification_id: complement for complement in complements}
    envoyes = [_envoye(notification, par_notification.get(notification.pk)) for notification in notifications]
    recus = [_depot(instantane) for instantane in instantanes if instantane.cause == Instantane.Cause.DEPOT]
    recus += [_reponse(complement) for complement in complements if complement.repondu_le]
    recus += [
        _reouverture(instantane) for instantane in instantanes if instantane.cause == Instantane.Cause.REOUVERTURE
    ]
    return sorted(envoyes + recus, key=lambda echange: echange.le, reverse=True)


def _envoye(notification: Notification, complement: Complement | None) -> Echange:
    message = Message(notification.message)
    return Echange(
        le=notification.creee_le,
        titre=str(message.label),
        recu=False,
        texte=complement.message if complement else "",
        lignes=[(ligne.libelle, ligne.consigne) for ligne in complement.lignes.all()] if complement else [],
        lettre=_lettre(notification),
        a_lire=MODELES[message].portail,
        lu_le=notification.lue_le,
        repondu_le=complement.repondu_le if complement else notification.repondue_le,
        echeance=complement.echeance_le if complement else None,
        annule_le=complement.annule_le if complement else None,
        document=notification.document,
        envois=sorted(notification.envois.all(), key=lambda envoi: envoi.canal),
    )


def _lettre(notification: Notification) -> str:
    """Le courriel, recomposé comme il est parti ; un lien signé ne se recompose pas."""
    if "lien_signe" in notification.contexte:
        return ""
    courriel = next((envoi for envoi in notification.envois.all() if envoi.canal == Canal.COURRIEL), None)
    if courriel is None:
        return ""
    return composer(
        notification.message, canal=Canal.COURRIEL, contexte=courriel.contexte, langue=courriel.langue
    ).texte


def _depot(instantane: Instantane) -> Echange:
    pieces = instantane.contenu.get("pieces", ())
    nombre = sum(len(piece["fichiers"]) for piece in pieces)
    return Echange(
        le=instantane.le,
        titre=_("Dépôt de la demande"),
        recu=True,
        texte=instantane.contenu.get("observations", ""),
        lignes=[(_("Fichiers joints"), str(nombre))],
    )


def _reponse(complement: Complement) -> Echange:
    lignes = []
    for ligne in complement.lignes.all():
        reponse = ligne.get_reponse_display() or _("sans réponse")
        lignes.append((ligne.libelle, f"{reponse} – {ligne.justification}" if ligne.justification else reponse))
    return Echange(
        le=complement.repondu_le,
        titre=_("Réponse à la demande de complément"),
        recu=True,
        texte=complement.reponse,
        lignes=lignes,
    )


def _reouverture(instantane: Instantane) -> Echange:
    derniere = instantane.contenu["reouvertures"][-1]
    return Echange(
        le=instantane.le,
        titre=_("Réouverture par l'usager"),
        recu=True,
        texte=derniere["message"],
        lignes=[(_("Fichiers joints"), str(derniere["fichiers"]))],
    )
