"""Titre de séjour « étudiant » : six étapes (guide 000, domaine §1.1, §4, §5, §7.1)."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from demandes.champs import SANS_CHOIX, MontantField, OuiNonField
from demandes.demarches.base import Cas, Demarche, Etape, Fermee, Piece, Regle, Rubrique, TitreDelivrable, regle
from demandes.demarches.etapes import (
    A_LA_PREFECTURE,
    CONFIRMATION,
    DOMICILIATION,
    ETAT_CIVIL,
    INFORMATIONS,
    JUSTIFICATIFS,
    RECAPITULATIF,
    SANS_TITRE_CONNU,
    logement,
)
from demandes.demarches.formulaires import (
    Avertissement,
    BlocFormSet,
    EtapeForm,
    Groupe,
    Ligne,
    LigneForm,
    Reponses,
    Texte,
    euros,
)
from demandes.droit import Contexte
from usagers.dates import DatePartielle
from usagers.models import TitreSejour

# --- Énumérations du guide (domaine §5) ----------------------------------------------------------------------------
ETABLISSEMENTS = [
    ("universite", _("Université")),
    ("ecole_ingenieur", _("École d'ingénieur")),
    ("ecole_commerce", _("École de commerce, gestion et comptabilité")),
    (
        "lycee_sts",
        _("Lycée comportant une section de techniciens supérieurs ou une préparation aux diplômes des métiers d'art"),
    ),
    ("iut", _("Institut universitaire technologique")),
    ("cpge", _("Classe préparatoire aux grandes écoles")),
    ("beaux_arts", _("École des beaux-arts ou école nationale d'art")),
    ("architecture", _("École d'architecture")),
    ("autre", _("Autre")),
]
# BUT : ajout du projet, il a remplacé le DUT (domaine §5).
CYCLES = [
    ("licence", _("Licence")),
    ("master", _("Master")),
    ("doctorat", _("Doctorat")),
    ("bts", "BTS"),
    ("but", "BUT"),
    ("dut", "DUT"),
    ("autre", _("Autre")),
]
NIVEAUX = [
    ("l1", "L1"),
    ("l2", "L2"),
    ("l3", "L3"),
    ("m1", "M1"),
    ("m2", "M2"),
    ("d1", _("Doctorat 1ère année")),
    ("d2", _("Doctorat 2ème année")),
    ("d3", _("Doctorat 3ème année")),
    ("bts1", _("BTS 1ère année")),
    ("bts2", _("BTS 2ème année")),
    ("autre", _("Autre")),
]
NIVEAUX_DU_CYCLE = {
    "licence": {"l1", "l2", "l3"},
    "master": {"m1", "m2"},
    "doctorat": {"d1", "d2", "d3"},
    "bts": {"bts1", "bts2"},
}
RESULTATS = [
    ("validee", _("Validée")),
    ("non_validee", _("Non validée")),
    ("en_attente", _("En attente des résultats")),
]
DISCIPLINES = [
    ("agriculture", _("Agriculture - agroalimentaire")),
    ("architecture", _("Architecture, urbanisme et aménagement du territoire")),
    ("arts", _("Arts, culture, design et mode")),
    ("biologie", _("Biologie")),
    ("chimie", _("Chimie")),
    ("communication", _("Communication, multimédia et journalisme")),
    ("droit", _("Droit")),
    ("environnement", _("Environnement et science de la terre")),
    ("informatique", _("Informatique")),
    ("langues", _("Langues et lettres")),
    ("gestion", _("Management, gestion, finances et commerce")),
    ("mathematiques", _("Mathématiques")),
    ("physique", _("Physique")),
    ("sante", _("Santé et professions sociales")),
    ("education", _("Science de l'éducation")),
    ("ingenieur", _("Science de l'ingénieur")),
    ("economie", _("Sciences économiques et politiques")),
    ("sciences_humaines", _("Sciences humaines et sociales")),
    ("sports", _("Sports")),
]
ORIGINES = [
    ("salarie", _("Salarié")),
    ("boursier", _("Boursier")),
    ("pris_en_charge", _("Pris en charge")),
    ("personnelles", _("Ressources personnelles")),
]


def annee_universitaire(contexte: Contexte) -> int:
    """Première année civile de l'année universitaire N : en cours, ou à venir à partir de la bascule (barème)."""
    bascule = dt.date(
        contexte.jour.year,
        contexte.valeur("etudiant.bascule_annee", "mois"),
        contexte.valeur("etudiant.bascule_annee", "jour"),
    )
    return contexte.jour.year if contexte.jour >= bascule else contexte.jour.year - 1


# --- Étape 2 -------------------------------------------------------------------------------------------------------
def _liste(libelle, choix) -> forms.ChoiceField:
    return forms.ChoiceField(label=libelle, choices=[("", SANS_CHOIX), *choix])


def _texte(libelle) -> forms.CharField:
    return forms.CharField(label=libelle, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))


PRECISION = _("Précisez le cycle d'études")
CURSUS = ("etablissement", "nom_etablissement", "cycle", "cycle_precision", "niveau", "diplome", "discipline")


class MotifEtudesForm(EtapeForm):
    """Étape 2 : l'année universitaire écoulée (N-1) et celle qui motive la demande (N)."""

    conditions = {
        **{f"precedente_{nom}": ("etudiant_precedente", ("oui",)) for nom in (*CURSUS, "resultat")},
        "precedente_cycle_precision": ("precedente_cycle", ("autre",)),
        "courante_cycle_precision": ("courante_cycle", ("autre",)),
    }

    etudiant_precedente = OuiNonField(label="")
    precedente_etablissement = _liste(_("Type d'établissement"), ETABLISSEMENTS)
    precedente_nom_etablissement = _texte(_("Nom de l'établissement"))
    precedente_cycle = _liste(_("Cycle d'études"), CYCLES)
    precedente_cycle_precision = _texte(PRECISION)
    precedente_niveau = _liste(_("Niveau d'études en fin d'année"), NIVEAUX)
    precedente_diplome = _texte(_("Diplôme visé en fin d'études"))
    precedente_discipline = _liste(_("Discipline"), DISCIPLINES)
    precedente_resultat = forms.ChoiceField(label=_("Année"), choices=RESULTATS, widget=forms.RadioSelect)
    mobilite = OuiNonField(label=_("Je suis étudiant en programme de mobilité"))
    courante_etablissement = _liste(_("Type d'établissement"), ETABLISSEMENTS)
    courante_nom_etablissement = _texte(_("Nom de l'établissement"))
    courante_cycle = _liste(_("Cycle d'études"), CYCLES)
    courante_cycle_precision = _texte(PRECISION)
    courante_niveau = _liste(_("Niveau d'études en fin d'année"), NIVEAUX)
    courante_diplome = _texte(_("Diplôme visé en fin d'études"))
    courante_discipline = _liste(_("Discipline"), DISCIPLINES)

    def __init__(self, *args, contexte: Contexte, **options):
        super().__init__(*args, contexte=contexte, **options)
        annee = annee_universitaire(contexte)
        precedente, courante = f"{annee - 1} - {annee}", f"{annee} - {annee + 1}"
        self.fields["etudiant_precedente"].label = _("J'étais étudiant en France pour l'année %(annee)s") % {
            "annee": precedente
        }
        self.groupes = (
            Groupe(
                "precedente",
                _("Année %(annee)s") % {"annee": precedente},
                ("etudiant_precedente", *(f"precedente_{nom}" for nom in CURSUS), "precedente_resultat"),
            ),
            Groupe(
                "courante",
                _("Année %(annee)s") % {"annee": courante},
                ("mobilite", *(f"courante_{nom}" for nom in CURSUS)),
            ),
        )

    def objet_de(self, nom: str) -> str:
        """Les deux années posent les mêmes questions : l'année les distingue."""
        groupe = next(groupe for groupe in self.groupes if nom in groupe.champs)
        if nom == groupe.champs[0]:
            return super().objet_de(nom)
        return f"{super().objet_de(nom)} ({str(groupe.titre).lower()})"

    def avertissements(self) -> list[Avertissement]:
        """Un cycle et un niveau qui ne vont pas ensemble sont signalés, jamais refusés (domaine §4)."""
        return [
            Avertissement(
                f"{annee}_niveau",
                _("%(annee)s : vérifiez le niveau, « %(niveau)s » n'est pas d'ordinaire du cycle « %(cycle)s ».")
                % {
                    "annee": groupe.titre,
                    "niveau": dict(NIVEAUX)[niveau],
                    "cycle": dict(CYCLES)[cycle],
                },
            )
            for groupe in self.groupes
            for annee in [groupe.code]
            for cycle in [self.cleaned_data.get(f"{annee}_cycle")]
            for niveau in [self.cleaned_data.get(f"{annee}_niveau")]
            if cycle in NIVEAUX_DU_CYCLE and niveau and niveau not in NIVEAUX_DU_CYCLE[cycle] | {"autre"}
        ]


# --- Étape 3 -------------------------------------------------------------------------------------------------------
class RessourceForm(LigneForm):
    origine = forms.ChoiceField(label=_("Origine des ressources"), choices=[("", SANS_CHOIX), *ORIGINES])
    montant = MontantField(label=_("Montant (€/mois)"))


class RessourceFormSet(BlocFormSet):
    titre_ligne = _("Ressource")
    ajouter = _("Ajouter une ressource")
    supprimer = _("Supprimer la ressource")


class RessourcesForm(EtapeForm):
    """Étape 3 : lignes, total calculé, seuil mensuel daté ; sous le seuil, une explication, jamais un blocage."""

    groupes = (
        Groupe(
            "ressources",
            _("Ressources"),
            ("ressources", "heberge", "explication"),
            gabarit="demandes/blocs/ressources.html",
        ),
    )
    blocs = {
        "ressources": forms.formset_factory(
            RessourceForm, formset=RessourceFormSet, extra=1, max_num=10, validate_max=True, absolute_max=15
        )
    }

    heberge = forms.BooleanField(label=_("Je suis hébergé(e) à titre gratuit"), required=False)
    explication = forms.CharField(
        label=_("Votre message"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Si vous n'atteignez pas le montant minimum de ressources, précisez-en les raisons."),
    )

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["explication"].required = self.sous_le_seuil
        self.fields["explication"].error_messages["required"] = _(
            "Vous n'avez pas atteint le montant minimum de ressources de %(seuil)s par mois : précisez-en "
            "les raisons, ou ajoutez une ressource."
        ) % {"seuil": self.seuil_affiche}

    def full_clean(self) -> None:
        """L'explication n'est réclamée que si le total est sûr : une ligne illisible se corrige d'abord."""
        champ, sous_le_seuil = self.fields["explication"], self.sous_le_seuil
        champ.required = sous_le_seuil and self.formsets["ressources"].is_valid()
        super().full_clean()
        champ.required = sous_le_seuil

    def calculs(self) -> dict:
        return {"total": self.total_affiche, "sous_le_seuil": self.sous_le_seuil}

    @property
    def seuil(self) -> Decimal:
        return self.contexte.montant("etudiant.seuil_ressources")

    @property
    def seuil_affiche(self) -> str:
        return euros(self.seuil)

    @property
    def total(self) -> Decimal:
        """Somme des montants lisibles, même quand une autre ligne est fausse."""
        montants = []
        for form in self.formsets["ressources"].forms if self.is_bound else []:
            form.is_valid()
            montants.append(getattr(form, "cleaned_data", {}).get("montant") or Decimal(0))
        return sum(montants, Decimal(0))

    @property
    def total_affiche(self) -> str:
        return euros(self.total)

    def lignes(self, groupe: Groupe) -> Iterator[Ligne]:
        """Les réponses, et le total comme le guide le montre au récapitulatif."""
        lignes = list(super().lignes(groupe))
        rang = next((rang for rang, ligne in enumerate(lignes) if ligne.champ == "heberge"), len(lignes))
        libelle = str(_("Montant total par mois"))
        lignes.insert(rang, Ligne("total", libelle, str(self.total), self.total_affiche))
        yield from lignes

    @property
    def sous_le_seuil(self) -> bool:
        return self.total < self.seuil

    def avertissements(self) -> list[Avertissement]:
        if not self.sous_le_seuil:
            return []
        return [
            Avertissement(
                "sous_le_seuil",
                _(
                    "Vos ressources doivent au moins être égales à %(seuil)s / mois. Vous n'avez pas atteint le "
                    "montant minimum de ressources nécessaires. L'instruction de votre demande est susceptible d'en "
                    "tenir compte."
                )
                % {"seuil": self.seuil_affiche},
                interruption=True,
            )
        ]


MOTIF = Etape(
    "motif",
    _("Motif de séjour"),
    _("Décrivez votre projet."),
    consigne=_("Je renseigne mon motif de séjour."),
    form=MotifEtudesForm,
    icone="fr-icon-book-2-line",
)
RESSOURCES = Etape(
    "ressources",
    _("Ressources"),
    _("Renseignez les ressources dont vous bénéficiez."),
    consigne=_("Je renseigne mes ressources et leur(s) origine(s)."),
    form=RessourcesForm,
    icone="fr-icon-money-euro-circle-line",
)


# --- Pièces (domaine §7.1) -------------------------------------------------------------------------------------------
NATURES_TITRE_HORS_VISA = frozenset({"CST", "CSP", "CRA", "CR", "APS", "UE", "RLD_UE"})


@regle(_("Si vous avez un titre de séjour, hors VLS-TS"))
def detient_un_titre_hors_vlsts(reponses: Reponses, contexte: Contexte) -> bool:
    return contexte.titre is not None and contexte.titre.nature in NATURES_TITRE_HORS_VISA


@regle(_("Si votre titre de séjour n'est plus valable, ou si vous avez un visa"))
def sans_titre_en_cours(reponses: Reponses, contexte: Contexte) -> bool:
    """Pas de carte en cours de validité : visa, ou carte expirée ; le passeport devient obligatoire."""
    return not detient_un_titre_hors_vlsts(reponses, contexte) or contexte.titre.fin < contexte.jour


@regle(_("Si vous suivez un programme de mobilité"), "motif")
def en_mobilite(reponses: Reponses, contexte: Contexte) -> bool:
    return reponses["motif"].get("mobilite") == "oui"


@regle(_("Si vous étiez étudiant en France l'année précédente"), "motif")
def etudiant_en_france_l_an_passe(reponses: Reponses, contexte: Contexte) -> bool:
    return reponses["motif"].get("etudiant_precedente") == "oui"


@regle(_("Si vous avez validé l'année précédente"), "motif")
def annee_precedente_validee(reponses: Reponses, contexte: Contexte) -> bool:
    return reponses["motif"].get("precedente_resultat") == "validee"


def a_pour_ressource(origine: str) -> Regle:
    libelle = dict(ORIGINES)[origine]

    @regle(format_lazy(_("Si l'une de vos ressources est « {origine} »"), origine=libelle), "ressources")
    def condition(reponses: Reponses, contexte: Contexte) -> bool:
        return any(ligne["origine"] == origine for ligne in reponses["ressources"].get("ressources", ()))

    return condition


@regle(_("Si c'est votre première demande d'un titre « Étudiant »"))
def premiere_demande(reponses: Reponses, contexte: Contexte) -> bool:
    cas = cas_etudiant(contexte)
    return isinstance(cas, Cas) and cas.premiere_demande


R_INFORMATIONS, R_MOTIF = Rubrique(_("Informations personnelles")), Rubrique(_("Motif de séjour"))
R_RESSOURCES = Rubrique(
    _("Ressources"),
    _("En cas de ressources multiples, veuillez joindre le justificatif de chacune des ressources."),
)
PIECES = (
    Piece(
        "TITRE_SEJOUR",
        R_INFORMATIONS,
        ETAT_CIVIL,
        demandee_si=detient_un_titre_hors_vlsts,
        dit_sa_condition=True,
    ),
    Piece(
        "PASSEPORT",
        R_INFORMATIONS,
        ETAT_CIVIL,
        obligatoire_si=sans_titre_en_cours,
    ),
    Piece("ACTE_NAISSANCE", R_INFORMATIONS, ETAT_CIVIL, demandee_si=premiere_demande, dit_sa_condition=True),
    Piece("EPHOTO", R_INFORMATIONS, ETAT_CIVIL, numero="ephoto"),
    Piece(
        "DOMICILE",
        R_INFORMATIONS,
        DOMICILIATION,
        variantes=("locataire_proprietaire", "hotel", "heberge"),
        variante=logement,
    ),
    Piece("INSCRIPTION", R_MOTIF),
    Piece("MOBILITE", R_MOTIF, demandee_si=en_mobilite),
    Piece(
        "RELEVES_NOTES",
        R_MOTIF,
        demandee_si=etudiant_en_france_l_an_passe,
    ),
    Piece("DERNIER_DIPLOME", R_MOTIF),
    Piece("REUSSITE", R_MOTIF, demandee_si=annee_precedente_validee),
    Piece(
        "RES_TIERS",
        R_RESSOURCES,
        demandee_si=a_pour_ressource("pris_en_charge"),
        dit_sa_condition=True,
    ),
    Piece("RES_BOURSE", R_RESSOURCES, demandee_si=a_pour_ressource("boursier"), dit_sa_condition=True),
    Piece("RES_SALAIRE", R_RESSOURCES, demandee_si=a_pour_ressource("salarie"), dit_sa_condition=True),
    Piece(
        "RES_PERSO",
        R_RESSOURCES,
        demandee_si=a_pour_ressource("personnelles"),
        dit_sa_condition=True,
    ),
)

# --- Cas (domaine §1.1) ----------------------------------------------------------------------------------------------
ETU_VLSTS = Cas("ETU_VLSTS", premiere_demande=False, fenetre=True)
ETU_DZ_VLS = Cas("ETU_DZ_VLS", premiere_demande=True, fenetre=False)
ETU_VLS_MOB = Cas("ETU_VLS_MOB", premiere_demande=True, fenetre=False)
ETU_MINEUR_SCOL = Cas("ETU_MINEUR_SCOL", premiere_demande=True, fenetre=False)
ETU_CHGT_MOTIF = Cas("ETU_CHGT_MOTIF", premiere_demande=True, fenetre=True)
ETU_TITRE = Cas("ETU_TITRE", premiere_demande=False, fenetre=True)

MOTIFS_ETUDIANT = frozenset({"etudiant", "etudiant_eleve", "etudiant_mobilite"})


def cas_etudiant(contexte: Contexte) -> Cas | Fermee:
    """La situation de départ, ou pourquoi la démarche n'est pas ouverte (domaine §1.1)."""
    titre, jour = contexte.titre, contexte.jour
    if titre is None:
        return Fermee(SANS_TITRE_CONNU + A_LA_PREFECTURE)
    delai = contexte.valeur("sejour.titre_expire", "jours")
    if titre.fin < jour - dt.timedelta(days=delai):
        depuis = ngettext("%(n)s jour", "%(n)s jours", delai) % {"n": delai}
        return Fermee(
            _("Votre titre est expiré depuis plus de %(delai)s. ") % {"delai": depuis} + A_LA_PREFECTURE,
        )
    natures, motif = TitreSejour.Nature, titre.motif
    if titre.nature == natures.RLD_UE:
        return Fermee(_("La carte de résident de longue durée-UE n'est pas couverte ici. ") + A_LA_PREFECTURE)
    if motif == "etudiant_concours" or titre.nature == natures.COURT_SEJOUR:
        return Fermee(_("Le visa de court séjour « étudiant-concours » n'est pas couvert ici. ") + A_LA_PREFECTURE)
    if motif in {"citoyen_ue", "citoyen_ue_permanent"}:
        return Fermee(_("Votre titre « Citoyen UE/EEE/Suisse » vous donne déjà le droit d'étudier."))
    if titre.nature == natures.VLS_TS and motif in MOTIFS_ETUDIANT:
        if titre.valide_le is None:
            return Fermee(_("Validez d'abord votre visa de long séjour valant titre de séjour (VLS-TS)."))
        return ETU_VLSTS
    if titre.nature == natures.VLS:
        if motif == "etudiant_mobilite":
            return ETU_VLS_MOB
        if motif == "etudiant" and contexte.usager.nationalite_id == "DZ":
            return ETU_DZ_VLS
        return Fermee(_("Votre visa de long séjour ne permet pas cette demande en ligne. ") + A_LA_PREFECTURE)
    if titre.nature == natures.VLS_T:
        if motif == "mineur_scolarise" and _est_majeur(contexte):
            return ETU_MINEUR_SCOL
        return Fermee(_("Cette démarche s'ouvre à 18 ans. Avant, votre représentant légal s'adresse à la préfecture."))
    if titre.nature == natures.VLS_TS:
        return Fermee(_("Votre VLS-TS n'a pas été délivré pour études. ") + A_LA_PREFECTURE)
    return ETU_TITRE if motif in MOTIFS_ETUDIANT else ETU_CHGT_MOTIF


def _est_majeur(contexte: Contexte) -> bool:
    return DatePartielle.lire(contexte.usager.naissance).age_au(contexte.jour) >= 18


def type_de_demande(cas: str):
    """« Demande de renouvellement du titre 'Étudiant' » (guide 000, « Mes demandes en cours »)."""
    if cas in {"ETU_VLSTS", "ETU_TITRE"}:
        return _("Demande de renouvellement du titre « Étudiant »")
    return _("Première demande du titre « Étudiant »")


def choix(cas: str):
    """Ce que la page de situation propose (guide 000 pour le renouvellement)."""
    if cas in {"ETU_VLSTS", "ETU_TITRE"}:
        return _("Je souhaite renouveler ce titre")
    return _("Je souhaite demander un titre de séjour étudiant")


ACCESSOIRE = "à titre accessoire"
MOBILITE = "ÉTUDIANT - PROGRAMME DE MOBILITÉ"


def _titre(
    code: str, libelle: Texte, duree: int, nature: str, *, mobilite: bool = False, taxe: str = "etudiant.taxe",
    reserve_a: str = "",
) -> TitreDelivrable:  # fmt: skip
    mention, motif = (MOBILITE, "etudiant_mobilite") if mobilite else ("ÉTUDIANT", "etudiant")
    return TitreDelivrable(code, libelle, mention, duree, taxe, nature, motif, ACCESSOIRE, reserve_a=reserve_a)


ETUDIANT = Demarche(
    code="etudiant",
    objet="titre_sejour",
    intitule=_("titre de séjour étudiant"),
    public=_("obtenir un titre de séjour en tant qu'étudiant"),
    titre_page=_("Je demande un titre de séjour pour étudier"),
    type_de_demande=type_de_demande,
    choix=choix,
    bouton_choix=_("Je continue"),
    bouton_preambule=_("Je commence"),
    preambule="demandes/preambules/etudiant.html",
    cas=cas_etudiant,
    tous_les_cas=(ETU_VLSTS, ETU_DZ_VLS, ETU_VLS_MOB, ETU_MINEUR_SCOL, ETU_CHGT_MOTIF, ETU_TITRE),
    etapes=(INFORMATIONS, MOTIF, RESSOURCES, JUSTIFICATIFS, RECAPITULATIF, CONFIRMATION),
    pieces=PIECES,
    titres=(
        _titre("CST_ETU", _("carte de séjour temporaire"), 12, "CST"),
        _titre("CSP_ETU", _("carte de séjour pluriannuelle"), 48, "CSP"),
        _titre("CST_ETU_MOB", _("carte de séjour temporaire"), 12, "CST", mobilite=True),
        _titre("CSP_ETU_MOB", _("carte de séjour pluriannuelle"), 48, "CSP", mobilite=True),
        _titre("CRA_ETU", _("certificat de résidence algérien"), 12, "CRA", reserve_a="DZ"),  # accord de 1968
        _titre("APS", _("autorisation provisoire de séjour"), 12, "APS", taxe="aps.taxe"),
    ),
    dus_a_la_remise=(_("Le certificat d'inscription définitif, au dossier ou présenté ce jour"),),
    silence="etudiant.silence",
    categorie="ETUDIANT",
    apres_depot="demandes/apres_depot/etudiant.html",
)
