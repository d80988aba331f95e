"""Lire le fichier des titulaires : le fichier entier d'abord, puis chaque ligne, sans rien écrire."""

import csv
import datetime as dt
import re
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ValidationError

from documents.deuxd_doc import NonEncodable, normaliser
from usagers import numeros
from usagers.dates import DateImpossible, DatePartielle
from usagers.models import TitreSejour, Usager

OBLIGATOIRES = (
    "numero_etranger", "nom_naissance", "prenoms", "sexe", "naissance", "lieu_naissance", "pays_naissance",
    "nationalite", "titre_numero", "titre_nature", "titre_motif", "titre_debut", "titre_fin",
)  # fmt: skip
FACULTATIVES = ("titre_statut", "titre_valide_le", "cas")
JOUR_RELATIF = re.compile(r"J([+-][0-9]{1,5})?")
LETTRE = re.compile(r"[A-Z]")
VISAS = {TitreSejour.Nature.VLS_TS, TitreSejour.Nature.VLS, TitreSejour.Nature.VLS_T, TitreSejour.Nature.COURT_SEJOUR}


class FichierRefuse(Exception):
    """Le fichier entier est refusé : rien n'en est chargé."""


class LigneRefusee(Exception):
    """Une ligne est refusée, avec tous ses motifs."""

    def __init__(self, *motifs: str):
        super().__init__(" ; ".join(motifs))
        self.motifs = motifs


@dataclass(frozen=True, slots=True)
class Titulaire:
    """Une ligne lue : une personne et un de ses titres, aux noms des colonnes de nos tables."""

    ligne: int
    numero_etranger: str | None
    etat_civil: dict
    titre: dict

    @property
    def numero(self) -> str:
        return self.numero_etranger or self.titre["numero"]


@dataclass(frozen=True, slots=True)
class Referentiel:
    """Ce qu'il faut pour juger une ligne : le jour du chargement, les pays connus, ceux qui font une nationalité."""

    jour: dt.date
    pays: Container[str]
    nationalites: Container[str]


def jour_relatif(texte: str, *, jour: dt.date) -> dt.date | None:
    """« J-275 », « J », « J+90 » : compté du jour du chargement ; rien si le texte n'est pas de cette forme."""
    if ecart := JOUR_RELATIF.fullmatch(texte):
        return jour + dt.timedelta(days=int(ecart[1] or 0))
    return None


def lire_lignes(chemin: Path) -> Iterator[tuple[int, dict[str, str] | LigneRefusee]]:
    """Les lignes du fichier avec leur rang (l'en-tête est la ligne 1). Lève `FichierRefuse` avant d'en rendre une."""
    _verifier_codage(chemin)
    with chemin.open(encoding="utf-8-sig", newline="") as flux:
        lignes = enumerate(flux, start=1)
        separateur, colonnes = _lire_en_tete(next(lignes, (1, ""))[1])
        for rang, texte in lignes:
            if texte.strip():
                yield rang, _decouper(texte, separateur, colonnes)


def _verifier_codage(chemin: Path) -> None:
    """Un fichier mal codé est refusé entier : ses lignes sans accent passeraient seules."""
    try:
        with chemin.open("rb") as flux:
            for rang, octets in enumerate(flux, start=1):
                _decoder(octets, rang)
    except OSError as erreur:
        raise FichierRefuse(f"le fichier ne peut pas être lu : {erreur.strerror}.") from erreur


def _decoder(octets: bytes, rang: int) -> None:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError as erreur:
        raise FichierRefuse(f"ligne {rang} : le fichier n'est pas en UTF-8 (octet {erreur.start + 1}).") from erreur


def _lire_en_tete(texte: str) -> tuple[str, list[str]]:
    for separateur in ";,\t":
        colonnes = [nom.strip() for nom in next(csv.reader([texte], delimiter=separateur), [])]
        if len(colonnes) > 1:
            break
    if manquantes := [nom for nom in OBLIGATOIRES if nom not in colonnes]:
        raise FichierRefuse(f"ligne 1 : il manque {', '.join(manquantes)} (séparateur « ; », en-tête en UTF-8).")
    if inconnues := [nom for nom in colonnes if nom not in {*OBLIGATOIRES, *FACULTATIVES}]:
        raise FichierRefuse(f"ligne 1 : colonne inconnue {', '.join(inconnues)}.")
    if len(set(colonnes)) < len(colonnes):
        raise FichierRefuse("ligne 1 : une colonne est écrite deux fois.")
    return separateur, colonnes


def _decouper(texte: str, separateur: str, colonnes: list[str]) -> dict[str, str] | LigneRefusee:
    """Une ligne du fichier fait une ligne du référentiel : un guillemet oublié n'avale pas les suivantes."""
    try:
        valeurs = next(csv.reader([texte], delimiter=separateur, strict=True))
    except csv.Error:
        return LigneRefusee("un guillemet n'est pas fermé")
    if len(valeurs) != len(colonnes):
        return LigneRefusee(f"{len(valeurs)} valeurs au lieu de {len(colonnes)}")
    if any(unicodedata.category(caractere) == "Cc" for valeur in valeurs for caractere in valeur):
        return LigneRefusee("un caractère de commande s'y est glissé")
    return dict(zip(colonnes, (_propre(valeur) for valeur in valeurs), strict=True))


def _propre(valeur: str) -> str:
    return " ".join(unicodedata.normalize("NFC", valeur).split())


def lire_titulaire(ligne: int, valeurs: dict[str, str], *, referentiel: Referentiel) -> Titulaire:
    """Vérifie une ligne entière et en rend les valeurs à écrire ; lève `LigneRefusee` avec tous ses motifs."""
    motifs: list[str] = []
    numero_etranger = _numero_etranger(valeurs, motifs)
    etat_civil = {
        "nom_naissance": _nom(valeurs, "nom_naissance", 100, motifs),
        "prenoms": _nom(valeurs, "prenoms", 150, motifs, obligatoire=False),
        "sexe": _parmi(valeurs, "sexe", Usager.Sexe.values, motifs),
        "naissance": _naissance(valeurs, referentiel.jour, motifs),
        "lieu_naissance": _nom(valeurs, "lieu_naissance", 100, motifs, chiffres=True),
        "pays_naissance_id": _pays(valeurs, "pays_naissance", referentiel.pays, motifs),
        "nationalite_id": _pays(valeurs, "nationalite", referentiel.nationalites, motifs),
    }
    titre = _titre(valeurs, etat_civil["naissance"], referentiel.jour, motifs)
    if not numero_etranger and titre["nature"] and titre["nature"] not in VISAS:
        motifs.append("numero_etranger : seul le titulaire d'un visa peut ne pas en avoir")
    if motifs:
        raise LigneRefusee(*motifs)
    return Titulaire(ligne, numero_etranger, etat_civil, titre)


def _numero_etranger(valeurs: dict[str, str], motifs: list[str]) -> str | None:
    numero = numeros.normaliser(valeurs["numero_etranger"])
    if numero and not numeros.est_numero_etranger(numero):
        motifs.append("numero_etranger : 10 chiffres attendus (9 acceptés)")
    return numero or None


def _nom(
    valeurs: dict[str, str], colonne: str, longueur: int, motifs: list[str], *, obligatoire=True, chiffres=False
) -> str:
    """Un nom garde ses signes, mais doit pouvoir s'écrire en A–Z dans le 2D-Doc et la MRZ."""
    texte = valeurs[colonne]
    if not texte:
        if obligatoire:
            motifs.append(f"{colonne} : vide")
        return texte
    if len(texte) > longueur:
        motifs.append(f"{colonne} : plus de {longueur} caractères")
    try:
        latin = normaliser(texte)
    except NonEncodable:
        motifs.append(f"{colonne} : écriture non latine, donnez la forme latine du passeport")
    else:
        if not LETTRE.search(latin):
            motifs.append(f"{colonne} : aucune lettre")
        elif not chiffres and any(caractere.isdigit() for caractere in latin):
            motifs.append(f"{colonne} : un chiffre s'y est glissé")
    return texte


def _parmi(valeurs: dict[str, str], colonne: str, admises: list[str], motifs: list[str]) -> str:
    if valeurs[colonne] not in admises:
        motifs.append(f"{colonne} : « {valeurs[colonne]} » n'est pas parmi {', '.join(admises)}")
        return ""
    return valeurs[colonne]


def _pays(valeurs: dict[str, str], colonne: str, connus: Container[str], motifs: list[str]) -> str:
    if valeurs[colonne] not in connus:
        motifs.append(f"{colonne} : code « {valeurs[colonne]} » inconnu (deux lettres, voir pays.csv)")
    return valeurs[colonne]


def _naissance(valeurs: dict[str, str], jour: dt.date, motifs: list[str]) -> str:
    try:
        if relatif := jour_relatif(valeurs["naissance"], jour=jour):
            date = DatePartielle.du(relatif)
        else:
            date = DatePartielle.lire(valeurs["naissance"])
    except DateImpossible as erreur:
        motifs.append(f"naissance : {str(erreur).rstrip('.')}")
        return ""
    if date.annee < 1900 or date.au_plus_tot > jour:
        motifs.append("naissance : ni avant 1900 ni dans le futur")
    return str(date)


def _titre(valeurs: dict[str, str], naissance: str, jour: dt.date, motifs: list[str]) -> dict:
    titre = {
        "nature": _parmi(valeurs, "titre_nature", TitreSejour.Nature.values, motifs),
        "motif": _parmi(valeurs, "titre_motif", TitreSejour.Motif.values, motifs),
        "debut": _date(valeurs, "titre_debut", jour, motifs),
        "fin": _date(valeurs, "titre_fin", jour, motifs),
        "statut": TitreSejour.Statut.ACCEPTE,
        "valide_le": None,
    }
    if valeurs.get("titre_statut"):
        titre["statut"] = _parmi(valeurs, "titre_statut", TitreSejour.Statut.values, motifs)
    if valeurs.get("titre_valide_le"):
        titre["valide_le"] = _date(valeurs, "titre_valide_le", jour, motifs)
    titre["numero"] = _numero_titre(valeurs, titre["nature"], motifs)
    _verifier_dates(titre, naissance, jour, motifs)
    return titre


def _numero_titre(valeurs: dict[str, str], nature: str, motifs: list[str]) -> str:
    if nature in VISAS:
        try:
            return numeros.lire_numero_visa(valeurs["titre_numero"])
        except ValidationError:
            motifs.append("titre_numero : un visa a 9 chiffres, précédés ou non de FRA, ou 12 caractères")
            return ""
    numero = numeros.normaliser(valeurs["titre_numero"])
    if not numeros.est_numero_titre(numero):
        motifs.append("titre_numero : 9 ou 10 lettres et chiffres attendus")
    return numero


def _date(valeurs: dict[str, str], colonne: str, jour: dt.date, motifs: list[str]) -> dt.date | None:
    texte = valeurs[colonne]
    try:
        if relatif := jour_relatif(texte, jour=jour):
            return relatif
        date = DatePartielle.lire(texte)
    except DateImpossible:
        date = None
    if date is None or not date.est_complete:
        motifs.append(f"{colonne} : « {texte} » n'est pas une date (AAAA-MM-JJ, ou J-275, J+90)")
        return None
    return date.au_plus_tot


def _verifier_dates(titre: dict, naissance: str, jour: dt.date, motifs: list[str]) -> None:
    debut, fin, valide_le = titre["debut"], titre["fin"], titre["valide_le"]
    if valide_le and titre["nature"] and titre["nature"] != TitreSejour.Nature.VLS_TS:
        motifs.append("titre_valide_le : seul un VLS_TS se valide en ligne")
    if debut and fin and debut > fin:
        motifs.append("titre_fin : précède titre_debut")
    if debut and naissance and debut < DatePartielle.lire(naissance).au_plus_tot:
        motifs.append("titre_debut : précède la naissance")
    if valide_le and debut and not debut <= valide_le <= jour:
        motifs.append("titre_valide_le : entre titre_debut et aujourd'hui")
