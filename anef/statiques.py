"""Les fichiers du code tels qu'ils se servent : compressés, sous un nom qui porte leur empreinte."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StatiquesStorage(CompressedManifestStaticFilesStorage):
    """Un module JavaScript qui en importe un autre le demande lui aussi sous son nom à empreinte : l'autre n'existe plus
    sous son nom de départ (`WHITENOISE_KEEP_ONLY_HASHED_FILES`)."""

    support_js_module_import_aggregation = True
