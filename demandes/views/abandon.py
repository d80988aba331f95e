"""Renoncer à un brouillon : une page qui dit ce qui sera perdu, puis le geste."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from demandes import operations
from demandes.parcours import Parcours
from demandes.permissions import demandes_visibles
from demandes.views.acces import vers_la_demande
from usagers.acces import usager_requis


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@usager_requis
def abandonner(request: HttpRequest, pk: int) -> HttpResponse:
    demande = get_object_or_404(demandes_visibles(request.user).select_related("usager__compte"), pk=pk)
    if not demande.est_brouillon:
        return vers_la_demande(demande)
    if request.method != "POST":
        parcours = Parcours(demande, le=timezone.now())
        return render(request, "demandes/abandonner.html", {"demande": demande, "parcours": parcours})
    try:
        operations.retirer(demande, par=request.user, le=timezone.now())
    except operations.DemandeFigee:
        return vers_la_demande(demandes_visibles(request.user).get(pk=pk))
    messages.success(request, _("Votre brouillon est abandonné. Vous pouvez commencer une nouvelle demande."))
    return redirect("demandes:espace")
