"""Ce qui est figé au dépôt : libellés et valeurs en français, pièces avec leur empreinte, barèmes du jour."""

import unicodedata
from collections.abc import Iterable

from demandes.demarches.etapes import INFORMATIONS
from demandes.models import Demande
from demandes.parcours import Parcours


def etat_civil(usager) -> dict:
    """L'état civil du référentiel, en valeurs et en codes."""
    return {
        "nom_naissance": usager.nom_naissance,
        "nom_usage": usager.nom_usage,
        "prenoms": usager.prenoms,
        "sexe": usager.sexe,
        "naissance": usager.naissance,
        "lieu_naissance": usager.lieu_naissance,
        "pays_naissance": {
            "code": usager.pays_naissance.code,
            "alpha3": usager.pays_naissance.alpha3,
            "nom": usager.pays_naissance.nom,
        },
        "nationalite": {
            "code": usager.nationalite.code,
            "alpha3": usager.nationalite.alpha3,
            "libelle": usager.libelle_nationalite,
        },
        "numero_etranger": usager.numero_etranger or "",
    }


def parties(parcours: Parcours) -> list[dict]:
    """Les étapes, leurs groupes et leurs lignes : une seule mise en forme pour le récapitulatif et le figé."""
    resultat = []
    for etape in parcours.demarche.parties:
        groupes = []
        if etape.genre == "formulaire":
            form = parcours.form(etape)
            if form.is_bound and form.is_valid():
                groupes = [
                    {
                        "code": groupe.code,
                        "titre": str(groupe.titre),
                        "lignes": [vars(ligne) for ligne in form.lignes(groupe)],
                    }
                    for groupe in form.groupes
                ]
        resultat.append({"code": etape.code, "titre": str(etape.titre), "genre": etape.genre, "groupes": groupes})
    return resultat


def contenu_du_depot(parcours: Parcours) -> dict:
    """Tout ce que le service instruira, indépendant des formulaires de demain."""
    demande, titre = parcours.demande, parcours.demande.titre_de_depart
    informations = parcours.valeurs(INFORMATIONS.code)
    voie = f"{informations.get('adresse_numero', '')} {informations.get('adresse_voie', '')}".strip()
    return {
        "demarche": demande.demarche,
        "cas": demande.cas,
        "etat_civil": etat_civil(demande.usager),
        "courriel": demande.usager.compte.courriel,
        "adresse": {
            "voie": voie,
            "complement": informations.get("adresse_complement", ""),
            "code_postal": informations.get("adresse_code_postal", ""),
            "commune": informations.get("adresse_commune", ""),
            "insee": informations.get("adresse_insee", ""),
            "pays": "FRANCE",
            "verifiee": bool(informations.get("adresse_cle")),
        },
        "titre": None
        if titre is None
        else {
            "numero": titre.numero,
            "nature": titre.nature,
            "motif": titre.motif,
            "est_visa": titre.est_visa,
            "debut": titre.debut.isoformat(),
            "fin": titre.fin.isoformat(),
        },
        "parties": parties(parcours),
        "pieces": [
            {
                "code": piece.code,
                "libelle": piece.reference.libelle,
                "obligatoire": piece.obligatoire,
                "numero": piece.numero,
                "declaration": piece.texte if piece.declaree else "",
                "anciennete_max": piece.reference.anciennete_max,
                "absence": "" if piece.est_fournie else piece.absence,
                "fichiers": [
                    {
                        "piece": jointe.pk,
                        "nom": jointe.fichier.nom_affiche,
                        "taille": jointe.fichier.taille,
                        "empreinte": jointe.fichier.empreinte,
                    }
                    for jointe in piece.fichiers
                ],
            }
            for piece in parcours.pieces
        ],
        "observations": demande.observations,
        "avertissements": [
            str(avertissement.texte)
            for etape in parcours.demarche.parties
            if etape.form
            for avertissement in parcours.messages_d_avertissement(etape)
        ],
        "hors_delai": parcours.est_hors_delai,
        "complete": parcours.est_complete,
        "baremes": dict(parcours.contexte.baremes),
    }


def sans_accent(texte: str) -> str:
    """Minuscules sans accent, pour chercher et trier ; l'apostrophe est droite, comme on la tape."""
    decompose = unicodedata.normalize("NFD", texte.lower().replace("\u2019", "'"))
    return "".join(caractere for caractere in decompose if not unicodedata.combining(caractere))


def texte_de_recherche(demande: Demande, *, remis: Iterable[str] = ()) -> str:
    """Ce par quoi un agent cherche : noms, date de naissance, n° étranger, n° de titre, courriel, téléphone, numéro.

    `remis` : les numéros des titres que cette demande a donnés.
    """
    usager, titre = demande.usager, demande.titre_de_depart
    morceaux = [
        usager.prenoms, usager.nom_naissance, usager.nom_usage, usager.naissance, usager.numero_etranger or "",
        titre.numero if titre else "", usager.compte.courriel, usager.compte.telephone, demande.numero, *remis,
    ]  # fmt: skip
    return " ".join(sans_accent(morceau) for morceau in morceaux if morceau)
