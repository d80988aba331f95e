"""Ce qu'une installation de production refuse de servir : la base d'une démonstration."""

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

MESSAGE = (
    "Production refusée : cette base contient les comptes de démonstration, dont les mots de passe sont publics. "
    "Donnez dans DATABASE_URL une base qui n'a jamais servi à la démonstration."
)


def base_de_demonstration(alias: str = "default") -> bool:
    """`charger_demonstration` range ses comptes dans un groupe : sa présence marque la base, sauvegardes comprises."""
    connexion = connections[alias]
    with connexion.cursor() as curseur:
        if "auth_group" not in connexion.introspection.table_names(curseur):
            return False
        curseur.execute("SELECT 1 FROM auth_group WHERE name = %s", [settings.GROUPE_DEMONSTRATION])
        return curseur.fetchone() is not None


@checks.register(checks.Tags.database)
def controler_base(app_configs, databases=None, **_):
    if settings.DEMONSTRATION or "default" not in (databases or []):
        return []
    return [checks.Error(MESSAGE, id="anef.E001")] if base_de_demonstration() else []


def refuser_base_de_demonstration(**_) -> None:
    """Au démarrage du web, du worker et de l'horloge, que personne n'ait lancé `check` ou non."""
    if not settings.DEMONSTRATION and base_de_demonstration():
        raise ImproperlyConfigured(MESSAGE)
