"""Demander un complément, y renoncer, reprendre après la réponse : une page chacun, l'aperçu de ce qui part."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from demandes.complements import corps, fichiers_d_origine, lignes_de_lettre
from demandes.models import Complement, ComplementLigne, Demande
from demandes.operations import fichiers_joints
from instruction import operations
from instruction.forms_complement import ComplementForm
from instruction.operations import ComplementImpossible, Conflit, GesteInterdit
from instruction.permissions import peut
from instruction.presentation import apercus, phrase_d_envoi
from instruction.views.acces import agent_connecte, dossier_de
from instruction.views.actes import (
    acte_interdit,
    adresse_de,
    changements,
    page_de_conflit,
    version_a_renvoyer,
    version_lue,
)
from instruction.views.dossier import contexte_du_dossier
from instruction.views.page_d_acte import PageDActe, derouler
from instruction.views.reprise import saisie_reprise
from notifications.catalogue import Message

# Boutons et jetons, qui ne sont pas ce que l'agent a saisi.
HORS_SAISIE = {"csrfmiddlewaretoken", "action", "version"}
METHODES = ["GET", "HEAD", "POST"]


# --- Demander --------------------------------------------------------------------------------------------------------
@require_http_methods(METHODES)
def demander(request: HttpRequest, numero: str) -> HttpResponse:
    """Saisir, vérifier la lettre, envoyer. Rien n'est écrit avant l'envoi."""
    demande, agent = dossier_de(request, numero), agent_connecte(request)
    jour, action = timezone.localdate(), request.POST.get("action", "verifier")
    if request.method != "POST":
        if not peut(agent, "demander_complement", demande):
            return acte_interdit(request, demande)
        return _page(request, demande, ComplementForm(saisie_reprise(request), demande=demande, jour=jour))
    form = ComplementForm(request.POST, demande=demande, jour=jour)
    if action == "envoyer" and form.is_valid():
        return _envoyer(request, demande, form)
    if not peut(agent, "demander_complement", demande):
        return acte_interdit(request, demande)
    if not form.is_valid():
        return _page(request, demande, form, status=422)
    if action == "modifier":
        return _page(request, demande, form)
    contexte = contexte_du_dossier(request, demande) | {
        "form": form,
        **_lettre(demande, form),
        "saisie": [
            (nom, valeur) for nom in request.POST if nom not in HORS_SAISIE for valeur in request.POST.getlist(nom)
        ],
        "version": request.POST.get("version", ""),
    }
    return render(request, "instruction/complement_verifier.html", contexte)


def _page(request: HttpRequest, demande: Demande, form: ComplementForm, *, status=200, **de_plus) -> HttpResponse:
    contexte = contexte_du_dossier(request, demande) | {
        "form": form,
        "choisie": request.GET.get("code", ""),
        "version": version_a_renvoyer(request, demande, status=status),
        **de_plus,
    }
    return render(request, "instruction/complement.html", contexte, status=status)


def _lettre(demande: Demande, form: ComplementForm) -> dict:
    """La lettre, le courriel et le SMS tels qu'ils partiraient, dans la langue de la personne."""
    compte, le = demande.usager.compte, timezone.now()
    contexte = operations.contexte_du_complement(demande, le=le)
    lignes = lignes_de_lettre(demande, form.lignes, jour=form.jour, langue=compte.langue)
    with translation.override(compte.langue):
        objet = str(Message.COMPLEMENT.label)
    return {
        "objet": objet,
        "langue": compte.langue,
        "nom": contexte["nom"],
        "lettre": corps(lignes, message=form.cleaned_data["message"], jours=contexte["jours"]),
        "apercus": apercus(Message.COMPLEMENT, compte, contexte),
    }


def _envoyer(request: HttpRequest, demande: Demande, form: ComplementForm) -> HttpResponse:
    agent, version, message = agent_connecte(request), version_lue(request), form.cleaned_data["message"]
    try:
        operations.demander_complement(
            demande, form.lignes, message=message, agent=agent, version=version, le=timezone.now()
        )
    except Conflit as conflit:
        fait = operations.est_deja_fait(conflit.demande, agent=agent, geste="demander_complement", version=version)
        if not (fait and operations.est_le_complement_demande(conflit.demande, form.lignes, message=message)):
            return _en_conflit(request, conflit, form)
    except GesteInterdit:
        return acte_interdit(request, demande)
    except ComplementImpossible as refus:
        form.add_error(None, str(refus))
        return _page(request, demande, form, status=422)
    complement = demande.complements.select_related("notification").order_by("-pk").first()
    messages.success(
        request,
        _("Complément demandé. %(personne)s en est informé(e) : %(envoi)s. Le délai courra de l'ouverture.")
        % {"personne": demande.usager.nom_complet, "envoi": phrase_d_envoi(complement.notification)},
    )
    return redirect(adresse_de(request, "admin:dossier", demande))


def _en_conflit(request: HttpRequest, conflit: Conflit, form: ComplementForm) -> HttpResponse:
    """Si l'acte reste possible, la même page, remplie, dit ce qui a changé ; sinon, la page du conflit."""
    demande = dossier_de(request, conflit.demande.numero)
    if peut(agent_connecte(request), "demander_complement", demande):
        return _page(request, demande, form, status=409, changements=changements(demande, version_lue(request)))
    saisie = [
        {"libelle": ligne.libelle, "valeur": "\n".join((*ligne.motifs, ligne.consigne)).strip()}
        for ligne in form.lignes
    ]
    return page_de_conflit(request, conflit, saisie=saisie)


# --- Renoncer --------------------------------------------------------------------------------------------------------
def _recu_d_abandon(demande: Demande) -> str:
    evenement = demande.evenements.filter(notification__message=Message.COMPLEMENT_ABANDONNE).latest("pk")
    return _("Le complément n'est plus attendu. %(personne)s en est informé(e) : %(envoi)s.") % {
        "personne": demande.usager.nom_complet, "envoi": phrase_d_envoi(evenement.notification),
    }  # fmt: skip


def _attendu(demande: Demande, form) -> dict:
    complement = _dernier(demande)
    if complement is None:
        return {}
    phrases = [_("Complément demandé le %(jour)s.") % {"jour": f"{timezone.localdate(complement.demande_le):%d/%m/%Y}"}]
    if complement.echeance_le:
        lu = timezone.localdate(complement.notification.lue_le)
        phrases.append(
            _("Lu le %(lu)s, réponse attendue au plus tard le %(jour)s.")
            % {"lu": f"{lu:%d/%m/%Y}", "jour": f"{complement.echeance_le:%d/%m/%Y}"}
        )
    else:
        phrases.append(_("La personne ne l'a pas encore ouvert."))
    phrases.append(
        _(
            "La personne n'aura plus rien à envoyer ; ce qu'elle avait commencé à joindre ne comptera pas. Le dossier "
            "revient en instruction."
        )
    )
    return {"explication": " ".join(phrases)}


ABANDON = PageDActe(
    geste="abandonner_complement",
    titre=gettext_lazy("Renoncer au complément"),
    bouton=gettext_lazy("Renoncer et prévenir la personne"),
    executer=lambda demande, form, envoi: operations.abandonner_complement(demande, **vars(envoi)),
    message=lambda demande, valeurs: (Message.COMPLEMENT_ABANDONNE, operations.contexte_du_message(demande)),
    recu=_recu_d_abandon,
    contexte=_attendu,
)


@require_http_methods(METHODES)
def renoncer(request: HttpRequest, numero: str) -> HttpResponse:
    return derouler(request, numero, ABANDON)


# --- Remettre en instruction -----------------------------------------------------------------------------------------
def _reponse(demande: Demande, form) -> dict:
    complement = _dernier(demande)
    return {"complement": complement, "reponses": reponses_de(complement) if complement else []}


REPRISE = PageDActe(
    geste="reprendre",
    titre=gettext_lazy("Remettre en instruction"),
    bouton=gettext_lazy("Remettre en instruction"),
    executer=lambda demande, form, envoi: operations.reprendre(demande, **vars(envoi)),
    recu=lambda demande: _("L'instruction reprend. Rien n'est envoyé à la personne."),
    contexte=_reponse,
    gabarit="instruction/complement_reprendre.html",
)


@require_http_methods(METHODES)
def reprendre(request: HttpRequest, numero: str) -> HttpResponse:
    """La réponse de la personne, ligne par ligne, puis l'instruction reprend."""
    return derouler(request, numero, REPRISE)


def _dernier(demande: Demande) -> Complement | None:
    return demande.complements.select_related("notification").order_by("-pk").first()


def reponses_de(complement: Complement) -> list[dict]:
    """Ce qui était demandé et ce qui est répondu, pour l'agent qui juge."""
    lignes: list[ComplementLigne] = complement.lignes.prefetch_related("fichiers__fichier")
    jour = timezone.localdate(complement.demande_le)
    textes = lignes_de_lettre(complement.demande, lignes, jour=jour, langue="fr")
    origine = fichiers_d_origine(complement)
    return [
        {"ligne": ligne, "lettre": texte, "origine": origine.get(ligne.code, []), "fichiers": fichiers_joints(ligne)}
        for ligne, texte in zip(lignes, textes, strict=True)
    ]
