"""Les formulaires du compte. Chaque refus dit le champ et ce qu'il faut faire."""

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from documents.deuxd_doc import NonEncodable, adapter
from usagers.champs import DateTroisChampsField, TelephoneField
from usagers.models import Compte, Usager
from usagers.numeros import lire_numero_document

# Le champ « nom d'usage » du 2D-Doc : ce qui n'y entre pas est refusé à la saisie, jamais au moment de la décision.
CHAMP_NOM_USAGE = "63"
SANS_CORRECTION = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false"}


class ConnexionForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _(
            "L'identifiant ou le mot de passe ne correspond pas. Vérifiez-les, ou demandez un nouveau mot de passe."
        ),
        "agent": _("Ce compte est celui d'un agent : connectez-vous depuis l'espace des agents."),
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        identifiant, mot_de_passe = self.fields["username"], self.fields["password"]
        identifiant.label = _("Identifiant")
        identifiant.help_text = _("Exemple : 9999999999")
        identifiant.error_messages["required"] = _("Saisissez votre identifiant, par exemple 9999999999.")
        identifiant.widget = forms.TextInput({"autocomplete": "username", "maxlength": 40, **SANS_CORRECTION})
        mot_de_passe.label = _("Mot de passe")
        mot_de_passe.error_messages["required"] = _("Saisissez votre mot de passe.")

    def confirm_login_allowed(self, user):
        super().confirm_login_allowed(user)
        if user.est_agent:
            raise ValidationError(self.error_messages["agent"], code="agent")


class CreationForm(forms.Form):
    """Guide 000, « Créez votre compte » : le numéro et les dates du titre ou du visa, comme ils y sont écrits."""

    numero = forms.CharField(
        label=_("N° de votre visa ou de votre titre de séjour"),
        help_text=_("Exemple : 9999999999. Votre n° étranger convient aussi."),
        max_length=40,
        widget=forms.TextInput({"autocomplete": "off", **SANS_CORRECTION}),
        error_messages={
            "required": _("Saisissez le numéro écrit sur votre titre ou sur votre visa, par exemple 7703004369.")
        },
    )
    debut = DateTroisChampsField(
        label=_("Date de début de validité"), objet=_("la date de début de validité"), mois_en_lettres=True
    )
    fin = DateTroisChampsField(
        label=_("Date de fin de validité"), objet=_("la date de fin de validité"), mois_en_lettres=True
    )

    def clean_numero(self):
        return lire_numero_document(self.cleaned_data["numero"])

    def clean(self):
        donnees = super().clean()
        debut, fin = donnees.get("debut"), donnees.get("fin")
        if debut and fin and fin < debut:
            self.add_error("fin", _("Vérifiez les dates : la fin de validité est avant le début."))
        return donnees


class CourrielForm(forms.Form):
    courriel = forms.EmailField(
        label=_("Adresse électronique"),
        help_text=_("Exemple : nom@exemple.fr"),
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "email", **SANS_CORRECTION}),
        error_messages={
            "required": _("Saisissez votre adresse électronique, par exemple nom@exemple.fr."),
            "invalid": _("Vérifiez l'adresse électronique : elle s'écrit comme nom@exemple.fr."),
        },
    )

    def clean_courriel(self):
        return Compte.objects.normalize_email(self.cleaned_data["courriel"])


class CourrielInscriptionForm(CourrielForm):
    """`saisie` : le numéro et les dates de l'écran précédent, signés ; deux onglets ne se mélangent pas."""

    saisie = forms.CharField(widget=forms.HiddenInput)


class OubliForm(forms.Form):
    identifiant = forms.CharField(
        label=_("Identifiant"),
        help_text=_("Votre n° étranger, ou votre n° de visa si vous n'avez pas de n° étranger. Exemple : 9999999999"),
        max_length=40,
        widget=forms.TextInput({"autocomplete": "username", **SANS_CORRECTION}),
        error_messages={"required": _("Saisissez votre identifiant, par exemple 9999999999.")},
    )


class NouveauMotDePasseForm(forms.Form):
    mot_de_passe = forms.CharField(
        label=_("Mot de passe"),
        max_length=256,
        strip=False,
        help_text=_("Suivez l'une des trois règles ci-dessus."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        error_messages={"required": _("Choisissez un mot de passe.")},
    )
    confirmation = forms.CharField(
        label=_("Confirmation du mot de passe"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        error_messages={"required": _("Saisissez le mot de passe une seconde fois.")},
    )

    def __init__(self, *args, compte: Compte, **kwargs):
        super().__init__(*args, **kwargs)
        self.compte = compte

    def clean_mot_de_passe(self):
        mot_de_passe = self.cleaned_data["mot_de_passe"]
        password_validation.validate_password(mot_de_passe, self.compte)
        return mot_de_passe

    def clean(self):
        donnees = super().clean()
        mot_de_passe, confirmation = donnees.get("mot_de_passe"), donnees.get("confirmation")
        if mot_de_passe and confirmation and mot_de_passe != confirmation:
            self.add_error("confirmation", _("Les deux mots de passe sont différents : saisissez deux fois le même."))
        return donnees


class _MotDePasseActuel(forms.Form):
    mot_de_passe_actuel = forms.CharField(
        label=_("Mot de passe actuel"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": _("Saisissez votre mot de passe actuel.")},
    )

    def clean_mot_de_passe_actuel(self):
        if not self.compte.check_password(self.cleaned_data["mot_de_passe_actuel"]):
            raise ValidationError(_("Ce n'est pas votre mot de passe actuel : vérifiez-le."), code="mot_de_passe")
        return self.cleaned_data["mot_de_passe_actuel"]


class ChangementMotDePasseForm(_MotDePasseActuel, NouveauMotDePasseForm):
    field_order = ["mot_de_passe_actuel", "mot_de_passe", "confirmation"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["mot_de_passe"].label = _("Nouveau mot de passe")


class ChangementCourrielForm(CourrielForm, _MotDePasseActuel):
    field_order = ["courriel", "mot_de_passe_actuel"]

    def __init__(self, *args, compte: Compte, **kwargs):
        super().__init__(*args, **kwargs)
        self.compte = compte
        self.fields["courriel"].label = _("Nouvelle adresse électronique")

    def clean_courriel(self):
        courriel = super().clean_courriel()
        if courriel.casefold() == self.compte.courriel.casefold():
            raise ValidationError(_("C'est déjà votre adresse : saisissez la nouvelle."), code="meme_adresse")
        return courriel


class InformationsForm(forms.Form):
    nom_usage = forms.CharField(
        label=_("Nom d'usage"),
        help_text=_("Par exemple le nom de votre époux ou épouse."),
        max_length=100,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    situation_familiale = forms.ChoiceField(
        label=_("Situation familiale"),
        choices=[("", _("Choisissez dans la liste")), *Usager.Situation.choices],
        error_messages={"required": _("Choisissez votre situation familiale.")},
    )
    telephone = TelephoneField(label=_("Téléphone portable"), mobile=True)

    def clean_nom_usage(self):
        nom = " ".join(self.cleaned_data["nom_usage"].split())
        if nom:
            try:
                adapter(CHAMP_NOM_USAGE, nom)
            except NonEncodable as erreur:
                raise ValidationError(
                    _("Écrivez le nom d'usage en lettres latines, comme sur votre passeport."), code="non_encodable"
                ) from erreur
        return nom
