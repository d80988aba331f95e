"""Un verdict dit aux personnes : titre, explication, et les seules informations que le code porte."""

import datetime as dt
from collections.abc import Iterator

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from documents.verification import Etat, Verdict

LIBELLES = {
    "6J": gettext_lazy("Document"),
    "01": gettext_lazy("N° d'attestation"),
    "6K": gettext_lazy("N° de la demande"),
    "6L": gettext_lazy("Date de dépôt de la demande"),
    "6Q": gettext_lazy("N° d'étranger"),
    "6R": gettext_lazy("N° de visa"),
    "62": gettext_lazy("Nom de naissance"),
    "63": gettext_lazy("Nom d'usage"),
    "60": gettext_lazy("Prénoms"),
    "61": gettext_lazy("Prénom usuel"),
    "68": gettext_lazy("Sexe"),
    "69": gettext_lazy("Date de naissance"),
    "6A": gettext_lazy("Lieu de naissance"),
    "6C": gettext_lazy("Pays de naissance (code)"),
    "67": gettext_lazy("Nationalité (code du pays)"),
    "6S": gettext_lazy("Adresse, ligne 2"),
    "6T": gettext_lazy("Adresse, ligne 3"),
    "6U": gettext_lazy("Adresse, voie"),
    "6V": gettext_lazy("Adresse, ligne 5"),
    "6W": gettext_lazy("Code postal"),
    "6X": gettext_lazy("Commune"),
    "6Y": gettext_lazy("Pays de l'adresse (code)"),
    "6M": gettext_lazy("Catégorie du titre"),
    "6P": gettext_lazy("Autorisation"),
    "6N": gettext_lazy("Début de validité"),
    "6O": gettext_lazy("Fin de validité"),
    "64": gettext_lazy("Nom d'époux ou d'épouse"),
    "66": gettext_lazy("N° de la pièce d'identité"),
    "6B": gettext_lazy("Département du bureau émetteur"),
    "6D": gettext_lazy("Nom et prénom du père"),
    "6E": gettext_lazy("Nom et prénom de la mère"),
    "6G": gettext_lazy("Nom"),
    "6H": gettext_lazy("Civilité"),
    "6I": gettext_lazy("Pays émetteur (code)"),
    "6Z": gettext_lazy("N° de l'autorisation de travail"),
    "08": gettext_lazy("Date d'expiration"),
}
DOCUMENTS = {
    "1": gettext_lazy("Confirmation du dépôt d'une demande de titre de séjour"),
    "2": gettext_lazy("Attestation de prolongation de l'instruction d'une demande de titre de séjour"),
    "3": gettext_lazy("Attestation de décision favorable sur une demande de titre de séjour"),
    "4": gettext_lazy("Confirmation du dépôt d'une demande de document de circulation pour étranger mineur"),
    "5": gettext_lazy("Document de circulation pour étranger mineur"),
}
SEXES = {"M": gettext_lazy("masculin"), "F": gettext_lazy("féminin")}
GENRES = {Etat.AUTHENTIQUE: "success", Etat.EXPIRE: "warning", Etat.REMPLACE: "warning"}
EXPLICATIONS = {
    Etat.AUTHENTIQUE: gettext_lazy(
        "Ce code a été signé par l'administration et n'a pas été modifié. Comparez maintenant, ligne par ligne, les "
        "informations ci-dessous avec le document et avec la personne qui le présente : un vrai code peut avoir été "
        "recopié sur un autre papier."
    ),
    Etat.EXPIRE: gettext_lazy(
        "Ce code est authentique, mais la fin de validité qu'il porte est passée. Le document ne vaut plus."
    ),
    Etat.REMPLACE: gettext_lazy(
        "Ce code est authentique, mais un document plus récent remplace celui-ci. Demandez le nouveau document."
    ),
    Etat.RETIRE: gettext_lazy(
        "Ce code a bien été signé par l'administration, mais le document a été retiré depuis. Il ne vaut plus rien."
    ),
    Etat.SIGNATURE_INVALIDE: gettext_lazy(
        "Le contenu de ce code ne correspond pas à sa signature : il a été modifié ou fabriqué. "
        "N'acceptez pas ce document."
    ),
    Etat.HORS_VALIDITE: gettext_lazy(
        "Ce code a été signé un jour où le certificat n'était pas valable. N'acceptez pas ce document."
    ),
    Etat.CERTIFICAT_REVOQUE: gettext_lazy(
        "Le certificat qui a signé ce code a été révoqué. N'acceptez pas ce document, quelle que soit sa date."
    ),
    Etat.CERTIFICAT_INCONNU: gettext_lazy(
        "Ce code a été signé par un certificat que nous ne connaissons pas : nous ne pouvons rien en dire."
    ),
    Etat.TYPE_NON_PRIS_EN_CHARGE: gettext_lazy(
        "Ce code 2D-Doc n'est pas celui d'un document de séjour. "
        "Cette page ne vérifie que les attestations de ce portail."
    ),
    Etat.MALFORME: gettext_lazy(
        "Aucun code 2D-Doc bien formé n'a pu être lu. Reprenez la photo de près, bien à plat et sans reflet, "
        "ou envoyez le PDF d'origine. Si le code reste illisible, n'acceptez pas ce document."
    ),
}


def resultat(verdict: Verdict, *, le: dt.datetime) -> dict:
    entete = verdict.lecture.entete
    return {
        "titre": verdict.etat.label,
        "genre": GENRES.get(verdict.etat, "error"),
        "explication": EXPLICATIONS[verdict.etat],
        "lignes": list(lignes(verdict)) if verdict.champs_surs else [],
        "annexe": bool(verdict.lecture.annexe) and verdict.champs_surs,
        "verifie_le": timezone.localtime(le),
        "essai": entete is not None and entete.autorite.endswith("00"),
        "change_le": verdict.document.etat_le
        if verdict.document and verdict.etat in {Etat.RETIRE, Etat.REMPLACE}
        else None,
    }


def lignes(verdict: Verdict) -> Iterator[dict]:
    """Seulement ce que le code porte, dans l'ordre où le document l'imprime."""
    lecture = verdict.lecture
    if lecture.entete.emission:
        yield {"libelle": _("Date d'émission"), "valeur": f"{lecture.entete.emission:%d/%m/%Y}"}
    for identifiant, libelle in LIBELLES.items():
        valeur = lecture.champs.get(identifiant, "").strip()
        if valeur:
            lisible = en_clair(identifiant, valeur)
            if identifiant in lecture.tronques:
                lisible = _("%(valeur)s… (abrégé dans le code)") % {"valeur": lisible}
            yield {"libelle": libelle, "valeur": lisible}


def en_clair(identifiant: str, valeur: str) -> str:
    if identifiant in {"6L", "6N", "6O", "69"}:
        return f"{valeur[:2]}/{valeur[2:4]}/{valeur[4:]}"
    if identifiant == "6J":
        return str(DOCUMENTS[valeur])
    if identifiant == "68":
        return str(SEXES[valeur])
    if identifiant == "60":
        return valeur.replace("/", ", ")
    return valeur
