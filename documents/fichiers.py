"""Les octets reçus et rendus : contrôle, mise au propre, rangement hors de la racine web, réponse protégée.

`recevoir` s'appelle avant toute transaction : un arrêt laisse un fichier sans ligne, que `purger_fichiers` retire ;
jamais une ligne sans fichier.
"""

import hashlib
import math
import os
import re
import signal
import subprocess
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path

import magic
import structlog
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from documents import examen
from documents.models import Fichier

LIMITE = 10 * 1024 * 1024
# Valeur de l'attribut `accept` : les trois formats annoncés, et ceux des téléphones, convertis en JPG à l'arrivée.
ACCEPT = ".jpg,.jpeg,.png,.pdf,.heic,.heif,.webp"
# Type reconnu dans le contenu → type gardé.
TYPES = {
    "application/pdf": "application/pdf",
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    "image/webp": "image/jpeg",
    "image/heic": "image/jpeg",
    "image/heif": "image/jpeg",
}
EXTENSIONS = {"application/pdf": (".pdf",), "image/jpeg": (".jpg", ".jpeg"), "image/png": (".png",)}
EXTENSION_CONNUE = re.compile(r"\.(jpe?g|jpe|jfif|png|pdf|hei[cf]|webp)$", re.IGNORECASE)
# Au-delà du temps de calcul permis à l'examen : la machine est surchargée, le fichier n'y est pour rien.
DELAI_EXAMEN = 3 * examen.SECONDES_MAX

PHRASES = {
    "absent": gettext_lazy("Choisissez un fichier."),
    "vide": gettext_lazy("Le fichier « %(nom)s » est vide. Choisissez un autre fichier."),
    "trop_lourd": gettext_lazy(
        "Le fichier « %(nom)s » pèse %(taille)s : la limite est de %(limite)s par fichier. "
        "Réduisez-le ou numérisez le document dans une définition plus basse."
    ),
    "type": gettext_lazy(
        "Le fichier « %(nom)s » n'est pas dans un format accepté. Choisissez un fichier JPG, PNG ou PDF."
    ),
    "illisible": gettext_lazy(
        "Le fichier « %(nom)s » est abîmé ou incomplet : il ne s'ouvre pas. "
        "Enregistrez-le ou numérisez-le de nouveau, puis recommencez."
    ),
    "protege": gettext_lazy(
        "Le fichier « %(nom)s » est protégé par un mot de passe. Retirez le mot de passe, puis recommencez."
    ),
    "bombe": gettext_lazy(
        "Le fichier « %(nom)s » contient une image ou des données trop grandes pour être ouvertes. "
        "Réduisez ses dimensions ou numérisez le document de nouveau."
    ),
    "programme": gettext_lazy(
        "Le fichier « %(nom)s » contient un programme ou un formulaire dynamique. "
        "Imprimez-le au format PDF ou numérisez-le, puis choisissez ce nouveau fichier."
    ),
    "fichiers_joints": gettext_lazy(
        "Le fichier « %(nom)s » contient d'autres fichiers. "
        "Enregistrez chaque document à part, puis ajoutez-les un par un."
    ),
    "envoi": gettext_lazy(
        "L'envoi du fichier « %(nom)s » a échoué. Ce n'est pas de votre fait : réessayez dans quelques minutes."
    ),
}

journal = structlog.get_logger(__name__)


class FichierRefuse(Exception):
    """Fichier refusé : `code` pour le programme, `str()` pour la personne, dans sa langue."""

    def __init__(self, code: str, **details: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = details

    def __str__(self) -> str:
        return str(PHRASES[self.code]) % self.details


def recevoir(televersement: UploadedFile | None) -> Fichier:
    """Contrôle, met au propre et range un fichier envoyé par une personne ; hors de toute transaction."""
    if televersement is None:
        raise FichierRefuse("absent")
    nom = nom_affichable(televersement.name or "")
    if (televersement.size or 0) > LIMITE:
        raise trop_lourd(nom, televersement.size)
    try:
        contenu = televersement.read(LIMITE + 1)
    except OSError as cause:
        raise FichierRefuse("envoi", nom=nom) from cause
    if len(contenu) > LIMITE:
        raise trop_lourd(nom, len(contenu))
    if not contenu:
        raise FichierRefuse("vide", nom=nom)
    reconnu = type_reconnu(contenu)
    if reconnu not in TYPES:
        raise FichierRefuse("type", nom=nom)
    propre = examiner_a_part(contenu, reconnu, nom=nom)
    return ranger(propre, nom=nom, type_mime=TYPES[reconnu], antivirus=Fichier.Antivirus.A_EXAMINER)


def enregistrer_octets(contenu: bytes, *, nom: str, type_mime: str) -> Fichier:
    """Range des octets que nous avons faits nous-mêmes."""
    return ranger(contenu, nom=nom_affichable(nom), type_mime=type_mime, antivirus=Fichier.Antivirus.SANS_OBJET)


def reponse_fichier(fichier: Fichier, *, en_ligne: bool) -> HttpResponse:
    """Rend les octets par morceaux, sans laisser le navigateur deviner ni exécuter ; les droits sont à l'appelant."""
    try:
        octets = fichier.contenu.open("rb")
    except OSError as cause:
        journal.error("octets_introuvables", fichier=fichier.pk)
        raise Http404 from cause
    # Seuls les types gardés par `recevoir` s'affichent ; tout autre est téléchargé.
    en_ligne = en_ligne and fichier.type_mime in EXTENSIONS
    reponse = FileResponse(
        octets, as_attachment=not en_ligne, filename=fichier.nom_affiche, content_type=fichier.type_mime
    )
    return proteger(reponse, type_mime=fichier.type_mime)


def proteger(reponse: FileResponse, *, type_mime: str) -> FileResponse:
    """Ni deviné, ni exécuté, ni gardé par le navigateur."""
    reponse["X-Content-Type-Options"] = "nosniff"
    reponse["Cache-Control"] = "private, no-store"
    # Safari n'affiche pas un PDF sous « sandbox » ; une page HTML, elle, ne serait jamais servie sous ce type.
    isole = "" if type_mime == "application/pdf" else "; sandbox"
    reponse["Content-Security-Policy"] = f"default-src 'none'; frame-ancestors 'self'{isole}"
    return reponse


def nom_affichable(nom: str) -> str:
    """Le nom donné par la personne, sans chemin ni caractère invisible (qui inverserait « gpj.exe ») ; 255 au plus."""
    nom = unicodedata.normalize("NFC", re.split(r"[/\\]", nom)[-1])
    nom = re.sub(r"[\t\r\n\u2028\u2029]", " ", nom)
    nom = "".join(c for c in nom if unicodedata.category(c)[0] != "C")
    return " ".join(nom.split()).lstrip(".")[:255].strip() or _("document")


def avec_extension(nom: str, type_mime: str) -> str:
    """« photo.heic » devenue un JPG s'appelle « photo.jpg » ; une extension inconnue reste dans le nom."""
    extensions = EXTENSIONS.get(type_mime)
    if not extensions or nom.lower().endswith(extensions):
        return nom
    return EXTENSION_CONNUE.sub("", nom)[: 255 - len(extensions[0])] + extensions[0]


def type_reconnu(contenu: bytes) -> str:
    """Type d'après le contenu ; l'extension et le type annoncés par le navigateur ne comptent pas."""
    try:
        reconnu = magic.from_buffer(contenu[:8192], mime=True)
    except magic.MagicException:
        reconnu = ""
    # Les lecteurs de PDF tolèrent quelques octets avant l'en-tête ; l'examen, ensuite, l'ouvre vraiment ou le refuse.
    return "application/pdf" if reconnu not in TYPES and b"%PDF-" in contenu[:1024] else reconnu


def examiner_a_part(contenu: bytes, type_mime: str, *, nom: str) -> bytes:
    """Fait ouvrir le fichier par `documents.examen`, dans un processus que des octets hostiles peuvent faire tomber."""
    commande = [sys.executable, "-I", "-W", "ignore", examen.__file__, type_mime]
    try:
        processus = subprocess.run(commande, input=contenu, capture_output=True, env={}, timeout=DELAI_EXAMEN)
    except (OSError, subprocess.TimeoutExpired) as cause:
        journal.exception("examen_impossible")
        raise FichierRefuse("envoi", nom=nom) from cause
    if processus.returncode in {-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGABRT}:
        raise FichierRefuse("bombe", nom=nom)
    if processus.returncode < 0:
        raise FichierRefuse("illisible", nom=nom)
    verdict, _separateur, propre = processus.stdout.partition(b"\n")
    if processus.returncode or not verdict:
        # La dernière ligne d'une trace nomme l'erreur ; son texte pourrait citer le fichier, on garde la sorte.
        lignes = processus.stderr.decode(errors="replace").strip().splitlines() or [""]
        journal.error("examen_en_panne", code=processus.returncode, erreur=lignes[-1].partition(":")[0][:80])
        raise FichierRefuse("envoi", nom=nom)
    if verdict != b"accepte":
        raise FichierRefuse(verdict.decode(), nom=nom)
    return propre


def ranger(contenu: bytes, *, nom: str, type_mime: str, antivirus: str) -> Fichier:
    fichier = Fichier(
        empreinte=hashlib.sha256(contenu).hexdigest(),
        taille=len(contenu),
        type_mime=type_mime,
        nom_affiche=avec_extension(nom, type_mime),
        antivirus=antivirus,
    )
    stockage = fichier.contenu.storage
    cle = fichier.contenu.field.generate_filename(fichier, nom)
    try:
        fichier.contenu = stockage.save(cle, ContentFile(contenu))
        rendre_durable(stockage, fichier.contenu.name)
        fichier.save()
    except BaseException as cause:
        with suppress(OSError):
            stockage.delete(fichier.contenu.name or cle)
        if isinstance(cause, OSError):
            journal.exception("rangement_impossible")
            raise FichierRefuse("envoi", nom=nom) from cause
        raise
    return fichier


def rendre_durable(stockage, cle: str) -> None:
    """Sur disque avant la ligne : une coupure de courant ne laisse pas une ligne dont les octets manquent."""
    with suppress(NotImplementedError):
        chemin = Path(stockage.path(cle))
        for cible in (chemin, chemin.parent):
            descripteur = os.open(cible, os.O_RDONLY)
            try:
                os.fsync(descripteur)
            finally:
                os.close(descripteur)


def trop_lourd(nom: str, taille: int) -> FichierRefuse:
    """Le poids est arrondi au-dessus : 10 485 761 octets ne se disent pas « 10 Mo » quand 10 Mo sont permis."""
    return FichierRefuse("trop_lourd", nom=nom, taille=en_mo(taille), limite=en_mo(LIMITE))


def en_mo(taille: int) -> str:
    mo = math.ceil(taille * 10 / 1024**2) / 10
    unite = _("Mo")
    return f"{number_format(mo, 0 if mo.is_integer() else 1)}\u00a0{unite}"


def poids(taille: int) -> str:
    """« 52 ko », « 1,2 Mo » : dans l'unité où la limite est dite, arrondi au-dessus."""
    if taille >= 1024**2:
        return en_mo(taille)
    unite = _("ko")
    return f"{math.ceil(taille / 1024)}\u00a0{unite}"
