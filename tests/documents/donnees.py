"""Données de documents, à la forme que reçoit `etablir` : les personnes des guides."""

DEPOT = {
    "numero_demande": "7502202611220000030",
    "deposee_le": "2026-11-22T16:38:42+00:00",
    "numero_etranger": "7703004369",
    "numero_visa": "",
    "nom_naissance": "JOHN",
    "nom_usage": "",
    "prenoms": "JULIE",
    "sexe": "F",
    "naissance": "1993-02-07",
    "lieu_naissance": "BAMAKO",
    "pays_naissance": {"code": "ML", "alpha3": "MLI", "nom": "Mali"},
    "nationalite": {"code": "ML", "alpha3": "MLI", "libelle": "Malienne"},
    "adresse": {
        "voie": "18 rue des Pyrénées",
        "complement": "Bâtiment B, étage 3",
        "code_postal": "75020",
        "commune": "Paris",
        "pays": "FRANCE",
    },
    "premiere_demande": False,
    "service": {
        "libelle": "Préfecture de police de Paris",
        "adresse": "1 place de l'Exemple, 75004 Paris",
        "courriel": "sejour@prefecture-75.invalid",
        "telephone": "01 00 00 00 00",
    },
    "echeance_legale": "2027-02-20",
    "schengen": None,
    "sms": True,
    "categorie": "ETUDIANT",
}
DECISION = DEPOT | {
    "decision": {
        "le": "2026-11-22",
        "titre": "carte de séjour temporaire",
        "mention": "ÉTUDIANT",
        "du": "2026-11-23",
        "au": "2046-11-22",  # loin : ces documents valent encore le jour où la suite tourne
        "taxe": "75.00",
        "travail": "à titre accessoire",
        "renouvellement": True,
    }
}
PROLONGATION = DEPOT | {
    "schengen": True,
    "prolongation": {"travail": "à titre accessoire", "piece": "titre", "fin_du_document": "2026-11-22"},
}
PROLONGATION_SANS_TRAVAIL = DEPOT | {
    "numero_etranger": "",
    "numero_visa": "FRA123456789",
    "premiere_demande": True,
    "schengen": False,
    "prolongation": {"travail": "", "piece": "visa", "fin_du_document": "2026-10-31"},
}
VISA = DEPOT | {
    "numero_etranger": "",
    "numero_visa": "FRA123456789",
    "premiere_demande": True,
    "naissance": "1993-02-00",
}
SUISSE = DEPOT | {
    "numero_demande": "5901202210170000332",
    "deposee_le": "2022-10-17T08:00:00+00:00",
    "numero_etranger": "5903006620",
    "nom_naissance": "SUISSE",
    "prenoms": "KARL",
    "sexe": "M",
    "naissance": "1950-06-25",
    "lieu_naissance": "BERNE",
    "pays_naissance": {"code": "CH", "alpha3": "CHE", "nom": "Suisse"},
    "nationalite": {"code": "CH", "alpha3": "CHE", "libelle": "Suisse"},
    "adresse": {
        "voie": "20 RUE NATIONALE",
        "complement": "",
        "code_postal": "59000",
        "commune": "LILLE",
        "pays": "FRANCE",
    },
    "sms": False,
    "schengen": False,
    "echeance_legale": None,
    "categorie": "CITOYEN UE EEE SUISSE",
}
SUISSE_DECISION = SUISSE | {
    "schengen": True,
    "decision": {
        "le": "2022-11-15",
        "titre": "carte de séjour",
        "mention": "Carte de séjour citoyen UE/EEE/Suisse Toutes activités professionnelles",
        "du": "2022-11-16",
        "au": "2032-11-15",
        "taxe": "0.00",
        "travail": "toutes activités",
        "renouvellement": True,
    },
}
NOM_LONG = "Rakotomalala-Andriamanantenasoa de la Rochefoucauld Montbéliard"[:60]
LONG = DEPOT | {
    "nom_naissance": NOM_LONG,
    "nom_usage": NOM_LONG[::-1].title(),
    "prenoms": "Marie-Élisabeth Océane Françoise Anaïs Guðrún Þóra Zoë",
    "lieu_naissance": "Saint-Denis-de-La-Réunion, quartier du Chaudron nord",
    "adresse": {
        "voie": "145 bis boulevard du Maréchal de Lattre de Tassigny prolongé",
        "complement": "Résidence universitaire des Étudiants, bâtiment B, appt 302",
        "code_postal": "93200",
        "commune": "Saint-Denis-la-Plaine-de-France",
        "pays": "FRANCE",
    },
}


def plein(longueur: int) -> str:
    return ("Ambroise Émilie-Désirée de la Haute-Garonne et de Bourbon-Lancy, " * 3)[:longueur]


# Chaque texte à la longueur que la base permet.
PLEIN = DECISION | {
    "nom_naissance": plein(100),
    "nom_usage": plein(100),
    "prenoms": plein(150).replace("-", " ").replace(",", ""),
    "lieu_naissance": plein(100),
    "adresse": {
        "voie": plein(100),
        "complement": plein(100),
        "code_postal": "93200",
        "commune": plein(100),
        "pays": "FRANCE",
    },
    "schengen": True,
    "decision": DECISION["decision"] | {"mention": plein(120)},
}
