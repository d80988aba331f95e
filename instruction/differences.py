"""Ce qui a changé d'un instantané au suivant : les réponses, puis les fichiers et les absences de chaque pièce."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """`avant` et `apres` tels qu'ils s'affichent ; vide : rien. `champ` : partie, groupe et champ de la réponse."""

    libelle: str
    avant: str
    apres: str
    champ: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class DifferenceDePiece:
    """Les fichiers par leur clé et leur nom ; l'absence écrite avant et après."""

    code: str
    libelle: str
    retires: list[tuple[int, str]]
    ajoutes: list[tuple[int, str]]
    absence_avant: str
    absence_apres: str


def differences(avant: dict, apres: dict) -> list[Difference]:
    anciennes, nouvelles = dict(_reponses(avant)), dict(_reponses(apres))
    resultat = []
    for champ in {**anciennes, **nouvelles}:
        ancienne, nouvelle = anciennes.get(champ), nouvelles.get(champ)
        a, b = (str(ligne["affichage"]) if ligne else "" for ligne in (ancienne, nouvelle))
        if a != b:
            resultat.append(Difference((nouvelle or ancienne)["libelle"], a, b, champ))
    return resultat


def _reponses(contenu: dict) -> Iterator[tuple[tuple[str, str, str], dict]]:
    """Un champ répété (une ligne par ressource) se distingue par son rang."""
    vus: dict[tuple[str, str, str], int] = {}
    for partie in contenu.get("parties", ()):
        for groupe in partie["groupes"]:
            for ligne in groupe["lignes"]:
                champ = (partie["code"], groupe["code"], ligne["champ"])
                rang = vus[champ] = vus.get(champ, 0) + 1
                yield (*champ[:2], f"{champ[2]}#{rang}" if rang > 1 else champ[2]), ligne


def differences_des_pieces(avant: dict, apres: dict) -> list[DifferenceDePiece]:
    anciennes = {piece["code"]: piece for piece in avant.get("pieces", ())}
    nouvelles = {piece["code"]: piece for piece in apres.get("pieces", ())}
    resultat = []
    for code in {**anciennes, **nouvelles}:
        ancienne, nouvelle = anciennes.get(code, {}), nouvelles.get(code, {})
        retires, ajoutes = _sans(ancienne, nouvelle), _sans(nouvelle, ancienne)
        absences = ancienne.get("absence", ""), nouvelle.get("absence", "")
        if retires or ajoutes or absences[0] != absences[1]:
            libelle = (nouvelle or ancienne)["libelle"]
            resultat.append(DifferenceDePiece(code, libelle, retires, ajoutes, *absences))
    return resultat


def _sans(piece: dict, autre: dict) -> list[tuple[int, str]]:
    """Les fichiers de cette version que l'autre n'a pas."""
    cles = {fichier["piece"] for fichier in autre.get("fichiers", ())}
    return [(f["piece"], f["nom"]) for f in piece.get("fichiers", ()) if f["piece"] not in cles]


def marquer(contenu: dict, changees: list[Difference]) -> dict:
    """Le même contenu, où chaque réponse changée porte ce qu'elle disait : `avant`."""
    avant = {difference.champ: difference.avant for difference in changees}
    for champ, ligne in _reponses(contenu):
        if champ in avant:
            ligne["changee"], ligne["avant"] = True, avant[champ]
    return contenu
