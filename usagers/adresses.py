"""Chercher une adresse de France : une interface, deux services au choix de `ADRESSES_SERVICE`.

`locale` lit la table remplie par `manage.py importer_adresses` ; `geoplateforme` interroge le géocodeur de l'IGN.
Aucun des deux ne lève : un service en panne rend une liste vide qui dit `indisponible`, et la page montre les champs à
remplir à la main, ce qu'elle permet de toute façon.
"""

import json
import re
import time
import unicodedata
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.contrib.postgres.search import TrigramWordSimilarity
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.db.models import Q, QuerySet
from redis.exceptions import RedisError

from usagers.models import AdresseLocale

journal = structlog.get_logger(__name__)
LONGUEUR_MIN = 3  # sous trois lettres, il n'y a pas de trigramme
LONGUEUR_MAX = 200  # limite du géocodeur
ARRONDISSEMENT = re.compile(r" \d+er? Arrondissement$")


@dataclass(frozen=True)
class AdresseTrouvee:
    """Une adresse proposée ; `cle` est l'identifiant de la Base adresse nationale."""

    cle: str
    numero: str
    voie: str
    code_postal: str
    commune: str
    insee: str

    @property
    def libelle(self) -> str:
        """« 18 Rue des Pyrénées 75020 Paris »."""
        return f"{self.numero} {self.voie} {self.code_postal} {self.commune}".strip()


class Adresses(list[AdresseTrouvee]):
    """Les adresses trouvées. `indisponible` : le service n'a pas répondu, ce qui n'est pas « aucune adresse »."""

    def __init__(self, adresses=(), *, indisponible: bool = False):
        super().__init__(adresses)
        self.indisponible = indisponible


def chercher(texte: str, *, limite: int = 5) -> Adresses:
    """Les adresses qui ressemblent le plus à ce qui est tapé, la meilleure d'abord."""
    texte = " ".join(texte.split())[:LONGUEUR_MAX]
    if len(en_recherche(texte)) < LONGUEUR_MIN:
        return Adresses()
    return SERVICES[settings.ADRESSES_SERVICE](texte, limite)


def en_recherche(texte: str) -> str:
    """Minuscules sans accent ni ponctuation : « 18 rue des pyrenees 75020 paris »."""
    decompose = unicodedata.normalize("NFKD", texte.lower().replace("œ", "oe").replace("æ", "ae"))
    lettres = "".join(caractere for caractere in decompose if not unicodedata.combining(caractere))
    return " ".join(re.sub(r"[\W_]+", " ", lettres).split())


def nom_de_commune(nom: str) -> str:
    """« Paris 20e Arrondissement » → « Paris » : l'arrondissement se lit dans le code postal."""
    return ARRONDISSEMENT.sub("", nom)


# --- Base locale -------------------------------------------------------------------------------------------------

# Mots que portent trop d'adresses pour choisir les candidates ; ils comptent encore dans le classement.
MOTS_COURANTS = {
    "rue", "avenue", "boulevard", "chemin", "impasse", "allee", "allees", "place", "route", "square", "quai", "passage",
    "residence", "des", "les", "aux", "sur",
}  # fmt: skip
CANDIDATES = 500
NUMERO = re.compile(r"[0-9]{1,4}")
# Deux secondes au plus ; une ou deux lettres fausses par mot (« pirennees »).
REGLAGES = "SET LOCAL statement_timeout = 2000; SET LOCAL pg_trgm.word_similarity_threshold = 0.45"


def chercher_localement(texte: str, limite: int) -> Adresses:
    """D'abord les adresses qui contiennent chaque mot, même inachevé ; à défaut celles qui leur ressemblent."""
    recherche = en_recherche(texte)
    mots = recherche.split()
    choisis = [mot for mot in mots if len(mot) >= LONGUEUR_MIN and mot not in MOTS_COURANTS]
    choisis = choisis or [mot for mot in mots if len(mot) >= LONGUEUR_MIN]
    if not choisis:
        return Adresses()
    adresses = AdresseLocale.objects.all()
    if len(mots) > 1 and NUMERO.fullmatch(mots[0]):
        adresses = adresses.filter(Q(numero=mots[0]) | Q(numero__startswith=f"{mots[0]} "))
    contenant = adresses.filter(*(Q(recherche__contains=mot) for mot in choisis))
    ressemblant = adresses.filter(recherche__trigram_word_similar=" ".join(choisis))
    try:
        with transaction.atomic(), connection.cursor() as curseur:
            curseur.execute(REGLAGES)
            trouvees = _classer(contenant, recherche, limite) or _classer(ressemblant, recherche, limite)
    except DatabaseError:
        journal.warning("adresses_locales_indisponibles", exc_info=True)
        return Adresses(indisponible=True)
    return Adresses(AdresseTrouvee(**adresse) for adresse in trouvees)


def _classer(candidates: QuerySet[AdresseLocale], recherche: str, limite: int) -> list[dict]:
    """Les plus ressemblantes de quelques centaines de candidates : le temps reste borné sur toute la France."""
    return list(
        AdresseLocale.objects.filter(pk__in=candidates.values("pk")[:CANDIDATES])
        .order_by(TrigramWordSimilarity(recherche, "recherche").desc(), "recherche")
        .values("cle", "numero", "voie", "code_postal", "commune", "insee")[:limite]
    )


# --- Géoplateforme -----------------------------------------------------------------------------------------------

DELAI = 2  # secondes (patterns §2.4)
OCTETS_MAX = 200_000
# Disjoncteur : après trois échecs en une minute, le service n'est plus appelé pendant une minute.
ECHECS_ADMIS, REPOS = 3, 60
CLE_ECHECS = "adresses:geoplateforme:echecs"


def chercher_en_ligne(texte: str, limite: int) -> Adresses:
    """Le géocodeur de la Géoplateforme ; hors service ou lent, aucune adresse et aucune erreur."""
    if _est_ouvert():
        return Adresses(indisponible=True)
    try:
        reponse = _interroger(texte, limite)
        adresses = [lue for trait in reponse["features"] if (lue := _lire(trait["properties"]))]
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError) as erreur:
        if isinstance(erreur, HTTPError) and erreur.code == HTTPStatus.BAD_REQUEST:
            return Adresses()  # le texte ne fait pas une adresse
        journal.warning("geocodeur_indisponible", erreur=type(erreur).__name__)
        _compter_un_echec()
        return Adresses(indisponible=True)
    return Adresses(adresses[:limite])


def _interroger(texte: str, limite: int) -> dict:
    parametres = urlencode({"q": texte, "limit": limite, "autocomplete": 1, "index": "address"})
    requete = urllib.request.Request(
        f"{settings.ADRESSES_URL}/search?{parametres}", headers={"User-Agent": "anef-sejour"}
    )
    echeance = time.monotonic() + DELAI
    with urllib.request.urlopen(requete, timeout=DELAI) as reponse:
        return json.loads(_lire_avant(reponse, echeance))


def _lire_avant(reponse, echeance: float) -> bytes:
    """Le corps de la réponse : un serveur qui l'égrène ne retient pas la page plus longtemps qu'un serveur muet."""
    corps = b""
    while morceau := reponse.read1(65536):
        corps += morceau
        if time.monotonic() > echeance or len(corps) > OCTETS_MAX:
            raise TimeoutError("réponse trop lente ou trop longue")
    return corps


def _lire(proprietes: dict) -> AdresseTrouvee | None:
    """Une adresse de la réponse ; une commune seule (`municipality`) n'est pas une adresse."""
    if proprietes.get("type") not in {"housenumber", "street", "locality"}:
        return None
    return AdresseTrouvee(
        cle=str(proprietes.get("id", "")),
        numero=str(proprietes.get("housenumber", "")),
        voie=str(proprietes.get("street") or proprietes["name"]),
        code_postal=str(proprietes["postcode"]),
        commune=nom_de_commune(str(proprietes["city"])),
        insee=str(proprietes["citycode"]),
    )


def _est_ouvert() -> bool:
    try:
        return cache.get(CLE_ECHECS, 0) >= ECHECS_ADMIS
    except RedisError:
        return False


def _compter_un_echec() -> None:
    try:
        cache.add(CLE_ECHECS, 0, REPOS)
        if cache.incr(CLE_ECHECS) >= ECHECS_ADMIS:
            cache.touch(CLE_ECHECS, REPOS)
    except (RedisError, ValueError):
        journal.warning("echec_du_geocodeur_non_compte")


SERVICES: dict[str, Callable[[str, int], Adresses]] = {
    "locale": chercher_localement,
    "geoplateforme": chercher_en_ligne,
}
