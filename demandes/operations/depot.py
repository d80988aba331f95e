"""Le dépôt : une transaction, un numéro, un reçu."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping

from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from demandes.attestations import donnees_du_depot
from demandes.demarches import DEMARCHES
from demandes.demarches.etapes import INFORMATIONS
from demandes.etats import Etat
from demandes.instantane import contenu_du_depot, texte_de_recherche
from demandes.models import Compteur, Demande, Instantane, Site
from demandes.operations.base import DemandeIncomplete, verrouiller
from demandes.parcours import Manque, Parcours
from demandes.sites import SiteFerme, site_de
from documents.catalogue import Acte
from documents.operations import etablir
from notifications.catalogue import Message
from notifications.operations import notifier
from usagers.models import Compte, Usager


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
def deposer(demande: Demande, *, par: Compte, le: dt.datetime, observations: str | None = None) -> Demande:
    """Dépose la demande (domaine T2). Un second appel rend la demande déjà déposée, avec le même reçu.

    `observations` remplace celles qui étaient gardées. Lève `DemandeIncomplete`, `documents.operations.NonEncodable`.
    """
    Usager.objects.select_for_update(of=("self",), no_key=True).get(pk=demande.usager_id)
    demande = verrouiller(demande)
    if not demande.est_brouillon:
        return demande
    saisies = list(demande.saisies.select_for_update())
    with translation.override("fr"):
        parcours = Parcours(demande, le=le, langue="fr")
        parcours.saisies = {saisie.etape: saisie for saisie in saisies}
        if parcours.manques:
            raise DemandeIncomplete(parcours.manques)
        informations = parcours.valeurs(INFORMATIONS.code)
        site = _site_du_domicile(informations, jour=timezone.localdate(le))
        _mettre_a_jour_le_profil(demande.usager, informations, le=le)
        demande.site = site
        demande.deposee_le = le
        demande.hors_delai = parcours.est_hors_delai
        demande.complete_au_depot = parcours.est_complete
        demande.echeance_legale = echeance_legale(parcours)
        if observations is not None:
            demande.observations = observations
        contenu = contenu_du_depot(parcours)
        demande.numero = attribuer_numero(site, le=le)
        demande.recherche = texte_de_recherche(demande)
        figer(demande, contenu, rang=1, cause=Instantane.Cause.DEPOT, par=par, le=le)
        donnees = donnees_du_depot(demande, contenu, jour=timezone.localdate(le))
        document = etablir(Acte.CONFIRMATION_DEPOT, donnees=donnees, le=le)
        notification = notifier(
            Message.DEPOT, demande.usager.compte, le=le, document=document, objet=demande.numero,
            contexte=_contexte_du_message(demande, le),
        )  # fmt: skip
        demande.passer_a(Etat.DEPOSEE, par=par, le=le, document=document, notification=notification)
    return demande


def _site_du_domicile(informations: Mapping, *, jour: dt.date) -> Site:
    """Lève `DemandeIncomplete` : l'adresse est à relire, ou le service est fermé."""
    texte = _("Aucune préfecture ne correspond à ce code postal : vérifiez votre adresse.")
    try:
        site = site_de(
            code_postal=informations["adresse_code_postal"], insee=informations.get("adresse_insee", ""), jour=jour
        )
    except SiteFerme:
        site = None
        texte = _(
            "Le service qui reçoit les demandes de votre département est fermé. Votre demande est gardée : "
            "vous pourrez la déposer quand un service la recevra."
        )
    if site is None:
        raise DemandeIncomplete([Manque("site", texte, INFORMATIONS.code, "id_adresse_code_postal")])
    return site


def _contexte_du_message(demande: Demande, le: dt.datetime) -> dict:
    """Accusé de réception électronique (CRPA R. 112-11-1) : reçu le, service, décision implicite."""
    return {
        "numero": demande.numero,
        "demarche": demande.demarche,
        "nom": demande.usager.nom_complet,
        "sms": DEMARCHES[demande.demarche].sms,
        "recu_le": le.isoformat(),
        "service": demande.site.en_tete_le(timezone.localdate(le)),
        "echeance_legale": demande.echeance_legale.isoformat() if demande.echeance_legale else None,
    }


def echeance_legale(parcours: Parcours) -> dt.date | None:
    """Date à laquelle le silence vaut rejet, si la demande est complète (R. 422-5, R. 432-2) ; rien sinon."""
    if not parcours.est_complete:
        return None
    return parcours.contexte.jour + dt.timedelta(days=parcours.contexte.valeur(parcours.demarche.silence, "jours"))


def _mettre_a_jour_le_profil(usager: Usager, informations: Mapping, *, le: dt.datetime) -> None:
    """L'adresse, le contact et la situation donnés au dépôt deviennent ceux du profil."""
    avant = (usager.nom_usage, usager.compte.telephone)
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
    usager.compte.telephone = informations.get("telephone") or usager.compte.telephone
    if (usager.nom_usage, usager.compte.telephone) != avant:
        usager.compte.coordonnees_changees_le = le
        usager.compte.save(update_fields=["telephone", "coordonnees_changees_le"])


def figer(demande: Demande, contenu: dict, *, rang: int, cause: str, par: Compte, le: dt.datetime) -> Instantane:
    """Fige le contenu, avec son empreinte."""
    texte = json.dumps(contenu, ensure_ascii=False, sort_keys=True)
    return Instantane.objects.create(
        demande=demande, rang=rang, cause=cause, contenu=contenu, le=le, par=par,
        empreinte=hashlib.sha256(texte.encode()).hexdigest(),
    )  # fmt: skip
