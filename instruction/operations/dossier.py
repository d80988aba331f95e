"""Ce qu'un agent écrit en lisant un dossier : une note, le contrôle d'une pièce. L'état n'en dépend pas."""

import datetime as dt

from django.db import transaction

from demandes.models import Demande, Evenement, PieceJointe
from demandes.operations import verrouiller
from instruction.models import Agent, ControlePiece, NoteInterne
from instruction.operations.base import GesteInterdit
from instruction.permissions import a_une_file

# Le second envoi du même formulaire n'ajoute pas une seconde note.
MEME_NOTE = dt.timedelta(minutes=5)


@transaction.atomic
def noter(demande: Demande, texte: str, *, agent: Agent, le: dt.datetime) -> NoteInterne:
    """Ajoute une note interne. Lève `GesteInterdit` si le dossier n'est pas de son site."""
    _exiger_son_dossier(demande, agent)
    demande = verrouiller(demande)
    deja = demande.notes.filter(agent=agent, texte=texte, le__gt=le - MEME_NOTE).first()
    return deja or NoteInterne.objects.create(demande=demande, agent=agent, texte=texte, le=le)


@transaction.atomic
def controler_piece(
    piece: PieceJointe, *, verifiee: bool, datee_du: dt.date | None, agent: Agent, le: dt.datetime
) -> ControlePiece:
    """Garde ce que l'agent a relevé de ce fichier, et le porte au journal ; le dernier contrôle l'emporte.

    Redire la même chose n'écrit rien. Lève `GesteInterdit`.
    """
    _exiger_son_dossier(piece.demande, agent)
    verrouiller(piece.demande)
    avant = ControlePiece.objects.filter(piece=piece).first()
    if avant and (avant.verifiee, avant.datee_du) == (verifiee, datee_du):
        return avant
    valeurs = {"verifiee": verifiee, "datee_du": datee_du, "par": agent, "le": le}
    controle, _ = ControlePiece.objects.update_or_create(piece=piece, defaults=valeurs)
    if avant is None and not verifiee and datee_du is None:  # passée sans rien en relever
        return controle
    Evenement.objects.create(
        usager_id=piece.demande.usager_id, demande=piece.demande, nature=Evenement.Nature.CONTROLE, par=agent.compte,
        le=le, codes={
            "piece": piece.code, "fichier": piece.pk, "verifiee": verifiee,
            "datee_du": datee_du.isoformat() if datee_du else "",
        },
    )  # fmt: skip
    return controle


def _exiger_son_dossier(demande: Demande, agent: Agent) -> None:
    """Un dossier d'un autre site, ouvert par exception, se lit sans rien y écrire."""
    if not agent.actif or agent.site_id != demande.site_id or not a_une_file(agent):
        raise GesteInterdit
