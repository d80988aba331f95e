"""Une pièce d'un dossier : ce que la page en montre, ses octets, l'image d'une de ses pages."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from demandes.models import Demande, PieceJointe
from documents import pages
from documents.fichiers import reponse_fichier
from documents.models import Fichier
from instruction.forms import ControlePieceForm
from instruction.presentation import fichiers_deposes
from instruction.views.acces import dossier_de
from instruction.visionneuse import FichierDuDossier, PieceDuDossier, Regard, rotation


def visionneuse(demande: Demande, pieces: list[PieceDuDossier], parametres) -> dict:
    """Le fichier à montrer (le premier d'abord), sa page, ses voisins, et les liens qui le montrent autrement."""
    fichiers = [fichier for piece in pieces for fichier in piece.fichiers]
    if not fichiers:
        return {}
    rang = next((rang for rang, f in enumerate(fichiers) if str(f.cle) == parametres.get("piece", "")), 0)
    montre, regard = fichiers[rang], Regard.lire(parametres, fichiers[rang].cle)
    jointe = PieceJointe.objects.select_related("fichier").filter(demande=demande, pk=montre.cle).first()
    contexte = {
        "fichier": montre,
        "octets": None if jointe is None or jointe.fichier.est_retenu else jointe.fichier,
        "rang": rang + 1,
        "nombre": len(fichiers),
        "fichier_precedent": fichiers[rang - 1] if rang else None,
        "fichier_suivant": fichiers[rang + 1] if rang + 1 < len(fichiers) else None,
        "controle_form": formulaire_de_controle(montre),
    }
    if contexte["octets"] is not None:
        contexte |= _image(demande, contexte["octets"], regard)
    return contexte


def formulaire_de_controle(fichier: FichierDuDossier, donnees=None) -> ControlePieceForm:
    controle = fichier.controle
    return ControlePieceForm(
        donnees,
        jour=timezone.localdate(),
        initial={"datee_du": controle.datee_du, "verifiee": controle.verifiee} if controle else None,
    )


def _image(demande: Demande, octets: Fichier, regard: Regard) -> dict:
    """L'image à montrer : celle de la personne, ou celle de la page si elle est prête (elle est demandée sinon)."""
    contexte = {"regard": regard, "commandes": regard.commandes}
    if not pages.a_des_pages(octets):
        url = reverse("admin:dossier_piece", args=[demande.numero, regard.cle])
        try:
            tournee = rotation(octets.contenu.storage.open(octets.contenu.name), regard.tour) if regard.tour else None
        except OSError:  # le fichier manque, ou le stockage ne répond pas
            tournee = None
        return {**contexte, "image": url, "rotation": tournee}
    url = reverse("admin:dossier_page", args=[demande.numero, regard.cle, regard.page])
    total = pages.nombre_de_pages(octets, regard.page)
    if total is None:
        return {"image_attendue": url, "demandee": pages.demander(octets, regard.page), "regard": regard}
    if not 1 <= regard.page <= total:
        return {"sans_image": True}
    if regard.page < total:
        pages.demander(octets, regard.page + 1)
        contexte["page_suivante"] = regard.avec(page=regard.page + 1)
    if regard.page > 1:
        contexte["page_precedente"] = regard.avec(page=regard.page - 1)
    tournee = rotation(pages.ouvrir_page(octets, regard.page), regard.tour) if regard.tour else None
    return {**contexte, "image": url, "total": total, "rotation": tournee, "coupee": total == pages.PAGES_MAX}


def preparer_les_pages(demande: Demande, pieces: list[PieceDuDossier]) -> None:
    """Demande d'avance les premières pages des PDF du dossier : elles seront là quand l'agent les ouvrira."""
    cles = [fichier.cle for piece in pieces for fichier in piece.fichiers]
    for jointe in PieceJointe.objects.select_related("fichier").filter(demande=demande, pk__in=cles):
        a_dessiner = pages.a_des_pages(jointe.fichier) and not jointe.fichier.est_retenu
        if a_dessiner and not pages.demander(jointe.fichier):
            return


def fichier_du_dossier(demande: Demande, cle: int) -> Fichier:
    """Une pièce figée : ni celles que la personne a retirées, ni un fichier que l'antivirus retient."""
    contenus = demande.instantanes.values_list("contenu", flat=True)
    if not any(fichier.cle == cle for contenu in contenus for fichier in fichiers_deposes(contenu)):
        raise Http404
    jointe = get_object_or_404(PieceJointe.objects.select_related("fichier"), demande=demande, pk=cle)
    if jointe.fichier.est_retenu:
        raise Http404
    return jointe.fichier


@require_safe
def piece(request: HttpRequest, numero: str, cle: int) -> HttpResponse:
    """Les octets déposés ; « ?telecharger » les enregistre."""
    fichier = fichier_du_dossier(dossier_de(request, numero), cle)
    return reponse_fichier(fichier, en_ligne="telecharger" not in request.GET)


@require_safe
def page(request: HttpRequest, numero: str, cle: int, page: int) -> HttpResponse:
    """L'image d'une page ; 202 tant qu'elle est en préparation."""
    fichier = fichier_du_dossier(dossier_de(request, numero), cle)
    if not pages.a_des_pages(fichier) or not 1 <= page <= pages.PAGES_MAX:
        raise Http404
    if pages.nombre_de_pages(fichier, page) is None:
        return HttpResponse(status=202)
    return pages.reponse_page(fichier, page)
