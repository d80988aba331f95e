"""Répondre à une demande de complément : garder, joindre, puis tout envoyer en une fois."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from demandes.complements import fichiers_d_origine, lettre
from demandes.etats import Etat
from demandes.models import Cloture, Complement, ComplementLigne, Demande, Instantane, PieceJointe
from demandes.operations.base import PieceRefusee, verrouiller
from demandes.operations.depot import figer
from demandes.operations.pieces import ENVOIS_MAX
from demandes.parcours import Manque
from documents.fichiers import recevoir
from documents.models import Fichier
from notifications.models import Notification
from usagers.models import Compte

Reponse = ComplementLigne.Reponse
FICHIERS_MAX = 10
TEXTE_MAX = 2000


class ComplementFerme(Exception):
    """La réponse est partie, ou l'agent a renoncé : rien ne s'y change plus."""

    def __init__(self, complement: Complement):
        super().__init__(complement.pk)
        self.complement = complement


class ReponsePerimee(Exception):
    """La réponse a été enregistrée ailleurs depuis que la page a été ouverte."""


class ReponseIncomplete(Exception):
    """Tout doit être traité avant l'envoi ; `manques` dit ce qui reste."""

    def __init__(self, manques: list[Manque]):
        super().__init__(", ".join(manque.ancre for manque in manques))
        self.manques = manques


@dataclass(frozen=True)
class ReponseSaisie:
    """Ce que la personne a coché et écrit pour une ligne."""

    reponse: str = ""
    justification: str = ""


def reponses_permises(ligne: ComplementLigne, origine: Mapping[str, list]) -> tuple[Reponse, ...]:
    """Une pièce déjà jointe se maintient ou se met à jour ; une autre se joint, ou ne peut pas être fournie."""
    if not ligne.code:
        return (Reponse.INFORMATION,)
    if origine.get(ligne.code):
        return (Reponse.MAINTENIR, Reponse.REMPLACER)
    return (Reponse.JOINDRE, Reponse.IMPOSSIBLE)


def fichiers_joints(ligne: ComplementLigne) -> list[PieceJointe]:
    """Les fichiers posés pour cette ligne, non retirés ; lus dans ce qui est préchargé."""
    return [jointe for jointe in ligne.fichiers.all() if jointe.retiree_le is None]


def empreinte_de_la_reponse(complement: Complement, lignes: list[ComplementLigne]) -> str:
    """Ce que la page montrait : une réponse gardée ailleurs la change."""
    vu = [complement.reponse, *([ligne.rang, ligne.reponse, ligne.justification] for ligne in lignes)]
    return hashlib.sha256(json.dumps(vu).encode()).hexdigest()[:16]


def _verrouiller(complement: Complement) -> Complement:
    """La demande puis son complément, verrouillés. Lève `ComplementFerme`."""
    demande = verrouiller(complement.demande)
    complement = Complement.objects.select_for_update(of=("self",), no_key=True).select_related("notification").get(
        pk=complement.pk
    )  # fmt: skip
    complement.demande = demande
    ouverte = complement.notification.lue_le is not None
    if not (complement.est_ouvert and ouverte and demande.etat == Etat.COMPLEMENT_DEMANDE):
        raise ComplementFerme(complement)
    return complement


@transaction.atomic
def enregistrer_reponses(
    complement: Complement, reponses: Mapping[int, ReponseSaisie], *, message: str, empreinte: str
) -> Complement:
    """Garde ce qui est coché et écrit, par rang de ligne, sans rien exiger.

    Lève `ComplementFerme`, et `ReponsePerimee` si une réponse différente a été gardée depuis l'`empreinte` lue.
    """
    complement = _verrouiller(complement)
    lignes = list(complement.lignes.all())
    lue, origine = empreinte_de_la_reponse(complement, lignes), fichiers_d_origine(complement)
    complement.reponse = _texte(message)
    for ligne in lignes:
        saisie = reponses.get(ligne.rang, ReponseSaisie(ligne.reponse, ligne.justification))
        ligne.justification = _texte(saisie.justification)
        if not ligne.code:
            ligne.reponse = Reponse.INFORMATION if ligne.justification else ""
        else:
            ligne.reponse = saisie.reponse if saisie.reponse in reponses_permises(ligne, origine) else ""
    if empreinte != lue and empreinte_de_la_reponse(complement, lignes) != lue:
        raise ReponsePerimee
    complement.save(update_fields=["reponse"])
    ComplementLigne.objects.bulk_update(lignes, ["reponse", "justification"])
    return complement


def _texte(texte: str) -> str:
    return texte.replace("\x00", "").replace("\r\n", "\n").strip()[:TEXTE_MAX]


def verifier_place_au_complement(ligne: ComplementLigne) -> None:
    """Un fichier de plus tient-il ? À demander avant de lire un fichier pour rien. Lève `PieceRefusee`."""
    if not ligne.code:
        raise PieceRefusee(_("Cette demande attend un texte, pas un fichier."))
    vivants = PieceJointe.objects.vivantes().filter(posee_pour=ligne).count()
    if vivants >= FICHIERS_MAX:
        raise PieceRefusee(
            _("Vous avez déjà joint %(nombre)s fichiers, le maximum. Supprimez-en un avant d'en ajouter.")
            % {"nombre": FICHIERS_MAX}
        )
    if PieceJointe.objects.filter(posee_pour__complement=ligne.complement_id).count() >= ENVOIS_MAX:
        raise PieceRefusee(
            _("Vous avez envoyé %(nombre)s fichiers pour cette demande, le maximum. Écrivez à l'assistance.")
            % {"nombre": ENVOIS_MAX}
        )


def joindre_au_complement(ligne: ComplementLigne, televersement: UploadedFile, *, le: dt.datetime) -> PieceJointe:
    """Lit et range le fichier hors transaction, puis le pose pour cette ligne ; il ne compte qu'une fois envoyé.

    Lève `FichierRefuse`, `PieceRefusee`, `ComplementFerme`.
    """
    verifier_place_au_complement(ligne)
    return _poser(ligne, recevoir(televersement), le=le)


@transaction.atomic
def _poser(ligne: ComplementLigne, fichier: Fichier, *, le: dt.datetime) -> PieceJointe:
    complement = _verrouiller(ligne.complement)
    vivants = PieceJointe.objects.vivantes().filter(posee_pour=ligne, fichier__empreinte=fichier.empreinte)
    if deja := vivants.first():
        return deja
    verifier_place_au_complement(ligne)
    return PieceJointe.objects.create(
        demande=complement.demande, code=ligne.code, fichier=fichier, ajoutee_le=le, posee_pour=ligne
    )


@transaction.atomic
def retirer_du_complement(complement: Complement, piece: PieceJointe, *, le: dt.datetime) -> None:
    """Retire un fichier posé pour répondre ; sans effet s'il l'est déjà. Lève `ComplementFerme`."""
    complement = _verrouiller(complement)
    PieceJointe.objects.vivantes().filter(pk=piece.pk, posee_pour__complement=complement).update(retiree_le=le)


def manques_de_la_reponse(
    complement: Complement, lignes: list[ComplementLigne], origine: Mapping[str, list]
) -> list[Manque]:
    """Une phrase par ligne qui n'est pas traitée, dans la langue de la page."""
    textes = [manque_de_la_ligne(ligne, reponses_permises(ligne, origine)) for ligne in lignes]
    if not any(textes):
        return []
    dites = lettre(complement, lignes, langue=get_language() or "fr")["lignes"]
    return [
        Manque("complement", texte % {"piece": dite.libelle}, "", f"ligne-{ligne.rang}")
        for ligne, dite, texte in zip(lignes, dites, textes, strict=True)
        if texte
    ]


def manque_de_la_ligne(ligne: ComplementLigne, permises: tuple[Reponse, ...]) -> str:
    """Ce qui reste à faire pour cette ligne, vide si elle est traitée."""
    if not ligne.code:
        return "" if ligne.justification else _("%(piece)s : écrivez votre réponse.")
    if ligne.reponse not in permises:
        if Reponse.MAINTENIR in permises:
            return _("%(piece)s : choisissez de maintenir le document ou de le mettre à jour.")
        return _("%(piece)s : joignez le document, ou dites que vous ne pouvez pas le fournir.")
    if ligne.reponse == Reponse.MAINTENIR and not ligne.justification:
        return _("%(piece)s : dites pourquoi vous maintenez ce document.")
    if ligne.reponse == Reponse.IMPOSSIBLE and not ligne.justification:
        return _("%(piece)s : dites pourquoi vous ne pouvez pas fournir ce document.")
    if ligne.reponse in {Reponse.REMPLACER, Reponse.JOINDRE} and not fichiers_joints(ligne):
        return _("%(piece)s : joignez le document.")
    return ""


@transaction.atomic
def repondre_complement(complement: Complement, *, par: Compte, le: dt.datetime) -> Complement:
    """Envoie la réponse (T5) : les nouveaux fichiers comptent, les anciens sont gardés, un instantané est figé.

    Un second appel rend la réponse déjà envoyée. Lève `ComplementFerme`, `ReponseIncomplete`.
    """
    try:
        complement = _verrouiller(complement)
    except ComplementFerme as ferme:
        if ferme.complement.repondu_le:
            return ferme.complement
        raise
    demande, origine = complement.demande, fichiers_d_origine(complement)
    lignes = list(complement.lignes.prefetch_related("fichiers__fichier"))
    if manques := manques_de_la_reponse(complement, lignes, origine):
        raise ReponseIncomplete(manques)
    for ligne in lignes:
        _mettre_en_vigueur(ligne, origine, le=le)
    complement.repondu_le = le
    complement.save(update_fields=["repondu_le"])
    demande.clotures.proposees().filter(motif=Cloture.SANS_REPONSE).update(ecartee_le=le)  # elle a répondu
    Notification.objects.filter(pk=complement.notification_id).update(repondue_le=le)
    _figer_la_reponse(complement, lignes, par=par, le=le)
    demande.passer_a(
        Etat.COMPLEMENT_RECU, par=par, le=le, notification=complement.notification,
        codes={"complement": complement.pk, "reponses": {ligne.code: ligne.reponse for ligne in lignes if ligne.code}},
    )  # fmt: skip
    return complement


def _mettre_en_vigueur(ligne: ComplementLigne, origine: Mapping[str, list], *, le: dt.datetime) -> None:
    """Remplacer retire les anciens fichiers, que le dépôt figé garde ; ne pas s'en servir retire les nouveaux."""
    nouveaux = fichiers_joints(ligne)
    if ligne.reponse in {Reponse.REMPLACER, Reponse.JOINDRE}:
        anciens = [fichier["piece"] for fichier in origine.get(ligne.code, ())]
        PieceJointe.objects.vivantes().filter(pk__in=anciens).update(retiree_le=le)
        for ancien, nouveau in zip(anciens, nouveaux, strict=False):
            PieceJointe.objects.filter(pk=nouveau.pk).update(remplace=ancien)
    elif nouveaux:
        PieceJointe.objects.filter(pk__in=[jointe.pk for jointe in nouveaux]).update(retiree_le=le)


def _figer_la_reponse(
    complement: Complement, lignes: list[ComplementLigne], *, par: Compte, le: dt.datetime
) -> Instantane:
    dernier = complement.demande.instantanes.latest("rang")
    contenu = dernier.contenu
    pieces = {piece["code"]: piece for piece in contenu["pieces"]}
    for ligne in lignes:
        if not ligne.code:
            continue
        if ligne.code not in pieces:
            pieces[ligne.code] = _piece_ajoutee(ligne)
            contenu["pieces"].append(pieces[ligne.code])
        piece = pieces[ligne.code]
        if ligne.reponse in {Reponse.REMPLACER, Reponse.JOINDRE}:
            piece["absence"] = ""
            piece["fichiers"] = [
                {
                    "piece": jointe.pk, "nom": jointe.fichier.nom_affiche, "taille": jointe.fichier.taille,
                    "empreinte": jointe.fichier.empreinte,
                }
                for jointe in fichiers_joints(ligne)
            ]  # fmt: skip
        elif ligne.reponse == Reponse.IMPOSSIBLE:
            piece["absence"] = ligne.justification
    contenu.setdefault("complements", []).append(
        {
            "demande_le": complement.demande_le.isoformat(),
            "message": complement.reponse,
            "lignes": [
                {
                    "code": ligne.code, "libelle": ligne.libelle, "reponse": ligne.reponse,
                    "justification": ligne.justification,
                }
                for ligne in lignes
            ],
        }
    )  # fmt: skip
    return figer(complement.demande, contenu, rang=dernier.rang + 1, cause=Instantane.Cause.COMPLEMENT, par=par, le=le)


def _piece_ajoutee(ligne: ComplementLigne) -> dict:
    """Une pièce que le dépôt n'appelait pas."""
    return {
        "code": ligne.code, "libelle": ligne.libelle, "obligatoire": True, "numero": "", "declaration": "",
        "anciennete_max": None, "absence": "", "fichiers": [],
    }  # fmt: skip


def complement_ouvert(demande: Demande) -> Complement | None:
    return (
        demande.complements.filter(repondu_le__isnull=True, annule_le__isnull=True)
        .select_related("notification")
        .first()
    )
