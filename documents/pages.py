"""Les pages d'un PDF reçu, en images : faites par le travailleur, gardées à côté du fichier, refaites au besoin.

Un cache, rien de plus : pas de ligne en base. Une image se range sous le nom aléatoire du fichier d'où elle vient et se
rend à qui peut lire ce fichier. Les pages se font par lots ; le témoin d'un lot s'écrit après ses images.
"""

import datetime as dt
import subprocess
import sys
from contextlib import suppress

import structlog
from django.core.cache import cache
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from documents import imagerie
from documents.fichiers import proteger
from documents.models import Fichier

DOSSIER = "pages"
LOT = 10
# Au-delà, l'original se télécharge : personne ne feuillette mille pages une à une.
PAGES_MAX = 200
# Une demande sans réponse se refait ensuite : le travailleur était absent.
PATIENCE = 60
DELAI = 3 * imagerie.SECONDES_MAX
DUREE = dt.timedelta(days=30)

journal = structlog.get_logger(__name__)


def a_des_pages(fichier: Fichier) -> bool:
    return fichier.type_mime == "application/pdf"


def nombre_de_pages(fichier: Fichier, numero: int = 1) -> int | None:
    """Le nombre de pages, si celle-ci est prête ; 0 si le PDF ne se dessine pas ; rien si elle reste à faire."""
    try:
        with default_storage.open(_temoin(fichier, _lot(numero))) as temoin:
            return int(temoin.read())
    except (OSError, ValueError):
        return None


def demander(fichier: Fichier, numero: int = 1) -> bool:
    """Met au travail le lot de cette page s'il manque. Faux si la file ne répond pas : la page se lit sans images."""
    from documents import tasks  # noqa: PLC0415 (les tâches appellent ce module)

    if nombre_de_pages(fichier, numero) is not None:
        return True
    lot = _lot(numero)
    try:
        if cache.add(f"pages:{fichier.pk}:{lot}", 1, timeout=PATIENCE):
            tasks.dessiner_pages.delay(fichier.pk, lot)
    except (RedisError, OperationalError):
        return False
    return True


def dessiner(fichier: Fichier, lot: int) -> None:
    """Fait les images d'un lot et son témoin ; rien à faire s'ils y sont."""
    if not a_des_pages(fichier) or fichier.est_retenu or not 0 <= lot < PAGES_MAX // LOT:
        return
    if nombre_de_pages(fichier, lot * LOT + 1) is not None:
        return
    total, images = _dessiner_a_part(fichier, lot * LOT + 1)
    for numero, image in enumerate(images, start=lot * LOT + 1):
        _ecrire(_cle(fichier, numero), image)
    _ecrire(_temoin(fichier, lot), str(total).encode())


def reponse_page(fichier: Fichier, numero: int) -> FileResponse:
    """L'image d'une page, protégée comme le fichier ; les droits sont à l'appelant."""
    total = nombre_de_pages(fichier, numero)
    if not total or not 1 <= numero <= total:
        raise Http404
    try:
        octets = ouvrir_page(fichier, numero)
    except OSError as cause:
        raise Http404 from cause
    return proteger(FileResponse(octets, content_type="image/jpeg"), type_mime="image/jpeg")


def ouvrir_page(fichier: Fichier, numero: int) -> File:
    """L'image d'une page prête. Lève `OSError` si elle ne l'est plus."""
    return default_storage.open(_cle(fichier, numero))


def purger(*, le: dt.datetime) -> int:
    """Efface les images anciennes, et celles dont le fichier n'est plus là, est effacé ou retenu."""
    efface = 0
    with suppress(FileNotFoundError):
        for debut in default_storage.listdir(DOSSIER)[0]:
            efface += _purger_dossier(debut, le=le)
    return efface


def _purger_dossier(debut: str, *, le: dt.datetime) -> int:
    """Un dossier à la fois, « ab » pour les fichiers « ab/… » : le stockage entier ne tient pas en mémoire."""
    connus = Fichier.objects.filter(contenu__startswith=f"{debut}/", efface_le__isnull=True)
    montrables = set(connus.exclude(antivirus=Fichier.Antivirus.INFECTE).values_list("contenu", flat=True))
    efface = 0
    for fin in default_storage.listdir(f"{DOSSIER}/{debut}")[0]:
        dossier = f"{DOSSIER}/{debut}/{fin}"
        images = [f"{dossier}/{image}" for image in default_storage.listdir(dossier)[1]]
        recentes = all(default_storage.get_modified_time(image) > le - DUREE for image in images)
        if recentes and f"{debut}/{fin}" in montrables:
            continue
        for image in sorted(images, reverse=True):  # les témoins, « lot-… », partent avant leurs images
            default_storage.delete(image)
        default_storage.delete(dossier)
        efface += len(images)
    return efface


def _dessiner_a_part(fichier: Fichier, premiere: int) -> tuple[int, list[bytes]]:
    """Le nombre de pages et les images du lot ; zéro page si le PDF fait tomber le processus qui le dessine."""
    with fichier.contenu.open("rb") as octets:
        contenu = octets.read()
    bornes = [str(premiere), str(min(premiere + LOT - 1, PAGES_MAX))]
    commande = [sys.executable, "-I", "-W", "ignore", imagerie.__file__, *bornes]
    processus = subprocess.run(commande, input=contenu, capture_output=True, env={}, timeout=DELAI)
    if processus.returncode:
        journal.warning("pages_non_dessinees", fichier=fichier.pk, code=processus.returncode)
        return 0, []
    total, _fin, reste = processus.stdout.partition(b"\n")
    images = []
    while reste:
        taille, _fin, suite = reste.partition(b"\n")
        images.append(suite[: int(taille)])
        reste = suite[int(taille) :]
    return min(int(total), PAGES_MAX), images


def _ecrire(cle: str, octets: bytes) -> None:
    """Refait sans doublon ce qu'un arrêt aurait laissé à moitié."""
    default_storage.delete(cle)
    default_storage.save(cle, ContentFile(octets))


def _lot(numero: int) -> int:
    return (numero - 1) // LOT


def _cle(fichier: Fichier, numero: int) -> str:
    return f"{DOSSIER}/{fichier.contenu.name}/{numero}.jpg"


def _temoin(fichier: Fichier, lot: int) -> str:
    return f"{DOSSIER}/{fichier.contenu.name}/lot-{lot}"
