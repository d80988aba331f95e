"""Tous les liens vers d'autres sites, à un seul endroit ; un test contrôle leur forme."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Lien:
    url: str
    texte: str
    rel: str = "noopener external"


LIENS = {
    "data_gouv": Lien("https://www.data.gouv.fr/", "Data.gouv.fr"),
    "timbre": Lien("https://timbres.impots.gouv.fr/", _("Site officiel des timbres fiscaux électroniques")),
    "ephoto": Lien(
        "https://permisdeconduire.ants.gouv.fr/services-en-ligne/trouver-un-photographe-ou-une-cabine-agrees",
        _("Carte des photographes et des cabines agréés"),
    ),
    "service_public": Lien(
        "https://www.service-public.fr/particuliers/vosdroits/N110", _("Service-Public.fr : étrangers en France")
    ),
    "service_public_etudiant": Lien(
        "https://www.service-public.fr/particuliers/vosdroits/F2231", _("Service-Public.fr : carte de séjour étudiant")
    ),
    "ameli": Lien("https://www.ameli.fr/", _("L'Assurance maladie (ameli.fr)")),
    "etudiant_etranger_ameli": Lien("https://etudiant-etranger.ameli.fr/", "etudiant-etranger.ameli.fr"),
    "anef_officiel": Lien(
        "https://administration-etrangers-en-france.interieur.gouv.fr/",
        _("Site officiel de l'administration numérique des étrangers en France"),
    ),
    "prefectures": Lien("https://www.prefectures-regions.gouv.fr/", _("Sites des préfectures")),
    "defenseur_des_droits": Lien("https://www.defenseurdesdroits.fr/", _("Défenseur des droits")),
    "cnil": Lien("https://www.cnil.fr/fr/plaintes", _("Adresser une plainte à la CNIL")),
    "rgaa": Lien(
        "https://accessibilite.numerique.gouv.fr/", _("Référentiel général d'amélioration de l'accessibilité (RGAA)")
    ),
    "dsfr": Lien("https://www.systeme-de-design.gouv.fr/", _("Système de design de l'État")),
    "licence_ouverte": Lien("https://www.etalab.gouv.fr/licence-ouverte-open-licence/", _("Licence Ouverte 2.0")),
    "legifrance": Lien("https://www.legifrance.gouv.fr/", "Légifrance"),
}
