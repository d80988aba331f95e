"""La liste des pièces d'une démarche, à télécharger avant de commencer : un PDF par jour de droit et par langue."""

import datetime as dt
import itertools
from contextlib import suppress

from django.core.cache import cache
from redis.exceptions import RedisError

from demandes.demarches.base import Demarche, Piece
from demandes.models import PieceReference
from documents.pdf import produire_pdf

DUREE = 24 * 60 * 60


def liste_des_pieces(demarche: Demarche, jour: dt.date, langue: str) -> bytes:
    """Le PDF ; fait une fois par jour et par langue. Sans cache, il est refait à chaque fois."""
    cle = f"pieces:{demarche.code}:{jour}:{langue}"
    contenu = None
    with suppress(RedisError):
        contenu = cache.get(cle)
    if contenu is None:
        contenu = _produire(demarche, jour, langue)
        with suppress(RedisError):
            cache.set(cle, contenu, DUREE)
    return contenu


def _produire(demarche: Demarche, jour: dt.date, langue: str) -> bytes:
    references = {reference.code: reference for reference in PieceReference.objects.en_vigueur(jour)}
    rubriques = [
        {
            "titre": rubrique.titre,
            "intro": rubrique.intro,
            "groupes": [
                {"titre": titre, "pieces": [_piece(demarche, piece, references, langue) for piece in pieces]}
                for titre, pieces in itertools.groupby(groupe, key=lambda piece: piece.sous_rubrique)
            ],
        }
        for rubrique, groupe in itertools.groupby(demarche.pieces, key=lambda piece: piece.rubrique)
    ]
    return produire_pdf(
        "documents/liste_pieces.html",
        {"demarche": demarche, "jour": jour, "langue": langue, "rubriques": rubriques},
    )


def _piece(demarche: Demarche, piece: Piece, references: dict[str, PieceReference], langue: str) -> dict:
    code, suffixe = f"{demarche.code}.{piece.code}", "_en" if langue == "en" else ""
    principale = references[code]
    textes = [references[f"{code}.{variante}"] for variante in piece.variantes] or [principale]
    return {
        "libelle": getattr(principale, f"libelle{suffixe}"),
        "quand": "" if piece.dit_sa_condition else piece.quand,
        "textes": [getattr(reference, f"texte{suffixe}") for reference in textes],
        "facultative": not principale.obligatoire and piece.obligatoire_si is None,
        "a_cocher": piece.declaration,
        "minimum": principale.fichiers_min if principale.fichiers_min > 1 else 0,
    }
