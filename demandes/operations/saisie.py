"""Commencer, saisir, relire, renoncer."""

import datetime as dt
import json
from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from demandes.demarches.base import Demarche, Etape, Fermee
from demandes.demarches.formulaires import Brut, EtapeForm
from demandes.etats import ETATS_ACTIFS, ETATS_EN_REMISE, Etat
from demandes.models import Demande, Evenement, Saisie
from demandes.operations.base import (
    DemandeFigee,
    DemandeIncomplete,
    DemarcheFermee,
    SaisiePerimee,
    SaisieTropLongue,
    contexte_de,
    verrouiller_brouillon,
)
from demandes.parcours import Parcours
from notifications.catalogue import Message
from notifications.operations import ecrire
from usagers.models import Compte, TitreSejour, Usager

# Ce qu'un brouillon d'étape peut peser (architecture §3).
TAILLE_MAX_BROUILLON = 64 * 1024


def titre_a_remettre(usager: Usager, objet: str, titre: TitreSejour | None) -> Demande | None:
    """La demande déjà acceptée qui remplacera ce titre : tant que la remise n'a pas eu lieu, il ne se redemande pas."""
    accordees = Demande.objects.filter(usager=usager, objet=objet, etat__in=ETATS_EN_REMISE, titre_de_depart=titre)
    return accordees.order_by("-decidee_le").first()


def motif_titre_a_remettre(demande: Demande) -> str:
    return _(
        "Votre demande n° %(numero)s est déjà acceptée : le nouveau titre va vous être remis. Vous pourrez demander le "
        "suivant ensuite."
    ) % {"numero": demande.numero}


def commencer(demarche: Demarche, usager: Usager, *, par: Compte, le: dt.datetime) -> Demande:
    """Ouvre un brouillon, ou rend la demande active du même objet (une seule à la fois). Lève `DemarcheFermee`."""
    contexte = contexte_de(usager, le=le)
    cas = demarche.cas(contexte)
    active = Demande.objects.filter(usager=usager, objet=demarche.objet, etat__in=ETATS_ACTIFS)
    if existante := active.first():
        return existante
    if accordee := titre_a_remettre(usager, demarche.objet, contexte.titre):
        raise DemarcheFermee(motif_titre_a_remettre(accordee))
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


def _verifier_taille(brut: Brut | str) -> None:
    if len(json.dumps(brut)) > TAILLE_MAX_BROUILLON:
        raise SaisieTropLongue


def ecrire_saisie(
    demande: Demande, etape: Etape, lue: Saisie | None, *, version: int, memes: Mapping, **champs
) -> Saisie:
    """Écrit l'étape si sa version est celle que la page connaît ; un contenu identique est accepté en silence.

    `lue` : la saisie relue sous le verrou, s'il y en a une.
    """
    saisie = lue or Saisie.objects.get_or_create(demande=demande, etape=etape.code)[0]
    ecrites = Saisie.objects.filter(pk=saisie.pk, version=version).update(version=F("version") + 1, **champs)
    if ecrites:
        saisie.version = version + 1
        for nom, valeur in champs.items():
            setattr(saisie, nom, valeur)
        return saisie
    saisie.refresh_from_db()
    if any(getattr(saisie, nom) != valeur for nom, valeur in memes.items()):
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
    champs = {"brouillon": brut, "enregistree_le": le}
    return ecrire_saisie(demande, etape, actuelle, version=version, memes={"brouillon": brut}, **champs)


@transaction.atomic
def enregistrer_etape(
    demande: Demande, etape: Etape, form: EtapeForm, *, version: int, le: dt.datetime, par: Compte
) -> Saisie:
    """Valide une étape : ses réponses remplacent les précédentes, et sa partie est à relire si elles changent.

    `form` est lié et valide. Lève `SaisiePerimee`, `DemandeFigee`, `SaisieTropLongue`.
    """
    demande = verrouiller_brouillon(demande)
    brut = form.brut(form.data)
    _verifier_taille(brut)
    actuelle = Saisie.objects.filter(demande=demande, etape=etape.code).first()
    inchangee = actuelle is not None and form.dit_autant_que(actuelle.reponses)
    champs = {"reponses": brut, "brouillon": None, "enregistree_le": le, "validee_le": le}
    if not inchangee:
        champs["relue_le"] = None
    memes = {"reponses": brut, "brouillon": None}
    saisie = ecrire_saisie(demande, etape, actuelle, version=version, memes=memes, **champs)
    Demande.objects.filter(pk=demande.pk).update(modifiee_le=le)
    return saisie


@transaction.atomic
def abandonner_brouillon(demande: Demande, etape: Etape, *, le: dt.datetime) -> None:
    """Oublie la modification non enregistrée d'une étape validée : ses réponses redeviennent ce qui est montré."""
    demande = verrouiller_brouillon(demande)
    Saisie.objects.filter(demande=demande, etape=etape.code, reponses__isnull=False).update(
        brouillon=None, version=F("version") + 1, enregistree_le=le
    )


@transaction.atomic
def relire(demande: Demande, etape: Etape, *, le: dt.datetime) -> None:
    """« Valider et vérifier la suite de ma saisie » : la partie est relue. Lève `DemandeIncomplete` si elle manque."""
    demande = verrouiller_brouillon(demande)
    parcours = Parcours(demande, le=le)
    if not parcours.est_faite(etape):
        raise DemandeIncomplete([manque for manque in parcours.manques if manque.etape == etape.code])
    Saisie.objects.filter(demande=demande, etape=etape.code, relue_le__isnull=True).update(relue_le=le)


def noter_observations(demande: Demande, texte: str, *, le: dt.datetime) -> None:
    """Garde le texte entier, même trop long pour être déposé. Lève `DemandeFigee`, `SaisieTropLongue`."""
    texte = texte.replace("\x00", "")
    _verifier_taille(texte)
    brouillon = Demande.objects.filter(pk=demande.pk, etat=Etat.BROUILLON)
    if not brouillon.update(observations=texte, modifiee_le=le):
        raise DemandeFigee
    demande.observations = texte


@transaction.atomic
def demander_rappel(demande: Demande, *, le: dt.datetime) -> bool:
    """Un courriel le jour où le dépôt s'ouvre ; une seule fois par demande. Faux si le rappel existait déjà."""
    demande = verrouiller_brouillon(demande)
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


@transaction.atomic
def retirer(demande: Demande, *, par: Compte, le: dt.datetime) -> Demande:
    """L'usager renonce à son brouillon (T16) : ses numéros à usage unique sont rendus."""
    demande = verrouiller_brouillon(demande)
    demande.numeros.all().delete()
    demande.passer_a(Etat.RETIREE, par=par, le=le)
    return demande
