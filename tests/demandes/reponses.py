"""Réponses brutes d'un étudiant type, telles qu'un navigateur les envoie."""

from django.utils.datastructures import MultiValueDict

INFORMATIONS = {
    "nom_usage": [""],
    "situation_familiale": ["celibataire"],
    "en_couple": ["non"],
    "enfants_en_france": ["non"],
    "logement": ["locataire_proprietaire"],
    "adresse_numero": ["18"],
    "adresse_voie": ["rue des Pyrénées"],
    "adresse_complement": [""],
    "adresse_code_postal": ["75020"],
    "adresse_commune": ["Paris"],
    "telephone": ["06 01 02 03 04"],
}
MOTIF = {
    "etudiant_precedente": ["oui"],
    "precedente_etablissement": ["universite"],
    "precedente_nom_etablissement": ["PRT Paris"],
    "precedente_cycle": ["master"],
    "precedente_niveau": ["m1"],
    "precedente_diplome": ["Master de biologie"],
    "precedente_discipline": ["biologie"],
    "precedente_resultat": ["validee"],
    "mobilite": ["non"],
    "courante_etablissement": ["universite"],
    "courante_nom_etablissement": ["PRT Paris"],
    "courante_cycle": ["master"],
    "courante_niveau": ["m2"],
    "courante_diplome": ["Master de biologie"],
    "courante_discipline": ["biologie"],
}
RESSOURCES = {
    "ressources-TOTAL_FORMS": ["2"],
    "ressources-INITIAL_FORMS": ["0"],
    "ressources-0-origine": ["boursier"],
    "ressources-0-montant": ["400"],
    "ressources-1-origine": ["personnelles"],
    "ressources-1-montant": ["225,50"],
    "explication": [""],
}
ETAPES = {"informations": INFORMATIONS, "motif": MOTIF, "ressources": RESSOURCES}
EPHOTO = "1PMTEK770613113807AA00"


def envoi(brut: dict, **changements) -> MultiValueDict:
    """L'envoi d'une étape, avec quelques réponses changées ; `None` retire un champ."""
    donnees = {**brut, **{nom: [valeur] for nom, valeur in changements.items() if valeur is not None}}
    return MultiValueDict({nom: v for nom, v in donnees.items() if changements.get(nom, "") is not None})
