"""2D-Doc : écrire, lire et signer le message (spécification de l'ANTS, v3.2.6). Ni Django, ni fichier, ni horloge.

Un message est `en-tête + champs + US + signature en base32`. On n'écrit que la version 04, type 13
(« Document étranger ») ; on lit les versions 01 à 04. La lecture ne lève jamais : elle rend une `Lecture`
dont `faute` dit ce qui empêche de lire.
"""

import base64
import datetime as dt
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

GS, RS, US = "\x1d", "\x1e", "\x1f"
TYPE_DOCUMENT_ETRANGER, PERIMETRE = "13", "01"
LONGUEUR_MAXIMALE = 2400  # à peu près le plus grand Data Matrix
ORIGINE = dt.date(2000, 1, 1)
SANS_DATE = "FFFF"
HACHAGES = {"secp256r1": hashes.SHA256, "secp384r1": hashes.SHA384, "secp521r1": hashes.SHA512}
LONGUEURS_DE_SIGNATURE = {64, 96, 132}


class NonEncodable(ValueError):
    """Une valeur ne peut pas entrer dans un document : autre écriture que la latine, longueur, caractère."""

    def __init__(self, valeur: str, identifiant: str = ""):
        self.valeur, self.identifiant = valeur, identifiant
        super().__init__(
            f"« {valeur} » ne peut pas être encodé" + (f" dans le champ {identifiant}" if identifiant else "")
        )


@dataclass(frozen=True)
class Champ:
    """Règle d'un identifiant de données : longueurs (`maxi` vide : sans limite), caractères, présence."""

    mini: int
    maxi: int | None
    caracteres: str
    obligatoire: bool = False
    tronquable: bool = True

    @property
    def fixe(self) -> bool:
        return self.mini == self.maxi

    def accepte(self, valeur: str) -> bool:
        if not (self.mini <= len(valeur) and (self.maxi is None or len(valeur) <= self.maxi)):
            return False
        return re.fullmatch(f"[{self.caracteres}]*", valeur, re.ASCII) is not None


LETTRES, CHIFFRES, MIXTE, MIXTE_SERRE, HEXA = "A-Z ", "0-9", "A-Z0-9 ", "A-Z0-9", "0-9A-F"
# Champs du type 13, dans l'ordre du spécimen officiel, puis les champs généraux ; 65 et 6F y sont interdits.
CHAMPS: Mapping[str, Champ] = {
    "6J": Champ(1, 1, "1-5", obligatoire=True),
    "6K": Champ(19, 19, CHIFFRES, obligatoire=True),
    "6L": Champ(8, 8, CHIFFRES, obligatoire=True),
    "6P": Champ(0, 40, LETTRES, obligatoire=True),
    "6Q": Champ(0, 10, MIXTE_SERRE, obligatoire=True, tronquable=False),
    "62": Champ(0, 38, LETTRES, obligatoire=True),
    "63": Champ(0, 38, LETTRES, obligatoire=True),
    "60": Champ(0, 60, "A-Z /", obligatoire=True),
    "68": Champ(1, 1, "MF", obligatoire=True),
    "69": Champ(8, 8, CHIFFRES, obligatoire=True),
    "6A": Champ(0, 32, MIXTE, obligatoire=True),
    "6C": Champ(2, 2, "A-Z", obligatoire=True),
    "67": Champ(2, 2, "A-Z", obligatoire=True),
    "6S": Champ(0, 38, MIXTE),
    "6T": Champ(0, 38, MIXTE),
    "6V": Champ(0, 38, MIXTE),
    "6U": Champ(0, 38, MIXTE, obligatoire=True),
    "6W": Champ(5, 5, "0-9 ", obligatoire=True),
    "6X": Champ(0, 32, LETTRES, obligatoire=True),
    "6M": Champ(0, 40, LETTRES),
    "6N": Champ(8, 8, CHIFFRES),
    "6O": Champ(8, 8, CHIFFRES),
    "6R": Champ(12, 12, MIXTE_SERRE),
    "6Y": Champ(2, 2, "A-Z"),
    "61": Champ(0, 20, LETTRES),
    "64": Champ(0, 38, LETTRES),
    "66": Champ(0, 20, MIXTE_SERRE, tronquable=False),
    "6B": Champ(3, 3, MIXTE_SERRE),
    "6D": Champ(0, 60, "A-Z0-9 /"),
    "6E": Champ(0, 60, "A-Z0-9 /"),
    "6G": Champ(1, 38, LETTRES),
    "6H": Champ(1, 10, LETTRES),
    "6I": Champ(2, 2, "A-Z"),
    "6Z": Champ(9, 11, MIXTE_SERRE, tronquable=False),
    "01": Champ(0, None, MIXTE_SERRE, tronquable=False),
    "02": Champ(0, None, MIXTE),
    "03": Champ(0, None, MIXTE),
    "04": Champ(0, None, MIXTE),
    "05": Champ(0, None, MIXTE),
    "06": Champ(4, 4, HEXA),
    "07": Champ(6, 6, CHIFFRES),
    "08": Champ(4, 4, HEXA),
    "09": Champ(4, 4, CHIFFRES),
    "0A": Champ(9, 9, CHIFFRES),
    "0B": Champ(9, 9, CHIFFRES),
    "0C": Champ(0, None, "A-Z2-7", tronquable=False),
    "0D": Champ(36, 36, "0-9A-F "),
}
DATES = {"6L", "6N", "6O"}


# --- Dates -------------------------------------------------------------------------------------------------------


def jours_hexa(jour: dt.date | None) -> str:
    """Jours depuis le 1er janvier 2000, en quatre chiffres hexadécimaux."""
    return SANS_DATE if jour is None else f"{(jour - ORIGINE).days:04X}"


def lire_jours_hexa(texte: str) -> dt.date | None:
    return None if texte == SANS_DATE else ORIGINE + dt.timedelta(days=int(texte, 16))


def lire_date(valeur: str) -> dt.date | None:
    """JJMMAAAA ; vide si ce jour n'existe pas au calendrier."""
    try:
        return dt.date(int(valeur[4:]), int(valeur[2:4]), int(valeur[:2]))
    except ValueError:
        return None


def naissance_plausible(valeur: str) -> bool:
    """Un jour, ou un jour et un mois, peuvent être inconnus (00)."""
    jour, mois, annee = valeur[:2], valeur[2:4], valeur[4:]
    if mois == "00":
        return jour == "00"
    return lire_date(("01" if jour == "00" else jour) + mois + (annee if annee != "0000" else "2000")) is not None


# --- Textes (§ 2.4 : majuscules sans accent) -----------------------------------------------------------------------

LIGATURES = str.maketrans(
    {"Œ": "OE", "Æ": "AE", "ß": "SS", "ẞ": "SS", "Ø": "O", "Đ": "D", "Ð": "D", "Þ": "TH", "Ł": "L", "Ŀ": "L"}
    | {"Ĳ": "IJ", "Ħ": "H", "Ŧ": "T", "Ŋ": "N", "ĸ": "K", "Ə": "E", "ı": "I", "Ɗ": "D", "Ɓ": "B", "Ƙ": "K", "Ƴ": "Y"}
)
ABREVIATIONS = {
    "ALLEE": "ALL", "ALLEES": "ALL", "AVENUE": "AV", "BATIMENT": "BAT", "BOULEVARD": "BD", "CHEMIN": "CHEM",
    "IMPASSE": "IMP", "LOTISSEMENT": "LOT", "PLACE": "PL", "RESIDENCE": "RES", "ROUTE": "RTE", "SQUARE": "SQ",
    "SAINT": "ST", "SAINTE": "STE", "APPARTEMENT": "APT", "ESCALIER": "ESC", "ETAGE": "ETG", "FAUBOURG": "FG",
    "QUARTIER": "QUAR", "HAMEAU": "HAM", "IMMEUBLE": "IMM", "PASSAGE": "PAS", "COURS": "CRS", "GENERAL": "GAL",
}  # fmt: skip


def normaliser(texte: str) -> str:
    """Majuscules sans accent, ponctuation rendue par une espace ; refuse une autre écriture que la latine."""
    lettres = []
    for caractere in unicodedata.normalize("NFD", texte.upper().translate(LIGATURES)):
        if caractere.isascii() and caractere.isalnum():
            lettres.append(caractere)
        elif unicodedata.category(caractere) in {"Mn", "Me", "Cf"}:
            continue
        elif unicodedata.category(caractere)[0] in "LNMC" and not caractere.isspace():
            if unicodedata.category(caractere) != "Lm":  # l'apostrophe modificative (ʼ) vaut une apostrophe
                raise NonEncodable(texte)
            lettres.append(" ")
        else:
            lettres.append(" ")
    return re.sub(" +", " ", "".join(lettres)).strip()


def normaliser_prenoms(prenoms: str) -> str:
    """`/` entre les prénoms, espace dans un prénom composé (écrit avec un trait d'union) ; six au plus."""
    separateur = "," if "," in prenoms else None
    mots = [prenom for mot in prenoms.split(separateur) if (prenom := normaliser(mot))]
    return "/".join(mots[:6])


def abreger(ligne: str, maxi: int) -> str:
    """AFNOR Z10-011 : on n'abrège que si la ligne est trop longue, et jamais le dernier mot de la voie."""
    mots = ligne.split(" ")
    for rang, mot in enumerate(mots[:-1]):
        if len(" ".join(mots)) <= maxi:
            break
        mots[rang] = ABREVIATIONS.get(mot, mot)
    return " ".join(mots)


def adapter(identifiant: str, texte: str) -> str:
    """Met un texte libre dans les caractères du champ : les chiffres de « PARIS 13 » s'en vont, par exemple."""
    champ = CHAMPS[identifiant]
    if identifiant == "60":
        return normaliser_prenoms(texte)
    propre = re.sub(f"[^{champ.caracteres}]", "", normaliser(texte))
    propre = re.sub(" +", " ", propre).strip()
    return abreger(propre, champ.maxi) if identifiant in {"6S", "6T", "6U", "6V"} and champ.maxi else propre


# --- Écrire ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entete:
    autorite: str
    certificat: str
    emission: dt.date | None
    signature: dt.date | None
    type: str = TYPE_DOCUMENT_ETRANGER
    perimetre: str = PERIMETRE
    pays: str = "FR"
    version: str = "04"

    def __str__(self) -> str:
        """En-tête de la version 04, 26 caractères."""
        jours = jours_hexa(self.emission) + jours_hexa(self.signature)
        return f"DC04{self.autorite}{self.certificat}{jours}{self.type}{self.perimetre}{self.pays}"


def ecrire_champ(identifiant: str, valeur: str, *, dernier: bool) -> str:
    champ = CHAMPS[identifiant]
    fin = "" if dernier else GS
    if champ.maxi is not None and len(valeur) > champ.maxi and champ.tronquable and not champ.fixe:
        # Coupé un caractère avant le maximum : un lecteur qui s'arrête au maximum verrait sinon le RS comme un champ.
        valeur, fin = valeur[: champ.maxi - 1].rstrip(" /"), RS
    elif champ.fixe or len(valeur) == champ.maxi:
        fin = ""
    if not champ.accepte(valeur):
        raise NonEncodable(valeur, identifiant)
    if identifiant in DATES and lire_date(valeur) is None:
        raise NonEncodable(valeur, identifiant)
    return identifiant + valeur + fin


def ecrire(entete: Entete, champs: Sequence[tuple[str, str]]) -> str:
    """Le texte à signer : en-tête et champs, sans US."""
    presents = [identifiant for identifiant, _ in champs]
    for identifiant in (i for i, champ in CHAMPS.items() if champ.obligatoire):
        if identifiant not in presents:
            raise NonEncodable("", identifiant)
    return str(entete) + "".join(
        ecrire_champ(identifiant, valeur, dernier=rang == len(champs))
        for rang, (identifiant, valeur) in enumerate(champs, start=1)
    )


def base32(octets: bytes) -> str:
    return base64.b32encode(octets).decode().rstrip("=")


def lire_base32(texte: str) -> bytes:
    """Forme exacte seulement : deux textes différents ne donnent jamais la même signature."""
    octets = base64.b32decode(texte + "=" * (-len(texte) % 8))
    if base32(octets) != texte:
        raise ValueError(texte)
    return octets


def signer(donnees: str, cle: ec.EllipticCurvePrivateKey) -> str:
    """Le texte du symbole. Signature déterministe (RFC 6979) : rendre deux fois donne le même document."""
    hachage = HACHAGES[cle.curve.name]()
    der = cle.sign(donnees.encode("ascii"), ec.ECDSA(hachage, deterministic_signing=True))
    largeur = (cle.key_size + 7) // 8
    r_et_s = b"".join(nombre.to_bytes(largeur, "big") for nombre in decode_dss_signature(der))
    return donnees + US + base32(r_et_s)


# --- Lire --------------------------------------------------------------------------------------------------------

EN_TETE = re.compile(
    r"DC(?P<version>0[1-4])(?P<autorite>[A-Z]{2}[A-Z0-9]{2})(?P<certificat>[A-Z0-9]{4})"
    r"(?P<emission>[0-9A-F]{4})(?P<signature>[0-9A-F]{4})(?P<type>[A-Z0-9]{2})",
)


@dataclass(frozen=True)
class Lecture:
    """Ce que dit le code. `faute` vide : bien formé. L'annexe (version 04) n'est couverte par aucune signature."""

    faute: str = ""
    entete: Entete | None = None
    champs: Mapping[str, str] = field(default_factory=dict)
    tronques: frozenset[str] = frozenset()
    donnees: bytes = b""
    signature: bytes = b""
    annexe: bytes = b""

    @property
    def type_pris_en_charge(self) -> bool:
        return self.entete is not None and (self.entete.type, self.entete.perimetre) == (
            TYPE_DOCUMENT_ETRANGER,
            PERIMETRE,
        )


def lire(octets: bytes) -> Lecture:
    """Tout octet donne une lecture, jamais une exception."""
    if len(octets) > LONGUEUR_MAXIMALE:
        return Lecture("trop long")
    debut = EN_TETE.match(octets[:22].decode("latin-1"))
    if debut is None:
        return Lecture("en-tête")
    parties = debut.groupdict()
    version, longueur = parties["version"], {"01": 22, "02": 22, "03": 24, "04": 26}[parties["version"]]
    suite = octets[22:longueur].decode("latin-1")
    if not re.fullmatch({22: "", 24: "[A-Z0-9]{2}", 26: "[A-Z0-9]{2}[A-Z]{2}"}[longueur], suite):
        return Lecture("en-tête")
    entete = Entete(
        version=version,
        autorite=parties["autorite"],
        certificat=parties["certificat"],
        emission=lire_jours_hexa(parties["emission"]),
        signature=lire_jours_hexa(parties["signature"]),
        type=parties["type"],
        perimetre=suite[:2] or PERIMETRE,
        pays=suite[2:] or "FR",
    )
    donnees, signature, annexe, faute = _separer(octets, version)
    lecture = Lecture(faute, entete, donnees=donnees, signature=signature, annexe=annexe)
    if faute or not lecture.type_pris_en_charge:
        return lecture
    champs, tronques, faute = lire_champs(donnees[longueur:].decode("ascii"))
    if not faute and entete.emission is None:
        faute = "date d'émission absente"
    return Lecture(faute, entete, champs, tronques, donnees, signature, annexe)


def _separer(octets: bytes, version: str) -> tuple[bytes, bytes, bytes, str]:
    """Données signées, signature, annexe, faute."""
    if version == "01":  # signature brute de 64 octets, sans US
        donnees, signature, annexe = octets[:-64], octets[-64:], b""
        if len(donnees) < 22:
            return b"", b"", b"", "signature"
    else:
        donnees, separateur, reste = octets.partition(US.encode())
        code, _, annexe = reste.partition(GS.encode()) if version == "04" else (reste, b"", b"")
        try:
            signature = lire_base32(code.decode("ascii"))
        except ValueError:
            signature = b""
        if not separateur or len(signature) not in LONGUEURS_DE_SIGNATURE:
            return donnees, b"", annexe, "signature"
    return donnees, signature, annexe, "" if donnees.isascii() else "caractères"


def lire_champs(texte: str) -> tuple[dict[str, str], frozenset[str], str]:
    """Champs du type 13 ; les maxima comptent : un champ rempli jusqu'au bout n'a pas de séparateur."""
    champs: dict[str, str] = {}
    tronques: set[str] = set()
    place = 0
    while place < len(texte):
        if texte[place] in GS + RS:
            place += 1
            continue
        identifiant = texte[place : place + 2]
        champ = CHAMPS.get(identifiant)
        if champ is None or identifiant in champs:
            return {}, frozenset(), f"champ {identifiant!r}"
        place += 2
        if champ.fixe:
            fin = place + champ.mini
        else:
            borne = len(texte) if champ.maxi is None else min(len(texte), place + champ.maxi)
            fin = next((rang for rang in range(place, borne) if texte[rang] in GS + RS), borne)
        valeur = texte[place:fin]
        if not champ.accepte(valeur) or not date_plausible(identifiant, valeur):
            return {}, frozenset(), f"valeur du champ {identifiant}"
        champs[identifiant] = valeur
        if texte[fin : fin + 1] == RS and not champ.fixe:
            tronques.add(identifiant)
        place = fin
    manquants = [
        identifiant for identifiant, champ in CHAMPS.items() if champ.obligatoire and identifiant not in champs
    ]
    if manquants:
        return {}, frozenset(), f"champs absents : {', '.join(manquants)}"
    return champs, frozenset(tronques), ""


def date_plausible(identifiant: str, valeur: str) -> bool:
    if identifiant in DATES:
        return lire_date(valeur) is not None
    return identifiant != "69" or naissance_plausible(valeur)


def signature_valide(lecture: Lecture, cle: ec.EllipticCurvePublicKey) -> bool:
    """ECDSA sur les octets tels qu'ils ont été lus, avec le hachage que la courbe impose."""
    largeur = (cle.key_size + 7) // 8
    if cle.curve.name not in HACHAGES or len(lecture.signature) != 2 * largeur:
        return False
    r, s = (int.from_bytes(moitie, "big") for moitie in (lecture.signature[:largeur], lecture.signature[largeur:]))
    try:
        cle.verify(encode_dss_signature(r, s), lecture.donnees, ec.ECDSA(HACHAGES[cle.curve.name]()))
    except InvalidSignature:
        return False
    return True
