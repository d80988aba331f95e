"""Après la signature : ce qui attend, jusqu'à quand, et de quoi l'annuler ; puis ce qui est parti."""

import datetime as dt
import math

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from demandes.models import Decision, Demande
from instruction import operations
from instruction.models import ActeDiffere
from instruction.operations import AnnulationTardive, GesteInterdit
from instruction.permissions import GESTES
from instruction.presentation import PHRASES_D_ECHEC, Apercu, apercus, phrase_d_envoi
from instruction.views.acces import agent_connecte, dossier_de
from instruction.views.actes import acte_interdit, adresse_de
from instruction.views.dossier import contexte_du_dossier
from notifications.catalogue import Message

# Une tâche part à l'heure, un balayage passe toutes les quinze secondes : au-delà, la page dit que rien ne part.
RETARD = dt.timedelta(minutes=2)
# Geste → la page de ce qu'il a fait.
SUITES = {"signer_favorable": "admin:dossier_decision", "signer_refus": "admin:dossier_decision"}


def vers_l_acte(request: HttpRequest, demande: Demande) -> HttpResponse:
    """Le reçu d'une signature : ce qui est parti, ou ce qui attend."""
    acte = demande.actes_differes.latest("pk")
    if acte.execute_le is None:
        return redirect(adresse_de(request, "admin:dossier_acte", demande))
    evenement = demande.evenements.filter(apres=GESTES[acte.geste].vers[0], notification__isnull=False).latest("pk")
    messages.success(
        request,
        _("%(geste)s : c'est fait. %(personne)s reçoit : %(envoi)s.")
        % {
            "geste": GESTES[acte.geste].libelle, "personne": demande.usager.nom_complet,
            "envoi": phrase_d_envoi(evenement.notification),
        },
    )  # fmt: skip
    return redirect(adresse_de(request, SUITES.get(acte.geste, "admin:dossier"), demande))


@require_safe
def acte(request: HttpRequest, numero: str) -> HttpResponse:
    """Le dernier acte signé : il attend, il est fait, il est annulé, ou il n'a pas pu se faire."""
    demande = dossier_de(request, numero)
    dernier = (
        demande.actes_differes.select_related("par__compte", "annule_par", "demande__usager__compte")
        .order_by("-pk")
        .first()
    )
    if dernier is None:
        raise Http404
    if dernier.execute_le:
        return redirect(adresse_de(request, SUITES.get(dernier.geste, "admin:dossier"), demande))
    contexte = contexte_du_dossier(request, demande)
    contexte |= {
        "acte": dernier,
        "libelle": GESTES[dernier.geste].libelle,
        "heure_venue": dernier.a_executer_le + RETARD <= timezone.now(),
        "reste": reste(dernier.a_executer_le - timezone.now()),
        "peut_annuler": dernier.est_en_attente and operations.peut_annuler(agent_connecte(request), dernier),
        "echec": PHRASES_D_ECHEC.get(dernier.echec, ""),
        "apercus": _apercus(dernier) if dernier.est_en_attente else [],
    }
    return render(request, "instruction/acte.html", contexte)


def _apercus(signe: ActeDiffere) -> list[Apercu]:
    """Ce que la personne recevra à l'heure dite."""
    demande = signe.demande
    if signe.geste == "cloturer":
        lettre = operations.contexte_de_la_cloture(demande.clotures.get(pk=signe.saisie["cloture"]))
        return apercus(Message.CLOTURE, demande.usager.compte, lettre)
    sens = {"signer_favorable": Decision.Sens.FAVORABLE, "signer_refus": Decision.Sens.DEFAVORABLE}[signe.geste]
    contexte = operations.contexte_de_la_decision(demande, sens)
    return apercus(Message.DECISION, demande.usager.compte, contexte)


def reste(duree) -> str:
    """« 9 minutes », « 40 secondes », « quelques secondes » une fois l'heure venue."""
    secondes = math.ceil(duree.total_seconds())
    if secondes <= 0:
        return _("quelques secondes")
    if secondes < 60:
        return ngettext("%(n)s seconde", "%(n)s secondes", secondes) % {"n": secondes}
    minutes = secondes // 60
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}


@require_POST
def annuler(request: HttpRequest, numero: str, cle: int) -> HttpResponse:
    demande, agent = dossier_de(request, numero), agent_connecte(request)
    signe = get_object_or_404(demande.actes_differes.select_related("demande"), pk=cle)
    try:
        operations.annuler(signe, agent=agent, le=timezone.now())
    except GesteInterdit:
        return acte_interdit(request, demande)
    except AnnulationTardive:
        messages.error(request, _("Trop tard : cet acte est déjà fait, ou déjà annulé. Rien n'a changé."))
    else:
        messages.success(request, _("Acte annulé. Rien n'est parti à la personne ; le journal en garde une ligne."))
    return redirect(adresse_de(request, "admin:dossier", demande))
