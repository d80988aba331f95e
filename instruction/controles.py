"""Ce que la machine voit d'un dossier et que l'agent juge : des indices, chacun avec sa raison ; jamais un refus."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from demandes.demarches.formulaires import euros
from demandes.etats import ETATS_A_INSTRUIRE
from demandes.models import Demande, PieceJointe
from instruction.models import ControlePiece
from instruction.operations import ajouter_mois
from instruction.presentation import Attention, points_d_attention

# Un fichier répandu (une page blanche, un formulaire vierge) ne se signale pas dossier par dossier.
DOSSIERS_CITES = 5


def indices_du_dossier(demande: Demande, contenu: dict, *, jour: dt.date) -> list[Attention]:
    """Le titre, les ressources, puis ce qui a été signalé ou écrit au dépôt."""
    ressources = _ressources_sous_le_seuil(contenu)
    indices = [*_titre_expire(demande, contenu, jour), *([ressources[0]] if ressources else [])]
    for attention in points_d_attention(demande, contenu):
        # La phrase montrée à la personne dit le même seuil : le total et le seuil suffisent.
        if not (ressources and ressources[1] in attention.texte):
            indices.append(attention)
    return indices


def _titre_expire(demande: Demande, contenu: dict, jour: dt.date) -> Iterator[Attention]:
    if not contenu.get("titre") or demande.etat not in ETATS_A_INSTRUIRE:
        return
    fin = dt.date.fromisoformat(contenu["titre"]["fin"])
    if fin < (depot := timezone.localdate(demande.deposee_le)):
        yield Attention(
            _("Titre expiré avant le dépôt"),
            _("Il finissait le %(fin)s ; la demande est du %(depot)s.") % {"fin": _jour(fin), "depot": _jour(depot)},
        )
    elif fin < jour:
        yield Attention(
            _("Titre expiré depuis le dépôt"),
            _("Il finissait le %(fin)s : la personne est peut-être sans document.") % {"fin": _jour(fin)},
        )


def _ressources_sous_le_seuil(contenu: dict) -> tuple[Attention, str] | None:
    """Le total déclaré et le seuil du jour du dépôt, si la démarche en a un ; avec le seuil tel qu'il s'affiche."""
    bareme = contenu.get("baremes", {}).get(f"{contenu.get('demarche')}.seuil_ressources", {})
    totaux = [ligne["valeur"] for ligne in _lignes(contenu) if ligne["champ"] == "total"]
    try:
        seuil, total = Decimal(bareme["montant"]), Decimal(totaux[0])
    except (KeyError, IndexError, InvalidOperation, TypeError):
        return None
    if total >= seuil:
        return None
    texte = _("%(total)s par mois déclarés ; le seuil au jour du dépôt était de %(seuil)s par mois.")
    affiche = euros(seuil)
    return Attention(_("Ressources sous le seuil"), texte % {"total": euros(total), "seuil": affiche}), affiche


def _lignes(contenu: dict) -> Iterator[dict]:
    for partie in contenu.get("parties", ()):
        for groupe in partie["groupes"]:
            yield from groupe["lignes"]


def _jour(jour: dt.date) -> str:
    return f"{jour:%d/%m/%Y}"


# --- Pièce par pièce -------------------------------------------------------------------------------------------------
def indices_des_pieces(
    demande: Demande, contenu: dict, controles: dict[int, ControlePiece]
) -> dict[int, list[Attention]]:
    """Par fichier : le même déposé ailleurs, l'âge quand un agent l'a daté."""
    indices: dict[int, list[Attention]] = defaultdict(list)
    fichiers = {fichier["piece"]: fichier["empreinte"] for p in contenu.get("pieces", ()) for fichier in p["fichiers"]}
    ailleurs = _deposes_ailleurs(demande, set(fichiers.values()))
    depot = timezone.localdate(demande.deposee_le)
    for piece in contenu.get("pieces", ()):
        for fichier in piece["fichiers"]:
            cle = fichier["piece"]
            indices[cle] += _meme_fichier(demande, ailleurs.get(fichier["empreinte"], ()))
            if cle in controles:
                indices[cle] += _trop_ancienne(controles[cle], piece["anciennete_max"], depot)
    return indices


def _deposes_ailleurs(demande: Demande, empreintes: set[str]) -> dict[str, list[Demande]]:
    """Par empreinte, d'autres demandes déposées qui portent ce fichier ; pas toutes, sans ordre : un indice suffit."""
    vivantes = PieceJointe.objects.vivantes().filter(demande__numero__isnull=False).exclude(demande=demande)
    # Une borne par empreinte : un fichier que tout le monde a ne cache pas celui que deux personnes partagent.
    bornees = [
        vivantes.filter(fichier__empreinte=empreinte).order_by().values("pk")[: 10 * DOSSIERS_CITES]
        for empreinte in empreintes
    ]
    if not bornees:
        return {}
    cles = [ligne["pk"] for ligne in bornees[0].union(*bornees[1:], all=True)]
    jointes = PieceJointe.objects.filter(pk__in=cles).select_related("demande", "fichier").order_by("pk")
    ailleurs: dict[str, list[Demande]] = defaultdict(list)
    for jointe in jointes:
        if jointe.demande not in ailleurs[jointe.fichier.empreinte]:
            ailleurs[jointe.fichier.empreinte].append(jointe.demande)
    return ailleurs


def _meme_fichier(demande: Demande, autres: Iterable[Demande]) -> Iterator[Attention]:
    d_autrui = [autre for autre in autres if autre.usager_id != demande.usager_id]
    siennes = [autre for autre in autres if autre.usager_id == demande.usager_id]
    if d_autrui:
        titre = _("Même fichier dans le dossier d'une autre personne")
        yield Attention(titre, _("Octet pour octet le même."), dossiers=_dossiers(demande, d_autrui))
    if siennes:
        yield Attention(_("Fichier déjà déposé par la même personne"), dossiers=_dossiers(demande, siennes))


def _dossiers(demande: Demande, autres: list[Demande]) -> tuple[tuple[str, str], ...]:
    """Le numéro, et l'adresse si le dossier est du même site : les autres ne s'ouvrent pas d'ici."""
    return tuple(
        (autre.numero, reverse("admin:dossier", args=[autre.numero]) if autre.site_id == demande.site_id else "")
        for autre in autres[:DOSSIERS_CITES]
    )


def _trop_ancienne(controle: ControlePiece, mois: int | None, depot: dt.date) -> Iterator[Attention]:
    if not mois or controle.datee_du is None or ajouter_mois(controle.datee_du, mois) >= depot:
        return
    texte = ngettext(
        "Datée du %(jour)s : plus de %(mois)s mois au dépôt, le %(depot)s.",
        "Datée du %(jour)s : plus de %(mois)s mois au dépôt, le %(depot)s.",
        mois,
    )
    valeurs = {"jour": _jour(controle.datee_du), "mois": mois, "depot": _jour(depot)}
    yield Attention(_("Pièce trop ancienne"), texte % valeurs)
