"""La boîte d'envoi de démonstration : ce que le portail a écrit, sans serveur de courriel ni téléphone.

Elle montre tout à tout le monde : hors démonstration, ses adresses n'existent pas.
"""

from collections.abc import Callable
from functools import wraps

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.views.decorators.http import require_safe

from documents.fichiers import reponse_fichier
from notifications.catalogue import MODELES, Canal, Message
from notifications.composition import Ecrit, composer
from notifications.models import Envoi

PAR_PAGE = 20
GENRES = {Envoi.Etat.ENVOYE: "success", Envoi.Etat.REMIS: "success", Envoi.Etat.ECHEC: "error"}
COURRIEL_ISOLE = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


def demonstration_seule(vue: Callable) -> Callable:
    @require_safe
    @wraps(vue)
    def gardee(request: HttpRequest, **arguments) -> HttpResponse:
        if not settings.DEMONSTRATION:
            raise Http404
        return vue(request, **arguments)

    return gardee


@demonstration_seule
def boite_envoi(request: HttpRequest) -> HttpResponse:
    envois = Envoi.objects.select_related("document").order_by("-pk")
    page = Paginator(envois, PAR_PAGE).get_page(request.GET.get("page"))
    return render(
        request, "portail/boite_envoi.html", {"page": page, "lignes": [presentation(envoi) for envoi in page]}
    )


@demonstration_seule
def boite_envoi_detail(request: HttpRequest, pk: int) -> HttpResponse:
    envoi = trouver(pk)
    return render(
        request, "portail/boite_envoi_detail.html", {**presentation(envoi), "expediteur": settings.DEFAULT_FROM_EMAIL}
    )


@demonstration_seule
@csp(COURRIEL_ISOLE)
def boite_envoi_html(request: HttpRequest, pk: int) -> HttpResponse:
    """Le courriel tel qu'un logiciel de messagerie l'afficherait ; ses liens s'ouvrent hors du cadre."""
    envoi = trouver(pk)
    if envoi.canal != Canal.COURRIEL:
        raise Http404
    return HttpResponse(ecrit(envoi).html.replace("<head>", '<head><base target="_blank">', 1))


@demonstration_seule
def boite_envoi_piece(request: HttpRequest, pk: int) -> HttpResponse:
    envoi = trouver(pk)
    if not (a_une_piece(envoi) and envoi.document.fichier):
        raise Http404
    return reponse_fichier(envoi.document.fichier, en_ligne=False)


def trouver(pk: int) -> Envoi:
    return get_object_or_404(Envoi.objects.select_related("document__fichier"), pk=pk)


def ecrit(envoi: Envoi) -> Ecrit:
    """Composé de nouveau : un lien signé n'est conservé nulle part."""
    return composer(envoi.message, canal=envoi.canal, contexte=envoi.contexte, langue=envoi.langue)


def a_une_piece(envoi: Envoi) -> bool:
    joint = MODELES[Message(envoi.message)].piece_jointe and envoi.canal == Canal.COURRIEL
    return joint and envoi.document is not None


def presentation(envoi: Envoi) -> dict:
    return {
        "envoi": envoi,
        "ecrit": ecrit(envoi),
        "piece": a_une_piece(envoi),
        "genre": GENRES.get(envoi.etat, "info"),
    }


routes = [
    path("boite-envoi/", boite_envoi, name="boite_envoi"),
    path("boite-envoi/<int:pk>/", boite_envoi_detail, name="boite_envoi_detail"),
    path("boite-envoi/<int:pk>/courriel.html", boite_envoi_html, name="boite_envoi_html"),
    path("boite-envoi/<int:pk>/piece.pdf", boite_envoi_piece, name="boite_envoi_piece"),
]
