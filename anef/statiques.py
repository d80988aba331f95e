"""Les fichiers du code tels qu'ils se servent : compressés, sous un nom qui porte leur empreinte."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StatiquesStorage(CompressedManifestStaticFilesStorage):
    """Un module JavaScript en importe un autre sous son nom à empreinte : le nom de départ n'est plus servi
    (`WHITENOISE_KEEP_ONLY_HASHED_FILES`)."""

    support_js_module_import_aggregation = True
