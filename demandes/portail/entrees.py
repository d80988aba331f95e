"""Les entrées du portail dont la démarche n'est pas encore ouverte, ou se fait ailleurs (domaine §1.3)."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Entree:
    """`resume` : une phrase pour la recherche et le plan ; la page est `portail/a_venir/<code>.html`."""

    titre: str | Promise
    resume: str | Promise


ENTREES = {
    "vlsts": Entree(
        _("Valider mon VLS-TS"),
        _("Valider un visa de long séjour valant titre de séjour dans les trois mois de l'arrivée en France."),
    ),
    "timbre": Entree(
        _("Acheter un timbre fiscal électronique"),
        _("Où acheter le timbre fiscal à remettre lors du retrait du titre de séjour."),
    ),
    "changement": Entree(
        _("Déclarer un changement"),
        _("Déclarer un changement d'adresse ou de situation : déménagement, mariage, nom."),
    ),
    "voyage": Entree(
        _("Document de voyage"),
        _("Demander un titre de voyage pour réfugié, un document de circulation pour étranger mineur."),
    ),
}
