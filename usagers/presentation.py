"""Comment une personne se lit à l'écran : les lignes des récapitulatifs."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from usagers.champs import TelephoneField
from usagers.dates import DatePartielle
from usagers.models import Compte, Pays, Usager


def nom_du_pays(pays: Pays) -> str:
    return pays.nom_en if get_language() == "en" else pays.nom


def nationalite(usager: Usager) -> str:
    """« Malienne » : au genre de la personne en français, sans genre en anglais."""
    if get_language() == "en":
        return usager.nationalite.nationalite_en or usager.nationalite.nom_en
    libelle = usager.libelle_nationalite
    return libelle[:1].upper() + libelle[1:]


def telephone_lisible(telephone: str) -> str:
    return TelephoneField().prepare_value(telephone)


def lignes_etat_civil(usager: Usager) -> list[dict]:
    modifier = reverse("usagers:informations_modifier")
    return [
        {"libelle": _("Nom de naissance"), "valeur": usager.nom_naissance},
        {"libelle": _("Nom d'usage"), "valeur": usager.nom_usage, "lien": modifier},
        {"libelle": _("Prénom(s)"), "valeur": usager.prenoms or _("Sans prénom")},
        {"libelle": _("Sexe"), "valeur": usager.get_sexe_display()},
        {"libelle": _("Date de naissance"), "valeur": DatePartielle.lire(usager.naissance).affichage},
        {"libelle": _("Pays de naissance"), "valeur": nom_du_pays(usager.pays_naissance)},
        {"libelle": _("Lieu de naissance"), "valeur": usager.lieu_naissance},
        {"libelle": _("Nationalité"), "valeur": nationalite(usager)},
        {"libelle": _("Situation familiale"), "valeur": usager.get_situation_familiale_display(), "lien": modifier},
    ]


def lignes_adresse(usager: Usager) -> list[dict]:
    lignes = [usager.adresse_voie, usager.adresse_complement]
    commune = f"{usager.adresse_code_postal} {usager.adresse_commune}".strip()
    return [{"libelle": _("Adresse"), "valeur": "\n".join(ligne for ligne in [*lignes, commune] if ligne)}]


def lignes_contact(usager: Usager) -> list[dict]:
    compte = usager.compte
    return [
        {"libelle": _("Adresse électronique"), "valeur": compte.courriel, "lien": reverse("usagers:courriel_modifier")},
        {
            "libelle": _("Téléphone portable"),
            "valeur": telephone_lisible(compte.telephone),
            "lien": reverse("usagers:informations_modifier"),
        },
    ]


def lignes_compte(compte: Compte) -> list[dict]:
    return [
        {"libelle": _("Identifiant de connexion"), "valeur": compte.identifiant},
        {"libelle": _("Mot de passe"), "valeur": "••••••••", "lien": reverse("usagers:mot_de_passe_modifier")},
        {"libelle": _("Langue des courriels et des SMS"), "valeur": dict(settings.LANGUAGES)[compte.langue]},
    ]
