"""Un dossier : la demande figée au dépôt, ses pièces, son journal, ses documents, sa décision."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from demandes.etats import Etat
from demandes.models import Demande, PieceJointe
from demandes.suivi import genre_de_l_etat, type_de_demande
from documents.fichiers import reponse_fichier
from documents.models import Document, Fichier
from instruction import presence
from instruction.controles import indices_des_pieces, indices_du_dossier
from instruction.differences import differences, differences_des_pieces, marquer
from instruction.echanges import echanges
from instruction.file_de_travail import RechercheTropCourte, voisins
from instruction.forms import NoteForm
from instruction.initiatives import initiative
from instruction.models import Agent, ControlePiece
from instruction.operations import (
    GesteInterdit,
    acte_en_attente,
    cloture_proposee,
    controler_piece,
    noter,
    peut_annuler,
)
from instruction.permissions import GESTES, dossiers_visibles, peut
from instruction.presentation import (
    Attention,
    echeance_legale,
    etat_lu,
    fin_de_droits,
    gestes_possibles,
    insecable,
    journal,
    lignes_de_la_decision,
    numero_decoupe,
    phrase_d_envoi,
    titulaire,
)
from instruction.views.acces import Liste, agent_connecte, contexte_d_agent, dossier_de
from instruction.views.pieces import (
    fichier_du_dossier,
    formulaire_de_controle,
    preparer_les_pages,
    visionneuse,
)
from instruction.views.reprise import saisie_reprise
from instruction.visionneuse import pieces_du_dossier

VUES = {
    "demande": _("Demande"),
    "pieces": _("Pièces justificatives"),
    "echanges": _("Échanges"),
    "historique": _("Historique et documents"),
    "notes": _("Notes internes"),
}


def contexte_du_dossier(request: HttpRequest, demande: Demande) -> dict:
    """Ce que toute page d'un dossier montre en tête : la personne, l'état, ce qui reste de temps, les actes permis."""
    agent, jour = agent_connecte(request), timezone.localdate()
    possibles, en_attente = gestes_possibles(agent, demande), acte_en_attente(demande)
    if en_attente:
        # Signé, il ne se signe ni ne se vise une seconde fois : la page de l'acte permet de l'annuler.
        possibles = [geste for geste in possibles if geste.nom != "viser" and not GESTES[geste.nom].differe]
    signees = demande.decisions.filter(signee_le__isnull=False)
    decision = signees.select_related("document__fichier", "signee_par__agent").order_by("-pk").first()
    return {
        **contexte_d_agent(agent),
        "demande": demande,
        "numero": numero_decoupe(demande.numero),
        "type_de_demande": insecable(type_de_demande(demande)),
        "etat": etat_lu(demande),
        "initiative": initiative(demande),
        "genre": genre_de_l_etat(demande),
        "fin_de_droits": fin_de_droits(demande, jour),
        "echeance_legale": echeance_legale(demande, jour),
        "titulaire": titulaire(demande, agent.compte),
        "gestes": {nom: peut(agent, nom, demande) for nom in GESTES},
        "gestes_principaux": [geste for geste in possibles if geste.est_principal],
        "autres_gestes": [geste for geste in possibles if not geste.est_principal],
        "decision": decision,
        "voir_la_proposition": demande.etat == Etat.PROPOSITION
        and not en_attente
        and not {"viser", "signer_favorable", "signer_refus"} & {geste.nom for geste in possibles},
        "en_attente": en_attente,
        "peut_annuler_l_attente": en_attente is not None and peut_annuler(agent, en_attente),
        "cloture": cloture_proposee(demande),
        "liste": Liste.lire(request),
        "presents": presence.signaler(demande, agent, le=timezone.now()),
    }


@require_safe
def dossier(request: HttpRequest, numero: str) -> HttpResponse:
    demande, vue = dossier_de(request, numero), request.GET.get("vue", "")
    return _page(request, demande, vue if vue in VUES else "demande")


def _page(
    request: HttpRequest, demande: Demande, vue: str, *, regarder: dict | None = None, status: int = 200, **de_plus
) -> HttpResponse:
    """Une partie du dossier ; `regarder` remplace ce que l'adresse dit de la pièce à montrer."""
    contexte = contexte_du_dossier(request, demande)
    agent, jour = contexte["agent"], timezone.localdate()
    instantanes = list(demande.instantanes.order_by("rang"))
    contenus = [instantane.contenu for instantane in instantanes]
    controles = {controle.piece_id: controle for controle in ControlePiece.objects.filter(piece__demande=demande)}
    indices = indices_des_pieces(demande, contenus[-1], controles) if vue in {"demande", "pieces"} else {}
    pieces = pieces_du_dossier(contenus, controles, indices)
    fichiers = [fichier for piece in pieces for fichier in piece.fichiers if not fichier.est_ancien]
    precedent, suivant = _voisins(agent, contexte["liste"], demande)
    contexte |= {
        "vue": vue,
        "vues": list(VUES.items()),
        "nombres": {"pieces": len(fichiers), "notes": demande.notes.count()},
        "pieces": pieces,
        "precedent": precedent,
        "suivant": suivant,
    }
    if vue in {"demande", "pieces"}:
        changees = differences(*contenus[-2:]) if len(contenus) > 1 else []
        contexte |= {"contenu": marquer(contenus[-1], changees), "differences": changees}
    if vue == "demande":
        preparer_les_pages(demande, pieces)
        contexte |= {
            "attentions": [*indices_du_dossier(demande, contenus[-1], jour=jour), *_indices_des_fichiers(fichiers)],
            "pieces_changees": differences_des_pieces(*contenus[-2:]) if len(contenus) > 1 else [],
            "instantanes": instantanes,
        }
    elif vue == "pieces":
        contexte |= {"nombre_verifie": sum(fichier.est_verifie for fichier in fichiers)}
        contexte |= visionneuse(demande, pieces, regarder or request.GET)
    elif vue == "echanges":
        contexte["echanges"] = echanges(demande, instantanes)
    elif vue == "historique":
        lignes = journal(demande)
        contexte |= {"journal": lignes, "documents": [ligne.document for ligne in lignes if ligne.document]}
    else:
        contexte |= {
            "notes": demande.notes.select_related("agent").order_by("-le", "-pk"),
            "form": NoteForm(saisie_reprise(request)),
        }
    return render(request, "instruction/dossier.html", contexte | de_plus, status=status)


def _indices_des_fichiers(fichiers) -> list[Attention]:
    return [
        Attention(f"{fichier.piece}, «\u00a0{fichier.nom}\u00a0»\u00a0: {indice.titre}", indice.texte, indice.dossiers)
        for fichier in fichiers
        for indice in fichier.indices
    ]


def _adresse(request: HttpRequest, demande: Demande, suite: str) -> str:
    return f"{reverse('admin:dossier', args=[demande.numero])}?{Liste.lire(request).parametres}&{suite}"


@require_POST
def ajouter_note(request: HttpRequest, numero: str) -> HttpResponse:
    demande, form = dossier_de(request, numero), NoteForm(request.POST)
    if not form.is_valid():
        return _page(request, demande, "notes", form=form, status=422)
    try:
        noter(demande, form.cleaned_data["texte"], agent=agent_connecte(request), le=timezone.now())
    except GesteInterdit:
        messages.error(request, gettext("Ce dossier est d'un autre site : vous pouvez le lire, sans rien y écrire."))
    else:
        messages.success(request, gettext("Note ajoutée. La personne ne la voit pas."))
    return redirect(_adresse(request, demande, "vue=notes"))


@require_POST
def controler(request: HttpRequest, numero: str, cle: int) -> HttpResponse:
    """Garde la date et la vérification d'un fichier, puis montre le même, ou le suivant."""
    demande = dossier_de(request, numero)
    fichier_du_dossier(demande, cle)
    contenus = list(demande.instantanes.order_by("rang").values_list("contenu", flat=True))
    fichiers = [fichier for piece in pieces_du_dossier(contenus, {}, {}) for fichier in piece.fichiers]
    rang = next(rang for rang, fichier in enumerate(fichiers) if fichier.cle == cle)
    form = formulaire_de_controle(fichiers[rang], request.POST)
    if not form.is_valid():
        regarder = {"piece": str(cle)}
        return _page(request, demande, "pieces", regarder=regarder, form=form, controle_form=form, status=422)
    jointe = PieceJointe.objects.select_related("demande").get(pk=cle)
    try:
        controler_piece(jointe, **form.cleaned_data, agent=agent_connecte(request), le=timezone.now())
    except GesteInterdit:
        messages.error(request, gettext("Ce dossier est d'un autre site : vous pouvez le lire, sans rien y écrire."))
    else:
        messages.success(request, gettext("« %(nom)s » : contrôle enregistré.") % {"nom": fichiers[rang].nom})
    if "suivante" in request.POST and rang + 1 < len(fichiers):
        cle = fichiers[rang + 1].cle
    return redirect(_adresse(request, demande, f"vue=pieces&piece={cle}#visionneuse"))


def _voisins(agent: Agent, liste: Liste, demande: Demande) -> tuple[str, str]:
    visibles = dossiers_visibles(agent)
    try:
        dossiers = liste.dossiers_montres(visibles, agent)
    except RechercheTropCourte:
        return "", ""
    return voisins(dossiers, liste.tri, demande)


@require_safe
def document(request: HttpRequest, numero: str, attestation: str) -> HttpResponse:
    """Le PDF d'un document de ce dossier ; une page le dit s'il est encore en préparation."""
    demande = dossier_de(request, numero)
    trouve = get_object_or_404(
        Document.objects.select_related("fichier").filter(evenements__demande=demande).distinct(), numero=attestation
    )
    if trouve.est_en_preparation:
        contexte = {**contexte_du_dossier(request, demande), "document": trouve}
        return render(request, "instruction/document_en_preparation.html", contexte, status=202)
    return fichier_ou_404(trouve.fichier)


def fichier_ou_404(fichier: Fichier) -> HttpResponse:
    if fichier.est_retenu:
        raise Http404
    return reponse_fichier(fichier, en_ligne=True)


@require_safe
def decision(request: HttpRequest, numero: str) -> HttpResponse:
    """La décision prise, ce qui est parti et à qui ; la même page à chaque rechargement."""
    demande = dossier_de(request, numero)
    contexte = contexte_du_dossier(request, demande)
    prise = contexte["decision"]
    if prise is None:
        raise Http404
    prise.demande = demande
    evenement = demande.evenements.filter(document=prise.document, notification__isnull=False).first()
    contexte |= {
        "lignes": lignes_de_la_decision(prise),
        "envoi": phrase_d_envoi(evenement.notification) if evenement else "",
        "suivant": _voisins(contexte["agent"], contexte["liste"], demande)[1],
    }
    return render(request, "instruction/decision.html", contexte)
