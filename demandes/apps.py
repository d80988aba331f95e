from django.apps import AppConfig


class DemandesConfig(AppConfig):
    name = "demandes"

    def ready(self):
        """Les contrôles s'enregistrent quand on les importe, une fois les modèles prêts."""
        from demandes.demarches import controles  # noqa: F401, PLC0415
