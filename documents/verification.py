"""Vérifier un 2D-Doc : du texte, de la photo ou du PDF à un état, sans rien garder et sans jamais échouer."""

import base64
import datetime as dt
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import structlog
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from documents import autorite, deuxd_doc, lecteur
from documents.autorite import Certificat
from documents.deuxd_doc import Lecture
from documents.models import Document

journal = structlog.get_logger(__name__)
TAILLE_MAXIMALE = 10 * 1024 * 1024
DELAI_DU_LECTEUR = 30
# Ce que des applications de lecture écrivent à la place des caractères de commande.
SEPARATEURS_VISIBLES = {"␝": "\x1d", "␞": "\x1e", "␟": "\x1f"} | {
    f"{ouvre}{nom}{ferme}": caractere
    for nom, caractere in (("GS", "\x1d"), ("RS", "\x1e"), ("US", "\x1f"))
    for ouvre, ferme in ("<>", "[]", "{}")
}


class Etat(models.TextChoices):
    """Quand plusieurs états tiennent, le premier de cette liste l'emporte."""

    MALFORME = "malforme", _("Code illisible ou mal formé")
    TYPE_NON_PRIS_EN_CHARGE = "type_non_pris_en_charge", _("Type de document non pris en charge")
    CERTIFICAT_INCONNU = "certificat_inconnu", _("Certificat inconnu")
    CERTIFICAT_REVOQUE = "certificat_revoque", _("Certificat révoqué")
    HORS_VALIDITE = "hors_validite", _("Signé hors de la validité du certificat")
    SIGNATURE_INVALIDE = "signature_invalide", _("Signature invalide")
    RETIRE = "retire", _("Document retiré")
    REMPLACE = "remplace", _("Document remplacé")
    EXPIRE = "expire", _("Document authentique, mais expiré")
    AUTHENTIQUE = "authentique", _("Document authentique")


class Signature(models.TextChoices):
    """La signature à part de l'état : elle peut être bonne sous un certificat qui ne l'est plus."""

    VALIDE = "valide", _("valide")
    INVALIDE = "invalide", _("invalide")
    NON_VERIFIABLE = "non_verifiable", _("non vérifiable")


@dataclass(frozen=True)
class Verdict:
    etat: Etat
    signature: Signature
    lecture: Lecture
    document: Document | None = None

    @property
    def champs_surs(self) -> bool:
        """Les champs ne se montrent que si une signature reconnue les couvre."""
        return self.signature == Signature.VALIDE and self.etat != Etat.CERTIFICAT_REVOQUE and not self.lecture.faute

    def en_json(self) -> dict:
        entete = self.lecture.entete
        return {
            "etat": self.etat.value,
            "signature": self.signature.value,
            "entete": None
            if entete is None
            else {
                "version": entete.version,
                "autorite": entete.autorite,
                "certificat": entete.certificat,
                "date_emission": entete.emission and entete.emission.isoformat(),
                "date_signature": entete.signature and entete.signature.isoformat(),
                "type": entete.type,
                "perimetre": entete.perimetre,
                "pays": entete.pays,
            },
            "champs": dict(self.lecture.champs),
        }


def verifier(octets: bytes, *, le: dt.datetime, certificats: Sequence[Certificat] = ()) -> Verdict:
    """L'état d'un code. `certificats` : d'autres que ceux de la maison, donnés par qui vérifie."""
    lecture = deuxd_doc.lire(octets)
    if lecture.entete is None:
        return Verdict(Etat.MALFORME, Signature.NON_VERIFIABLE, lecture)
    certificat, de_la_maison = trouver_certificat(lecture, certificats)
    signature = Signature.NON_VERIFIABLE
    if certificat is not None and lecture.signature:
        bonne = deuxd_doc.signature_valide(lecture, certificat.cle)
        signature = Signature.VALIDE if bonne else Signature.INVALIDE
    document = None
    if signature == Signature.VALIDE and de_la_maison and lecture.champs.get("01"):
        document = Document.objects.filter(numero=lecture.champs["01"], certificat=certificat.reference).first()
    return Verdict(etat(lecture, certificat, signature, document, le=le), signature, lecture, document)


def trouver_certificat(lecture: Lecture, certificats: Sequence[Certificat]) -> tuple[Certificat | None, bool]:
    """Le certificat du code, et s'il est de la maison."""
    codes = (lecture.entete.autorite, lecture.entete.certificat)
    for certificat in certificats:
        if (certificat.autorite, certificat.identifiant) == codes:
            return certificat, False
    return autorite.certificat(*codes), codes[0] == settings.DEUXD_DOC_AUTORITE


def etat(
    lecture: Lecture, certificat: Certificat | None, signature: Signature, document: Document | None, *, le: dt.datetime
) -> Etat:
    """Dans l'ordre de `Etat`."""
    if lecture.faute:
        return Etat.MALFORME
    if not lecture.type_pris_en_charge:
        return Etat.TYPE_NON_PRIS_EN_CHARGE
    if certificat is None:
        return Etat.CERTIFICAT_INCONNU
    if certificat.revoque_le is not None:
        return Etat.CERTIFICAT_REVOQUE
    if not certificat.est_valable(lecture.entete.signature):
        return Etat.HORS_VALIDITE
    if signature != Signature.VALIDE:
        return Etat.SIGNATURE_INVALIDE
    if document is not None and document.etat == Document.Etat.RETIRE:
        return Etat.RETIRE
    if document is not None and document.etat == Document.Etat.REMPLACE:
        return Etat.REMPLACE
    fin = fin_de_validite(lecture)
    return Etat.EXPIRE if fin is not None and fin < timezone.localdate(le) else Etat.AUTHENTIQUE


def fin_de_validite(lecture: Lecture) -> dt.date | None:
    """6O, ou 08 ; la première des deux. Le dernier jour compte encore."""
    fins = []
    if "6O" in lecture.champs:
        fins.append(deuxd_doc.lire_date(lecture.champs["6O"]))
    if "08" in lecture.champs:
        fins.append(deuxd_doc.lire_jours_hexa(lecture.champs["08"]))
    return min((fin for fin in fins if fin is not None), default=None)


# --- Trouver le code -----------------------------------------------------------------------------------------------


def extraire(octets: bytes) -> bytes:
    """Le code que portent ces octets : texte brut, adresse du QR, photo ou PDF ; vide si aucun ne s'y lit."""
    texte = octets.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if texte.startswith(b"DC01"):  # la signature binaire finit où finissent les octets
        return texte
    if texte.startswith(b"DC"):
        return texte.rstrip(b" \t\r\n")
    if re.match(rb"https?://", texte, re.IGNORECASE):
        return code_d_adresse(texte)
    if not octets or len(octets) > TAILLE_MAXIMALE or re.fullmatch(rb"[\x09-\x0d\x1d-\x7e]{0,5000}", octets):
        return b""  # du texte qui n'est pas un code : rien à chercher dedans comme image
    trouves = codes_de_fichier(octets)
    candidats = [code for code in trouves if code.startswith(b"DC")]
    candidats += [code for adresse in trouves if (code := code_d_adresse(adresse))]
    return candidats[0] if candidats else b""


def code_d_adresse(adresse: bytes) -> bytes:
    """Le code porté par l'adresse d'un QR de vérification (`…/verifier/?c=…`)."""
    try:
        valeurs = parse_qs(urlsplit(adresse.decode("ascii").strip()).query, encoding="latin-1").get("c", [])
        return valeurs[0].encode("latin-1") if valeurs else b""
    except ValueError:
        return b""


def texte_colle(texte: str) -> bytes:
    """Un code collé : les séparateurs que l'application de lecture a rendus visibles redeviennent des octets."""
    for visible, caractere in SEPARATEURS_VISIBLES.items():
        texte = texte.replace(visible, caractere)
    return texte.replace("\r", "").replace("\n", "").encode("latin-1", errors="replace")


def codes_de_fichier(octets: bytes) -> list[bytes]:
    """Fait lire le fichier par `documents.lecteur`, dans un processus que des octets hostiles peuvent faire tomber."""
    commande = [sys.executable, "-I", "-W", "ignore", lecteur.__file__]
    try:
        processus = subprocess.run(commande, input=octets, capture_output=True, env={}, timeout=DELAI_DU_LECTEUR)
    except (OSError, subprocess.TimeoutExpired):
        journal.exception("lecture_d_un_code_impossible")
        return []
    return [base64.b64decode(ligne) for ligne in processus.stdout.split()]
