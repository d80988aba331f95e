"""Les étapes à remplir : montrer, garder, valider ; le serveur fait tout, JavaScript ne fait qu'éviter d'attendre."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from demandes import operations
from demandes.demarches.base import Etape
from demandes.demarches.etapes import lignes_etat_civil
from demandes.demarches.formulaires import EtapeForm, est_un_rang
from demandes.models import Saisie
from demandes.parcours import Parcours, form_de_saisie
from demandes.views import adresses, attente, pieces, recapitulatif
from demandes.views.acces import (
    adresse_de,
    adresse_de_la_suite,
    adresse_precedente,
    barrer,
    contexte_d_etape,
    etape_demandee,
    heure_lisible,
    parcours_de,
    retour,
    vers_la_demande,
    vers_sa_propre_etape,
    version_lue,
)
from demandes.views.situation import fenetre_a_dire
from usagers.acces import usager_requis


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def etape(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """Une étape du parcours ; son genre choisit la vue."""
    if request.method == "POST" and not request.user.is_authenticated:
        attente.mettre_de_cote(request)
    return _etape(request, pk, code)


@usager_requis
def _etape(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    parcours = parcours_de(request, pk, le=timezone.now())
    demandee = etape_demandee(parcours, code)
    if demandee is None:
        return vers_sa_propre_etape(request, parcours)
    # Un envoi du récapitulatif n'est pas jugé deux fois : son opération dit tout ce qui manque.
    se_juge_seul = request.method == "POST" and demandee.genre == "recapitulatif"
    if not se_juge_seul and (ailleurs := barrer(request, parcours, demandee)):
        return ailleurs
    return VUES[demandee.genre](request, parcours, demandee)


def formulaire(request: HttpRequest, parcours: Parcours, etape: Etape) -> HttpResponse:
    """Une étape à champs. Un envoi nomme son geste ; chacun garde d'abord ce qui est tapé."""
    en_attente = None
    if request.method != "POST":
        en_attente = attente.reprendre(request, parcours, etape)
        if en_attente is None:
            saisie = parcours.saisie(etape)
            return page(request, parcours, etape, form_de_saisie(parcours, etape), version=saisie.version)
    geste, _deux_points, precision = request.POST.get("action", "poursuivre").partition(":")
    try:
        if en_attente is not None:
            return reprendre(request, parcours, etape, en_attente)
        return GESTES.get(geste, rester)(request, parcours, etape, precision)
    except operations.SaisiePerimee as conflit:
        return comparer(request, parcours, etape, conflit.saisie, en_attente or request.POST)
    except operations.DemandeFigee:
        return vers_la_demande(parcours_de(request, parcours.demande.pk, le=parcours.le).demande)
    except operations.SaisieTropLongue:
        messages.error(request, _("Ce que vous avez saisi est trop long pour être gardé : raccourcissez vos réponses."))
        form = form_de_saisie(parcours, etape, request.POST)
        return page(request, parcours, etape, form, version=version_lue(request.POST), status=422)


def garder(
    request: HttpRequest, parcours: Parcours, etape: Etape, donnees: MultiValueDict | None = None
) -> tuple[EtapeForm, Saisie]:
    """Garde l'envoi, ou ces données que le geste a changées."""
    lues = request.POST
    donnees = lues if donnees is None else donnees
    form = form_de_saisie(parcours, etape, donnees)
    saisie = operations.garder_brouillon(
        parcours.demande, etape, donnees, version=version_lue(lues), le=parcours.le, form=form
    )
    return form, saisie


def reprendre(request: HttpRequest, parcours: Parcours, etape: Etape, donnees: MultiValueDict) -> HttpResponse:
    """Range dans le brouillon un envoi fait après la fermeture de la session."""
    operations.garder_brouillon(
        parcours.demande, etape, donnees, version=version_lue(donnees), le=parcours.le,
        form=form_de_saisie(parcours, etape, donnees),
    )  # fmt: skip
    messages.success(request, _("Votre session s'était fermée : ce que vous veniez de saisir a été gardé."))
    return redirect(request.get_full_path())


def page(
    request: HttpRequest,
    parcours: Parcours,
    etape: Etape,
    form: EtapeForm,
    *,
    version: int,
    status: int = 200,
) -> HttpResponse:
    contexte = contexte_d_etape(parcours, etape) | {
        "form": form,
        "version": version,
        "sections": [(groupe, form.elements(groupe)) for groupe in form.groupes],
        "erreurs": form.fautes_des_blocs if form.is_bound else [],
        "saisie": parcours.saisie(etape),
        "etat_civil": [
            {"libelle": ligne.libelle, "valeur": ligne.affichage}
            for ligne in lignes_etat_civil(parcours.demande.usager)
        ],
        "avertissements": [] if form.is_bound and form.errors else parcours.messages_d_avertissement(etape),
        "fenetre": fenetre_a_dire(parcours.fenetre, parcours.contexte),
        "propositions": adresses.propositions(request, form),
        "calculs": form.calculs(),
    }
    return render(request, etape.gabarit, contexte | {"retour": retour(request)}, status=status)


# --- Gestes ----------------------------------------------------------------------------------------------------------
def poursuivre(request: HttpRequest, parcours: Parcours, etape: Etape, precision: str) -> HttpResponse:
    """« Enregistrer et poursuivre » : valide l'étape ; en erreur, la saisie reste en brouillon."""
    form = form_de_saisie(parcours, etape, request.POST)
    if not form.is_valid():
        _form, saisie = garder(request, parcours, etape)
        return page(request, parcours, etape, form, version=saisie.version, status=422)
    avertissements = form.avertissements()
    if any(avertissement.interruption for avertissement in avertissements) and "confirme" not in request.POST:
        _form, saisie = garder(request, parcours, etape)
        contexte = {
            "avertissements": [a for a in avertissements if a.interruption],
            "champs_caches": champs_caches(form, request.POST),
            "version": saisie.version,
            "retour": retour(request),
        }
        return render(request, "demandes/interruption.html", contexte_d_etape(parcours, etape) | contexte)
    operations.enregistrer_etape(
        parcours.demande, etape, form, version=version_lue(request.POST), le=parcours.le, par=request.user
    )
    for avertissement in avertissements:
        if not avertissement.interruption:
            suite = _("Si c'est une erreur, revenez à l'étape « %(etape)s ».") % {"etape": etape.titre}
            messages.warning(request, f"{avertissement.texte} {suite}")
    return redirect(adresse_de_la_suite(request, parcours, etape))


def revenir(request: HttpRequest, parcours: Parcours, etape: Etape, precision: str) -> HttpResponse:
    """« Revenir à l'étape précédente » : garde la saisie, même partielle ou fausse."""
    garder(request, parcours, etape)
    return redirect(adresse_precedente(parcours, etape))


def quitter(request: HttpRequest, parcours: Parcours, etape: Etape, precision: str) -> HttpResponse:
    """« Quitter et revenir plus tard »."""
    garder(request, parcours, etape)
    messages.success(
        request,
        _("Votre saisie est gardée, même incomplète. Reprenez-la quand vous voulez, sur n'importe quel appareil."),
    )
    return redirect("demandes:espace")


def rester(request: HttpRequest, parcours: Parcours, etape: Etape, precision: str) -> HttpResponse:
    """Garde la saisie et remontre l'étape : calcul du total sans JavaScript, comparaison de deux versions."""
    garder(request, parcours, etape)
    return vers_l_ancre(request, parcours, etape, precision)


def ajouter(request: HttpRequest, parcours: Parcours, etape: Etape, bloc: str) -> HttpResponse:
    """« Ajouter une ressource » : une ligne de plus ; ajouter répond « Oui » à la question qui appelle le bloc."""
    if bloc not in etape.form.blocs:
        return rester(request, parcours, etape, "")
    brut = etape.form.avec_une_ligne_de_plus(brut_recu(request, parcours, etape), bloc)
    if bloc in etape.form.conditions:
        maitre, valeurs = etape.form.conditions[bloc]
        brut[maitre] = [valeurs[0]]
    garder(request, parcours, etape, MultiValueDict(brut))
    return vers_l_ancre(request, parcours, etape, f"ligne-{bloc}-{int(brut[f'{bloc}-TOTAL_FORMS'][0]) - 1}")


def supprimer(request: HttpRequest, parcours: Parcours, etape: Etape, precision: str) -> HttpResponse:
    """« Supprimer la ressource 2 » : les lignes suivantes remontent."""
    bloc, _deux_points, rang = precision.partition(":")
    if bloc not in etape.form.blocs or not est_un_rang(rang):
        return rester(request, parcours, etape, "")
    brut = etape.form.sans_la_ligne(brut_recu(request, parcours, etape), bloc, int(rang))
    garder(request, parcours, etape, MultiValueDict(brut))
    return vers_l_ancre(request, parcours, etape, f"bloc-{bloc}")


def chercher_adresse(request: HttpRequest, parcours: Parcours, etape: Etape, precision: str) -> HttpResponse:
    """« Rechercher cette adresse » : garde la saisie, puis montre les adresses trouvées."""
    garder(request, parcours, etape)
    suite = QueryDict(retour(request).removeprefix("?"), mutable=True)
    suite[adresses.PARAMETRE] = "1"
    return redirect(f"{adresse_de(parcours.demande, etape)}?{suite.urlencode()}#recherche-adresse")


def choisir_adresse(request: HttpRequest, parcours: Parcours, etape: Etape, choix: str) -> HttpResponse:
    """Une adresse trouvée remplit les champs."""
    brut = brut_recu(request, parcours, etape) | adresses.champs_du_choix(choix)
    garder(request, parcours, etape, MultiValueDict(brut))
    return vers_l_ancre(request, parcours, etape, "id_adresse_complement")


def abandonner(request: HttpRequest, parcours: Parcours, etape: Etape, precision: str) -> HttpResponse:
    """« Revenir à mes réponses enregistrées » : oublie la modification d'une étape déjà validée."""
    operations.abandonner_brouillon(parcours.demande, etape, le=parcours.le)
    return vers_l_ancre(request, parcours, etape, "")


GESTES: dict[str, Callable] = {
    "poursuivre": poursuivre,
    "abandonner": abandonner,
    "revenir": revenir,
    "quitter": quitter,
    "rester": rester,
    "ajouter": ajouter,
    "supprimer": supprimer,
    "chercher-adresse": chercher_adresse,
    "adresse": choisir_adresse,
}


def brut_recu(request: HttpRequest, parcours: Parcours, etape: Etape) -> dict[str, list[str]]:
    return form_de_saisie(parcours, etape, request.POST).brut(request.POST)


def vers_l_ancre(request: HttpRequest, parcours: Parcours, etape: Etape, ancre: str) -> HttpResponseRedirect:
    """La même étape, venue du récapitulatif ou non."""
    adresse = adresse_de(parcours.demande, etape) + retour(request)
    return redirect(f"{adresse}#{ancre}" if ancre else adresse)


def champs_caches(form: EtapeForm, donnees: MultiValueDict) -> list[tuple[str, str]]:
    """La saisie entière, à renvoyer telle quelle d'une page intermédiaire."""
    return [(nom, valeur) for nom, valeurs in form.brut(donnees).items() for valeur in valeurs]


# --- Deux onglets, deux appareils ------------------------------------------------------------------------------------
def comparer(
    request: HttpRequest, parcours: Parcours, etape: Etape, saisie: Saisie, donnees: MultiValueDict
) -> HttpResponse:
    """L'étape a changé ailleurs : les deux versions côte à côte, et la personne choisit. Rien n'est perdu."""
    ici = form_de_saisie(parcours, etape, donnees)
    brut = saisie.brouillon if saisie.brouillon is not None else saisie.reponses
    ailleurs = form_de_saisie(parcours, etape, MultiValueDict(brut or {}))
    contexte = {
        "differences": differences(ici, ailleurs),
        "saisie": saisie,
        "champs_caches": champs_caches(ici, donnees),
        "action": donnees.get("action", "rester"),
        "retour": retour(request),
    }
    return render(request, "demandes/conflit.html", contexte_d_etape(parcours, etape) | contexte, status=409)


def differences(ici: EtapeForm, ailleurs: EtapeForm) -> list[dict]:
    """Les réponses qui diffèrent, dans l'ordre des champs."""
    d_ici = {ligne.champ: ligne for ligne in ici.lignes_saisies()}
    d_ailleurs = {ligne.champ: ligne for ligne in ailleurs.lignes_saisies()}
    resultat = []
    for champ, ligne in (d_ailleurs | d_ici).items():
        textes = [lignes[champ].affichage if champ in lignes else "" for lignes in (d_ici, d_ailleurs)]
        if textes[0].strip() != textes[1].strip():
            resultat.append({"libelle": ligne.libelle, "ici": textes[0], "ailleurs": textes[1]})
    return resultat


# --- Enregistrement pendant la saisie --------------------------------------------------------------------------------
@never_cache
@require_POST
def etape_brouillon(request: HttpRequest, pk: int, code: str) -> JsonResponse:
    """Garde ce qui est tapé, sans le juger. 401 : session fermée ; 409 : changé ailleurs ; 410 : déposée."""
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    parcours = parcours_de(request, pk, le=timezone.now())
    demandee = etape_demandee(parcours, code)
    if demandee is None or demandee.form is None or not parcours.est_accessible(demandee):
        return JsonResponse({}, status=404)
    try:
        form, saisie = garder(request, parcours, demandee)
    except operations.SaisiePerimee:
        return JsonResponse({}, status=409)
    except operations.DemandeFigee:
        return JsonResponse({"suite": reverse("demandes:reprendre", args=[pk])}, status=410)
    except operations.SaisieTropLongue:
        return JsonResponse({}, status=413)
    heure = saisie.enregistree_le or parcours.le
    return JsonResponse({"version": saisie.version, "heure": heure_lisible(heure), "calculs": form.calculs()})


VUES: dict[str, Callable] = {
    "formulaire": formulaire,
    "pieces": pieces.vue,
    "recapitulatif": recapitulatif.vue,
}
