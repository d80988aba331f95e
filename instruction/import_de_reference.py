"""Importer une liste : comparer le fichier à la base, montrer, puis tout écrire ou rien."""

import datetime as dt
import hashlib
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError

from demandes.journal_des_references import en_mots, jour_en_mots, modifier, photographier
from demandes.models import Bareme
from instruction.fichiers_de_reference import COLONNES, Entree, Faute
from instruction.forms_references import faute_de_code_de_motif
from instruction.references import (
    LigneDatee,
    a_pris_effet,
    chevauchement,
    fautes,
    fautes_de_valeurs,
    finir_avant,
    periode_en_mots,
)
from usagers.models import Compte


@dataclass(frozen=True)
class Ecart:
    """Ce qu'une ligne de la base devient : (champ, avant, après), en mots."""

    libelle: str
    code: str
    periode: str
    mots: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class Plan:
    """Ce que l'import ferait. Une seule faute, et il ne fait rien."""

    ajouts: list[Ecart] = field(default_factory=list)
    changements: list[Ecart] = field(default_factory=list)
    fins: list[Ecart] = field(default_factory=list)
    inchangees: int = 0
    fautes: list[Faute] = field(default_factory=list)
    a_ecrire: list[LigneDatee] = field(default_factory=list)
    a_ajouter: list[LigneDatee] = field(default_factory=list)

    @property
    def ecrit(self) -> bool:
        return bool(self.a_ecrire or self.a_ajouter) and not self.fautes


def preparer(modele: type[LigneDatee], entrees: Iterable[Entree], *, jour: dt.date) -> Plan:
    """Compare par code et date d'effet. Le fichier n'efface rien ; une ligne sans fin cède la place à la suivante."""
    plan = Plan()
    avant = {ligne.pk: ligne for ligne in modele.objects.all()}
    etat: dict[str, list[LigneDatee]] = {}
    for ligne in modele.objects.order_by("code", "du"):
        etat.setdefault(ligne.code, []).append(ligne)
    numeros: dict[int, int] = {}  # de l'objet à la ligne du fichier
    vues: dict[tuple, int] = {}
    modeles = {code: lignes[-1].valeurs for code, lignes in etat.items()} if modele is Bareme else {}
    for entree in entrees:
        cle = (entree.valeurs.get("code"), entree.valeurs.get("du"))
        if cle in vues:
            plan.fautes.append(Faute(entree.ligne, f"Même code et même date d'effet que la ligne {vues[cle]}."))
            continue
        vues[cle] = entree.ligne
        ligne, phrases = _placer(modele, entree, etat, modeles, jour=jour)
        numeros[id(ligne)] = entree.ligne
        plan.fautes += [Faute(entree.ligne, phrase) for phrase in phrases]
    if not plan.fautes:
        _enchainer(plan, etat, numeros, jour=jour)
    if not plan.fautes:
        _classer(plan, etat, avant, numeros)
    plan.fautes.sort(key=lambda faute: faute.ligne)
    return plan


def _placer(modele, entree: Entree, etat: dict, modeles: dict, *, jour: dt.date) -> tuple[LigneDatee, list[str]]:
    valeurs = entree.valeurs | {
        nom: entree.valeurs[nom] and dt.date.fromisoformat(entree.valeurs[nom]) for nom in ("du", "au")
    }
    memes = [ligne for ligne in etat.get(valeurs["code"], []) if ligne.du == valeurs["du"]]
    presente = memes[0] if memes else None
    ligne = presente or modele()
    ancienne = (
        modele(**{c.attname: getattr(presente, c.attname) for c in modele._meta.concrete_fields}) if presente else None
    )
    for nom, valeur in valeurs.items():
        setattr(ligne, nom, valeur)
    phrases = (
        ["La base a plusieurs lignes de ce code sans date d'effet : changez-les à l'écran."] if len(memes) > 1 else []
    )
    try:
        ligne.clean_fields(exclude=["valeurs"])
    except ValidationError as erreur:
        phrases += [f"« {nom} » : {' '.join(messages)}" for nom, messages in erreur.message_dict.items()]
    phrases += [f"« {nom} » : {phrase}" for nom, phrase in fautes(ligne, ancienne, jour=jour).items()]
    if modele is Bareme:
        connu = modeles.get(ligne.code)
        phrases += (
            fautes_de_valeurs(ligne.valeurs, connu)
            if connu
            else ["Aucun barème ne porte ce code : l'application ne le lirait pas."]
        )
    elif faute := faute_de_code_de_motif(ligne.nature, ligne.code):
        phrases.append(faute)
    if presente is None:
        etat.setdefault(ligne.code, []).append(ligne)
    return ligne, phrases


def _enchainer(plan: Plan, etat: dict, numeros: dict[int, int], *, jour: dt.date) -> None:
    """Une ligne nouvelle finit, la veille, celle sans fin qui la précède ; tout autre chevauchement est une faute."""
    for code in etat:
        lignes = sorted((ligne for ligne in etat[code] if ligne.du), key=lambda ligne: ligne.du)
        for ligne, suivante in itertools.pairwise(lignes):
            cede = ligne.au is None and suivante.pk is None and (
                suivante.du > jour or not a_pris_effet(ligne, jour=jour)
            )  # fmt: skip
            if cede:
                finir_avant(ligne, suivante.du)
            elif chevauchement(suivante, [ligne]):
                numero = numeros.get(id(suivante)) or numeros.get(id(ligne), 0)
                autre = ligne if numeros.get(id(suivante)) else suivante
                plan.fautes.append(Faute(numero, _phrase_de_chevauchement(autre, jour=jour)))


def _phrase_de_chevauchement(autre: LigneDatee, *, jour: dt.date) -> str:
    phrase = f"La période chevauche celle de « {autre} », {periode_en_mots(autre)}."
    if autre.au is None and a_pris_effet(autre, jour=jour):
        demain = jour + dt.timedelta(days=1)
        phrase += f" Une ligne en vigueur se remplace à partir du {jour_en_mots(demain)} au plus tôt."
    return phrase


def _classer(plan: Plan, etat: dict, avant: dict, numeros: dict[int, int]) -> None:
    for ligne in (ligne for lignes in etat.values() for ligne in lignes):
        if ligne.pk is None:
            plan.ajouts.append(_ecart(ligne, None))
            plan.a_ajouter.append(ligne)
            continue
        ecart = _ecart(ligne, avant[ligne.pk])
        if not ecart.mots:
            plan.inchangees += id(ligne) in numeros
            continue
        seule_fin = avant[ligne.pk].au is None and [mot[0] for mot in ecart.mots] == [_nom(ligne, "au")]
        (plan.fins if seule_fin else plan.changements).append(ecart)
        plan.a_ecrire.append(ligne)


def _ecart(ligne: LigneDatee, avant: LigneDatee | None) -> Ecart:
    mots = []
    for nom in COLONNES[type(ligne)]:
        champ, apres = ligne._meta.get_field(nom), getattr(ligne, nom)
        if avant is None and apres not in (None, "") and nom not in {"code", "du", "au", "nature"}:
            mots.append((str(champ.verbose_name), "", en_mots(apres, champ)))
        elif avant is not None and apres != getattr(avant, nom):
            mots.append((str(champ.verbose_name), en_mots(getattr(avant, nom), champ), en_mots(apres, champ)))
    return Ecart(str(ligne), ligne.code, periode_en_mots(ligne), mots)


def _nom(ligne: LigneDatee, nom: str) -> str:
    return str(ligne._meta.get_field(nom).verbose_name)


# --- Écrire en base --------------------------------------------------------------------------------------------------
class BaseChangee(Exception):
    """Quelqu'un a changé ces lignes depuis l'aperçu."""


def empreinte(modele: type[LigneDatee]) -> str:
    return hashlib.sha256(json.dumps(photographier(modele), sort_keys=True).encode()).hexdigest()


def importer(
    modele: type[LigneDatee], entrees: Iterable[Entree], *, vue: str, par: Compte, fichier: str, jour: dt.date
) -> Plan:
    """Écrit tout, si la base est celle de l'aperçu (`vue`) et que rien n'y fait faute. Lève `BaseChangee`."""
    with modifier(modele, par=par, origine=f"import de {fichier}"):
        if empreinte(modele) != vue:
            raise BaseChangee
        plan = preparer(modele, entrees, jour=jour)
        if plan.fautes:
            raise BaseChangee
        # Les lignes présentes d'abord : celles qui finissent font place à celles qui entrent.
        for ligne in plan.a_ecrire:
            ligne.save()
        modele.objects.bulk_create(plan.a_ajouter)
    return plan
