"""Motifs et barèmes en fichiers : les écrire, les lire."""

import csv
import datetime as dt
import io
import json
import re
from dataclasses import dataclass

from django.db import models

from demandes.journal_des_references import photographier
from demandes.models import Bareme, Motif
from instruction.exports import FORMULES
from instruction.references import LigneDatee

COLONNES: dict[type[LigneDatee], tuple[str, ...]] = {
    Bareme: ("code", "du", "au", "valeurs", "source"),
    Motif: ("nature", "code", "du", "au", "ordre", "libelle", "texte", "texte_en", "source"),
}
POIDS_MAX = 1024 * 1024
LIGNES_MAX = 5000
JOUR_FRANCAIS = re.compile(r"(\d\d)/(\d\d)/(\d{4})")
# Une signature d'archive : un classeur XLSX ou ODS est un ZIP ; l'ancien XLS commence autrement.
CLASSEURS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


# --- Écrire ----------------------------------------------------------------------------------------------------------
def en_json(modele: type[LigneDatee]) -> bytes:
    """La forme même de `demandes/donnees/*.json`."""
    noms = COLONNES[modele]
    lignes = [{nom: ligne[nom] for nom in noms} for ligne in photographier(modele).values()]
    lignes.sort(key=lambda ligne: (ligne["code"], ligne["du"] or ""))
    return (json.dumps(lignes, ensure_ascii=False, indent=1) + "\n").encode()


def en_csv(modele: type[LigneDatee]) -> bytes:
    """Points-virgules et marque d'ordre : ce qu'un tableur français ouvre d'un double clic, accents compris."""
    texte = io.StringIO()
    ecrire = csv.writer(texte, delimiter=";", lineterminator="\r\n").writerow
    ecrire(COLONNES[modele])
    for ligne in json.loads(en_json(modele)):
        ecrire(_cellule(ligne[nom]) for nom in COLONNES[modele])
    return texte.getvalue().encode("utf-8-sig")


def _cellule(valeur) -> str:
    texte = (
        json.dumps(valeur, ensure_ascii=False) if isinstance(valeur, dict) else "" if valeur is None else str(valeur)
    )
    return f"'{texte}" if texte.startswith(FORMULES) else texte


# --- Lire ------------------------------------------------------------------------------------------------------------
class FichierIllisible(Exception):
    """Rien du fichier ne se lit ; son texte est la phrase à montrer."""


@dataclass(frozen=True)
class Faute:
    """`ligne` : celle du fichier, l'en-tête comprise ; en JSON, le rang de l'objet."""

    ligne: int
    phrase: str


@dataclass(frozen=True)
class Entree:
    ligne: int
    valeurs: dict


def lire(octets: bytes, modele: type[LigneDatee]) -> tuple[list[Entree], list[Faute]]:
    """Les lignes qui se lisent, en valeurs JSON, et la faute de chacune des autres. Lève `FichierIllisible`."""
    if len(octets) > POIDS_MAX:
        raise FichierIllisible("Le fichier dépasse 1 Mo : coupez-le en plusieurs.")
    if octets.startswith(CLASSEURS):
        raise FichierIllisible(
            "C'est un classeur de tableur (XLSX, XLS ou ODS). Enregistrez-le en « CSV UTF-8 », à points-virgules."
        )
    try:
        texte = octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FichierIllisible(
            "Le fichier n'est pas en UTF-8 : ses accents seraient perdus. Enregistrez-le « CSV UTF-8 »."
        ) from None
    if "\x00" in texte:
        raise FichierIllisible("Le fichier contient des octets nuls : ce n'est ni un CSV ni un JSON en UTF-8.")
    if not texte.strip():
        raise FichierIllisible("Le fichier est vide.")
    lignes = _lire_json(texte, modele) if texte.lstrip()[0] in "[{" else _lire_csv(texte, modele)
    if not lignes:
        raise FichierIllisible("Le fichier n'a que son en-tête : aucune ligne à importer.")
    if len(lignes) > LIGNES_MAX:
        raise FichierIllisible(f"Le fichier a plus de {LIGNES_MAX} lignes : coupez-le en plusieurs.")
    entrees, trouvees = [], []
    for numero, cellules in lignes:
        if isinstance(cellules, str):
            trouvees.append(Faute(numero, cellules))
            continue
        valeurs, phrases = _valeurs(modele, cellules)
        trouvees += [Faute(numero, phrase) for phrase in phrases]
        if not phrases:
            entrees.append(Entree(numero, valeurs))
    return entrees, trouvees


def _lire_csv(texte: str, modele: type[LigneDatee]) -> list[tuple[int, dict | str]]:
    lecteur = csv.reader(io.StringIO(texte, newline=""), delimiter=";", strict=True)
    try:
        entete = [nom.strip() for nom in next(lecteur)]
        _verifier_l_entete(entete, modele)
        lignes = []
        debut = lecteur.line_num + 1
        for cellules in lecteur:
            if any(cellule.strip() for cellule in cellules):
                lignes.append((debut, _en_cellules(entete, cellules)))
            debut = lecteur.line_num + 1
    except csv.Error:
        raise FichierIllisible(
            f"Ligne {lecteur.line_num} : un guillemet ouvert n'est pas fermé, ou une cellule est trop longue."
        ) from None
    return lignes


def _verifier_l_entete(entete: list[str], modele: type[LigneDatee]) -> None:
    attendues = COLONNES[modele]
    if len(entete) == 1 and re.search(r"[,\t]", entete[0]):
        raise FichierIllisible(
            "Les colonnes ne sont pas séparées par des points-virgules : enregistrez de nouveau en CSV."
        )
    phrases = [f"il manque la colonne « {nom} »" for nom in attendues if nom not in entete]
    phrases += [f"la colonne « {nom[:40]} » est inconnue" for nom in entete if nom not in attendues]
    phrases += [f"la colonne « {nom} » y est deux fois" for nom in attendues if entete.count(nom) > 1]
    if phrases:
        raise FichierIllisible(
            f"L'en-tête ne convient pas : {', '.join(phrases[:6])}. Attendu : {';'.join(attendues)}. "
            "Le plus simple est de partir d'un export."
        )


def _en_cellules(entete: list[str], cellules: list[str]) -> dict | str:
    if len(cellules) != len(entete):
        return f"{len(cellules)} cellules au lieu de {len(entete)} : un point-virgule manque ou est de trop."
    valeurs = dict(zip(entete, (cellule.strip() for cellule in cellules), strict=True))
    formules = [nom for nom, cellule in valeurs.items() if cellule.startswith(FORMULES)]
    if formules:
        return (
            f"« {formules[0]} » commence par « {valeurs[formules[0]][0]} » : un tableur y verrait une formule. "
            "Mettez une apostrophe devant, ou récrivez la cellule."
        )
    return {nom: cellule[1:] if cellule[1:].startswith(FORMULES) and cellule[0] == "'" else cellule
            for nom, cellule in valeurs.items()}  # fmt: skip


def _lire_json(texte: str, modele: type[LigneDatee]) -> list[tuple[int, dict | str]]:
    try:
        lignes = json.loads(texte)
    except json.JSONDecodeError as erreur:
        raise FichierIllisible(f"Le JSON ne se lit pas : faute à la ligne {erreur.lineno}.") from None
    except (ValueError, RecursionError):
        raise FichierIllisible(
            "Le JSON ne se lit pas : un nombre est trop long, ou trop d'objets s'emboîtent."
        ) from None
    if not isinstance(lignes, list):
        raise FichierIllisible("Le JSON attendu est une liste d'objets : partez d'un export.")
    return [(rang, _en_objet(ligne, modele)) for rang, ligne in enumerate(lignes, start=1)]


def _en_objet(ligne, modele: type[LigneDatee]) -> dict | str:
    noms = set(COLONNES[modele])
    if not isinstance(ligne, dict):
        return "Un objet est attendu."
    if set(ligne) != noms:
        manque, trop = sorted(noms - set(ligne)), sorted(set(ligne) - noms)
        return " ".join([f"Il manque « {nom} »." for nom in manque] + [f"« {nom[:40]} » est inconnu." for nom in trop])
    return ligne


def _valeurs(modele: type[LigneDatee], cellules: dict) -> tuple[dict, list[str]]:
    valeurs, phrases = {}, []
    for nom, cellule in cellules.items():
        try:
            valeurs[nom] = _valeur(modele._meta.get_field(nom), cellule)
        except ValueError as erreur:
            phrases.append(f"« {nom} » : {erreur}")
    return valeurs, phrases


def _valeur(champ: models.Field, cellule):
    """Une valeur JSON du genre du champ, d'une cellule de CSV (texte) ou d'un JSON ; lève `ValueError`, en phrase."""
    if isinstance(champ, models.JSONField):
        return _objet(cellule)
    if isinstance(champ, models.DateField):
        return _date(cellule)
    if isinstance(champ, models.IntegerField):
        texte = str(cellule)
        if isinstance(cellule, bool) or not re.fullmatch(r"\d{1,5}", texte):
            raise ValueError("un nombre entier est attendu.")
        return int(texte)
    if not isinstance(cellule, str):
        raise ValueError("un texte est attendu.")
    try:
        cellule.encode()
    except UnicodeEncodeError:
        raise ValueError("un caractère n'existe pas.") from None
    if "\x00" in cellule:
        raise ValueError("un caractère nul s'y trouve.")
    return cellule


def _objet(cellule) -> dict:
    try:
        valeur = json.loads(cellule) if isinstance(cellule, str) else cellule
    except (ValueError, RecursionError):
        raise ValueError('un objet JSON est attendu, par exemple {"jours": 30}.') from None
    if not isinstance(valeur, dict):
        raise ValueError('un objet JSON est attendu, par exemple {"jours": 30}.')
    return valeur


def _date(cellule) -> str | None:
    if cellule in (None, ""):
        return None
    if isinstance(cellule, str):
        texte = JOUR_FRANCAIS.sub(r"\3-\2-\1", cellule) if JOUR_FRANCAIS.fullmatch(cellule) else cellule
        try:
            return dt.date.fromisoformat(texte).isoformat()
        except ValueError:
            pass
    raise ValueError("une date est attendue, AAAA-MM-JJ ou JJ/MM/AAAA, ou rien.")
