"""Prendre un dossier, le confier, le transférer ; attribuer à la personne son n° étranger."""

import datetime as dt

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Demande, Evenement, Site
from instruction.models import Agent, NoteInterne
from instruction.operations.base import (
    ActeImpossible,
    consigner,
    contexte_du_message,
    est_deja_consigne,
    verrouiller_pour,
)
from notifications.catalogue import Message
from notifications.operations import notifier
from usagers.models import Usager
from usagers.numeros import est_numero_etranger
from usagers.operations import NumeroDejaAttribue, NumeroPris, attribuer_numero_etranger

LONGUEUR_DU_NUMERO = 10


@transaction.atomic
def prendre_en_charge(demande: Demande, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """T3 : l'instructeur prend le dossier ; l'usager est informé. Lève `Conflit`, `GesteInterdit`."""
    demande = verrouiller_pour(demande, agent=agent, geste="prendre_en_charge", version=version)
    demande.agent = agent.compte
    notification = notifier(
        Message.PRISE_EN_CHARGE,
        demande.usager.compte,
        le=le,
        objet=demande.numero,
        contexte=contexte_du_message(demande),
    )
    demande.passer_a(Etat.EN_INSTRUCTION, par=agent.compte, le=le, notification=notification)
    return demande


# --- Réaffecter ------------------------------------------------------------------------------------------------------
def instructeurs_du_site(site: Site):
    """Les agents en activité à qui un dossier de ce site peut être confié."""
    return Agent.objects.filter(site=site, actif=True, roles__contains=[Agent.Role.INSTRUCTEUR]).order_by("nom")


@transaction.atomic
def reaffecter(demande: Demande, cible: Agent, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """Confie le dossier à un instructeur du même site ; l'usager n'en est pas informé.

    Lève `Conflit`, `GesteInterdit`, `ActeImpossible`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="reaffecter", version=version)
    if not instructeurs_du_site(demande.site).filter(pk=cible.pk).exists():
        raise ActeImpossible("cible", "Cet agent n'instruit pas, ou plus, de dossier de votre site.")
    if demande.agent_id == cible.compte_id:
        raise ActeImpossible("cible", f"{cible.nom} a déjà ce dossier.")
    demande.agent = cible.compte
    consigner(demande, Evenement.Nature.AFFECTATION, agent=agent, le=le, codes={"agent": cible.pk})
    return demande


def est_deja_reaffecte(demande: Demande, cible: Agent, *, agent: Agent, version: int) -> bool:
    return est_deja_consigne(
        demande, Evenement.Nature.AFFECTATION, agent=agent, version=version, codes={"agent": cible.pk}
    )


# --- Transférer (T17) ------------------------------------------------------------------------------------------------
def contexte_du_transfert(demande: Demande, cible: Site, *, jour: dt.date) -> dict:
    """Ce que le message reçoit ; l'aperçu montré à l'agent part du même contexte."""
    return contexte_du_message(demande) | {"service": cible.en_tete_le(jour)}


@transaction.atomic
def transferer(
    demande: Demande, cible: Site, *, motif: str, agent: Agent, version: int, le: dt.datetime
) -> Demande:  # fmt: skip
    """Le dossier change de site, pas de numéro ni de date ; il y est à prendre, et l'usager sait à qui s'adresser.

    Une attestation de prolongation reste valable. Lève `Conflit`, `GesteInterdit`, `ActeImpossible`.
    """
    demande = verrouiller_pour(demande, agent=agent, geste="transferer", version=version)
    if cible.pk == demande.site_id:
        raise ActeImpossible("cible", "Le dossier est déjà à ce site.")
    jour = timezone.localdate(le)
    if cible.est_ferme(jour):
        raise ActeImpossible("cible", "Ce site est fermé : choisissez-en un autre.")
    codes = {"de": demande.site_id, "vers": cible.pk}
    demande.site, demande.agent = cible, None
    notification = notifier(
        Message.TRANSFERT, demande.usager.compte, le=le, objet=demande.numero,
        contexte=contexte_du_transfert(demande, cible, jour=jour),
    )  # fmt: skip
    NoteInterne.objects.create(demande=demande, agent=agent, texte=motif, le=le)
    consigner(demande, Evenement.Nature.TRANSFERT, agent=agent, le=le, notification=notification, codes=codes)
    return demande


def transfert_deja_fait(numero: str, cible: Site, *, agent: Agent, version: int) -> Demande | None:
    """La demande que cet agent vient de transférer à ce site : elle n'est plus du sien, il ne la voit plus."""
    demande = Demande.objects.select_related("usager", "site").filter(numero=numero, site=cible).first()
    codes = {"de": agent.site_id, "vers": cible.pk}
    if demande is None or not est_deja_consigne(
        demande, Evenement.Nature.TRANSFERT, agent=agent, version=version, codes=codes
    ):
        return None
    return demande


# --- Attribuer un n° étranger ----------------------------------------------------------------------------------------
def contexte_du_numero(demande: Demande, numero: str) -> dict:
    """Ce que le message reçoit ; le courriel tait le numéro, l'espace de la personne le dit."""
    return contexte_du_message(demande) | {"numero_etranger": numero}


@transaction.atomic
def attribuer_numero(demande: Demande, numero: str, *, agent: Agent, version: int, le: dt.datetime) -> Demande:
    """Le porteur de visa reçoit son n° étranger, qui devient son identifiant ; l'ancien reste accepté.

    La personne d'abord, la demande ensuite : l'ordre du dépôt. Lève `Conflit`, `GesteInterdit`, `ActeImpossible`.
    """
    Usager.objects.select_for_update(of=("self",), no_key=True).get(pk=demande.usager_id)
    demande = verrouiller_pour(demande, agent=agent, geste="attribuer_numero", version=version)
    if not est_numero_etranger(numero) or len(numero) != LONGUEUR_DU_NUMERO:
        raise ActeImpossible("numero", "Un numéro étranger a 10 chiffres, par exemple 7703004369.")
    try:
        demande.usager = attribuer_numero_etranger(demande.usager, numero=numero)
    except NumeroDejaAttribue:
        raise ActeImpossible("numero", "Cette personne a déjà un numéro étranger.") from None
    except NumeroPris:
        texte = "Ce numéro est celui d'une autre personne : vérifiez-le avant d'aller plus loin."
        raise ActeImpossible("numero", texte) from None
    # Toutes ses demandes se cherchent désormais par ce numéro.
    autres = Demande.objects.filter(usager=demande.usager, numero__isnull=False).exclude(pk=demande.pk)
    autres.update(recherche=Concat("recherche", Value(f" {numero}")))
    demande.recherche += f" {numero}"
    notification = notifier(
        Message.NUMERO_ATTRIBUE, demande.usager.compte, le=le, objet=demande.numero,
        contexte=contexte_du_numero(demande, numero),
    )  # fmt: skip
    consigner(demande, Evenement.Nature.NUMERO, agent=agent, le=le, notification=notification)
    return demande


def est_deja_attribue(demande: Demande, numero: str, *, agent: Agent, version: int) -> bool:
    meme_acte = est_deja_consigne(demande, Evenement.Nature.NUMERO, agent=agent, version=version)
    return meme_acte and demande.usager.numero_etranger == numero
