"""Entrer dans un parcours : la demande de la personne, l'étape demandée, et où aller sinon."""

import datetime as dt

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from demandes.demarches import DEMARCHES
from demandes.demarches.base import Etape, Fermee
from demandes.models import Demande
from demandes.parcours import Parcours
from demandes.permissions import demandes_visibles


def parcours_de(request: HttpRequest, pk: int, *, le: dt.datetime) -> Parcours:
    """La demande de cette personne, vue par sa démarche ; 404 pour celle d'une autre."""
    demandes = demandes_visibles(request.user).select_related(
        "usager__compte", "usager__nationalite", "usager__pays_naissance", "titre_de_depart", "site"
    )
    return Parcours(get_object_or_404(demandes, pk=pk), le=le)


def etape_demandee(parcours: Parcours, code: str) -> Etape | None:
    """L'étape de ce code ; rien si elle est d'une autre démarche, 404 si elle n'est d'aucune."""
    etape = parcours.demarche.etape(code)
    if etape is None and not any(demarche.etape(code) for demarche in DEMARCHES.values()):
        raise Http404
    return etape


def barrer(request: HttpRequest, parcours: Parcours, etape: Etape) -> HttpResponse | None:
    """Où aller quand l'étape ne peut pas s'ouvrir : la demande est déposée, ou une étape précédente n'est pas finie."""
    if not parcours.demande.est_brouillon:
        return vers_la_demande(parcours.demande)
    if parcours.est_accessible(etape):
        return None
    messages.info(
        request,
        _("Terminez d'abord l'étape « %(courante)s » : l'étape « %(voulue)s » s'ouvrira ensuite.")
        % {"courante": parcours.courante.titre, "voulue": etape.titre},
    )
    return redirect(adresse_de(parcours.demande, parcours.courante))


def vers_sa_propre_etape(request: HttpRequest, parcours: Parcours) -> HttpResponse:
    """L'adresse est celle d'une étape d'une autre démarche : le brouillon de celle-ci se reprend où il en était."""
    if not parcours.demande.est_brouillon:
        return vers_la_demande(parcours.demande)
    messages.info(request, _("Cette étape n'est pas dans votre démarche : voici où vous en étiez. Rien n'est perdu."))
    return redirect(adresse_de(parcours.demande, parcours.courante))


def vers_la_demande(demande: Demande) -> HttpResponse:
    """La page de suivi d'une demande déposée ; l'espace personnel pour une demande retirée."""
    if demande.numero:
        return redirect("demandes:suivi", demande.numero)
    return redirect("demandes:espace")


def adresse_de(demande: Demande, etape: Etape) -> str:
    return reverse("demandes:etape", args=[demande.pk, etape.code])


def adresse_precedente(parcours: Parcours, etape: Etape) -> str:
    """« Revenir à l'étape précédente » ; de la première étape, à la présentation de la démarche."""
    precedente = parcours.precedente(etape)
    if precedente is None:
        return reverse("demandes:preambule", args=[parcours.demarche.code])
    return adresse_de(parcours.demande, precedente)


def nombre_lu(texte: str) -> int | None:
    """Un entier que la base tient ; « ² » ou cinq mille chiffres n'en sont pas."""
    return int(texte) if texte.isascii() and texte.isdigit() and len(texte) < 19 else None


def version_lue(donnees: MultiValueDict) -> int:
    """La version de l'étape que la page montrait ; -1, qui n'est celle d'aucune étape, si elle manque."""
    lue = nombre_lu(donnees.get("version", ""))
    return -1 if lue is None else lue


def heure_lisible(instant: dt.datetime) -> str:
    """« 10 h 42 », dans la langue de la page."""
    heure = timezone.localtime(instant)
    return _("%(heures)s h %(minutes)s") % {"heures": f"{heure:%H}", "minutes": f"{heure:%M}"}


def retour(request: HttpRequest) -> str:
    """La fin d'adresse qui ramènera au récapitulatif une personne venue y corriger une réponse."""
    return "?retour=recapitulatif" if request.GET.get("retour") == "recapitulatif" else ""


def adresse_de_la_suite(request: HttpRequest, parcours: Parcours, etape: Etape) -> str:
    """L'étape suivante ; venu du récapitulatif pour corriger, on y retourne, sauf question nouvelle."""
    if suite := retour(request):
        apres = Parcours(parcours.demande, le=parcours.le)
        if apres.courante.genre not in {"formulaire", "pieces"}:
            return f"{adresse_de(parcours.demande, apres.courante)}#partie-{etape.code}"
        return adresse_de(parcours.demande, apres.courante) + suite
    return adresse_de(parcours.demande, parcours.suivante(etape))


def contexte_d_etape(parcours: Parcours, etape: Etape) -> dict:
    """Ce que toute page d'étape montre autour de ses champs."""
    suivante = parcours.suivante(etape)
    return {
        "parcours": parcours,
        "demarche": parcours.demarche,
        "demande": parcours.demande,
        "etape": etape,
        "numero": parcours.rang(etape),
        "total": len(parcours.etapes),
        "suivante": suivante.titre if suivante else "",
        "fermee": parcours.situation if isinstance(parcours.situation, Fermee) else None,
    }
