"""Les formulaires d'une demande déposée."""

from django import forms
from django.utils.translation import gettext_lazy as _

from demandes.operations import MESSAGE_DE_REOUVERTURE_MAX, Raison


class RetraitForm(forms.Form):
    raison = forms.ChoiceField(
        label=_("Pourquoi retirez-vous votre demande ?"),
        choices=[("", _("Je préfère ne pas le dire")), *Raison.choices],
        initial="",
        required=False,
        widget=forms.RadioSelect,
    )
    confirme = forms.BooleanField(
        label=_("J'ai compris : ma demande ne sera pas examinée, et je ne pourrai pas la rouvrir."),
        error_messages={"required": _("Cochez la case pour confirmer le retrait.")},
    )


class ReouvertureForm(forms.Form):
    message = forms.CharField(
        label=_("Votre message au service"),
        help_text=_("Dites ce que vous apportez, ou ce qui a changé depuis la clôture."),
        max_length=MESSAGE_DE_REOUVERTURE_MAX,
        widget=forms.Textarea({"rows": 5}),
        error_messages={"required": _("Écrivez au service ce que vous apportez, ou ce qui a changé.")},
    )
