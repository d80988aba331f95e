"""Les verbes de l'usager. Une opération = une transaction ; l'appelant donne l'instant `le`."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone, translation
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from demandes.attestations import donnees_du_depot
from demandes.demarches import DEMARCHES
from demandes.demarches.base import Brut, Demarche, Etape, EtapeForm, Fermee
from demandes.droit import Contexte
from demandes.etats import ETATS_ACTIFS, Etat
from demandes.instantane import contenu_du_depot, texte_de_recherche
from demandes.models import Compteur, Demande, Evenement, Instantane, NumeroUtilise, PieceJointe, Saisie, Site
from demandes.parcours import Manque, Parcours
from demandes.sites import site_de
from documents.catalogue import Acte
from documents.fichiers import recevoir
from documents.models import Fichier
from documents.operations import etablir
from notifications.catalogue import Message
from notifications.models import Notification
from notifications.operations import ecrire, marquer_lue, notifier
from usagers.models import Compte, Usager
from usagers.numeros import lire_numero_ephoto

# Ce qu'un brouillon d'étape peut peser (architecture §3).
TAILLE_MAX_BROUILLON = 64 * 1024


class DemarcheFermee(Exception):
    """La démarche n'est pas ouverte à cette personne ; le motif est une phrase."""


class DemandeIncomplete(Exception):
    """Le dépôt est refusé ; `manques` dit tout ce qui manque."""

    def __init__(self, manques: list[Manque]):
        super().__init__(", ".join(manque.code for manque in manques))
        self.manques = manques


class SaisiePerimee(Exception):
    """L'étape a été enregistrée ailleurs depuis que la page a été ouverte ; `saisie` est la version en base."""

    def __init__(self, saisie: Saisie):
        super().__init__(saisie.etape)
        self.saisie = saisie


class SaisieTropLongue(Exception):
    """Le brouillon dépasse 64 kio."""


class DemandeFigee(Exception):
    """La demande n'est plus un brouillon : rien ne s'y modifie par ce chemin."""


class NumeroDejaUtilise(Exception):
    """Ce numéro d'e-photo a servi à une autre demande."""


class PieceRefusee(Exception):
    """La pièce n'est pas demandée, ou son nombre de fichiers est atteint ; le texte est une phrase."""


def verrouiller(demande: Demande) -> Demande:
    """La même demande, verrouillée ; `FOR NO KEY UPDATE` laisse passer les insertions qui la désignent."""
    return Demande.objects.select_for_update(of=("self",), no_key=True).select_related(
        "usager__compte", "usager__nationalite", "usager__pays_naissance", "titre_de_depart", "site"
    ).get(pk=demande.pk)  # fmt: skip


def _verrouiller_brouillon(demande: Demande) -> Demande:
    demande = verrouiller(demande)
    if not demande.est_brouillon:
        raise DemandeFigee
    return demande


def contexte_de(usager: Usager, *, le: dt.datetime, langue: str = "fr") -> Contexte:
    return Contexte(timezone.localdate(le), usager, usager.titre_actuel, langue)


def commencer(demarche: Demarche, usager: Usager, *, par: Compte, le: dt.datetime) -> Demande:
    """Ouvre un brouillon, ou rend la demande active du même objet (une seule à la fois). Lève `DemarcheFermee`."""
    contexte = contexte_de(usager, le=le)
    cas = demarche.cas(contexte)
    active = Demande.objects.filter(usager=usager, objet=demarche.objet, etat__in=ETATS_ACTIFS)
    if existante := active.first():
        return existante
    if isinstance(cas, Fermee):
        raise DemarcheFermee(str(cas.motif))
    try:
        with transaction.atomic():
            demande = Demande.objects.create(
                usager=usager, demarche=demarche.code, cas=cas.code, objet=demarche.objet,
                titre_de_depart=contexte.titre, ouverte_par=par, ouverte_le=le, modifiee_le=le,
                fin_de_droits=contexte.titre.fin if contexte.titre else None,
            )  # fmt: skip
            Evenement.objects.create(
                usager=usager, demande=demande, nature=Evenement.Nature.OUVERTURE, apres=Etat.BROUILLON, par=par, le=le
            )
    except IntegrityError:
        return active.get()
    return demande


# --- Saisie --------------------------------------------------------------------------------------------------------
def _verifier_taille(brut: Brut) -> None:
    if len(json.dumps(brut)) > TAILLE_MAX_BROUILLON:
        raise SaisieTropLongue


def _ecrire_saisie(demande: Demande, etape: Etape, *, version: int, memes: Mapping, **champs) -> Saisie:
    """Écrit l'étape si sa version est celle que la page connaît ; un contenu identique est accepté en silence."""
    saisie, _creee = Saisie.objects.get_or_create(demande=demande, etape=etape.code)
    ecrites = Saisie.objects.filter(pk=saisie.pk, version=version).update(version=F("version") + 1, **champs)
    saisie.refresh_from_db()
    if not ecrites and any(getattr(saisie, nom) != valeur for nom, valeur in memes.items()):
        raise SaisiePerimee(saisie)
    return saisie


@transaction.atomic
def garder_brouillon(
    demande: Demande, etape: Etape, donnees: MultiValueDict, *, version: int, le: dt.datetime, form: EtapeForm
) -> Saisie:
    """Garde ce qui est tapé, valide ou non ; redire les réponses validées n'ouvre pas de modification.

    `form` est lié à `donnees`. Lève `SaisiePerimee`, `SaisieTropLongue`, `DemandeFigee`.
    """
    brut = form.brut(donnees)
    _verifier_taille(brut)
    # La demande d'abord, l'étape ensuite : l'ordre de toutes les opérations.
    if not Demande.objects.filter(pk=demande.pk, etat=Etat.BROUILLON).update(modifiee_le=le):
        raise DemandeFigee
    actuelle = Saisie.objects.filter(demande=demande, etape=etape.code).first()
    if actuelle and form.dit_autant_que(actuelle.reponses):
        if actuelle.brouillon is None:
            return actuelle
        brut = None  # la modification a été défaite à la main : plus rien n'attend
    return _ecrire_saisie(demande, etape, version=version, memes={"brouillon": brut}, brouillon=brut, enregistree_le=le)


@transaction.atomic
def enregistrer_etape(
    demande: Demande, etape: Etape, form: EtapeForm, *, version: int, le: dt.datetime, par: Compte
) -> Saisie:
    """Valide une étape : ses réponses remplacent les précédentes, et sa partie est à relire si elles changent.

    `form` est lié et valide. Lève `SaisiePerimee`, `DemandeFigee`, `SaisieTropLongue`.
    """
    demande = _verrouiller_brouillon(demande)
    brut = form.brut(form.data)
    _verifier_taille(brut)
    actuelle = Saisie.objects.filter(demande=demande, etape=etape.code).first()
    inchangee = actuelle is not None and form.dit_autant_que(actuelle.reponses)
    champs = {"reponses": brut, "brouillon": None, "enregistree_le": le, "validee_le": le}
    if not inchangee:
        champs["relue_le"] = None
    memes = {"reponses": brut, "brouillon": None}
    saisie = _ecrire_saisie(demande, etape, version=version, memes=memes, **champs)
    Demande.objects.filter(pk=demande.pk).update(modifiee_le=le)
    return saisie


@transaction.atomic
def abandonner_brouillon(demande: Demande, etape: Etape, *, le: dt.datetime) -> None:
    """Oublie la modification non enregistrée d'une étape validée : ses réponses redeviennent ce qui est montré."""
    demande = _verrouiller_brouillon(demande)
    Saisie.objects.filter(demande=demande, etape=etape.code, reponses__isnull=False).update(
        brouillon=None, version=F("version") + 1, enregistree_le=le
    )


@transaction.atomic
def relire(demande: Demande, etape: Etape, *, le: dt.datetime) -> None:
    """« Valider et vérifier la suite de ma saisie » : la partie est relue. Lève `DemandeIncomplete` si elle manque."""
    demande = _verrouiller_brouillon(demande)
    parcours = Parcours(demande, le=le)
    if not parcours.est_faite(etape):
        raise DemandeIncomplete([manque for manque in parcours.manques if manque.etape == etape.code])
    Saisie.objects.filter(demande=demande, etape=etape.code, relue_le__isnull=True).update(relue_le=le)


@transaction.atomic
def noter_observations(demande: Demande, texte: str, *, le: dt.datetime) -> None:
    demande = _verrouiller_brouillon(demande)
    Demande.objects.filter(pk=demande.pk).update(observations=texte.replace("\x00", "")[:4000], modifiee_le=le)


@transaction.atomic
def demander_rappel(demande: Demande, *, le: dt.datetime) -> bool:
    """Un courriel le jour où le dépôt s'ouvre ; une seule fois par demande. Faux si le rappel existait déjà."""
    demande = _verrouiller_brouillon(demande)
    parcours = Parcours(demande, le=le)
    if demande.rappel_demande_le is not None or not parcours.est_trop_tot:
        return False
    compte = demande.usager.compte
    ouverture = parcours.fenetre.ouverture
    ecrire(
        Message.OUVERTURE_DEPOT,
        adresse=compte.courriel,
        langue=compte.langue,
        contexte={"nom": demande.usager.nom_complet, "date": ouverture.isoformat()},
        le=dt.datetime.combine(ouverture, dt.time(8), tzinfo=timezone.get_default_timezone()),
    )
    Demande.objects.filter(pk=demande.pk).update(rappel_demande_le=le)
    return True


# --- Pièces --------------------------------------------------------------------------------------------------------
def _modifier_pieces(demande: Demande, *, le: dt.datetime) -> None:
    """Une pièce change : la partie « Justificatifs » est à relire."""
    etape = next(etape for etape in DEMARCHES[demande.demarche].etapes if etape.genre == "pieces")
    Saisie.objects.filter(demande=demande, etape=etape.code).update(relue_le=None)
    Demande.objects.filter(pk=demande.pk).update(modifiee_le=le, version=F("version") + 1)


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

    Lève `FichierRefuse`, `PieceRefusee`, `DemandeFigee`.
    """
    return _joindre(demande, code, recevoir(televersement), par=par, le=le, remplace=remplace)


@transaction.atomic
def _joindre(
    demande: Demande, code: str, fichier: Fichier, *, par: Compte, le: dt.datetime, remplace: int | None
) -> PieceJointe:
    demande = _verrouiller_brouillon(demande)
    piece = Parcours(demande, le=le).piece(code)
    if piece is None or piece.piece.numero:
        raise PieceRefusee(_("Cette pièce n'est pas demandée."))
    for jointe in piece.fichiers:
        if jointe.fichier.empreinte == fichier.empreinte and jointe.pk != remplace:
            return jointe
    ancienne = next((jointe for jointe in piece.fichiers if jointe.pk == remplace), None)
    if ancienne is None and not piece.accepte_un_fichier:
        raise PieceRefusee(
            _("Cette pièce a déjà %(nombre)s fichiers, le maximum. Supprimez-en un avant d'en ajouter.")
            % {"nombre": piece.reference.fichiers_max}
        )
    if ancienne is not None:
        PieceJointe.objects.filter(pk=ancienne.pk).update(retiree_le=le)
    jointe = PieceJointe.objects.create(demande=demande, code=code, fichier=fichier, ajoutee_le=le, remplace=ancienne)
    _modifier_pieces(demande, le=le)
    return jointe


@transaction.atomic
def retirer_piece(demande: Demande, piece: PieceJointe, *, le: dt.datetime) -> None:
    """Retire un fichier ; sans effet s'il l'est déjà."""
    demande = _verrouiller_brouillon(demande)
    if demande.pieces.vivantes().filter(pk=piece.pk).update(retiree_le=le):
        _modifier_pieces(demande, le=le)


@transaction.atomic
def retablir_piece(demande: Demande, piece: PieceJointe, *, le: dt.datetime) -> bool:
    """Annule le retrait d'un fichier ; faux si la pièce n'est plus demandée ou si la place est prise."""
    demande = _verrouiller_brouillon(demande)
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
    """Garde les « Je n'ai pas ce document », leurs raisons et le n° ephoto tapé ; `valider` ferme l'étape réglée.

    Validée, elle porte `validee_le` ; sinon `pieces_a_regler` dit ce qui manque. Lève `SaisiePerimee`, `DemandeFigee`.
    """
    demande = _verrouiller_brouillon(demande)
    codes = [piece.code for piece in Parcours(demande, le=le).pieces]
    noms = {"ephoto"} | {f"{prefixe}_{code}" for code in codes for prefixe in ("absente", "raison")}
    brut = {nom: [texte.replace("\x00", "")[:500] for texte in donnees.getlist(nom)] for nom in donnees if nom in noms}
    champs = {"reponses": brut, "enregistree_le": le}
    actuelle = Saisie.objects.filter(demande=demande, etape=etape.code).first()
    if actuelle is None or actuelle.reponses != brut:
        champs["relue_le"] = None
    saisie = _ecrire_saisie(demande, etape, version=version, memes={"reponses": brut}, **champs)
    Demande.objects.filter(pk=demande.pk).update(modifiee_le=le)
    if valider:
        manques = pieces_a_regler(Parcours(demande, le=le), etape)
        Saisie.objects.filter(pk=saisie.pk).update(validee_le=None if manques else le)
        saisie.refresh_from_db()
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
        elif 0 < len(piece.fichiers) < nombre:
            texte = _("%(piece)s : joignez %(nombre)s fichiers, ou dites pourquoi vous ne les avez pas tous.")
        elif piece.reference.absence_permise:
            texte = _("%(piece)s : joignez le document, ou indiquez que vous ne l'avez pas et pourquoi.")
        else:
            texte = _("%(piece)s : joignez le document.")
        texte = texte % {"piece": piece.libelle, "nombre": nombre}
        manques.append(Manque("piece", texte, etape.code, f"piece-{piece.code}"))
    return manques


@transaction.atomic
def confirmer_ephoto(demande: Demande, numero: str, *, le: dt.datetime) -> str:
    """Réserve le numéro d'e-photo, à usage unique ; remplace celui que la demande portait.

    Lève `ValidationError` (forme), `NumeroDejaUtilise`, `DemandeFigee`.
    """
    valeur = lire_numero_ephoto(numero)
    demande = _verrouiller_brouillon(demande)
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
    demande = _verrouiller_brouillon(demande)
    if demande.numeros.filter(nature=NumeroUtilise.Nature.EPHOTO).delete()[0]:
        _modifier_pieces(demande, le=le)


# --- Dépôt ---------------------------------------------------------------------------------------------------------
def attribuer_numero(site: Site, *, le: dt.datetime) -> str:
    """Site (4), date de dépôt (8), rang du site dans l'année (7), sans trou ni doublon (domaine §2).

    Prend le verrou du compteur : dernière étape avant les insertions. Une transaction annulée rend son rang.
    """
    jour = timezone.localdate(le)
    with connection.cursor() as curseur:
        curseur.execute(
            f"INSERT INTO {Compteur._meta.db_table} (nature, cle, annee, dernier) VALUES ('demande', %s, %s, 1) "
            f"ON CONFLICT (nature, cle, annee) DO UPDATE SET dernier = {Compteur._meta.db_table}.dernier + 1 "
            "RETURNING dernier",
            [site.code, jour.year],
        )
        (rang,) = curseur.fetchone()
    return f"{site.code}{jour:%Y%m%d}{rang:07d}"


@transaction.atomic
def deposer(demande: Demande, *, par: Compte, le: dt.datetime) -> Demande:
    """Dépose la demande (domaine T2). Un second appel rend la demande déjà déposée, avec le même reçu.

    Lève `DemandeIncomplete`, `documents.operations.NonEncodable`.
    """
    Usager.objects.select_for_update(of=("self",), no_key=True).get(pk=demande.usager_id)
    demande = verrouiller(demande)
    if not demande.est_brouillon:
        return demande
    list(demande.saisies.select_for_update())
    with translation.override("fr"):
        parcours = Parcours(demande, le=le, langue="fr")
        if parcours.manques:
            raise DemandeIncomplete(parcours.manques)
        informations = parcours.valeurs("informations")
        site = site_de(code_postal=informations["adresse_code_postal"], insee=informations.get("adresse_insee", ""))
        if site is None:
            texte = _("Aucune préfecture ne correspond à ce code postal : vérifiez votre adresse.")
            raise DemandeIncomplete([Manque("site", texte, "informations", "id_adresse_code_postal")])
        _mettre_a_jour_le_profil(demande.usager, informations)
        demande.site = site
        demande.deposee_le = le
        demande.hors_delai = parcours.est_hors_delai
        demande.complete_au_depot = parcours.est_complete
        demande.echeance_legale = echeance_legale(parcours)
        contenu = contenu_du_depot(parcours)
        demande.recherche = texte_de_recherche(demande)
        demande.numero = attribuer_numero(site, le=le)
        demande.recherche += f" {demande.numero}"
        demande.save()
        _figer(demande, contenu, cause=Instantane.Cause.DEPOT, par=par, le=le)
        document = etablir(Acte.CONFIRMATION_DEPOT, donnees=donnees_du_depot(demande, contenu), le=le)
        notification = notifier(
            Message.DEPOT, demande.usager.compte, le=le, document=document, objet=demande.numero,
            contexte=_contexte_du_message(demande, le),
        )  # fmt: skip
        demande.passer_a(Etat.DEPOSEE, par=par, le=le, document=document, notification=notification)
    demande.saisies.update(version=F("version") + 1)
    return demande


def _contexte_du_message(demande: Demande, le: dt.datetime) -> dict:
    """Accusé de réception électronique (CRPA R. 112-11-1) : reçu le, service, décision implicite."""
    site = demande.site
    return {
        "numero": demande.numero,
        "demarche": demande.demarche,
        "nom": demande.usager.nom_complet,
        "sms": DEMARCHES[demande.demarche].sms,
        "recu_le": le.isoformat(),
        "service": {
            "libelle": site.libelle, "adresse": site.adresse, "courriel": site.courriel, "telephone": site.telephone,
        },
        "echeance_legale": demande.echeance_legale.isoformat() if demande.echeance_legale else None,
    }  # fmt: skip


def echeance_legale(parcours: Parcours) -> dt.date | None:
    """Date à laquelle le silence vaut rejet, si la demande est complète (R. 422-5, R. 432-2) ; rien sinon."""
    if not parcours.est_complete:
        return None
    return parcours.contexte.jour + dt.timedelta(days=parcours.contexte.valeur(parcours.demarche.silence, "jours"))


def _mettre_a_jour_le_profil(usager: Usager, informations: Mapping) -> None:
    """L'adresse, le contact et la situation donnés au dépôt deviennent ceux du profil."""
    voie = f"{informations.get('adresse_numero', '')} {informations['adresse_voie']}".strip()
    usager.adresse_voie = voie
    usager.adresse_complement = informations.get("adresse_complement", "")
    usager.adresse_code_postal = informations["adresse_code_postal"]
    usager.adresse_commune = informations["adresse_commune"]
    usager.adresse_insee = informations.get("adresse_insee", "")
    usager.nom_usage = informations.get("nom_usage", "")
    usager.situation_familiale = informations.get("situation_familiale", "")
    usager.save(update_fields=[
        "adresse_voie", "adresse_complement", "adresse_code_postal", "adresse_commune", "adresse_insee", "nom_usage",
        "situation_familiale",
    ])  # fmt: skip
    if (telephone := informations.get("telephone")) and usager.compte.telephone != telephone:
        usager.compte.telephone = telephone
        usager.compte.save(update_fields=["telephone"])


def _figer(demande: Demande, contenu: dict, *, cause: str, par: Compte, le: dt.datetime) -> Instantane:
    """Fige le contenu, avec son empreinte, au rang suivant."""
    texte = json.dumps(contenu, ensure_ascii=False, sort_keys=True)
    return Instantane.objects.create(
        demande=demande, rang=demande.instantanes.count() + 1, cause=cause, contenu=contenu, le=le, par=par,
        empreinte=hashlib.sha256(texte.encode()).hexdigest(),
    )  # fmt: skip


@transaction.atomic
def retirer(demande: Demande, *, par: Compte, le: dt.datetime) -> Demande:
    """L'usager renonce à son brouillon (T16) : ses numéros à usage unique sont rendus."""
    demande = _verrouiller_brouillon(demande)
    demande.numeros.all().delete()
    demande.passer_a(Etat.RETIREE, par=par, le=le)
    return demande


@transaction.atomic
def ouvrir_notification(notification: Notification, *, par: Compte, le: dt.datetime) -> bool:
    """Première lecture d'une notification : datée une fois, et portée au journal de sa demande.

    Elle vaut accusé de réception (guide 004). Vrai si c'est cet appel qui l'a ouverte.
    """
    if not marquer_lue(notification, le=le):
        return False
    demande = (
        Demande.objects.filter(numero=notification.objet, usager__compte=par).first() if notification.objet else None
    )
    if demande is not None:
        Evenement.objects.create(
            usager_id=demande.usager_id, demande=demande, nature=Evenement.Nature.LECTURE, par=par, le=le,
            notification=notification, document_id=notification.document_id,
        )  # fmt: skip
    return True
