"""Les formulaires des données de référence : chaque refus est une phrase, et ce qui a pris effet reste."""

import copy
import re
from decimal import Decimal

from django import forms
from django.utils import timezone

from demandes.models import Bareme, Motif
from instruction.references import (
    MONTANT,
    NOMBRE_MAX,
    chevauchement,
    est_table_de_periodes,
    faute_de_remplacement,
    fautes,
    fautes_de_periodes,
    fautes_de_valeurs,
    phrase_de_chevauchement,
    suite_de,
)

LIBELLES_DES_VALEURS = {
    "montant": "Montant, en euros",
    "premiere": "Première demande, en euros",
    "renouvellement": "Renouvellement, en euros",
    "jours": "Nombre de jours",
    "ouverture": "Ouverture, en jours avant la fin du titre",
    "fermeture": "Fermeture, en jours avant la fin du titre",
}


class LigneDateeForm(forms.ModelForm):
    """`remplace` : la ligne en vigueur à qui celle-ci succède ; elle finira la veille."""

    remplace = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.avant = copy.copy(self.instance) if self.instance.pk else None

    def _get_validation_exclusions(self):
        # Les contraintes de dates sont dites par `clean`, avec le nom de l'autre ligne ; la base les garde aussi.
        return super()._get_validation_exclusions() | {"du"}

    def clean(self):
        saisie = super().clean()
        jour, ligne = timezone.localdate(), copy.copy(self.instance)
        for nom, valeur in saisie.items():
            setattr(ligne, nom, valeur)
        trouvees = {} if self.errors else fautes(ligne, self.avant, jour=jour)
        if self.remplace and "du" not in self.errors and (faute := faute_de_remplacement(ligne.du, jour=jour)):
            trouvees = {"du": faute}
        for nom, phrase in trouvees.items():
            self.add_error(nom if nom in self.fields else None, phrase)
        if not self.errors and (autre := chevauchement(ligne, self._autres(ligne))):
            self.add_error("du" if "du" in self.fields else None, phrase_de_chevauchement(autre))
        return saisie

    def _autres(self, ligne):
        autres = type(ligne).objects.filter(**suite_de(ligne)).exclude(pk=ligne.pk).order_by("du")
        return autres.exclude(pk=self.remplace.pk) if self.remplace else autres


# --- Motif -----------------------------------------------------------------------------------------------------------
DEBUTS = {
    "complement.": "Pièce à compléter (complement.…)",
    "avis.favorable.": "Avis favorable (avis.favorable.…)",
    "avis.defavorable.": "Avis défavorable (avis.defavorable.…)",
    "cloture.": "Clôture (cloture.…)",
}
SUITE = re.compile(r"[a-z][a-z0-9_]{0,39}")


def faute_de_code_de_motif(nature: str, code: str) -> str:
    """Le code commence par sa liste et finit par un mot ; vide : il convient."""
    debut = next((debut for debut in DEBUTS if code.startswith(debut)), "")
    if not debut or debut.split(".")[0] != nature:
        sens = " Un avis dit aussi « favorable. » ou « defavorable. »." if nature == Motif.Nature.AVIS else ""
        return f"Le code d'un motif de cette nature commence par « {nature}. ».{sens}"
    if not SUITE.fullmatch(code.removeprefix(debut)):
        return "Après le point, écrivez un mot en minuscules sans accent : lettres, chiffres et _ seulement."
    return ""


class MotifForm(LigneDateeForm):
    """Un nouveau motif : la liste où il paraît donne le début de son code."""

    liste = forms.ChoiceField(label="Liste", choices=DEBUTS.items())
    suite = forms.CharField(
        label="Code, après le point",
        max_length=60,
        help_text="Un mot en minuscules sans accent, par exemple « illisible ». Il ne changera plus.",
    )

    class Meta:
        model = Motif
        fields = ["du", "au", "ordre", "libelle", "texte", "texte_en", "source"]

    def clean_suite(self):
        debut, suite = self.data.get("liste", ""), self.cleaned_data["suite"]
        return suite.removeprefix(debut) if debut in DEBUTS else suite

    def clean(self):
        if {"liste", "suite"} <= self.cleaned_data.keys():
            self.instance.nature = self.cleaned_data["liste"].split(".")[0]
            self.instance.code = self.cleaned_data["liste"] + self.cleaned_data["suite"]
            if faute := faute_de_code_de_motif(self.instance.nature, self.instance.code):
                self.add_error("suite", faute)
        return super().clean()


# --- Barème ----------------------------------------------------------------------------------------------------------
class PeriodesField(forms.CharField):
    """Une ligne par pays : « GB 1973-01-01 2020-12-31 »."""

    widget = forms.Textarea

    def prepare_value(self, value):
        if not isinstance(value, dict):
            return value
        return "\n".join(" ".join([nom, p["du"], *([p["au"]] if "au" in p else [])]) for nom, p in value.items())

    def clean(self, value):
        valeurs, phrases = {}, []
        for rang, ligne in enumerate(super().clean(value).splitlines(), start=1):
            nom, *jours = ligne.split() or [""]
            if not nom:
                continue
            if not 1 <= len(jours) <= 2 or nom in valeurs:
                phrases.append(f"Ligne {rang} : un code de pays, une seule fois, puis une ou deux dates.")
            valeurs[nom] = dict(zip(("du", "au"), jours, strict=False))
        if phrases := phrases or fautes_de_periodes(valeurs):
            raise forms.ValidationError(phrases)
        return valeurs


def champ_de_valeur(nom: str, modele) -> forms.Field:
    libelle = LIBELLES_DES_VALEURS.get(nom, nom.replace("_", " ").capitalize())
    if isinstance(modele, bool):
        return forms.BooleanField(label=libelle, required=False)
    if isinstance(modele, int):
        return forms.IntegerField(label=libelle, min_value=0, max_value=NOMBRE_MAX)
    if MONTANT.fullmatch(str(modele)):
        phrases = {"min_value": "Un montant n'est jamais négatif.", "invalid": "Écrivez un montant, par exemple 75,00."}
        return forms.DecimalField(
            label=libelle, min_value=0, max_digits=7, decimal_places=2, error_messages=phrases,
            widget=forms.NumberInput({"step": "0.01"}),
        )  # fmt: skip
    return forms.CharField(label=libelle, max_length=200)


class BaremeForm(LigneDateeForm):
    """Les valeurs se saisissent une par une, selon leur genre ; `formulaire_de_bareme` en fait les champs."""

    modele: dict = {}

    class Meta:
        model = Bareme
        fields = ["du", "au", "source"]

    def clean(self):
        noms = {nom: f"valeur_{nom}" for nom in self.modele if f"valeur_{nom}" in self.fields}
        if "periodes" in self.cleaned_data:
            self.instance.valeurs = self.cleaned_data["periodes"]
        elif noms and set(noms.values()) <= self.cleaned_data.keys():
            valeurs = {nom: _en_json(self.cleaned_data[champ]) for nom, champ in noms.items()}
            for phrase in fautes_de_valeurs(valeurs, self.modele):
                self.add_error(None, phrase)
            self.instance.valeurs = valeurs
        return super().clean()


def _en_json(valeur):
    return f"{valeur:.2f}" if isinstance(valeur, Decimal) else valeur


def formulaire_de_bareme(valeurs: dict) -> type[BaremeForm]:
    """Le formulaire d'un barème, ses champs d'après les valeurs qu'il a."""
    if est_table_de_periodes(valeurs):
        champs = {
            "periodes": PeriodesField(
                label="Pays et périodes", initial=valeurs,
                help_text="Un pays par ligne : son code, le jour d'entrée et, s'il est sorti, le dernier jour. "
                "Par exemple : GB 1973-01-01 2020-12-31.",
            )
        }  # fmt: skip
    else:
        champs = {f"valeur_{nom}": champ_de_valeur(nom, valeur) for nom, valeur in valeurs.items()}
        for nom, valeur in valeurs.items():
            champs[f"valeur_{nom}"].initial = valeur
    return type("BaremeForm", (BaremeForm,), {**champs, "modele": valeurs})
