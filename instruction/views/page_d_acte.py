"""Une page d'acte : le formulaire et l'aperçu de ce qui part ; un envoi, une opération, un reçu.

Ce que les actes d'après l'instruction ont en commun ; chacun déclare le reste (`PageDActe`).
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise

from demandes.models import Demande
from documents.operations import NonEncodable
from instruction import operations
from instruction.models import Agent
from instruction.operations import ActeImpossible, Conflit, GesteInterdit
from instruction.permissions import peut
from instruction.presentation import apercus, phrase_non_encodable
from instruction.views.acces import Liste, agent_connecte, dossier_de
from instruction.views.actes import (
    acte_interdit,
    adresse_de,
    changements,
    page_de_conflit,
    version_a_renvoyer,
    version_lue,
)
from instruction.views.dossier import contexte_du_dossier
from instruction.views.reprise import saisie_reprise
from notifications.catalogue import Message


@dataclass(frozen=True)
class Envoi:
    """Qui fait l'acte, sur quelle version, à quel instant."""

    agent: Agent
    version: int
    le: dt.datetime = field(default_factory=timezone.now)


@dataclass(frozen=True)
class PageDActe:
    """`form` : (demande, données ou rien) ; `message` : ce qui partira, (message, contexte) ; `contexte` : en plus ;
    `avec_document` : un PDF part avec lui ; `sort_du_site` : l'acte fait, l'agent ne voit plus le dossier.
    `verifier` : ce que l'opération refuserait, dit dès l'aperçu ; `message` : rien, tant qu'il y manque quelque chose.
    Sans `form`, il n'y a rien à saisir.
    """

    geste: str
    titre: str | Promise
    bouton: str | Promise
    executer: Callable[[Demande, forms.Form, Envoi], object]
    recu: Callable[[Demande], str]
    form: Callable[[Demande, Any], forms.Form] = lambda demande, donnees: forms.Form(donnees)
    message: Callable[[Demande, dict], tuple[Message, dict] | None] | None = None
    contexte: Callable[[Demande, forms.Form], dict] = lambda demande, form: {}
    deja_fait: Callable[[Demande, forms.Form, Envoi], bool] | None = None
    avec_document: bool = False
    sort_du_site: bool = False
    verifier: Callable[[Demande, forms.Form], None] | None = None
    gabarit: str = "instruction/page_d_acte.html"


def derouler(request: HttpRequest, numero: str, page: PageDActe) -> HttpResponse:
    demande, agent = dossier_de(request, numero), agent_connecte(request)
    if request.method != "POST":
        if not peut(agent, page.geste, demande):
            return acte_interdit(request, demande)
        version = version_a_renvoyer(request, demande, status=HTTPStatus.OK)
        return montrer(request, demande, page, page.form(demande, saisie_reprise(request)), version=version)
    envoi = Envoi(agent, version_lue(request))
    if envoi.version == demande.version and not peut(agent, page.geste, demande):
        return acte_interdit(request, demande)
    form = page.form(demande, request.POST)
    est_apercu = request.POST.get("action") == "apercu"
    if form.is_valid() and est_apercu and page.verifier:
        try:
            page.verifier(demande, form)
        except ActeImpossible as refus:
            form.add_error(refus.champ if refus.champ in form.fields else None, str(refus))
    if not form.is_valid() or est_apercu:
        if not peut(agent, page.geste, demande):
            return acte_interdit(request, demande)
        return montrer(request, demande, page, form, version=envoi.version, status=200 if form.is_valid() else 422)
    try:
        page.executer(demande, form, envoi)
    except Conflit as conflit:
        if not _est_deja_fait(page, conflit.demande, form, envoi):
            return _en_conflit(request, conflit, page, form, envoi)
    except GesteInterdit:
        return acte_interdit(request, demande)
    except ActeImpossible as refus:
        form.add_error(refus.champ if refus.champ in form.fields else None, str(refus))
        return montrer(request, demande, page, form, version=envoi.version, status=422)
    except NonEncodable as refus:
        form.add_error(None, phrase_non_encodable(refus))
        return montrer(request, demande, page, form, version=envoi.version, status=422)
    if page.sort_du_site:
        demande = Demande.objects.select_related("usager", "site").get(pk=demande.pk)
        messages.success(request, page.recu(demande))
        return redirect(Liste.lire(request).url)
    demande = dossier_de(request, numero)
    messages.success(request, page.recu(demande))
    return redirect(adresse_de(request, "admin:dossier", demande))


def _est_deja_fait(page: PageDActe, demande: Demande, form: forms.Form, envoi: Envoi) -> bool:
    """Le second clic du même envoi reçoit le même reçu."""
    if page.deja_fait:
        return page.deja_fait(demande, form, envoi)
    return operations.est_deja_fait(demande, agent=envoi.agent, geste=page.geste, version=envoi.version)


def _en_conflit(
    request: HttpRequest, conflit: Conflit, page: PageDActe, form: forms.Form, envoi: Envoi
) -> HttpResponse:
    """Si l'acte reste possible, la même page, remplie, dit ce qui a changé ; sinon, la page du conflit."""
    demande = dossier_de(request, conflit.demande.numero)
    if peut(envoi.agent, page.geste, demande):
        return montrer(request, demande, page, form, status=409, changements=changements(demande, envoi.version))
    saisie = [{"libelle": champ.label, "valeur": str(champ.value() or "")} for champ in form.visible_fields()]
    return page_de_conflit(request, conflit, saisie=saisie)


def montrer(
    request: HttpRequest, demande: Demande, page: PageDActe, form: forms.Form, *, version: int | str | None = None,
    status: int = 200, **de_plus,
) -> HttpResponse:  # fmt: skip
    contexte = contexte_du_dossier(request, demande) | {
        "page": page,
        "form": form,
        "version": demande.version if version is None else version,
        "apercus": apercus_de(demande, page, form),
        "avec_apercu": page.message is not None,
        "sans_document": not page.avec_document,
        **page.contexte(demande, form),
        **de_plus,
    }
    return render(request, page.gabarit, contexte, status=status)


def apercus_de(demande: Demande, page: PageDActe, form: forms.Form, **imposees) -> list:
    """Ce qui part, avec ce qui est saisi ou proposé d'avance ; rien tant que la saisie est fautive. `imposees` : ce que
    l'acte écrira quoi qu'il soit saisi."""
    if page.message is None or (form.is_bound and not form.is_valid()):
        return []
    valeurs = (
        form.cleaned_data if form.is_bound else {n: form.get_initial_for_field(f, n) for n, f in form.fields.items()}
    )
    if (composition := page.message(demande, valeurs | imposees)) is None:
        return []
    message, contexte = composition
    return apercus(message, demande.usager.compte, contexte)
