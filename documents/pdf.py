"""Le seul module qui touche à WeasyPrint : d'un gabarit à un PDF balisé (PDF/UA-1)."""

import atexit
import base64
import logging
import threading
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import translation

ICI = Path(__file__).parent
VERROU = threading.Lock()  # les polices d'un processus ne servent qu'à un rendu à la fois
POLICES_MARIANNE = ("Marianne-Regular.woff2", "Marianne-Bold.woff2", "Marianne-Regular_Italic.woff2")


class AdresseRefusee(Exception):
    """Un gabarit demande autre chose qu'une donnée incluse ou une police à nous."""


def produire_pdf(gabarit: str, contexte: dict) -> bytes:
    """Rend le gabarit en français ; le texte ne dépend que du gabarit, du contexte et des réglages."""
    import weasyprint  # 1,4 s et 60 Mo, que seuls le travailleur et la liste des pièces paient

    polices, feuille, chargeur = _atelier(settings.MARQUE_ETAT)
    with translation.override("fr"):
        html = render_to_string(gabarit, contexte | {"MARQUE_ETAT": settings.MARQUE_ETAT})
    try:
        with VERROU:
            return weasyprint.HTML(string=html, base_url=None, url_fetcher=chargeur).write_pdf(
                stylesheets=[feuille], font_config=polices, pdf_variant="pdf/ua-1"
            )
    except chargeur.refus as refus:
        raise AdresseRefusee(str(refus)) from refus


def image_incluse(octets: bytes, type_mime: str = "image/svg+xml") -> str:
    """Adresse `data:` d'une image, pour un `<img alt>` : un `<svg>` dans la page n'aurait pas d'alternative."""
    return f"data:{type_mime};base64,{base64.b64encode(octets).decode()}"


@cache
def _atelier(marque_etat: bool):
    """Polices, feuille de style et chargeur : une fois par processus (sinon 1 Mo de plus à chaque rendu)."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    class Chargeur(URLFetcher):
        """`data:` et `police:` seulement ; toute autre adresse arrête le rendu."""

        refus = FatalURLFetchingError

        def fetch(self, url, headers=None):
            if url.startswith("data:"):
                return super().fetch(url, headers)
            if url.startswith("police:") and (chemin := chemin_de_police(url.removeprefix("police:"))):
                return URLFetcherResponse(url, chemin.read_bytes())
            raise FatalURLFetchingError(f"adresse refusée : {url[:80]}")

    for bavard in ("weasyprint.progress", "fontTools"):  # une ligne par étape et par police
        logging.getLogger(bavard).setLevel(logging.WARNING)
    polices, chargeur = FontConfiguration(), Chargeur(allowed_protocols={"data"})
    regles = (ICI / "styles" / "impression.css").read_text()
    if marque_etat:
        regles += (ICI / "styles" / "marque_etat.css").read_text()
    feuille = weasyprint.CSS(string=regles, font_config=polices, url_fetcher=chargeur)
    atexit.register(_atelier.cache_clear)  # la configuration rend ses fichiers avant que l'interprète ne s'éteigne
    return polices, feuille, chargeur


def chemin_de_police(nom: str) -> Path | None:
    if nom in POLICES_MARIANNE:
        return Path(finders.find(f"dsfr/dist/fonts/{nom}"))
    return next((chemin for chemin in (ICI / "polices").iterdir() if chemin.name == nom), None)
