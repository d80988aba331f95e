"""Réglages communs à toute la suite."""

import datetime as dt
import gc
import os
import time
import uuid

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.core.signals import request_finished, request_started
from django.db import connection, transaction
from django.test import Client, TransactionTestCase, override_settings
from django.test.signals import template_rendered
from django.utils import translation

from documents import autorite
from tests.cliche import DEJA_LA, PREFIXE_DU_CACHE, rangement
from tests.gabarits import gabarits

pytest_plugins = ["tests.situations"]
# Le Chromium sans écran que Playwright emploie aussi par défaut : le même moteur, près de deux fois moins de calcul.
CHROMIUM = "/usr/bin/chromium-headless-shell"
ARGUMENTS_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]
# Playwright tient une boucle asynchrone ouverte dans le fil des tests : Django y refuserait la base.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(autouse=True)
def dossiers_temporaires(settings, tmp_path):
    """Aucun test n'écrit dans les fichiers d'une installation."""
    for nom, valeur in rangement(tmp_path / "fichiers").items():
        setattr(settings, nom, valeur)


@pytest.fixture(autouse=True)
def cache_neuf():
    PREFIXE_DU_CACHE[0] = uuid.uuid4().hex


@pytest.fixture(autouse=True)
def langue_de_depart():
    """Une page demandée en anglais laisse sa langue au fil des tests ; le suivant repart en français."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """La base d'essai s'efface même si un fil du serveur d'essai, tué avec Chromium, tient encore sa connexion."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as curseur:
        curseur.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def vider_la_base(_essai) -> None:
    """Après un test qui écrit pour de bon : les lignes des tables où il en reste, journaux compris.

    Django viderait chaque table et recréerait ensuite droits et types de contenu : dix fois plus long.
    """
    with transaction.atomic(), connection.cursor() as curseur:
        tables = sorted(set(connection.introspection.table_names(curseur)) - DEJA_LA)
        curseur.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")  # un enregistrement encore en route attend
        curseur.execute(" UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM {t})" for t in tables))
        pleines = [table for (table,) in curseur.fetchall()]
        ordres = [f"ALTER TABLE {t} DISABLE TRIGGER USER" for t in pleines]
        ordres += [f"DELETE FROM {t}" for t in pleines]
        ordres += ["SET CONSTRAINTS ALL IMMEDIATE", *(f"ALTER TABLE {t} ENABLE TRIGGER USER" for t in pleines)]
        if pleines:
            curseur.execute(";".join(ordres))


TransactionTestCase._fixture_teardown = vider_la_base


@pytest.fixture(scope="session")
def autorite_d_essai(tmp_path_factory):
    """Une autorité 2D-Doc d'essai pour toute la suite.

    Son certificat couvre les dates fixes des tests et le jour où la suite tourne, quel qu'il soit.
    """
    dossier = tmp_path_factory.mktemp("2d-doc")
    debut = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    with override_settings(DEUXD_DOC_DOSSIER=dossier):
        autorite.creer_autorite_test(le=debut)
        lieu = autorite.dossier(autorite.AUTORITE_ESSAI)
        autorite.emettre(lieu, autorite.PREMIER_CERTIFICAT, le=debut, duree=dt.timedelta(days=50 * 365))
    return dossier


@pytest.fixture(autouse=True)
def certificats_d_essai(settings, autorite_d_essai):
    settings.DEUXD_DOC_DOSSIER = autorite_d_essai


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": ARGUMENTS_CHROMIUM}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "locale": "fr-FR", "timezone_id": "Europe/Paris"}


@pytest.fixture
def page(page):
    """Une page de Chromium qui fait échouer le test à la première erreur du navigateur (console, script, requête).

    Un test qui attend une page d'erreur (404, 429) vide ou complète `page.fautes` avant de finir.
    """
    page.fautes = []
    page.on("console", lambda m: page.fautes.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda erreur: page.fautes.append(str(erreur)))
    # Quitter une page abandonne ses requêtes en cours : ce n'est pas une faute.
    page.on(
        "requestfailed",
        lambda r: None if r.failure == "net::ERR_ABORTED" else page.fautes.append(f"{r.method} {r.url} : {r.failure}"),
    )
    en_cours = []

    def commence(**_):
        en_cours.append(1)

    def finit(**_):
        if en_cours:
            en_cours.pop()

    request_started.connect(commence)
    request_finished.connect(finit)
    yield page
    page.close()
    # Un enregistrement encore en route au serveur se heurterait à la base qu'on vide : on l'attend.
    fin = time.monotonic() + 3
    while en_cours and time.monotonic() < fin:
        time.sleep(0.02)
    request_started.disconnect(commence)
    request_finished.disconnect(finit)
    assert not page.fautes, page.fautes


@pytest.fixture
def se_connecter(live_server, page):
    """`se_connecter(compte)` : ouvre la session du compte dans Chromium, sans passer par l'écran de connexion."""

    def connecter(compte):
        client = Client()
        client.force_login(compte, backend="usagers.backends.IdentifiantBackend")
        page.context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
        )

    return connecter


def violations_axe(page, **options) -> list[dict]:
    """Ce qu'axe reproche à la page ; en thème sombre, qui ne change que les couleurs, les seuls contrastes."""
    page.wait_for_load_state()
    if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"):
        options["runOnly"] = ["color-contrast"]
    # Sans « preload » : axe relirait lui-même les feuilles de style, ce que la politique de sécurité lui refuse.
    options |= {"preload": False, "resultTypes": ["violations"], "iframes": False}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return page.evaluate("options => axe.run(document, options)", options)["violations"]


@pytest.fixture
def sans_faute_axe():
    """`sans_faute_axe(page)` : axe ne trouve rien, et la page tient en 320 px de large."""

    def verifier(page):
        violations = violations_axe(page)
        details = [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in violations]
        assert not details, f"{page.url} : {details}"
        taille = page.viewport_size
        page.set_viewport_size({"width": 320, "height": 700})
        largeur = page.evaluate("document.documentElement.scrollWidth")
        page.set_viewport_size(taille)
        assert largeur <= 320, f"{page.url} : {largeur} px de large pour 320"

    return verifier


def pytest_collection_modifyitems(items):
    """Les parcours, puis les autres pages de Chromium, d'abord : les plus longs ne finissent pas seuls la suite."""
    items.sort(key=lambda test: (not test.nodeid.startswith("tests/parcours/"), "navigateur" not in test.keywords))


def pytest_collection_finish():
    """Ce que la suite a chargé lui reste : le ramasse-miettes n'a plus à le parcourir pendant les tests."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


# --- Tout gabarit est rendu par un test ------------------------------------------------------------------------------
GABARITS_RENDUS: set[str] = set()


@pytest.fixture(scope="session", autouse=True)
def gabarits_rendus():
    """Les noms des gabarits rendus depuis le début de la suite, inclusions et héritages compris."""

    def noter(template, **_):
        GABARITS_RENDUS.add((template.name or "") + "")  # un texte simple : les processus se l'envoient

    template_rendered.connect(noter)
    yield GABARITS_RENDUS
    template_rendered.disconnect(noter)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Un des processus de la suite a fini : ce qu'il a rendu compte."""
    GABARITS_RENDUS.update(getattr(node, "workeroutput", {}).get("gabarits", ()))


def pytest_sessionfinish(session):
    """À la fin de toute la suite, un gabarit que rien n'a rendu est une faute ; une suite partielle n'en dit rien."""
    if hasattr(session.config, "workerinput"):
        session.config.workeroutput["gabarits"] = sorted(GABARITS_RENDUS)
        return
    config = session.config
    toute = config.args == config.getini("testpaths") and not config.option.keyword
    if not toute or config.option.markexpr not in {"", "not long and not panne"} or session.testsfailed:
        return
    oublies = sorted(set(gabarits()) - GABARITS_RENDUS)
    if oublies:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        config.pluginmanager.get_plugin("terminalreporter").write_line(
            f"FAILED : aucun test ne rend ces gabarits : {', '.join(oublies)}", red=True
        )
