"""Le journal tel que l'auditeur le lit : cinq registres, les mêmes filtres, les plus récents d'abord. Lecture seule.

Les pages se suivent par clé, dans l'ordre d'écriture : la centième coûte le prix de la première.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.apps import apps
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from demandes.etats import Etat
from demandes.journal_des_references import ecarts_en_mots
from demandes.models import Changement, Evenement
from instruction.models import AccesExceptionnel, Consultation
from instruction.permissions import GESTES
from instruction.presentation import PHRASES_D_ECHEC, controle_en_mots
from usagers.models import Compte

TAILLE_DE_PAGE = 50


@dataclass(frozen=True)
class Ligne:
    """Qui, quand, sur quel dossier, quoi. Un usager n'est pas nommé : le dossier suffit."""

    cle: int
    le: dt.datetime
    qui: str
    site: str
    dossier: str
    nature: str
    detail: str


@dataclass(frozen=True)
class Registre:
    """`champs` : où sont l'agent (son compte), le dossier, l'instant et la nature ; vide : ce registre n'en a pas."""

    code: str
    libelle: str | Promise
    lignes: Callable[[], QuerySet]
    ligne: Callable[[Model], Ligne]
    champs: Mapping[str, str]
    natures: tuple[tuple[str, str | Promise], ...] = ()


def _qui(compte: Compte | None) -> tuple[str, str]:
    if compte is None:
        return _("le système"), ""
    if not compte.est_agent:
        return _("l'usager"), ""
    agent = getattr(compte, "agent", None)
    return (f"{agent.nom} ({compte.identifiant})", agent.site_id) if agent else (compte.identifiant, "")


# Le nom d'un code, et le mot d'un code seul, quand le tiret bas en moins ne suffit pas.
NOMS = {
    "agent": "à l'agent n°", "cloture": "clôture", "complement": "complément n°", "de": "du site",
    "dus": "documents vus", "reponses": "réponses", "reserves": "réserves", "vers": "au site",
}  # fmt: skip
MOTS = {"defavorable": "défavorable", "ecartee": "écartée", "proposee": "proposée"}


def _code(nom: str, valeur: object) -> str:
    if nom == "geste" and valeur in GESTES:
        return str(GESTES[valeur].libelle)
    if nom == "echec" and valeur in PHRASES_D_ECHEC:
        return str(PHRASES_D_ECHEC[valeur])
    nom = NOMS.get(nom, nom)
    return nom if valeur is True else f"{nom} {_valeur(valeur)}"


def _valeur(valeur: object) -> str:
    """Un code, des codes, ou les codes de chaque pièce, en mots : « complement.trop_ancienne » → « trop ancienne »."""
    if isinstance(valeur, dict):
        return ", ".join(f"{cle} ({_valeur(codes)})" for cle, codes in valeur.items())
    if isinstance(valeur, list):
        return ", ".join(map(_valeur, valeur))
    mot = str(valeur).rpartition(".")[2]
    return MOTS.get(mot, mot.replace("_", " ") if mot.islower() else mot)


def _acte(evenement: Evenement) -> Ligne:
    etats = [str(Etat(etat).label) for etat in (evenement.avant, evenement.apres) if etat]
    if evenement.nature == Evenement.Nature.CONTROLE:
        codes = [controle_en_mots(evenement)]
    else:
        codes = [_code(nom, valeur) for nom, valeur in evenement.codes.items() if valeur not in ([], {}, "")]
    return Ligne(
        evenement.pk, evenement.le, *_qui(evenement.par), evenement.demande.numero or "" if evenement.demande else "",
        str(evenement.get_nature_display()), ", ".join([" → ".join(etats), *codes] if etats else codes),
    )  # fmt: skip


def _lecture(lecture: Consultation) -> Ligne:
    detail = lecture.objet
    if lecture.acces:
        detail = _("%(objet)s autre site : %(motif)s") % {"objet": detail, "motif": lecture.acces.motif}
    return Ligne(
        lecture.pk, lecture.le, *_qui(lecture.agent.compte), lecture.demande.numero if lecture.demande else "",
        str(lecture.get_nature_display()), detail.strip(),
    )  # fmt: skip


def _acces(acces: AccesExceptionnel) -> Ligne:
    fin = timezone.localtime(acces.expire_le)
    return Ligne(
        acces.pk, acces.ouvert_le, *_qui(acces.agent.compte), acces.demande.numero, _("accès à un autre site"),
        _("jusqu'au %(fin)s : %(motif)s") % {"fin": f"{fin:%d/%m/%Y %H:%M}", "motif": acces.motif},
    )  # fmt: skip


def _administration(trace: LogEntry) -> Ligne:
    return Ligne(
        trace.pk, trace.action_time, *_qui(trace.user), "",
        str(dict(NATURES_D_ADMINISTRATION)[str(trace.action_flag)]),
        f"{trace.content_type}, {trace.object_repr} : {trace.get_change_message()}",
    )  # fmt: skip


def _reference(changement: Changement) -> Ligne:
    """Un ajout dit ce qui est entré ; un changement, avant → après."""
    ecarts = ecarts_en_mots(changement, apps.get_model(changement.modele))
    est_ajout = changement.nature == Changement.Nature.AJOUT
    mots = [f"{champ} {apres}" if est_ajout else f"{champ} {avant} → {apres}" for champ, avant, apres in ecarts]
    origine = f" ({changement.origine})" if changement.origine else ""
    return Ligne(
        changement.pk, changement.le, *_qui(changement.par), "", str(changement.get_nature_display()),
        f"{changement.objet}{origine} : {'; '.join(mots)}",
    )  # fmt: skip


NATURES_D_ADMINISTRATION = (
    (str(ADDITION), gettext_lazy("ajout")),
    (str(CHANGE), gettext_lazy("changement")),
    (str(DELETION), gettext_lazy("suppression")),
)
REGISTRES: Mapping[str, Registre] = {
    registre.code: registre
    for registre in (
        Registre(
            "actes", gettext_lazy("Actes"), lambda: Evenement.objects.select_related("par__agent", "demande"), _acte,
            {"agent": "par", "dossier": "demande__numero", "le": "le", "nature": "nature"},
            tuple(Evenement.Nature.choices),
        ),
        Registre(
            "lectures", gettext_lazy("Lectures et exports"),
            lambda: Consultation.objects.select_related("agent__compte", "demande", "acces"), _lecture,
            {"agent": "agent__compte", "dossier": "demande__numero", "le": "le", "nature": "nature"},
            tuple(Consultation.Nature.choices),
        ),
        Registre(
            "acces", gettext_lazy("Accès à un autre site"),
            lambda: AccesExceptionnel.objects.select_related("agent__compte", "demande"), _acces,
            {"agent": "agent__compte", "dossier": "demande__numero", "le": "ouvert_le"},
        ),
        Registre(
            "references", gettext_lazy("Données de référence"),
            lambda: Changement.objects.select_related("par__agent"), _reference,
            {"agent": "par", "le": "le", "nature": "nature"}, tuple(Changement.Nature.choices),
        ),
        Registre(
            "administration", gettext_lazy("Administration"),
            lambda: LogEntry.objects.select_related("user__agent", "content_type"), _administration,
            {"agent": "user", "le": "action_time", "nature": "action_flag"}, NATURES_D_ADMINISTRATION,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Filtres:
    """Ce que l'auditeur cherche ; vide : tout. Les jours sont compris."""

    agent: str = ""
    dossier: str = ""
    du: dt.date | None = None
    au: dt.date | None = None
    nature: str = ""

    @property
    def en_codes(self) -> dict[str, str]:
        valeurs = {nom: str(valeur) for nom, valeur in vars(self).items() if valeur}
        return dict(sorted(valeurs.items()))

    @classmethod
    def lire(cls, codes: Mapping[str, str]) -> "Filtres":
        """Ceux qu'un export a gardés."""
        jours = {nom: dt.date.fromisoformat(codes[nom]) for nom in ("du", "au") if nom in codes}
        return cls(**{**codes, **jours})


def filtrer(registre: Registre, filtres: Filtres) -> QuerySet:
    """Les lignes du registre, les dernières écrites d'abord ; un registre sans dossiers n'en a aucun à montrer."""
    champs, lignes = registre.champs, registre.lignes()
    if filtres.agent:
        lignes = lignes.filter(**{f"{champs['agent']}__identifiant": filtres.agent})
    if filtres.dossier:
        lignes = lignes.filter(**{champs["dossier"]: filtres.dossier}) if "dossier" in champs else lignes.none()
    if filtres.nature:
        lignes = lignes.filter(**{champs["nature"]: filtres.nature}) if "nature" in champs else lignes.none()
    if filtres.du:
        lignes = lignes.filter(**{f"{champs['le']}__gte": _minuit(filtres.du)})
    if filtres.au:
        lignes = lignes.filter(**{f"{champs['le']}__lt": _minuit(filtres.au + dt.timedelta(days=1))})
    return lignes.order_by("-pk")


def _minuit(jour: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(jour, dt.time()))


@dataclass(frozen=True)
class Feuillet:
    lignes: list[Ligne]
    precedente: int | None = None
    suivante: int | None = None


def feuillet(registre: Registre, lignes: QuerySet, *, apres: int | None = None, avant: int | None = None) -> Feuillet:
    """Une page : après (plus vieux que) ou avant (plus récent que) une ligne, ou la première."""
    if avant is not None:
        trouvees = list(lignes.filter(pk__gt=avant).reverse()[: TAILLE_DE_PAGE + 1])
        encore, trouvees = len(trouvees) > TAILLE_DE_PAGE, trouvees[:TAILLE_DE_PAGE][::-1]
        if not trouvees:
            return feuillet(registre, lignes)
        return Feuillet(_en_lignes(registre, trouvees), trouvees[0].pk if encore else None, trouvees[-1].pk)
    trouvees = list((lignes if apres is None else lignes.filter(pk__lt=apres))[: TAILLE_DE_PAGE + 1])
    encore, trouvees = len(trouvees) > TAILLE_DE_PAGE, trouvees[:TAILLE_DE_PAGE]
    precedente = trouvees[0].pk if trouvees and apres is not None else None
    return Feuillet(_en_lignes(registre, trouvees), precedente, trouvees[-1].pk if encore else None)


def _en_lignes(registre: Registre, objets: Iterable[Model]) -> list[Ligne]:
    return [registre.ligne(objet) for objet in objets]


def parcourir(registre: Registre, lignes: QuerySet, *, pas: int = 2000) -> Iterator[Ligne]:
    """Toutes les lignes, par paquets : ni long curseur, ni tout en mémoire."""
    dernier = None
    while paquet := list((lignes if dernier is None else lignes.filter(pk__lt=dernier))[:pas]):
        yield from _en_lignes(registre, paquet)
        dernier = paquet[-1].pk
