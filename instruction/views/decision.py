"""Décider à plusieurs : proposer, puis viser, renvoyer ou signer sur la page de la proposition."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from demandes.demarches.formulaires import euros
from demandes.models import Decision, Demande
from documents.fichiers import FichierRefuse, recevoir
from documents.operations import NonEncodable
from instruction import operations
from instruction.forms import AccordForm, AvisForm, RefusForm, RenvoiForm
from instruction.operations import Conflit, DecisionImpossible, DejaSigne, DejaVisee, GesteInterdit, QuatreYeux
from instruction.permissions import peut
from instruction.presentation import Attention, a_l_heure, apercus, lignes_de_decision, nom_de, phrase_non_encodable
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
from instruction.views.dossier import contexte_du_dossier, fichier_ou_404
from instruction.views.reprise import saisie_reprise
from notifications.catalogue import Message

SENS = Decision.Sens


# --- Proposer --------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
def proposer(request: HttpRequest, numero: str) -> HttpResponse:
    """Proposer d'accorder : rien n'est envoyé, le signataire verra ce qui partira."""
    demande, agent, jour = dossier_de(request, numero), agent_connecte(request), timezone.localdate()
    if request.method != "POST":
        if not peut(agent, "proposer", demande):
            return acte_interdit(request, demande)
        return _page_d_accord(request, demande, AccordForm(saisie_reprise(request), demande=demande, jour=jour))
    form, version = AccordForm(request.POST, demande=demande, jour=jour), version_lue(request)
    if not form.is_valid():
        return _page_d_accord(request, demande, form, status=422)
    try:
        operations.proposer_favorable(
            demande, form.accord, **form.mots, agent=agent, version=version, le=timezone.now()
        )
    except Conflit as conflit:
        if not _est_deja_propose(request, conflit.demande, form, accord=form.accord):
            return _conflit_de_proposition(request, conflit, form, page=_page_d_accord)
    except GesteInterdit:
        return acte_interdit(request, demande)
    except DecisionImpossible as refus:
        form.add_error(refus.champ, str(refus))
        return _page_d_accord(request, demande, form, status=422)
    except NonEncodable as refus:
        form.add_error(None, phrase_non_encodable(refus))
        return _page_d_accord(request, demande, form, status=422)
    return _vers_la_proposition(request, demande)


@require_http_methods(["GET", "HEAD", "POST"])
def proposer_refus(request: HttpRequest, numero: str) -> HttpResponse:
    """Proposer de refuser, avec le PDF de la préfecture."""
    demande, agent, jour = dossier_de(request, numero), agent_connecte(request), timezone.localdate()
    if request.method != "POST":
        if not peut(agent, "proposer", demande):
            return acte_interdit(request, demande)
        return _page_de_refus(request, demande, RefusForm(saisie_reprise(request), jour=jour))
    form, version = RefusForm(request.POST, request.FILES, jour=jour), version_lue(request)
    if not form.is_valid():
        return _page_de_refus(request, demande, form, status=422)
    if version == demande.version and not peut(agent, "proposer", demande):
        return acte_interdit(request, demande)
    try:
        fichier = recevoir(form.cleaned_data["fichier"])
    except FichierRefuse as refus:
        form.add_error("fichier", str(refus))
        return _page_de_refus(request, demande, form, status=422)
    try:
        operations.proposer_refus(
            demande, fichier, voies_et_delais=form.cleaned_data["voies_et_delais"], **form.mots, agent=agent,
            version=version, le=timezone.now(),
        )  # fmt: skip
    except Conflit as conflit:
        memes_octets = _octets_proposes(conflit.demande) == fichier.empreinte
        if not (memes_octets and _est_deja_propose(request, conflit.demande, form, accord=None)):
            return _conflit_de_proposition(request, conflit, form, page=_page_de_refus)
    except GesteInterdit:
        return acte_interdit(request, demande)
    return _vers_la_proposition(request, demande)


def _est_deja_propose(request: HttpRequest, demande: Demande, form: AvisForm, *, accord) -> bool:
    deja_fait = operations.est_deja_fait(
        demande, agent=agent_connecte(request), geste="proposer", version=version_lue(request)
    )
    return deja_fait and operations.est_cette_proposition(demande, accord=accord, **form.mots)


def _octets_proposes(demande: Demande) -> str:
    decision = operations.proposition_de(demande)
    return decision.fichier.empreinte if decision and decision.fichier else ""


def _conflit_de_proposition(request: HttpRequest, conflit: Conflit, form: AvisForm, *, page) -> HttpResponse:
    """Si l'acte reste possible, la même page, remplie, dit ce qui a changé ; sinon, la page du conflit."""
    demande = dossier_de(request, conflit.demande.numero)
    if peut(agent_connecte(request), "proposer", demande):
        return page(request, demande, form, status=409, changements=changements(demande, version_lue(request)))
    saisie = [{"libelle": form["avis"].label, "valeur": form.cleaned_data["avis"]}]
    if form.sens == SENS.FAVORABLE:
        saisie = [*_lignes(demande, form.accord), *saisie]
    return page_de_conflit(request, conflit, saisie=saisie)


def _lignes(demande: Demande, accord: operations.Accord) -> list[dict]:
    titre = operations.titre_delivrable(demande, accord.titre)
    return lignes_de_decision(titre, mention=accord.mention, du=accord.du, au=accord.au, taxe=accord.taxe)


def _page_d_accord(request: HttpRequest, demande: Demande, form: AccordForm, *, status=200, **de_plus) -> HttpResponse:
    de_plus |= {"version": version_a_renvoyer(request, demande, status=status), "bareme": _bareme(demande, form)}
    contexte = contexte_du_dossier(request, demande) | {"form": form, **de_plus}
    return render(request, "instruction/proposer.html", contexte, status=status)


def _page_de_refus(request: HttpRequest, demande: Demande, form: RefusForm, *, status=200, **de_plus) -> HttpResponse:
    de_plus |= {"version": version_a_renvoyer(request, demande, status=status)}
    contexte = contexte_du_dossier(request, demande) | {"form": form, **de_plus}
    return render(request, "instruction/proposer_refus.html", contexte, status=status)


def _bareme(demande: Demande, form: AccordForm) -> str:
    code = form["titre"].value()
    if code not in form.taxes:
        return ""
    texte = _("Barème du jour pour ce titre : %(montant)s.") % {"montant": euros(form.taxes[code])}
    if demande.hors_delai:
        texte += " " + _("La majoration pour dépôt hors délai y est comprise.")
    return texte


def _vers_la_proposition(request: HttpRequest, demande: Demande) -> HttpResponse:
    messages.success(request, _("Proposition enregistrée : elle attend une signature. Rien n'est parti à la personne."))
    return redirect(adresse_de(request, "admin:dossier_proposition", demande))


# --- La proposition --------------------------------------------------------------------------------------------------
@require_safe
def proposition(request: HttpRequest, numero: str) -> HttpResponse:
    """Ce qui est proposé, pourquoi, et ce qui partirait ; on y vise, on y renvoie, on y signe."""
    demande = dossier_de(request, numero)
    if operations.acte_en_attente(demande):
        return redirect(adresse_de(request, "admin:dossier_acte", demande))
    return _page_de_proposition(request, demande, RenvoiForm(saisie_reprise(request)))


def _page_de_proposition(request: HttpRequest, demande: Demande, form: RenvoiForm, *, status=200) -> HttpResponse:
    decision, agent = operations.proposition_de(demande), agent_connecte(request)
    if decision is None:
        return acte_interdit(request, demande)
    est_refus = decision.sens == SENS.DEFAVORABLE
    est_de_moi = decision.proposee_par_id == agent.compte_id
    contexte = contexte_du_dossier(request, demande)
    contexte |= {
        "form": form,
        "version": version_a_renvoyer(request, demande, status=status),
        "proposition": decision,
        "lignes": [*([] if est_refus else _lignes(demande, operations.accord_de(decision))), *_avis(decision)],
        "attentions": [] if est_refus else _ecarts(demande, decision),
        "apercus": _apercus(demande, decision.sens),
        "peut_viser": peut(agent, "viser", demande) and not est_de_moi and decision.visee_par_id is None,
        "peut_renvoyer": peut(agent, "renvoyer", demande),
        "peut_signer": peut(agent, "signer_refus" if est_refus else "signer_favorable", demande)
        and not (est_refus and est_de_moi),
        "quatre_yeux": est_refus and est_de_moi,
    }
    return render(request, "instruction/proposition.html", contexte, status=status)


def _avis(decision: Decision) -> list[dict]:
    """Qui propose et pourquoi, qui a visé."""
    libelles = {m.code: m.libelle for m in operations.motifs_d_avis(decision.sens, jour=timezone.localdate())}
    lignes = [
        {"libelle": _("Motifs"), "valeur": ", ".join(libelles.get(code, code) for code in decision.motifs)},
        {"libelle": _("Avis"), "valeur": decision.avis},
        {
            "libelle": _("Proposée par"),
            "valeur": f"{nom_de(decision.proposee_par)}, {a_l_heure(decision.proposee_le)}",
        },
    ]
    if decision.visee_par:
        valeur = f"{nom_de(decision.visee_par)}, {a_l_heure(decision.visee_le)}"
        lignes.append({"libelle": _("Visée par"), "valeur": valeur})
    return [ligne for ligne in lignes if ligne["valeur"]]


def _ecarts(demande: Demande, decision: Decision) -> list[Attention]:
    """Ce que l'on peut vouloir, mais qui n'est pas l'ordinaire de ce titre."""
    titre, ecarts = operations.titre_delivrable(demande, decision.titre), []
    if decision.mention != titre.mention:
        texte = _("L'ordinaire de ce titre est « %(mention)s ».") % {"mention": titre.mention}
        ecarts.append(Attention(_("La mention a été changée"), texte))
    du_jour = operations.taxe_due(demande, titre, jour=timezone.localdate())
    if decision.taxe != du_jour:
        texte = _("Le barème du jour donne %(montant)s.") % {"montant": euros(du_jour)}
        ecarts.append(Attention(_("Le montant n'est pas celui du barème"), texte))
    if decision.au < timezone.localdate():
        ecarts.append(Attention(_("La validité est déjà passée"), _("Vérifiez l'année.")))
    if not demande.complete_au_depot:
        ecarts.append(Attention(_("Dossier incomplet au dépôt"), _("Une pièce obligatoire n'a pas été fournie.")))
    return ecarts


def _apercus(demande: Demande, sens: str) -> list:
    contexte = operations.contexte_de_la_decision(demande, sens)
    return apercus(Message.DECISION, demande.usager.compte, contexte)


@require_safe
def fichier(request: HttpRequest, numero: str) -> HttpResponse:
    """Le PDF du refus proposé, avant qu'il soit notifié."""
    decision = operations.proposition_de(dossier_de(request, numero))
    if decision is None or decision.fichier is None:
        raise Http404
    return fichier_ou_404(decision.fichier)


# --- Viser, renvoyer, signer -----------------------------------------------------------------------------------------
@require_POST
def viser(request: HttpRequest, numero: str) -> HttpResponse:
    demande, agent = dossier_de(request, numero), agent_connecte(request)
    try:
        operations.viser(demande, agent=agent, version=version_lue(request), le=timezone.now())
    except Conflit as conflit:
        return page_de_conflit(request, conflit)
    except GesteInterdit:
        return acte_interdit(request, demande)
    except QuatreYeux:
        messages.error(request, _("Vous avez proposé cette décision : une autre personne doit la viser."))
    except DejaVisee:
        messages.error(request, _("Une autre personne a déjà visé cette proposition."))
    else:
        messages.success(request, _("Proposition visée. Elle attend une signature ; rien n'est parti à la personne."))
    return redirect(adresse_de(request, "admin:dossier_proposition", demande))


@require_POST
def renvoyer(request: HttpRequest, numero: str) -> HttpResponse:
    demande, agent, version = dossier_de(request, numero), agent_connecte(request), version_lue(request)
    form = RenvoiForm(request.POST)
    if not form.is_valid():
        return _page_de_proposition(request, demande, form, status=422)
    raison = form.cleaned_data["raison"]
    try:
        operations.renvoyer(demande, raison=raison, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        if not operations.est_deja_fait(conflit.demande, agent=agent, geste="renvoyer", version=version):
            return page_de_conflit(request, conflit, saisie=[{"libelle": form["raison"].label, "valeur": raison}])
    except GesteInterdit:
        return acte_interdit(request, demande)
    messages.success(
        request, _("Proposition renvoyée en instruction. Votre raison est dans les notes internes du dossier.")
    )
    return redirect(adresse_de(request, "admin:dossier", demande))


@require_POST
def signer(request: HttpRequest, numero: str) -> HttpResponse:
    demande, agent, version = dossier_de(request, numero), agent_connecte(request), version_lue(request)
    try:
        operations.signer(demande, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        signes = ("signer_favorable", "signer_refus")
        if not any(
            operations.est_deja_fait(conflit.demande, agent=agent, geste=geste, version=version) for geste in signes
        ):
            return page_de_conflit(request, conflit)
    except GesteInterdit:
        return acte_interdit(request, demande)
    except QuatreYeux:
        messages.error(request, _("Vous avez proposé ce refus : une autre personne doit le signer."))
        return redirect(adresse_de(request, "admin:dossier_proposition", demande))
    except NonEncodable as refus:
        messages.error(request, phrase_non_encodable(refus))
        return redirect(adresse_de(request, "admin:dossier_proposition", demande))
    except DejaSigne:
        messages.error(request, _("Une autre personne a déjà signé : son acte attend son heure."))
    return vers_l_acte(request, demande)
