"""Qui entre sur une page du compte d'un usager."""

from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import Http404


def usager_requis(vue):
    """Une personne connectée comme usager ; un compte d'agent n'a pas ces pages (404), un anonyme va se connecter."""

    @login_required
    @wraps(vue)
    def gardee(request, *args, **kwargs):
        if request.user.est_agent or not hasattr(request.user, "usager"):
            raise Http404
        return vue(request, *args, **kwargs)

    return gardee
