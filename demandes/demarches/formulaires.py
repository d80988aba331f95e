"""Formulaires d'étape et blocs répétables : la saisie brute y entre, des réponses lisibles en sortent."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from demandes.droit import Contexte
from usagers.champs import TelephoneField

Texte = str | Promise
Brut = Mapping[str, list[str]]
Reponses = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Groupe:
    """Un accordéon d'une étape : son titre et ses champs, dans l'ordre ; `gabarit` remplace la suite de champs."""

    code: str
    titre: Texte
    champs: tuple[str, ...] = ()
    intro: Texte = ""
    gabarit: str = ""


@dataclass(frozen=True)
class Condition:
    """Ce qui appelle un champ. `ferme` : la réponse donnée ne l'appelle pas, la page le replie (avec JavaScript)."""

    maitre: str
    valeurs: tuple[str, ...]
    texte: str
    ferme: bool


@dataclass
class Element:
    """Un morceau d'accordéon à l'écran : un champ, un bloc de lignes, ou des éléments soumis à une condition."""

    champ: forms.BoundField | None = None
    bloc: "BlocFormSet | None" = None
    condition: Condition | None = None
    elements: "list[Element] | None" = None


@dataclass(frozen=True)
class Ligne:
    """Une question et sa réponse, telles que le récapitulatif, la page de l'agent et le PDF les montrent."""

    champ: str
    libelle: str
    valeur: Any
    affichage: str


@dataclass(frozen=True)
class Avertissement:
    """Ce qui mérite l'attention sans empêcher de poursuivre. `interruption` : une page le dit avant de poursuivre."""

    code: str
    texte: Texte
    interruption: bool = False


class EtapeForm(forms.Form):
    """Formulaire d'une étape. Il ne fait aucune requête : il reçoit son `Contexte`.

    Les données sont brutes (nom → liste de textes) et se relisent à l'identique. Un champ dont la condition n'est
    pas remplie n'est ni demandé ni gardé.
    """

    groupes: ClassVar[tuple[Groupe, ...]] = ()
    # champ → (champ qui le commande, valeurs qui l'appellent)
    conditions: ClassVar[dict[str, tuple[str, tuple[str, ...]]]] = {}
    # nom du bloc → formset de lignes répétables
    blocs: ClassVar[dict[str, type[forms.BaseFormSet]]] = {}
    # champs de l'étape que le récapitulatif ne montre pas
    hors_recapitulatif: ClassVar[frozenset[str]] = frozenset()
    # aides à la saisie, qui ne sont pas des réponses
    aides: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, data: Brut | None = None, *, contexte: Contexte, **options):
        self.contexte = contexte
        if data is not None and not isinstance(data, MultiValueDict):
            data = MultiValueDict(data)
        super().__init__(data, **options)
        if data is not None:
            self._oublier_les_champs_sans_objet()

    def _oublier_les_champs_sans_objet(self) -> None:
        self.data = self.data.copy()
        for nom, (maitre, valeurs) in self.conditions.items():
            if self.data.get(maitre, "") in valeurs:
                continue
            noms = self.noms_du_champ(nom)
            for cle in [c for c in self.data if c in noms or c.startswith(f"{nom}-")]:
                del self.data[cle]

    def est_appele(self, nom: str) -> bool:
        """Le champ ou le bloc est-il demandé, d'après ce qui est saisi ?"""
        maitre, valeurs = self.conditions.get(nom, ("", ()))
        return not maitre or (self.data.get(maitre, "") if self.is_bound else self.initial.get(maitre, "")) in valeurs

    def noms_du_champ(self, nom: str) -> set[str]:
        """Noms HTML d'un champ : un seul, ou un par partie d'une date."""
        champ = self.fields.get(nom)
        if champ is not None and isinstance(champ.widget, forms.MultiWidget):
            return {f"{nom}{suffixe}" for suffixe in champ.widget.widgets_names}
        return {nom}

    @cached_property
    def formsets(self) -> dict[str, "BlocFormSet"]:
        """Les blocs de lignes ; celui que rien n'appelle n'est pas lié : il montre ses lignes vides."""
        return {
            nom: bloc(self._donnees_du_bloc(nom), prefix=nom, form_kwargs={"contexte": self.contexte})
            for nom, bloc in self.blocs.items()
        }

    def _donnees_du_bloc(self, nom: str) -> MultiValueDict | None:
        """Les données du bloc ; un nombre de lignes absent ou illisible vaut le nombre de lignes proposées d'abord."""
        if not (self.is_bound and self.est_appele(nom)):
            return None
        donnees = self.data.copy()
        total, bloc = f"{nom}-TOTAL_FORMS", self.blocs[nom]
        if not est_un_rang(donnees.get(total, "")):
            donnees[total] = str(bloc.min_num + bloc.extra)
        donnees[f"{nom}-INITIAL_FORMS"] = "0"
        return donnees

    def full_clean(self) -> None:
        nommer_les_fautes(self, self.objet_de)
        # Un champ sans objet reste marqué obligatoire à l'écran : il le redevient dès qu'une réponse l'appelle.
        sans_objet = [self.fields[nom] for nom in self.conditions if nom in self.fields and not self.est_appele(nom)]
        sans_objet = [champ for champ in sans_objet if champ.required and self.is_bound]
        for champ in sans_objet:
            champ.required = False
        super().full_clean()
        for champ in sans_objet:
            champ.required = True
        if not self.is_bound:
            return
        for nom, formset in self.formsets.items():
            if not self.est_appele(nom):
                self.cleaned_data[nom] = []
            elif formset.is_valid():
                self.cleaned_data[nom] = formset.lignes
            else:
                self._errors.setdefault(nom, self.error_class())
                self._errors[nom].extend(formset.messages_d_erreur)

    def objet_de(self, nom: str) -> str:
        """Comment une phrase d'erreur nomme le champ ; à préciser quand deux champs ont le même libellé."""
        return str(self.fields[nom].label)

    @property
    def fautes_des_blocs(self) -> list[dict[str, str]]:
        """Les fautes des lignes, pour le résumé des erreurs : l'ancre du champ et la phrase."""
        return [faute for nom, formset in self.formsets.items() if self.errors.get(nom) for faute in formset.fautes]

    def taire_les_erreurs(self) -> None:
        """Montre un brouillon sans le juger : on ne reproche pas une saisie interrompue."""
        self._errors = forms.utils.ErrorDict()
        self.cleaned_data = {}
        for formset in self.formsets.values():
            for form in formset.forms:
                form.full_clean()
                form._errors = forms.utils.ErrorDict()
            formset._errors = [form._errors for form in formset.forms]
            formset._non_form_errors = self.error_class()

    @property
    def noms_connus(self) -> set[str]:
        """Noms que cette étape accepte de garder en brouillon."""
        return set().union(*(self.noms_du_champ(nom) for nom in self.fields))

    def brut(self, donnees: MultiValueDict) -> dict[str, list[str]]:
        """Ce qui sera conservé de l'envoi : les seuls noms connus de l'étape, lignes répétées comprises.

        Un caractère nul, que PostgreSQL refuse, est retiré.
        """
        prefixes = tuple(f"{nom}-" for nom in self.blocs)
        noms = self.noms_connus
        return {
            cle: [str(valeur).replace("\x00", "") for valeur in donnees.getlist(cle)]
            for cle in donnees
            if cle in noms or (prefixes and cle.startswith(prefixes))
        }

    @property
    def essentiel(self) -> dict[str, list[str]]:
        """Ce qui distingue deux saisies : ni blancs, ni champs vides ou sans objet, ni aides, ni nombre de lignes."""
        return {
            cle: textes
            for cle, valeurs in self.brut(self.data).items()
            if cle not in self.aides and not cle.endswith("_FORMS")
            for textes in [[valeur.strip() for valeur in valeurs if valeur.strip()]]
            if textes
        }

    def dit_autant_que(self, brut: Brut | None) -> bool:
        """Ces autres données brutes disent-elles la même chose ?"""
        return brut is not None and self.essentiel == type(self)(brut, contexte=self.contexte).essentiel

    def elements(self, groupe: Groupe) -> list[Element]:
        """Les éléments d'un groupe, dans l'ordre ; ceux qu'une même condition appelle sont ensemble, l'une dans l'autre
        si le champ qui commande est lui-même conditionnel."""
        racine: list[Element] = []
        ouverts: list[tuple[Element, set[str]]] = []
        for nom in groupe.champs:
            bloc = self.formsets.get(nom)
            element = Element(bloc=bloc) if bloc is not None else Element(champ=self[nom])
            condition = self.condition(nom)
            while ouverts and not (
                condition and (ouverts[-1][0].condition == condition or condition.maitre in ouverts[-1][1])
            ):
                ouverts.pop()
            if condition and not (ouverts and ouverts[-1][0].condition == condition):
                enveloppe = Element(condition=condition, elements=[])
                (ouverts[-1][0].elements if ouverts else racine).append(enveloppe)
                ouverts.append((enveloppe, set()))
            if ouverts:
                ouverts[-1][1].add(nom)
            (ouverts[-1][0].elements if ouverts else racine).append(element)
        return racine

    def condition(self, nom: str) -> Condition | None:
        if nom not in self.conditions:
            return None
        maitre, valeurs = self.conditions[nom]
        if valeurs == ("oui",):
            texte = _("Si oui, précisez :")
        else:
            libelles = dict(_aplatir(self.fields[maitre].choices))
            reponses = ", ".join(str(libelles[valeur]) for valeur in valeurs)
            texte = _("Si vous avez répondu « %(reponses)s » :") % {"reponses": reponses}
        return Condition(maitre, valeurs, str(texte), not self.est_appele(nom))

    def lignes_saisies(self) -> list[Ligne]:
        """Questions et réponses telles que tapées, valides ou non : de quoi comparer deux saisies."""
        lignes = []
        for nom in (nom for groupe in self.groupes for nom in groupe.champs):
            if nom in self.aides or not self.est_appele(nom):
                continue
            if nom in self.blocs:
                formset = self.formsets[nom]
                lignes += [
                    _ligne_saisie(form, sous_nom, f"{formset.titre_ligne} {rang} – ")
                    for rang, form in enumerate(formset.forms, 1)
                    for sous_nom in form.fields
                ]
            elif not self[nom].is_hidden:
                lignes.append(_ligne_saisie(self, nom))
        return lignes

    def calculs(self) -> dict[str, Any]:
        """Ce que la page recalcule pendant la saisie : nom → texte à montrer, ou vrai/faux pour replier."""
        return {}

    @classmethod
    def initiales(cls, contexte: Contexte) -> dict[str, Any]:
        """Ce que le profil sait déjà : proposé à la première ouverture de l'étape, à vérifier par la personne."""
        return {}

    @classmethod
    def avec_une_ligne_de_plus(cls, brut: Brut, bloc: str) -> dict[str, list[str]]:
        """Les mêmes données brutes, avec une ligne vide de plus dans le bloc (jusqu'au maximum du formset)."""
        total = min(_total(brut, bloc) + 1, cls.blocs[bloc].max_num)
        return {**brut, f"{bloc}-TOTAL_FORMS": [str(total)], f"{bloc}-INITIAL_FORMS": ["0"]}

    @classmethod
    def sans_la_ligne(cls, brut: Brut, bloc: str, rang: int) -> dict[str, list[str]]:
        """Les mêmes données brutes, sans la ligne `rang` (0 pour la première) ; les suivantes remontent."""
        total = _total(brut, bloc)
        resultat = {}
        for cle, valeurs in brut.items():
            if trouve := re.fullmatch(rf"{re.escape(bloc)}-(\d+)-(.+)", cle):
                numero = int(trouve[1])
                if numero == rang:
                    continue
                cle = f"{bloc}-{numero - (numero > rang)}-{trouve[2]}"
            resultat[cle] = valeurs
        resultat[f"{bloc}-TOTAL_FORMS"] = [str(max(total - (rang < total), 0))]
        resultat[f"{bloc}-INITIAL_FORMS"] = ["0"]
        return resultat

    def avertissements(self) -> list[Avertissement]:
        """Sur un formulaire valide : ce qu'il faut dire sans bloquer."""
        return []

    def lignes(self, groupe: Groupe) -> Iterator[Ligne]:
        """Questions et réponses d'un groupe, sur un formulaire valide ; les champs sans objet n'y sont pas."""
        for nom in groupe.champs:
            if not self.est_appele(nom) or nom in self.hors_recapitulatif:
                continue
            if nom in self.blocs:
                formset = self.formsets[nom]
                for rang, form in enumerate(formset.forms, 1):
                    if not (form.cleaned_data and form.has_changed()):
                        continue
                    for sous_nom, champ in form.fields.items():
                        valeur = form.cleaned_data.get(sous_nom)
                        yield Ligne(
                            f"{nom}-{rang - 1}-{sous_nom}",
                            f"{formset.titre_ligne} {rang} – {champ.label}",
                            valeur_simple(valeur),
                            afficher(champ, valeur),
                        )
            elif nom in self.fields:
                valeur = self.cleaned_data.get(nom)
                yield Ligne(nom, str(self.fields[nom].label), valeur_simple(valeur), afficher(self.fields[nom], valeur))


def _total(brut: Brut, bloc: str) -> int:
    """Nombre de lignes annoncé par les données brutes ; 0 quand il manque ou n'est pas un nombre."""
    texte = (brut.get(f"{bloc}-TOTAL_FORMS") or ["0"])[0]
    return int(texte) if est_un_rang(texte) else 0


def est_un_rang(texte: str) -> bool:
    """Un petit nombre entier, en chiffres."""
    return texte.isascii() and texte.isdigit() and len(texte) <= 3


def _ligne_saisie(form: forms.Form, nom: str, avant: str = "") -> Ligne:
    champ, tape = form.fields[nom], form[nom].data
    if isinstance(champ, forms.BooleanField | forms.ChoiceField):
        texte = afficher(champ, tape)
    elif isinstance(tape, list | tuple):
        texte = "/".join(str(partie or "…") for partie in tape) if any(tape) else ""
    else:
        texte = str(tape or "")
    libelle = form.objet_de(nom) if isinstance(form, EtapeForm) else champ.label
    return Ligne(form[nom].html_name, f"{avant}{libelle}", tape, texte)


def nommer_les_fautes(form: forms.Form, objet_de: Callable[[str], str]) -> None:
    """Donne aux messages ordinaires de Django le nom du champ et ce qu'il faut faire."""
    ordinaires = forms.Field.default_error_messages["required"]
    for nom, champ in form.fields.items():
        objet = {"champ": objet_de(nom)}
        if champ.error_messages["required"] == ordinaires:
            if isinstance(champ.widget, forms.RadioSelect):
                phrase = _("Répondez à « %(champ)s ».")
            elif isinstance(champ, forms.ChoiceField):
                phrase = _("Choisissez « %(champ)s » dans la liste.")
            else:
                phrase = _("Renseignez « %(champ)s ».")
            champ.error_messages["required"] = phrase % objet
        if isinstance(champ, forms.ChoiceField):
            champ.error_messages["invalid_choice"] = _("Choisissez « %(champ)s » parmi les réponses proposées.") % objet
        if getattr(champ, "max_length", None):
            champ.error_messages["max_length"] = _("Raccourcissez « %(champ)s » : %(max)s caractères au plus.") % {
                **objet,
                "max": champ.max_length,
            }


class LigneForm(forms.Form):
    """Une ligne d'un bloc répétable ; elle reçoit le même contexte que l'étape."""

    def __init__(self, *args, contexte: Contexte, **options):
        self.contexte = contexte
        super().__init__(*args, **options)

    def full_clean(self) -> None:
        nommer_les_fautes(self, lambda nom: str(self.fields[nom].label))
        super().full_clean()


class BlocFormSet(forms.BaseFormSet):
    """Lignes répétables d'une étape ; ajouter et supprimer passent par le serveur.

    Les lignes laissées vides ne comptent pas. `titre_ligne` nomme une ligne (« Ressource 1 »).
    """

    titre_ligne: ClassVar[Texte] = ""
    ajouter: ClassVar[Texte] = ""
    supprimer: ClassVar[Texte] = ""
    default_error_messages = {
        "too_many_forms": ngettext_lazy("Gardez %(num)d ligne au plus.", "Gardez %(num)d lignes au plus.", "num"),
    }

    @property
    def peut_ajouter(self) -> bool:
        return self.total_form_count() < self.max_num

    @property
    def peut_supprimer(self) -> bool:
        return self.total_form_count() > max(self.min_num, 1)

    @property
    def fautes(self) -> list[dict[str, str]]:
        """L'ancre et la phrase de chaque faute, la ligne nommée."""
        fautes = [{"ancre": f"bloc-{self.prefix}", "texte": texte} for texte in self.non_form_errors()]
        for rang, form in enumerate(self.forms, 1):
            fautes += [
                {"ancre": form[nom].ancre, "texte": f"{self.titre_ligne} {rang} – {texte}"}
                for nom, textes in form.errors.items()
                for texte in textes
            ]
        return fautes

    @property
    def lignes(self) -> list[dict]:
        return [form.cleaned_data for form in self.forms if form.cleaned_data and form.has_changed()]

    @property
    def messages_d_erreur(self) -> list[str]:
        messages = list(self.non_form_errors())
        for form in self.forms:
            for erreurs in form.errors.values():
                messages += erreurs
        return messages


def afficher(champ: forms.Field, valeur: Any) -> str:
    """Une réponse, en toutes lettres dans la langue courante ; vide : chaîne vide."""
    if isinstance(champ, forms.BooleanField):
        return str(_("Oui") if valeur else _("Non"))
    if valeur in (None, "", []):
        return ""
    if isinstance(champ, forms.ChoiceField):
        libelles = dict(_aplatir(champ.choices))
        valeurs = valeur if isinstance(valeur, list) else [valeur]
        return ", ".join(str(libelles.get(v, v)) for v in valeurs)
    if isinstance(champ, TelephoneField):
        return str(champ.prepare_value(valeur))
    if isinstance(valeur, dt.date):
        return f"{valeur:%d/%m/%Y}"
    if isinstance(valeur, Decimal):
        return euros(valeur)
    return str(valeur)


def euros(montant: Decimal) -> str:
    """« 1 234,56 € », sans décimales quand elles sont nulles, espaces insécables (décision 8)."""
    entier = montant == montant.to_integral_value()
    texte = f"{montant:,.0f}" if entier else f"{montant:,.2f}"
    return texte.replace(",", "\u202f").replace(".", ",") + "\u00a0€"


def _aplatir(choix) -> Iterator[tuple[Any, Any]]:
    for valeur, libelle in choix:
        if isinstance(libelle, list | tuple):
            yield from libelle
        else:
            yield valeur, libelle


def valeur_simple(valeur: Any) -> Any:
    """La valeur en JSON simple : dates ISO, montants en texte."""
    if isinstance(valeur, dt.date):
        return valeur.isoformat()
    if isinstance(valeur, Decimal):
        return str(valeur)
    if isinstance(valeur, Mapping):
        return {cle: valeur_simple(v) for cle, v in valeur.items()}
    if isinstance(valeur, list | tuple):
        return [valeur_simple(v) for v in valeur]
    return valeur
