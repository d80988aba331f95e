"""Les données des documents, tirées de ce qui a été figé : un document ne change pas quand la personne déménage."""

import datetime as dt

from django.utils import timezone

from demandes.demarches import DEMARCHES
from demandes.models import Decision, Demande
from usagers.models import TitreSejour

ETAT_CIVIL = (
    "nom_naissance",
    "nom_usage",
    "prenoms",
    "sexe",
    "naissance",
    "lieu_naissance",
    "pays_naissance",
    "nationalite",
)


def donnees_du_depot(demande: Demande, contenu: dict, *, jour: dt.date) -> dict:
    """Données de la confirmation du dépôt (domaine §10 et §12.1), établie ce jour."""
    demarche = DEMARCHES[demande.demarche]
    civil, titre = contenu["etat_civil"], contenu["titre"]
    # Attribué pendant l'instruction, il est sur les documents qui suivent.
    numero_etranger = civil["numero_etranger"] or demande.usager.numero_etranger or ""
    return {
        "numero_demande": demande.numero,
        "deposee_le": demande.deposee_le.isoformat(),
        "numero_etranger": numero_etranger,
        "numero_visa": titre["numero"] if titre and titre["est_visa"] and not numero_etranger else "",
        **{nom: civil[nom] for nom in ETAT_CIVIL},
        "adresse": {nom: contenu["adresse"][nom] for nom in ("voie", "complement", "code_postal", "commune", "pays")},
        "premiere_demande": demarche.cas_de_code(demande.cas).premiere_demande,
        "service": demande.site.en_tete_le(jour),
        "echeance_legale": demande.echeance_legale.isoformat() if demande.echeance_legale else None,
        "schengen": demarche.schengen_depot,
        "sms": demarche.sms,
        "categorie": demarche.categorie,
    }


def donnees_de_la_decision(demande: Demande, decision: Decision, contenu: dict, *, le: dt.datetime) -> dict:
    """Données de l'attestation de décision favorable (domaine §10)."""
    demarche = DEMARCHES[demande.demarche]
    titre = next(titre for titre in demarche.titres if titre.code == decision.titre)
    jour = timezone.localdate(le)
    return donnees_du_depot(demande, contenu, jour=jour) | {
        "schengen": titre.schengen,
        "decision": {
            "le": jour.isoformat(),
            "titre": str(titre.libelle),
            "mention": decision.mention,
            "du": decision.du.isoformat(),
            "au": decision.au.isoformat(),
            "taxe": str(decision.taxe),
            "travail": titre.travail,
            "avec_le_visa": titre.visa_ou_titre,
            "renouvellement": not demarche.cas_de_code(demande.cas).premiere_demande,
        },
    }


# --- Prolongation ----------------------------------------------------------------------------------------------------
# Code choisi par l'agent → ce que le document dit du travail ; vide : il n'y autorise pas, et le dit.
TRAVAIL = {"aucun": "", "accessoire": "à titre accessoire", "toutes": "toutes activités"}
SANS_TRAVAIL = {TitreSejour.Motif.VISITEUR, TitreSejour.Motif.MINEUR_SCOLARISE, TitreSejour.Motif.ETUDIANT_CONCOURS}
ETUDES = {TitreSejour.Motif.ETUDIANT, TitreSejour.Motif.ETUDIANT_ELEVE, TitreSejour.Motif.ETUDIANT_MOBILITE}


def travail_du_titre(titre: TitreSejour | None) -> str:
    """Le code du travail que ce titre autorisait : il se maintient (R. 431-15-2). L'agent peut dire autre chose."""
    if titre is None or titre.motif in SANS_TRAVAIL or titre.nature == TitreSejour.Nature.COURT_SEJOUR:
        return "aucun"
    return "accessoire" if titre.motif in ETUDES else "toutes"


def donnees_de_la_prolongation(demande: Demande, contenu: dict, *, travail: str, jour: dt.date) -> dict:
    """Données de l'attestation de prolongation établie ce jour.

    Les frontières, que le domaine (§10) veut dites sans dire comment : avec le titre expiré au renouvellement, jamais
    pour une première demande. Règle du projet, à confirmer (décision 0013).
    """
    titre = demande.titre_de_depart
    premiere = DEMARCHES[demande.demarche].cas_de_code(demande.cas).premiere_demande
    return donnees_du_depot(demande, contenu, jour=jour) | {
        "schengen": not premiere,
        "prolongation": {
            "travail": TRAVAIL[travail],
            "piece": "" if titre is None else "visa" if titre.est_visa else "titre",
            "fin_du_document": titre.fin.isoformat() if titre else "",
        },
    }
