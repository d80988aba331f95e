"""L'orientation avant tout compte : trois questions au plus, sans rien enregistrer (domaine §1.1).

Les cas non couverts sont envoyés au bon endroit avant qu'un compte inutile existe.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from demandes.demarches import demarches_ouvertes
from demandes.droit import baremes

Texte = str | Promise


@dataclass(frozen=True)
class Situation:
    """Le document que la personne détient. `motif` : pourquoi la démarche ne se fait pas en ligne, s'il y en a un."""

    code: str
    libelle: Texte
    consigne: Texte = ""
    motif: Texte = ""
    suite: str = "prefecture"


SITUATIONS = (
    Situation(
        "titre",
        _("Titulaire d'un titre de séjour / VLS-TS"),
        _("Carte de séjour, certificat de résidence, ou visa valant titre de séjour validé en ligne."),
        suite="compte",
    ),
    Situation(
        "visa",
        _("Titulaire d'un visa de long séjour (VLS ou VLS-T)"),
        _("Ressortissant algérien avec un visa « Étudiant », étudiant en mobilité, ancien mineur scolarisé."),
        suite="compte",
    ),
    Situation(
        "vlsts_a_valider",
        _("Titulaire d'un VLS-TS que je n'ai pas encore validé"),
        motif=_("Un VLS-TS doit d'abord être validé. Tant qu'il ne l'est pas, il ne vaut pas titre de séjour."),
        suite="validation",
    ),
    Situation(
        "concours",
        _("Titulaire d'un visa de court séjour « étudiant-concours »"),
        motif=_("La demande qui suit un visa « étudiant-concours » se dépose auprès de la préfecture."),
    ),
    Situation(
        "longue_duree",
        _("Titulaire d'une carte de résident de longue durée-UE"),
        motif=_("La carte de résident de longue durée-UE n'est pas encore traitée sur ce site."),
    ),
    Situation(
        "expire",
        _("Titulaire d'un titre expiré depuis longtemps"),
        motif=_("Un titre expiré depuis aussi longtemps ne peut plus être renouvelé en ligne."),
    ),
    Situation(
        "aucun",
        _("Je n'ai ni titre de séjour, ni visa de long séjour"),
        _("Par exemple : j'ai eu 18 ans en France et je n'ai jamais eu de titre."),
        motif=_("Une première demande sans visa de long séjour ni titre se dépose auprès de la préfecture."),
    ),
)
AUTRE_TITRE = "autre"
MOTIF_AUTRE_TITRE = _("Le titre de séjour que vous demandez n'est pas encore traité sur ce site.")


class ChoixAvecConsigne(forms.RadioSelect):
    """Des réponses qui portent chacune leur consigne, sous le libellé."""

    def __init__(self, consignes: dict[str, Texte] | None = None, **options):
        self.consignes = consignes or {}
        super().__init__(**options)

    def create_option(self, name, value, *args, **options):
        option = super().create_option(name, value, *args, **options)
        option["consigne"] = self.consignes.get(value, "")
        return option


class Question(forms.Form):
    use_required_attribute = False


class PourForm(Question):
    pour = forms.ChoiceField(
        label=_("Pour qui faites-vous cette démarche ?"),
        choices=[("moi", _("Moi-même")), ("autre", _("Je représente quelqu'un"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez pour qui vous faites cette démarche.")},
    )


class SituationForm(Question):
    situation = forms.ChoiceField(
        label=_("Quelle est la situation de la personne qui demande le titre ?"),
        choices=[(situation.code, situation.libelle) for situation in SITUATIONS],
        widget=ChoixAvecConsigne({situation.code: situation.consigne for situation in SITUATIONS}),
        error_messages={"required": _("Choisissez la situation de la personne qui demande le titre.")},
    )

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        delai = baremes(timezone.localdate()).get("sejour.titre_expire")
        if delai:
            # Un dictionnaire neuf : celui du widget est partagé par toutes les pages du processus.
            widget = self.fields["situation"].widget
            texte = _("Depuis plus de %(jours)s jours. Une carte « Citoyen UE/EEE/Suisse » se renouvelle même ensuite.")
            widget.consignes = {**widget.consignes, "expire": texte % delai}


def choix_de_titres() -> list[tuple[str, Texte]]:
    """Une réponse par démarche ouverte, et « un autre titre » : la question reste vraie quand une démarche s'ouvre."""
    ouverts = [(demarche.code, str(demarche.intitule)[:1].upper() + str(demarche.intitule)[1:])
               for demarche in demarches_ouvertes() if demarche.objet == "titre_sejour"]  # fmt: skip
    return [*ouverts, (AUTRE_TITRE, _("Un autre titre : travail, famille, visiteur, retraité…"))]


class TitreForm(Question):
    titre = forms.ChoiceField(
        label=_("Quel titre de séjour demandez-vous ?"),
        choices=choix_de_titres,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez le titre de séjour demandé.")},
    )


QUESTIONS: tuple[type[Question], ...] = (PourForm, SituationForm, TitreForm)


@dataclass(frozen=True)
class Orientation:
    """Où en est la personne : la question à poser, ou la conclusion."""

    reponses: dict[str, str]
    question: Question | None
    numero: int
    suite: str = ""
    motif: Texte = ""

    @property
    def total(self) -> int:
        return len(QUESTIONS)

    @property
    def precedentes(self) -> str:
        """Les paramètres de la question d'avant : « revenir » garde les réponses qui la précèdent."""
        noms = [next(iter(question.base_fields)) for question in QUESTIONS]
        gardees = QueryDict(mutable=True)
        for nom in noms[: max(self.numero - 2, 0)]:
            gardees[nom] = self.reponses[nom]
        return gardees.urlencode()


def orienter(donnees: QueryDict) -> Orientation:
    """Suit les réponses déjà données, dans l'ordre ; s'arrête à la première qui manque ou qui décide."""
    reponses: dict[str, str] = {}
    for numero, classe in enumerate(QUESTIONS, 1):
        nom = next(iter(classe.base_fields))
        # Le formulaire n'est jugé que s'il vient d'être envoyé : « etape » nomme la question de l'envoi.
        form = classe(donnees if nom in donnees or donnees.get("etape") == nom else None)
        if not form.is_bound or not form.is_valid():
            return Orientation(reponses, form, numero)
        reponses[nom] = form.cleaned_data[nom]
        if conclusion := CONCLUSIONS.get(nom, lambda reponse: None)(reponses[nom]):
            suite, motif = conclusion
            return Orientation(reponses, None, numero + 1, suite, motif)
    return Orientation(reponses, None, len(QUESTIONS) + 1, "compte")


def _selon_la_situation(code: str) -> tuple[str, Texte] | None:
    situation = next(s for s in SITUATIONS if s.code == code)
    return None if situation.suite == "compte" else (situation.suite, situation.motif)


def _selon_le_titre(code: str) -> tuple[str, Texte] | None:
    return ("prefecture", MOTIF_AUTRE_TITRE) if code == AUTRE_TITRE else None


CONCLUSIONS: dict[str, Callable[[str], tuple[str, Texte] | None]] = {
    "situation": _selon_la_situation,
    "titre": _selon_le_titre,
}
