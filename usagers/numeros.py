"""Les numéros que l'administration donne ou lit : forme, normalisation, phrases de refus (domaine §2).

Un numéro est toujours un texte : un entier perdrait les zéros de tête. `lire_*` normalise, vérifie et rend la forme
à garder, ou lève `ValidationError` ; `est_*` juge une forme déjà normalisée.
"""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

NUMERO_ETRANGER = re.compile(r"[0-9]{10}")
NUMERO_ETRANGER_COURT = re.compile(r"[0-9]{9}")
NUMERO_VISA_CHIFFRES = re.compile(r"(?:FRA)?([0-9]{9})")
NUMERO_VISA = re.compile(r"[A-Z0-9]{12}")
NUMERO_TITRE = re.compile(r"[A-Z0-9]{9,10}")
NUMERO_EPHOTO = re.compile(r"[A-Z0-9]{22}")
NUMERO_TIMBRE = re.compile(r"[0-9]{16}")
NUMERO_DEMANDE = re.compile(r"[0-9]{19}")


def normaliser(texte: str) -> str:
    """Majuscules, chiffres de toute écriture ramenés à 0–9, sans espaces, points, tirets ni caractères invisibles."""
    formes = unicodedata.normalize("NFKC", texte).upper()
    signes = "".join(_chiffre(c) for c in formes if c != "." and not _est_separateur(c))
    return unicodedata.normalize("NFKC", signes)


def _est_separateur(caractere: str) -> bool:
    categorie = unicodedata.category(caractere)
    return categorie.startswith("Z") or categorie in {"Pd", "Cc", "Cf"} or caractere == "−"


def _chiffre(caractere: str) -> str:
    valeur = unicodedata.decimal(caractere, None)
    return caractere if valeur is None else str(valeur)


def est_numero_etranger(numero: str) -> bool:
    return bool(NUMERO_ETRANGER.fullmatch(numero) or NUMERO_ETRANGER_COURT.fullmatch(numero))


def est_numero_visa(numero: str) -> bool:
    """La forme gardée seulement : 12 caractères."""
    return bool(NUMERO_VISA.fullmatch(numero))


def est_numero_titre(numero: str) -> bool:
    return bool(NUMERO_TITRE.fullmatch(numero))


def est_numero_ephoto(numero: str) -> bool:
    return bool(NUMERO_EPHOTO.fullmatch(numero))


def est_numero_timbre(numero: str) -> bool:
    return bool(NUMERO_TIMBRE.fullmatch(numero))


def est_numero_demande(numero: str) -> bool:
    return bool(NUMERO_DEMANDE.fullmatch(numero))


def lire_numero_etranger(texte: str) -> str:
    """10 chiffres ; 9 sont acceptés sans être complétés (voir `avertissement_numero_etranger`)."""
    numero = normaliser(texte)
    if not est_numero_etranger(numero):
        raise ValidationError(
            _("Saisissez les 10 chiffres de votre numéro étranger, par exemple 7703004369."), code="numero_etranger"
        )
    return numero


def avertissement_numero_etranger(numero: str) -> str:
    """La phrase à montrer pour un numéro accepté mais inhabituel ; vide sinon."""
    if NUMERO_ETRANGER_COURT.fullmatch(numero):
        return _("Un numéro étranger compte presque toujours 10 chiffres : vérifiez qu'il n'en manque pas un.")
    return ""


def lire_numero_visa(texte: str) -> str:
    """9 chiffres, précédés ou non de FRA, ou 12 caractères ; gardé sur 12 (champ 6R du 2D-Doc)."""
    numero = normaliser(texte)
    if chiffres := NUMERO_VISA_CHIFFRES.fullmatch(numero):
        return f"FRA{chiffres[1]}"
    if not est_numero_visa(numero):
        raise ValidationError(
            _(
                "Saisissez le numéro de votre visa : 9 chiffres, précédés ou non de FRA, ou 12 caractères, "
                "par exemple FRA012345678."
            ),
            code="numero_visa",
        )
    return numero


def lire_numero_titre(texte: str) -> str:
    numero = normaliser(texte)
    if not est_numero_titre(numero):
        raise ValidationError(
            _("Saisissez le numéro de votre titre de séjour : 9 ou 10 lettres et chiffres, par exemple TS1234567."),
            code="numero_titre",
        )
    return numero


def lire_numero_document(texte: str) -> str:
    """À la création de compte : n° étranger, n° de titre ou n° de visa, normalisé mais pas encore reconnu.

    Neuf chiffres peuvent être chacun des trois : `formes_possibles` dit sous quelles formes chercher.
    """
    numero = normaliser(texte)
    if not (est_numero_etranger(numero) or est_numero_titre(numero) or est_numero_visa(numero)):
        raise ValidationError(
            _(
                "Saisissez le numéro écrit sur votre titre ou sur votre visa : 9 à 12 lettres et chiffres, "
                "par exemple 7703004369."
            ),
            code="numero_document",
        )
    return numero


def formes_possibles(numero: str) -> list[str]:
    """Les valeurs sous lesquelles un numéro normalisé peut être connu : lui-même, et le visa qu'il abrège."""
    if NUMERO_ETRANGER_COURT.fullmatch(numero):
        return [numero, f"FRA{numero}"]
    return [numero]


def lire_numero_ephoto(texte: str) -> str:
    numero = normaliser(texte)
    if not est_numero_ephoto(numero):
        raise ValidationError(
            _(
                "Saisissez les 22 lettres et chiffres du numéro de votre ephoto, par exemple "
                "1PMT-EK77-0613-1138-07AA-00."
            ),
            code="numero_ephoto",
        )
    return numero


def grouper_ephoto(numero: str) -> str:
    """« 1PMT - EK77 - 0613 - 1138 - 07AA - 00 »."""
    return " - ".join(numero[rang : rang + 4] for rang in range(0, len(numero), 4))


def lire_numero_timbre(texte: str) -> str:
    numero = normaliser(texte)
    if not est_numero_timbre(numero):
        raise ValidationError(_("Saisissez les 16 chiffres de votre timbre fiscal électronique."), code="numero_timbre")
    return numero


def lire_numero_demande(texte: str) -> str:
    """4 chiffres du site, 8 de la date de dépôt, 7 du rang : 19 chiffres, et rien n'est refusé sur leur lecture."""
    numero = normaliser(texte)
    if not est_numero_demande(numero):
        raise ValidationError(
            _("Saisissez les 19 chiffres du numéro de la demande, par exemple 7502202006290000030."),
            code="numero_demande",
        )
    return numero
