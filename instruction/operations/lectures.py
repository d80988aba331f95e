"""Ce que les agents ouvrent et lisent : l'accès à un dossier d'un autre site, et la trace de chaque lecture."""

import datetime as dt

from django.db import transaction

from demandes.models import Demande
from instruction.models import AccesExceptionnel, Agent, Consultation
from instruction.operations.base import GesteInterdit
from instruction.permissions import acces_ouverts, voit

# Un dossier d'un autre site reste ouvert une journée de travail.
DUREE_D_ACCES = dt.timedelta(hours=8)
# Recharger une page, ou en tourner une, n'est pas une autre lecture.
MEME_LECTURE = dt.timedelta(minutes=1)


@transaction.atomic
def ouvrir_acces(demande: Demande, *, agent: Agent, motif: str, le: dt.datetime) -> AccesExceptionnel:
    """Ouvre à la lecture, huit heures, un dossier d'un autre site ; un second envoi retrouve l'accès déjà ouvert.

    Lève `GesteInterdit` si ce rôle ne lit pas de dossiers, ou si le dossier est déjà de son site.
    """
    # Deux envois à la fois attendent ici : le second trouve l'accès du premier.
    agent = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    if not voit(agent, "autre_site") or demande.numero is None or demande.site_id == agent.site_id:
        raise GesteInterdit
    deja = acces_ouverts(agent, le=le).filter(demande=demande, motif=motif).order_by("expire_le").last()
    return deja or AccesExceptionnel.objects.create(
        agent=agent, demande=demande, motif=motif, ouvert_le=le, expire_le=le + DUREE_D_ACCES
    )


def noter_lecture(
    agent: Agent,
    demande: Demande | None,
    nature: Consultation.Nature,
    *,
    le: dt.datetime,
    objet: str = "",
    acces: AccesExceptionnel | None = None,
) -> Consultation | None:
    """Une ligne par agent, objet et minute ; rien si la même lecture vient d'être notée."""
    meme = {"agent": agent, "demande": demande, "nature": nature, "objet": objet, "acces": acces}
    if Consultation.objects.filter(**meme, le__gt=le - MEME_LECTURE).exists():
        return None
    return Consultation.objects.create(**meme, le=le)
