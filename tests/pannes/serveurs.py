"""Le portail tel qu'on l'exploite : gunicorn et Celery, que l'on tue et relance ; une personne qui s'en sert."""

import contextlib
import http.client
import os
import resource
import signal
import threading
import time
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.test import Client

from anef.celery import app
from tests.notifications.conftest import Processus, port_libre

ATTENTE = 60  # secondes ; une machine chargée met du temps à démarrer un processus, rarement plus


def attendre(condition, *, quoi: str, processus: "Serveur | None" = None, secondes: float = ATTENTE):
    """La première valeur vraie de `condition()` ; l'échec montre la fin du journal du processus attendu."""
    fin = time.monotonic() + secondes
    while not (valeur := condition()):
        vivant = processus is None or processus.est_vivant
        assert vivant and time.monotonic() < fin, f"{quoi} : {processus.journal[-20:] if processus else 'jamais vu'}"
        time.sleep(0.02)
    return valeur


def enfants(pid: int) -> list[int]:
    try:
        directs = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return directs + [petit for enfant in directs for petit in enfants(enfant)]


class Serveur:
    """Un processus du projet et ceux qu'il lance, sur la base des tests."""

    def __init__(self, *arguments: str, **variables: str):
        self.arguments, self.variables = arguments, variables
        self.journal: list[str] = []
        self.lancer()

    def lancer(self) -> None:
        self.debut = len(self.journal)
        self.processus = Processus(*self.arguments, **self.variables)
        # Un tube que personne ne vide finirait par arrêter le serveur.
        self.lecture = threading.Thread(target=self.journal.extend, args=(self.processus.stdout,), daemon=True)
        self.lecture.start()
        try:
            attendre(self.est_pret, quoi=self.arguments[1], processus=self)
        except BaseException:
            self.tuer()
            raise

    def est_pret(self) -> bool:
        return self.est_vivant

    @property
    def est_vivant(self) -> bool:
        return self.processus.poll() is None

    @property
    def ouvriers(self) -> list[int]:
        return enfants(self.processus.pid)

    def tuer(self) -> None:
        """Comme une coupure : rien n'a le temps de se ranger."""
        victimes = [*self.ouvriers, self.processus.pid]
        for pid in victimes:
            tuer(pid)
        self.processus.wait(timeout=10)
        for pid in victimes:
            attendre(lambda pid=pid: est_mort(pid), quoi=f"la mort du processus {pid}", secondes=10)
        self.lecture.join(timeout=10)
        self.processus.stdout.close()

    def tuer_un_ouvrier(self) -> None:
        """Comme le noyau qui manque de mémoire : le processus qui travaille meurt, celui qui le dirige reste."""
        pid = self.ouvriers[0]
        tuer(pid)
        attendre(lambda: est_mort(pid), quoi=f"la mort du processus {pid}", secondes=10)

    def limiter_les_fichiers(self, octets: int) -> None:
        """Aucun fichier au-delà de cette taille : l'écriture s'arrête au milieu, comme sur un disque plein."""
        for pid in [self.processus.pid, *self.ouvriers]:
            _souple, dure = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (octets, dure))


def tuer(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def est_mort(pid: int) -> bool:
    """Mort, ou mort sans que son parent l'ait encore constaté."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


class Web(Serveur):
    """gunicorn sur un port libre, un processus et quatre fils sauf avis contraire."""

    def __init__(self, **variables: str):
        self.port = port_libre()
        reglages = {"ECOUTE": f"127.0.0.1:{self.port}", "WEB_PROCESSUS": "1"}
        super().__init__("-m", "gunicorn", "--config", "python:anef.gunicorn", "anef.wsgi", **reglages | variables)

    def est_pret(self) -> bool:
        try:
            return Visiteur(self.port).get("/plan-du-site/").status == 200
        except OSError:
            return False


class Travailleur(Serveur):
    def __init__(self, *, courtier, **variables: str):
        self.courtier = courtier
        super().__init__(
            *("-m", "celery", "--app", "anef", "worker", "--queues", "courrier,rendu", "--concurrency", "1"),
            *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
            REDIS_URL=courtier.url,
            **variables,
        )

    def est_pret(self) -> bool:
        return any("ready" in ligne for ligne in self.journal[self.debut :])


def balayer(courtier) -> None:
    """Ce que l'horloge fait chaque minute."""
    with app.connection_for_write(courtier.url) as lien:
        for tache, file in (("documents.tasks.relancer_rendus", "rendu"), ("notifications.tasks.relancer_envois", "")):
            app.send_task(tache, queue=file or "courrier", connection=lien)


def un_autre_attend_un_verrou() -> bool:
    """Une autre connexion à cette base est-elle arrêtée par un verrou ?"""
    with connection.cursor() as curseur:
        curseur.execute("SELECT pg_stat_clear_snapshot()")
        curseur.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
        )
        return curseur.fetchone()[0] > 0


class Reponse:
    def __init__(self, status: int, location: str, corps: bytes, duree: float):
        self.status, self.location, self.corps, self.duree = status, location, corps, duree

    def __contains__(self, texte: str) -> bool:
        return texte in self.corps.decode()


class Visiteur:
    """Un navigateur réduit à ses cookies, qui ne suit pas les redirections ; connecté si un compte est donné."""

    def __init__(self, port: int, compte=None, *, session: str = "", delai: float = 30):
        self.port, self.delai, self.session = port, delai, session
        self.jeton = uuid4().hex
        if compte is not None:
            client = Client()
            client.force_login(compte, backend="usagers.backends.IdentifiantBackend")
            self.session = client.cookies["sessionid"].value

    def get(self, chemin: str) -> Reponse:
        return self.demander("GET", chemin)

    def post(self, chemin: str, **donnees) -> Reponse:
        corps = urlencode(donnees, doseq=True).encode()
        return self.demander("POST", chemin, corps, "application/x-www-form-urlencoded")

    def joindre(self, chemin: str, contenu: bytes, *, nom: str) -> Reponse:
        bord = uuid4().hex
        tete = f'--{bord}\r\nContent-Disposition: form-data; name="fichier"; filename="{nom}"\r\n\r\n'
        corps = tete.encode() + contenu + f"\r\n--{bord}--\r\n".encode()
        return self.demander("POST", chemin, corps, f"multipart/form-data; boundary={bord}")

    def demander(self, methode: str, chemin: str, corps: bytes = b"", genre: str = "") -> Reponse:
        entetes = {"Cookie": f"csrftoken={self.jeton}; sessionid={self.session}", "X-CSRFToken": self.jeton}
        if genre:
            entetes["Content-Type"] = genre
        debut = time.monotonic()
        lien = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.delai)
        try:
            lien.request(methode, chemin, body=corps or None, headers=entetes)
            reponse = lien.getresponse()
            contenu = reponse.read()
        finally:
            lien.close()
        return Reponse(reponse.status, reponse.getheader("Location", ""), contenu, time.monotonic() - debut)


def variables_du_portail(dossier_var: Path, tmp_path: Path) -> dict[str, str]:
    """Les fichiers collectés sont communs à la suite ; le reste de ce que le portail écrit est au test."""
    return {
        "DOSSIER_VAR": str(dossier_var),
        "DEUXD_DOC_DOSSIER": str(settings.DEUXD_DOC_DOSSIER),
        "SMS_DOSSIER": str(tmp_path / "sms"),
    }
