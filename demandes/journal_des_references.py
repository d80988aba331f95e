"""Écrire une donnée de référence : une seule main à la fois, et chaque changement au journal, avant et après."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.utils import timezone

from demandes.models import Changement, CoordonneesSite, Site
from usagers.models import Compte

Nature = Changement.Nature


@contextmanager
def modifier(*modeles: type[models.Model], par: Compte | None = None, origine: str = "") -> Iterator[None]:
    """Tout ce qui s'écrit dans ces tables pendant le bloc est noté, ou n'est pas écrit.

    Les autres écritures attendent ; les lectures, jamais. `par` : l'agent ; `None` : une commande, que `origine` nomme.
    """
    with transaction.atomic():
        verrouiller(*modeles)
        avant = {modele: photographier(modele) for modele in modeles}
        yield
        le = timezone.now()
        Changement.objects.bulk_create(
            Changement(par=par, origine=origine[:200], le=le, **champs)
            for modele in modeles
            for champs in _ecarts(modele, avant[modele])
        )


def verrouiller(*modeles: type[models.Model]) -> None:
    tables = ", ".join(connection.ops.quote_name(modele._meta.db_table) for modele in modeles)
    with connection.cursor() as curseur:
        curseur.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")


def photographier(modele: type[models.Model]) -> dict[str, dict]:
    """Toutes les lignes, en JSON, par leur clé."""
    cle = modele._meta.pk.attname
    lignes = json.loads(json.dumps(list(modele.objects.order_by("pk").values()), cls=DjangoJSONEncoder))
    return {str(ligne[cle]): ligne for ligne in lignes}


def _ecarts(modele: type[models.Model], avant: dict[str, dict]) -> Iterator[dict]:
    for cle, ligne in photographier(modele).items():
        presente = avant.get(cle, {})
        ecarts = {
            nom: [presente.get(nom), valeur]
            for nom, valeur in ligne.items()
            if nom != "id" and (nom not in presente or presente[nom] != valeur)
        }
        if ecarts:
            yield {
                "nature": Nature.CHANGEMENT if presente else Nature.AJOUT,
                "modele": modele._meta.label_lower, "cle": cle, "objet": nom_de_la_ligne(modele, ligne)[:300],
                "ecarts": ecarts,
            }  # fmt: skip


def nom_de_la_ligne(modele: type[models.Model], ligne: dict) -> str:
    """« site 7502, Préfecture de police », « barème etudiant.taxe du 01/05/2021 », « coordonnées du site 7502 du… »."""
    if modele is Site:
        return f"site {ligne['code']}, {ligne['libelle']}"
    if modele is CoordonneesSite:
        nom = f"coordonnées du site {ligne['site_id']}"
    else:
        nom = f"{modele._meta.verbose_name} {ligne['code']}"
    return f"{nom} du {jour_en_mots(ligne['du'])}" if ligne["du"] else f"{nom} sans date d'effet"


def touchees_par_un_agent(modele: type[models.Model]) -> set[str]:
    """Les clés des lignes qu'une personne a changées : aucune commande ne les réécrit."""
    noms = Changement.objects.filter(modele=modele._meta.label_lower, par__isnull=False)
    return set(noms.values_list("cle", flat=True))


# --- En mots ---------------------------------------------------------------------------------------------------------
def ecarts_en_mots(changement: Changement, modele: type[models.Model]) -> list[tuple[str, str, str]]:
    """(champ, avant, après), dans l'ordre du modèle ; un ajout ne dit que ce qui n'est pas vide."""
    mots, ecarts = [], changement.ecarts
    champs = {champ.attname: champ for champ in modele._meta.concrete_fields}
    # Un champ que le modèle n'a plus se lit encore, sous son nom d'alors.
    for nom in [*filter(ecarts.__contains__, champs), *(nom for nom in ecarts if nom not in champs)]:
        champ, (avant, apres) = champs.get(nom), ecarts[nom]
        if changement.nature == Nature.CHANGEMENT or apres not in (None, ""):
            mots.append((str(champ.verbose_name) if champ else nom, en_mots(avant, champ), en_mots(apres, champ)))
    return mots


def en_mots(valeur, champ: models.Field | None) -> str:
    if valeur is None or valeur == "":
        return "vide"
    if isinstance(champ, models.DateField):
        return jour_en_mots(valeur)
    if champ and champ.choices:
        return str(dict(champ.flatchoices).get(valeur, valeur))
    return valeurs_en_mots(valeur)


def valeurs_en_mots(valeur) -> str:
    """« premiere 75.00, renouvellement 75.00 » ; « AT (du 1995-01-01), BE… »."""
    if isinstance(valeur, bool):
        return "oui" if valeur else "non"
    if isinstance(valeur, dict):
        return ", ".join(
            f"{nom} ({valeurs_en_mots(dedans)})" if isinstance(dedans, dict) else f"{nom} {valeurs_en_mots(dedans)}"
            for nom, dedans in valeur.items()
        )
    return str(valeur)


def jour_en_mots(jour: str | dt.date) -> str:
    return f"{dt.date.fromisoformat(str(jour)):%d/%m/%Y}"
