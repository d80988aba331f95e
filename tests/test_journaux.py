"""Ce qui sort vraiment dans les journaux : du JSON, sans rien de ce qu'une personne a saisi."""

import ast
import io
import json
import logging
import logging.config
from pathlib import Path

import pytest
import structlog
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path

import anef.urls
from anef.journaux import LOGGING
from tests.factories import CompteFactory
from usagers.models import Compte

RACINE = Path(__file__).resolve().parent.parent
PERSONNEL = ["marie.curie@exemple.fr", "Skłodowska", "0612345678", "9912345678", "06 12 34 56 78", "jeton-secret"]
SAISIE = " ".join(PERSONNEL)


def page_qui_echoue(request, jeton):
    raise ValueError(SAISIE)


def page_qui_va(request, jeton):
    return HttpResponse("oui" if request.user.is_authenticated else "non")


urlpatterns = [
    path("echec/<str:jeton>/", page_qui_echoue),
    path("suivi/<str:jeton>/", page_qui_va),
    *anef.urls.urlpatterns,
]


@pytest.fixture
def lignes(caplog):
    """Les journaux au format des réglages, dans un tampon au lieu de la sortie d'erreur."""
    caplog.set_level(logging.INFO)
    gestionnaire = logging.StreamHandler(io.StringIO())
    gestionnaire.setFormatter(
        logging.config.DictConfigurator(LOGGING).configure_formatter({**LOGGING["formatters"]["json"]})
    )
    logging.getLogger().addHandler(gestionnaire)
    yield lambda: [json.loads(ligne) for ligne in gestionnaire.stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(gestionnaire)


def verifier_anonymat(lignes: list[dict]) -> None:
    texte = json.dumps(lignes, ensure_ascii=False)
    assert not [valeur for valeur in PERSONNEL if valeur in texte]


@pytest.mark.django_db
@pytest.mark.urls("tests.test_journaux")
def test_une_requete_fait_une_ligne_sans_ce_qui_a_ete_saisi(lignes):
    compte = CompteFactory(courriel="marie.curie@exemple.fr")
    client = Client()
    client.force_login(compte, backend="usagers.backends.IdentifiantBackend")

    reponse = client.get("/suivi/jeton-secret/?courriel=marie.curie@exemple.fr&nom=Skłodowska")

    ecrites = lignes()
    (ligne,) = [ligne for ligne in ecrites if ligne["event"] == "requete"]
    assert reponse.content == b"oui"
    assert (ligne["route"], ligne["code"], ligne["methode"]) == ("/suivi/<str:jeton>/", 200, "GET")
    assert ligne["compte"] == compte.pk
    assert ligne["requete"] == reponse["X-Request-ID"]
    assert ligne["duree_ms"] >= 0
    verifier_anonymat(ecrites)


@pytest.mark.urls("tests.test_journaux")
def test_une_erreur_dit_ou_elle_est_nee_mais_pas_son_message(lignes):
    client = Client(raise_request_exception=False)

    reponse = client.get("/echec/jeton-secret/?q=Skłodowska")

    ecrites = lignes()
    (erreur,) = [ligne for ligne in ecrites if ligne["level"] == "error"]
    assert reponse.status_code == 500
    assert erreur["exception"][0]["type"] == "builtins.ValueError"
    assert erreur["exception"][0]["cadres"][-1].endswith("page_qui_echoue")
    assert erreur["requete"] == next(ligne["requete"] for ligne in ecrites if ligne["event"] == "requete")
    verifier_anonymat(ecrites)


@pytest.mark.urls("tests.test_journaux")
def test_une_adresse_inconnue_ne_laisse_pas_ce_qu_elle_contient(lignes):
    Client().get("/marie.curie@exemple.fr/Skłodowska/")

    ecrites = lignes()
    assert [ligne["code"] for ligne in ecrites if ligne["event"] == "requete"] == [404]
    verifier_anonymat(ecrites)


@pytest.mark.django_db
def test_une_erreur_de_la_base_nomme_la_contrainte_et_pas_la_valeur(lignes):
    CompteFactory(identifiant="9912345678")

    try:
        with transaction.atomic():
            Compte.objects.create(identifiant="9912345678", courriel="marie.curie@exemple.fr")
    except IntegrityError:
        structlog.get_logger("essai").exception("creation_refusee")

    ecrites = lignes()
    assert ecrites[-1]["event"] == "creation_refusee"
    assert any("identifiant" in maillon.get("contrainte", "") for maillon in ecrites[-1]["exception"])
    verifier_anonymat(ecrites)


def test_une_bibliotheque_ecrit_son_texte_sans_ses_arguments(lignes):
    logging.getLogger("axes.attempts").warning("AXES: Repeated login failure by %s.", SAISIE)
    logging.getLogger("celery.app.trace").error(
        "Task %(name)s[%(id)s] raised unexpected: %(exc)s",
        {"name": "notifications.tasks.envoyer", "id": "4c3d", "exc": SAISIE, "args": SAISIE},
    )

    axes, celery = lignes()
    assert axes["event"] == "AXES: Repeated login failure by %s."
    assert (celery["tache"], celery["tache_id"]) == ("notifications.tasks.envoyer", "4c3d")
    verifier_anonymat([axes, celery])


def test_un_courriel_ou_un_numero_ecrit_par_megarde_est_masque(lignes):
    structlog.get_logger("essai").info("envoi_refuse", detail="vers marie.curie@exemple.fr, 06 12 34 56 78, 9912345678")

    (ligne,) = lignes()
    assert ligne["detail"] == "vers [courriel], [numéro], [numéro]"


def test_nos_modules_ecrivent_par_structlog():
    """D'une ligne de `logging` seul le texte est gardé : ses arguments, qui disent tout, se perdraient."""
    fautes = [
        f"{fichier.relative_to(RACINE)}:{numero}"
        for app in ["documents", "notifications", "usagers", "demandes", "instruction"]
        for fichier in (RACINE / app).rglob("*.py")
        for numero, ligne in enumerate(fichier.read_text().splitlines(), 1)
        if "getLogger(__name__)" in ligne
    ]
    assert not fautes


def test_aucun_journal_ne_compose_son_texte():
    """Un texte composé (f-string, format) échapperait à ces règles : le fait est un mot, le reste des champs."""
    methodes = {"debug", "info", "warning", "error", "exception", "critical"}
    fautes = []
    for app in ["anef", "documents", "notifications", "usagers", "demandes", "instruction"]:
        for fichier in (RACINE / app).rglob("*.py"):
            for noeud in ast.walk(ast.parse(fichier.read_text())):
                if (
                    isinstance(noeud, ast.Call)
                    and isinstance(noeud.func, ast.Attribute)
                    and noeud.func.attr in methodes
                    and isinstance(noeud.func.value, ast.Name)
                    and noeud.func.value.id in {"journal", "logger", "log", "logging"}
                    and not (noeud.args and isinstance(noeud.args[0], ast.Constant))
                ):
                    fautes.append(f"{fichier.relative_to(RACINE)}:{noeud.lineno}")
    assert not fautes
