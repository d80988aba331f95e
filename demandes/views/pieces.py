"""L'étape des justificatifs : une page, un formulaire. Joindre un fichier ne perd rien de ce qui est tapé ailleurs."""

from dataclasses import dataclass, field

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from demandes import operations
from demandes.demarches.base import Etape
from demandes.models import PieceJointe
from demandes.operations import DemandeFigee, NumeroDejaUtilise, PieceRefusee, SaisiePerimee, pieces_a_regler
from demandes.parcours import Parcours, PieceDemandee
from demandes.permissions import demandes_visibles
from demandes.views.acces import (
    adresse_de_la_suite,
    adresse_precedente,
    contexte_d_etape,
    nombre_lu,
    parcours_de,
    vers_la_demande,
    version_lue,
)
from documents.fichiers import ACCEPT, FichierRefuse, reponse_fichier
from usagers.acces import usager_requis


@dataclass
class Emplacement:
    """Une pièce demandée, telle que la page la montre : ce qui est joint, ce qui est déclaré, ce qui ne va pas."""

    piece: PieceDemandee
    absente: bool = False
    declaree: bool = False
    raison: str = ""
    raison_ailleurs: str = ""
    erreurs: list[str] = field(default_factory=list)

    @property
    def a_erreur(self) -> bool:
        return bool(self.erreurs)


def vue(request: HttpRequest, parcours: Parcours, etape: Etape) -> HttpResponse:
    if request.method != "POST":
        return page(request, parcours, etape)
    try:
        return envoyer(request, parcours, etape)
    except DemandeFigee:
        return vers_la_demande(demandes_visibles(request.user).get(pk=parcours.demande.pk))


def page(
    request: HttpRequest,
    parcours: Parcours,
    etape: Etape,
    *,
    erreurs: dict | None = None,
    manques=(),
    saisi: MultiValueDict | None = None,
    status=200,
) -> HttpResponse:
    """`erreurs` : code de pièce → phrases ; `manques` : ce qui empêche de poursuivre.

    `saisi` : un envoi en conflit, montré à la place de ce qui est enregistré, qui est dit à côté.
    """
    erreurs = {code: list(phrases) for code, phrases in (erreurs or {}).items()}
    for manque in manques:
        erreurs.setdefault(manque.ancre.removeprefix("piece-"), []).append(manque.texte)
    declarations = MultiValueDict(parcours.saisie(etape).reponses or {})
    montrees = declarations if saisi is None else saisi
    emplacements = [
        Emplacement(
            piece,
            absente=bool(montrees.get(f"absente_{piece.code}")),
            declaree=bool(montrees.get(f"declaree_{piece.code}")),
            raison=montrees.get(f"raison_{piece.code}", ""),
            raison_ailleurs=declarations.get(f"raison_{piece.code}", "") if saisi is not None else "",
            erreurs=erreurs.get(piece.code, []),
        )
        for piece in parcours.pieces
    ]
    return render(
        request,
        etape.gabarit,
        {
            **contexte_d_etape(parcours, etape),
            "emplacements": emplacements,
            "version": parcours.saisie(etape).version,
            "numero_saisi": request.POST.get("ephoto") or declarations.get("ephoto", ""),
            "accept": ACCEPT,
            "retiree": _derniere_retiree(request, parcours),
            "erreurs": [
                {"ancre": f"piece-{code}", "texte": phrase} for code, phrases in erreurs.items() for phrase in phrases
            ],
        },
        status=status,
    )


def envoyer(request: HttpRequest, parcours: Parcours, etape: Etape) -> HttpResponse:
    """Tout bouton de la page : fichiers choisis et raisons écrites sont gardés d'abord, puis vient l'acte demandé."""
    demande, le = parcours.demande, timezone.now()
    verbe, _deux_points, objet = request.POST.get("action", "poursuivre").partition(":")
    erreurs: dict[str, list[str]] = {}
    piece = None

    _joindre_les_fichiers(request, parcours, erreurs, le=le)
    if verbe in {"retirer", "retablir"}:
        piece = next((jointe for jointe in parcours.jointes if jointe.pk == nombre_lu(objet)), None)
        if piece is None:
            raise Http404
        if verbe == "retirer":
            operations.retirer_piece(demande, piece, le=le)
            messages.success(request, _("« %(nom)s » est supprimé.") % {"nom": piece.fichier.nom_affiche})
            request.session["piece_retiree"] = [demande.pk, piece.pk]
        elif not operations.retablir_piece(demande, piece, le=le):
            messages.error(request, _("Ce fichier ne peut plus être rétabli : joignez-le de nouveau."))
    elif verbe == "retirer_ephoto":
        operations.retirer_ephoto(demande, le=le)
    elif (numero := request.POST.get("ephoto", "").strip()) and verbe in {"ephoto", "poursuivre"}:
        _confirmer_ephoto(demande, numero, erreurs, le=le)
    elif verbe == "ephoto":
        erreurs["EPHOTO"] = [_("Saisissez votre numéro ephoto, par exemple 1PMT-EK77-0613-1138-07AA-00.")]

    valider = verbe == "poursuivre" and not erreurs
    try:
        saisie = operations.enregistrer_pieces(
            demande, etape, request.POST, version=version_lue(request.POST), le=le, valider=valider
        )
    except SaisiePerimee:
        messages.warning(
            request,
            _(
                "Vos justificatifs ont changé dans un autre onglet ou sur un autre appareil. Voici ce que vous venez "
                "de saisir, et à côté ce qui avait été enregistré : gardez ce qui est juste, puis recommencez."
            ),
        )
        return page(request, Parcours(demande, le=le), etape, erreurs=erreurs, saisi=request.POST, status=409)

    parcours = Parcours(demande, le=le)
    if erreurs:
        return page(request, parcours, etape, erreurs=erreurs, status=422)
    if verbe == "poursuivre":
        if saisie.validee_le is None:
            return page(request, parcours, etape, manques=pieces_a_regler(parcours, etape), status=422)
        return redirect(adresse_de_la_suite(request, parcours, etape))
    if verbe == "revenir":
        return redirect(adresse_precedente(parcours, etape))
    if verbe == "quitter":
        messages.success(request, _("Vos justificatifs sont gardés. Reprenez votre demande quand vous voulez."))
        return redirect("demandes:espace")
    ancre = _ancre(verbe, objet, piece)
    return redirect(request.path + (f"#{ancre}" if ancre else ""))


def _derniere_retiree(request: HttpRequest, parcours: Parcours) -> PieceJointe | None:
    """Le dernier fichier supprimé de cette demande, tant qu'il peut être rétabli."""
    demande_pk, piece_pk = request.session.get("piece_retiree") or (None, None)
    if demande_pk != parcours.demande.pk:
        return None
    return next((jointe for jointe in parcours.jointes if jointe.pk == piece_pk and jointe.retiree_le), None)


def _ancre(verbe: str, objet: str, piece: PieceJointe | None) -> str:
    """Revenir là où la personne était."""
    if piece is not None:
        return f"piece-{piece.code}"
    return {"ajouter": f"piece-{objet}", "ephoto": "piece-EPHOTO", "retirer_ephoto": "piece-EPHOTO"}.get(verbe, "")


def _joindre_les_fichiers(request: HttpRequest, parcours: Parcours, erreurs: dict, *, le) -> None:
    """Chaque fichier compte pour lui seul : un refus n'empêche pas les autres."""
    codes = {piece.code for piece in parcours.pieces if piece.piece.a_des_fichiers}
    remplacables = {str(jointe.pk): piece.code for piece in parcours.pieces for jointe in piece.fichiers}
    for nom in request.FILES:
        genre, _souligne, cible = nom.partition("_")
        code = cible if genre == "fichier" else remplacables.get(cible) if genre == "remplacer" else None
        if code not in codes:
            continue
        remplace = int(cible) if genre == "remplacer" else None
        for televersement in request.FILES.getlist(nom):
            try:
                operations.verifier_place(parcours, code, remplace=remplace)
                operations.joindre_piece(
                    parcours.demande, code, televersement, par=request.user, le=le, remplace=remplace
                )
            except (FichierRefuse, PieceRefusee) as refus:
                erreurs.setdefault(code, []).append(str(refus))
    verbe, _deux_points, objet = request.POST.get("action", "").partition(":")
    if verbe == "ajouter" and objet in codes and not request.FILES.getlist(f"fichier_{objet}"):
        erreurs.setdefault(objet, []).append(str(FichierRefuse("absent")))


def _confirmer_ephoto(demande, numero: str, erreurs: dict, *, le) -> None:
    try:
        operations.confirmer_ephoto(demande, numero, le=le)
    except ValidationError as faute:
        erreurs["EPHOTO"] = list(faute.messages)
    except NumeroDejaUtilise:
        erreurs["EPHOTO"] = [
            _("Ce numéro ephoto a déjà servi à une autre demande. Un numéro ne sert qu'une fois : refaites une ephoto.")
        ]


@require_POST
@usager_requis
def ajouter(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """Un fichier, envoyé seul par la page (JavaScript) : rend la liste des fichiers de la pièce, erreur comprise."""
    parcours = parcours_de(request, pk, le=timezone.now())
    if not parcours.demande.est_brouillon:
        return HttpResponse(status=409)
    if parcours.piece(code) is None:
        raise Http404
    remplace, erreurs = nombre_lu(request.POST.get("remplace", "")), []
    try:
        operations.verifier_place(parcours, code, remplace=remplace)
        televersement = request.FILES.get("fichier")
        if televersement is None:
            raise FichierRefuse("absent")
        jointe = operations.joindre_piece(
            parcours.demande, code, televersement, par=request.user, le=parcours.le, remplace=remplace
        )
        parcours = Parcours(jointe.demande, le=parcours.le)  # la même, telle que l'opération l'a lue
    except (FichierRefuse, PieceRefusee) as refus:
        erreurs.append(str(refus))
    except DemandeFigee:
        return HttpResponse(status=409)
    piece = parcours.piece(code)
    if piece is None:  # une réponse changée dans un autre onglet ne l'appelle plus
        raise Http404
    contexte = {"emplacement": Emplacement(piece, erreurs=erreurs), "demande": parcours.demande, "accept": ACCEPT}
    return render(request, "composants/piece_fichiers.html", contexte, status=422 if erreurs else 200)


@require_safe
@usager_requis
@never_cache
def voir(request: HttpRequest, pk: int, piece: int) -> HttpResponse:
    """Une de ses pièces, retirées comprises tant que le brouillon les garde."""
    jointe = get_object_or_404(
        PieceJointe.objects.filter(demande__in=demandes_visibles(request.user), demande_id=pk).select_related(
            "fichier"
        ),
        pk=piece,
    )
    return reponse_fichier(jointe.fichier, en_ligne=True)
