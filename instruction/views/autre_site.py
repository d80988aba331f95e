"""Ouvrir, par écrit et pour un temps borné, un dossier d'un autre site."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from demandes.models import Demande
from instruction import operations
from instruction.forms_acces import AutreSiteForm
from instruction.permissions import acces_ouverts, agent_de, voit
from instruction.presentation import a_l_heure
from instruction.views.acces import contexte_d_agent


@require_http_methods(["GET", "HEAD", "POST"])
def autre_site(request: HttpRequest) -> HttpResponse:
    agent, le = agent_de(request.user), timezone.now()
    if not voit(agent, "autre_site"):
        raise Http404
    if request.method == "POST":
        form = AutreSiteForm(request.POST)
        if form.is_valid() and (demande := _demande(form)):
            if demande.site_id != agent.site_id:
                acces = operations.ouvrir_acces(demande, agent=agent, motif=form.cleaned_data["motif"], le=le)
                messages.success(
                    request,
                    _("Vous pouvez lire ce dossier jusqu'à la fin de l'accès, %(quand)s. Votre motif est au journal.")
                    % {"quand": a_l_heure(acces.expire_le)},
                )
            return redirect("admin:dossier", demande.numero)
    else:
        form = AutreSiteForm(initial={"numero": request.GET.get("numero", "")[:19]})
    ouverts = acces_ouverts(agent, le=le).select_related("demande__site", "demande__usager").order_by("expire_le")
    return render(
        request,
        "instruction/autre_site.html",
        {**contexte_d_agent(agent), "form": form, "ouverts": ouverts},
        status=422 if form.is_bound else 200,
    )


def _demande(form: AutreSiteForm) -> Demande | None:
    demande = Demande.objects.filter(numero=form.cleaned_data["numero"]).first()
    if demande is None:
        form.add_error("numero", _("Aucune demande déposée ne porte ce numéro. Vérifiez ses 19 chiffres."))
    return demande
