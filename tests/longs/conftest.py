"""Ce que partagent les tests longs."""

from tests.documents.conftest import cache_a_soi
from tests.longs.monde import monde
from tests.notifications.conftest import courtier
from tests.pannes.conftest import dossier_var, servir, variables

__all__ = ["cache_a_soi", "courtier", "dossier_var", "monde", "servir", "variables"]
