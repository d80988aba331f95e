"""Certificats 2D-Doc, rangés par (autorité, certificat), et l'autorité d'essai FR00 du projet.

DEUXD_DOC_DOSSIER/FR00/ac.pem            certificat de l'autorité (ac.cle.pem : sa clé, essai seulement)
DEUXD_DOC_DOSSIER/FR00/AN13.pem          certificat de signature ; les anciens restent, pour vérifier les anciens
DEUXD_DOC_DOSSIER/FR00/AN13.cle.pem      sa clé, lue par le travailleur seul, au rendu
DEUXD_DOC_DOSSIER/FR00/revocations.json  {"AN12": "2026-11-22T10:00:00+00:00"}
"""

import datetime as dt
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings

AUTORITE_ESSAI, PREMIER_CERTIFICAT = "FR00", "AN13"
DUREE_AUTORITE, DUREE_CERTIFICAT = dt.timedelta(days=3653), dt.timedelta(days=1096)
RENOUVELLEMENT = dt.timedelta(days=30)


class AutoriteAbsente(RuntimeError):
    """Aucun certificat (ou aucune clé) ne permet de signer aujourd'hui."""


@dataclass(frozen=True)
class Certificat:
    autorite: str
    identifiant: str
    cle: ec.EllipticCurvePublicKey
    du: dt.date
    au: dt.date
    revoque_le: dt.datetime | None = None

    @property
    def reference(self) -> str:
        return self.autorite + self.identifiant

    def est_valable(self, jour: dt.date | None) -> bool:
        return jour is not None and self.du <= jour <= self.au


def dossier(autorite: str) -> Path:
    return Path(settings.DEUXD_DOC_DOSSIER) / autorite


def nom_commun(nom: x509.Name) -> str:
    attributs = nom.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributs[0].value) if attributs else ""


def lire_certificat(pem: bytes, *, revoque_le: dt.datetime | None = None) -> Certificat:
    """L'autorité est le nom commun de l'émetteur, le certificat celui du sujet."""
    x = x509.load_pem_x509_certificate(pem)
    cle = x.public_key()
    if not isinstance(cle, ec.EllipticCurvePublicKey):
        raise ValueError("ce certificat n'a pas de clé à courbe elliptique")
    return Certificat(
        autorite=nom_commun(x.issuer),
        identifiant=nom_commun(x.subject),
        cle=cle,
        du=x.not_valid_before_utc.date(),
        au=x.not_valid_after_utc.date(),
        revoque_le=revoque_le,
    )


def revocations(autorite: str) -> dict[str, dt.datetime]:
    try:
        lignes = json.loads((dossier(autorite) / "revocations.json").read_text())
    except FileNotFoundError:
        return {}
    return {identifiant: dt.datetime.fromisoformat(le) for identifiant, le in lignes.items()}


def certificat(autorite: str, identifiant: str) -> Certificat | None:
    """Le certificat connu sous ces deux codes, s'il est bien émis par le certificat de son autorité."""
    if not (re.fullmatch("[A-Z0-9]{4}", autorite) and re.fullmatch("[A-Z0-9]{4}", identifiant)):
        return None
    try:
        pem = (dossier(autorite) / f"{identifiant}.pem").read_bytes()
        racine = x509.load_pem_x509_certificate((dossier(autorite) / "ac.pem").read_bytes())
        x509.load_pem_x509_certificate(pem).verify_directly_issued_by(racine)
        lu = lire_certificat(pem, revoque_le=revocations(autorite).get(identifiant))
    except (FileNotFoundError, ValueError, TypeError, InvalidSignature):
        return None
    return lu if (lu.autorite, lu.identifiant) == (autorite, identifiant) else None


def certificats(autorite: str) -> list[Certificat]:
    fichiers = sorted(chemin.stem for chemin in dossier(autorite).glob("????.pem"))
    return [trouve for identifiant in fichiers if (trouve := certificat(autorite, identifiant))]


def certificat_de_signature(*, le: dt.date) -> Certificat:
    """Le dernier émis par notre autorité qui soit valable ce jour-là et non révoqué."""
    connus = certificats(settings.DEUXD_DOC_AUTORITE)
    valables = [c for c in connus if c.est_valable(le) and c.revoque_le is None]
    if not valables:
        raise AutoriteAbsente(
            f"Aucun certificat 2D-Doc valable sous {dossier(settings.DEUXD_DOC_AUTORITE)} "
            "(en démonstration : manage.py creer_autorite_test)."
        )
    return max(valables, key=lambda c: (c.du, c.identifiant))


def cle_privee(reference: str) -> ec.EllipticCurvePrivateKey:
    """Clé du certificat nommé par ses huit caractères ; le travailleur seul en a besoin."""
    chemin = dossier(reference[:4]) / f"{reference[4:]}.cle.pem"
    try:
        cle = serialization.load_pem_private_key(chemin.read_bytes(), password=None)
    except FileNotFoundError as absence:
        raise AutoriteAbsente(f"La clé de signature {chemin.name} manque à ce travailleur.") from absence
    if not isinstance(cle, ec.EllipticCurvePrivateKey):
        raise AutoriteAbsente(f"La clé {chemin.name} n'est pas une clé à courbe elliptique.")
    return cle


def revoquer(autorite: str, identifiant: str, *, le: dt.datetime) -> None:
    """La première révocation compte ; un certificat révoqué ne redevient jamais bon."""
    if certificat(autorite, identifiant) is None:
        raise AutoriteAbsente(f"Le certificat {identifiant} est inconnu.")
    lignes = {autre: quand.isoformat() for autre, quand in revocations(autorite).items()}
    lignes.setdefault(identifiant, le.isoformat())
    chemin = dossier(autorite) / "revocations.json"
    provisoire = chemin.with_suffix(".tmp")
    provisoire.write_text(json.dumps(lignes, indent=1))
    provisoire.replace(chemin)


# --- Autorité d'essai ----------------------------------------------------------------------------------------------


def creer_autorite_test(*, le: dt.datetime, renouveler: bool = False) -> list[str]:
    """Crée ce qui manque et rend les noms créés ; une seconde fois, rien. `renouveler` : un certificat de plus."""
    lieu = dossier(AUTORITE_ESSAI)
    lieu.mkdir(parents=True, exist_ok=True)
    lieu.chmod(0o700)
    crees = []
    if not (lieu / "ac.pem").exists():
        cle = ec.generate_private_key(ec.SECP256R1())
        nom = nom_distinctif(AUTORITE_ESSAI)
        racine = (
            modele(nom, nom, cle.public_key(), le=le, duree=DUREE_AUTORITE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usages(autorite=True), critical=True)
            .sign(cle, hashes.SHA256())
        )
        ranger(lieu, "ac", racine, cle)
        crees.append(AUTORITE_ESSAI)
    connus = certificats(AUTORITE_ESSAI)
    bons = [
        c for c in connus if c.revoque_le is None and c.est_valable(le.date()) and c.au > (le + RENOUVELLEMENT).date()
    ]
    if renouveler or not bons:
        identifiant = suivant(max((c.identifiant for c in connus), default=""))
        emettre(lieu, identifiant, le=le)
        crees.append(identifiant)
    return crees


def suivant(identifiant: str) -> str:
    return f"AN{int(identifiant[2:]) + 1:02d}" if identifiant else PREMIER_CERTIFICAT


def emettre(lieu: Path, identifiant: str, *, le: dt.datetime, duree: dt.timedelta = DUREE_CERTIFICAT) -> None:
    racine = x509.load_pem_x509_certificate((lieu / "ac.pem").read_bytes())
    cle_racine = serialization.load_pem_private_key((lieu / "ac.cle.pem").read_bytes(), password=None)
    cle = ec.generate_private_key(ec.SECP256R1())
    feuille = (
        modele(nom_distinctif(identifiant), racine.subject, cle.public_key(), le=le, duree=duree)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usages(autorite=False), critical=True)
        .sign(cle_racine, hashes.SHA256())
    )
    ranger(lieu, identifiant, feuille, cle)


def nom_distinctif(nom: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ANEF séjour, autorité d'essai"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "0002 00000000000000"),
            x509.NameAttribute(NameOID.COMMON_NAME, nom),
        ]
    )


def modele(
    sujet: x509.Name, emetteur: x509.Name, cle: ec.EllipticCurvePublicKey, *, le: dt.datetime, duree: dt.timedelta
) -> x509.CertificateBuilder:
    """Valable dès la veille : le jour de signature est celui de Paris, celui du certificat est en temps universel."""
    return (
        x509.CertificateBuilder()
        .subject_name(sujet)
        .issuer_name(emetteur)
        .public_key(cle)
        .serial_number(x509.random_serial_number())
        .not_valid_before(le - dt.timedelta(days=1))
        .not_valid_after(le + duree)
    )


def usages(*, autorite: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not autorite,
        key_cert_sign=autorite,
        crl_sign=autorite,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def ranger(lieu: Path, nom: str, x: x509.Certificate, cle: ec.EllipticCurvePrivateKey) -> None:
    """La clé d'abord, lisible de son seul propriétaire : le certificat n'existe jamais sans elle."""
    pem = cle.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chemin = lieu / f"{nom}.cle.pem"
    chemin.unlink(missing_ok=True)
    with os.fdopen(os.open(chemin, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as fichier:
        fichier.write(pem)
    (lieu / f"{nom}.pem").write_bytes(x.public_bytes(serialization.Encoding.PEM))
