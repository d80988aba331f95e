"""Ce qui est figé au dépôt : libellés et valeurs en français, pièces avec leur empreinte, barèmes du jour."""

import unicodedata

from django.utils.translation import gettext as _

from demandes.demarches.formulaires import Ligne
from demandes.models import Demande
from demandes.parcours import Parcours
from usagers.dates import DatePartielle
from usagers.presentation import nationalite, nom_du_pays


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


def lignes_etat_civil(usager) -> list[Ligne]:
    """L'état civil en questions et réponses, comme le guide le montre."""
    naissance = DatePartielle.lire(usager.naissance)
    return [
        Ligne("nom_naissance", _("Nom de naissance"), usager.nom_naissance, usager.nom_naissance),
        Ligne("prenoms", _("Prénom(s)"), usager.prenoms, usager.prenoms or _("Sans prénom")),
        Ligne("sexe", _("Sexe"), usager.sexe, usager.get_sexe_display()),
        Ligne("naissance", _("Date de naissance"), usager.naissance, naissance.affichage),
        Ligne("pays_naissance", _("Pays de naissance"), usager.pays_naissance_id, nom_du_pays(usager.pays_naissance)),
        Ligne("lieu_naissance", _("Lieu de naissance"), usager.lieu_naissance, usager.lieu_naissance),
        Ligne("nationalite", _("Nationalité"), usager.nationalite_id, nationalite(usager)),
    ]


def parties(parcours: Parcours) -> list[dict]:
    """Les étapes, leurs groupes et leurs lignes : une seule mise en forme pour le récapitulatif et le figé."""
    resultat = []
    for etape in parcours.demarche.parties:
        groupes = []
        if etape.genre == "formulaire":
            form = parcours.form(etape)
            if not (form.is_bound and form.is_valid()):
                groupes = []
            else:
                for groupe in form.groupes:
                    lignes = list(form.lignes(groupe))
                    if groupe.code == "etat_civil":
                        lignes = [*lignes_etat_civil(parcours.demande.usager), *lignes]
                    groupes.append(
                        {"code": groupe.code, "titre": str(groupe.titre), "lignes": [vars(x) for x in lignes]}
                    )
        resultat.append({"code": etape.code, "titre": str(etape.titre), "genre": etape.genre, "groupes": groupes})
    return resultat


def contenu_du_depot(parcours: Parcours) -> dict:
    """Tout ce que le service instruira, indépendant des formulaires de demain."""
    demande, titre = parcours.demande, parcours.demande.titre_de_depart
    informations = parcours.valeurs("informations")
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
    """Minuscules sans accent, pour chercher et trier."""
    decompose = unicodedata.normalize("NFD", texte.lower())
    return "".join(caractere for caractere in decompose if not unicodedata.combining(caractere))


def texte_de_recherche(demande: Demande) -> str:
    """Ce par quoi un agent cherche : noms, n° étranger, n° de titre, courriel, téléphone."""
    usager, titre = demande.usager, demande.titre_de_depart
    morceaux = [
        usager.prenoms, usager.nom_naissance, usager.nom_usage, usager.numero_etranger or "",
        titre.numero if titre else "", usager.compte.courriel, usager.compte.telephone,
    ]  # fmt: skip
    return " ".join(sans_accent(morceau) for morceau in morceaux if morceau)
