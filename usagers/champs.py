"""Les champs de formulaire que Django n'a pas : une date en trois parties, un téléphone de tous les pays.

Ni l'un ni l'autre ne dépend de la langue de la page : ce qui est tapé en anglais se relit en français.
"""

import datetime as dt
import unicodedata
from collections.abc import Sequence

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import get_text_list
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from usagers.dates import DateImpossible, DatePartielle
from usagers.numeros import normaliser

MOIS = (
    (1, _("Janvier")), (2, _("Février")), (3, _("Mars")), (4, _("Avril")), (5, _("Mai")), (6, _("Juin")),
    (7, _("Juillet")), (8, _("Août")), (9, _("Septembre")), (10, _("Octobre")), (11, _("Novembre")),
    (12, _("Décembre")),
)  # fmt: skip
PARTIES = (_("le jour"), _("le mois"), _("l'année"))
JOUR, MOIS_, ANNEE = range(3)


class DateTroisChampsWidget(forms.MultiWidget):
    """`nom_0`, `nom_1`, `nom_2` : jour, mois, année. Le groupe a une légende, chaque partie son étiquette."""

    template_name = "usagers/widgets/date.html"
    use_fieldset = True

    def __init__(self, *, mois_en_lettres: bool = False, autocomplete: str = "off", attrs: dict | None = None):
        jetons = [autocomplete if autocomplete == "off" else f"{autocomplete}-{p}" for p in ("day", "month", "year")]
        chiffres = {"inputmode": "numeric", "class": "fr-input"}
        if mois_en_lettres:
            choix = [("", pgettext_lazy("mois d'une date", "Mois")), *((str(rang), nom) for rang, nom in MOIS)]
            mois = forms.Select({"class": "fr-select", "autocomplete": jetons[MOIS_]}, choices=choix)
        else:
            mois = forms.TextInput({**chiffres, "autocomplete": jetons[MOIS_], "maxlength": 12})
        self.mois_en_lettres = mois_en_lettres
        self.parties_en_faute: Sequence[int] = ()
        jour = forms.TextInput({**chiffres, "autocomplete": jetons[JOUR], "maxlength": 4})
        annee = forms.TextInput({**chiffres, "autocomplete": jetons[ANNEE], "maxlength": 6})
        super().__init__([jour, mois, annee], attrs)

    def decompress(self, value):
        """Une date, une date partielle ou leur texte ISO → ce que montrent les trois parties."""
        if not value:
            return ["", "", ""]
        annee, mois, jour = str(value)[:10].split("-")
        return [jour, str(int(mois)) if self.mois_en_lettres else mois, annee]

    @property
    def rang_fautif(self) -> int:
        """La partie où mène le résumé des erreurs : la première en faute."""
        return min(self.parties_en_faute, default=JOUR)

    def id_for_label(self, id_):
        return f"{id_}_{self.rang_fautif}" if id_ else id_

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        mois = (_("Mois"), "", "mois") if self.mois_en_lettres else (_("Mois"), _("Exemple : 03"), "number")
        etiquettes = ((_("Jour"), _("Exemple : 09"), "number"), mois, (_("Année"), _("Exemple : 2026"), "year"))
        en_erreur = "aria-invalid" in context["widget"]["attrs"]
        fautes = (self.parties_en_faute or range(3)) if en_erreur else ()
        for rang, partie in enumerate(context["widget"]["subwidgets"]):
            attributs = partie["attrs"]
            partie["etiquette"], partie["exemple"], partie["largeur"] = etiquettes[rang]
            partie["en_faute"] = rang in fautes
            partie["genre"] = "select" if rang == MOIS_ and self.mois_en_lettres else "input"
            attributs.pop("aria-invalid", None)
            if attributs.get("id") and partie["exemple"]:
                attributs["aria-describedby"] = f"{attributs['id']}_exemple"
            if partie["en_faute"]:
                attributs["aria-invalid"] = "true"
                attributs["class"] += f" fr-{partie['genre']}--error"
        return context


class DateTroisChampsField(forms.Field):
    """Jour, mois, année → `datetime.date`, ou `DatePartielle` si `partielle` (jour, ou jour et mois, inconnus).

    `objet` nomme la date dans les phrases d'erreur : « la date de début de validité ».
    """

    default_error_messages = {
        "required": _("Saisissez %(objet)s : le jour, le mois et l'année, par exemple 9 mars 2026."),
        "manque": _("Complétez %(objet)s : il manque %(parties)s."),
        "jour": _("Corrigez le jour de %(objet)s : c'est un nombre de 1 à 31."),
        "mois": _("Corrigez le mois de %(objet)s : c'est un nombre de 1 à 12."),
        "annee": _("Corrigez l'année de %(objet)s : elle s'écrit avec quatre chiffres, par exemple 2026."),
        "bornes": _("Corrigez l'année de %(objet)s : elle va de %(premiere)s à %(derniere)s."),
        "inexistante": _("Corrigez %(objet)s : le %(jour)s/%(mois)s/%(annee)s n'existe pas."),
    }

    def __init__(
        self, *, mois_en_lettres=False, partielle=False, objet=None, autocomplete="off",
        annees: tuple[int, int] = (1900, 2100), **kwargs,
    ):  # fmt: skip
        kwargs.setdefault("widget", DateTroisChampsWidget(mois_en_lettres=mois_en_lettres, autocomplete=autocomplete))
        self.partielle, self.objet, self.annees = partielle, objet, annees
        super().__init__(**kwargs)

    def clean(self, value):
        self.widget.parties_en_faute = ()
        return super().clean(value)

    def validate(self, value):
        if self.required and value is None:
            raise self._faute("required", range(3))

    def to_python(self, value) -> dt.date | DatePartielle | None:
        if isinstance(value, dt.date | DatePartielle):
            return value
        textes = [normaliser(str(partie or "")) for partie in (value or ["", "", ""])]
        if not any(textes):
            return None
        jour, mois, annee = self._lire_parties(textes)
        try:
            date = DatePartielle(annee, mois, jour)
        except DateImpossible as erreur:
            textes = {"jour": f"{jour:02}", "mois": f"{mois:02}", "annee": annee}
            raise self._faute("inexistante", (JOUR,), **textes) from erreur
        return date if self.partielle else date.au_plus_tot

    def has_changed(self, initial, data):
        return not self.disabled and self.widget.decompress(initial) != [str(partie or "") for partie in data or []]

    def _lire_parties(self, textes: list[str]) -> tuple[int, int, int]:
        if self.partielle:
            textes = [textes[JOUR] or "0", textes[MOIS_] or "0", textes[ANNEE]]
        if manquantes := [rang for rang, texte in enumerate(textes) if not texte]:
            parties = get_text_list([str(PARTIES[rang]) for rang in manquantes], gettext("et"))
            raise self._faute("manque", manquantes, parties=parties)
        jour, mois = _entier(textes[JOUR]), _mois(textes[MOIS_])
        plus_petit = 0 if self.partielle else 1
        if jour is None or not plus_petit <= jour <= 31:
            raise self._faute("jour", (JOUR,))
        if mois is None or not plus_petit <= mois <= 12:
            raise self._faute("mois", (MOIS_,))
        if jour and not mois:
            raise self._faute("manque", (MOIS_,), parties=PARTIES[MOIS_])
        if len(textes[ANNEE]) != 4 or (annee := _entier(textes[ANNEE])) is None:
            raise self._faute("annee", (ANNEE,))
        premiere, derniere = self.annees
        if not premiere <= annee <= derniere:
            raise self._faute("bornes", (ANNEE,), premiere=str(premiere), derniere=str(derniere))
        return jour, mois, annee

    def _faute(self, code: str, en_faute: Sequence[int], **valeurs) -> ValidationError:
        self.widget.parties_en_faute = tuple(en_faute)
        objet = self.objet or (f"« {self.label} »" if self.label else gettext("la date"))
        return ValidationError(self.error_messages[code], code=code, params={"objet": objet, **valeurs})


def _entier(texte: str) -> int | None:
    return int(texte) if texte.isascii() and texte.isdecimal() and len(texte) <= 4 else None


def _mois(texte: str) -> int | None:
    """Un rang, ou un nom de mois tapé en français, avec ou sans accent (« mars », « FÉVRIER »)."""
    nom = unicodedata.normalize("NFD", texte).encode("ascii", "ignore").decode()
    return MOIS_TAPES.index(nom) + 1 if nom in MOIS_TAPES else _entier(texte)


MOIS_TAPES = (
    "JANVIER", "FEVRIER", "MARS", "AVRIL", "MAI", "JUIN",
    "JUILLET", "AOUT", "SEPTEMBRE", "OCTOBRE", "NOVEMBRE", "DECEMBRE",
)  # fmt: skip

# Plans de numérotation nationaux que l'on compose sans indicatif depuis la métropole (0692…, 0696…).
REGIONS_OUTRE_MER = ("GP", "GF", "MQ", "RE", "YT")
MOBILES = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}


class TelephoneField(forms.CharField):
    """Un numéro de n'importe quel pays, France par défaut, rendu en E.164 (`+33601020304`)."""

    default_error_messages = {
        "required": _("Saisissez un numéro de téléphone, par exemple 06 01 02 03 04 ou +223 70 12 34 56."),
        "forme": _(
            "Vérifiez le numéro de téléphone : il s'écrit comme 06 01 02 03 04, ou avec l'indicatif de son pays, "
            "comme +223 70 12 34 56."
        ),
        "mobile": _(
            "Saisissez un numéro de téléphone portable : celui-ci est un numéro fixe, qui ne reçoit pas les SMS."
        ),
    }

    def __init__(self, *, mobile: bool = False, region: str = "FR", **kwargs):
        self.mobile, self.region = mobile, region
        attributs = {"autocomplete": "tel", "inputmode": "tel"}
        kwargs.setdefault("widget", forms.TextInput({**attributs, "type": "tel"}))
        kwargs.setdefault("max_length", 30)
        super().__init__(**kwargs)

    def prepare_value(self, value):
        """E.164 gardé → « 06 01 02 03 04 » ; ce que la personne vient de taper est montré tel quel."""
        if not isinstance(value, str) or not value.startswith("+") or not value[1:].isdecimal():
            return value
        try:
            numero = phonenumbers.parse(value)
        except phonenumbers.NumberParseException:
            return value
        formes = phonenumbers.PhoneNumberFormat
        francais = phonenumbers.region_code_for_number(numero) == self.region
        return phonenumbers.format_number(numero, formes.NATIONAL if francais else formes.INTERNATIONAL)

    def to_python(self, value) -> str:
        texte = super().to_python(value)
        if not texte:
            return ""
        numero = self._numero(texte)
        if numero is None:
            raise ValidationError(self.error_messages["forme"], code="forme")
        if self.mobile and phonenumbers.number_type(numero) not in MOBILES:
            raise ValidationError(self.error_messages["mobile"], code="mobile")
        return phonenumbers.format_number(numero, phonenumbers.PhoneNumberFormat.E164)

    def _numero(self, texte: str) -> phonenumbers.PhoneNumber | None:
        if any(caractere.isalpha() for caractere in texte):
            return None
        regions = (self.region, *REGIONS_OUTRE_MER) if self.region == "FR" else (self.region,)
        for region in regions:
            try:
                numero = phonenumbers.parse(texte, region)
            except phonenumbers.NumberParseException:
                return None
            if phonenumbers.is_valid_number(numero):
                return numero
        return None
