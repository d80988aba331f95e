"""Connexion par n° étranger ou n° de visa."""

from django.contrib.auth.backends import ModelBackend


class IdentifiantBackend(ModelBackend):
    pass
