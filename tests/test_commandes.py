"""Les deux commandes, lancées pour de vrai dans une copie du dépôt."""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

RACINE = Path(__file__).resolve().parent.parent


def environnement() -> dict[str, str]:
    """Celui d'un nouveau venu : aucune variable du projet."""
    return {nom: os.environ[nom] for nom in ("PATH", "HOME", "LANG", "PIP_CERT") if nom in os.environ}


@pytest.fixture
def copie(tmp_path):
    """Les commandes seules : assez pour ce qu'elles refusent avant d'installer quoi que ce soit."""
    shutil.copytree(RACINE / "bin", tmp_path / "bin")
    return tmp_path


def demarrer(dossier: Path, *arguments: str, prefixe: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*prefixe, dossier / "bin" / "demarrer", *arguments],
        cwd=dossier,
        env=environnement(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )


def port_libre() -> int:
    with closing(socket.socket()) as prise:
        prise.bind(("127.0.0.1", 0))
        return prise.getsockname()[1]


def test_l_aide_nomme_chaque_option(copie):
    resultat = demarrer(copie, "--aide")

    assert resultat.returncode == 0
    for option in ("--port", "--sans-demo", "--reinitialiser", "--aide"):
        assert option in resultat.stdout


@pytest.mark.parametrize("port", ["abc", "0", "70000", ""])
def test_un_port_impossible_est_refuse_avec_un_exemple(copie, port):
    resultat = demarrer(copie, "--port", port)

    assert resultat.returncode == 1
    assert "--port 8080" in resultat.stderr


def test_un_port_deja_pris_est_dit_avec_le_suivant(copie):
    with closing(socket.create_server(("127.0.0.1", 0))) as serveur:
        port = serveur.getsockname()[1]
        resultat = demarrer(copie, "--port", str(port))

    assert resultat.returncode == 1
    assert f"Le port {port} est déjà pris" in resultat.stderr
    assert f"bin/demarrer --port {port + 1}" in resultat.stderr


def test_une_option_inconnue_renvoie_a_l_aide(copie):
    resultat = demarrer(copie, "--rapide")

    assert resultat.returncode == 1
    assert "bin/demarrer --aide" in resultat.stderr


def test_un_second_demarrage_simultane_est_refuse(copie):
    (copie / "var").mkdir()
    with open(copie / "var" / "demarrer.verrou", "w") as verrou:
        fcntl.flock(verrou, fcntl.LOCK_EX)
        resultat = demarrer(copie, "--port", str(port_libre()))

    assert resultat.returncode == 1
    assert "déjà démarré" in resultat.stderr


def test_sans_le_droit_d_installer_la_commande_a_lancer_est_donnee():
    personne = 65534
    with tempfile.TemporaryDirectory() as dossier:
        shutil.copytree(RACINE / "bin", Path(dossier) / "bin")
        with open(Path(dossier) / "bin" / "paquets.txt", "a") as paquets:
            paquets.write("paquet-qui-n-existe-pas\n")
        prefixe = ()
        if os.getuid() == 0:
            os.chown(dossier, personne, personne)
            prefixe = ("setpriv", f"--reuid={personne}", f"--regid={personne}", "--clear-groups")

        resultat = demarrer(Path(dossier), "--port", str(port_libre()), prefixe=prefixe)

    assert resultat.returncode == 1
    assert "apt-get install" in resultat.stderr
    assert "paquet-qui-n-existe-pas" in resultat.stderr


def processus_de(dossier: Path) -> list[str]:
    lignes = []
    for commande in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texte = commande.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(dossier) in texte:
            lignes.append(texte)
    return lignes


def servir(dossier: Path, port: int, *arguments: str) -> tuple[float, str, int]:
    """Démarre, attend le portail, le visite, interrompt : durée jusqu'au portail, ce qui a été dit, code de sortie."""
    debut = time.monotonic()
    journal = dossier / "sortie.txt"
    with (
        journal.open("w") as sortie,
        subprocess.Popen(
            [dossier / "bin" / "demarrer", "--port", str(port), *arguments],
            cwd=dossier,
            env=environnement(),
            stdin=subprocess.DEVNULL,
            stdout=sortie,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as commande,
    ):
        while "Journaux : var/journaux/" not in journal.read_text():
            assert commande.poll() is None and time.monotonic() - debut < 300, journal.read_text()
            time.sleep(0.1)
        duree = time.monotonic() - debut
        try:
            assert urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).status == 200
        finally:
            commande.send_signal(signal.SIGINT)
        code = commande.wait(timeout=60)
    return duree, journal.read_text(), code


@pytest.mark.long
def test_le_portail_demarre_se_visite_s_arrete_et_garde_ses_donnees(tmp_path):
    """Dans un dossier au chemin trop long pour une prise et avec une espace : les prises vont alors sous /tmp."""
    dossier = tmp_path / ("un chemin long " + "x" * 90)
    ignores = shutil.ignore_patterns(".git", ".venv", "var", ".env", "__pycache__", ".ruff_cache", ".hypothesis")
    shutil.copytree(RACINE, dossier, ignore=ignores)
    (dossier / ".venv").symlink_to(RACINE / ".venv")
    port = port_libre()

    _, sortie, code = servir(dossier, port)
    assert code == 0, sortie
    assert "Préparation" in sortie
    assert (dossier / "var" / "demonstration.txt").read_text() in sortie
    cle = (dossier / "var" / "cle_secrete").read_text()
    assert processus_de(dossier) == []

    duree, sortie, code = servir(dossier, port)
    assert code == 0, sortie
    assert "Préparation" not in sortie
    assert duree < 20
    assert (dossier / "var" / "cle_secrete").read_text() == cle

    _, sortie, code = servir(dossier, port, "--reinitialiser", "--sans-demo")
    assert code == 0, sortie
    assert re.search(r"Préparation(?!.*démonstration)", sortie)
    assert (dossier / "var" / "cle_secrete").read_text() != cle
    assert processus_de(dossier) == []
