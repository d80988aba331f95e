from django.apps import AppConfig


class DemandesConfig(AppConfig):
    name = "demandes"
