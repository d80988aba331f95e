"""Le droit qui change : ce qui a pris effet ne se réécrit pas, il se remplace à partir d'un jour à venir."""

import datetime as dt
import re
from collections.abc import Iterable

from demandes.journal_des_references import jour_en_mots
from demandes.models import Bareme, CoordonneesSite, Motif, PieceReference

LigneDatee = Bareme | CoordonneesSite | Motif | PieceReference

# Ce qu'une ligne en vigueur ou finie ne change plus. Libellés, consignes, ordre et source restent à corriger ;
# la phrase d'un motif, elle, est relue pour redire une lettre déjà partie.
FIGES: dict[type[LigneDatee], tuple[str, ...]] = {
    Bareme: ("valeurs",),
    # Une adresse ou un numéro faux nuit tant qu'il est montré : il se corrige aussitôt, et aucune lettre ne le relit.
    CoordonneesSite: (),
    Motif: ("texte", "texte_en"),
    PieceReference: ("obligatoire", "absence_permise", "fichiers_min", "fichiers_max", "anciennete_max"),
}
MONTANT = re.compile(r"\d{1,5}\.\d\d")
# Au-delà, une échéance sortirait du calendrier.
NOMBRE_MAX = 9999
FICHIERS_MAX = 20


def a_pris_effet(ligne: LigneDatee, *, jour: dt.date) -> bool:
    return ligne.du is not None and ligne.du <= jour


def est_finie(ligne: LigneDatee, *, jour: dt.date) -> bool:
    return a_pris_effet(ligne, jour=jour) and ligne.au is not None and ligne.au < jour


def periode_en_mots(ligne: LigneDatee) -> str:
    if ligne.du is None:
        return "sans date d'effet"
    fin = f"au {jour_en_mots(ligne.au)}" if ligne.au else "sans fin"
    return f"du {jour_en_mots(ligne.du)} {fin}"


def etat_en_mots(ligne: LigneDatee, *, jour: dt.date) -> str:
    if ligne.du is None:
        return "sans date d'effet"
    if not a_pris_effet(ligne, jour=jour):
        return "à venir"
    return "finie" if est_finie(ligne, jour=jour) else "en vigueur"


# --- Les dates -------------------------------------------------------------------------------------------------------
def fautes(ligne: LigneDatee, avant: LigneDatee | None, *, jour: dt.date) -> dict[str, str]:
    """Par champ, ce qui empêche d'écrire cette ligne à la place d'`avant` ; les autres lignes du code à part."""
    trouvees = {}
    if ligne.au and not ligne.du:
        trouvees["au"] = "Une date de fin demande une date d'effet : donnez-la, ou effacez la fin."
    elif ligne.au and ligne.au < ligne.du:
        dates = f"La fin ({jour_en_mots(ligne.au)}) précède la date d'effet ({jour_en_mots(ligne.du)})"
        trouvees["au"] = f"{dates} : changez l'une des deux."
    if avant and a_pris_effet(avant, jour=jour):
        trouvees = _fautes_d_une_ligne_figee(ligne, avant, jour=jour) | trouvees
    if isinstance(ligne, PieceReference) and not 1 <= ligne.fichiers_min <= ligne.fichiers_max <= FICHIERS_MAX:
        trouvees["fichiers_max"] = f"De 1 à {FICHIERS_MAX} fichiers, et « au plus » n'est pas moins qu'« au moins »."
    return trouvees


def _fautes_d_une_ligne_figee(ligne: LigneDatee, avant: LigneDatee, *, jour: dt.date) -> dict[str, str]:
    depuis = f"En vigueur depuis le {jour_en_mots(avant.du)}"
    trouvees = {
        nom: f"{depuis} : ce champ ne se réécrit pas. Remplacez la ligne à partir d'un jour à venir."
        for nom in ("du", *FIGES[type(ligne)])
        if getattr(ligne, nom) != getattr(avant, nom)
    }
    if ligne.au != avant.au:
        if est_finie(avant, jour=jour):
            trouvees["au"] = f"Finie le {jour_en_mots(avant.au)} : cette date ne change plus."
        elif ligne.au and ligne.au < jour:
            trouvees["au"] = "La fin est aujourd'hui au plus tôt : ce qui a déjà valu ne se retire pas."
    return trouvees


def faute_de_remplacement(du: dt.date | None, *, jour: dt.date) -> str:
    """Ce qui s'oppose à une date de remplacement ; vide : elle convient."""
    demain = jour + dt.timedelta(days=1)
    if du is None:
        return "Donnez le jour à partir duquel la nouvelle ligne vaut."
    if du < demain:
        return f"Demain, le {jour_en_mots(demain)}, au plus tôt : ce qui vaut aujourd'hui ne se réécrit pas."
    return ""


def suite_de(ligne: LigneDatee) -> dict:
    """Ce que la ligne partage avec celles d'avant et d'après."""
    return {"site": ligne.site_id} if isinstance(ligne, CoordonneesSite) else {"code": ligne.code}


def chevauchement(ligne: LigneDatee, autres: Iterable[LigneDatee]) -> LigneDatee | None:
    """La première des autres lignes datées de la même suite qui couvre un jour de celle-ci."""
    fin = ligne.au or dt.date.max
    datees = (autre for autre in autres if ligne.du and autre.du)
    return next((a for a in datees if a.du <= fin and ligne.du <= (a.au or dt.date.max)), None)


def phrase_de_chevauchement(autre: LigneDatee) -> str:
    [suite] = suite_de(autre)
    return (
        f"Cette période en chevauche une autre du même {suite} : « {autre} », {periode_en_mots(autre)}. "
        "Changez les dates, ou finissez d'abord l'autre ligne."
    )


def finir_avant(ligne: LigneDatee, du: dt.date) -> bool:
    """La ligne cède la place au jour `du` ; faux si elle était déjà finie alors."""
    if ligne.au and ligne.au < du:
        return False
    ligne.au = du - dt.timedelta(days=1)
    return True


# --- Les valeurs d'un barème -----------------------------------------------------------------------------------------
def est_table_de_periodes(valeurs: dict) -> bool:
    """`citoyen_ue.pays` : un code de pays, une date d'entrée, une date de sortie."""
    return bool(valeurs) and all(isinstance(valeur, dict) for valeur in valeurs.values())


def fautes_de_valeurs(valeurs, modele: dict) -> list[str]:
    """Ce que le code ne saurait pas lire : il attend les noms et les genres de la ligne `modele` du même barème."""
    if not isinstance(valeurs, dict):
        return ['Écrivez un objet JSON, par exemple {"jours": 30}.']
    if est_table_de_periodes(modele):
        return fautes_de_periodes(valeurs)
    phrases = [f"Il manque « {nom} »." for nom in modele if nom not in valeurs]
    phrases += [
        f"« {str(nom)[:40]} » n'est pas lu par l'application : retirez-le." for nom in valeurs if nom not in modele
    ]
    phrases += [
        faute for nom in modele if nom in valeurs and (faute := _faute_de_valeur(nom, valeurs[nom], modele[nom]))
    ]
    if not phrases and {"mois", "jour"} == set(modele) and not _est_un_jour(valeurs):
        phrases.append(f"Le {valeurs['jour']}/{valeurs['mois']} n'est pas un jour de l'année.")
    return phrases


def _faute_de_valeur(nom: str, valeur, modele) -> str:
    if isinstance(modele, bool):
        return "" if isinstance(valeur, bool) else f"« {nom} » vaut oui ou non (true ou false)."
    if isinstance(modele, int):
        entier = isinstance(valeur, int) and not isinstance(valeur, bool) and 0 <= valeur <= NOMBRE_MAX
        return "" if entier else f"« {nom} » est un nombre entier, de 0 à {NOMBRE_MAX}."
    if MONTANT.fullmatch(str(modele)):
        juste = isinstance(valeur, str) and MONTANT.fullmatch(valeur)
        return "" if juste else f'« {nom} » est un montant en euros, jamais négatif, écrit "75.00".'
    return "" if isinstance(valeur, str) and valeur.strip() else f"« {nom} » est un texte, jamais vide."


def _est_un_jour(valeurs: dict) -> bool:
    try:
        dt.date(2025, valeurs["mois"], valeurs["jour"])  # une année sans 29 février
    except ValueError:
        return False
    return True


def fautes_de_periodes(valeurs: dict) -> list[str]:
    phrases = [] if valeurs else ["La table est vide."]
    for nom, periode in valeurs.items():
        if not re.fullmatch("[A-Z]{2}", nom):
            phrases.append(f"« {nom[:20]} » n'est pas un code de pays : deux lettres majuscules.")
        elif not isinstance(periode, dict) or not {"du"} <= set(periode) <= {"du", "au"}:
            phrases.append(f"« {nom} » a une date « du », et une date « au » s'il y a lieu.")
        elif not all(_est_une_date(jour) for jour in periode.values()):
            phrases.append(f"« {nom} » : écrivez les dates AAAA-MM-JJ.")
        elif periode["du"] > periode.get("au", "9999"):
            phrases.append(f"« {nom} » : la fin précède le début.")
    return phrases


def _est_une_date(texte) -> bool:
    try:
        return isinstance(texte, str) and dt.date.fromisoformat(texte).isoformat() == texte
    except ValueError:
        return False
