"""Le texte d'un message, dans la langue de qui le reçoit. Un lien signé se calcule ici et ne se conserve nulle part."""

import datetime as dt
import re
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.shortcuts import resolve_url
from django.template import Context, engines
from django.urls import reverse
from django.utils import translation

from notifications.catalogue import Canal, Message

_DATES = {
    "date": dt.date,
    "du": dt.date,
    "au": dt.date,
    "echeance": dt.date,
    "echeance_legale": dt.date,
    "recu_le": dt.datetime,
}


@dataclass(frozen=True)
class Ecrit:
    """Ce qui part : un SMS n'a que son texte."""

    texte: str
    sujet: str = ""
    html: str = ""


def composer(message: Message | str, *, canal: Canal | str, contexte: dict, langue: str) -> Ecrit:
    message = Message(message)
    valeurs = _valeurs(message, contexte, langue)
    with translation.override(langue):
        if canal == Canal.SMS:
            return Ecrit(texte=_ligne(_rendre(f"sms/{message}.txt", valeurs)))
        sujet = valeurs["sujet"] = _ligne(_rendre(f"courriels/{message}.sujet.txt", valeurs))
        return Ecrit(
            texte=re.sub(r"\n{3,}", "\n\n", _rendre(f"courriels/{message}.txt", valeurs)).strip() + "\n",
            sujet=sujet,
            html=_rendre(f"courriels/{message}.html", valeurs),
        )


def adresse(chemin: str = "/") -> str:
    """Une adresse entière du portail, comme la recevra qui n'y est pas encore."""
    return settings.ADRESSE_DU_SITE.rstrip("/") + chemin


def _valeurs(message: Message, contexte: dict, langue: str) -> dict:
    valeurs = {
        **contexte,
        **{cle: type_.fromisoformat(contexte[cle]) for cle, type_ in _DATES.items() if contexte.get(cle)},
        "message": message,
        "langue": langue,
        "marque_etat": settings.MARQUE_ETAT,
        "url_site": adresse(),
        "url_connexion": adresse(resolve_url(settings.LOGIN_URL)),
        "assistance_telephone": settings.ASSISTANCE_TELEPHONE,
        "assistance_courriel": settings.ASSISTANCE_COURRIEL,
    }
    if lien := contexte.get("lien_signe"):
        valeurs["lien"] = adresse(reverse(lien["url"], args=[signing.dumps(lien["objet"], salt=lien["sel"])]))
    return valeurs


def _rendre(gabarit: str, valeurs: dict) -> str:
    contexte = Context(valeurs, autoescape=gabarit.endswith(".html"))
    return engines["django"].engine.get_template(gabarit).render(contexte)


def _ligne(texte: str) -> str:
    """Sur une ligne ; les espaces insécables restent."""
    return re.sub(r"[ \t\r\n]+", " ", texte).strip()
