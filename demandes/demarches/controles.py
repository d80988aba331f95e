"""Les fautes d'une déclaration, dites au démarrage : `manage.py check` nomme la démarche et ce qui ne va pas."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from django.core.checks import Error, register
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template

from demandes.demarches import DECLARATIONS
from demandes.demarches.base import Demarche, Piece
from demandes.demarches.etapes import INFORMATIONS, InformationsForm
from demandes.demarches.formulaires import EtapeForm
from usagers.models import TitreSejour

DONNEES = Path(__file__).resolve().parent.parent / "donnees"
FIN = ("pieces", "recapitulatif", "confirmation")


def lire_donnees(nom: str) -> dict[str, dict]:
    """Les lignes d'un fichier de `demandes/donnees`, par code ; la plus récente l'emporte."""
    return {ligne["code"]: ligne for ligne in json.loads((DONNEES / nom).read_text(encoding="utf-8"))}


@register
def controler_les_demarches(app_configs=None, **options) -> list[Error]:
    return fautes(DECLARATIONS)


def fautes(declarations: tuple[Demarche, ...]) -> list[Error]:
    """Toutes les fautes de ces déclarations, dans l'ordre."""
    references, baremes = lire_donnees("pieces.json"), lire_donnees("baremes.json")
    trouvees = [
        Error(f"démarche « {code} » : {nombre} déclarations portent ce code.", id="demandes.E001")
        for code, nombre in Counter(demarche.code for demarche in declarations).items()
        if nombre > 1
    ]
    for demarche in declarations:
        for numero, faute in (
            *_etapes(demarche),
            *_regles(demarche),
            *_pieces(demarche, references),
            *_gabarits(demarche),
            *_baremes(demarche, baremes),
            *_titres(demarche),
        ):
            trouvees.append(Error(f"démarche « {demarche.code} » : {faute}", id=f"demandes.E00{numero}"))
    return trouvees


def _etapes(demarche: Demarche) -> Iterator[tuple[int, str]]:
    """Une étape de chaque code, « informations » d'abord, et la fin commune à toutes les démarches."""
    for code, nombre in Counter(etape.code for etape in demarche.etapes).items():
        if nombre > 1:
            yield 1, f"{nombre} étapes portent le code « {code} »."
    for code, nombre in Counter(piece.code for piece in demarche.pieces).items():
        if nombre > 1:
            yield 1, f"{nombre} pièces portent le code « {code} »."
    premiere = demarche.etapes[0]
    if premiere.code != INFORMATIONS.code or not issubclass(premiere.form or EtapeForm, InformationsForm):
        yield 5, "la première étape doit être « informations », avec un formulaire qui hérite d'InformationsForm."
    if tuple(etape.genre for etape in demarche.etapes[-3:]) != FIN:
        yield 5, "les trois dernières étapes doivent être celles des pièces, du récapitulatif et de la confirmation."
    for etape in demarche.etapes[:-3]:
        if etape.form is None:
            yield 5, f"l'étape « {etape.code} » n'a pas de formulaire."


def _regles(demarche: Demarche) -> Iterator[tuple[int, str]]:
    """Une condition ne lit que ce qui a été demandé avant elle."""
    for etape in demarche.etapes:
        champs = [nom for groupe in (etape.form.groupes if etape.form else ()) for nom in groupe.champs]
        for nom, (maitre, _valeurs) in (etape.form.conditions if etape.form else {}).items():
            if maitre not in etape.form.base_fields:
                yield 2, f"étape « {etape.code} », champ « {nom} » : sa condition lit « {maitre} », d'une autre étape."
            elif {nom, maitre} <= set(champs) and champs.index(maitre) > champs.index(nom):
                yield 2, f"étape « {etape.code} », champ « {nom} » : sa condition lit « {maitre} », qui vient après."
    avant = {etape.code for etape in demarche.etapes if etape.genre == "formulaire"}
    for piece in demarche.pieces:
        for regle in piece.regles:
            for code in regle.etapes:
                if code not in avant:
                    yield 2, f"pièce « {piece.code} » : sa condition lit l'étape « {code} », qui ne vient pas avant."


def _pieces(demarche: Demarche, references: dict[str, dict]) -> Iterator[tuple[int, str]]:
    for piece in demarche.pieces:
        for code in codes_de_reference(demarche, piece):
            manquants = [nom for nom in ("libelle", "libelle_en") if not references.get(code, {}).get(nom)]
            if manquants:
                yield 3, f"pièce « {code} » : {' et '.join(manquants)} manque dans demandes/donnees/pieces.json."


def codes_de_reference(demarche: Demarche, piece: Piece) -> tuple[str, ...]:
    """Les codes sous lesquels le texte de la pièce est rangé : le sien, et un par variante."""
    code = f"{demarche.code}.{piece.code}"
    return (code, *(f"{code}.{variante}" for variante in piece.variantes))


def _gabarits(demarche: Demarche) -> Iterator[tuple[int, str]]:
    noms = {demarche.preambule, demarche.apres_depot, *(etape.gabarit for etape in demarche.etapes)}
    noms |= {groupe.gabarit for etape in demarche.etapes if etape.form for groupe in etape.form.groupes}
    for nom in sorted(noms - {""}):
        try:
            get_template(nom)
        except TemplateDoesNotExist:
            yield 4, f"le gabarit « {nom} » n'existe pas."
        except TemplateSyntaxError as cause:
            yield 4, f"le gabarit « {nom} » ne se lit pas : {cause}"


def _titres(demarche: Demarche) -> Iterator[tuple[int, str]]:
    """Un titre remis entre dans l'historique de la personne : sa nature et son motif y existent."""
    for titre in demarche.titres:
        if titre.nature not in TitreSejour.Nature.values or titre.motif not in TitreSejour.Motif.values:
            yield 7, f"titre « {titre.code} » : la nature « {titre.nature} » ou le motif « {titre.motif} » est inconnu."


def _baremes(demarche: Demarche, baremes: dict[str, dict]) -> Iterator[tuple[int, str]]:
    for code in sorted({demarche.silence, *(titre.taxe for titre in demarche.titres)}):
        if code not in baremes:
            yield 6, f"le barème « {code} » manque dans demandes/donnees/baremes.json."
