"""La règle des mots de passe : CNIL, délibération 2022-100 (domaine §12.4)."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LONGUEUR_QUATRE_CLASSES = 12
LONGUEUR_TROIS_CLASSES = 14
MOTS_D_UNE_PHRASE = 7

MOT = re.compile(r"[^\W\d_]{2,}")


def classes(mot_de_passe: str) -> int:
    """Combien de classes parmi majuscules, minuscules, chiffres et autres signes."""
    presentes = {
        "majuscule"
        if signe.isupper()
        else "minuscule"
        if signe.islower()
        else "chiffre"
        if signe.isdecimal()
        else "autre"
        for signe in mot_de_passe
    }
    return len(presentes)


def mots(mot_de_passe: str) -> int:
    """Combien de mots différents, d'au moins deux lettres : « na na na na na na na » n'est pas une phrase."""
    return len({mot.casefold() for mot in MOT.findall(mot_de_passe)})


def est_assez_fort(mot_de_passe: str) -> bool:
    return (
        (len(mot_de_passe) >= LONGUEUR_QUATRE_CLASSES and classes(mot_de_passe) == 4)
        or (len(mot_de_passe) >= LONGUEUR_TROIS_CLASSES and classes(mot_de_passe) >= 3)
        or mots(mot_de_passe) >= MOTS_D_UNE_PHRASE
    )


class RegleCnilValidator:
    """Trois façons d'être assez fort, au choix ; aucun changement périodique n'est imposé."""

    def validate(self, password, user=None):
        if not est_assez_fort(password):
            raise ValidationError(
                _("Choisissez un mot de passe plus fort : il doit suivre l'une des trois règles données."),
                code="mot_de_passe_trop_faible",
            )

    def get_help_text(self):
        return _(
            "Au moins 12 caractères avec majuscule, minuscule, chiffre et signe ; ou 14 caractères de trois de ces "
            "sortes ; ou une phrase d'au moins 7 mots différents."
        )
