"""Retirer une demande déposée : une page qui dit ce que cela change, une case, puis le geste."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from demandes import operations
from demandes.etats import ETATS_A_INSTRUIRE, Etat
from demandes.forms import RetraitForm
from demandes.models import Demande
from demandes.reperes import DemandeChangee, changements, repere
from demandes.suivi import Suivi
from demandes.views.acces import nombre_lu
from demandes.views.espace import demandes_suivies
from usagers.acces import usager_requis


@require_http_methods(["GET", "HEAD", "POST"])
@usager_requis
@never_cache
def retirer(request: HttpRequest, numero: str) -> HttpResponse:
    demandes = demandes_suivies(request).select_related("usager__compte", "titre_de_depart", "site")
    demande = get_object_or_404(demandes, numero=numero)
    if request.method == "POST" and demande.etat in {*ETATS_A_INSTRUIRE, Etat.RETIREE}:
        return _retirer(request, demande)
    if demande.etat not in ETATS_A_INSTRUIRE:
        if request.method == "POST":
            return _changee(request, demande)
        if demande.etat != Etat.RETIREE:
            messages.info(request, _("Cette demande ne peut plus être retirée : son examen est terminé."))
        return redirect("demandes:suivi", numero)
    return _page(request, demande, RetraitForm(), vu=repere(demande))


def _retirer(request: HttpRequest, demande: Demande) -> HttpResponse:
    form, vu = RetraitForm(request.POST), _vu(request)
    if not form.is_valid() and demande.etat != Etat.RETIREE:
        return _page(request, demande, form, vu=vu, status=422)
    try:
        operations.retirer_demande(
            demande, vu=vu, raison=form.cleaned_data.get("raison", ""), par=request.user, le=timezone.now()
        )
    except DemandeChangee:
        return _changee(request, demandes_suivies(request).select_related("usager__compte", "site").get(pk=demande.pk))
    messages.success(request, _("Votre demande a été retirée à votre demande. Un courriel vous le confirme."))
    return redirect("demandes:suivi", demande.numero)


def _vu(request: HttpRequest) -> int:
    return nombre_lu(request.POST.get("vu", "")) or 0


def _changee(request: HttpRequest, demande: Demande) -> HttpResponse:
    """Rien n'est fait : ce qui a changé, et la même page si le retrait reste possible. La case est à recocher."""
    donnees = {"raison": request.POST.get("raison", "")}
    return _page(
        request, demande, RetraitForm(initial=donnees), vu=repere(demande), status=409,
        changements=changements(demande, depuis=_vu(request)), changee=True,
    )  # fmt: skip


def _page(
    request: HttpRequest, demande: Demande, form: RetraitForm, *, vu: int, status: int = 200, **de_plus
) -> HttpResponse:
    contexte = {
        "demande": demande,
        "suivi": Suivi(demande),
        "form": form,
        "vu": vu,
        "est_retirable": demande.etat in ETATS_A_INSTRUIRE,
        "titre": demande.titre_de_depart,
        "jour": timezone.localdate(),
        "a_un_ephoto": demande.numeros.exists(),
    }
    return render(request, "demandes/retirer_demande.html", contexte | de_plus, status=status)
