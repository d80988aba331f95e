"""Les actes : une page chacun, l'état revérifié sous le verrou, l'aperçu de ce qui part avant de confirmer."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from demandes.demarches.formulaires import euros
from demandes.etats import Etat
from demandes.models import Decision, Demande, Evenement
from documents.fichiers import FichierRefuse, recevoir
from documents.operations import NonEncodable
from instruction import operations
from instruction.forms import AccordForm, RefusForm
from instruction.operations import Conflit, DecisionImpossible, GesteInterdit
from instruction.permissions import agent_de, peut
from instruction.presentation import Attention, a_l_heure, apercus, lignes_de_decision, nom_de, phrase_d_envoi
from instruction.views.acces import Liste, agent_connecte, dossier_de
from instruction.views.dossier import contexte_du_dossier
from notifications.catalogue import Message

# Boutons et jetons, qui ne sont pas ce que l'agent a saisi.
HORS_SAISIE = {"csrfmiddlewaretoken", "action", "version"}
CHANGEMENTS_MONTRES = 10


def _version(request: HttpRequest) -> int:
    texte = request.POST.get("version", "")
    return int(texte) if texte.isdecimal() and len(texte) < 10 else -1


def _adresse(request: HttpRequest, nom: str, demande: Demande) -> str:
    return f"{reverse(nom, args=[demande.numero])}?{Liste.lire(request).parametres}"


def _interdit(request: HttpRequest, demande: Demande) -> HttpResponse:
    """L'acte n'est pas permis : le dossier le dit, dans l'état où il est."""
    demande.refresh_from_db(fields=["etat"])
    messages.error(
        request,
        _("Cet acte n'est pas possible : le dossier est à l'état « %(etat)s », ou votre rôle ne le permet pas.")
        % {"etat": demande.get_etat_display()},
    )
    return redirect(_adresse(request, "admin:dossier", demande))


def changements(demande: Demande, version: int) -> list[str]:
    """Qui a changé quoi et quand depuis la version lue, du plus ancien au plus récent."""
    depuis = max(min(demande.version - version, CHANGEMENTS_MONTRES), 1)
    actes = demande.evenements.filter(nature__in=operations.ACTES).select_related("par__agent", "par__usager")
    return [_changement(evenement) for evenement in reversed(actes.order_by("-pk")[:depuis])]


def _changement(evenement: Evenement) -> str:
    nom = nom_de(evenement.par) if evenement.par else _("Le système")
    if evenement.nature != Evenement.Nature.TRANSITION:
        valeurs = {"acte": evenement.get_nature_display(), "quand": a_l_heure(evenement.le), "nom": nom}
        return _("%(acte)s par %(nom)s %(quand)s.") % valeurs
    phrase = {
        Etat.EN_INSTRUCTION: _("%(nom)s a pris ce dossier en charge %(quand)s."),
        Etat.PROPOSITION: _("%(nom)s a proposé une décision %(quand)s."),
        Etat.FAVORABLE: _("%(nom)s a accordé le titre %(quand)s."),
        Etat.DEFAVORABLE: _("%(nom)s a refusé la demande %(quand)s."),
    }.get(Etat(evenement.apres), _("%(nom)s a fait passer le dossier à « %(etat)s » %(quand)s."))
    return phrase % {"nom": nom, "quand": a_l_heure(evenement.le), "etat": Etat(evenement.apres).label}


def _conflit(request: HttpRequest, conflit: Conflit, *, saisie: list[tuple[str, str]] = ()) -> HttpResponse:
    """L'acte ne se fait plus : ce qui a changé, et ce qui avait été saisi."""
    demande = dossier_de(request, conflit.demande.numero)
    contexte = contexte_du_dossier(request, demande)
    contexte |= {"changements": changements(demande, _version(request)), "saisie": saisie}
    return render(request, "instruction/conflit.html", contexte, status=409)


# --- Prendre en charge -----------------------------------------------------------------------------------------------
@require_POST
def prendre(request: HttpRequest, numero: str) -> HttpResponse:
    demande, agent, version = dossier_de(request, numero), agent_connecte(request), _version(request)
    try:
        operations.prendre_en_charge(demande, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        if not operations.est_deja_fait(conflit.demande, agent=agent, geste="prendre_en_charge", version=version):
            return _conflit(request, conflit)
    except GesteInterdit:
        return _interdit(request, demande)
    evenement = demande.evenements.filter(apres=Etat.EN_INSTRUCTION).order_by("-pk").first()
    messages.success(
        request,
        _("Vous avez pris ce dossier en charge. %(personne)s en est informé(e) : %(envoi)s.")
        % {"personne": demande.usager.nom_complet, "envoi": phrase_d_envoi(evenement.notification)},
    )
    return redirect(_adresse(request, "admin:dossier", demande))


# --- Accorder --------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
def accorder(request: HttpRequest, numero: str) -> HttpResponse:
    """Saisir, vérifier, confirmer. Rien n'est écrit avant la confirmation."""
    demande, agent = dossier_de(request, numero), agent_connecte(request)
    jour = timezone.localdate()
    if request.method != "POST":
        if not peut(agent, "accorder", demande):
            return _interdit(request, demande)
        return _page_d_accord(request, demande, AccordForm(demande=demande, jour=jour))
    form, action = AccordForm(request.POST, demande=demande, jour=jour), request.POST.get("action", "verifier")
    if form.is_valid():
        try:
            titre = operations.verifier_accord(demande, form.accord)
        except DecisionImpossible as refus:
            form.add_error(refus.champ, str(refus))
    if action == "confirmer":
        return _confirmer_l_accord(request, demande, form)
    if not peut(agent, "accorder", demande):
        return _interdit(request, demande)
    if not form.is_valid():
        return _page_d_accord(request, demande, form, status=422)
    if action == "modifier":
        return _page_d_accord(request, demande, form)
    return _page_de_verification(request, demande, form, titre)


def _confirmer_l_accord(request: HttpRequest, demande: Demande, form: AccordForm) -> HttpResponse:
    agent, version = agent_de(request.user), _version(request)
    if not form.is_valid():
        return _page_d_accord(request, demande, form, status=422)
    try:
        operations.accorder(demande, form.accord, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        demande = conflit.demande
        deja_fait = operations.est_deja_fait(demande, agent=agent, geste="accorder", version=version)
        if not (deja_fait and operations.accord_pris(demande) == form.accord):
            return _accord_en_conflit(request, conflit, form)
    except GesteInterdit:
        return _interdit(request, demande)
    except NonEncodable as refus:
        texte = _(
            "« %(valeur)s » ne peut pas figurer sur l'attestation : cette valeur ne s'écrit pas en lettres latines. "
            "Rien n'a été décidé. Faites rectifier la donnée, puis recommencez."
        )
        form.add_error(None, texte % {"valeur": refus.valeur})
        return _page_d_accord(request, demande, form, status=422)
    return _vers_la_decision(request, demande)


def _accord_en_conflit(request: HttpRequest, conflit: Conflit, form: AccordForm) -> HttpResponse:
    """Si l'acte reste possible, la même page, remplie, dit ce qui a changé ; sinon, la page du conflit."""
    demande = dossier_de(request, conflit.demande.numero)
    if peut(agent_de(request.user), "accorder", demande):
        return _page_d_accord(request, demande, form, status=409, changements=changements(demande, _version(request)))
    return _conflit(request, conflit, saisie=_lignes_saisies(demande, form))


def _lignes_saisies(demande: Demande, form: AccordForm) -> list[dict]:
    titre = operations.titre_delivrable(demande, form.accord.titre)
    accord = form.accord
    return lignes_de_decision(titre, mention=accord.mention, du=accord.du, au=accord.au, taxe=accord.taxe)


def _page_d_accord(request: HttpRequest, demande: Demande, form: AccordForm, *, status=200, **de_plus) -> HttpResponse:
    contexte = contexte_du_dossier(request, demande) | {"form": form, "bareme": _bareme(demande, form), **de_plus}
    return render(request, "instruction/accorder.html", contexte, status=status)


def _bareme(demande: Demande, form: AccordForm) -> str:
    code = form["titre"].value()
    if code not in form.taxes:
        return ""
    texte = _("Barème du jour pour ce titre : %(montant)s.") % {"montant": euros(form.taxes[code])}
    if demande.hors_delai:
        texte += " " + _("La majoration pour dépôt hors délai y est comprise.")
    return texte


def _page_de_verification(request: HttpRequest, demande: Demande, form: AccordForm, titre) -> HttpResponse:
    contexte = contexte_du_dossier(request, demande) | {
        "form": form,
        "lignes": _lignes_saisies(demande, form),
        "attentions": _ecarts(demande, form, titre),
        "apercus": _apercus(demande, Decision.Sens.FAVORABLE),
        "saisie": [
            (nom, valeur) for nom in request.POST if nom not in HORS_SAISIE for valeur in request.POST.getlist(nom)
        ],
        "version": request.POST.get("version", ""),
    }
    return render(request, "instruction/accorder_verifier.html", contexte)


def _ecarts(demande: Demande, form: AccordForm, titre) -> list[Attention]:
    """Ce que l'agent peut vouloir, mais qui n'est pas l'ordinaire de ce titre."""
    accord, ecarts = form.accord, []
    if accord.mention != titre.mention:
        texte = _("L'ordinaire de ce titre est « %(mention)s ».") % {"mention": titre.mention}
        ecarts.append(Attention(_("La mention a été changée"), texte))
    if accord.taxe != form.taxes[titre.code]:
        texte = _("Le barème du jour donne %(montant)s.") % {"montant": euros(form.taxes[titre.code])}
        ecarts.append(Attention(_("Le montant a été changé"), texte))
    if accord.au < timezone.localdate():
        ecarts.append(Attention(_("La validité est déjà passée"), _("Vérifiez l'année.")))
    if not demande.complete_au_depot:
        ecarts.append(Attention(_("Dossier incomplet au dépôt"), _("Une pièce obligatoire n'a pas été fournie.")))
    return ecarts


def _apercus(demande: Demande, sens: str) -> list:
    contexte = operations.contexte_de_la_decision(demande, sens)
    return apercus(Message.DECISION, demande.usager.compte, contexte)


def _vers_la_decision(request: HttpRequest, demande: Demande) -> HttpResponse:
    decision = demande.decisions.order_by("-pk").first()
    evenement = demande.evenements.filter(document_id=decision.document_id, notification__isnull=False).first()
    phrases = {
        Decision.Sens.FAVORABLE: _(
            "Décision favorable enregistrée. %(personne)s reçoit l'attestation de décision favorable, et : %(envoi)s."
        ),
        Decision.Sens.DEFAVORABLE: _(
            "Refus enregistré. %(personne)s reçoit le document de la préfecture, et : %(envoi)s."
        ),
    }
    messages.success(
        request,
        phrases[decision.sens]
        % {"personne": demande.usager.nom_complet, "envoi": phrase_d_envoi(evenement.notification)},
    )
    return redirect(_adresse(request, "admin:dossier_decision", demande))


# --- Refuser ---------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
def refuser(request: HttpRequest, numero: str) -> HttpResponse:
    demande, agent = dossier_de(request, numero), agent_connecte(request)
    if request.method != "POST":
        if not peut(agent, "refuser", demande):
            return _interdit(request, demande)
        return _page_de_refus(request, demande, RefusForm())
    form = RefusForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page_de_refus(request, demande, form, status=422)
    try:
        fichier = recevoir(form.cleaned_data["fichier"])
    except FichierRefuse as refus:
        form.add_error("fichier", str(refus))
        return _page_de_refus(request, demande, form, status=422)
    motif, version = form.cleaned_data["motif"], _version(request)
    try:
        operations.refuser(demande, fichier, motif=motif, agent=agent, version=version, le=timezone.now())
    except Conflit as conflit:
        demande = dossier_de(request, numero)
        deja_fait = operations.est_deja_fait(demande, agent=agent, geste="refuser", version=version)
        if not (deja_fait and operations.est_le_refus_pris(demande, motif=motif, fichier=fichier)):
            return _refus_en_conflit(request, conflit, form)
    except GesteInterdit:
        return _interdit(request, demande)
    return _vers_la_decision(request, demande)


def _refus_en_conflit(request: HttpRequest, conflit: Conflit, form: RefusForm) -> HttpResponse:
    demande = dossier_de(request, conflit.demande.numero)
    if peut(agent_de(request.user), "refuser", demande):
        return _page_de_refus(request, demande, form, status=409, changements=changements(demande, _version(request)))
    return _conflit(request, conflit, saisie=[{"libelle": form["motif"].label, "valeur": form.cleaned_data["motif"]}])


def _page_de_refus(request: HttpRequest, demande: Demande, form: RefusForm, *, status=200, **de_plus) -> HttpResponse:
    contexte = contexte_du_dossier(request, demande) | {
        "form": form,
        "apercus": _apercus(demande, Decision.Sens.DEFAVORABLE),
        **de_plus,
    }
    return render(request, "instruction/refuser.html", contexte, status=status)
