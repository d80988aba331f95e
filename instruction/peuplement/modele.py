"""Le modèle d'une démarche : un dépôt fait une fois par les vraies opérations, dont on garde le contenu figé."""

import datetime as dt
import json
import re
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from demandes.demarches import DEMARCHES
from demandes.models import Demande, Site
from instruction import demonstration
from instruction.operations import taxe_due
from usagers.models import Compte, Pays, TitreSejour, Usager

PAYS = {
    "etudiant": ("MA", "TN", "SN", "CI", "ML", "CM", "CN", "VN", "IN", "BR", "HT", "LB", "CD", "GN", "MG"),
    "citoyen_ue": ("DE", "IT", "ES", "PT", "BE", "RO", "PL", "CH"),
}
# Ce que chacun renouvelle : nature et motif.
TITRES = {"etudiant": ("CST", "etudiant"), "citoyen_ue": ("UE", "citoyen_ue_permanent")}


class PeuplementImpossible(Exception):
    """Ce qui manque, ou ce qui s'y oppose, en une phrase."""


@dataclass(frozen=True)
class Modele:
    """Un vrai dépôt, ses valeurs personnelles remplacées par des trous ; `pieces` : code et fichier de chacune."""

    demarche: str
    cas: str
    objet: str
    contenu: str
    pieces: list[tuple[str, int]]
    silence: int
    nature: str
    motif: str
    sms: bool
    titre: str
    mention: str
    mois: int
    taxes: dict[bool, Decimal]
    pays: list[Pays]
    piece_demandee: tuple[str, str]


PERSONNE_MODELE = {
    "nom": "ZZNOM", "prenoms": "ZZPRENOM", "lieu": "ZZLIEU", "naissance": "1999-12-31", "numero_etranger": "9800000000",
    "courriel": "zz@exemple.invalid", "titre": "ZZ00000000", "voie": "ZZVOIE", "commune": "ZZCOMMUNE",
}  # fmt: skip
# Les réponses dont l'affichage n'est pas la valeur : champ → trou de chacune.
LIGNES = {
    "sexe": ("§sexe§", "§sexe_affiche§"),
    "naissance": ("§naissance§", "§naissance_affichee§"),
    "pays_naissance": ("§pays§", "§nom_du_pays§"),
    "nationalite": ("§pays§", "§nationalite_affichee§"),
    "telephone": ("§telephone_e164§", "§telephone§"),
}
NUMERO_DE_VOIE = "18"
TELEPHONE = "06 01 02 03 04"  # celui que la démonstration tape


def modele(code: str, *, le: dt.datetime) -> Modele:
    """Dépose une fois cette démarche par les vraies opérations, en garde le contenu et les fichiers, et défait tout."""
    pays = list(Pays.objects.filter(code__in=PAYS[code]).order_by("code"))
    if not pays:
        raise PeuplementImpossible("Chargez d'abord les pays : manage.py charger_lieux.")
    with transaction.atomic():
        demande = _deposer_une_fois(code, pays[0], le=le)
        contenu = demande.instantanes.get().contenu
        fichiers = {piece.pk: piece.fichier for piece in demande.pieces.select_related("fichier")}
        titre, delivre = demande.titre_de_depart, DEMARCHES[code].titres[0]
        taxes = {}
        for demande.hors_delai in (False, True):
            taxes[demande.hors_delai] = taxe_due(demande, delivre, jour=timezone.localdate(le))
        transaction.set_rollback(True)
    for fichier in fichiers.values():  # leurs octets sont restés : leurs lignes reviennent
        fichier.pk, fichier._state.adding = None, True
        fichier.save()
    pieces = []
    for piece in contenu["pieces"]:
        for jointe in piece["fichiers"]:
            pieces.append((piece["code"], fichiers[jointe["piece"]].pk))
            jointe["piece"] = f"§#piece{len(pieces) - 1}§"
    demandee = next(piece for piece in contenu["pieces"] if piece["fichiers"])
    return Modele(
        code, demande.cas, demande.objet, _a_trous(contenu, demande), pieces,
        (demande.echeance_legale - timezone.localdate(le)).days, titre.nature, titre.motif, DEMARCHES[code].sms,
        delivre.code, delivre.mention, delivre.duree_max, taxes, pays,
        (demandee["code"], demandee["libelle"]),
    )  # fmt: skip


def _deposer_une_fois(code: str, pays: Pays, *, le: dt.datetime) -> Demande:
    p, jour = PERSONNE_MODELE, timezone.localdate(le)
    compte = Compte.objects.create(identifiant=p["numero_etranger"], courriel=p["courriel"], cree_le=le)
    usager = Usager.objects.create(
        nom_naissance=p["nom"], prenoms=p["prenoms"], sexe="F", naissance=p["naissance"], lieu_naissance=p["lieu"],
        pays_naissance=pays, nationalite=pays, numero_etranger=p["numero_etranger"], compte=compte,
    )  # fmt: skip
    nature, motif = TITRES[code]
    debut, fin = jour - dt.timedelta(days=274), jour + dt.timedelta(days=90)
    TitreSejour.objects.create(usager=usager, numero=p["titre"], nature=nature, motif=motif, debut=debut, fin=fin)
    site = Site.objects.order_by("code").last()
    dossier = demonstration.Dossier(
        demonstration.Personne(p["numero_etranger"], "modèle"),
        {"numero": NUMERO_DE_VOIE, "voie": p["voie"], "code_postal": adresse_de(site)[0], "commune": p["commune"]},
        {"nom": "Université", "cycle": "master", "niveau": "m1", "diplome": "Master de biologie"},
        (("boursier", "480"), ("personnelles", "400")),
        demarche=code,
    )  # fmt: skip
    demonstration.deposer(dossier, le=le)
    return Demande.objects.select_related("site", "titre_de_depart").get(usager=usager)


def _a_trous(contenu: dict, demande: Demande) -> str:
    """Le contenu figé, en JSON trié comme `figer` le fait, où chaque valeur de la personne est un `%(trou)s`."""
    titre, nationalite = demande.titre_de_depart, {"code": "§pays§", "alpha3": "§alpha3§"}
    trous = {valeur: f"§{nom}§" for nom, valeur in PERSONNE_MODELE.items()} | {
        TELEPHONE: "§telephone§",
        titre.debut.isoformat(): "§debut§",
        titre.fin.isoformat(): "§fin§",
        adresse_de(demande.site)[0]: "§code_postal§",
    }

    def remplacer(valeur):
        if isinstance(valeur, dict):
            return {cle: remplacer(v) for cle, v in valeur.items()}
        if isinstance(valeur, list):
            return [remplacer(v) for v in valeur]
        if isinstance(valeur, str):
            for connu, trou in trous.items():
                valeur = valeur.replace(connu, trou)
        return valeur

    contenu = remplacer(contenu)
    for ligne in (ligne for partie in contenu["parties"] for groupe in partie["groupes"] for ligne in groupe["lignes"]):
        if ligne["champ"] in LIGNES:
            ligne["valeur"], ligne["affichage"] = LIGNES[ligne["champ"]]
    contenu["etat_civil"] |= {
        "sexe": "§sexe§", "nationalite": nationalite | {"libelle": "§nationalite§"},
        "pays_naissance": nationalite | {"nom": "§nom_du_pays§"},
    }  # fmt: skip
    contenu |= {"hors_delai": "§#hors_delai§", "complete": "§#complete§"}
    texte = json.dumps(contenu, ensure_ascii=False, sort_keys=True).replace("%", "%%")
    return re.sub(r'"§#(\w+)§"|§(\w+)§', lambda trou: f"%({trou[1] or trou[2]})s", texte)


def adresse_de(site: Site) -> tuple[str, str]:
    """Code postal et commune de la préfecture : « …, 75004 Paris »."""
    code_postal, _espace, commune = site.coordonnees_du_jour.adresse.rpartition(", ")[2].partition(" ")
    return code_postal, commune
