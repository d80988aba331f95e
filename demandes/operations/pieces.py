"""Joindre, retirer, déclarer absent, confirmer un numéro."""

import datetime as dt

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from demandes.demarches import DEMARCHES
from demandes.demarches.base import Etape
from demandes.models import Demande, NumeroUtilise, PieceJointe, Saisie
from demandes.operations.base import NumeroDejaUtilise, PieceRefusee, verrouiller_brouillon
from demandes.operations.saisie import ecrire_saisie
from demandes.parcours import Manque, Parcours, PieceDemandee
from documents.fichiers import recevoir
from documents.models import Fichier
from usagers.models import Compte
from usagers.numeros import lire_numero_ephoto

# Ce qu'un brouillon peut recevoir en tout, fichiers supprimés ou remplacés compris.
ENVOIS_MAX = 200


def _modifier_pieces(demande: Demande, *, le: dt.datetime) -> None:
    """Une pièce change : la partie « Justificatifs » est à relire."""
    etape = DEMARCHES[demande.demarche].etape_de_genre("pieces")
    Saisie.objects.filter(demande=demande, etape=etape.code).update(relue_le=None)
    Demande.objects.filter(pk=demande.pk).update(modifiee_le=le, version=F("version") + 1)


def piece_demandee(parcours: Parcours, code: str) -> PieceDemandee:
    """La pièce à fichiers que les réponses appellent sous ce code. Lève `PieceRefusee`."""
    piece = parcours.piece(code)
    if piece is None or not piece.piece.a_des_fichiers:
        raise PieceRefusee(_("Cette pièce n'est pas demandée."))
    return piece


def verifier_place(parcours: Parcours, code: str, *, remplace: int | None = None) -> PieceJointe | None:
    """Un fichier de plus tient-il dans la pièce ? Rend celui qu'il remplacerait. Lève `PieceRefusee`."""
    piece = piece_demandee(parcours, code)
    if len(parcours.jointes) >= ENVOIS_MAX:
        raise PieceRefusee(
            _("Vous avez envoyé %(nombre)s fichiers pour cette demande, le maximum. Écrivez à l'assistance.")
            % {"nombre": ENVOIS_MAX}
        )
    ancienne = next((jointe for jointe in piece.fichiers if jointe.pk == remplace), None)
    if ancienne is None and not piece.accepte_un_fichier:
        raise PieceRefusee(
            _("Cette pièce a déjà %(nombre)s fichiers, le maximum. Supprimez-en un avant d'en ajouter.")
            % {"nombre": piece.reference.fichiers_max}
        )
    return ancienne


def joindre_piece(
    demande: Demande,
    code: str,
    televersement: UploadedFile,
    *,
    par: Compte,
    le: dt.datetime,
    remplace: int | None = None,
) -> PieceJointe:
    """Lit, contrôle et range le fichier hors transaction, puis le joint. Un contenu envoyé deux fois compte une fois.

    `verifier_place` évite d'abord de lire un fichier pour rien. Lève `FichierRefuse`, `PieceRefusee`, `DemandeFigee`.
    """
    return _joindre(demande, code, recevoir(televersement), par=par, le=le, remplace=remplace)


@transaction.atomic
def _joindre(
    demande: Demande, code: str, fichier: Fichier, *, par: Compte, le: dt.datetime, remplace: int | None
) -> PieceJointe:
    demande = verrouiller_brouillon(demande)
    parcours = Parcours(demande, le=le)
    for jointe in piece_demandee(parcours, code).fichiers:
        if jointe.fichier.empreinte == fichier.empreinte and jointe.pk != remplace:
            return jointe
    ancienne = verifier_place(parcours, code, remplace=remplace)
    if ancienne is not None:
        PieceJointe.objects.filter(pk=ancienne.pk).update(retiree_le=le)
    jointe = PieceJointe.objects.create(demande=demande, code=code, fichier=fichier, ajoutee_le=le, remplace=ancienne)
    _modifier_pieces(demande, le=le)
    return jointe


@transaction.atomic
def retirer_piece(demande: Demande, piece: PieceJointe, *, le: dt.datetime) -> None:
    """Retire un fichier ; sans effet s'il l'est déjà."""
    demande = verrouiller_brouillon(demande)
    if demande.pieces.vivantes().filter(pk=piece.pk).update(retiree_le=le):
        _modifier_pieces(demande, le=le)


@transaction.atomic
def retablir_piece(demande: Demande, piece: PieceJointe, *, le: dt.datetime) -> bool:
    """Annule le retrait d'un fichier ; faux si la pièce n'est plus demandée ou si la place est prise."""
    demande = verrouiller_brouillon(demande)
    demandee = Parcours(demande, le=le).piece(piece.code)
    if demandee is None or not demandee.accepte_un_fichier:
        return False
    retablies = demande.pieces.filter(
        Q(successeurs__isnull=True) | Q(successeurs__retiree_le__isnull=False), pk=piece.pk
    )
    if not PieceJointe.objects.filter(pk__in=retablies, retiree_le__isnull=False).update(retiree_le=None):
        return False
    _modifier_pieces(demande, le=le)
    return True


@transaction.atomic
def enregistrer_pieces(
    demande: Demande, etape: Etape, donnees: MultiValueDict, *, version: int, le: dt.datetime, valider: bool
) -> Saisie:
    """Garde ce qui est coché, les raisons et le n° ephoto tapé ; `valider` ferme l'étape si elle est réglée.

    Validée, elle porte `validee_le` ; sinon `pieces_a_regler` dit ce qui manque. Lève `SaisiePerimee`, `DemandeFigee`.
    """
    demande = verrouiller_brouillon(demande)
    parcours = Parcours(demande, le=le)
    codes = [piece.code for piece in parcours.demarche.pieces]
    noms = {"ephoto"} | {f"{prefixe}_{code}" for code in codes for prefixe in ("absente", "raison", "declaree")}
    brut = {nom: [texte.replace("\x00", "")[:500] for texte in donnees.getlist(nom)] for nom in donnees if nom in noms}
    champs = {"reponses": brut, "enregistree_le": le}
    actuelle = parcours.saisies.get(etape.code)
    if actuelle is None or actuelle.reponses != brut:
        champs["relue_le"] = None
    if valider:
        parcours.noter_saisie(Saisie(demande=demande, etape=etape.code, reponses=brut))
        champs["validee_le"] = None if pieces_a_regler(parcours, etape) else le
    saisie = ecrire_saisie(demande, etape, actuelle, version=version, memes={"reponses": brut}, **champs)
    if valider and saisie.validee_le != champs["validee_le"]:  # le même contenu, venu d'une page plus ancienne
        saisie.validee_le = champs["validee_le"]
        saisie.save(update_fields=["validee_le"])
    Demande.objects.filter(pk=demande.pk).update(modifiee_le=le)
    return saisie


def pieces_a_regler(parcours: Parcours, etape: Etape) -> list[Manque]:
    """Une phrase par pièce ni fournie, ni déclarée absente avec sa raison."""
    manques = []
    for piece in parcours.pieces:
        if piece.est_satisfaite:
            continue
        nombre = piece.reference.fichiers_min
        if piece.piece.numero:
            texte = _("Saisissez et confirmez votre numéro ephoto.")
        elif piece.piece.declaration:
            texte = _("%(piece)s : cochez la déclaration, ou dites pourquoi vous ne pouvez pas la faire.")
        elif 0 < len(piece.fichiers) < nombre:
            texte = _("%(piece)s : joignez %(nombre)s fichiers, ou dites pourquoi vous ne les avez pas tous.")
        elif piece.reference.absence_permise:
            texte = _("%(piece)s : joignez le document, ou indiquez que vous ne l'avez pas et pourquoi.")
        else:
            texte = _("%(piece)s : joignez le document.")
        texte = texte % {"piece": piece.libelle, "nombre": nombre}
        manques.append(Manque("piece", texte, etape.code, f"piece-{piece.code}"))
    return manques


@transaction.atomic
def confirmer_ephoto(demande: Demande, numero: str, *, le: dt.datetime) -> str:
    """Réserve le numéro d'e-photo, à usage unique ; remplace celui que la demande portait.

    Lève `ValidationError` (forme), `NumeroDejaUtilise`, `DemandeFigee`.
    """
    valeur = lire_numero_ephoto(numero)
    demande = verrouiller_brouillon(demande)
    nature = NumeroUtilise.Nature.EPHOTO
    if demande.numeros.filter(nature=nature, valeur=valeur).exists():
        return valeur
    if NumeroUtilise.objects.filter(nature=nature, valeur=valeur).exists():
        raise NumeroDejaUtilise
    try:
        with transaction.atomic():
            demande.numeros.filter(nature=nature).delete()
            NumeroUtilise.objects.create(nature=nature, valeur=valeur, demande=demande)
    except IntegrityError:
        raise NumeroDejaUtilise from None
    _modifier_pieces(demande, le=le)
    return valeur


@transaction.atomic
def retirer_ephoto(demande: Demande, *, le: dt.datetime) -> None:
    demande = verrouiller_brouillon(demande)
    if demande.numeros.filter(nature=NumeroUtilise.Nature.EPHOTO).delete()[0]:
        _modifier_pieces(demande, le=le)
