"""Une démarche décrite d'après sa déclaration : ce qu'un agent ou un développeur veut lire sans ouvrir le code."""

import datetime as dt
from typing import Any

from django import forms

from demandes.champs import MontantField
from demandes.demarches.base import Demarche, Etape, Piece
from demandes.demarches.controles import codes_de_reference, lire_donnees
from demandes.demarches.formulaires import EtapeForm
from demandes.droit import Contexte
from usagers.models import Compte, Usager


def decrire(demarche: Demarche, jour: dt.date) -> dict[str, Any]:
    """Étapes, champs, pièces, titres et paramètres, en valeurs simples ; ne lit pas la base."""
    references, baremes = lire_donnees("pieces.json"), lire_donnees("baremes.json")
    valeurs = {code: ligne["valeurs"] for code, ligne in baremes.items()}
    contexte = Contexte(jour, Usager(compte=Compte()), None, baremes_fournis=valeurs)
    silence = valeurs[demarche.silence]["jours"]
    return {
        "code": demarche.code,
        "intitule": str(demarche.intitule),
        "objet": demarche.objet,
        "cas": [
            {
                "code": cas.code,
                "premiere_demande": cas.premiere_demande,
                "fenetre": cas.fenetre,
                "type_de_demande": str(demarche.type_de_demande(cas.code)),
            }
            for cas in demarche.tous_les_cas
        ],
        "etapes": [_etape(etape, contexte) for etape in demarche.etapes],
        "pieces": [_piece(demarche, piece, references) for piece in demarche.pieces],
        "titres": [
            {
                "code": titre.code,
                "libelle": str(titre.libelle),
                "mention": titre.mention,
                "duree_max": titre.duree_max,
                "taxe": {"bareme": titre.taxe, **valeurs[titre.taxe]},
                "travail": titre.travail,
                "schengen": titre.schengen,
                "reserve_a": titre.reserve_a,
            }
            for titre in demarche.titres
        ],
        "parametres": {
            "silence": {"bareme": demarche.silence, "jours": silence},
            "categorie_2d_doc": demarche.categorie,
            "sms": demarche.sms,
            "schengen_depot": demarche.schengen_depot,
        },
    }


def _etape(etape: Etape, contexte: Contexte) -> dict[str, Any]:
    form = etape.form(contexte=contexte) if etape.form else None
    return {
        "code": etape.code,
        "titre": str(etape.titre),
        "genre": etape.genre,
        "groupes": [
            {
                "code": groupe.code,
                "titre": str(groupe.titre),
                "champs": [champ for nom in groupe.champs for champ in _champs(form, nom)],
            }
            for groupe in (form.groupes if form else ())
        ],
    }


def _champs(form: EtapeForm, nom: str) -> list[dict[str, Any]]:
    """Un champ, ou ceux d'une ligne d'un bloc répétable ; un champ caché n'est pas une question."""
    quand = ""
    if condition := form.condition(nom):
        quand = f"si « {form.fields[condition.maitre].label} » vaut {' ou '.join(condition.valeurs)}"
    if nom in form.blocs:
        champs = form.formsets[nom].empty_form.fields
        prefixe = f"{form.blocs[nom].titre_ligne} – "
    else:
        champs, prefixe = {nom: form.fields[nom]}, ""
    return [
        {
            "code": f"{nom}.{sous_nom}" if prefixe else sous_nom,
            "libelle": f"{prefixe}{champ.label}",
            "genre": _genre(champ),
            "obligatoire": champ.required,
            "condition": quand,
        }
        for sous_nom, champ in champs.items()
        if not champ.widget.is_hidden
    ]


def _genre(champ: forms.Field) -> str:
    if isinstance(champ.widget, forms.MultiWidget):
        return "date"
    genres = {
        forms.BooleanField: "case à cocher",
        forms.ChoiceField: "choix",
        MontantField: "montant",
    }
    return next((genre for classe, genre in genres.items() if isinstance(champ, classe)), "texte")


def _piece(demarche: Demarche, piece: Piece, references: dict[str, dict]) -> dict[str, Any]:
    reference = references[codes_de_reference(demarche, piece)[0]]
    return {
        "code": piece.code,
        "libelle": reference["libelle"],
        "libelle_en": reference["libelle_en"],
        "genre": piece.numero or ("declaration" if piece.declaration else "fichiers"),
        "obligatoire": str(piece.obligatoire_si.texte) if piece.obligatoire_si else reference["obligatoire"],
        "absence_permise": reference["absence_permise"],
        "condition": str(piece.quand),
        "fichiers": [reference["fichiers_min"], reference["fichiers_max"]] if piece.a_des_fichiers else None,
        "anciennete_max": reference["anciennete_max"],
        "variantes": list(piece.variantes),
        "source": reference["source"],
    }
