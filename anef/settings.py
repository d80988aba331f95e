"""Réglages, tous lus dans l'environnement (`.env.exemple` les décrit un par un)."""

from pathlib import Path

import environ
from celery.schedules import crontab, schedule
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from anef.journaux import LOGGING as LOGGING

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.BOOLEAN_TRUE_STRINGS = (*environ.Env.BOOLEAN_TRUE_STRINGS, "oui")
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# --- Environnement -----------------------------------------------------------------------------------------------
# « production » par défaut : l'oubli d'une variable ne doit jamais ouvrir la démonstration.
ENVIRONNEMENT = env.str("ENVIRONNEMENT", "production")
if ENVIRONNEMENT not in {"production", "demonstration"}:
    raise ImproperlyConfigured("ENVIRONNEMENT vaut « production » ou « demonstration ».")
DEMONSTRATION = ENVIRONNEMENT == "demonstration"
DEBUG = env.bool("DEBUG", False)
DOSSIER_VAR = Path(env.str("DOSSIER_VAR", str(BASE_DIR / "var")))
SECRET_KEY = env.str("SECRET_KEY", "")
if DEMONSTRATION and not SECRET_KEY and (DOSSIER_VAR / "cle_secrete").is_file():
    SECRET_KEY = (DOSSIER_VAR / "cle_secrete").read_text().strip()
ADRESSE_DU_SITE = env.str("ADRESSE_DU_SITE", "http://127.0.0.1:8000" if DEMONSTRATION else "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEMONSTRATION else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Code de l'autorité de certification 2D-Doc ; FR00 est l'autorité d'essai du projet.
DEUXD_DOC_AUTORITE = env.str("DEUXD_DOC_AUTORITE", "FR00")
DEUXD_DOC_DOSSIER = Path(env.str("DEUXD_DOC_DOSSIER", str(DOSSIER_VAR / "2d-doc")))

# Le groupe où `charger_demonstration` range ses comptes : il marque une base qu'aucune production n'accepte.
GROUPE_DEMONSTRATION = "demonstration"

# La marque de l'État et la police Marianne sont réservées aux sites de l'État (README).
MARQUE_ETAT = env.bool("MARQUE_ETAT", False)

# --- Applications ------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "instruction.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "anef.apps.AnefConfig",
    "anef.apps.StatiquesConfig",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "widget_tweaks",
    "dsfr",
    "axes",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "documents",
    "notifications",
    "usagers",
    "demandes",
    "instruction",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "anef.journaux.JournalMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "anef.urls"
WSGI_APPLICATION = "anef.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "demandes.portail.contexte.portail",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Données -----------------------------------------------------------------------------------------------------
# Les serveurs privés de bin/demarrer ; un lien quand le chemin de ce dossier est trop long pour une prise.
PRISES = (DOSSIER_VAR / "prises").resolve()
DATABASE_URL = env.str("DATABASE_URL", "") or f"postgres://postgres@/anef?host={PRISES}"
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", 60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
REDIS_URL = env.str("REDIS_URL", "") or f"redis+socket://{PRISES / 'redis.sock'}"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://").replace("virtual_host=", "db="),
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
FICHIERS_DIR = Path(env.str("FICHIERS_DIR", str(DOSSIER_VAR / "fichiers")))
STATIC_URL = "/static/"
STATIC_ROOT = DOSSIER_VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    # Les pièces et les documents : hors de la racine web, jamais servis par une URL de stockage.
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FICHIERS_DIR, "base_url": None, "file_permissions_mode": 0o600},
    },
    "staticfiles": {"BACKEND": "anef.statiques.StatiquesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# Un fichier de pièce fait au plus 10 Mo : envoyé seul, il tient en mémoire. Un envoi plus lourd (plusieurs fichiers
# d'un formulaire sans JavaScript) passe par des fichiers temporaires, lisibles de nous seuls et effacés aussitôt.
FILE_UPLOAD_MAX_MEMORY_SIZE = 11 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024

# --- Comptes et sessions -----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "usagers.Compte"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "usagers.backends.IdentifiantBackend"]
LOGIN_URL = "usagers:connexion"
LOGIN_REDIRECT_URL = "demandes:espace"
LOGOUT_REDIRECT_URL = "demandes:accueil"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "usagers.mots_de_passe.RegleCnilValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
     "OPTIONS": {"user_attributes": ["identifiant", "courriel"]}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]  # fmt: skip
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = env.int("DUREE_SESSION", 30 * 60)
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEMONSTRATION
SESSION_COOKIE_SAMESITE = "Lax"
# Le second facteur des agents : un code de leur téléphone, en entrant et avant les actes qui engagent.
SECOND_FACTEUR = env.bool("SECOND_FACTEUR", not DEMONSTRATION)
OTP_TOTP_ISSUER = "ANEF séjour"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # heures
# Le compte visé depuis une adresse ; `usagers/freins.py` tient les seuils d'un compte seul et d'une adresse seule.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "usagers.backends.cle_du_compte"
AXES_CLIENT_IP_CALLABLE = "usagers.freins.adresse_du_client"
AXES_LOCKOUT_CALLABLE = "usagers.views.refus.compte_verrouille"
# Un essai pendant le blocage ne l'allonge pas : l'heure annoncée est tenue.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True  # les connexions réussies, adresse IP comprise, ne sont pas gardées

# --- Sécurité ----------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
    }
}
X_FRAME_OPTIONS = "SAMEORIGIN"
SILENCED_SYSTEM_CHECKS = ["security.W019"]  # l'agent voit les pièces dans une page du même site
CSRF_FAILURE_VIEW = "instruction.views.erreurs.jeton_perime"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", not DEMONSTRATION)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 0 if DEMONSTRATION else 31536000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEMONSTRATION
DERRIERE_MANDATAIRE_HTTPS = env.bool("DERRIERE_MANDATAIRE_HTTPS", False)
if DERRIERE_MANDATAIRE_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Langues et heures -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SECURE = not DEMONSTRATION
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Paris"
FORM_RENDERER = "demandes.portail.formulaires.RenduDsfr"

# --- Courriels et SMS --------------------------------------------------------------------------------------------
# En démonstration rien ne part : la boîte d'envoi de démonstration montre les lignes elles-mêmes.
EMAIL_URL = env.str("EMAIL_URL", "" if not DEMONSTRATION else "dummymail://")
vars().update(env.email_url_config(EMAIL_URL or "smtp://127.0.0.1:25"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("COURRIEL_EXPEDITEUR", "ANEF séjour <ne-pas-repondre@anef.invalid>")
SMS_BACKEND = env.str("SMS_BACKEND", f"notifications.canaux.{'SmsFichier' if DEMONSTRATION else 'SmsPasserelle'}")
SMS_DOSSIER = Path(env.str("SMS_DOSSIER", str(DOSSIER_VAR / "sms")))
SMS_PASSERELLE_URL = env.str("SMS_PASSERELLE_URL", "")
SMS_PASSERELLE_JETON = env.str("SMS_PASSERELLE_JETON", "")

# --- Travaux de fond ---------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
# Un courtier figé retient une requête une seconde au plus : la ligne en base est la file, le balayage la garantie.
# `max_retries` : sans lui, kombu insiste plusieurs secondes avant de dire que le courtier ne répond pas.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 1, "socket_connect_timeout": 1, "max_retries": 0}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000  # kio
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_DEFAULT_QUEUE = "courrier"
CELERY_TASK_ROUTES = {"documents.tasks.*": {"queue": "rendu"}}
CELERY_BEAT_SCHEDULE = {
    # Un balayage qui a attendu un travailleur absent n'a plus d'objet : le suivant fait le même travail.
    "relancer_envois": {
        "task": "notifications.tasks.relancer_envois",
        "schedule": schedule(60),
        "options": {"expires": 55},
    },
    "relancer_rendus": {
        "task": "documents.tasks.relancer_rendus",
        "schedule": schedule(60),
        "options": {"expires": 55},
    },
    "actualiser_la_recherche": {
        "task": "demandes.tasks.actualiser_la_recherche",
        "schedule": schedule(60),
        "options": {"expires": 55},
    },
    # De jour seulement : un SMS ne réveille personne.
    "relancer_les_complements": {
        "task": "demandes.tasks.relancer_les_complements",
        "schedule": crontab(minute="*/10", hour="9-18"),
        "options": {"expires": 590},
    },
    "relancer_lots": {
        "task": "instruction.tasks.relancer_lots",
        "schedule": schedule(60),
        "options": {"expires": 55},
    },
    "executer_les_echus": {
        "task": "instruction.tasks.executer_les_echus",
        "schedule": schedule(15),
        "options": {"expires": 14},
    },
    "relancer_exports": {
        "task": "instruction.tasks.relancer_exports",
        "schedule": schedule(60),
        "options": {"expires": 55},
    },
    "relever": {"task": "instruction.tasks.relever", "schedule": crontab(minute=5), "options": {"expires": 3000}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DOSSIER_VAR / "beat")

# --- Service -----------------------------------------------------------------------------------------------------
ASSISTANCE_TELEPHONE = env.str("ASSISTANCE_TELEPHONE", "0806 001 620")
ASSISTANCE_COURRIEL = env.str("ASSISTANCE_COURRIEL", "assistance@anef.invalid")
# Ce que la page « Mentions légales » doit nommer ; vide, elle dit que l'exploitant ne l'a pas encore renseigné.
MENTIONS_LEGALES = {
    "editeur": env.str("EDITEUR", ""),
    "directeur": env.str("DIRECTEUR_PUBLICATION", ""),
    "hebergeur": env.str("HEBERGEUR", ""),
}

# --- Instruction -------------------------------------------------------------------------------------------------
# Minutes pendant lesquelles un acte signé s'annule avant de partir ; 0 : il part aussitôt.
DELAI_ANNULATION = env.int("DELAI_ANNULATION", 1 if DEMONSTRATION else 10)

# --- Recherche d'adresses -----------------------------------------------------------------------------------------
# « locale » : la table remplie par importer_adresses ; « geoplateforme » : le géocodeur de l'IGN.
ADRESSES_SERVICE = env.str("ADRESSES_SERVICE", "locale")
ADRESSES_URL = env.str("ADRESSES_URL", "https://data.geopf.fr/geocodage").rstrip("/")
if ADRESSES_SERVICE not in {"locale", "geoplateforme"}:
    raise ImproperlyConfigured("ADRESSES_SERVICE vaut « locale » ou « geoplateforme ».")

# --- Refus de démarrer en production -----------------------------------------------------------------------------
if not DEMONSTRATION:
    fautes = [
        texte
        for faute, texte in (
            (len(SECRET_KEY) < 50, "SECRET_KEY doit compter au moins 50 caractères"),
            (DEBUG, "DEBUG doit être faux"),
            (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS, "ALLOWED_HOSTS doit nommer le site"),
            (not ADRESSE_DU_SITE.startswith("https://"), "ADRESSE_DU_SITE doit commencer par https://"),
            (not EMAIL_URL.startswith("smtp"), "EMAIL_URL doit nommer le serveur SMTP"),
            (
                SMS_BACKEND.endswith(".SmsPasserelle") and not SMS_PASSERELLE_URL.startswith("https://"),
                "SMS_PASSERELLE_URL doit nommer la passerelle de SMS, en https:// (ou SMS_BACKEND une autre classe)",
            ),
            (not SECOND_FACTEUR, "SECOND_FACTEUR ne se coupe pas"),
            (not env.str("DATABASE_URL", ""), "DATABASE_URL doit être donnée"),
            (not env.str("REDIS_URL", ""), "REDIS_URL doit être donnée"),
            (DEUXD_DOC_AUTORITE.endswith("00"), "DEUXD_DOC_AUTORITE ne peut pas être une autorité d'essai"),
        )
        if faute
    ]
    if fautes:
        raise ImproperlyConfigured("Production refusée : " + " ; ".join(fautes) + ".")
elif not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY manque (bin/demarrer en crée une sous var/).")
