"""Où en est une demande : l'accueil et le support répondent sans ouvrir le dossier."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from demandes.models import Demande
from demandes.suivi import frise, genre_de_l_etat, type_de_demande
from documents.models import Document
from instruction import operations
from instruction.models import Consultation
from instruction.permissions import agent_de, demandes_suivies, voit
from instruction.presentation import etat_lu, insecable, numero_decoupe
from instruction.views.acces import contexte_d_agent
from notifications.models import Envoi
from usagers.numeros import est_numero_demande, normaliser


@require_safe
def guichet(request: HttpRequest) -> HttpResponse:
    agent = agent_de(request.user)
    if not voit(agent, "guichet"):
        raise Http404
    saisi = request.GET.get("numero", "").replace("\x00", "").strip()[:40]
    contexte = {**contexte_d_agent(agent), "saisi": saisi}
    demande = _demandee(agent, saisi)
    if demande:
        operations.noter_lecture(agent, demande, Consultation.Nature.DOSSIER, objet="guichet", le=timezone.now())
        contexte |= {
            "demande": demande,
            "numero": numero_decoupe(demande.numero),
            "type_de_demande": insecable(type_de_demande(demande)),
            "etat": etat_lu(demande),
            "genre": genre_de_l_etat(demande),
            "jalons": frise(demande),
            "documents": Document.objects.filter(evenements__demande=demande).distinct().order_by("pk"),
            "envois": Envoi.objects.filter(notification__evenements__demande=demande).distinct().order_by("pk"),
        }
    return render(request, "instruction/guichet.html", contexte, status=404 if saisi and not demande else 200)


def _demandee(agent, saisi: str) -> Demande | None:
    """La demande de ce numéro, si elle est du site de l'agent."""
    if not est_numero_demande(numero := normaliser(saisi)):
        return None
    return demandes_suivies(agent).filter(numero=numero).prefetch_related("evenements").first()
