"""Le second facteur : l'enregistrer, le donner en entrant, le redonner avant un acte qui engage, le remettre à zéro."""

import time
from base64 import b32encode
from urllib.parse import urlencode

import django_otp
import segno
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp.plugins.otp_static.models import StaticDevice

from instruction.forms_acces import CodeForm, RemiseAZeroForm
from instruction.models import Agent
from instruction.operations import GesteInterdit, second_facteur
from instruction.operations.second_facteur import CodeRefuse
from instruction.permissions import agent_de, peut_changer_les_references
from instruction.views.acces import contexte_d_agent

CLE = "second_facteur_le"
CHAMP = "second_facteur"
# Un acte qui engage demande un second facteur donné depuis moins de cinq minutes.
FRAICHEUR = 5 * 60


def manque(request: HttpRequest) -> bool:
    """L'agent n'a pas encore donné de second facteur dans cette session."""
    return settings.SECOND_FACTEUR and not request.user.is_verified()


def est_frais(request: HttpRequest) -> bool:
    donne_le = request.session.get(CLE, 0)
    return not manque(request) and 0 <= time.time() - donne_le < FRAICHEUR


def exiger_second_facteur(request: HttpRequest) -> HttpResponse | None:
    """Rien si le second facteur vient d'être donné ; sinon la page qui le demande, à rendre à la place de l'acte.

    Rien n'est perdu : ce qui était saisi revient, caché, avec le code. Un fichier choisi ne peut pas revenir : on le
    dit, et rien n'est fait.
    """
    if not settings.SECOND_FACTEUR or est_frais(request):
        return None
    ici = request.get_full_path()
    if request.method != "POST":
        return redirect(f"{reverse('admin:second_facteur')}?{urlencode({'next': ici})}")
    if request.FILES:
        messages.error(
            request,
            _("Rien n'a été fait : votre second facteur date de plus de cinq minutes. Donnez-le, puis recommencez."),
        )
        return redirect(f"{reverse('admin:second_facteur')}?{urlencode({'next': ici})}")
    form = CodeForm({CHAMP: request.POST[CHAMP]} if CHAMP in request.POST else None)
    if _accepter(request, form):
        return None
    garder = [
        (nom, valeur)
        for nom, valeurs in request.POST.lists()
        if nom not in {"csrfmiddlewaretoken", CHAMP}
        for valeur in valeurs
    ]
    return _page(request, form, action=ici, garder=garder)


def _accepter(request: HttpRequest, form: CodeForm) -> bool:
    """Le code est juste : la session le retient, et l'agent lit combien de codes de secours il lui reste."""
    if not form.is_valid():
        return False
    try:
        appareil = second_facteur.verifier(request.user, form.cleaned_data[CHAMP])
    except CodeRefuse as refus:
        form.add_error(CHAMP, phrase_de_refus(refus.attendre))
        return False
    _retenir(request, appareil)
    if isinstance(appareil, StaticDevice):
        restent = second_facteur.codes_restants(request.user)
        phrase = ngettext(
            "Il vous reste %(n)s code de secours.", "Il vous reste %(n)s codes de secours.", restent
        )  # fmt: skip
        messages.warning(request, phrase % {"n": restent})
    return True


def phrase_de_refus(attendre: int) -> str:
    if attendre:
        phrase = ngettext(
            "Trop d'essais. Attendez %(n)s seconde, puis donnez un nouveau code.",
            "Trop d'essais. Attendez %(n)s secondes, puis donnez un nouveau code.",
            attendre,
        )
        return phrase % {"n": attendre}
    return _("Ce code n'est pas le bon, ou il a déjà servi. Attendez le suivant : il change toutes les 30 secondes.")


def _retenir(request: HttpRequest, appareil) -> None:
    django_otp.login(request, appareil)
    request.session[CLE] = time.time()
    request.session.cycle_key()


@sensitive_post_parameters(CHAMP)
@require_http_methods(["GET", "HEAD", "POST"])
def donner(request: HttpRequest) -> HttpResponse:
    """Enregistrer son application la première fois ; ensuite, donner un code."""
    if not settings.SECOND_FACTEUR:
        raise Http404
    if second_facteur.appareil_de(request.user) is None:
        return _enregistrer(request)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and _accepter(request, form):
        return HttpResponseRedirect(_suite(request))
    return _page(request, form, action=request.get_full_path())


def _page(request: HttpRequest, form: CodeForm, *, action: str, garder=()) -> HttpResponse:
    contexte = {
        **contexte_d_agent(agent_de(request.user)),
        "form": form,
        "action": action,
        "garder": garder,
        "deja_donne": request.user.is_verified(),
        "restent": second_facteur.codes_restants(request.user),
    }
    statut = 422 if form.is_bound else 200
    return render(request, "instruction/second_facteur.html", contexte, status=statut)


def _enregistrer(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST if request.method == "POST" else None)
    form.fields[CHAMP].help_text = _("Celui que votre application montre une fois l'image photographiée.")
    appareil = second_facteur.preparer(request.user)
    if form.is_valid():
        attendre = second_facteur.attente(appareil)
        try:
            appareil, codes = second_facteur.confirmer(request.user, form.cleaned_data[CHAMP].replace(" ", ""))
        except GesteInterdit:  # deux pages ouvertes : l'autre l'a déjà enregistrée
            return redirect(request.get_full_path())
        if codes:
            _retenir(request, appareil)
            return _page_des_codes(request, codes)
        form.add_error(CHAMP, phrase_de_refus(attendre))
    contexte = {
        **contexte_d_agent(agent_de(request.user)),
        "form": form,
        "qr": segno.make(appareil.config_url, error="m").svg_data_uri(scale=5, border=4, light="#fff"),
        "cle": _par_quatre(b32encode(appareil.bin_key).decode()),
    }
    statut = 422 if form.is_bound else 200
    return render(request, "instruction/second_facteur_enregistrer.html", contexte, status=statut)


def _par_quatre(cle: str) -> str:
    return " ".join(cle[rang : rang + 4] for rang in range(0, len(cle), 4))


def _page_des_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    contexte = {**contexte_d_agent(agent_de(request.user)), "codes": codes, "suite": _suite(request)}
    return render(request, "instruction/second_facteur_codes.html", contexte)


@require_POST
def codes(request: HttpRequest) -> HttpResponse:
    """De nouveaux codes de secours ; les précédents ne servent plus."""
    if not settings.SECOND_FACTEUR:
        raise Http404
    if page := exiger_second_facteur(request):
        return page
    return _page_des_codes(request, second_facteur.refaire_les_codes(request.user))


def _suite(request: HttpRequest) -> str:
    suite = request.GET.get("next", "")
    permis = url_has_allowed_host_and_scheme(suite, {request.get_host()}, require_https=request.is_secure())
    return suite if permis else reverse("admin:index")


@require_http_methods(["GET", "HEAD", "POST"])
def reinitialiser(request: HttpRequest, cle: int) -> HttpResponse:
    """Appareil perdu : l'administrateur fonctionnel remet à zéro le second facteur d'un autre agent."""
    par = agent_de(request.user)
    if not settings.SECOND_FACTEUR or not peut_changer_les_references(par):
        raise Http404
    agent = get_object_or_404(Agent.objects.select_related("compte", "site").exclude(pk=par.pk), pk=cle)
    if page := exiger_second_facteur(request):
        return page
    form = RemiseAZeroForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        fait = second_facteur.reinitialiser(agent, par=par, motif=form.cleaned_data["motif"])
        phrase = (
            _("Le second facteur de %(nom)s est remis à zéro : il ou elle en enregistre un autre en se connectant.")
            if fait
            else _("%(nom)s n'a pas de second facteur : rien n'était à remettre à zéro.")
        )
        messages.success(request, phrase % {"nom": agent.nom})
        return redirect("admin:instruction_agent_change", agent.pk)
    contexte = {**contexte_d_agent(par), "form": form, "vise": agent}
    statut = 422 if form.is_bound else 200
    return render(request, "instruction/second_facteur_reinitialiser.html", contexte, status=statut)
