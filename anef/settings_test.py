"""Réglages des tests : l'environnement de démonstration, sans fichiers compressés ni attente."""

import os

os.environ.setdefault("ENVIRONNEMENT", "demonstration")
os.environ.setdefault("SECRET_KEY", "secret-des-tests-qui-ne-protege-rien-et-ne-sert-nulle-part-ailleurs")

from anef.settings import *  # noqa: F403

MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")  # noqa: F405
STATIQUES_DE_PRODUCTION = STORAGES["staticfiles"]  # noqa: F405 (tests/test_statiques.py)
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Le serveur des tests ne sert les fichiers du code que si l'application porte son nom d'origine.
INSTALLED_APPS[:] = [nom.replace("anef.apps.StatiquesConfig", "django.contrib.staticfiles") for nom in INSTALLED_APPS]  # noqa: F405
# Une connexion gardée par un fil du serveur d'essai empêcherait d'effacer la base à la fin.
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
DELAI_ANNULATION = 0  # un acte signé part aussitôt ; tests/instruction/test_differe.py éprouve l'attente
LOGGING_CONFIG = None  # pytest recueille les journaux ; tests/test_journaux.py éprouve ceux de la production
CACHES["default"]["KEY_FUNCTION"] = "tests.cliche.cle_de_cache"  # noqa: F405
# Chaque processus de la suite (pytest -n) a sa base Redis : vider le cache de l'un ne vide pas celui de l'autre.
if rang := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
    CACHES["default"]["LOCATION"] = f"{CACHES['default']['LOCATION'].split('?')[0]}?db={8 + int(rang)}"  # noqa: F405
