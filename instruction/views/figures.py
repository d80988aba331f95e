"""Les chiffres du service : les lire, les emporter en CSV."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from demandes.demarches import DEMARCHES
from demandes.models import Site
from instruction import figures as calculs
from instruction import operations
from instruction.chiffres import chiffres, nom_de_periode
from instruction.figures import Portee
from instruction.forms_figures import PERIODES, FiguresForm
from instruction.models import Agent, Consultation
from instruction.permissions import agent_de, voit
from instruction.presentation import a_l_heure
from instruction.tableaux import en_csv
from instruction.views.acces import contexte_d_agent
from instruction.views.second_facteur import exiger_second_facteur


def _chef(request: HttpRequest) -> Agent:
    agent = agent_de(request.user)
    if not voit(agent, "figures"):
        raise Http404
    return agent


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    agent = _chef(request)
    form = FiguresForm(request.GET, agent=agent)
    contexte = {**contexte_d_agent(agent), "form": form, "periodes": _periodes(form)}
    if not form.is_valid():
        return render(request, "instruction/figures.html", contexte, status=422)
    portee, releve_le = form.portee, calculs.releve_le()
    contexte |= {
        "portee": en_mots(portee),
        "releve_le": releve_le,
        "chiffres": chiffres(portee, _adresses(form), jour=form.jour, releve_le=releve_le),
        "garder": form.adresse.items(),
    }
    return render(request, "instruction/figures.html", contexte)


@require_POST
def exporter(request: HttpRequest) -> HttpResponse:
    """Les tableaux de la page ; l'export est au journal."""
    agent = _chef(request)
    if page := exiger_second_facteur(request):
        return page
    form = FiguresForm(request.POST, agent=agent)
    if not form.is_valid():
        return redirect(_url(form))
    portee, releve_le, le = form.portee, calculs.releve_le(), timezone.now()
    tous = chiffres(portee, _adresses(form), jour=form.jour, releve_le=releve_le)
    entete = [[_("Chiffres du service")], [en_mots(portee)], [_("Fait %(heure)s") % {"heure": a_l_heure(le)}]]
    if releve_le:
        entete.append([_("Relevé du journal %(heure)s") % {"heure": a_l_heure(releve_le)}])
    contenu = en_csv(entete, [chiffre.tableau for chiffre in tous])
    objet = " ".join(["figures", *(f"{nom}={valeur}" for nom, valeur in _codes(portee).items() if valeur)])
    operations.noter_lecture(agent, None, Consultation.Nature.EXPORT, objet=objet, le=le)
    nom = f"chiffres-{portee.code_du_site or 'tous'}-{portee.periode.du:%Y%m%d}-{portee.periode.au:%Y%m%d}.csv"
    entetes = {"Content-Disposition": f'attachment; filename="{nom}"'}
    return HttpResponse(contenu, content_type="text/csv; charset=utf-8", headers=entetes)


def _codes(portee: Portee) -> dict[str, str]:
    periode = portee.periode
    return {"site": portee.code_du_site, "demarche": portee.demarche, "du": str(periode.du), "au": str(periode.au)}


def en_mots(portee: Portee) -> str:
    """« Préfecture de police de Paris, toutes les démarches, du 24 octobre 2026 au 22 novembre 2026 »."""
    demarche = DEMARCHES[portee.demarche].intitule if portee.demarche else _("toutes les démarches")
    return ", ".join([str(portee.site or _("Tous les sites")), str(demarche), nom_de_periode(portee.periode)])


def _periodes(form: FiguresForm) -> list[dict]:
    """Les onglets : le reste du filtre est gardé."""
    return [
        {"libelle": libelle, "url": _url(form, periode=code), "courante": form.data["periode"] == code}
        for code, libelle in PERIODES.items()
    ]


def _adresses(form: FiguresForm) -> dict[Site, str]:
    """Les sites à comparer, et la page des chiffres de chacun."""
    return {site: _url(form, site=site.pk) for site in form.sites.values()}


def _url(form: FiguresForm, **changements) -> str:
    return f"{reverse('admin:figures')}?{urlencode(form.adresse | changements)}"
