"""Ouvre un fichier inconnu dans un processus à part, borné en mémoire et en temps, et rend ce qui peut être gardé.

Ce programme ne connaît ni Django, ni la base, ni les secrets : `documents.fichiers` le lance sans variable
d'environnement. Entrée : le type reconnu en argument, les octets sur l'entrée standard. Sortie : « accepte »
ou le code du refus sur une ligne, puis les octets à garder.

Une image est redressée puis réécrite sans métadonnées (lieu, appareil, date) ; son profil de couleurs est gardé. Un PDF
est gardé octet pour octet, métadonnées comprises : le réécrire casserait sa signature électronique. Il n'est réécrit
que s'il a fallu le réparer pour le lire, afin que ce qui est gardé soit ce qui a été examiné.
"""

import io
import re
import resource
import sys
import warnings
import zlib
from collections.abc import Iterable, Iterator

# Une page A3 à 600 points par pouce ou une photo de 64 mégapixels ; quatre octets par pixel, et deux fois pour tourner.
PIXELS_MAX = 70_000_000
# Les images d'un PDF ne sont pas dépliées ici : une page A3 à 1 000 points par pouce.
PIXELS_MAX_PDF = 200_000_000
DEPLIE_MAX = 512 * 1024 * 1024
VALEURS_MAX = 1_500_000
MEMOIRE_MAX = 1536 * 1024 * 1024
SECONDES_MAX = 20
BLOC = 1024 * 1024

FORMATS = {
    "image/jpeg": ["JPEG"],
    "image/png": ["PNG"],
    "image/webp": ["WEBP"],
    "image/heic": ["HEIF"],
    "image/heif": ["HEIF"],
}
ACTIONS_INTERDITES = {"/JavaScript", "/Launch", "/ImportData", "/RichMediaExecute"}
CLES_SURVEILLEES = {"/S", "/JS", "/EF", "/Type", "/Subtype", "/OnInstantiate"}
LIENS_VERS_FICHIER_JOINT = {"/F", "/UF", "/DOS", "/Mac", "/Unix"}


class Refus(Exception):
    """Code du refus : illisible, protege, bombe, programme ou fichiers_joints."""


def examiner(contenu: bytes, type_mime: str) -> bytes:
    """Les octets à garder, ou `Refus` ; aucune autre exception ne sort d'ici."""
    try:
        return examiner_pdf(contenu) if type_mime == "application/pdf" else examiner_image(contenu, type_mime)
    except Refus:
        raise
    except (MemoryError, RecursionError) as cause:
        raise Refus("bombe") from cause
    except Exception as cause:  # des octets hostiles peuvent faire lever n'importe quoi aux décodeurs
        raise Refus("illisible") from cause


def examiner_image(contenu: bytes, type_mime: str) -> bytes:
    from PIL import Image, JpegImagePlugin  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

    if FORMATS[type_mime] == ["HEIF"]:
        import pillow_heif  # noqa: PLC0415 (idem)

        pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    try:
        with warnings.catch_warnings(action="ignore"):
            image = Image.open(io.BytesIO(contenu), formats=FORMATS[type_mime])
    except Image.DecompressionBombError as cause:
        raise Refus("bombe") from cause
    if image.width * image.height > PIXELS_MAX:
        raise Refus("bombe")
    image.load()
    image = redresser(image)
    options = {"icc_profile": image.info.get("icc_profile")}
    if type_mime == "image/jpeg":
        # Mêmes tables de quantification que l'original : ni perte visible, ni fichier plus lourd.
        options |= {
            "qtables": image.quantization,
            "subsampling": JpegImagePlugin.get_sampling(image),
            "progressive": "progression" in image.info,
        }
    elif type_mime != "image/png":
        image = sur_fond_blanc(image)
        options["quality"] = 90
    image.info = {cle: valeur for cle, valeur in image.info.items() if cle == "transparency"}
    sortie = io.BytesIO()
    image.save(sortie, "PNG" if type_mime == "image/png" else "JPEG", **options)
    return sortie.getvalue()


def redresser(image):
    """Tourne la photo comme son EXIF le demande ; un EXIF illisible ne fait pas refuser une image lisible."""
    from PIL import ImageOps  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:
        return image
    return image


def sur_fond_blanc(image):
    from PIL import Image  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    fond = Image.new("RGB", image.size, "white")
    fond.paste(image, mask=image.getchannel("A"))
    fond.info = image.info
    return fond


def examiner_pdf(contenu: bytes) -> bytes:
    import pikepdf  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

    if est_tronque(contenu):
        raise Refus("illisible")
    try:
        pdf = pikepdf.Pdf.open(io.BytesIO(contenu))
    except pikepdf.PasswordError as cause:
        raise Refus("protege") from cause
    if "/Collection" in pdf.Root:
        raise Refus("fichiers_joints")
    if "/XFA" in (pdf.Root.get("/AcroForm") or {}):
        raise Refus("programme")
    deplies = Deplies()
    for objet, entrees in dictionnaires(pdf):
        controler(entrees)
        if isinstance(objet, pikepdf.Stream):
            deplies.ajouter(objet)
    if not len(pdf.pages) or any(deplies.abime(page) for page in pdf.pages):
        raise Refus("illisible")
    if contenu.startswith(b"%PDF-") and not pdf.get_warnings():
        return contenu
    sortie = io.BytesIO()
    pdf.save(sortie, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return sortie.getvalue()


def est_tronque(contenu: bytes) -> bool:
    """Coupé avant sa dernière marque de fin, ou plus court qu'il ne l'annonce : qpdf « réparerait » ce qui reste."""
    fin = contenu.rfind(b"%%EOF")
    suite = contenu[fin:]
    annonce = re.search(rb"/Linearized[^>]{0,200}?/L\s+(\d{1,12})", contenu[:2048])
    return (
        fin < 0 or b"startxref" in suite or b" obj" in suite or (annonce is not None and int(annonce[1]) > len(contenu))
    )


def dictionnaires(pdf) -> Iterator[tuple]:
    """Tous les dictionnaires et flux du fichier, joignables ou non, imbriqués compris, avec leurs entrées."""
    import pikepdf  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

    composes = (pikepdf.Dictionary, pikepdf.Array, pikepdf.Stream)
    vus = 0
    for racine in pdf.objects:
        pile = [racine]
        while pile:
            objet = pile.pop()
            if not isinstance(objet, composes):
                continue
            vus += 1 + len(objet.keys() if isinstance(objet, pikepdf.Stream) else objet)
            if vus > VALEURS_MAX:
                raise Refus("bombe")
            if isinstance(objet, pikepdf.Array):
                valeurs = list(objet)
            else:
                entrees = dict(objet.items())
                yield objet, entrees
                valeurs = entrees.values()
            pile += [v for v in valeurs if isinstance(v, composes) and not v.is_indirect]


def controler(entrees: dict) -> None:
    """Rien de ce qui s'exécute, rien de ce qui cache un autre fichier : actions, annotations, arbres de noms."""
    import pikepdf  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

    if CLES_SURVEILLEES.isdisjoint(entrees):
        return
    noms = {cle: str(valeur) for cle, valeur in entrees.items() if isinstance(valeur, pikepdf.Name)}
    action, genre, sous_genre = noms.get("/S"), noms.get("/Type"), noms.get("/Subtype")
    if action in ACTIONS_INTERDITES or "/OnInstantiate" in entrees:
        raise Refus("programme")
    if isinstance(entrees.get("/JS"), pikepdf.String | pikepdf.Stream):
        raise Refus("programme")
    fichiers = entrees.get("/EF")
    if isinstance(fichiers, pikepdf.Dictionary) and LIENS_VERS_FICHIER_JOINT & set(fichiers.keys()):
        raise Refus("fichiers_joints")
    if action == "/GoToE" or genre == "/EmbeddedFile" or sous_genre in {"/FileAttachment", "/RichMedia"}:
        raise Refus("fichiers_joints")
    if sous_genre == "/Image" and int(entrees.get("/Width", 0)) * int(entrees.get("/Height", 0)) > PIXELS_MAX_PDF:
        raise Refus("bombe")


class Deplies:
    """Compte ce que les flux d'un PDF deviennent une fois dépliés, sans jamais garder plus d'un bloc."""

    def __init__(self) -> None:
        self.reste = DEPLIE_MAX
        self.abimes = set()

    def ajouter(self, flux) -> None:
        import pikepdf  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

        filtres = flux.get("/Filter", [])
        filtres = [str(f) for f in (filtres if isinstance(filtres, pikepdf.Array) else [filtres])] if filtres else []
        try:
            morceaux = iter([flux.read_raw_bytes()])
            while filtres and filtres[0] in {"/FlateDecode", "/Fl"}:
                morceaux = self.compter(deplier(morceaux))
                filtres.pop(0)
            if filtres and filtres[0] in {"/LZWDecode", "/RunLengthDecode", "/ASCII85Decode", "/ASCIIHexDecode"}:
                morceaux = self.compter([flux.read_bytes(pikepdf.StreamDecodeLevel.generalized)])
            for _ in morceaux:
                pass
        except (zlib.error, pikepdf.PdfError) as erreur:
            if "limit exceeded" in str(erreur):
                raise Refus("bombe") from erreur
            self.abimes.add(flux.objgen)

    def compter(self, morceaux: Iterable[bytes]) -> Iterator[bytes]:
        for morceau in morceaux:
            self.reste -= len(morceau)
            if self.reste < 0:
                raise Refus("bombe")
            yield morceau

    def abime(self, page) -> bool:
        """Une image abîmée se voit encore un peu ; une page dont le contenu ne se déplie pas ne se lit pas."""
        import pikepdf  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

        contenus = page.obj.get("/Contents", [])
        return any(
            flux.objgen in self.abimes for flux in (contenus if isinstance(contenus, pikepdf.Array) else [contenus])
        )


def deplier(morceaux: Iterable[bytes]) -> Iterator[bytes]:
    decodeur = zlib.decompressobj()
    for morceau in morceaux:
        while morceau and not decodeur.eof:
            yield decodeur.decompress(morceau, BLOC)
            morceau = decodeur.unconsumed_tail
    while not decodeur.eof and (suite := decodeur.decompress(b"", BLOC)):
        yield suite


def limiter(type_mime: str) -> None:
    """Bornes du processus entier, que `examiner` seul ne peut pas poser."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMOIRE_MAX, MEMOIRE_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDES_MAX, SECONDES_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if type_mime == "application/pdf":
        import pikepdf  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

        # Les flux d'objets, que qpdf déplie à l'ouverture, sont petits dans un vrai document.
        pikepdf.settings.set_qpdf_limits(
            flate_max_memory=64 * BLOC,
            run_length_max_memory=64 * BLOC,
            png_max_memory=64 * BLOC,
            tiff_max_memory=64 * BLOC,
        )


def principal() -> None:
    limiter(sys.argv[1])
    try:
        reponse = b"accepte\n" + examiner(sys.stdin.buffer.read(), sys.argv[1])
    except Refus as refus:
        reponse = f"{refus}\n".encode()
    sys.stdout.buffer.write(reponse)


if __name__ == "__main__":
    principal()
