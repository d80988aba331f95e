from django.apps import AppConfig


class UsagersConfig(AppConfig):
    name = "usagers"
