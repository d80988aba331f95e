"""Étapes communes à plusieurs démarches."""

from collections.abc import Iterator, Mapping

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from demandes.champs import SANS_CHOIX, CodePostalField, OuiNonField, cle_verifiee, valider_encodable
from demandes.demarches.base import Etape, regle
from demandes.demarches.formulaires import Avertissement, BlocFormSet, EtapeForm, Groupe, Ligne, LigneForm, Reponses
from demandes.droit import Contexte
from usagers.champs import DateTroisChampsField, TelephoneField
from usagers.dates import DatePartielle
from usagers.models import Usager
from usagers.presentation import nationalite, nom_du_pays

A_LA_PREFECTURE = _("Rendez-vous sur le site de la préfecture de votre domicile pour faire cette démarche.")
SANS_TITRE_CONNU = _("Vous n'avez ni titre de séjour ni visa connu de l'administration. ")
# Sous-rubriques des pièces d'informations personnelles (guides, étape des justificatifs).
ETAT_CIVIL, DOMICILIATION = _("État-civil"), _("Domiciliation")


@regle(_("Selon votre logement"), "informations")
def logement(reponses: Reponses, contexte: Contexte) -> str:
    return reponses["informations"].get("logement", "")


def lignes_etat_civil(usager: Usager) -> list[Ligne]:
    """L'état civil en questions et réponses, comme le guide le montre."""
    naissance, pays = DatePartielle.lire(usager.naissance), usager.pays_naissance
    return [
        Ligne("nom_naissance", gettext("Nom de naissance"), usager.nom_naissance, usager.nom_naissance),
        Ligne("prenoms", gettext("Prénom(s)"), usager.prenoms, usager.prenoms or gettext("Sans prénom")),
        Ligne("sexe", gettext("Sexe"), usager.sexe, usager.get_sexe_display()),
        Ligne("naissance", gettext("Date de naissance"), usager.naissance, naissance.affichage),
        Ligne("pays_naissance", gettext("Pays de naissance"), pays.code, nom_du_pays(pays)),
        Ligne("lieu_naissance", gettext("Lieu de naissance"), usager.lieu_naissance, usager.lieu_naissance),
        Ligne("nationalite", gettext("Nationalité"), usager.nationalite_id, nationalite(usager)),
    ]


def lignes_adresse(valeurs: Mapping) -> list[str]:
    """L'adresse telle qu'elle s'écrit sur une enveloppe : voie, complément, commune, pays."""
    voie = f"{valeurs['adresse_numero']} {valeurs['adresse_voie']}".strip()
    commune = f"{valeurs['adresse_code_postal']} {valeurs['adresse_commune']}"
    return [ligne for ligne in (voie, valeurs["adresse_complement"], commune, "FRANCE") if ligne]


class EnfantForm(LigneForm):
    naissance = DateTroisChampsField(label=_("Date de naissance"), objet=_("la date de naissance de cet enfant"))


class EnfantFormSet(BlocFormSet):
    titre_ligne = _("Enfant")
    ajouter = _("Ajouter un enfant")
    supprimer = _("Supprimer l'enfant")


CHAMPS_ADRESSE = (
    "adresse",
    "adresse_numero",
    "adresse_voie",
    "adresse_complement",
    "adresse_code_postal",
    "adresse_commune",
    "adresse_insee",
    "adresse_cle",
)


class InformationsForm(EtapeForm):
    """Étape 1 (domaine §4) : l'état civil vient du référentiel et s'affiche ; le reste se complète.

    Le logement est demandé ici parce que les pièces de domicile en dépendent (choix du projet, domaine §4).
    """

    groupes = (
        Groupe(
            "etat_civil",
            _("État civil"),
            ("nom_usage", "situation_familiale"),
            gabarit="demandes/blocs/etat_civil.html",
        ),
        Groupe(
            "liens",
            _("Liens personnels et familiaux en France"),
            ("en_couple", "nationalite_conjoint", "enfants_en_france", "enfants"),
        ),
        Groupe(
            "adresse",
            _("Adresse"),
            ("logement", *CHAMPS_ADRESSE),
            gabarit="demandes/blocs/adresse.html",
        ),
        Groupe(
            "contact",
            _("Informations de contact"),
            ("telephone",),
            intro=_(
                "Il s'agit des coordonnées que l'administration utilisera pour vous contacter. Si vous changez de "
                "coordonnées, pensez à les mettre à jour en vous connectant à votre compte usager."
            ),
            gabarit="demandes/blocs/contact.html",
        ),
    )
    conditions = {"nationalite_conjoint": ("en_couple", ("oui",)), "enfants": ("enfants_en_france", ("oui",))}
    blocs = {
        "enfants": forms.formset_factory(
            EnfantForm, formset=EnfantFormSet, extra=0, min_num=1, max_num=15, validate_max=True, absolute_max=20
        )
    }
    hors_recapitulatif = frozenset(CHAMPS_ADRESSE)
    aides = frozenset({"adresse"})

    nom_usage = forms.CharField(validators=[valider_encodable], label=_("Nom d'usage"), max_length=100, required=False)
    situation_familiale = forms.ChoiceField(
        label=_("Situation familiale"), choices=[("", SANS_CHOIX), *Usager.Situation.choices]
    )
    en_couple = OuiNonField(label=_("Êtes-vous marié(e), pacsé(e) ou en concubinage ?"))
    nationalite_conjoint = forms.ChoiceField(label=_("Nationalité du conjoint"))
    enfants_en_france = OuiNonField(label=_("Avez-vous des enfants en France ?"))
    logement = forms.ChoiceField(
        label=_("Votre logement"),
        choices=[
            ("locataire_proprietaire", _("Je suis locataire ou propriétaire")),
            ("hotel", _("Je vis à l'hôtel")),
            ("heberge", _("Je suis hébergé(e) chez un particulier (famille, ami…)")),
        ],
        widget=forms.RadioSelect,
        help_text=_("Les justificatifs de domicile à joindre en dépendent."),
    )
    adresse = forms.CharField(
        label=_("Rechercher mon adresse"),
        required=False,
        max_length=200,
        help_text=_("Par exemple : 18 rue des Pyrénées Paris"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    adresse_numero = forms.CharField(
        validators=[valider_encodable],
        label=_("Numéro de voie"),
        max_length=12,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    adresse_voie = forms.CharField(
        validators=[valider_encodable],
        label=_("Nom de la voie"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "address-line1"}),
    )
    adresse_complement = forms.CharField(
        validators=[valider_encodable],
        label=_("Complément d'adresse"),
        max_length=100,
        required=False,
        help_text=_("Bâtiment, étage, « chez… »"),
        widget=forms.TextInput(attrs={"autocomplete": "address-line2"}),
    )
    adresse_code_postal = CodePostalField(label=_("Code postal"))
    adresse_commune = forms.CharField(
        validators=[valider_encodable],
        label=_("Commune"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "address-level2"}),
    )
    adresse_insee = forms.CharField(required=False, max_length=5, widget=forms.HiddenInput)
    adresse_cle = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)
    telephone = TelephoneField(label=_("Téléphone portable"), mobile=True)

    def __init__(self, *args, contexte: Contexte, **options):
        super().__init__(*args, contexte=contexte, **options)
        # Une fonction : la liste n'est lue que si le champ sert.
        self.fields["nationalite_conjoint"].choices = lambda: [("", SANS_CHOIX), *contexte.choix_nationalites]

    def clean(self) -> dict:
        """Une adresse retouchée après avoir été choisie n'est plus celle de la base : elle est dite non vérifiée."""
        valeurs = super().clean()
        adresse = {
            nom: valeurs.get(f"adresse_{nom}", "") for nom in ("numero", "voie", "code_postal", "commune", "insee")
        }
        valeurs["adresse_cle"] = cle_verifiee(valeurs.get("adresse_cle", ""), **adresse)
        usager = self.contexte.usager
        connue = (usager.adresse_code_postal, usager.adresse_commune, usager.adresse_insee)
        if not valeurs["adresse_cle"] and connue != (
            adresse["code_postal"], adresse["commune"], adresse["insee"],
        ):  # fmt: skip
            valeurs["adresse_insee"] = ""
        return valeurs

    def lignes(self, groupe: Groupe) -> Iterator[Ligne]:
        """Les réponses, avec ce que le référentiel et le compte savent, et l'adresse d'un seul tenant (guide 000)."""
        usager = self.contexte.usager
        if groupe.code == "etat_civil":
            yield from lignes_etat_civil(usager)
        if groupe.code == "contact":
            courriel = usager.compte.courriel
            yield Ligne("courriel", gettext("Adresse électronique"), courriel, courriel)
        yield from super().lignes(groupe)
        if groupe.code == "adresse":
            lignes = lignes_adresse(self.cleaned_data)
            yield Ligne("adresse", gettext("Adresse"), lignes, "\n".join(lignes))

    def avertissements(self) -> list[Avertissement]:
        """Une situation et une vie de couple qui se contredisent sont signalées, jamais refusées."""
        situation, en_couple = self.cleaned_data["situation_familiale"], self.cleaned_data["en_couple"] == "oui"
        if (situation == "celibataire" and en_couple) or (
            situation in {"marie", "pacse", "concubin"} and not en_couple
        ):
            texte = _("Vérifiez votre situation familiale : elle ne va pas avec votre réponse sur la vie de couple.")
            return [Avertissement("situation_familiale", texte)]
        return []

    @classmethod
    def initiales(cls, contexte: Contexte) -> dict:
        usager = contexte.usager
        numero, _espace, voie = usager.adresse_voie.partition(" ")
        if not numero[:1].isdigit():
            numero, voie = "", usager.adresse_voie
        return {
            "nom_usage": usager.nom_usage,
            "situation_familiale": usager.situation_familiale,
            "adresse_numero": numero,
            "adresse_voie": voie,
            "adresse_complement": usager.adresse_complement,
            "adresse_code_postal": usager.adresse_code_postal,
            "adresse_commune": usager.adresse_commune,
            "adresse_insee": usager.adresse_insee,
            "telephone": usager.compte.telephone if usager.compte else "",
        }


INFORMATIONS = Etape(
    "informations",
    _("Informations personnelles"),
    _("Vérifiez les informations relatives à votre état-civil et votre adresse."),
    consigne=_("Je vérifie et complète mes informations personnelles."),
    form=InformationsForm,
    icone="fr-icon-user-line",
)
JUSTIFICATIFS = Etape(
    "justificatifs",
    _("Justificatifs"),
    _("Joignez les documents justifiant votre situation."),
    consigne=_("Je joins mes documents justificatifs."),
    genre="pieces",
    gabarit="demandes/pieces.html",
    icone="fr-icon-attachment-line",
)
RECAPITULATIF = Etape(
    "recapitulatif",
    _("Récapitulatif"),
    _("Vérifiez le récapitulatif de votre demande et de vos documents."),
    genre="recapitulatif",
    gabarit="demandes/recapitulatif.html",
    icone="fr-icon-list-unordered",
)
CONFIRMATION = Etape(
    "confirmation",
    _("Confirmation"),
    _("Le dépôt de votre demande est confirmé."),
    genre="confirmation",
    gabarit="demandes/confirmation.html",
    icone="fr-icon-checkbox-circle-line",
)
