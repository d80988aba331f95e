"""Mots des pages du parcours."""

import datetime as dt

from django import template
from django.utils.translation import gettext as _

from usagers.models import TitreSejour
from usagers.numeros import grouper_ephoto

register = template.Library()


@register.filter
def famille(titre: TitreSejour) -> str:
    """« ÉTUDIANT » pour toutes les mentions d'étudiant (guide 000) ; rien quand la mention dit déjà tout."""
    return _("ÉTUDIANT") if titre.motif.startswith("etudiant") else ""


@register.filter
def lower_premiere(texte: str) -> str:
    """La première lettre en minuscule, au milieu d'une phrase."""
    texte = str(texte)
    return texte[:1].lower() + texte[1:]


@register.filter
def ephoto(numero: str) -> str:
    """« 1PMT - EK77 - 0613 - 1138 - 07AA - 00 »."""
    return grouper_ephoto(numero) if numero else ""


@register.filter
def jour(texte: str) -> str:
    """« 07/01/2027 », d'une date gardée « 2027-01-07 » avec le message."""
    return f"{dt.date.fromisoformat(texte):%d/%m/%Y}"


@register.filter
def paragraphes(texte: str) -> list[dict]:
    """Un texte de pièce en phrases et en listes : une ligne qui commence par un tiret est un élément de liste."""
    resultat: list[dict] = []
    for ligne in texte.splitlines():
        if ligne.startswith("- "):
            if not (resultat and "liste" in resultat[-1]):
                resultat.append({"liste": []})
            resultat[-1]["liste"].append(ligne.removeprefix("- "))
        elif ligne.strip():
            resultat.append({"phrase": ligne})
    return resultat
