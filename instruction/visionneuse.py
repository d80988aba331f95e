"""Les pièces d'un dossier, version par version, et la façon d'en regarder une : page, agrandissement, sens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.core.files.base import File
from PIL import Image, UnidentifiedImageError

from instruction.models import ControlePiece
from instruction.presentation import Attention

ZOOMS = (100, 150, 200, 300)
QUARTS_DE_TOUR = (0, 90, 180, 270)
# Un format A4 debout, quand l'image ne dit pas sa taille.
TAILLE_SUPPOSEE = (1414, 2000)


@dataclass(frozen=True)
class FichierDuDossier:
    """`est_ancien` : remplacé par la personne depuis, gardé comme elle l'avait déposé."""

    cle: int
    nom: str
    taille: int
    piece: str
    est_ancien: bool = False
    est_nouveau: bool = False
    controle: ControlePiece | None = None
    indices: Sequence[Attention] = ()

    @property
    def est_verifie(self) -> bool:
        return self.controle is not None and self.controle.verifiee


@dataclass(frozen=True)
class PieceDuDossier:
    """Une pièce demandée : ce qui en est figé, et ses fichiers, les anciens à la fin."""

    figee: Mapping
    fichiers: list[FichierDuDossier] = field(default_factory=list)

    @property
    def est_vide(self) -> bool:
        return not (self.figee["numero"] or self.figee["declaration"] or self.figee["fichiers"])


def pieces_du_dossier(
    contenus: Sequence[dict], controles: Mapping[int, ControlePiece], indices: Mapping[int, Sequence[Attention]]
) -> list[PieceDuDossier]:
    """`contenus` : les instantanés par rang ; le dernier dit ce qui est en vigueur."""
    *anciens, actuel = contenus
    deja_la = {f["piece"] for contenu in anciens for p in contenu.get("pieces", ()) for f in p["fichiers"]}
    pieces = []
    for figee in actuel.get("pieces", ()):
        versions = {fichier["piece"]: fichier for fichier in figee["fichiers"]}
        actuelles = set(versions)
        for contenu in reversed(anciens):
            for piece in contenu.get("pieces", ()):
                if piece["code"] == figee["code"]:
                    versions |= {f["piece"]: f for f in piece["fichiers"] if f["piece"] not in versions}
        fichiers = [
            FichierDuDossier(
                cle, fichier["nom"], fichier["taille"], figee["libelle"], est_ancien=cle not in actuelles,
                est_nouveau=bool(anciens) and cle not in deja_la, controle=controles.get(cle),
                indices=indices.get(cle, ()),
            )
            for cle, fichier in versions.items()
        ]  # fmt: skip
        pieces.append(PieceDuDossier(figee, fichiers))
    return pieces


@dataclass(frozen=True)
class Regard:
    """Ce que l'adresse dit de la façon de regarder ; toute autre valeur ramène à l'ordinaire."""

    cle: int
    page: int = 1
    zoom: int = 100
    tour: int = 0

    @classmethod
    def lire(cls, parametres: Mapping[str, str], cle: int) -> "Regard":
        def entier(nom: str, defaut: int) -> int:
            texte = parametres.get(nom, "")
            return int(texte) if texte.isascii() and texte.isdecimal() and len(texte) < 5 else defaut

        zoom, tour = entier("zoom", 100), entier("tour", 0)
        return cls(
            cle, max(entier("page", 1), 1), zoom if zoom in ZOOMS else 100, tour if tour in QUARTS_DE_TOUR else 0
        )

    def avec(self, **changements: int) -> str:
        """La fin de l'adresse qui montre la même chose autrement ; l'ordinaire ne s'écrit pas."""
        voulu = {"page": self.page, "zoom": self.zoom, "tour": self.tour} | changements
        ordinaire = {"page": 1, "zoom": 100, "tour": 0}
        ecarts = {nom: valeur for nom, valeur in voulu.items() if valeur != ordinaire[nom]}
        return urlencode({"vue": "pieces", "piece": self.cle} | ecarts)

    @property
    def commandes(self) -> dict[str, str]:
        """Les liens, sans ceux qui ne changeraient rien."""
        rang = ZOOMS.index(self.zoom)
        commandes = {
            "gauche": self.avec(tour=(self.tour - 90) % 360),
            "droite": self.avec(tour=(self.tour + 90) % 360),
        }
        if rang:
            commandes["reduire"] = self.avec(zoom=ZOOMS[rang - 1])
        if rang + 1 < len(ZOOMS):
            commandes["agrandir"] = self.avec(zoom=ZOOMS[rang + 1])
        if self.zoom != 100 or self.tour:
            commandes["ordinaire"] = self.avec(zoom=100, tour=0)
        return commandes


@dataclass(frozen=True)
class Rotation:
    """Une image tournée sans être refaite : le cadre d'un dessin SVG, et la transformation de l'image dedans."""

    cadre: str
    transformation: str
    largeur: int
    hauteur: int


def rotation(image: File, tour: int) -> Rotation:
    largeur, hauteur = taille_de(image)
    transformation = {
        90: f"translate({hauteur} 0) rotate(90)",
        180: f"translate({largeur} {hauteur}) rotate(180)",
        270: f"translate(0 {largeur}) rotate(270)",
    }[tour]
    cadre = f"0 0 {largeur} {hauteur}" if tour == 180 else f"0 0 {hauteur} {largeur}"
    return Rotation(cadre, transformation, largeur, hauteur)


def taille_de(image: File) -> tuple[int, int]:
    """Lue dans l'en-tête : l'image n'est pas ouverte."""
    try:
        with image, Image.open(image, formats=["JPEG", "PNG"]) as ouverte:
            return ouverte.size
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return TAILLE_SUPPOSEE
