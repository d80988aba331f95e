"""Ce qu'un complément demande, tel que la personne le lit : libellés et phrases dans sa langue. Lecture seule."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from demandes.droit import BaremeManquant, baremes
from demandes.models import Complement, ComplementLigne, Demande, Motif, PieceReference

BAREME = "complement.delai"
# Le motif d'une pièce qui n'a jamais été jointe.
MOTIF_MANQUANTE = "complement.manquante"


@dataclass(frozen=True)
class LigneDemandee:
    """Une pièce et ses motifs ; sans code, une information, que la consigne demande.

    `fournie` : la personne l'a déjà jointe.
    """

    code: str
    libelle: str
    motifs: tuple[str, ...] = ()
    consigne: str = ""
    fournie: bool = False

    @property
    def est_information(self) -> bool:
        return not self.code


@dataclass(frozen=True)
class LigneDeLettre:
    """Une ligne de la lettre : la pièce, les phrases des motifs, l'observation de l'agent."""

    libelle: str
    motifs: list[str]
    consigne: str
    est_information: bool
    manque: bool = False


def jours_pour_repondre(jour: dt.date) -> int:
    """Le délai de réponse en vigueur ce jour-là (guide 000 : 30 jours). Lève `BaremeManquant`."""
    try:
        return baremes(jour)[BAREME]["jours"]
    except KeyError:
        raise BaremeManquant(f"{BAREME}.jours le {jour}") from None


def lignes_de_lettre(
    demande: Demande, lignes: Iterable[LigneDemandee | ComplementLigne], *, jour: dt.date, langue: str
) -> list[LigneDeLettre]:
    """Les lignes dans l'ordre, dites avec les motifs et les libellés du jour de la demande de complément."""
    lignes = list(lignes)
    cites = {code for ligne in lignes for code in ligne.motifs}
    textes = {
        motif.code: motif.texte_en if langue == "en" else motif.texte
        for motif in Motif.objects.en_vigueur(jour).filter(code__in=cites)
    }
    libelles = {}
    if langue == "en":
        pieces = PieceReference.objects.en_vigueur(jour).filter(code__startswith=f"{demande.demarche}.")
        libelles = dict(pieces.values_list("libelle", "libelle_en"))
    with translation.override(langue):
        information = _("Information demandée")
    return [
        LigneDeLettre(
            libelle=libelles.get(ligne.libelle, ligne.libelle) if ligne.code else information,
            motifs=[textes[code] for code in ligne.motifs if code in textes],
            consigne=ligne.consigne,
            est_information=not ligne.code,
            manque=MOTIF_MANQUANTE in ligne.motifs,
        )
        for ligne in lignes
    ]


def lettre(complement: Complement, lignes: list[ComplementLigne], *, langue: str) -> dict:
    """Ce que le corps de la lettre reçoit, pour une demande de complément déjà faite."""
    jour = timezone.localdate(complement.demande_le)
    dites = lignes_de_lettre(complement.demande, lignes, jour=jour, langue=langue)
    return corps(dites, message=complement.message, jours=jours_de_reponse(complement))


def corps(lignes: list[LigneDeLettre], *, message: str, jours: int) -> dict:
    return {
        "lignes": lignes,
        "pieces": [ligne for ligne in lignes if not ligne.est_information and not ligne.manque],
        "manquantes": [ligne for ligne in lignes if ligne.manque],
        "informations": [ligne for ligne in lignes if ligne.est_information],
        "message": message,
        "jours": jours,
    }


def jours_de_reponse(complement: Complement) -> int:
    """Le délai compté à l'ouverture ; avant elle, celui que le message annonce."""
    ouverte = complement.notification.lue_le
    if complement.echeance_le and ouverte:
        return (complement.echeance_le - timezone.localdate(ouverte)).days
    return complement.notification.contexte["jours"]


def fichiers_d_origine(complement: Complement) -> dict[str, list[dict]]:
    """Ce que l'agent avait sous les yeux : par code de pièce, les fichiers figés avant la réponse."""
    depot = complement.demande.instantanes.filter(le__lte=complement.demande_le).order_by("-rang").first()
    if depot is None:
        return {}
    return {piece["code"]: piece["fichiers"] for piece in depot.contenu["pieces"] if piece["fichiers"]}
