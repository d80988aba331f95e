"""Les données des documents, tirées de ce qui a été figé : un document ne change pas quand la personne déménage."""

import datetime as dt

from django.utils import timezone

from demandes.demarches import DEMARCHES
from demandes.models import Decision, Demande

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


def donnees_du_depot(demande: Demande, contenu: dict) -> dict:
    """Données de la confirmation du dépôt (domaine §10 et §12.1)."""
    demarche = DEMARCHES[demande.demarche]
    civil, titre, site = contenu["etat_civil"], contenu["titre"], demande.site
    return {
        "numero_demande": demande.numero,
        "deposee_le": demande.deposee_le.isoformat(),
        "numero_etranger": civil["numero_etranger"],
        "numero_visa": titre["numero"] if titre and titre["est_visa"] and not civil["numero_etranger"] else "",
        **{nom: civil[nom] for nom in ETAT_CIVIL},
        "adresse": {nom: contenu["adresse"][nom] for nom in ("voie", "complement", "code_postal", "commune", "pays")},
        "premiere_demande": demarche.cas_de_code(demande.cas).premiere_demande,
        "service": {
            "libelle": site.libelle, "adresse": site.adresse, "courriel": site.courriel, "telephone": site.telephone,
        },
        "echeance_legale": demande.echeance_legale.isoformat() if demande.echeance_legale else None,
        "schengen": demarche.schengen_depot,
        "sms": demarche.sms,
        "categorie": demarche.categorie,
    }  # fmt: skip


def donnees_de_la_decision(demande: Demande, decision: Decision, contenu: dict, *, le: dt.datetime) -> dict:
    """Données de l'attestation de décision favorable (domaine §10)."""
    demarche = DEMARCHES[demande.demarche]
    titre = next(titre for titre in demarche.titres if titre.code == decision.titre)
    return donnees_du_depot(demande, contenu) | {
        "schengen": titre.schengen,
        "decision": {
            "le": timezone.localdate(le).isoformat(),
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
