"""Ce que les pages d'actes partagent : la version lue, le refus, ce qui a changé, le conflit."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from demandes.etats import Etat
from demandes.models import Demande, Evenement
from instruction import operations
from instruction.operations import Conflit
from instruction.presentation import a_l_heure, nom_de, texte_de
from instruction.views.acces import Liste, dossier_de
from instruction.views.dossier import contexte_du_dossier
from instruction.views.reprise import version_reprise

CHANGEMENTS_MONTRES = 10


def version_lue(request: HttpRequest) -> int:
    texte = request.POST.get("version", "")
    return int(texte) if texte.isdecimal() and len(texte) < 10 else -1


def version_a_renvoyer(request: HttpRequest, demande: Demande, *, status: int) -> int | str:
    """La version que la page porte : celle que l'agent a lue, tant qu'un conflit ne lui a pas montré la suivante."""
    if status == HTTPStatus.CONFLICT:
        return demande.version
    return request.POST.get("version") or version_reprise(request) or demande.version


def adresse_de(request: HttpRequest, nom: str, demande: Demande) -> str:
    return f"{reverse(nom, args=[demande.numero])}?{Liste.lire(request).parametres}"


def acte_interdit(request: HttpRequest, demande: Demande) -> HttpResponse:
    """L'acte n'est pas permis : le dossier le dit, dans l'état où il est."""
    demande.refresh_from_db(fields=["etat"])
    messages.error(
        request,
        _("Cet acte n'est pas possible : le dossier est à l'état « %(etat)s », ou votre rôle ne le permet pas.")
        % {"etat": demande.get_etat_display()},
    )
    return redirect(adresse_de(request, "admin:dossier", demande))


def changements(demande: Demande, version: int) -> list[str]:
    """Qui a changé quoi et quand depuis la version lue, du plus ancien au plus récent."""
    depuis = max(min(demande.version - version, CHANGEMENTS_MONTRES), 1)
    actes = demande.evenements.filter(nature__in=operations.ACTES).select_related("par__agent", "par__usager")
    return [_changement(evenement) for evenement in reversed(actes.order_by("-pk")[:depuis])]


def _changement(evenement: Evenement) -> str:
    nom = nom_de(evenement.par) if evenement.par else _("Le système")
    if evenement.nature != Evenement.Nature.TRANSITION:
        valeurs = {"acte": texte_de(evenement), "quand": a_l_heure(evenement.le), "nom": nom}
        return _("%(acte)s par %(nom)s %(quand)s.") % valeurs
    if evenement.apres == Etat.EN_INSTRUCTION and evenement.avant != Etat.DEPOSEE:
        phrase = _("%(nom)s a remis ce dossier en instruction %(quand)s.")
        return phrase % {"nom": nom, "quand": a_l_heure(evenement.le)}
    phrase = {
        Etat.EN_INSTRUCTION: _("%(nom)s a pris ce dossier en charge %(quand)s."),
        Etat.COMPLEMENT_DEMANDE: _("%(nom)s a demandé un complément %(quand)s."),
        Etat.COMPLEMENT_RECU: _("%(nom)s a répondu à la demande de complément %(quand)s."),
        Etat.PROPOSITION: _("%(nom)s a proposé une décision %(quand)s."),
        Etat.FAVORABLE: _("%(nom)s a accordé le titre %(quand)s."),
        Etat.DEFAVORABLE: _("%(nom)s a refusé la demande %(quand)s."),
    }.get(Etat(evenement.apres), _("%(nom)s a fait passer le dossier à « %(etat)s » %(quand)s."))
    return phrase % {"nom": nom, "quand": a_l_heure(evenement.le), "etat": Etat(evenement.apres).label}


def page_de_conflit(request: HttpRequest, conflit: Conflit, *, saisie: list[tuple[str, str]] = ()) -> HttpResponse:
    """L'acte ne se fait plus : ce qui a changé, et ce qui avait été saisi."""
    demande = dossier_de(request, conflit.demande.numero)
    contexte = contexte_du_dossier(request, demande)
    contexte |= {"changements": changements(demande, version_lue(request)), "saisie": saisie}
    return render(request, "instruction/conflit.html", contexte, status=409)
