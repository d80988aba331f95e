from django.apps import AppConfig
from django.contrib.admin import apps as administration


class InstructionConfig(AppConfig):
    default = True
    name = "instruction"


class AdministrationConfig(administration.AdminConfig):
    """L'administration de Django, avec notre site : connexion des agents, file et dossiers."""

    default = False
    default_site = "instruction.administration.Administration"
