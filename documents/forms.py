"""Le formulaire de vérification d'un document."""

from django import forms
from django.utils.translation import gettext_lazy as _

from documents.verification import TAILLE_MAXIMALE


class VerificationForm(forms.Form):
    fichier = forms.FileField(
        label=_("Photo ou PDF du document"),
        help_text=_(
            "JPG, PNG ou PDF, 10 Mo au plus. Le fichier est lu puis oublié : nous n'en gardons aucune copie. "
            "Cadrez de près le carré « 2D-DOC »."
        ),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".jpg,.jpeg,.png,.pdf,.heic,.heif,.webp"}),
    )
    texte = forms.CharField(
        label=_("Texte du code 2D-Doc"),
        help_text=_("Ce que donne une application de lecture de codes ; il commence par « DC »."),
        required=False,
        strip=False,  # str.strip() ôterait aussi les séparateurs du code
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}),
        error_messages={"max_length": _("Ce texte est trop long pour un code 2D-Doc (5 000 caractères au plus).")},
    )
    use_required_attribute = False

    def clean_fichier(self):
        fichier = self.cleaned_data["fichier"]
        if fichier and fichier.size > TAILLE_MAXIMALE:
            raise forms.ValidationError(_("Ce fichier dépasse 10 Mo. Envoyez une photo plus légère ou une seule page."))
        return fichier

    def clean(self):
        donnees = super().clean()
        if not self.errors and not donnees.get("fichier") and not (donnees.get("texte") or "").strip():
            self.add_error("fichier", _("Choisissez une photo ou un PDF du document, ou collez le texte de son code."))
        return donnees
