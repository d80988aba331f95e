"""Symboles imprimés : Data Matrix du 2D-Doc en C40 strict (§ 5.2 de la spécification) et QR de vérification."""

import codecs
import io
import itertools
from collections.abc import Sequence

import segno
from ppf.datamatrix import DataMatrix

from documents.deuxd_doc import NonEncodable

MODULE_MM = 0.40  # minimum conseillé quand l'imprimante est inconnue
MARGE = 2  # modules de silence autour du symbole (un au moins)
MODULE_QR_MM, MARGE_QR = 0.36, 4
C40, FIN_C40 = 230, 254
# Octets de données des symboles carrés, du 10×10 au 144×144.
CAPACITES = (
    3, 5, 8, 12, 18, 22, 30, 36, 44, 62, 86, 114, 144, 174, 204, 280, 368, 456, 576, 696, 816, 1050, 1304, 1558,
)  # fmt: skip
CODAGE = "deuxd_doc_c40"


def valeurs_c40(caractere: str) -> tuple[int, ...]:
    rang = ord(caractere)
    if caractere == " ":
        return (3,)
    if "0" <= caractere <= "9":
        return (rang - 48 + 4,)
    if "A" <= caractere <= "Z":
        return (rang - 65 + 14,)
    if rang < 32:
        return (0, rang)
    if 33 <= rang <= 47:
        return (1, rang - 33)
    if 58 <= rang <= 64:
        return (1, rang - 58 + 15)
    raise NonEncodable(caractere)


def mots_c40(texte: str) -> bytes:
    """Les mots du symbole, avant remplissage : tout en C40, un seul caractère de reste en ASCII."""
    if not texte or len(valeurs_c40(texte[-1])) != 1:
        raise NonEncodable(texte)
    valeurs = [valeur for caractere in texte for valeur in valeurs_c40(caractere)]
    reste = len(valeurs) % 3
    if reste == 2:
        valeurs.append(0)
    mots = [C40]
    for un, deux, trois in zip(valeurs[::3], valeurs[1::3], valeurs[2::3], strict=False):
        mots += divmod(1600 * un + 40 * deux + trois + 1, 256)
    if reste == 1:
        mots += [FIN_C40, ord(texte[-1]) + 1]
    elif len(mots) not in CAPACITES:
        mots.append(FIN_C40)  # de la place reste dans le symbole : on quitte le C40 avant le remplissage
    if len(mots) > CAPACITES[-1]:
        raise NonEncodable(texte)
    return bytes(mots)


def _codage(nom: str) -> codecs.CodecInfo | None:
    if nom != CODAGE:
        return None
    return codecs.CodecInfo(lambda texte, erreurs="strict": (mots_c40(texte), len(texte)), None, name=CODAGE)


codecs.register(_codage)


def modules(texte: str) -> list[list[int]]:
    """Modules du symbole, ligne par ligne, sans marge."""
    mots_c40(texte)  # le paquet prendrait une erreur de codage pour un codage à ne pas retenir
    symbole = DataMatrix(texte)
    symbole.codecs = [CODAGE]  # attribut de ppf.datamatrix 0.2, version figée
    return symbole.matrix


def svg(grille: Sequence[Sequence[int]], *, module_mm: float, marge: int) -> str:
    """Un seul tracé fait de bandes horizontales, noir sur blanc, aux dimensions en millimètres."""
    cote = len(grille) + 2 * marge
    bandes = []
    for y, ligne in enumerate(grille):
        x = 0
        for noir, suite in itertools.groupby(ligne):
            largeur = len(list(suite))
            if noir:
                bandes.append(f"M{x + marge} {y + marge}h{largeur}v1h-{largeur}")
            x += largeur
    taille = f"{cote * module_mm:.2f}mm"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{taille}" height="{taille}" viewBox="0 0 {cote} {cote}">'
        f'<path fill="#fff" d="M0 0h{cote}v{cote}H0z"/>'
        f'<path fill="#000" shape-rendering="crispEdges" d="{"".join(bandes)}"/></svg>'
    )


def svg_2d_doc(texte: str) -> str:
    return svg(modules(texte), module_mm=MODULE_MM, marge=MARGE)


def png_qr(prefixe: str, suite: str) -> tuple[bytes, float]:
    """QR et son côté en millimètres. Deux segments : l'adresse en octets, la suite dans l'alphabet compact du QR.

    Un PNG, six pixels par module : WeasyPrint le pose en quinze fois moins de temps qu'un tracé.
    """
    code = segno.make_qr([(prefixe, None), (suite, None)], error="m", boost_error=False)
    tampon = io.BytesIO()
    code.save(tampon, kind="png", scale=6, border=MARGE_QR)
    return tampon.getvalue(), (len(code.matrix) + 2 * MARGE_QR) * MODULE_QR_MM


def svg_mrz(lignes: Sequence[str]) -> str:
    """La bande en OCR-B, dix caractères et six lignes au pouce ; un dessin, pour porter une seule alternative."""
    largeur, interligne = 2.54 * len(lignes[0]), 4.23
    textes = "".join(
        f'<text x="0" y="{3.4 + rang * interligne:.2f}">{ligne.replace("<", "&lt;")}</text>'
        for rang, ligne in enumerate(lignes)
    )
    hauteur = interligne * len(lignes) + 0.6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{largeur:.2f}mm" height="{hauteur:.2f}mm" '
        f'viewBox="0 0 {largeur:.2f} {hauteur:.2f}"><g font-family="OCR B" font-size="{2.54 / 0.723:.4f}">'
        f"{textes}</g></svg>"
    )
