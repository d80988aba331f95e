"""Les verbes du compte : le demander, l'ouvrir, changer de mot de passe, de courriel, d'informations.

Aucune réponse ne dit à qui n'a que la page si une personne ou un compte existe : seul le courriel dit la vérité.
Verrous dans l'ordre de `architecture.md` §2 : la ligne du lien, puis Usager, puis Compte.
"""

import datetime as dt

from axes.handlers.proxy import AxesProxyHandler
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from notifications.catalogue import Message
from notifications.operations import ecrire
from usagers import freins
from usagers.backends import trouver_compte
from usagers.models import ChangementCoordonnees, Compte, Identifiant, Inscription, TitreSejour, Usager
from usagers.numeros import formes_possibles

VALIDITE_LIEN = dt.timedelta(hours=24)  # guide 004, étape 7
VALIDITE_LIEN_MOT_DE_PASSE = dt.timedelta(hours=1)  # choix du projet

SEL_INSCRIPTION = "inscription"
SEL_MOT_DE_PASSE = "mot_de_passe"
SEL_COORDONNEES = "coordonnees"

# Aucune démarche en ligne ne part de ces titres : la personne est orientée avant tout compte (guide 000, domaine §1.1).
NATURES_SANS_COMPTE = {TitreSejour.Nature.COURT_SEJOUR, TitreSejour.Nature.RLD_UE}


class LienInvalide(Exception):
    """Le lien n'a pas été écrit par nous, ou a été abîmé en le copiant."""


class LienExpire(Exception):
    """Le lien est bon, mais trop ancien."""


class LienUtilise(Exception):
    """Le lien a déjà servi : il ne sert qu'une fois."""


class CompteDejaOuvert(Exception):
    """La personne a un compte ; il n'y en a jamais deux."""


class InscriptionRefusee(Exception):
    """Le numéro et les dates ne correspondent plus à un titre qui permette d'ouvrir un compte."""


class NumeroPris(Exception):
    """Ce n° étranger est celui d'une autre personne : un agent tranche, rien ne se fusionne de soi-même."""


class NumeroDejaAttribue(Exception):
    """La personne a déjà un n° étranger."""


# --- Créer un compte ---------------------------------------------------------------------------------------------


def rapprocher(*, numero: str, debut: dt.date, fin: dt.date) -> TitreSejour | None:
    """Le titre du référentiel qui porte ce numéro, ou que détient ce n° étranger, à ces dates exactes (domaine §3.1).

    Deux requêtes quoi qu'il arrive. Un titre expiré ouvre un compte : c'est la démarche, datée, qui dit jusqu'à quand
    il se renouvelle (le barème appartient à `demandes`).
    """
    formes = formes_possibles(numero)
    titres = TitreSejour.objects.select_related("usager__compte").filter(
        debut=debut, fin=fin, statut=TitreSejour.Statut.ACCEPTE, usager__anonymise_le__isnull=True
    )
    trouves = [*titres.filter(numero__in=formes), *titres.filter(usager__numero_etranger__in=formes)]
    return next((titre for titre in trouves if titre.nature not in NATURES_SANS_COMPTE), None)


@transaction.atomic
def preinscrire(
    *, numero: str, debut: dt.date, fin: dt.date, courriel: str, langue: str, le: dt.datetime
) -> Inscription:
    """Enregistre une demande de création : toujours une inscription et un envoi, que la personne existe ou non.

    Le courriel dit la vérité : le lien, le compte déjà ouvert, ou le refus et comment faire (patterns §2.2).
    """
    titre = rapprocher(numero=numero, debut=debut, fin=fin)
    inscription = Inscription.objects.create(
        numero=numero, debut=debut, fin=fin, courriel=courriel, langue=langue, creee_le=le, expire_le=le + VALIDITE_LIEN
    )
    if titre is None:
        message, contexte = Message.INSCRIPTION_REFUSEE, {}
    elif titre.usager.compte:
        message, contexte = Message.COMPTE_EXISTANT, {}
    else:
        lien = _lien("usagers:activer", SEL_INSCRIPTION, [inscription.pk, inscription.nonce])
        message, contexte = Message.INSCRIPTION, {"lien_signe": lien}
    ecrire(message, adresse=courriel, langue=langue, contexte=contexte, le=le)
    return inscription


def lire_inscription(jeton: str, *, le: dt.datetime) -> Inscription:
    """L'inscription d'un lien reçu ; la lecture n'a aucun effet (un antivirus de messagerie suit les liens)."""
    inscription = retrouver_inscription(jeton)
    _verifier_lien(inscription, le)
    return inscription


def retrouver_inscription(jeton: str) -> Inscription:
    """L'inscription d'un lien, même expiré : pour la recommencer."""
    return _ligne(Inscription, _lire_jeton(jeton, SEL_INSCRIPTION))


@transaction.atomic
def activer(inscription: Inscription, *, mot_de_passe: str, le: dt.datetime) -> Compte:
    """Ouvre le compte d'un lien reçu : une seule fois, et un seul compte par personne.

    L'identifiant est le n° étranger ; le n° de visa tant qu'il n'y en a pas (guide 000). Le visa qui a servi à
    l'ouverture reste accepté à la connexion.
    """
    inscription = Inscription.objects.select_for_update(no_key=True).get(pk=inscription.pk)
    _verifier_lien(inscription, le)
    titre = rapprocher(numero=inscription.numero, debut=inscription.debut, fin=inscription.fin)
    if titre is None:
        raise InscriptionRefusee
    usager = Usager.objects.select_for_update(of=("self",), no_key=True).get(pk=titre.usager_id)
    if usager.compte_id:
        raise CompteDejaOuvert
    valeurs = identifiants(usager, titre)
    compte = Compte(
        identifiant=next(iter(valeurs)),
        courriel=inscription.courriel,
        courriel_verifie_le=le,
        langue=inscription.langue,
        cree_le=le,
    )
    compte.set_password(mot_de_passe)
    try:
        with transaction.atomic():
            compte.save()
            for valeur, nature in valeurs.items():
                Identifiant.objects.create(valeur=valeur, compte=compte, nature=nature)
    except IntegrityError as erreur:
        raise CompteDejaOuvert from erreur
    usager.compte = compte
    usager.save(update_fields=["compte"])
    inscription.utilise_le = le
    inscription.save(update_fields=["utilise_le"])
    return compte


def identifiants(usager: Usager, titre: TitreSejour) -> dict[str, Identifiant.Nature]:
    """Les identifiants d'un compte à ouvrir, le principal en premier."""
    valeurs = {usager.numero_etranger: Identifiant.Nature.NUMERO_ETRANGER} if usager.numero_etranger else {}
    if titre.est_visa or not valeurs:
        valeurs.setdefault(titre.numero, Identifiant.Nature.VISA)
    return valeurs


def compte_a_ouvrir(inscription: Inscription) -> Compte:
    """Le compte tel qu'il serait, non enregistré : le mot de passe ne doit pas ressembler à l'identifiant."""
    return Compte(identifiant=inscription.numero, courriel=inscription.courriel)


# --- Mot de passe ------------------------------------------------------------------------------------------------


@transaction.atomic
def demander_mot_de_passe(saisie: str, *, le: dt.datetime) -> None:
    """Écrit le lien de changement à l'adresse du compte ; ne dit pas à l'appelant si le compte existe (domaine §3.2).

    Un compte d'agent n'a pas cette porte : son administrateur s'en charge.
    """
    compte = trouver_compte(saisie)
    if compte is None or compte.est_agent or not compte.is_active:
        return
    lien = _lien("usagers:mot_de_passe_nouveau", SEL_MOT_DE_PASSE, [compte.pk, _empreinte_du_mot_de_passe(compte)])
    contexte = {"lien_signe": lien, "nom": nom_du_titulaire(compte)}
    ecrire(Message.MOT_DE_PASSE, adresse=compte.courriel, langue=compte.langue, contexte=contexte, le=le)


def lire_lien_mot_de_passe(jeton: str) -> Compte:
    """Le compte d'un lien de changement : valable une heure, et jusqu'au premier changement du mot de passe."""
    cle, empreinte = _lire_jeton(jeton, SEL_MOT_DE_PASSE, validite=VALIDITE_LIEN_MOT_DE_PASSE)
    compte = Compte.objects.filter(pk=cle, is_active=True, nature=Compte.Nature.USAGER).first()
    if compte is None:
        raise LienInvalide
    if not constant_time_compare(_empreinte_du_mot_de_passe(compte), str(empreinte)):
        raise LienUtilise
    return compte


@transaction.atomic
def changer_mot_de_passe(compte: Compte, *, mot_de_passe: str) -> Compte:
    """Change le mot de passe : ferme les autres sessions (leur empreinte ne vaut plus) et lève le blocage.

    `compte` est celui que le lien ou la session a lu : si le mot de passe a changé depuis, le lien a déjà servi.
    """
    lu = compte.password
    compte = Compte.objects.select_for_update(no_key=True).get(pk=compte.pk)
    if compte.password != lu:
        raise LienUtilise
    compte.set_password(mot_de_passe)
    compte.save(update_fields=["password"])
    AxesProxyHandler.reset_attempts(username=compte.identifiant)
    freins.relacher(freins.CONNEXION_COMPTE, compte.identifiant)
    return compte


# --- Coordonnées -------------------------------------------------------------------------------------------------


@transaction.atomic
def demander_changement_courriel(compte: Compte, *, courriel: str, le: dt.datetime) -> ChangementCoordonnees:
    """Propose une nouvelle adresse : rien ne change avant la confirmation aux deux adresses. La dernière demande
    remplace la précédente."""
    compte = Compte.objects.select_for_update(no_key=True).get(pk=compte.pk)
    changements_en_attente(compte, le=le).update(expire_le=le)
    changement = ChangementCoordonnees.objects.create(
        compte=compte, courriel=courriel, ancien_courriel=compte.courriel, cree_le=le, expire_le=le + VALIDITE_LIEN
    )
    nom = nom_du_titulaire(compte)
    for message, adresse, cote in (
        (Message.COORDONNEES, changement.courriel, "nouveau"),
        (Message.COORDONNEES_AVIS, changement.ancien_courriel, "ancien"),
    ):
        lien = _lien("usagers:courriel_confirmer", SEL_COORDONNEES, [changement.pk, changement.nonce, cote])
        ecrire(message, adresse=adresse, langue=compte.langue, contexte={"lien_signe": lien, "nom": nom}, le=le)
    return changement


def changements_en_attente(compte: Compte, *, le: dt.datetime):
    return compte.changements.filter(utilise_le__isnull=True, expire_le__gt=le)


def lire_changement(jeton: str, *, le: dt.datetime) -> tuple[ChangementCoordonnees, str]:
    """Le changement d'un lien reçu, et le côté (« ancien » ou « nouveau ») qui l'a reçu ; sans effet."""
    objet = _lire_jeton(jeton, SEL_COORDONNEES)
    changement = _ligne(ChangementCoordonnees, objet[:2])
    _verifier_lien(changement, le)
    return changement, objet[2]


@transaction.atomic
def confirmer_courriel(changement: ChangementCoordonnees, *, cote: str, le: dt.datetime) -> ChangementCoordonnees:
    """Confirme d'un côté ; l'adresse change quand les deux côtés ont confirmé. Confirmer deux fois ne fait rien."""
    compte = Compte.objects.select_for_update(no_key=True).get(pk=changement.compte_id)
    changement = ChangementCoordonnees.objects.select_for_update(no_key=True).get(pk=changement.pk)
    _verifier_lien(changement, le)
    champ = "confirme_nouveau_le" if cote == "nouveau" else "confirme_ancien_le"
    if getattr(changement, champ) is None:
        setattr(changement, champ, le)
    if changement.confirme_ancien_le and changement.confirme_nouveau_le:
        compte.courriel, compte.courriel_verifie_le, compte.coordonnees_changees_le = changement.courriel, le, le
        compte.save(update_fields=["courriel", "courriel_verifie_le", "coordonnees_changees_le"])
        changement.utilise_le = le
    changement.save(update_fields=[champ, "utilise_le"])
    return changement


@transaction.atomic
def annuler_changement_courriel(changement: ChangementCoordonnees, *, le: dt.datetime) -> bool:
    """Abandonne un changement en attente : ses deux liens ne valent plus. Vrai si c'est cet appel qui l'a fait."""
    Compte.objects.select_for_update(no_key=True).get(pk=changement.compte_id)
    return bool(
        ChangementCoordonnees.objects.filter(pk=changement.pk, utilise_le__isnull=True, expire_le__gt=le).update(
            expire_le=le
        )
    )


@transaction.atomic
def modifier_informations(
    usager: Usager, *, nom_usage: str, situation_familiale: str, telephone: str, le: dt.datetime
) -> Usager:
    """Écrit ce que la personne tient à jour elle-même ; l'état civil et l'adresse ne changent pas ici (guide 000)."""
    usager = Usager.objects.select_for_update(of=("self",), no_key=True).select_related("compte").get(pk=usager.pk)
    usager.nom_usage, usager.situation_familiale = nom_usage, situation_familiale
    usager.save(update_fields=["nom_usage", "situation_familiale"])
    usager.compte.telephone, usager.compte.coordonnees_changees_le = telephone, le
    usager.compte.save(update_fields=["telephone", "coordonnees_changees_le"])
    return usager


@transaction.atomic
def attribuer_numero_etranger(usager: Usager, *, numero: str) -> Usager:
    """Le numéro devient l'identifiant de connexion ; le numéro de visa reste accepté, le mot de passe ne change pas.

    Lève `NumeroPris`, `NumeroDejaAttribue`.
    """
    usager = Usager.objects.select_for_update(of=("self",), no_key=True).select_related("compte").get(pk=usager.pk)
    if usager.numero_etranger:
        raise NumeroDejaAttribue
    autres = Identifiant.objects.filter(valeur=numero).exclude(compte=usager.compte_id)
    if autres.exists() or Usager.objects.filter(numero_etranger=numero).exists():
        raise NumeroPris
    usager.numero_etranger = numero
    try:
        with transaction.atomic():
            usager.save(update_fields=["numero_etranger"])
            if usager.compte:
                _changer_d_identifiant(usager.compte, numero)
    except IntegrityError:  # la même seconde, pour une autre personne
        raise NumeroPris from None
    return usager


def _changer_d_identifiant(compte: Compte, numero: str) -> None:
    Compte.objects.select_for_update(no_key=True).get(pk=compte.pk)
    Identifiant.objects.create(valeur=numero, compte=compte, nature=Identifiant.Nature.NUMERO_ETRANGER)
    AxesProxyHandler.reset_attempts(username=compte.identifiant)
    compte.identifiant = numero
    compte.save(update_fields=["identifiant"])


def retenir_langue(compte: Compte, langue: str) -> None:
    """La langue choisie sur le site devient celle des courriels et des SMS."""
    if compte.langue != langue:
        Compte.objects.filter(pk=compte.pk).update(langue=langue)
        compte.langue = langue


# --- Liens signés ------------------------------------------------------------------------------------------------


def _lien(url: str, sel: str, objet: list) -> dict:
    """Ce que l'envoi garde d'un lien : de quoi le signer au départ, jamais le lien lui-même."""
    return {"url": url, "sel": sel, "objet": objet}


def _lire_jeton(jeton: str, sel: str, *, validite: dt.timedelta | None = None) -> list:
    try:
        return signing.loads(jeton, salt=sel, max_age=validite)
    except signing.SignatureExpired as erreur:
        raise LienExpire from erreur
    except signing.BadSignature as erreur:
        raise LienInvalide from erreur


def _ligne(modele, objet: list):
    ligne = modele.objects.filter(pk=objet[0]).first()
    if ligne is None or not constant_time_compare(ligne.nonce, objet[1]):
        raise LienInvalide
    return ligne


def _verifier_lien(ligne: Inscription | ChangementCoordonnees, le: dt.datetime) -> None:
    if ligne.utilise_le:
        raise LienUtilise
    if ligne.expire_le <= le:
        raise LienExpire


def _empreinte_du_mot_de_passe(compte: Compte) -> str:
    return salted_hmac("usagers.mot_de_passe", f"{compte.pk}{compte.password}", algorithm="sha256").hexdigest()[:40]


def nom_du_titulaire(compte: Compte) -> str:
    usager = Usager.objects.filter(compte=compte).first()
    return usager.nom_complet if usager else ""
