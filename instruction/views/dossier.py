"""Un dossier : la demande figée au dépôt, ses pièces, son journal, ses documents, sa décision."""

from collections.abc import Iterable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from demandes.models import Demande, PieceJointe
from demandes.suivi import genre_de_l_etat, type_de_demande
from documents.fichiers import reponse_fichier
from documents.models import Document, Fichier
from instruction.file_de_travail import RechercheTropCourte, chercher, voisins
from instruction.models import Agent
from instruction.operations import acte_en_attente
from instruction.permissions import GESTES, dossiers_visibles, peut
from instruction.presentation import (
    FichierDepose,
    echeance_legale,
    fichiers_deposes,
    fin_de_droits,
    gestes_possibles,
    insecable,
    journal,
    lignes_de_la_decision,
    numero_decoupe,
    phrase_d_envoi,
    points_d_attention,
    titulaire,
)
from instruction.views.acces import Liste, agent_connecte, contexte_d_agent, dossier_de

VUES = {"demande": _("Demande"), "pieces": _("Pièces justificatives"), "historique": _("Historique et documents")}


def contexte_du_dossier(request: HttpRequest, demande: Demande) -> dict:
    """Ce que toute page d'un dossier montre en tête : la personne, l'état, ce qui reste de temps, les actes permis."""
    agent, jour = agent_connecte(request), timezone.localdate()
    possibles = gestes_possibles(agent, demande)
    signees = demande.decisions.filter(signee_le__isnull=False)
    decision = signees.select_related("document__fichier", "signee_par__agent").order_by("-pk").first()
    return {
        **contexte_d_agent(agent),
        "demande": demande,
        "numero": numero_decoupe(demande.numero),
        "type_de_demande": insecable(type_de_demande(demande)),
        "genre": genre_de_l_etat(demande),
        "fin_de_droits": fin_de_droits(demande, jour),
        "echeance_legale": echeance_legale(demande, jour),
        "titulaire": titulaire(demande, agent.compte),
        "gestes": {nom: peut(agent, nom, demande) for nom in GESTES},
        "gestes_principaux": [geste for geste in possibles if geste.est_principal],
        "autres_gestes": [geste for geste in possibles if not geste.est_principal],
        "decision": decision,
        "en_attente": acte_en_attente(demande),
        "liste": Liste.lire(request),
    }


@require_safe
def dossier(request: HttpRequest, numero: str) -> HttpResponse:
    demande = dossier_de(request, numero)
    contexte = contexte_du_dossier(request, demande)
    contenu = demande.instantanes.latest("rang").contenu
    vue = request.GET.get("vue", "")
    vue = vue if vue in VUES else "demande"
    fichiers = fichiers_deposes(contenu)
    precedent, suivant = _voisins(contexte["agent"], contexte["liste"], demande)
    contexte |= {
        "contenu": contenu,
        "vue": vue,
        "vues": list(VUES.items()),
        "nombre_de_fichiers": len(fichiers),
        "attentions": points_d_attention(demande, contenu),
        "precedent": precedent,
        "suivant": suivant,
    }
    if vue == "pieces":
        contexte |= _visionneuse(demande, fichiers, request.GET.get("piece", ""))
    elif vue == "historique":
        lignes = journal(demande)
        contexte |= {"journal": lignes, "documents": [ligne.document for ligne in lignes if ligne.document]}
    return render(request, "instruction/dossier.html", contexte)


def _voisins(agent: Agent, liste: Liste, demande: Demande) -> tuple[str, str]:
    visibles = dossiers_visibles(agent)
    try:
        dossiers = chercher(visibles, liste.q) if liste.q else liste.onglet.dossiers(visibles, agent)
    except RechercheTropCourte:
        return "", ""
    return voisins(dossiers, liste.tri, demande)


def _visionneuse(demande: Demande, fichiers: list[FichierDepose], demandee: str) -> dict:
    """Le fichier à montrer (le premier d'abord), sa place, et ses voisins."""
    if not fichiers:
        return {}
    rang = next((rang for rang, fichier in enumerate(fichiers) if str(fichier.cle) == demandee), 0)
    jointe = PieceJointe.objects.select_related("fichier").filter(demande=demande, pk=fichiers[rang].cle).first()
    return {
        "fichier": fichiers[rang],
        "octets": jointe.fichier if jointe else None,
        "rang": rang + 1,
        "fichier_precedent": fichiers[rang - 1] if rang else None,
        "fichier_suivant": fichiers[rang + 1] if rang + 1 < len(fichiers) else None,
    }


@require_safe
def piece(request: HttpRequest, numero: str, cle: int) -> HttpResponse:
    """Les octets d'une pièce figée : ni celles que la personne a retirées, ni un fichier que l'antivirus retient."""
    demande = dossier_de(request, numero)
    contenus = demande.instantanes.values_list("contenu", flat=True)
    if cle not in _cles_deposees(contenus):
        raise Http404
    jointe = get_object_or_404(PieceJointe.objects.select_related("fichier"), demande=demande, pk=cle)
    return _rendre(jointe.fichier)


def _cles_deposees(contenus: Iterable[dict]) -> set[int]:
    return {fichier.cle for contenu in contenus for fichier in fichiers_deposes(contenu)}


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
    return _rendre(trouve.fichier)


def _rendre(fichier: Fichier) -> HttpResponse:
    if fichier.antivirus == Fichier.Antivirus.INFECTE or fichier.efface_le:
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
