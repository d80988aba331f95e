"""Retirer une demande déposée : la personne renonce, rien ne sera décidé."""

import datetime as dt

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from demandes.etats import ETATS_A_INSTRUIRE, Etat
from demandes.models import Demande
from demandes.operations.base import contexte_du_message, verrouiller
from demandes.reperes import DemandeChangee, repere
from documents import operations as documents
from documents.catalogue import Acte
from documents.models import Document
from notifications.catalogue import Message
from notifications.operations import notifier
from usagers.models import Compte

# Ce qui prouvait qu'une demande était en cours ne prouve plus rien.
ATTESTATIONS = (Acte.CONFIRMATION_DEPOT, Acte.PROLONGATION)


class Raison(models.TextChoices):
    """Au journal par son code : la raison est facultative, et ne s'écrit pas en toutes lettres."""

    ERREUR = "erreur", _("Ma demande contient une erreur")
    AUTRE_DEMANDE = "autre_demande", _("Je vais déposer une autre demande")
    SANS_BESOIN = "sans_besoin", _("Je n'ai plus besoin de ce titre")
    DEPART = "depart", _("Je quitte la France")
    AUTRE = "autre", _("Une autre raison")


@transaction.atomic
def retirer_demande(demande: Demande, *, vu: int, raison: str = "", par: Compte, le: dt.datetime) -> Demande:
    """T16, jusqu'à la décision. Un second appel rend la demande déjà retirée. Lève `DemandeChangee`.

    Un acte signé qui attend son heure n'est encore rien : le retrait l'emporte, et l'acte s'abandonnera de lui-même.
    Une fois la décision prise, c'est elle qui l'emporte. `vu` : le repère de la page (`demandes.reperes`).
    """
    demande = verrouiller(demande)
    if demande.etat == Etat.RETIREE:
        return demande
    if demande.etat not in ETATS_A_INSTRUIRE or repere(demande) != vu:
        raise DemandeChangee(demande)
    demande.complements.filter(repondu_le__isnull=True, annule_le__isnull=True).update(annule_le=le)
    demande.clotures.proposees().update(ecartee_le=le)
    for document in Document.objects.filter(evenements__demande=demande, acte__in=ATTESTATIONS).distinct():
        documents.retirer(document, motif="Demande retirée par l'usager", le=le)
    notification = notifier(
        Message.DEMANDE_RETIREE, demande.usager.compte, le=le, objet=demande.numero,
        contexte=contexte_du_message(demande),
    )  # fmt: skip
    codes = {"raison": raison} if raison else {}
    demande.passer_a(Etat.RETIREE, par=par, le=le, notification=notification, codes=codes)
    return demande
