"""Faire rouvrir une demande close : un message, des fichiers gardés un à un, puis tout part ensemble."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from demandes import operations
from demandes.forms import ReouvertureForm
from demandes.models import Demande
from demandes.operations import AutreDemandeEnCours, PieceRefusee, ReouvertureIncomplete, ReouvertureTardive
from demandes.permissions import demandes_visibles
from demandes.reouvertures import ClotureFaite, autre_demande, cloture_faite, fichiers_en_attente
from demandes.reperes import DemandeChangee, changements, repere
from demandes.views.acces import nombre_lu
from documents.fichiers import ACCEPT, FichierRefuse
from usagers.acces import usager_requis


@require_http_methods(["GET", "HEAD", "POST"])
@usager_requis
@never_cache
def rouvrir(request: HttpRequest, numero: str) -> HttpResponse:
    demandes = demandes_visibles(request.user).select_related("usager__compte", "site")
    demande = get_object_or_404(demandes, numero=numero)
    if request.method == "POST":
        return _envoyer(request, demande)
    cloture = cloture_faite(demande)
    if cloture is None:
        messages.info(request, _("Cette demande n'est pas clôturée : il n'y a rien à rouvrir."))
        return redirect("demandes:suivi", numero)
    if not cloture.est_lue:  # la lettre d'abord : elle dit ce qui manquait
        return redirect("demandes:notification", cloture.notification.pk)
    return _page(request, demande, cloture, ReouvertureForm(), vu=repere(demande))


def _envoyer(request: HttpRequest, demande: Demande) -> HttpResponse:
    """Tout bouton de la page garde les fichiers choisis ; vient ensuite l'acte demandé."""
    le, vu = timezone.now(), nombre_lu(request.POST.get("vu", "")) or 0
    verbe, _deux_points, objet = request.POST.get("action", "envoyer").partition(":")
    if operations.est_deja_rouverte(demande, vu=vu, par=request.user):
        return _recu(request, demande)
    try:
        return _faire(request, demande, verbe, objet, vu=vu, le=le)
    except DemandeChangee:
        if operations.est_deja_rouverte(demande, vu=vu, par=request.user):
            return _recu(request, demande)
        return _changee(request, demandes_visibles(request.user).select_related("site").get(pk=demande.pk), vu=vu)
    except (ReouvertureTardive, AutreDemandeEnCours, ReouvertureIncomplete):
        return _page(request, demande, cloture_faite(demande), _form_en_l_etat(request), vu=vu, status=409)


def _faire(request: HttpRequest, demande: Demande, verbe: str, objet: str, *, vu: int, le) -> HttpResponse:
    cloture, form = cloture_faite(demande), ReouvertureForm(request.POST)
    if cloture is None or repere(demande) != vu:
        raise DemandeChangee(demande)
    if not cloture.est_dans_le_delai():
        raise ReouvertureTardive
    if autre_demande(demande):
        raise AutreDemandeEnCours
    erreurs = _joindre(request, demande, le=le)
    if verbe == "retirer":
        piece = get_object_or_404(fichiers_en_attente(demande, cloture), pk=nombre_lu(objet) or 0)
        operations.retirer_de_la_reouverture(demande, piece, le=le)
    if verbe == "joindre" and not request.FILES:
        erreurs.append(str(FichierRefuse("absent")))
    if verbe in {"joindre", "retirer"}:
        status = 422 if erreurs else 200
        return _page(request, demande, cloture, _form_en_l_etat(request), vu=vu, erreurs=erreurs, status=status)
    fichiers = list(fichiers_en_attente(demande, cloture))
    manques = operations.manques_de_la_reouverture(cloture, message=request.POST.get("message", ""), fichiers=fichiers)
    erreurs += [manque.texte for manque in manques if manque.ancre == "id_fichiers"]
    if erreurs or not form.is_valid():
        return _page(request, demande, cloture, form, vu=vu, erreurs=erreurs, status=422)
    operations.rouvrir_demande(demande, vu=vu, message=form.cleaned_data["message"], par=request.user, le=le)
    return _recu(request, demande)


def _joindre(request: HttpRequest, demande: Demande, *, le) -> list[str]:
    """Chaque fichier compte pour lui seul : un refus n'empêche pas les autres."""
    erreurs = []
    for televersement in request.FILES.getlist("fichiers"):
        try:
            operations.joindre_a_la_reouverture(demande, televersement, le=le)
        except (FichierRefuse, PieceRefusee) as refus:
            erreurs.append(str(refus))
    return erreurs


def _form_en_l_etat(request: HttpRequest) -> ReouvertureForm:
    """Ce qui est écrit reste écrit, sans être encore jugé."""
    return ReouvertureForm(initial={"message": request.POST.get("message", "")})


def _recu(request: HttpRequest, demande: Demande) -> HttpResponse:
    messages.success(request, _("Votre demande est rouverte. Un courriel vous le confirme."))
    return redirect("demandes:suivi", demande.numero)


def _changee(request: HttpRequest, demande: Demande, *, vu: int) -> HttpResponse:
    """Rien n'est envoyé : ce qui a changé, et la même page si la demande est toujours close."""
    return _page(
        request, demande, cloture_faite(demande), _form_en_l_etat(request), vu=repere(demande), status=409,
        changements=changements(demande, depuis=vu), changee=True,
    )  # fmt: skip


def _page(
    request: HttpRequest,
    demande: Demande,
    cloture: ClotureFaite | None,
    form: ReouvertureForm,
    *,
    vu: int,
    erreurs: list[str] | None = None,
    status: int = 200,
    **de_plus,
) -> HttpResponse:
    dans_le_delai = cloture is not None and cloture.est_dans_le_delai()
    autre = autre_demande(demande) if dans_le_delai else None
    contexte = {
        "demande": demande,
        "cloture": cloture,
        "lettre": cloture.notification.contexte if cloture and cloture.notification else {},
        "reste": (cloture.dernier_jour - timezone.localdate()).days if cloture else 0,
        "est_tardive": cloture is not None and not dans_le_delai,
        "autre": autre,
        "est_possible": dans_le_delai and autre is None,
        "fichiers": list(fichiers_en_attente(demande, cloture)) if cloture else [],
        "form": form,
        "vu": vu,
        "accept": ACCEPT,
        "erreurs": [{"ancre": "id_fichiers", "texte": erreur} for erreur in erreurs or ()],
    }
    return render(request, "demandes/rouvrir_demande.html", contexte | de_plus, status=status)
