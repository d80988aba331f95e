"""Dessine des pages d'un PDF dans un processus à part, borné en mémoire et en temps, comme `documents.examen`.

Arguments : la première page et la dernière. Entrée : le PDF. Sortie : le nombre de pages du PDF sur une ligne, puis,
page après page, sa taille en octets sur une ligne et son JPEG ; une taille nulle dit une page qui ne se dessine pas.
"""

import io
import resource
import sys

# Le plus grand côté d'une page dessinée : une page A4 se lit encore agrandie deux fois.
COTE = 2000
AGRANDISSEMENT_MAX = 4
MEMOIRE_MAX = 1536 * 1024 * 1024
SECONDES_MAX = 40


def dessiner(contenu: bytes, premiere: int, derniere: int) -> bytes:
    import pypdfium2  # noqa: PLC0415 (les bornes du processus sont posées d'abord)

    pdf = pypdfium2.PdfDocument(contenu)
    pdf.init_forms()
    sortie = [b"%d\n" % len(pdf)]
    for rang in range(premiere - 1, min(derniere, len(pdf))):
        image = dessiner_page(pdf, rang)
        sortie += [b"%d\n" % len(image), image]
    return b"".join(sortie)


def dessiner_page(pdf, rang: int) -> bytes:
    tampon = io.BytesIO()
    try:
        page = pdf[rang]
        echelle = min(COTE / max(*page.get_size(), 1), AGRANDISSEMENT_MAX)
        page.render(scale=echelle).to_pil().convert("RGB").save(tampon, "JPEG", quality=80)
    except Exception:  # une page illisible n'empêche pas de voir les autres
        return b""
    return tampon.getvalue()


def principal() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMOIRE_MAX, MEMOIRE_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDES_MAX, SECONDES_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(dessiner(sys.stdin.buffer.read(), int(sys.argv[1]), int(sys.argv[2])))


if __name__ == "__main__":
    principal()
