"""Les pages qui disent non, avec la sortie : trop d'essais, lien qui ne vaut plus."""

import datetime as dt
import math

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from usagers.backends import cle_du_compte
from usagers.freins import adresse_du_client
from usagers.operations import LienExpire, LienInvalide, LienUtilise

# Le statut de chaque lien refusé : inconnu, ou connu et périmé.
STATUTS = {LienInvalide: 404, LienExpire: 410, LienUtilise: 410}


def trop_d_essais(request: HttpRequest, jusqu_a: dt.datetime, *, geste: str) -> HttpResponse:
    """429 : l'heure à laquelle réessayer, et quoi faire d'ici là."""
    secondes = max(1, math.ceil((jusqu_a - timezone.now()).total_seconds()))
    contexte = {"jusqu_a": jusqu_a, "minutes": math.ceil(secondes / 60), "geste": geste}
    reponse = render(request, "usagers/trop_d_essais.html", contexte, status=429)
    reponse["Retry-After"] = str(secondes)
    return reponse


def compte_verrouille(request: HttpRequest, reponse: HttpResponse | None, credentials: dict | None) -> HttpResponse:
    """La page que django-axes montre quand un compte est bloqué depuis une adresse."""
    dernier = (
        AccessAttempt.objects.filter(
            username=cle_du_compte(request, credentials), ip_address=adresse_du_client(request)
        )
        .order_by("-attempt_time")
        .values_list("attempt_time", flat=True)
        .first()
    )
    jusqu_a = (dernier or timezone.now()) + get_cool_off(request)
    est_agent = getattr(request.resolver_match, "namespace", "") == "admin"
    return trop_d_essais(request, jusqu_a, geste="agent" if est_agent else "connexion")


def lien_refuse(request: HttpRequest, erreur: Exception, *, objet: str, **contexte) -> HttpResponse:
    """Un lien expiré, déjà utilisé ou abîmé : pourquoi, et comment en avoir un autre."""
    return render(
        request,
        "usagers/lien_refuse.html",
        {"objet": objet, "raison": type(erreur).__name__, **contexte},
        status=STATUTS[type(erreur)],
    )
