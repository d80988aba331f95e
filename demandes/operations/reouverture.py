"""Faire rouvrir une demande close, en apportant ce qui manquait."""

import datetime as dt

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from demandes.etats import Etat
from demandes.models import Demande, Instantane, PieceJointe
from demandes.operations.base import PieceRefusee, contexte_du_message, verrouiller
from demandes.operations.complement import FICHIERS_MAX
from demandes.operations.depot import figer
from demandes.operations.pieces import ENVOIS_MAX
from demandes.parcours import Manque
from demandes.reouvertures import CODE_DE_PIECE, ClotureFaite, autre_demande, cloture_faite, fichiers_en_attente
from demandes.reperes import DemandeChangee, evenements_visibles, repere
from documents.fichiers import recevoir
from documents.models import Fichier
from notifications.catalogue import Message
from notifications.models import Notification
from notifications.operations import notifier
from usagers.models import Compte, Usager

MESSAGE_DE_REOUVERTURE_MAX = 2000
LIBELLE_DE_PIECE = "Documents joints pour rouvrir la demande"


class ReouvertureTardive(Exception):
    """Le dernier jour pour rouvrir est passé."""


class AutreDemandeEnCours(Exception):
    """Une autre demande du même objet a pris la place de celle-ci."""


class ReouvertureIncomplete(Exception):
    """`manques` dit ce qui reste à fournir."""

    def __init__(self, manques: list[Manque]):
        super().__init__(", ".join(manque.ancre for manque in manques))
        self.manques = manques


def est_deja_rouverte(demande: Demande, *, vu: int, par: Compte) -> bool:
    """Second envoi de la même page : ce qui a suivi la clôture est sa réouverture par cette personne."""
    suite = evenements_visibles(demande).filter(pk__gt=vu).first()
    return suite is not None and (suite.avant, suite.par_id) == (Etat.CLOTUREE, par.pk)


def _verrouiller(demande: Demande, *, le: dt.datetime) -> tuple[Demande, ClotureFaite]:
    """Lève `DemandeChangee`, `ReouvertureTardive`."""
    demande = verrouiller(demande)
    cloture = cloture_faite(demande)
    if cloture is None:
        raise DemandeChangee(demande)
    if not cloture.est_dans_le_delai(timezone.localdate(le)):
        raise ReouvertureTardive
    return demande, cloture


def _verifier_place(demande: Demande, cloture: ClotureFaite) -> None:
    if fichiers_en_attente(demande, cloture).count() >= FICHIERS_MAX:
        raise PieceRefusee(
            _("Vous avez déjà joint %(nombre)s fichiers, le maximum. Supprimez-en un avant d'en ajouter.")
            % {"nombre": FICHIERS_MAX}
        )
    if PieceJointe.objects.filter(demande=demande, code=CODE_DE_PIECE).count() >= ENVOIS_MAX:
        raise PieceRefusee(
            _("Vous avez envoyé %(nombre)s fichiers pour cette demande, le maximum. Écrivez à l'assistance.")
            % {"nombre": ENVOIS_MAX}
        )


def joindre_a_la_reouverture(demande: Demande, televersement: UploadedFile, *, le: dt.datetime) -> PieceJointe:
    """Lit et range le fichier hors transaction, puis le pose ; il ne compte qu'une fois la demande rouverte.

    Lève `FichierRefuse`, `PieceRefusee`, `DemandeChangee`, `ReouvertureTardive`.
    """
    cloture = cloture_faite(demande)
    if cloture is None:
        raise DemandeChangee(demande)
    _verifier_place(demande, cloture)
    return _poser(demande, recevoir(televersement), le=le)


@transaction.atomic
def _poser(demande: Demande, fichier: Fichier, *, le: dt.datetime) -> PieceJointe:
    demande, cloture = _verrouiller(demande, le=le)
    if deja := fichiers_en_attente(demande, cloture).filter(fichier__empreinte=fichier.empreinte).first():
        return deja
    _verifier_place(demande, cloture)
    return PieceJointe.objects.create(demande=demande, code=CODE_DE_PIECE, fichier=fichier, ajoutee_le=le)


@transaction.atomic
def retirer_de_la_reouverture(demande: Demande, piece: PieceJointe, *, le: dt.datetime) -> None:
    """Retire un fichier pas encore transmis ; sans effet s'il l'est déjà.

    Lève `DemandeChangee`, `ReouvertureTardive`.
    """
    demande, cloture = _verrouiller(demande, le=le)
    PieceJointe.objects.filter(pk__in=fichiers_en_attente(demande, cloture).filter(pk=piece.pk)).update(retiree_le=le)


def agent_en_poste(demande: Demande) -> Compte | None:
    """L'agent du dossier, s'il est encore de ce site. Il est à droite : sa fonction se lit par la base."""
    comptes = Compte.objects.filter(pk=demande.agent_id, is_active=True, agent__actif=True, agent__site=demande.site)
    return comptes.first()


@transaction.atomic
def rouvrir_demande(demande: Demande, *, vu: int, message: str, par: Compte, le: dt.datetime) -> Demande:
    """T15 : l'instruction reprend aussitôt, à la date de dépôt d'origine ; l'agent garde le dossier s'il est en poste.

    Un second envoi de la même page rend la demande rouverte. Lève `DemandeChangee`, `ReouvertureTardive`,
    `AutreDemandeEnCours`, `ReouvertureIncomplete`.
    """
    Usager.objects.select_for_update(of=("self",), no_key=True).get(pk=demande.usager_id)
    demande = verrouiller(demande)
    if est_deja_rouverte(demande, vu=vu, par=par):
        return demande
    if repere(demande) != vu:
        raise DemandeChangee(demande)
    demande, cloture = _verrouiller(demande, le=le)
    if autre_demande(demande):
        raise AutreDemandeEnCours
    message = message.replace("\x00", "").replace("\r\n", "\n").strip()[:MESSAGE_DE_REOUVERTURE_MAX]
    fichiers = list(fichiers_en_attente(demande, cloture))
    if manques := manques_de_la_reouverture(cloture, message=message, fichiers=fichiers):
        raise ReouvertureIncomplete(manques)
    demande.agent = agent_en_poste(demande)
    _figer(demande, fichiers, message=message, par=par, le=le)
    if cloture.notification:
        Notification.objects.filter(pk=cloture.notification.pk).update(repondue_le=le)
    notification = notifier(
        Message.REOUVERTURE, demande.usager.compte, le=le, objet=demande.numero,
        contexte=contexte_du_message(demande) | {"par_usager": True, "fichiers": len(fichiers)},
    )  # fmt: skip
    try:
        with transaction.atomic():
            demande.passer_a(Etat.EN_INSTRUCTION, par=par, le=le, notification=notification)
    except IntegrityError:  # un brouillon du même objet vient de s'ouvrir, sans verrou
        raise AutreDemandeEnCours from None
    return demande


def manques_de_la_reouverture(cloture: ClotureFaite, *, message: str, fichiers: list[PieceJointe]) -> list[Manque]:
    manques = []
    if not message:
        texte = _("Écrivez au service ce que vous apportez, ou ce qui a changé.")
        manques.append(Manque("reouverture", texte, "", "id_message"))
    if cloture.demande_une_piece and not fichiers:
        texte = _("Joignez au moins un document : il manquait à votre demande.")
        manques.append(Manque("reouverture", texte, "", "id_fichiers"))
    return manques


def _figer(demande: Demande, fichiers: list[PieceJointe], *, message: str, par: Compte, le: dt.datetime) -> None:
    """Le message et les fichiers s'ajoutent à ce qui était déposé ; rien n'est remplacé."""
    dernier = demande.instantanes.latest("rang")
    contenu = dernier.contenu
    if fichiers:
        piece = next((piece for piece in contenu["pieces"] if piece["code"] == CODE_DE_PIECE), None)
        if piece is None:
            piece = {
                "code": CODE_DE_PIECE, "libelle": LIBELLE_DE_PIECE, "obligatoire": False, "numero": "",
                "declaration": "", "anciennete_max": None, "absence": "", "fichiers": [],
            }  # fmt: skip
            contenu["pieces"].append(piece)
        piece["fichiers"] += [
            {
                "piece": jointe.pk, "nom": jointe.fichier.nom_affiche, "taille": jointe.fichier.taille,
                "empreinte": jointe.fichier.empreinte,
            }
            for jointe in fichiers
        ]  # fmt: skip
    contenu.setdefault("reouvertures", []).append({"le": le.isoformat(), "message": message, "fichiers": len(fichiers)})
    figer(demande, contenu, rang=dernier.rang + 1, cause=Instantane.Cause.REOUVERTURE, par=par, le=le)
