"""Trouve le code dans une photo ou un PDF, dans un processus à part, borné en mémoire et en temps.

Ce programme ne connaît ni Django, ni la base, ni les secrets : `documents.verification` le lance sans variable
d'environnement, et rien n'est écrit sur disque. Entrée : les octets sur l'entrée standard. Sortie : les codes trouvés,
en base64, un par ligne.
"""

import base64
import contextlib
import io
import resource
import sys
import warnings

PIXELS_MAX = 70_000_000
COTE_MAX = 5000  # pixels d'une page de PDF rendue
PAGES_MAX = 3
DEFINITIONS = (200, 300)
MEMOIRE_MAX = 1536 * 1024 * 1024
SECONDES_MAX = 20


def codes(contenu: bytes) -> list[bytes]:
    """Les Data Matrix puis les QR du fichier ; vide si rien ne se lit. Aucune exception ne sort d'ici."""
    trouves: list[bytes] = []
    try:
        for image in images(contenu):
            lus = lire(image)
            trouves += [code for code in lus if code not in trouves]
            if any(code.startswith(b"DC0") for code in lus):
                break
    except Exception:  # des octets hostiles peuvent faire lever n'importe quoi aux décodeurs
        return trouves
    return trouves


def images(contenu: bytes):
    if b"%PDF-" in contenu[:1024]:
        yield from pages(contenu)
    else:
        yield from photo(contenu)


def photo(contenu: bytes):
    import pillow_heif  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)
    from PIL import Image, ImageOps  # noqa: PLC0415 (idem)

    pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    with warnings.catch_warnings(action="ignore"):
        image = Image.open(io.BytesIO(contenu), formats=["JPEG", "PNG", "WEBP", "HEIF", "GIF", "TIFF", "BMP"])
    if image.width * image.height > PIXELS_MAX:
        return
    image.draft("L", (COTE_MAX, COTE_MAX))
    with contextlib.suppress(Exception):  # un EXIF illisible n'empêche pas de lire l'image
        image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:  # un dessin détouré se lit sur fond blanc
        calque = image.convert("RGBA")
        image = Image.new("RGB", calque.size, "white")
        image.paste(calque, mask=calque.getchannel("A"))
    grise = image.convert("L")
    grise.thumbnail((COTE_MAX, COTE_MAX))
    yield grise
    # Trop petite (un symbole au pixel) ou trop grande (une photo floue) : une seconde chance.
    if max(grise.size) < 600:
        yield grise.resize((grise.width * 4, grise.height * 4), Image.Resampling.NEAREST)
    elif max(grise.size) > 1600:
        yield grise.reduce(2)


def pages(contenu: bytes):
    import pypdfium2  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

    pdf = pypdfium2.PdfDocument(contenu)
    for rang in range(min(len(pdf), PAGES_MAX)):
        page = pdf[rang]
        for definition in DEFINITIONS:
            echelle = min(definition / 72, COTE_MAX / max(*page.get_size(), 1))
            yield page.render(scale=echelle, grayscale=True).to_pil()


def lire(image) -> list[bytes]:
    import zxingcpp  # noqa: PLC0415 (le processus n'importe que ce qu'il ouvre)

    formes = [zxingcpp.BarcodeFormat.DataMatrix, zxingcpp.BarcodeFormat.QRCode]
    lus = [code for code in zxingcpp.read_barcodes(image, formats=formes) if code.valid]
    return [bytes(code.bytes) for code in sorted(lus, key=lambda code: code.format != formes[0])]


def borner() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMOIRE_MAX, MEMOIRE_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDES_MAX, SECONDES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    borner()
    for code in codes(sys.stdin.buffer.read()):
        print(base64.b64encode(code).decode())
