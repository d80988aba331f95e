"""Ce qu'un agent écrivait quand sa session a fini : gardé le temps qu'il se reconnecte, rendu à la même page."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import Http404, HttpRequest, QueryDict
from django.urls import resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from instruction.views.second_facteur import CHAMP

CLE = "saisies_a_reprendre"
LONGUEUR_MAX = 64_000
# Ce qu'un agent peut avoir d'onglets ouverts à la fois.
PAGES_MAX = 5
HORS_SAISIE = {"csrfmiddlewaretoken", "action", CHAMP}


def compte_de_la_session(request: HttpRequest) -> str:
    """Le compte connecté, ou celui de la session qui vient de finir ; vide : personne ne l'était."""
    if request.user.is_authenticated:
        return str(request.user.pk)
    if gardees := request.session.get(CLE):  # un autre onglet a fini avant celui-ci
        return next(iter(gardees.values()))["compte"]
    cle = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    session = Session.objects.filter(session_key=cle).first() if cle else None
    return session.get_decoded().get(SESSION_KEY, "") if session else ""


def page_d_origine(request: HttpRequest) -> str:
    """La page d'ici d'où vient l'envoi ; vide : d'un autre site, ou de nulle part."""
    page = request.headers.get("referer", "")
    ici = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if ici else ""


def garder(request: HttpRequest, champs: Iterable[tuple[str, list[str]]], *, page: str, compte: str) -> bool:
    """Garde les textes d'une page d'un dossier pour ce compte ; vrai s'il y avait de quoi. Jamais un fichier."""
    lus = {nom: valeurs for nom, valeurs in champs if nom not in HORS_SAISIE and any(valeurs)}
    version = lus.pop("version", [""])[0]
    longueur = sum(len(nom) + len(valeur) for nom, valeurs in lus.items() for valeur in valeurs)
    page = urlsplit(page).path
    try:
        numero = resolve(page).kwargs.get("numero")
    except Http404:
        return False
    if not (compte and numero and 0 < longueur <= LONGUEUR_MAX):
        return False
    gardees = {autre: saisie for autre, saisie in request.session.get(CLE, {}).items() if saisie["compte"] == compte}
    gardees.pop(page, None)
    gardees[page] = {"compte": compte, "version": version, "textes": lus}
    request.session[CLE] = dict(list(gardees.items())[-PAGES_MAX:])
    return True


def _gardee(request: HttpRequest) -> dict | None:
    """Ce qui attend cette page, si c'est ce compte qui l'écrivait."""
    saisie = request.session.get(CLE, {}).get(request.path)
    return saisie if saisie and saisie["compte"] == str(request.user.pk) else None


def saisie_reprise(request: HttpRequest) -> QueryDict | None:
    """Ce qui était écrit sur cette page ; rien s'il n'y a rien, ou si c'était un autre compte."""
    saisie = _gardee(request)
    if saisie is None:
        return None
    champs = QueryDict(mutable=True)
    for nom, valeurs in saisie["textes"].items():
        champs.setlist(nom, valeurs)
    messages.info(
        request,
        _("Voici ce que vous écriviez quand votre session a fini. Relisez-le : rien n'a encore été fait ni envoyé."),
    )
    return champs


def version_reprise(request: HttpRequest) -> str:
    """La version lue alors : si le dossier a changé depuis, l'envoi le dira. Vide : rien n'est repris."""
    saisie = _gardee(request)
    return saisie["version"] if saisie else ""


def oublier(request: HttpRequest) -> None:
    """Un envoi parti de cette page a remplacé ce qui y était gardé."""
    page = urlsplit(page_d_origine(request)).path
    gardees = request.session.get(CLE, {})
    if page in gardees:
        request.session[CLE] = {autre: saisie for autre, saisie in gardees.items() if autre != page}
