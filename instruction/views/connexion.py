"""La porte des agents : entrer, sortir, changer de mot de passe."""

from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from instruction.forms import ConnexionAgentForm
from instruction.permissions import agent_de
from instruction.views import reprise
from instruction.views.acces import contexte_d_agent
from usagers import freins
from usagers.forms import ChangementMotDePasseForm
from usagers.freins import TropDEssais
from usagers.operations import LienUtilise, changer_mot_de_passe
from usagers.views.connexion import ConnexionView
from usagers.views.refus import trop_d_essais

# Devant chaque champ que `static/js/saisie.js` joint à la déconnexion.
SAISIE = "saisie-"


class ConnexionAgentView(ConnexionView):
    """Les mêmes freins que la connexion des usagers ; un agent déjà connecté va à sa file."""

    form_class = ConnexionAgentForm
    template_name = "instruction/connexion.html"
    redirect_authenticated_user = False

    def dispatch(self, request, *args, **kwargs):
        if request.method == "GET" and agent_de(request.user):
            # Pas `redirect` : il prendrait une suite étrange pour le nom d'une vue.
            return HttpResponseRedirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_default_redirect_url(self):
        return reverse("admin:index")

    def get_initial(self):
        return {}

    def post(self, request, *args, **kwargs):
        try:
            freins.verifier(*self._vises(), le=timezone.now())
            return LoginView.post(self, request, *args, **kwargs)
        except TropDEssais as refus:
            return trop_d_essais(request, refus.jusqu_a, geste="agent")


def acte_sans_session(request: HttpRequest) -> HttpResponse:
    """L'envoi d'une page dont la session est finie : rien n'est fait, et la connexion ramène à cette page, remplie."""
    page, acte = reprise.page_d_origine(request) or reverse("admin:index"), reprise.acte_de(request.path)
    if not request.user.is_authenticated:
        messages.warning(
            request,
            _("Votre session est finie : rien de ce que vous venez d'envoyer n'a été fait. Reconnectez-vous d'abord."),
        )
        compte = reprise.compte_de_la_session(request)
        reprise.retenir_le_compte(request, compte)
        if acte and reprise.garder(request, request.POST.lists(), acte=acte, compte=compte):
            page = acte.page
    return redirect_to_login(page, reverse("admin:login"))


@require_POST
def deconnexion(request: HttpRequest) -> HttpResponse:
    """Ferme la session. Envoyé par la page à l'expiration, ramène à la connexion, puis à cette page, remplie."""
    if "expiration" in request.POST:
        return _fin_de_session(request, page=reprise.adresse_d_ici(request, request.POST.get("next", "")))
    logout(request)
    messages.success(request, _("Vous êtes déconnecté(e)."))
    return redirect("admin:login")


def _fin_de_session(request: HttpRequest, *, page: str) -> HttpResponse:
    """Un autre onglet a pu finir le premier : ce qu'il a laissé, et le compte qui l'écrivait, ne s'effacent pas."""
    compte = reprise.compte_de_la_session(request)
    if request.user.is_authenticated:
        logout(request)
    reprise.retenir_le_compte(request, compte)
    if page and (acte := reprise.acte_de(urlsplit(page).path)):
        joints = [(nom.removeprefix(SAISIE), textes) for nom, textes in request.POST.lists() if nom.startswith(SAISIE)]
        if reprise.garder(request, joints, acte=acte, compte=compte):
            page = acte.page
    return redirect(f"{reverse('admin:login')}?{urlencode({'expire': 1, 'next': page})}")


@sensitive_post_parameters()
def mot_de_passe(request: HttpRequest) -> HttpResponse:
    form = ChangementMotDePasseForm(request.POST if request.method == "POST" else None, compte=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            compte = changer_mot_de_passe(request.user, mot_de_passe=form.cleaned_data["mot_de_passe"])
        except LienUtilise:
            form.add_error(None, _("Le mot de passe vient d'être changé ailleurs : recommencez avec le nouveau."))
        else:
            update_session_auth_hash(request, compte)
            messages.success(request, _("Votre mot de passe est changé. Vos autres sessions sont fermées."))
            return redirect("admin:index")
    return render(request, "instruction/mot_de_passe.html", {"form": form, **contexte_d_agent(agent_de(request.user))})
