"""Les formulaires d'après la décision et autour d'elle. Les règles sont dans les opérations ; ici, ce qui s'écrit."""

import datetime as dt
from collections.abc import Callable

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from demandes.attestations import travail_du_titre
from demandes.demarches import DEMARCHES
from demandes.models import Demande, Site
from instruction.models import Agent
from instruction.operations import Remise, Retrait, instructeurs_du_site, montant_du, site_ferme
from instruction.operations.remise import NUMERO_FAUX, TIMBRE_FAUX
from usagers.champs import DateTroisChampsField
from usagers.numeros import est_numero_timbre, est_numero_titre, normaliser

DOCUMENTS_DE_RETRAIT = [
    ("identite", _("Passeport ou carte d'identité")),
    ("titre", _("Original du titre ou du visa actuel")),
    ("attestation", _("Attestation de décision favorable")),
    ("inscription", _("Certificat d'inscription définitif")),
]


class RetraitForm(forms.Form):
    """Où, quand et avec quoi venir ; le montant est celui de la décision."""

    lieu = forms.CharField(
        label=_("Lieu de retrait"),
        max_length=300,
        widget=forms.Textarea({"rows": 2}),
        error_messages={"required": _("Écrivez où retirer le titre.")},
    )
    horaires = forms.CharField(
        label=_("Jours et heures"),
        max_length=300,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("Par exemple : du lundi au vendredi, de 9 h à 16 h, sans rendez-vous."),
        error_messages={"required": _("Écrivez quand retirer le titre.")},
    )
    documents = forms.MultipleChoiceField(
        label=_("Documents à apporter"),
        choices=DOCUMENTS_DE_RETRAIT,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Le timbre fiscal s'ajoute de lui-même quand un montant est dû."),
        error_messages={"required": _("Cochez au moins un document à apporter.")},
    )
    consigne = forms.CharField(label=_("Consigne"), max_length=300, required=False, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args, demande: Demande, **kwargs):
        self.demande, self.jour = demande, timezone.localdate()
        documents = ["identite", "titre", "attestation"]
        if DEMARCHES[demande.demarche].dus_a_la_remise:
            documents.append("inscription")
        initial = {"documents": documents} | self._lieu_habituel(demande.site)
        super().__init__(*args, initial=initial, **kwargs)

    def _lieu_habituel(self, site: Site) -> dict:
        """Le site lui-même, tant qu'il reçoit ; fermé, l'agent dit où aller."""
        if site.est_ferme(self.jour):
            return {"lieu": "", "horaires": "", "consigne": ""}
        coordonnees = site.coordonnees_du_jour
        return {
            "lieu": f"{site.libelle}\n{coordonnees.adresse}", "horaires": coordonnees.horaires,
            "consigne": coordonnees.consigne_retrait,
        }  # fmt: skip

    def clean_lieu(self) -> str:
        lieu = self.cleaned_data["lieu"]
        if phrase := site_ferme(self.demande, lieu, jour=self.jour):
            raise forms.ValidationError(phrase)
        return lieu

    @staticmethod
    def retrait(valeurs: dict) -> Retrait:
        return Retrait(valeurs["lieu"], valeurs["horaires"], tuple(valeurs["documents"]), valeurs.get("consigne") or "")


class RemiseForm(forms.Form):
    """Ce qui se vérifie au guichet, case par case."""

    identite = forms.BooleanField(
        label=_("J'ai vérifié l'identité : la personne devant moi est celle du dossier."),
        error_messages={"required": _("Vérifiez l'identité de la personne avant de lui remettre son titre.")},
    )
    numero_titre = forms.CharField(
        label=_("N° du nouveau titre"),
        max_length=30,
        help_text=_("Il est écrit sur la carte : 9 ou 10 lettres et chiffres."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={"required": _("Saisissez le numéro écrit sur le nouveau titre.")},
    )
    timbre = forms.CharField(
        label=_("N° du timbre fiscal électronique"),
        max_length=40,
        help_text=_("16 chiffres ; il ne sert qu'une fois."),
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "numeric"}),
        error_messages={"required": _("Un montant est dû : saisissez les 16 chiffres du timbre fiscal.")},
    )

    def __init__(self, *args, demande: Demande, **kwargs):
        super().__init__(*args, **kwargs)
        # Le second clic d'un envoi déjà fait : la décision est la même, le formulaire aussi.
        if not montant_du(demande):
            del self.fields["timbre"]
        for rang, du in enumerate(DEMARCHES[demande.demarche].dus_a_la_remise):
            self.fields[f"du_{rang}"] = forms.BooleanField(
                label=du, error_messages={"required": _("Ce document est dû au plus tard à la remise : vérifiez-le.")}
            )

    def clean_numero_titre(self) -> str:
        return self._bien_forme("numero_titre", est_numero_titre, NUMERO_FAUX)

    def clean_timbre(self) -> str:
        return self._bien_forme("timbre", est_numero_timbre, TIMBRE_FAUX)

    def _bien_forme(self, nom: str, est_bien_forme: Callable[[str], bool], sinon: str) -> str:
        numero = normaliser(self.cleaned_data[nom])
        if not est_bien_forme(numero):
            raise forms.ValidationError(sinon)
        return numero

    @property
    def remise(self) -> Remise:
        vus = [nom for nom, vu in self.cleaned_data.items() if nom.startswith("du_") and vu]
        return Remise(
            self.cleaned_data["numero_titre"], self.cleaned_data.get("timbre", ""),
            identite=self.cleaned_data["identite"], dus=len(vus),
        )  # fmt: skip


class ProlongationForm(forms.Form):
    """La fin, le travail, et l'accord de l'agent quand l'attestation n'est pas de plein droit."""

    au = DateTroisChampsField(
        label=_("Fin de validité (jour compris)"), objet=_("la date de fin de validité"), mois_en_lettres=True
    )
    travail = forms.ChoiceField(
        label=_("Travail pendant cette période"),
        choices=[
            ("accessoire", _("Autorisé à titre accessoire")),
            ("toutes", _("Autorisé")),
            ("aucun", _("Non autorisé")),
        ],
        widget=forms.RadioSelect,
        help_text=_("Le droit de travailler se maintient si le titre précédent l'autorisait."),
        error_messages={"required": _("Dites si la personne a le droit de travailler.")},
    )
    reserves_vues = forms.BooleanField(
        label=_("J'ai lu les points à vérifier, et je délivre cette attestation."),
        error_messages={"required": _("Confirmez que vous délivrez l'attestation malgré les points à vérifier.")},
    )

    def __init__(self, *args, demande: Demande, fin: dt.date | None, avec_reserves: bool, **kwargs):
        initial = {"au": fin, "travail": travail_du_titre(demande.titre_de_depart)}
        super().__init__(*args, initial=initial, **kwargs)
        if titre := demande.titre_de_depart:
            self.fields["travail"].help_text = _(
                "Le droit de travailler se maintient si le titre précédent l'autorisait (R. 431-15-2). La réponse "
                "proposée suit ce titre, « %(titre)s » : vérifiez ce qu'il porte."
            ) % {"titre": f"{titre.get_nature_display()}, {titre.get_motif_display()}"}
        if not avec_reserves:
            del self.fields["reserves_vues"]


class AgentField(forms.ModelChoiceField):
    def label_from_instance(self, agent: Agent) -> str:
        return agent.nom


class ReaffectationForm(forms.Form):
    cible = AgentField(
        label=_("Nouvel instructeur"),
        queryset=Agent.objects.none(),
        empty_label=_("Choisissez un agent"),
        error_messages={
            "required": _("Choisissez à qui confier le dossier."),
            "invalid_choice": _("Cet agent n'instruit pas, ou plus, de dossier de votre site."),
        },
    )

    def __init__(self, *args, demande: Demande, **kwargs):
        super().__init__(*args, **kwargs)
        instructeurs = instructeurs_du_site(demande.site)
        # Qui a déjà le dossier n'est pas proposé ; un second envoi du même choix reçoit pourtant le même reçu.
        self.fields["cible"].queryset = instructeurs if self.is_bound else instructeurs.exclude(compte=demande.agent_id)


class ServiceField(forms.ModelChoiceField):
    """Le département en tête : taper ses chiffres mène au service, sans parcourir la centaine des autres."""

    def label_from_instance(self, site: Site) -> str:
        return f"{site.departement} – {site.libelle}"


class TransfertForm(forms.Form):
    """Le motif reste interne ; la personne lit le nom et les coordonnées du nouveau service."""

    cible = ServiceField(
        label=_("Nouveau service"),
        queryset=Site.objects.none(),
        empty_label=_("Choisissez un service"),
        error_messages={
            "required": _("Choisissez le service qui instruira la demande."),
            "invalid_choice": _("Choisissez un service ouvert, autre que celui du dossier."),
        },
    )
    motif = forms.CharField(
        label=_("Motif du transfert"),
        max_length=1000,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Par exemple : la personne a déménagé."),
        error_messages={"required": _("Écrivez le motif du transfert, pour le dossier.")},
    )

    def __init__(self, *args, demande: Demande, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["cible"].queryset = (
            Site.objects.ouverts(timezone.localdate()).exclude(pk=demande.site_id).order_by("departement", "libelle")
        )


class NumeroForm(forms.Form):
    numero = forms.CharField(
        label=_("N° étranger"),
        max_length=30,
        help_text=_("10 chiffres. Il devient l'identifiant de la personne ; son numéro de visa reste accepté."),
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "numeric"}),
        error_messages={"required": _("Saisissez les 10 chiffres du numéro étranger.")},
    )

    def clean_numero(self) -> str:
        return normaliser(self.cleaned_data["numero"])
