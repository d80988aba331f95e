"""Clore sans décider, à deux : proposer, puis relire et signer ou écarter ; et rouvrir."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from demandes.models import Demande, Evenement
from instruction import operations
from instruction.forms import ClotureForm
from instruction.operations import ActeImpossible, Conflit, DejaSigne, GesteInterdit, QuatreYeux
from instruction.permissions import peut
from instruction.presentation import a_l_heure, apercus, nom_de, phrase_d_envoi
from instruction.views.acces import agent_connecte, dossier_de
from instruction.views.actes import (
    acte_interdit,
    adresse_de,
    changements,
    page_de_conflit,
    version_a_renvoyer,
    version_lue,
)
from instruction.views.differe import vers_l_acte
from instruction.views.dossier import contexte_du_dossier
from instruction.views.page_d_acte import PageDActe, derouler
from instruction.views.reprise import saisie_reprise
from notifications.catalogue import Message


@require_http_methods(["GET", "HEAD", "POST"])
def proposer(request: HttpRequest, numero: str) -> HttpResponse:
    """Proposer de clore : rien n'est envoyé tant qu'une autre personne n'a pas signé."""
    demande, agent, jour = dossier_de(request, numero), agent_connecte(request), timezone.localdate()
    if request.method != "POST":
        if not peut(agent, "proposer_cloture", demande):
            return acte_interdit(request, demande)
        return _page(request, demande, ClotureForm(saisie_reprise(request), jour=jour))
    form, version = ClotureForm(request.POST, jour=jour), version_lue(request)
    if not form.is_valid():
        return _page(request, demande, form, status=422)
    try:
        operations.proposer_cloture(demande, **form.cleaned_data, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        actuelle = conflit.demande
        if not operations.est_cette_cloture(actuelle, **form.cleaned_data, agent=agent, version=version):
            demande = dossier_de(request, numero)
            if peut(agent, "proposer_cloture", demande):
                return _page(request, demande, form, status=409, changements=changements(demande, version))
            saisie = [{"libelle": form["texte"].label, "valeur": form.cleaned_data["texte"]}]
            return page_de_conflit(request, conflit, saisie=saisie)
    except GesteInterdit:
        return acte_interdit(request, demande)
    except ActeImpossible as refus:
        form.add_error(refus.champ or None, str(refus))
        return _page(request, demande, form, status=422)
    messages.success(
        request, _("Clôture proposée : une autre personne doit la signer. Rien n'est parti à la personne.")
    )
    return redirect(adresse_de(request, "admin:dossier", demande))


def _page(request: HttpRequest, demande: Demande, form: ClotureForm, *, status=200, **de_plus) -> HttpResponse:
    de_plus |= {"version": version_a_renvoyer(request, demande, status=status)}
    contexte = contexte_du_dossier(request, demande) | {"form": form, **de_plus}
    return render(request, "instruction/cloture_proposer.html", contexte, status=status)


@require_safe
def cloture(request: HttpRequest, numero: str) -> HttpResponse:
    """La clôture proposée : le motif, l'explication, et ce qui partirait."""
    demande, agent = dossier_de(request, numero), agent_connecte(request)
    if operations.acte_en_attente(demande):
        return redirect(adresse_de(request, "admin:dossier_acte", demande))
    proposee = operations.cloture_proposee(demande)
    if proposee is None:
        return acte_interdit(request, demande)
    proposee.demande = demande
    lettre = operations.contexte_de_la_cloture(proposee)
    est_de_moi, peut_cloturer = proposee.proposee_par_id == agent.compte_id, peut(agent, "cloturer", demande)
    contexte = contexte_du_dossier(request, demande) | {
        "lignes": [
            {"libelle": _("Motif, dans la lettre"), "valeur": lettre["phrase"]},
            {"libelle": _("Explication, dans la lettre"), "valeur": proposee.texte},
            {
                "libelle": _("Proposée par"),
                "valeur": f"{nom_de(proposee.proposee_par)}, {a_l_heure(proposee.proposee_le)}",
            },
        ],
        "apercus": apercus(Message.CLOTURE, demande.usager.compte, lettre),
        "peut_cloturer": peut_cloturer and not est_de_moi,
        "est_de_moi": est_de_moi,
        "peut_ecarter": peut(agent, "proposer_cloture" if est_de_moi else "cloturer", demande),
        "quatre_yeux": peut_cloturer and est_de_moi,
    }
    return render(request, "instruction/cloture.html", contexte)


@require_POST
def cloturer(request: HttpRequest, numero: str) -> HttpResponse:
    demande, agent, version = dossier_de(request, numero), agent_connecte(request), version_lue(request)
    try:
        operations.cloturer(demande, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        if not operations.est_deja_fait(conflit.demande, agent=agent, geste="cloturer", version=version):
            return page_de_conflit(request, conflit)
    except GesteInterdit:
        return acte_interdit(request, demande)
    except QuatreYeux:
        messages.error(request, _("Vous avez proposé cette clôture : une autre personne doit la signer."))
        return redirect(adresse_de(request, "admin:dossier_cloture", demande))
    except ActeImpossible as refus:
        messages.error(request, str(refus))
        return redirect(adresse_de(request, "admin:dossier", demande))
    except DejaSigne:
        messages.error(request, _("Une autre personne a déjà signé : son acte attend son heure."))
    return vers_l_acte(request, demande)


@require_POST
def ecarter(request: HttpRequest, numero: str) -> HttpResponse:
    demande, agent, version = dossier_de(request, numero), agent_connecte(request), version_lue(request)
    try:
        operations.ecarter_cloture(demande, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        deja_fait = operations.est_deja_consigne(
            conflit.demande, Evenement.Nature.CLOTURE, agent=agent, version=version, codes=operations.ECARTEE
        )
        if not deja_fait:
            return page_de_conflit(request, conflit)
    except GesteInterdit:
        return acte_interdit(request, demande)
    except ActeImpossible as refus:
        messages.error(request, str(refus))
        return redirect(adresse_de(request, "admin:dossier", demande))
    if demande.clotures.latest("pk").proposee_par_id == agent.compte_id:
        recu = _("Proposition retirée : l'instruction continue. Rien n'est parti à la personne.")
    else:
        recu = _("Clôture écartée : l'instruction continue. Rien n'est parti à la personne.")
    messages.success(request, recu)
    return redirect(adresse_de(request, "admin:dossier", demande))


def _recu_de_reouverture(demande: Demande) -> str:
    evenement = demande.evenements.filter(notification__message=Message.REOUVERTURE).latest("pk")
    return _("Demande rouverte, à sa date de dépôt d'origine. %(personne)s reçoit : %(envoi)s.") % {
        "personne": demande.usager.nom_complet, "envoi": phrase_d_envoi(evenement.notification),
    }  # fmt: skip


REOUVERTURE = PageDActe(
    geste="rouvrir",
    titre=gettext_lazy("Rouvrir la demande"),
    bouton=gettext_lazy("Rouvrir et prévenir la personne"),
    executer=lambda demande, form, envoi: operations.rouvrir(demande, **vars(envoi)),
    message=lambda demande, valeurs: (Message.REOUVERTURE, operations.contexte_du_message(demande)),
    recu=_recu_de_reouverture,
    contexte=lambda demande, form: {
        "explication": _("L'instruction reprend. La demande garde sa date de dépôt, le %(jour)s.")
        % {"jour": f"{timezone.localdate(demande.deposee_le):%d/%m/%Y}"}
    },
)


@require_http_methods(["GET", "HEAD", "POST"])
def rouvrir(request: HttpRequest, numero: str) -> HttpResponse:
    return derouler(request, numero, REOUVERTURE)
