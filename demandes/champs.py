"""Champs des étapes, indépendants de la langue d'affichage : un brouillon se relit pareil en français et en anglais."""

import re
from decimal import Decimal, InvalidOperation

from django import forms
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from documents.deuxd_doc import NonEncodable, normaliser


def valider_encodable(texte: str) -> None:
    """Ce qui sera imprimé dans un document doit s'écrire en lettres latines (décision 14)."""
    try:
        normaliser(texte)
    except NonEncodable:
        raise ValidationError(
            _("Écrivez en lettres latines (A à Z, accents permis) : ce texte figurera sur vos documents."), code="latin"
        ) from None


# La première ligne d'une liste : rien n'est choisi d'avance.
SANS_CHOIX = _("Sélectionner une réponse")
OUI_NON = [("oui", _("Oui")), ("non", _("Non"))]


class OuiNonField(forms.ChoiceField):
    """« Oui » ou « Non », rien de coché d'avance."""

    def __init__(self, **options):
        options.setdefault("widget", forms.RadioSelect)
        super().__init__(choices=OUI_NON, **options)


class MontantField(forms.CharField):
    """Montant en euros : virgule ou point, espaces permises, deux décimales au plus ; vaut un `Decimal`."""

    default_error_messages = {
        "invalide": _("Saisissez un montant en chiffres, par exemple 615 ou 615,50."),
        "negatif": _("Saisissez un montant égal ou supérieur à 0."),
        "trop_grand": _("Saisissez un montant mensuel inférieur à 100 000 €."),
    }

    def __init__(self, **options):
        options.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        options.setdefault("max_length", 20)
        super().__init__(**options)

    def clean(self, value):
        texte = re.sub(r"[\s€]", "", super().clean(value))
        if not texte:
            return None
        texte = texte.replace(",", ".")
        if not re.fullmatch(r"[+-]?\d+(\.\d{1,2})?", texte):
            raise ValidationError(self.error_messages["invalide"], code="invalide")
        try:
            montant = Decimal(texte).quantize(Decimal("0.01"))
        except InvalidOperation:
            raise ValidationError(self.error_messages["trop_grand"], code="trop_grand") from None
        if montant < 0:
            raise ValidationError(self.error_messages["negatif"], code="negatif")
        if montant >= 100_000:
            raise ValidationError(self.error_messages["trop_grand"], code="trop_grand")
        return montant


class CodePostalField(forms.CharField):
    """Cinq chiffres, espaces permises."""

    default_error_messages = {
        "required": _("Saisissez le code postal, par exemple 75020."),
        "forme": _("Saisissez un code postal de 5 chiffres, par exemple 75020."),
    }

    def __init__(self, **options):
        options.setdefault("widget", forms.TextInput(attrs={"autocomplete": "postal-code", "inputmode": "numeric"}))
        options.setdefault("max_length", 10)
        super().__init__(**options)

    def to_python(self, value):
        return re.sub(r"\s", "", super().to_python(value))

    def validate(self, value):
        super().validate(value)
        if value and not re.fullmatch(r"[0-9]{5}", value):
            raise ValidationError(self.error_messages["forme"], code="forme")


# --- Adresse de la base nationale ------------------------------------------------------------------------------------
def sceller_adresse(cle: str, **adresse: str) -> str:
    """La clé de l'adresse choisie et son sceau : elle ne vaut qu'avec ces numéro, voie, code postal et commune."""
    return f"{cle}:{_sceau(cle, adresse)}"


def cle_verifiee(valeur: str, **adresse: str) -> str:
    """La clé, si l'adresse est restée celle qui a été choisie ; sinon rien."""
    cle, _deux_points, sceau = valeur.rpartition(":")
    return cle if cle and constant_time_compare(sceau, _sceau(cle, adresse)) else ""


def _sceau(cle: str, adresse: dict[str, str]) -> str:
    noms = ("numero", "voie", "code_postal", "commune", "insee")
    texte = "\n".join([cle, *(" ".join(adresse[nom].casefold().split()) for nom in noms)])
    return salted_hmac("demandes.champs.adresse", texte, algorithm="sha256").hexdigest()[:32]
