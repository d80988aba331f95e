"""Entrer, sortir, rester connecté, changer de langue."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.http import HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import check_for_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from usagers import freins
from usagers.backends import cle_du_compte
from usagers.forms import ConnexionForm, CreationForm
from usagers.freins import TropDEssais
from usagers.operations import retenir_langue
from usagers.views.refus import trop_d_essais

# La langue choisie dans cette session, avant de se connecter : elle l'emporte sur celle du compte.
LANGUE_CHOISIE = "langue_choisie"


class ConnexionView(LoginView):
    """Les deux côtés du guide : « Vous avez déjà un compte » ou « Créez votre compte »."""

    form_class = ConnexionForm
    template_name = "usagers/connexion.html"
    redirect_authenticated_user = True

    def get_default_redirect_url(self):
        if self.request.user.is_authenticated and self.request.user.est_agent:
            return reverse("admin:index")
        return super().get_default_redirect_url()

    def get_initial(self):
        return {"username": self.request.session.get("identifiant_cree", "")}

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        context["creation"] = CreationForm()
        context["minutes_session"] = settings.SESSION_COOKIE_AGE // 60
        context["deconnecte"] = "expire" in self.request.GET
        return context

    def post(self, request, *args, **kwargs):
        try:
            freins.verifier(*self._vises(), le=timezone.now())
            return super().post(request, *args, **kwargs)
        except TropDEssais as refus:
            return trop_d_essais(request, refus.jusqu_a, geste="connexion")

    def form_invalid(self, form):
        if form.has_error("__all__", "invalid_login"):
            freins.compter(*self._vises(), le=timezone.now())
        return super().form_invalid(form)

    def form_valid(self, form):
        choisie = self.request.session.pop(LANGUE_CHOISIE, None)
        self.request.session.pop("identifiant_cree", None)
        response = super().form_valid(form)
        compte = form.get_user()
        if compte.est_agent:
            # Le serveur compte la même durée ; le navigateur garde la clé d'une session finie, qui dit à qui rendre
            # ce qui s'y écrivait.
            self.request.session.set_expiry(0)
        if choisie:
            retenir_langue(compte, choisie)
        poser_langue(response, compte.langue)
        return response

    def _vises(self):
        compte = cle_du_compte(self.request, None)
        return (
            (freins.CONNEXION_ADRESSE, freins.adresse_du_client(self.request)),
            (freins.CONNEXION_COMPTE, compte),
        )


@never_cache
@require_POST
def deconnexion(request):
    """Ferme la session. Envoyé par la page à l'expiration, ramène à la connexion, puis au même endroit."""
    logout(request)
    if "expiration" not in request.POST:
        messages.success(request, _("Vous êtes déconnecté(e)."))
        return redirect("demandes:accueil")
    suite = request.POST.get("next", "")
    parametres = {"expire": "1"}
    if url_has_allowed_host_and_scheme(suite, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        parametres["next"] = suite
    return HttpResponseRedirect(f"{reverse('usagers:connexion')}?{urlencode(parametres)}")


@never_cache
@require_POST
def session_prolonger(request):
    """« Rester connecté » : toute requête prolonge la session ; celle-ci dit pour combien de secondes."""
    if not request.user.is_authenticated:
        return JsonResponse({"duree": 0}, status=401)
    return JsonResponse({"duree": request.session.get_expiry_age()})


@require_POST
def langue(request):
    """Change la langue de la page, et celle des courriels si la personne est connectée."""
    response = set_language(request)
    choisie = request.POST.get("language", "")
    if check_for_language(choisie):
        if request.user.is_authenticated:
            retenir_langue(request.user, choisie)
        else:
            request.session[LANGUE_CHOISIE] = choisie
    return response


def poser_langue(response, choisie: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        choisie,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
    )
