"""Le rendu de tous les formulaires du portail : classes du DSFR et un seul gabarit de champ."""

from django.forms import BoundField, widgets
from django.forms.renderers import TemplatesSetting

GENRES = (
    (widgets.HiddenInput, "cache"),
    (widgets.CheckboxSelectMultiple, "cases"),
    (widgets.RadioSelect, "choix"),
    (widgets.MultiWidget, "groupe"),
    (widgets.SelectDateWidget, "groupe"),
    (widgets.CheckboxInput, "case"),
    (widgets.Select, "liste"),
    (widgets.FileInput, "fichier"),
    (widgets.PasswordInput, "mot_de_passe"),
)
CLASSES = {
    "texte": "fr-input",
    "liste": "fr-select",
    "fichier": "fr-upload",
    "mot_de_passe": "fr-password__input fr-input",
}


def genre_de(widget: widgets.Widget) -> str:
    return next((genre for classe, genre in GENRES if isinstance(widget, classe)), "texte")


class ChampDsfr(BoundField):
    """Un champ lié qui sait quel composant du DSFR le montre."""

    def __init__(self, form, field, name):
        super().__init__(form, field, name)
        for partie in getattr(field.widget, "widgets", ()):
            partie.attrs["class"] = self._classes(partie)

    @property
    def genre(self) -> str:
        return genre_de(self.field.widget)

    @property
    def ancre(self) -> str:
        """L'endroit où mène le résumé des erreurs : la première réponse possible, ou la première partie fautive."""
        if self.genre in {"choix", "cases", "groupe"}:
            return f"{self.auto_id}_{getattr(self.field.widget, 'rang_fautif', None) or 0}"
        return self.id_for_label or self.auto_id

    @property
    def en_ligne(self) -> bool:
        """« Oui » et « Non » tiennent côte à côte ; des réponses plus longues se lisent l'une sous l'autre."""
        libelles = [str(option.choice_label) for option in self.subwidgets]
        return len(libelles) == 2 and all(len(libelle) <= 12 for libelle in libelles)

    @property
    def mention_facultatif(self) -> bool:
        """Une case à cocher seule est facultative par nature : le dire n'apprendrait rien."""
        return not self.field.required and self.genre != "case"

    def build_widget_attrs(self, attrs, widget=None):
        widget = widget or self.field.widget
        attrs = super().build_widget_attrs(attrs, widget)
        genre = genre_de(widget)
        if attrs.pop("required", False) and genre in {"texte", "liste", "mot_de_passe", "case"}:
            # Le serveur contrôle : les bulles du navigateur ne disent ni la langue du site ni l'exemple attendu.
            attrs["aria-required"] = "true"
        if genre in {"choix", "cases"}:
            # Le groupe porte l'erreur ; la répéter sur chaque réponse la ferait lire plusieurs fois.
            attrs.pop("aria-invalid", None)
        if genre == "fichier" and self.aria_describedby:
            attrs["aria-describedby"] = self.aria_describedby
        if classes := self._classes(widget):
            attrs["class"] = classes
        return attrs

    @staticmethod
    def _classes(widget: widgets.Widget) -> str:
        propres = widget.attrs.get("class", "")
        du_dsfr = CLASSES.get(genre_de(widget), "")
        return " ".join(dict.fromkeys(f"{propres} {du_dsfr}".split()))


class RenduDsfr(TemplatesSetting):
    field_template_name = "composants/champ.html"
    bound_field_class = ChampDsfr
