"""La file de travail d'un site : onglets, tris, pages et recherche (domaine §8.5, architecture §5). Lecture seule.

Les pages se suivent par clé, jamais par décalage : la centième coûte le prix de la première.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from demandes.etats import ETATS_A_INSTRUIRE, ETATS_EN_REMISE, Etat
from demandes.instantane import sans_accent
from demandes.models import Cloture, Complement, Decision, Demande
from instruction.models import Agent
from usagers.numeros import est_numero_demande, normaliser

TAILLE_DE_PAGE = 50
# Au-delà, un décompte exact coûterait plus qu'il n'apprend.
PLAFOND = 10_000
LETTRES_MIN = 3
# « 14/07/1998 » ou « 14 07 1998 » ; « 14071998 » ; ou comme la base l'écrit, « 1998-07-14 ».
DATES = [
    re.compile(r"(?P<jour>[0-9]{1,2})[ /.-](?P<mois>[0-9]{1,2})[ /.-](?P<annee>[0-9]{4})"),
    re.compile(r"(?P<jour>[0-9]{2})(?P<mois>[0-9]{2})(?P<annee>(?:19|20)[0-9]{2})"),
    re.compile(r"(?P<annee>[0-9]{4})-(?P<mois>[0-9]{2})-(?P<jour>[0-9]{2})"),
]
AUTRE_NUMERO = re.compile(r"\+?[0-9]{6,}")


class RechercheTropCourte(Exception):
    """Il faut trois lettres, ou trois chiffres, pour chercher."""


@dataclass(frozen=True)
class Colonne:
    """Une colonne de tri. Croissante, les dates vides viennent en dernier ; décroissante, elle n'est jamais vide."""

    nom: str
    decroissante: bool = False


ID = Colonne("id")
TRIS: dict[str, tuple[Colonne, ...]] = {
    # Chaque onglet se lit dans l'ordre de son premier tri par un index de `Demande`, sans trier ni lire tout le site.
    "droits": (Colonne("fin_de_droits"), Colonne("echeance_legale"), Colonne("deposee_le"), ID),
    "echeance": (Colonne("echeance_legale"), Colonne("fin_de_droits"), Colonne("deposee_le"), ID),
    "depot": (Colonne("deposee_le"), ID),
    "recents": (Colonne("deposee_le", decroissante=True), Colonne("id", decroissante=True)),
    "decision": (Colonne("decidee_le", decroissante=True), Colonne("id", decroissante=True)),
}
DECIDEES = (Etat.FAVORABLE, Etat.DEFAVORABLE, Etat.EN_FABRICATION, Etat.TITRE_DISPONIBLE, Etat.REMISE)


@dataclass(frozen=True)
class Onglet:
    """Une part de la file ; le premier tri est celui par défaut."""

    code: str
    libelle: str | Promise
    filtre: Q | Callable[[dt.date], Q]
    tris: tuple[str, ...]
    vide: str | Promise
    de_l_agent: bool = False

    def dossiers(self, visibles: QuerySet[Demande], agent: Agent) -> QuerySet[Demande]:
        filtre = self.filtre(timezone.localdate()) if callable(self.filtre) else self.filtre
        dossiers = visibles.filter(filtre)
        return dossiers.filter(agent=agent.compte_id) if self.de_l_agent else dossiers


# Jours avant la fin de droits, ou avant l'échéance légale, où un dossier passe devant les autres.
RUPTURE, PROCHE = 15, 30
OUVERTES = ("droits", "echeance", "depot")
OUVERTE = Q(etat__in=ETATS_A_INSTRUIRE)
# La dernière seule compte : une proposition renvoyée reste en base, sans signature.
PLUS_RECENTE = Decision.objects.filter(demande=OuterRef("demande"), pk__gt=OuterRef("pk"))
PROPOSEE = Decision.objects.filter(~Exists(PLUS_RECENTE), demande=OuterRef("pk"), signee_le__isnull=True)
CLOTURE_PROPOSEE = Cloture.objects.proposees().filter(demande=OuterRef("pk"))


def _dans(jours: int, colonne: str) -> Callable[[dt.date], Q]:
    return lambda jour: OUVERTE & Q(**{f"{colonne}__lte": jour + dt.timedelta(days=jours)})


# Ces deux tris sont servis par `demande_du_site` ; un autre lirait tous les dossiers du site.
TOUS = Onglet("tous", _("Tous"), Q(), ("recents", "depot"), _("Aucun dossier n'a été déposé auprès de votre site."))
# Ce qu'une recherche trouve est court : tous les tris s'y proposent.
RECHERCHE = replace(TOUS, tris=("recents", *OUVERTES))
ONGLETS: dict[str, Onglet] = {
    onglet.code: onglet
    for onglet in (
        Onglet(
            # Ni agent, ni décision : déposé, reçu d'un autre site, ou rouvert après le départ de son agent.
            "a_prendre", _("À prendre"), OUVERTE & Q(agent__isnull=True), OUVERTES,
            _("Aucun dossier à prendre : chacun a son agent."),
        ),
        Onglet(
            "mes_dossiers", _("Mes dossiers"), OUVERTE, OUVERTES,
            _("Vous n'avez aucun dossier en cours. Prenez-en un dans l'onglet « À prendre »."), de_l_agent=True,
        ),
        Onglet(
            "reponse_recue", _("Réponse reçue"), Q(etat=Etat.COMPLEMENT_RECU), OUVERTES,
            _("Aucune réponse à une demande de complément n'attend d'être lue."),
        ),
        Onglet(
            "attente_usager", _("En attente de l'usager"), Q(etat=Etat.COMPLEMENT_DEMANDE), OUVERTES,
            _("Aucun complément n'est attendu."),
        ),
        Onglet(
            "rupture", _("Rupture de droits"), _dans(RUPTURE - 1, "fin_de_droits"), OUVERTES,
            _("Aucun dossier n'approche de la fin de ses droits à moins de 15 jours."),
        ),
        Onglet(
            "delai_proche", _("Délai proche"), _dans(PROCHE, "echeance_legale"), ("echeance", "droits", "depot"),
            _("Aucune échéance légale dans les 30 jours."),
        ),
        Onglet("en_instruction", _("En instruction"), Q(etat__in=ETATS_A_INSTRUIRE[1:]), OUVERTES,
               _("Aucun dossier n'est en instruction.")),
        Onglet(
            "a_valider", _("À valider"),
            Q(Exists(PROPOSEE.filter(visee_le__isnull=True)), etat=Etat.PROPOSITION), OUVERTES,
            _("Aucune proposition n'attend de visa."),
        ),
        Onglet(
            "a_signer", _("À signer"), Q(Exists(PROPOSEE.filter(visee_le__isnull=False)), etat=Etat.PROPOSITION),
            OUVERTES, _("Aucune décision visée n'attend de signature."),
        ),
        Onglet(
            "a_clore", _("À clore"), OUVERTE & Q(Exists(CLOTURE_PROPOSEE)), OUVERTES,
            _("Aucune clôture proposée n'attend de signature."),
        ),
        Onglet(
            "a_remettre", _("À remettre"), Q(etat__in=ETATS_EN_REMISE, decidee_le__isnull=False), ("decision",),
            _("Aucun titre accordé n'attend d'être fabriqué ou remis."),
        ),
        Onglet(
            "decides", _("Décidés"), Q(etat__in=DECIDEES, decidee_le__isnull=False), ("decision", "recents"),
            _("Aucune décision n'a encore été prise."),
        ),
        TOUS,
    )
}  # fmt: skip
# Où commence la journée de qui n'instruit pas : sur ce qui attend son rôle.
ONGLET_DU_ROLE = {
    Agent.Role.VALIDEUR: "a_valider", Agent.Role.SIGNATAIRE: "a_signer", Agent.Role.REMISE: "a_remettre",
}  # fmt: skip
REPONDU = Complement.objects.filter(demande=OuterRef("pk"), repondu_le__isnull=False)
# Ce qui réduit une liste, par l'adresse ; à plusieurs, tous s'appliquent.
FILTRES: dict[str, tuple[str | Promise, Callable[[Agent], Q]]] = {
    "a_moi": (_("Affecté à moi"), lambda agent: Q(agent=agent.compte_id)),
    "sans_agent": (_("Sans agent"), lambda agent: Q(agent__isnull=True)),
    "repondu": (_("Complément répondu"), lambda agent: Q(Exists(REPONDU))),
    # Le titre ou le visa de départ, même quand une attestation de prolongation maintient les droits.
    "titre_expire": (_("Titre expiré"), lambda agent: Q(titre_de_depart__fin__lt=timezone.localdate())),
    "hors_delai": (_("Hors délai"), lambda agent: Q(hors_delai=True)),
    "incomplete": (_("Incomplète au dépôt"), lambda agent: Q(complete_au_depot=False)),
}
# Un brouillon n'a pas encore de service. Les mots sont ceux de l'agent, comme dans la liste (`presentation.etat_lu`).
ETATS_FILTRES: dict[str, str | Promise] = {code: nom for code, nom in Etat.choices if code != Etat.BROUILLON}
ETATS_FILTRES[Etat.RETIREE] = _("Retirée par l'usager")


def premier_onglet(agent: Agent | None) -> Onglet:
    """Celui que la file montre d'abord ; l'instructeur commence par ce qui est à prendre."""
    roles = agent.roles if agent else []
    if Agent.Role.INSTRUCTEUR not in roles:
        for role, code in ONGLET_DU_ROLE.items():
            if role in roles:
                return ONGLETS[code]
    return next(iter(ONGLETS.values()))


def filtrer(
    dossiers: QuerySet[Demande], agent: Agent, *, filtres: Sequence[str] = (), demarche: str = "", etat: str = ""
) -> QuerySet[Demande]:
    for code in filtres:
        dossiers = dossiers.filter(FILTRES[code][1](agent))
    choisis = {"demarche": demarche, "etat": etat}
    return dossiers.filter(**{champ: valeur for champ, valeur in choisis.items() if valeur})


@dataclass(frozen=True)
class Page:
    """Des dossiers, et le numéro de celui d'où part la page voisine (vide s'il n'y en a pas)."""

    dossiers: list[Demande]
    precedente: str = ""
    suivante: str = ""


def nombres_plafonnes(listes: Sequence[QuerySet[Demande]]) -> list[int]:
    """Le nombre de dossiers de chaque liste, en une requête ; `PLAFOND + 1` dès qu'il y en a davantage."""
    morceaux, parametres = [], []
    for dossiers in listes:
        try:
            sql, valeurs = dossiers.order_by().values("pk")[: PLAFOND + 1].query.sql_with_params()
        except EmptyResultSet:
            sql, valeurs = "SELECT 1 WHERE false", ()
        morceaux.append(f"(SELECT count(*) FROM ({sql}) AS liste)")
        parametres += valeurs
    with connection.cursor() as curseur:
        curseur.execute(f"SELECT {', '.join(morceaux)}", parametres)
        return list(curseur.fetchone())


# --- Pages -----------------------------------------------------------------------------------------------------------
def page(
    dossiers: QuerySet[Demande], tri: str, *, apres: Demande | None = None, avant: Demande | None = None,
    taille: int = TAILLE_DE_PAGE,
) -> Page:  # fmt: skip
    """La page qui suit `apres`, celle qui précède `avant`, ou la première."""
    ordre = TRIS[tri]
    repere, arriere = (avant, True) if avant is not None else (apres, False)
    if repere is not None and any(colonne.decroissante and _vide(repere, colonne) for colonne in ordre):
        repere, arriere = None, False
    lignes = list(_lire(dossiers, ordre, repere, arriere=arriere, nombre=taille + 1))
    reste = len(lignes) > taille
    lignes = lignes[:taille]
    if arriere:
        lignes.reverse()
    if not lignes:
        return Page([])
    a_precedente = reste if arriere else repere is not None
    a_suivante = arriere or reste
    return Page(lignes, lignes[0].numero if a_precedente else "", lignes[-1].numero if a_suivante else "")


def voisins(dossiers: QuerySet[Demande], tri: str, demande: Demande) -> tuple[str, str]:
    """Les numéros du dossier précédent et du suivant dans la liste, que celui-ci y soit encore ou non."""
    numeros = dossiers.only("numero")
    precedents = page(numeros, tri, avant=demande, taille=1).dossiers
    suivants = page(numeros, tri, apres=demande, taille=1).dossiers
    return (
        precedents[0].numero if precedents and precedents[0].pk != demande.pk else "",
        suivants[0].numero if suivants and suivants[0].pk != demande.pk else "",
    )


def _lire(
    dossiers: QuerySet[Demande], ordre: tuple[Colonne, ...], repere: Demande | None, *, arriere: bool, nombre: int
) -> Iterator[Demande]:
    """Les dossiers au-delà du repère, au plus `nombre`, du plus proche au plus lointain.

    La première colonne est bornée à part, ses dates vides ensuite : chaque lecture est un seul intervalle de l'index.
    """
    tries = dossiers.order_by(*_cles(ordre, arriere=arriere))
    if repere is None:
        yield from tries[:nombre]
        return
    for morceau in _morceaux(ordre, repere, arriere=arriere):
        for demande in tries.filter(morceau)[:nombre]:
            yield demande
            nombre -= 1
        if not nombre:
            return


def _morceaux(ordre: tuple[Colonne, ...], repere: Demande, *, arriere: bool) -> Iterator[Q]:
    premiere, au_dela = ordre[0], _au_dela(ordre, repere, arriere=arriere)
    vides = Q(**{f"{premiere.nom}__isnull": True})
    if _vide(repere, premiere):
        yield vides & au_dela
        if arriere:
            yield ~vides
        return
    sens = "lte" if arriere != premiere.decroissante else "gte"
    yield Q(**{f"{premiere.nom}__{sens}": getattr(repere, premiere.nom)}) & au_dela
    if not arriere and not premiere.decroissante:
        yield vides


def _au_dela(ordre: tuple[Colonne, ...], repere: Demande, *, arriere: bool) -> Q:
    """L'ordre lexicographique : plus loin sur une colonne, à égalité sur celles d'avant."""
    condition, egalite = Q(pk__in=()), Q()
    for colonne in ordre:
        valeur, vide = getattr(repere, colonne.nom), Q(**{f"{colonne.nom}__isnull": True})
        if valeur is None:
            plus_loin = ~vide if arriere else Q(pk__in=())
        elif arriere != colonne.decroissante:
            plus_loin = Q(**{f"{colonne.nom}__lt": valeur})
        else:
            plus_loin = Q(**{f"{colonne.nom}__gt": valeur})
            if not colonne.decroissante and colonne != ID:
                plus_loin |= vide
        condition |= egalite & plus_loin
        egalite &= vide if valeur is None else Q(**{colonne.nom: valeur})
    return condition


def _cles(ordre: tuple[Colonne, ...], *, arriere: bool) -> list:
    """Les clés de tri ; une colonne croissante lue en arrière rend d'abord ses dates vides, comme l'index."""
    return [F(colonne.nom).desc() if arriere != colonne.decroissante else F(colonne.nom).asc() for colonne in ordre]


def _vide(demande: Demande, colonne: Colonne) -> bool:
    return getattr(demande, colonne.nom) is None


# --- Recherche -------------------------------------------------------------------------------------------------------
def chercher(visibles: QuerySet[Demande], texte: str) -> QuerySet[Demande]:
    """Un n° de demande, une date de naissance, un autre numéro, ou des mots, d'après la forme de ce qui est tapé.

    Lève `RechercheTropCourte`.
    """
    numero = normaliser(texte)
    if est_numero_demande(numero):
        return visibles.filter(numero=numero)
    if naissance := _naissance(texte):
        ecrit_ainsi = Q(recherche__contains=naissance)
        return visibles.filter(ecrit_ainsi | Q(recherche__contains=numero) if numero.isdecimal() else ecrit_ainsi)
    if telephone := _autre_numero(texte):
        return visibles.filter(recherche__contains=telephone)
    for mot in _mots(texte):
        # La fin d'un courriel est celle de tout le monde : elle ne trie rien, et l'index en lirait chaque dossier.
        debut, arobase, _domaine = mot.partition("@")
        visibles = visibles.filter(recherche__contains=f"{debut}{arobase}" if debut else mot)
    return visibles


def ressembler(visibles: QuerySet[Demande], texte: str) -> QuerySet[Demande]:
    """Les noms proches de ce qui est tapé, quand `chercher` n'a rien donné ; ni un numéro ni une date ne s'approche."""
    if est_numero_demande(normaliser(texte)) or _autre_numero(texte) or _naissance(texte):
        return visibles.none()
    return visibles.filter(recherche__trigram_word_similar=" ".join(_mots(texte)))


def _naissance(texte: str) -> str:
    """La date de naissance tapée, comme la base l'écrit ; vide : ce n'est pas une date."""
    for date in DATES:
        if lue := date.fullmatch(texte.strip()):
            return f"{lue['annee']}-{lue['mois']:0>2}-{lue['jour']:0>2}"
    return ""


def _autre_numero(texte: str) -> str:
    """Un téléphone est gardé avec son indicatif : « 06… », « 0033 6… » et « +33 (0)6… » se cherchent sans leur zéro."""
    numero = re.sub(r"^00(?=[1-9][0-9]{9})", "+", normaliser(texte.replace("(0)", "")))
    return re.sub(r"^0(?=[0-9]{9}$)", "", numero) if AUTRE_NUMERO.fullmatch(numero) else ""


def _mots(texte: str) -> list[str]:
    mots = sans_accent(texte.replace("\x00", "")[:100]).split()
    if not any(len(mot) >= LETTRES_MIN for mot in mots):
        raise RechercheTropCourte
    return mots
