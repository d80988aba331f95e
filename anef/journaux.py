"""Les journaux techniques : une ligne JSON par fait, sans donnée personnelle.

Trois règles l'assurent : le chemin d'une requête est la route (`compte/activer/<jeton>/`), jamais ce qui a été saisi ;
le texte d'une bibliothèque est écrit sans ses arguments ; une exception est réduite à son type et à ses cadres, car
son message cite souvent une valeur. Adresses électroniques et longs numéros restants sont masqués.
"""

import logging
import re
import sys
import time
import traceback
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

journal = structlog.get_logger("anef.requetes")

COURRIEL = re.compile(r"[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+")
NUMERO = re.compile(r"\+?\d(?:[ .]?\d){7,}")
NON_MASQUES = {"timestamp", "level", "logger", "requete", "tache_id", "exception"}
# Des bibliothèques, seuls ces arguments nommés sont gardés (le nom et l'identifiant d'une tâche de fond).
ARGUMENTS_GARDES = {"name": "tache", "id": "tache_id", "runtime": "duree_s"}


def masquer(texte: str) -> str:
    return NUMERO.sub("[numéro]", COURRIEL.sub("[courriel]", texte))


def masquer_valeurs(_logger, _methode: str, evenement: dict) -> dict:
    for cle, valeur in evenement.items():
        if isinstance(valeur, str) and cle not in NON_MASQUES:
            evenement[cle] = masquer(valeur)
    return evenement


def decrire_exception(erreur: BaseException) -> list[dict]:
    """L'erreur et ses causes, sans leurs messages ; pour la base, le nom de la contrainte violée."""
    chaine = []
    while erreur and len(chaine) < 5:
        ligne = {"type": f"{type(erreur).__module__}.{type(erreur).__qualname__}"}
        if contrainte := getattr(getattr(erreur, "diag", None), "constraint_name", None):
            ligne["contrainte"] = contrainte
        ligne["cadres"] = [f"{c.filename}:{c.lineno} {c.name}" for c in traceback.extract_tb(erreur.__traceback__)]
        chaine.append(ligne)
        erreur = erreur.__cause__ or erreur.__context__
    return chaine


def reduire_exception(_logger, _methode: str, evenement: dict) -> dict:
    infos = evenement.pop("exc_info", None)
    evenement.pop("stack_info", None)
    if infos is True:
        infos = sys.exc_info()
    erreur = infos[1] if isinstance(infos, tuple) else infos
    if isinstance(erreur, BaseException):
        evenement["exception"] = decrire_exception(erreur)
    return evenement


class LigneJson(structlog.stdlib.ProcessorFormatter):
    """Met en JSON nos lignes et celles des bibliothèques, ces dernières sans leurs arguments."""

    def format(self, record: logging.LogRecord) -> str:
        if not isinstance(record.msg, dict):
            arguments = record.args if isinstance(record.args, dict) else {}
            record = logging.makeLogRecord(record.__dict__)
            record.msg, record.args = str(record.msg) if isinstance(record.msg, str) else "", ()
            record.gardes = {nom: arguments[cle] for cle, nom in ARGUMENTS_GARDES.items() if cle in arguments}
        return super().format(record)


def ajouter_arguments_gardes(_logger, _methode: str, evenement: dict) -> dict:
    return {**evenement, **getattr(evenement["_record"], "gardes", {})}


COMMUNS = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *COMMUNS,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": LigneJson,
            "foreign_pre_chain": [*COMMUNS, ajouter_arguments_gardes],
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                reduire_exception,
                masquer_valeurs,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=lambda valeur: type(valeur).__name__),
            ],
        }
    },
    "handlers": {"erreur_standard": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["erreur_standard"], "level": "INFO"},
    "loggers": {
        # Les 4xx ont déjà leur ligne de requête ; de Django on n'ajoute que les erreurs.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"handlers": [], "level": "ERROR", "propagate": True},
        "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
        "gunicorn.error": {"handlers": [], "level": "INFO", "propagate": True},
        "axes": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
    },
}


class JournalMiddleware:
    """Une ligne par requête : identifiant, compte, méthode, route, code, durée."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        identifiant, debut = uuid.uuid4().hex, time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(requete=identifiant)
        response = self.get_response(request)
        response["X-Request-ID"] = identifiant
        route = request.resolver_match.route if request.resolver_match else ""
        journal.info(
            "requete",
            methode=request.method,
            route="/" + route,
            code=response.status_code,
            duree_ms=round((time.perf_counter() - debut) * 1000),
            # Le compte n'est écrit que si la vue l'a déjà chargé : journaliser ne coûte aucune requête à la base.
            compte=getattr(getattr(request, "_cached_user", None), "pk", None),
        )
        return response
