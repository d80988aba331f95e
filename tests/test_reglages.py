"""Les réglages : ce que la production refuse, et le fichier d'exemple tenu à jour."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from anef.controles import refuser_base_de_demonstration

RACINE = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "ENVIRONNEMENT": "production",
    "SECRET_KEY": "clé d'essai assez longue et assez variée pour être admise",
    "DEBUG": "non",
    "ALLOWED_HOSTS": "sejour.exemple.invalid",
    "ADRESSE_DU_SITE": "https://sejour.exemple.invalid",
    "EMAIL_URL": "smtp+tls://moi:secret@smtp.exemple.invalid:587",
    "SMS_PASSERELLE_URL": "https://sms.exemple.invalid/messages",
    "DATABASE_URL": "postgres://anef:secret@base.exemple.invalid/anef",
    "REDIS_URL": "redis://cache.exemple.invalid:6379/0",
    "DEUXD_DOC_AUTORITE": "FR05",
}


def python(code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Un interprète neuf, dans l'environnement d'une production où `variables` remplacent les réglages donnés."""
    gardees = {nom: valeur for nom, valeur in os.environ.items() if nom in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={**gardees, "DJANGO_SETTINGS_MODULE": "anef.settings", **PRODUCTION, **variables},
        cwd=RACINE,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_une_production_complete_demarre():
    resultat = python("from django.conf import settings; print(settings.DEMONSTRATION, settings.SESSION_COOKIE_SECURE)")

    assert resultat.stdout.split() == ["False", "True"], resultat.stderr


def test_une_production_complete_passe_les_controles_de_deploiement():
    resultat = python(
        "import django; django.setup(); from django.core.management import call_command as c;"
        "c('check', deploy=True, fail_level='WARNING')"
    )

    assert resultat.returncode == 0, resultat.stderr


# Chaque réglage qu'une production refuse, et ce que dit le refus.
REFUS = [
    ("SECRET_KEY", "", "SECRET_KEY"),
    ("SECRET_KEY", "trop-courte", "SECRET_KEY"),
    ("DEBUG", "oui", "DEBUG"),
    ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS"),
    ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS"),
    ("ADRESSE_DU_SITE", "http://sejour.exemple.invalid", "ADRESSE_DU_SITE"),
    ("EMAIL_URL", "", "EMAIL_URL"),
    ("EMAIL_URL", "consolemail://", "EMAIL_URL"),
    ("SMS_PASSERELLE_URL", "", "SMS_PASSERELLE_URL"),
    ("SMS_PASSERELLE_URL", "http://sms.exemple.invalid/", "SMS_PASSERELLE_URL"),
    ("SECOND_FACTEUR", "non", "SECOND_FACTEUR"),
    ("DATABASE_URL", "", "DATABASE_URL"),
    ("REDIS_URL", "", "REDIS_URL"),
    ("DEUXD_DOC_AUTORITE", "FR00", "autorité d'essai"),
    ("ENVIRONNEMENT", "essai", "ENVIRONNEMENT"),
]
# Les réglages se relisent pour chaque cas dans un même interprète, comme `import anef.settings` le ferait dans un neuf.
RELIRE = """
import json, os, runpy, sys, django.core.exceptions as e
depart, dits = dict(os.environ), []
for variable, valeur, _ in json.loads(sys.argv[1]):
    os.environ.clear(); os.environ.update(depart | {variable: valeur})
    try:
        runpy.run_module("anef.settings")
        dits.append("")
    except e.ImproperlyConfigured as refus:
        dits.append(str(refus))
print(json.dumps(dits))
"""


def test_une_production_incomplete_refuse_de_demarrer():
    resultat = python(RELIRE, json.dumps([("DEBUG", "non", ""), *REFUS]))

    complete, *dits = json.loads(resultat.stdout)
    assert complete == ""
    for (variable, valeur, attendu), dit in zip(REFUS, dits, strict=True):
        assert attendu in dit, (variable, valeur, dit)


def test_un_refus_arrete_le_demarrage():
    resultat = python("from django.conf import settings; settings.DEBUG", SECRET_KEY="trop-courte")

    assert resultat.returncode != 0
    assert "ImproperlyConfigured" in resultat.stderr.strip().splitlines()[-1]


def test_sans_variable_la_production_est_supposee_et_refusee():
    resultat = python("from django.conf import settings; settings.DEBUG", **dict.fromkeys(PRODUCTION, ""))

    assert resultat.returncode != 0


@pytest.mark.django_db
def test_une_production_refuse_la_base_d_une_demonstration(settings):
    settings.DEMONSTRATION = False
    refuser_base_de_demonstration()  # une base ordinaire passe

    Group.objects.create(name=settings.GROUPE_DEMONSTRATION)

    with pytest.raises(ImproperlyConfigured, match="comptes de démonstration"):
        refuser_base_de_demonstration()
    with pytest.raises(SystemCheckError, match=r"anef\.E001"):
        call_command("check", databases=["default"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "demarrage",
    [
        pytest.param("import anef.wsgi", id="web"),
        pytest.param(
            "import django; django.setup(); from celery.signals import worker_init; worker_init.send(None)",
            id="worker",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "import django; django.setup(); from celery.signals import beat_init; beat_init.send(None)",
            id="horloge",
            marks=pytest.mark.long,
        ),
    ],
)
def test_aucun_processus_de_production_ne_demarre_sur_la_base_d_une_demonstration(demarrage, settings, tmp_path):
    """Des processus neufs, sur la base de test marquée : celle-ci, et non une doublure, les arrête."""
    (tmp_path / "static").mkdir()
    marque = Group.objects.create(name=settings.GROUPE_DEMONSTRATION)
    base = urlsplit(settings.DATABASE_URL)._replace(path="/" + settings.DATABASES["default"]["NAME"]).geturl()
    variables = {"DATABASE_URL": base, "DOSSIER_VAR": str(tmp_path)}

    refuse = python(demarrage, **variables)
    marque.delete()
    accepte = python(demarrage, **variables)

    assert refuse.returncode == 1
    assert "comptes de démonstration" in refuse.stderr
    assert accepte.returncode == 0, accepte.stderr


@pytest.mark.django_db
def test_la_demonstration_accepte_sa_base(settings):
    Group.objects.create(name=settings.GROUPE_DEMONSTRATION)

    refuser_base_de_demonstration()


def test_le_web_renonce_vite_a_un_verrou_ou_a_une_requete_lente(settings, tmp_path):
    """Les délais arrivent au serveur de base de données par la connexion même du web."""
    (tmp_path / "static").mkdir()
    resultat = python(
        "import anef.wsgi, os; from django.db import connection as c; k = c.cursor();"
        "k.execute('SHOW lock_timeout'); a = k.fetchone()[0]; k.execute('SHOW statement_timeout');"
        "print(a, k.fetchone()[0])",
        ENVIRONNEMENT="demonstration",
        SECRET_KEY="essai",
        DOSSIER_VAR=str(tmp_path),
        DATABASE_URL=settings.DATABASE_URL,
    )

    assert resultat.stdout.split() == ["5s", "15s"], resultat.stderr


def test_une_cle_est_lue_sous_var_en_demonstration(tmp_path):
    (tmp_path / "cle_secrete").write_text("une clé de démonstration\n")

    resultat = python(
        "from django.conf import settings; print(settings.SECRET_KEY)",
        ENVIRONNEMENT="demonstration",
        SECRET_KEY="",
        DOSSIER_VAR=str(tmp_path),
    )

    assert resultat.stdout.strip() == "une clé de démonstration", resultat.stderr


def test_oui_vaut_vrai():
    resultat = python("from django.conf import settings; print(settings.MARQUE_ETAT)", MARQUE_ETAT="oui")

    assert resultat.stdout.strip() == "True", resultat.stderr


# --- Le fichier d'exemple -------------------------------------------------------------------------------------------
LECTURE = re.compile(r"""(?:env\.\w+|environ\.setdefault)\(\s*["']([A-Z0-9_]+)["']""")
COMPOSE = re.compile(r"^\s+([A-Z][A-Z0-9_]+):|\$\{([A-Z0-9_]+)", re.MULTILINE)
EXEMPLE = re.compile(r"^#?([A-Z][A-Z0-9_]+)=", re.MULTILINE)


def variables_lues() -> set[str]:
    lues = {nom for fichier in (RACINE / "anef").rglob("*.py") for nom in LECTURE.findall(fichier.read_text())}
    composees = COMPOSE.findall((RACINE / "docker-compose.yml").read_text())
    return (lues | {nom for paire in composees for nom in paire if nom}) - {"DJANGO_SETTINGS_MODULE"}


def test_le_fichier_d_exemple_nomme_chaque_variable_lue_et_aucune_autre():
    decrites = EXEMPLE.findall((RACINE / ".env.exemple").read_text())

    assert len(decrites) == len(set(decrites))
    assert set(decrites) == variables_lues()


def test_chaque_variable_du_fichier_d_exemple_est_expliquee_sur_la_ligne_d_avant():
    lignes = (RACINE / ".env.exemple").read_text().splitlines()

    muettes = [
        ligne
        for precedente, ligne in zip(["", *lignes], lignes, strict=False)
        if EXEMPLE.match(ligne) and not re.match(r"^# .{10,}\.$", precedente)
    ]
    assert not muettes
