"""Ce qu'un agent écrivait quand sa session a fini : gardé le temps qu'il se reconnecte, rendu à la même page."""

from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import Http404, HttpRequest, QueryDict
from django.urls import resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from instruction.views.second_facteur import CHAMP

SAISIES = "saisies_a_reprendre"
# Qui tenait la session qui vient de finir, quand une page l'a fermée avant les autres.
COMPTE = "compte_de_la_session_finie"
LONGUEUR_MAX = 64_000
# Ce qu'un agent peut avoir d'onglets ouverts à la fois.
PAGES_MAX = 5
HORS_SAISIE = {"csrfmiddlewaretoken", "action", CHAMP}
# Les pages qui savent rendre une saisie ; l'acte qui n'a pas de page à lui → la page où il s'écrit.
PAGES = {
    "dossier_complement", "dossier_complement_renoncer", "dossier_disponible", "dossier_numero", "dossier_prolonger",
    "dossier_proposer", "dossier_proposer_cloture", "dossier_proposer_refus", "dossier_reaffecter", "dossier_remettre",
    "dossier_transferer",
}  # fmt: skip
ECRITS_AILLEURS = {"dossier_note": "dossier", "dossier_renvoyer": "dossier_proposition"}


def compte_de_la_session(request: HttpRequest) -> str:
    """Le compte connecté, ou celui de la session qui vient de finir ; vide : personne ne l'était."""
    if request.user.is_authenticated:
        return str(request.user.pk)
    if compte := request.session.get(COMPTE):
        return compte
    cle = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    session = Session.objects.filter(session_key=cle).first() if cle.isascii() and cle.isalnum() else None
    return session.get_decoded().get(SESSION_KEY, "") if session else ""


def retenir_le_compte(request: HttpRequest, compte: str) -> None:
    """La session d'avant n'est plus : celle-ci dit qui la tenait aux autres onglets, qui finiront après."""
    if compte:
        request.session[COMPTE] = compte


def page_d_origine(request: HttpRequest) -> str:
    """La page d'ici d'où vient l'envoi ; vide : d'un autre site, ou de nulle part."""
    return adresse_d_ici(request, request.headers.get("referer", ""))


def adresse_d_ici(request: HttpRequest, adresse: str) -> str:
    ici = url_has_allowed_host_and_scheme(adresse, {request.get_host()}, require_https=request.is_secure())
    return adresse if ici else ""


class Acte(NamedTuple):
    """L'acte dont une saisie se garde, et la demande."""

    nom: str
    numero: str

    @property
    def cle(self) -> str:
        return f"{self.nom}:{self.numero}"

    @property
    def page(self) -> str:
        """L'adresse où il s'écrit."""
        page = reverse(f"admin:{ECRITS_AILLEURS.get(self.nom, self.nom)}", args=[self.numero])
        return f"{page}?vue=notes" if self.nom == "dossier_note" else page


def acte_de(chemin: str) -> Acte | None:
    """L'acte d'une adresse, ou celui qui s'écrit sur cette page ; rien si sa saisie ne se rend pas."""
    try:
        trouve = resolve(chemin)
    except Http404:
        return None
    nom = {page: acte for acte, page in ECRITS_AILLEURS.items()}.get(trouve.url_name, trouve.url_name)
    if trouve.app_name != "admin" or nom not in PAGES | set(ECRITS_AILLEURS):
        return None
    return Acte(nom, trouve.kwargs["numero"])


def garder(request: HttpRequest, champs: Iterable[tuple[str, list[str]]], *, acte: Acte, compte: str) -> bool:
    """Garde les textes d'un acte pour ce compte ; vrai s'il y avait de quoi. Jamais un fichier."""
    lus = {nom: valeurs for nom, valeurs in champs if nom not in HORS_SAISIE and any(valeurs)}
    version = lus.pop("version", [""])[0]
    longueur = sum(len(nom) + len(valeur) for nom, valeurs in lus.items() for valeur in valeurs)
    if not compte or not 0 < longueur <= LONGUEUR_MAX:
        return False
    gardees = {cle: saisie for cle, saisie in request.session.get(SAISIES, {}).items() if saisie["compte"] == compte}
    gardees.pop(acte.cle, None)
    gardees[acte.cle] = {"compte": compte, "version": version, "textes": lus}
    request.session[SAISIES] = dict(list(gardees.items())[-PAGES_MAX:])
    return True


def _gardee(request: HttpRequest) -> dict | None:
    """Ce qui attend cette page, si c'est ce compte qui l'écrivait."""
    acte = acte_de(request.path)
    saisie = request.session.get(SAISIES, {}).get(acte.cle) if acte else None
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
    """L'acte est envoyé : ce qui en était gardé n'a plus d'objet."""
    gardees = request.session.get(SAISIES)
    acte = acte_de(request.path) if gardees else None
    if acte and acte.cle in gardees:
        request.session[SAISIES] = {cle: saisie for cle, saisie in gardees.items() if cle != acte.cle}
