"""« Mon espace » : profil, notifications, statut, demandes, documents."""

from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from demandes import operations
from demandes.etats import Etat
from demandes.models import Demande, Evenement
from demandes.parcours import Parcours
from demandes.permissions import demandes_visibles
from demandes.suivi import Suivi
from demandes.views.complement import attend_une_reponse, complement_de, contexte_de_la_lettre
from documents.fichiers import reponse_fichier
from documents.models import Document
from notifications.catalogue import MODELES, Message
from notifications.models import Notification
from usagers.acces import usager_requis
from usagers.models import Usager
from usagers.presentation import telephone_lisible

TAILLES_DE_PAGE = (10, 25, 50)
MESSAGES_DU_PORTAIL = [(message.value, message.label) for message in Message if MODELES[message].portail]


def demandes_suivies(request: HttpRequest) -> QuerySet[Demande]:
    """Les demandes de la personne, avec leur journal, leurs documents et leurs compléments, en trois requêtes."""
    evenements = Evenement.objects.select_related("document", "notification").order_by("le", "pk")
    return demandes_visibles(request.user).prefetch_related(Prefetch("evenements", evenements), "complements")


@require_GET
@usager_requis
@never_cache
def espace(request: HttpRequest) -> HttpResponse:
    usager = get_object_or_404(
        Usager.objects.select_related("compte", "nationalite").prefetch_related("titres"), compte=request.user
    )
    demandes = list(
        demandes_suivies(request)
        .select_related("usager__compte", "titre_de_depart", "site")
        .exclude(etat=Etat.RETIREE)
        .order_by("-deposee_le", "-ouverte_le")
    )
    le = timezone.now()
    brouillons = [Parcours(demande, le=le) for demande in demandes if demande.est_brouillon]
    return render(
        request,
        "demandes/espace.html",
        {
            "usager": usager,
            "telephone": telephone_lisible(usager.compte.telephone),
            "titre": usager.titre_actuel,
            "titres": usager.titres.all(),
            "brouillons": brouillons,
            "suivis": [Suivi(demande) for demande in demandes if not demande.est_brouillon],
            "notifications": mes_notifications(request)[:3],
        },
    )


def mes_notifications(request: HttpRequest) -> QuerySet[Notification]:
    return Notification.objects.filter(destinataire=request.user)


@require_GET
@usager_requis
@never_cache
def notifications(request: HttpRequest) -> HttpResponse:
    toutes = mes_notifications(request)
    nature = request.GET.get("type", "")
    if nature in dict(MESSAGES_DU_PORTAIL):
        toutes = toutes.filter(message=nature)
    taille = request.GET.get("par_page", "")
    taille = int(taille) if taille in map(str, TAILLES_DE_PAGE) else TAILLES_DE_PAGE[0]
    return render(
        request,
        "demandes/notifications.html",
        {
            "page": Paginator(toutes, taille).get_page(request.GET.get("page")),
            "types": MESSAGES_DU_PORTAIL,
            "type": nature,
            "tailles": TAILLES_DE_PAGE,
            "taille": taille,
        },
    )


@require_safe
@usager_requis
@never_cache
def notification(request: HttpRequest, pk: int) -> HttpResponse:
    """Montre une notification ouverte ; non lue, elle attend le geste (POST) qui vaut accusé de réception."""
    lettre = get_object_or_404(mes_notifications(request).select_related("document"), pk=pk)
    contexte = {"notification": lettre, "modele": MODELES[Message(lettre.message)]}
    if lettre.lue_le is None:
        return render(request, "demandes/notification_a_ouvrir.html", contexte)
    if lettre.message == Message.COMPLEMENT:
        complement = complement_de(request, pk)
        if attend_une_reponse(complement):
            return redirect("demandes:complement", pk)
        contexte |= contexte_de_la_lettre(complement)
    contexte["demande"] = demandes_visibles(request.user).filter(numero=lettre.objet).first() if lettre.objet else None
    if lettre.message == Message.CLOTURE and contexte["demande"]:
        contexte["cloture"] = Suivi(contexte["demande"]).cloture
    contexte["corps"] = f"demandes/notifications/{lettre.message}.html"
    return render(request, "demandes/notification.html", contexte)


@require_POST
@usager_requis
def notification_ouvrir(request: HttpRequest, pk: int) -> HttpResponse:
    lettre = get_object_or_404(mes_notifications(request), pk=pk)
    operations.ouvrir_notification(lettre, par=request.user, le=timezone.now())
    return redirect("demandes:notification", pk=pk)


@require_GET
@usager_requis
@never_cache
def suivi(request: HttpRequest, numero: str) -> HttpResponse:
    demande = get_object_or_404(demandes_suivies(request).select_related("usager__compte", "site"), numero=numero)
    return render(
        request,
        "demandes/suivi.html",
        {
            "suivi": Suivi(demande),
            "demande": demande,
            "depot": demande.instantanes.order_by("rang").last(),
            "notifications": mes_notifications(request).filter(objet=numero),
        },
    )


@require_safe
@usager_requis
@never_cache
def document(request: HttpRequest, numero: str) -> HttpResponse:
    """Le PDF d'un document à soi ; 202 et une page d'attente tant qu'il n'est pas rendu.

    Une décision se lit par sa notification : c'est l'ouvrir qui fait courir les délais.
    """
    documents = Document.objects.filter(evenements__usager__compte=request.user).select_related("fichier").distinct()
    piece = get_object_or_404(documents, numero=numero)
    if piece.fichier is None:
        return render(request, "demandes/document_en_preparation.html", {"document": piece}, status=202)
    for lettre in mes_notifications(request).filter(document=piece, lue_le__isnull=True):
        if MODELES[Message(lettre.message)].effet:
            return redirect("demandes:notification", lettre.pk)
    return reponse_fichier(piece.fichier, en_ligne=True)
