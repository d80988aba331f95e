"""Répondre à une demande de complément : une page, un formulaire ; ce qui est écrit est gardé à chaque envoi."""

from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from demandes import operations
from demandes.complements import LigneDeLettre, fichiers_d_origine, lettre
from demandes.etats import Etat
from demandes.models import Complement, ComplementLigne, PieceJointe
from demandes.operations import ComplementFerme, PieceRefusee, ReponseIncomplete, ReponsePerimee, ReponseSaisie
from demandes.permissions import demandes_visibles
from demandes.views.acces import heure_lisible, nombre_lu
from documents.fichiers import ACCEPT, FichierRefuse
from usagers.acces import usager_requis

Reponse = ComplementLigne.Reponse
MOTS = {
    Reponse.MAINTENIR: gettext_lazy("Document maintenu"),
    Reponse.REMPLACER: gettext_lazy("Document mis à jour"),
    Reponse.JOINDRE: gettext_lazy("Document joint"),
    Reponse.IMPOSSIBLE: gettext_lazy("Ne peut pas être fourni"),
    Reponse.INFORMATION: gettext_lazy("Information donnée"),
}


@dataclass
class LigneMontree:
    """Une ligne telle que la page la montre : ce qui est demandé, ce qui est répondu, ce qui ne va pas."""

    ligne: ComplementLigne
    lettre: LigneDeLettre
    origine: list[dict]
    permises: tuple[str, ...]
    reponse: str
    justification: str
    ailleurs: str = ""
    erreurs: list[str] = field(default_factory=list)

    @property
    def fichiers(self) -> list[PieceJointe]:
        return operations.fichiers_joints(self.ligne)

    @property
    def choix(self) -> list[tuple[str, str, bool]]:
        libelles = {
            Reponse.MAINTENIR: _("Maintenir le Document"),
            Reponse.REMPLACER: _("Mettre à jour le Document"),
            Reponse.JOINDRE: _("Joindre un document"),
            Reponse.IMPOSSIBLE: _("Je ne peux pas le fournir"),
        }
        return [(str(code), libelles[code], code == self.reponse) for code in self.permises if code in libelles]

    @property
    def etat(self) -> tuple[str, str]:
        """Ce qui est gardé pour cette ligne, en un mot et une couleur."""
        if operations.manque_de_la_ligne(self.ligne, self.permises):
            return _("À traiter"), "new"
        return str(MOTS[Reponse(self.ligne.reponse)]), "success"


def complement_de(request: HttpRequest, pk: int) -> Complement:
    """La demande de complément de cette notification, si elle est à cette personne ; 404 sinon."""
    complements = Complement.objects.select_related("notification", "demande__usager__compte", "demande__site")
    return get_object_or_404(
        complements, notification=pk, notification__destinataire=request.user,
        demande__in=demandes_visibles(request.user),
    )  # fmt: skip


def attend_une_reponse(complement: Complement) -> bool:
    return complement.est_ouvert and complement.demande.etat == Etat.COMPLEMENT_DEMANDE


@require_http_methods(["GET", "HEAD", "POST"])
@usager_requis
@never_cache
def repondre(request: HttpRequest, pk: int) -> HttpResponse:
    complement = complement_de(request, pk)
    if complement.notification.lue_le is None or not attend_une_reponse(complement):
        return _vers_la_lettre(request, complement)
    if request.method != "POST":
        return page(request, complement)
    try:
        return envoyer(request, complement)
    except ComplementFerme as ferme:
        return _vers_la_lettre(request, ferme.complement)


@require_POST
@never_cache
def brouillon(request: HttpRequest, pk: int) -> JsonResponse:
    """Garde ce qui est tapé, sans le juger. 401 : session fermée ; 409 : changé ailleurs ; 410 : plus attendu."""
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    complement = complement_de(request, pk)
    try:
        complement = _garder(request, complement)
    except ReponsePerimee:
        return JsonResponse({}, status=409)
    except ComplementFerme:
        return JsonResponse({}, status=410)
    version = operations.empreinte_de_la_reponse(complement, list(complement.lignes.all()))
    return JsonResponse({"version": version, "heure": heure_lisible(timezone.now())})


def _garder(request: HttpRequest, complement: Complement) -> Complement:
    """Ce qui est coché et écrit. Lève `ReponsePerimee`, `ComplementFerme`."""
    return operations.enregistrer_reponses(
        complement, _saisies(request, complement), message=request.POST.get("message", ""),
        empreinte=request.POST.get("version", ""),
    )  # fmt: skip


def _vers_la_lettre(request: HttpRequest, complement: Complement) -> HttpResponse:
    """La lettre dit où elle en est : à ouvrir, répondue, ou plus attendue."""
    if request.method == "POST":
        if complement.repondu_le:
            messages.success(request, _phrase_d_envoi())
        else:
            messages.warning(request, _("Ce complément n'est plus attendu : rien n'a été envoyé."))
    return redirect("demandes:notification", complement.notification_id)


def _phrase_d_envoi() -> str:
    return _(
        "Votre réponse est prise en compte. Votre demande complétée est transmise au service chargé de l'instruction."
    )


def page(
    request: HttpRequest,
    complement: Complement,
    *,
    erreurs: dict[int, list[str]] | None = None,
    saisies: dict[int, ReponseSaisie] | None = None,
    message: str | None = None,
    status=200,
) -> HttpResponse:
    """`erreurs` : rang de ligne → phrases. `saisies` : un envoi en conflit, montré à la place de ce qui est gardé."""
    erreurs, saisies = erreurs or {}, saisies or {}
    lignes = list(complement.lignes.prefetch_related("fichiers__fichier"))
    origine = fichiers_d_origine(complement)
    ecrite, montrees = lettre(complement, lignes, langue=get_language() or "fr"), []
    for ligne, texte in zip(lignes, ecrite["lignes"], strict=True):
        saisie = saisies.get(ligne.rang, ReponseSaisie(ligne.reponse, ligne.justification))
        montrees.append(
            LigneMontree(
                ligne, texte, origine.get(ligne.code, []), operations.reponses_permises(ligne, origine),
                saisie.reponse, saisie.justification, ligne.justification if saisies else "",
                erreurs.get(ligne.rang, []),
            )
        )  # fmt: skip
    reste = (complement.echeance_le - timezone.localdate()).days if complement.echeance_le else None
    return render(
        request,
        "demandes/complement/repondre.html",
        {
            "complement": complement,
            "notification": complement.notification,
            "demande": complement.demande,
            "pieces": [ligne for ligne in montrees if ligne.ligne.code and not ligne.lettre.manque],
            "manquantes": [ligne for ligne in montrees if ligne.lettre.manque],
            "informations": [ligne for ligne in montrees if not ligne.ligne.code],
            "message": complement.reponse if message is None else message,
            "version": operations.empreinte_de_la_reponse(complement, lignes),
            "lettre": ecrite,
            "reste": reste,
            "retard": -reste if reste is not None and reste < 0 else 0,
            "accept": ACCEPT,
            "erreurs": [
                {"ancre": f"ligne-{rang}", "texte": phrase} for rang, phrases in erreurs.items() for phrase in phrases
            ],
        },
        status=status,
    )


def envoyer(request: HttpRequest, complement: Complement) -> HttpResponse:
    """Tout bouton de la page : les réponses écrites et les fichiers choisis sont gardés, puis vient l'acte demandé."""
    le = timezone.now()
    verbe, _deux_points, objet = request.POST.get("action", "envoyer").partition(":")
    try:
        complement = _garder(request, complement)
    except ReponsePerimee:
        messages.warning(
            request,
            _(
                "Votre réponse a changé dans un autre onglet ou sur un autre appareil. Voici ce que vous venez de "
                "saisir, et à côté ce qui avait été enregistré : gardez ce qui est juste, puis recommencez."
            ),
        )
        saisies = _saisies(request, complement)
        return page(request, complement, saisies=saisies, message=request.POST.get("message", ""), status=409)
    lignes = list(complement.lignes.all())
    for ligne in lignes:
        ligne.complement = complement
    erreurs = _joindre_les_fichiers(request, lignes, le=le)
    if verbe == "retirer":
        objet = _retirer(request, complement, objet, le=le)
    if verbe == "joindre" and not request.FILES and nombre_lu(objet) in {ligne.rang for ligne in lignes}:
        erreurs[nombre_lu(objet)] = [str(FichierRefuse("absent"))]
    if erreurs:
        return page(request, complement, erreurs=erreurs, status=422)
    if verbe == "envoyer":
        return _envoyer_la_reponse(request, complement, le=le)
    if verbe == "quitter":
        messages.success(
            request, _("Votre réponse est gardée, mais pas encore envoyée. Reprenez-la quand vous voulez.")
        )
        return redirect("demandes:notifications")
    rang = nombre_lu(objet)
    return redirect(request.path + (f"#ligne-{rang}" if rang else ""))


def _saisies(request: HttpRequest, complement: Complement) -> dict[int, ReponseSaisie]:
    origine = fichiers_d_origine(complement)
    return {
        ligne.rang: _saisie(request, ligne, operations.reponses_permises(ligne, origine))
        for ligne in complement.lignes.all()
    }


def _saisie(request: HttpRequest, ligne: ComplementLigne, permises: tuple[str, ...]) -> ReponseSaisie:
    reponse = request.POST.get(f"reponse_{ligne.rang}", "")
    if not reponse and request.FILES.get(f"fichier_{ligne.rang}"):  # choisir un fichier sans rien cocher se comprend
        reponse = next((code for code in permises if code in {Reponse.REMPLACER, Reponse.JOINDRE}), "")
    return ReponseSaisie(reponse, request.POST.get(f"justification_{ligne.rang}", ""))


def _joindre_les_fichiers(request: HttpRequest, lignes: list[ComplementLigne], *, le) -> dict[int, list[str]]:
    """Chaque fichier compte pour lui seul : un refus n'empêche pas les autres."""
    erreurs: dict[int, list[str]] = {}
    for ligne in lignes:
        for televersement in request.FILES.getlist(f"fichier_{ligne.rang}"):
            try:
                operations.joindre_au_complement(ligne, televersement, le=le)
            except (FichierRefuse, PieceRefusee) as refus:
                erreurs.setdefault(ligne.rang, []).append(str(refus))
    return erreurs


def _retirer(request: HttpRequest, complement: Complement, objet: str, *, le) -> str:
    """Retire un fichier posé pour répondre ; rend le rang de sa ligne."""
    piece = get_object_or_404(
        PieceJointe.objects.select_related("fichier", "posee_pour"), pk=nombre_lu(objet) or 0,
        posee_pour__complement=complement,
    )  # fmt: skip
    operations.retirer_du_complement(complement, piece, le=le)
    messages.success(request, _("« %(nom)s » est supprimé.") % {"nom": piece.fichier.nom_affiche})
    return str(piece.posee_pour.rang)


def _envoyer_la_reponse(request: HttpRequest, complement: Complement, *, le) -> HttpResponse:
    try:
        operations.repondre_complement(complement, par=request.user, le=le)
    except ReponseIncomplete as incomplete:
        erreurs: dict[int, list[str]] = {}
        for manque in incomplete.manques:
            erreurs.setdefault(int(manque.ancre.removeprefix("ligne-")), []).append(manque.texte)
        return page(request, complement, erreurs=erreurs, status=422)
    messages.success(request, _phrase_d_envoi())
    return redirect("demandes:notification", complement.notification_id)


def contexte_de_la_lettre(complement: Complement) -> dict:
    """La lettre et, une fois envoyée, la réponse : une page à relire."""
    lignes = list(complement.lignes.prefetch_related("fichiers__fichier"))
    lue = lettre(complement, lignes, langue=get_language() or "fr")
    return {
        "complement": complement,
        "lettre": lue,
        "reponses": [
            {
                "libelle": texte.libelle,
                "reponse": MOTS[Reponse(ligne.reponse)],
                "justification": ligne.justification,
                "fichiers": operations.fichiers_joints(ligne),
            }
            for ligne, texte in zip(lignes, lue["lignes"], strict=True)
            if complement.repondu_le
        ],
    }
