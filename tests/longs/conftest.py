"""Ce que partagent les tests longs."""

from tests.demandes.conftest import brouillon, brouillon_complet, brouillon_relu, cliche_du_droit, droit, le, usager
from tests.documents.conftest import cache_a_soi
from tests.longs.monde import monde
from tests.notifications.conftest import courtier
from tests.pannes.conftest import dossier_var, servir, variables

__all__ = [
    "brouillon", "brouillon_complet", "brouillon_relu", "cache_a_soi", "cliche_du_droit", "courtier", "dossier_var",
    "droit", "le", "monde", "servir", "usager", "variables",
]  # fmt: skip
