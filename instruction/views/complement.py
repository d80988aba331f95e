"""Demander un complément, y renoncer, reprendre après la réponse : une page chacun, l'aperçu de ce qui part."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
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
from instruction.views.actes import _adresse, _conflit, _interdit, _version, changements
from instruction.views.dossier import contexte_du_dossier
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
            return _interdit(request, demande)
        return _page(request, demande, ComplementForm(demande=demande, jour=jour))
    form = ComplementForm(request.POST, demande=demande, jour=jour)
    if action == "envoyer" and form.is_valid():
        return _envoyer(request, demande, form)
    if not peut(agent, "demander_complement", demande):
        return _interdit(request, demande)
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
        "version": request.POST.get("version", demande.version) if status != 409 else demande.version,
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
    agent, version, message = agent_connecte(request), _version(request), form.cleaned_data["message"]
    try:
        operations.demander_complement(
            demande, form.lignes, message=message, agent=agent, version=version, le=timezone.now()
        )
    except Conflit as conflit:
        fait = operations.est_deja_fait(conflit.demande, agent=agent, geste="demander_complement", version=version)
        if not (fait and operations.est_le_complement_demande(conflit.demande, form.lignes, message=message)):
            return _en_conflit(request, conflit, form)
    except GesteInterdit:
        return _interdit(request, demande)
    except ComplementImpossible as refus:
        form.add_error(None, str(refus))
        return _page(request, demande, form, status=422)
    complement = demande.complements.select_related("notification").order_by("-pk").first()
    messages.success(
        request,
        _("Complément demandé. %(personne)s en est informé(e) : %(envoi)s. Le délai courra de l'ouverture.")
        % {"personne": demande.usager.nom_complet, "envoi": phrase_d_envoi(complement.notification)},
    )
    return redirect(_adresse(request, "admin:dossier", demande))


def _en_conflit(request: HttpRequest, conflit: Conflit, form: ComplementForm) -> HttpResponse:
    """Si l'acte reste possible, la même page, remplie, dit ce qui a changé ; sinon, la page du conflit."""
    demande = dossier_de(request, conflit.demande.numero)
    if peut(agent_connecte(request), "demander_complement", demande):
        return _page(request, demande, form, status=409, changements=changements(demande, _version(request)))
    saisie = [
        {"libelle": ligne.libelle, "valeur": "\n".join((*ligne.motifs, ligne.consigne)).strip()}
        for ligne in form.lignes
    ]
    return _conflit(request, conflit, saisie=saisie)


# --- Renoncer --------------------------------------------------------------------------------------------------------
@require_http_methods(METHODES)
def renoncer(request: HttpRequest, numero: str) -> HttpResponse:
    demande, agent, version = dossier_de(request, numero), agent_connecte(request), _version(request)
    if request.method != "POST":
        if not peut(agent, "abandonner_complement", demande):
            return _interdit(request, demande)
        contexte = contexte_du_dossier(request, demande) | {
            "complement": _dernier(demande),
            "apercus": apercus(
                Message.COMPLEMENT_ABANDONNE, demande.usager.compte, operations.contexte_du_message(demande)
            ),
        }
        return render(request, "instruction/complement_renoncer.html", contexte)
    try:
        operations.abandonner_complement(demande, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        if not operations.est_deja_fait(conflit.demande, agent=agent, geste="abandonner_complement", version=version):
            return _conflit(request, conflit)
    except GesteInterdit:
        return _interdit(request, demande)
    evenement = demande.evenements.filter(notification__message=Message.COMPLEMENT_ABANDONNE).order_by("-pk").first()
    messages.success(
        request,
        _("Le complément n'est plus attendu. %(personne)s en est informé(e) : %(envoi)s.")
        % {"personne": demande.usager.nom_complet, "envoi": phrase_d_envoi(evenement.notification)},
    )
    return redirect(_adresse(request, "admin:dossier", demande))


# --- Remettre en instruction -----------------------------------------------------------------------------------------
@require_http_methods(METHODES)
def reprendre(request: HttpRequest, numero: str) -> HttpResponse:
    """La réponse de la personne, ligne par ligne, puis l'instruction reprend."""
    demande, agent, version = dossier_de(request, numero), agent_connecte(request), _version(request)
    if request.method != "POST":
        if not peut(agent, "reprendre", demande):
            return _interdit(request, demande)
        complement = _dernier(demande)
        contexte = contexte_du_dossier(request, demande) | {
            "complement": complement,
            "reponses": reponses_de(complement) if complement else [],
        }
        return render(request, "instruction/complement_reprendre.html", contexte)
    try:
        operations.reprendre(demande, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        if not operations.est_deja_fait(conflit.demande, agent=agent, geste="reprendre", version=version):
            return _conflit(request, conflit)
    except GesteInterdit:
        return _interdit(request, demande)
    messages.success(request, _("L'instruction reprend. Rien n'est envoyé à la personne."))
    return redirect(_adresse(request, "admin:dossier", demande))


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
