"""Les formulaires des agents. L'état d'une demande n'en est jamais un champ."""

import datetime as dt
from decimal import Decimal

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from demandes.champs import MontantField, valider_encodable
from demandes.demarches import DEMARCHES
from demandes.demarches.base import TitreDelivrable
from demandes.models import Decision, Demande
from documents.fichiers import type_reconnu
from instruction.operations import (
    Accord,
    DecisionImpossible,
    ajouter_mois,
    motifs_d_avis,
    motifs_de_cloture,
    taxe_due,
    verifier_accord,
)
from instruction.permissions import agent_de
from usagers.champs import DateTroisChampsField


class ConnexionAgentForm(AuthenticationForm):
    """La porte des agents : un compte d'usager y reçoit la même réponse qu'un mot de passe faux."""

    error_messages = {
        "invalid_login": _(
            "L'identifiant ou le mot de passe n'est pas celui d'un agent. Vérifiez-les, ou demandez un nouveau mot de "
            "passe à l'administrateur de votre service."
        ),
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        identifiant, mot_de_passe = self.fields["username"], self.fields["password"]
        identifiant.label = _("Identifiant d'agent")
        identifiant.error_messages["required"] = _("Saisissez votre identifiant, par exemple prenom.nom.")
        identifiant.widget = forms.TextInput(
            {"autocomplete": "username", "maxlength": 40, "autocapitalize": "none", "spellcheck": "false"}
        )
        mot_de_passe.label = _("Mot de passe")
        mot_de_passe.error_messages["required"] = _("Saisissez votre mot de passe.")

    def confirm_login_allowed(self, user):
        if not user.is_active or agent_de(user) is None:
            raise self.get_invalid_login_error()


class ListeDeTitres(forms.Select):
    """Chaque titre porte ce que la page propose quand on le choisit : mention, durée, montant."""

    titres: dict[str, dict[str, str]] = {}

    def create_option(self, name, value, *args, **kwargs):
        option = super().create_option(name, value, *args, **kwargs)
        option["attrs"].update({f"data-{nom}": v for nom, v in self.titres.get(str(value), {}).items()})
        return option


class AvisForm(forms.Form):
    """Ce que l'instructeur dit au signataire : des motifs codés, quelques mots, ou les deux. Interne."""

    sens = ""

    motifs = forms.MultipleChoiceField(
        label=_("Motifs"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Au moins un motif coché, ou quelques mots d'avis."),
        error_messages={"invalid_choice": _("Un motif coché n'est plus en vigueur : relisez la liste.")},
    )  # fmt: skip
    avis = forms.CharField(
        label=_("Votre avis"), required=False, max_length=4000, widget=forms.Textarea({"rows": 3}),
        help_text=_("Il reste au dossier, pour le visa et la signature."),
    )  # fmt: skip

    def __init__(self, *args, jour: dt.date, **kwargs):
        super().__init__(*args, **kwargs)
        choix = [(motif.code, motif.libelle) for motif in motifs_d_avis(self.sens, jour=jour)]
        self.fields["motifs"].choices = choix
        if not choix:
            del self.fields["motifs"]

    def clean(self):
        saisie = super().clean()
        fautifs = {"motifs", "avis"} & set(self.errors)
        if not fautifs and not saisie.get("motifs") and not saisie.get("avis"):
            self.add_error("avis", _("Cochez un motif ou écrivez votre avis."))
        return saisie

    @property
    def mots(self) -> dict:
        return {"motifs": self.cleaned_data.get("motifs", []), "avis": self.cleaned_data["avis"]}


class AccordForm(AvisForm):
    """Ce que l'agent propose d'accorder. Les règles sont dans `operations.verifier_accord` ; ici, ce qui s'écrit."""

    sens = Decision.Sens.FAVORABLE
    field_order = ["titre", "mention", "du", "au", "taxe", "motifs", "avis"]

    titre = forms.ChoiceField(
        label=_("Titre accordé"),
        widget=ListeDeTitres,
        error_messages={"required": _("Choisissez le titre que vous accordez.")},
    )
    mention = forms.CharField(
        label=_("Mention portée sur le titre"),
        max_length=120,
        validators=[valider_encodable],
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": _("Saisissez la mention, par exemple ÉTUDIANT.")},
    )
    du = DateTroisChampsField(
        label=_("Début de validité"), objet=_("la date de début de validité"), mois_en_lettres=True
    )
    au = DateTroisChampsField(
        label=_("Fin de validité (jour compris)"), objet=_("la date de fin de validité"), mois_en_lettres=True
    )
    taxe = MontantField(
        label=_("Montant dû à la remise, en euros"),
        error_messages={
            "required": _("Saisissez le montant, par exemple 75 ; 0 si rien n'est dû."),
            "trop_grand": _("Saisissez un montant inférieur à 100 000 €."),
        },
    )

    def __init__(self, *args, demande: Demande, jour: dt.date, **kwargs):
        titres = DEMARCHES[demande.demarche].titres_pour(demande.usager.nationalite_id)
        self.taxes = {titre.code: taxe_due(demande, titre, jour=jour) for titre in titres}
        kwargs.setdefault("initial", self._propositions(demande, titres, jour))
        super().__init__(*args, jour=jour, **kwargs)
        self.demande = demande
        self.fields["titre"].choices = [(titre.code, libelle_du_titre(titre)) for titre in titres]
        self.fields["titre"].widget.titres = {
            titre.code: {
                "mention": titre.mention, "mois": str(titre.duree_max), "taxe": montant(self.taxes[titre.code]),
            }
            for titre in titres
        }  # fmt: skip

    def _propositions(self, demande: Demande, titres: list[TitreDelivrable], jour: dt.date) -> dict:
        """Un titre de même nature que l'actuel, à la suite de celui-ci, pour sa plus longue durée ; à vérifier."""
        actuel = demande.titre_de_depart
        nature = actuel.nature if actuel else ""
        titre = next((titre for titre in titres if nature and titre.code.startswith(nature)), titres[0])
        du = max(actuel.fin + dt.timedelta(days=1), jour) if actuel else jour
        return {
            "titre": titre.code,
            "mention": titre.mention,
            "du": du,
            "au": ajouter_mois(du, titre.duree_max) - dt.timedelta(days=1),
            "taxe": montant(self.taxes[titre.code]),
        }

    def clean(self):
        """Les règles de l'accord se disent avec les fautes de saisie, pas au tour suivant."""
        saisie = super().clean()
        if {"titre", "mention", "du", "au", "taxe"} <= saisie.keys():
            try:
                verifier_accord(self.demande, self.accord)
            except DecisionImpossible as refus:
                self.add_error(refus.champ, str(refus))
        return saisie

    @property
    def accord(self) -> Accord:
        return Accord(**{nom: self.cleaned_data[nom] for nom in ("titre", "mention", "du", "au", "taxe")})


def libelle_du_titre(titre: TitreDelivrable) -> str:
    return _("%(titre)s « %(mention)s » (%(mois)s mois au plus)") % {
        "titre": str(titre.libelle).capitalize(), "mention": titre.mention.capitalize(), "mois": titre.duree_max,
    }  # fmt: skip


def montant(valeur: Decimal) -> str:
    """Comme on le taperait : « 75 », « 75,50 »."""
    entier = valeur == valeur.to_integral_value()
    return f"{valeur:.0f}" if entier else f"{valeur:.2f}".replace(".", ",")


class RefusForm(AvisForm):
    """L'avis reste interne ; la personne lit le document rédigé par la préfecture."""

    sens = Decision.Sens.DEFAVORABLE
    field_order = ["motifs", "avis", "fichier", "verifiee", "voies_et_delais"]

    fichier = forms.FileField(
        label=_("Décision de la préfecture (PDF)"),
        widget=forms.ClearableFileInput({"accept": ".pdf,application/pdf"}),
        help_text=_("Un PDF de 10 Mo au plus, avec la motivation, les voies et les délais de recours."),
        error_messages={
            "required": _("Choisissez le PDF de la décision."),
            "empty": _("Le fichier choisi est vide. Choisissez le PDF de la décision."),
        },
    )
    verifiee = forms.BooleanField(
        label=_("J'ai ouvert ce document : il concerne cette personne et cette demande, et il est motivé."),
        error_messages={"required": _("Confirmez que vous avez vérifié le document avant de le proposer.")},
    )
    voies_et_delais = forms.BooleanField(
        label=_("Il donne les voies et les délais de recours."),
        error_messages={
            "required": _("Sans les voies et délais de recours, le refus ne se notifie pas : vérifiez-les.")
        },
    )

    def clean_fichier(self):
        fichier = self.cleaned_data["fichier"]
        debut = fichier.read(8192)
        fichier.seek(0)
        if type_reconnu(debut) != "application/pdf":
            raise forms.ValidationError(_("Choisissez un PDF : « %(nom)s » n'en est pas un.") % {"nom": fichier.name})
        return fichier


class ClotureForm(forms.Form):
    motif = forms.ChoiceField(
        label=_("Motif"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez le motif de la clôture.")},
    )
    texte = forms.CharField(
        label=_("Explication pour la personne"),
        max_length=2000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("Elle lit ce texte dans sa notification, après la phrase du motif."),
        error_messages={"required": _("Expliquez la clôture à la personne.")},
    )

    def __init__(self, *args, jour: dt.date, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["motif"].choices = [(motif.code, motif.libelle) for motif in motifs_de_cloture(jour=jour)]


class RenvoiForm(forms.Form):
    raison = forms.CharField(
        label=_("Pourquoi la renvoyer"),
        max_length=2000,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("L'instructeur la lit dans les notes internes du dossier."),
        error_messages={"required": _("Écrivez ce que l'instructeur doit revoir.")},
    )


class NoteForm(forms.Form):
    texte = forms.CharField(
        label=_("Nouvelle note"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Écrivez la note avant de l'ajouter.")},
    )


class ControlePieceForm(forms.Form):
    """Ce que l'agent relève d'un fichier."""

    datee_du = forms.DateField(
        label=_("Date écrite sur la pièce"),
        required=False,
        input_formats=["%d/%m/%Y", "%d-%m-%Y", "%d %m %Y", "%d%m%Y"],
        widget=forms.DateInput(format="%d/%m/%Y", attrs={"autocomplete": "off", "inputmode": "numeric"}),
        help_text=_("Exemple : 05/09/2026."),
        error_messages={"invalid": _("Saisissez une date au format JJ/MM/AAAA, par exemple 05/09/2026.")},
    )
    verifiee = forms.BooleanField(label=_("Pièce vérifiée"), required=False)

    def __init__(self, *args, jour: dt.date, **kwargs):
        super().__init__(*args, **kwargs)
        self.jour = jour

    def clean_datee_du(self) -> dt.date | None:
        jour = self.cleaned_data["datee_du"]
        if jour and jour > self.jour:
            raise forms.ValidationError(_("Cette date est à venir : vérifiez-la."))
        if jour and jour.year < 1900:
            raise forms.ValidationError(_("Cette date est trop ancienne : vérifiez l'année."))
        return jour
