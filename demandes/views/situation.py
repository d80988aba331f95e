"""Avant le parcours : la situation, la présentation de la démarche, la liste des pièces, l'ouverture du brouillon."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from demandes import operations
from demandes.demarches import DEMARCHES, demarches_ouvertes, situations
from demandes.demarches.base import Demarche, Fermee
from demandes.etats import ETATS_ACTIFS
from demandes.liste_pieces import liste_des_pieces
from demandes.models import Demande
from demandes.parcours import Parcours, fenetre_de
from demandes.permissions import demandes_visibles
from demandes.views.acces import adresse_de, parcours_de, vers_la_demande
from usagers.acces import usager_requis
from usagers.models import Usager


class SituationForm(forms.Form):
    """Ce que la personne souhaite faire, parmi les démarches qui lui sont ouvertes ; une seule est cochée d'avance."""

    demarche = forms.ChoiceField(
        label="",
        widget=forms.RadioSelect,
        error_messages={"required": "", "invalid_choice": ""},
    )

    def __init__(self, *args, choix, **options):
        super().__init__(*args, **options)
        champ = self.fields["demarche"]
        champ.choices, champ.label = choix, _("Que souhaitez-vous faire ?")
        champ.error_messages = dict.fromkeys(champ.error_messages, _("Choisissez ce que vous souhaitez faire."))
        if len(choix) == 1:
            self.initial.setdefault("demarche", choix[0][0])


def demarche_de(code: str) -> Demarche:
    if code not in DEMARCHES:
        raise Http404
    return DEMARCHES[code]


def usager_de(request: HttpRequest) -> Usager:
    return (
        Usager.objects.select_related("compte", "nationalite", "pays_naissance")
        .prefetch_related("titres")
        .get(compte=request.user)
    )


def demandes_actives(request: HttpRequest) -> dict[str, Demande]:
    """Par objet : la demande en cours, brouillon compris."""
    demandes = demandes_visibles(request.user).filter(etat__in=ETATS_ACTIFS)
    return {demande.objet: demande for demande in demandes.select_related("usager__compte", "titre_de_depart")}


def perimetre() -> str:
    """« obtenir un titre de séjour en tant qu'étudiant » : ce que le portail sait faire aujourd'hui."""
    return get_text_list([str(demarche.public) for demarche in demarches_ouvertes()], _("ou"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@usager_requis
def situation(request: HttpRequest) -> HttpResponse:
    """« Votre situation actuelle » : le titre connu, un choix par démarche ouverte, la raison de chaque fermeture."""
    le = timezone.now()
    usager, actives = usager_de(request), demandes_actives(request)
    contexte = operations.contexte_de(usager, le=le, langue=get_language())
    ouvertes, fermees, en_cours = [], [], []
    for demarche, cas in situations(contexte):
        active = actives.get(demarche.objet)
        accordee = None if active else operations.titre_a_remettre(usager, demarche.objet, contexte.titre)
        if active and active.demarche == demarche.code:
            en_cours.append(Parcours(active, le=le))
        elif active:
            fermees.append((demarche, _("Une autre demande de titre de séjour est déjà en cours.")))
        elif accordee:
            fermees.append((demarche, operations.motif_titre_a_remettre(accordee)))
        elif isinstance(cas, Fermee):
            fermees.append((demarche, cas.motif))
        else:
            ouvertes.append((demarche, cas))
    fenetres = (fenetre_a_dire(fenetre_de(cas, contexte), contexte) for _demarche, cas in ouvertes)
    donnees = request.POST if request.method == "POST" else None
    form = SituationForm(donnees, choix=[(d.code, d.choix(cas.code)) for d, cas in ouvertes])
    if request.method == "POST" and form.is_valid():
        return redirect("demandes:preambule", form.cleaned_data["demarche"])
    return render(
        request,
        "demandes/situation.html",
        {
            "titre": contexte.titre,
            "perimetre": perimetre(),
            "form": form,
            "ouvertes": ouvertes,
            "fermees": fermees,
            "en_cours": en_cours,
            "bouton": ouvertes[0][0].bouton_choix if ouvertes else "",
            "fenetre": next((fenetre for fenetre in fenetres if fenetre), None),
        },
        status=422 if form.is_bound else 200,
    )


def fenetre_a_dire(fenetre, contexte) -> dict | None:
    """La fenêtre de dépôt en mots : quand envoyer, et ce qu'un retard entraîne."""
    if fenetre is None:
        return None
    return {
        "ouverture": fenetre.ouverture,
        "fermeture": fenetre.fermeture,
        "fin": contexte.titre.fin,
        "trop_tot": fenetre.est_avant(contexte.jour),
        "hors_delai": fenetre.est_apres(contexte.jour),
        "expire": contexte.titre.fin < contexte.jour,
        "jours": contexte.valeur("sejour.fenetre_depot", "ouverture"),
        "jours_fermeture": contexte.valeur("sejour.fenetre_depot", "fermeture"),
        "majoration": contexte.montant("sejour.majoration_hors_delai"),
    }


@never_cache
@require_GET
@usager_requis
def preambule(request: HttpRequest, code: str) -> HttpResponse:
    """« Votre démarche en ligne » : pour qui, les étapes, ce qu'il faut réunir, ce qui est enregistré."""
    le, demarche = timezone.now(), demarche_de(code)
    contexte = operations.contexte_de(usager_de(request), le=le, langue=get_language())
    active = demandes_actives(request).get(demarche.objet)
    cas = demarche.cas(contexte)
    if active and not (active.est_brouillon and active.demarche == demarche.code):
        messages.info(request, _("Vous avez déjà une demande de titre de séjour en cours."))
        return vers_la_demande(active) if not active.est_brouillon else redirect("demandes:situation")
    if active is None and isinstance(cas, Fermee):
        messages.warning(request, cas.motif)
        return redirect("demandes:situation")
    if active is None and (accordee := operations.titre_a_remettre(contexte.usager, demarche.objet, contexte.titre)):
        messages.info(request, operations.motif_titre_a_remettre(accordee))
        return redirect("demandes:suivi", accordee.numero)
    fenetre = Parcours(active, le=le).fenetre if active else fenetre_de(cas, contexte)
    return render(
        request,
        "demandes/preambule.html",
        {
            "demarche": demarche,
            "parcours": Parcours(active, le=le) if active else None,
            "mois_validation": contexte.valeur("vlsts.validation", "mois"),
            "poids": len(liste_des_pieces(demarche, contexte.jour, get_language())) // 1000 + 1,
            "fenetre": fenetre_a_dire(fenetre, contexte),
        },
    )


@require_GET
def pieces_liste(request: HttpRequest, code: str) -> HttpResponse:
    """La liste des pièces en PDF, pour tout le monde : elle ne dit rien de personne."""
    demarche = demarche_de(code)
    contenu = liste_des_pieces(demarche, timezone.localdate(), get_language())
    reponse = HttpResponse(contenu, content_type="application/pdf")
    reponse["Content-Disposition"] = f'inline; filename="liste-des-pieces-{demarche.code}.pdf"'
    reponse["X-Content-Type-Options"] = "nosniff"
    return reponse


@require_POST
@usager_requis
def commencer(request: HttpRequest, code: str) -> HttpResponse:
    """« Je commence » : ouvre le brouillon, ou reprend celui qui existe."""
    le, demarche = timezone.now(), demarche_de(code)
    try:
        demande = operations.commencer(demarche, request.user.usager, par=request.user, le=le)
    except operations.DemarcheFermee as refus:
        messages.warning(request, str(refus))
        return redirect("demandes:situation")
    if not demande.est_brouillon:
        messages.info(request, _("Vous avez déjà une demande de titre de séjour en cours."))
        return vers_la_demande(demande)
    if "rappel" in request.POST and operations.demander_rappel(demande, le=le):
        messages.success(request, _("Nous vous écrirons le jour où vous pourrez envoyer votre demande."))
    return redirect(adresse_de(demande, Parcours(demande, le=le).courante))


@require_GET
@usager_requis
def reprendre(request: HttpRequest, pk: int) -> HttpResponse:
    """L'adresse d'une demande mène à son étape en cours."""
    parcours = parcours_de(request, pk, le=timezone.now())
    if not parcours.demande.est_brouillon:
        return vers_la_demande(parcours.demande)
    return redirect(adresse_de(parcours.demande, parcours.courante))


@require_POST
@usager_requis
def rappel(request: HttpRequest, pk: int) -> HttpResponse:
    """« Me prévenir » : un courriel le jour où le dépôt s'ouvre."""
    parcours = parcours_de(request, pk, le=timezone.now())
    try:
        nouveau = operations.demander_rappel(parcours.demande, le=parcours.le)
    except operations.DemandeFigee:
        return vers_la_demande(parcours.demande)
    if nouveau or parcours.demande.rappel_demande_le:
        messages.success(request, _("Nous vous écrirons le jour où vous pourrez envoyer votre demande."))
    return redirect(adresse_de(parcours.demande, parcours.courante))
