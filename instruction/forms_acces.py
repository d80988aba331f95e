"""Les formulaires de ce que les agents ouvrent hors de leur file."""

import datetime as dt

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from instruction.journal import Filtres, Registre
from usagers.numeros import est_numero_demande, normaliser


class AutreSiteForm(forms.Form):
    """Pourquoi cet agent doit lire ce dossier-là : la raison reste au journal, l'auditeur la lit."""

    numero = forms.CharField(
        label=_("Numéro de la demande"),
        max_length=40,
        help_text=_("19 chiffres, par exemple 7502202606290000001."),
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": _("Saisissez le numéro de la demande : 19 chiffres.")},
    )
    motif = forms.CharField(
        label=_("Pourquoi devez-vous lire ce dossier ?"),
        min_length=20,
        max_length=1000,
        help_text=_("Une phrase au moins. Elle est gardée au journal, que l'auditeur lit."),
        widget=forms.Textarea({"rows": 3}),
        error_messages={
            "required": _("Écrivez pourquoi vous devez lire ce dossier."),
            "min_length": _("Écrivez une phrase entière : 20 caractères au moins."),
        },
    )

    def clean_numero(self):
        numero = normaliser(self.cleaned_data["numero"])
        if not est_numero_demande(numero):
            raise forms.ValidationError(_("Saisissez les 19 chiffres du numéro de la demande."))
        return numero


class CodeForm(forms.Form):
    """Un code de l'application, ou un code de secours."""

    second_facteur = forms.CharField(
        label=_("Code à six chiffres"),
        max_length=20,
        help_text=_("Celui que votre application montre en ce moment, ou l'un de vos codes de secours."),
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={"required": _("Saisissez le code que montre votre application.")},
    )


class RemiseAZeroForm(forms.Form):
    motif = forms.CharField(
        label=_("Pourquoi le remettre à zéro ?"),
        max_length=200,
        help_text=_("Par exemple : téléphone perdu, identité vérifiée au guichet. Gardé au journal."),
        error_messages={"required": _("Écrivez pourquoi, et comment vous avez vérifié que c'est bien cet agent.")},
    )


class JourDuJournal(forms.DateField):
    """Un jour du calendrier du navigateur, dans les années que le journal peut connaître."""

    widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    default_validators = (
        MinValueValidator(dt.date(2000, 1, 1), _("Choisissez une année entre 2000 et 2100.")),
        MaxValueValidator(dt.date(2100, 12, 31), _("Choisissez une année entre 2000 et 2100.")),
    )


class JournalForm(forms.Form):
    """Ce que l'auditeur cherche : tout est facultatif."""

    agent = forms.CharField(
        label=_("Identifiant de l'agent"),
        required=False,
        max_length=40,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    dossier = forms.CharField(
        label=_("Numéro de la demande"), required=False, max_length=40, widget=forms.TextInput({"autocomplete": "off"})
    )
    du = JourDuJournal(label=_("Du"), required=False)
    au = JourDuJournal(label=_("Au"), required=False)
    nature = forms.ChoiceField(label=_("Nature"), required=False)

    def __init__(self, *args, registre: Registre, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["nature"].choices = [("", _("Toutes")), *registre.natures]
        if "nature" not in registre.champs:
            del self.fields["nature"]
        if "dossier" not in registre.champs:
            del self.fields["dossier"]

    def clean_agent(self):
        return self.cleaned_data["agent"].replace("\x00", "").lower()

    def clean_dossier(self):
        numero = normaliser(self.cleaned_data["dossier"])
        if numero and not est_numero_demande(numero):
            raise forms.ValidationError(_("Saisissez les 19 chiffres du numéro de la demande."))
        return numero

    def clean(self):
        saisie = super().clean()
        if saisie.get("du") and saisie.get("au") and saisie["du"] > saisie["au"]:
            self.add_error("au", _("La fin de la période précède son début : changez l'une des deux dates."))
        return saisie

    @property
    def filtres(self) -> Filtres:
        return Filtres(**self.cleaned_data)
