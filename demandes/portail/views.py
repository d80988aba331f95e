"""Les pages publiques du portail : elles n'écrivent rien."""

from django import forms
from django.conf import settings
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from demandes.demarches import demarches_ouvertes
from demandes.etats import Etat
from demandes.models import Site
from demandes.parcours import Parcours
from demandes.permissions import demandes_visibles
from demandes.portail import aide as questions
from demandes.portail.entrees import ENTREES
from demandes.portail.liens import LIENS
from demandes.portail.orientation import QUESTIONS, orienter
from demandes.sites import departement_du_code_postal
from usagers.models import Usager


@require_safe
def accueil(request: HttpRequest) -> HttpResponse:
    return render(
        request, "portail/accueil.html", {"demarches": demarches_ouvertes(), "brouillons": brouillons(request)}
    )


def brouillons(request: HttpRequest) -> list[Parcours]:
    """Ce que la personne connectée peut reprendre, le plus récent d'abord ; deux onglets, un seul brouillon."""
    if not request.user.is_authenticated or request.user.est_agent:
        return []
    demandes = (
        demandes_visibles(request.user)
        .filter(etat=Etat.BROUILLON)
        .select_related("usager__compte", "titre_de_depart")
        .order_by("-modifiee_le")
    )
    le = timezone.now()
    return [Parcours(demande, le=le) for demande in demandes]


@require_safe
def orientation(request: HttpRequest) -> HttpResponse:
    chemin = orienter(request.GET)
    contexte = {"orientation": chemin, "demarches": demarches_ouvertes()}
    if chemin.question is not None:
        nom = next(iter(QUESTIONS[chemin.numero - 1].base_fields))
        return render(request, "portail/orientation.html", {**contexte, "form": chemin.question, "etape": nom})
    if chemin.suite == "prefecture":
        contexte |= recherche_de_service(request)
    return render(request, f"portail/orientation_{chemin.suite}.html", contexte)


class DepartementForm(forms.Form):
    departement = forms.ChoiceField(
        label=_("Votre département"),
        error_messages={
            "required": _("Choisissez votre département."),
            "invalid_choice": _("Choisissez votre département dans la liste."),
        },
    )

    def __init__(self, *args, sites: list[Site], **options):
        super().__init__(*args, **options)
        libelles = {site.departement: site.libelle for site in reversed(sites)}
        self.fields["departement"].choices = [
            ("", _("Choisissez dans la liste")),
            *((code, f"{code} – {libelles[code]}") for code in sorted(libelles)),
        ]


def recherche_de_service(request: HttpRequest) -> dict:
    """Le choix d'un département et les services trouvés ; celui du domicile d'abord pour une personne connectée."""
    sites = list(Site.objects.ouverts(timezone.localdate()))
    donnees = request.GET if "departement" in request.GET else None
    form = DepartementForm(donnees, sites=sites)
    choisi = form.cleaned_data["departement"] if form.is_bound and form.is_valid() else ""
    if not form.is_bound and request.user.is_authenticated:
        domicile = Usager.objects.filter(compte=request.user).values_list("adresse_code_postal", flat=True).first()
        choisi = departement_du_code_postal(domicile) if domicile else ""
        form.initial["departement"] = choisi
    trouves = [site for site in sites if site.departement == choisi]
    prefetch_related_objects(trouves, "coordonnees")
    return {"form": form, "sites": trouves, "aucun_site": not sites}


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    contexte = {**recherche_de_service(request), "ASSISTANCE_COURRIEL": settings.ASSISTANCE_COURRIEL}
    return render(request, "portail/contact.html", contexte)


@require_safe
def a_venir(request: HttpRequest, code: str) -> HttpResponse:
    if code not in ENTREES:
        raise Http404
    contexte = {
        "entree": ENTREES[code],
        "gabarit": f"portail/a_venir/{code}.html",
        "chiffres": questions.chiffres(timezone.localdate()),
    }
    return render(request, "portail/a_venir.html", contexte)


@require_safe
def aide(request: HttpRequest) -> HttpResponse:
    du_jour = questions.chiffres(timezone.localdate())
    rubriques = [
        (titre, [(question, questions.reponse(question, du_jour, LIENS)) for question in liste])
        for titre, liste in questions.RUBRIQUES
    ]
    return render(request, "portail/aide.html", {"rubriques": rubriques})


@require_safe
def rechercher(request: HttpRequest) -> HttpResponse:
    texte = request.GET.get("q", "").strip()[:100]
    resultats = questions.rechercher(texte, jour=timezone.localdate(), liens=LIENS, entrees=ENTREES)
    return render(request, "portail/recherche.html", {"recherche": texte, "resultats": resultats})


@require_safe
def plan(request: HttpRequest) -> HttpResponse:
    return render(request, "portail/plan.html", {"entrees": ENTREES})


@require_safe
def mentions(request: HttpRequest) -> HttpResponse:
    return render(request, "portail/mentions.html", {"mentions": settings.MENTIONS_LEGALES})


@require_safe
def accessibilite(request: HttpRequest) -> HttpResponse:
    return render(request, "portail/accessibilite.html", {"ASSISTANCE_COURRIEL": settings.ASSISTANCE_COURRIEL})


@require_safe
def donnees(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "portail/donnees.html",
        {
            "ASSISTANCE_COURRIEL": settings.ASSISTANCE_COURRIEL,
            "duree_session": settings.SESSION_COOKIE_AGE // 60,
            "mentions": settings.MENTIONS_LEGALES,
        },
    )
