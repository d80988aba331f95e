"""Fichiers reçus et rendus : de vrais fichiers, un par refus."""

import hashlib
import io
import random
import resource
import struct
import subprocess
import sys
import zlib
from contextlib import closing, contextmanager

import pikepdf
import pillow_heif
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DataError, transaction
from django.http import Http404
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Encryption, Name, Pdf, String
from PIL import Image, ImageCms

from documents import examen
from documents.fichiers import (
    LIMITE,
    PHRASES,
    FichierRefuse,
    enregistrer_octets,
    nom_affichable,
    poids,
    recevoir,
    reponse_fichier,
)
from documents.models import Fichier

pytestmark = pytest.mark.django_db

pillow_heif.register_heif_opener()

ROUGE, BLEU = (200, 30, 30), (30, 30, 200)
PROFIL = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def envoi(contenu: bytes, nom: str = "piece.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(nom, contenu)


def photo(format: str = "JPEG", mode: str = "RGB", **options) -> bytes:
    """Bande rouge en haut, le reste bleu : le sens se lit aux couleurs."""
    image = Image.new("RGB", (64, 48), BLEU)
    image.paste(ROUGE, (0, 0, 64, 16))
    sortie = io.BytesIO()
    image.convert(mode).save(sortie, format, **options)
    return sortie.getvalue()


def grain(format: str) -> bytes:
    sortie = io.BytesIO()
    Image.effect_noise((64, 48), 40).convert("RGB").save(sortie, format)
    return sortie.getvalue()


def metadonnees(*, orientation: int = 1) -> dict:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "FABRICANT-SECRET"
    exif.get_ifd(0x8825)[1] = "N"
    return {"exif": exif.tobytes(), "icc_profile": PROFIL}


def pdf(modifier=lambda document: None, **options) -> bytes:
    document = Pdf.new()
    document.add_blank_page()
    document.pages[0].Contents = document.make_stream(
        b"0 0 100 100 re f % " + random.Random(7).randbytes(600).hex().encode()
    )
    modifier(document)
    sortie = io.BytesIO()
    document.save(sortie, **options)
    return sortie.getvalue()


def lire(fichier: Fichier) -> bytes:
    with fichier.contenu.open("rb") as octets:
        return octets.read()


def ouvrir(fichier: Fichier) -> Image.Image:
    return Image.open(io.BytesIO(lire(fichier)))


def refus(contenu: bytes, nom: str = "piece.pdf") -> FichierRefuse:
    with pytest.raises(FichierRefuse) as capture:
        recevoir(envoi(contenu, nom))
    assert not Fichier.objects.exists() and not ranges()
    return capture.value


def ranges() -> list[str]:
    try:
        dossiers, _ = default_storage.listdir("")
    except FileNotFoundError:
        return []
    return [f"{dossier}/{nom}" for dossier in dossiers for nom in default_storage.listdir(dossier)[1]]


# Ce qui est accepté


def test_une_photo_est_rangee_sous_un_nom_imprevisible_avec_son_empreinte():
    fichier = recevoir(envoi(photo(), "Ma photo.JPG"))

    octets = lire(fichier)
    assert fichier.nom_affiche == "Ma photo.JPG"
    assert "photo" not in fichier.contenu.name and len(fichier.contenu.name) == 65
    assert (fichier.taille, fichier.type_mime) == (len(octets), "image/jpeg")
    assert fichier.empreinte == hashlib.sha256(octets).hexdigest()
    assert fichier.antivirus == Fichier.Antivirus.A_EXAMINER


@pytest.mark.parametrize("format", ["JPEG", "PNG", "HEIF", "WEBP"])
def test_une_photo_de_telephone_est_redressee_et_ne_dit_plus_rien_de_la_personne(format):
    options = {} if format == "PNG" else {"xmp": b"<x:xmpmeta>LIEU-SECRET</x:xmpmeta>"}
    contenu = photo(format, **metadonnees(orientation=6), **options)
    assert b"FABRICANT-SECRET" in contenu

    fichier = recevoir(envoi(contenu))

    octets, image = lire(fichier), ouvrir(fichier)
    assert image.size == (48, 64)
    haut_droit, bas_gauche = image.convert("RGB").getpixel((44, 32)), image.convert("RGB").getpixel((10, 60))
    assert haut_droit[0] > 150 and bas_gauche[2] > 150
    assert b"SECRET" not in octets and not image.getexif() and "xmp" not in image.info
    assert image.info["icc_profile"] == PROFIL


def test_le_commentaire_d_un_jpeg_et_les_textes_d_un_png_disparaissent():
    from PIL.PngImagePlugin import PngInfo

    textes = PngInfo()
    textes.add_text("Auteur", "NOM-SECRET")

    for contenu in (photo(comment=b"NOM-SECRET"), photo("PNG", pnginfo=textes)):
        assert b"NOM-SECRET" in contenu
        assert b"NOM-SECRET" not in lire(recevoir(envoi(contenu)))


def test_ce_qui_suit_une_image_n_est_pas_garde():
    fichier = recevoir(envoi(photo("PNG") + b"<script>alert(1)</script>"))

    assert b"script" not in lire(fichier)


@pytest.mark.parametrize(
    ("format", "mode"),
    [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "1"), ("PNG", "P"), ("PNG", "LA"), ("PNG", "RGBA"), ("PNG", "I;16")],
)
def test_chaque_genre_d_image_est_garde_dans_son_genre(format, mode):
    sortie = io.BytesIO()
    Image.new(mode, (20, 10)).save(sortie, format)

    image = ouvrir(recevoir(envoi(sortie.getvalue())))

    assert (image.format, image.mode, image.size) == (format, mode, (20, 10))


def test_un_jpeg_progressif_garde_ses_tables_et_son_poids():
    contenu = photo(quality=35, progressive=True, subsampling="4:4:4")

    fichier = recevoir(envoi(contenu))

    assert ouvrir(fichier).quantization == Image.open(io.BytesIO(contenu)).quantization
    assert ouvrir(fichier).info["progressive"] and fichier.taille <= len(contenu)


@pytest.mark.parametrize("format", ["HEIF", "WEBP"])
def test_une_image_transparente_convertie_en_jpg_a_un_fond_blanc(format):
    sortie = io.BytesIO()
    Image.new("RGBA", (20, 10), (0, 0, 0, 0)).save(sortie, format, lossless=True)

    fichier = recevoir(envoi(sortie.getvalue(), "Scan du 12.03.heic"))

    assert fichier.type_mime == "image/jpeg" and fichier.nom_affiche == "Scan du 12.03.jpg"
    assert min(ouvrir(fichier).getpixel((5, 5))) > 250


def test_un_exif_illisible_ne_fait_pas_refuser_une_photo_lisible():
    recevoir(envoi(photo(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(20))))

    assert Fichier.objects.count() == 1


def test_un_pdf_est_garde_octet_pour_octet_pour_ne_pas_casser_sa_signature():
    contenu = pdf()

    fichier = recevoir(envoi(contenu, "releve.pdf"))

    assert lire(fichier) == contenu
    assert (fichier.type_mime, fichier.nom_affiche) == ("application/pdf", "releve.pdf")


def test_un_pdf_repare_pour_etre_lu_est_garde_repare():
    contenu = b"\n\njunk\n" + pdf().replace(b"startxref\n", b"startxref\n9")

    octets = lire(recevoir(envoi(contenu, "releve.pdf")))

    assert octets.startswith(b"%PDF-")
    with Pdf.open(io.BytesIO(octets)) as document:
        assert len(document.pages) == 1 and not document.get_warnings()


def test_un_pdf_dont_seule_la_modification_est_protegee_est_accepte():
    recevoir(envoi(pdf(encryption=Encryption(owner="secret", user=""))))

    assert Fichier.objects.count() == 1


def test_un_pdf_aux_mille_facons_d_ecrire_ses_flux_est_accepte():
    def flux(document):
        for octets, filtres in (
            (zlib.compress(zlib.compress(b"abc" * 99)), [Name.FlateDecode, Name.FlateDecode]),
            (b"616263>", [Name.ASCIIHexDecode]),
            (b"", []),
        ):
            document.Root[f"/Essai{len(filtres)}"] = objet = document.make_stream(octets)
            if filtres:
                objet.Filter = Array(filtres)

    recevoir(envoi(pdf(flux, stream_decode_level=pikepdf.StreamDecodeLevel.none, compress_streams=False)))

    assert Fichier.objects.count() == 1


def test_une_ressource_nommee_comme_une_action_n_est_pas_une_action():
    def ressources(document):
        document.pages[0].Resources = Dictionary(
            Font=Dictionary(JS=Dictionary(Type=Name.Font)),
            ExtGState=Dictionary(EF=Dictionary(LW=1)),
        )

    recevoir(envoi(pdf(ressources)))

    assert Fichier.objects.count() == 1


# Ce qui est refusé


def test_sans_fichier_choisi_la_phrase_le_dit():
    with pytest.raises(FichierRefuse, match=r"^Choisissez un fichier\.$") as capture:
        recevoir(None)

    assert capture.value.code == "absent"


def test_un_fichier_vide_est_refuse():
    assert str(refus(b"", "vide.pdf")) == "Le fichier «\u00a0vide.pdf\u00a0» est vide. Choisissez un autre fichier."


def test_dix_megaoctets_passent_et_un_octet_de_plus_est_refuse():
    contenu = photo("PNG")
    contenu += bytes(LIMITE - len(contenu))
    recevoir(envoi(contenu))
    Fichier.objects.get().contenu.delete(save=False)
    Fichier.objects.all().delete()

    erreur = refus(contenu + b"\0", "scan.png")

    assert erreur.code == "trop_lourd"
    assert "«\u00a0scan.png\u00a0» pèse 10,1\xa0Mo\u00a0: la limite est de 10\xa0Mo par fichier." in str(erreur)


def test_la_taille_annoncee_ne_fait_pas_foi():
    televersement = envoi(bytes(LIMITE + 1))
    televersement.size = 12

    with pytest.raises(FichierRefuse) as capture:
        recevoir(televersement)

    assert capture.value.code == "trop_lourd"


@pytest.mark.parametrize(
    "contenu",
    [b"bonjour", b"GIF89a" + bytes(40), b"PK\x03\x04" + bytes(60), b"MZ" + bytes(200), b"<svg xmlns='x'/>", bytes(50)],
)
def test_un_autre_type_est_refuse_quel_que_soit_son_nom(contenu):
    erreur = refus(contenu, "passeport.pdf")

    assert erreur.code == "type"
    assert "Choisissez un fichier JPG, PNG ou PDF" in str(erreur)


@pytest.mark.parametrize(
    "contenu", [*map(grain, ("JPEG", "PNG", "HEIF", "WEBP")), pdf(), pdf(linearize=True)], ids=range(6)
)
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_un_fichier_tronque_est_refuse(contenu, part):
    erreur = refus(contenu[: int(len(contenu) * part)])

    assert erreur.code == "illisible"
    assert "abîmé ou incomplet" in str(erreur)


def test_une_mise_a_jour_de_pdf_tronquee_est_refusee():
    assert refus(pdf() + b"\n7 0 obj\n<< /Type /Pa").code == "illisible"


def test_un_pdf_dont_la_page_ne_se_deplie_pas_est_refuse():
    def abimer(document):
        document.pages[0].Contents = flux = document.make_stream(b"ceci n'est pas du zlib")
        flux.Filter = Name.FlateDecode

    options = {"stream_decode_level": pikepdf.StreamDecodeLevel.none, "compress_streams": False}
    assert refus(pdf(abimer, **options)).code == "illisible"


def test_un_pdf_sans_page_est_refuse():
    assert refus(pdf(lambda document: document.pages.remove(p=1))).code == "illisible"


def test_un_pdf_protege_par_un_mot_de_passe_est_refuse():
    erreur = refus(pdf(encryption=Encryption(owner="a", user="b")))

    assert erreur.code == "protege"
    assert "Retirez le mot de passe" in str(erreur)


def bombe_png() -> bytes:
    """30 000 × 30 000 points : 110 ko, 900 millions de pixels."""
    compresseur = zlib.compressobj(9)
    ligne = bytes(1 + 30_000 // 8)
    donnees = b"".join(compresseur.compress(ligne) for _ in range(30_000)) + compresseur.flush()

    def bloc(nom: bytes, octets: bytes) -> bytes:
        return struct.pack(">I", len(octets)) + nom + octets + struct.pack(">I", zlib.crc32(nom + octets))

    entete = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + bloc(b"IHDR", entete) + bloc(b"IDAT", donnees) + bloc(b"IEND", b"")


def bombe(megaoctets: int, *, debut: bytes = b"") -> bytes:
    """Le même bloc comprimé, répété : une bombe qui ne coûte rien à fabriquer."""
    compresseur = zlib.compressobj(9, wbits=-15)
    debut = compresseur.compress(debut) + compresseur.flush(zlib.Z_FULL_FLUSH)
    bloc = compresseur.compress(b" " * 1024**2) + compresseur.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\x9c" + debut + bloc * megaoctets + b"\x03\x00" + bytes(4)


def bombe_pdf(filtres: list, octets: bytes) -> bytes:
    def poser(document):
        document.Root.Essai = flux = document.make_stream(octets)
        flux.Filter = Array(filtres)

    return pdf(poser, stream_decode_level=pikepdf.StreamDecodeLevel.none, compress_streams=False)


def pdf_a_grande_image() -> bytes:
    """Une image JBIG2 annoncée de 60 000 × 60 000 points, que le lecteur déplierait."""

    def poser(document):
        image = {"/Subtype": Name.Image, "/Width": 60_000, "/Height": 60_000, "/Filter": Name.JBIG2Decode}
        document.Root.Essai = document.make_stream(b"x", image)

    return pdf(poser, stream_decode_level=pikepdf.StreamDecodeLevel.none)


def jpeg_demesure() -> bytes:
    contenu = bytearray(photo())
    debut = contenu.index(b"\xff\xc0") + 5
    contenu[debut : debut + 4] = struct.pack(">HH", 65_000, 65_000)
    return bytes(contenu)


def pdf_aux_valeurs_innombrables() -> bytes:
    def poser(document):
        document.Root.Essai = pikepdf.Object.parse(b"[" + b"0 " * examen.VALEURS_MAX + b"]")

    return pdf(poser, object_stream_mode=pikepdf.ObjectStreamMode.generate)


@pytest.mark.parametrize(
    "fabrique",
    [
        bombe_png,
        jpeg_demesure,
        pytest.param(lambda: bombe_pdf([Name.FlateDecode], bombe(600)), id="flux"),
        pytest.param(
            lambda: bombe_pdf([Name.FlateDecode, Name.FlateDecode], zlib.compress(bombe(4_000))),
            id="flux_deux_fois",
        ),
        pytest.param(
            lambda: bombe_pdf([Name.ASCIIHexDecode, Name.FlateDecode], bombe(3_000).hex().encode()),
            id="flux_masque",
        ),
        pdf_a_grande_image,
        pdf_aux_valeurs_innombrables,
    ],
)
def test_une_bombe_est_refusee_sans_etre_depliee(fabrique):
    contenu = fabrique()
    assert len(contenu) < LIMITE

    erreur = refus(contenu)

    assert erreur.code == "bombe"
    assert "trop grandes pour être ouvertes" in str(erreur)


def test_l_examen_ne_prend_que_sa_part_de_memoire():
    prendre = f"import runpy; m = runpy.run_path({examen.__file__!r}); m['limiter'](''); bytearray(m['MEMOIRE_MAX'])"

    processus = subprocess.run([sys.executable, "-I", "-c", prendre], capture_output=True, text=True)

    assert processus.returncode == 1 and "MemoryError" in processus.stderr


def test_un_flux_d_objets_qui_se_deplie_sans_fin_est_refuse():
    """qpdf déplie ces flux dès l'ouverture : la borne est alors celle du processus."""
    objets = bombe(2_000, debut=b"1 0 <</Type/Catalog/Pages 3 0 R>>")
    corps = b"%PDF-1.5\n"
    positions = {}
    for numero, texte in (
        (2, b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(objets), objets)),
        (3, b"<</Type/Pages/Kids[4 0 R]/Count 1>>"),
        (4, b"<</Type/Page/Parent 3 0 R/MediaBox[0 0 9 9]>>"),
    ):
        positions[numero] = len(corps)
        corps += b"%d 0 obj%b endobj\n" % (numero, texte)
    positions[5] = len(corps)
    table = struct.pack(">BIB", 0, 0, 0) + struct.pack(">BIB", 2, 2, 0)
    table += b"".join(struct.pack(">BIB", 1, positions[n], 0) for n in (2, 3, 4, 5))
    corps += b"5 0 obj<</Type/XRef/Size 6/W[1 4 1]/Root 1 0 R/Length %d>>stream\n%b\nendstream endobj\n" % (
        len(table),
        table,
    )
    corps += b"startxref\n%d\n%%%%EOF\n" % positions[5]

    assert refus(corps).code in {"bombe", "illisible"}


JAVASCRIPT = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def racine(**entrees):
    def poser(document):
        for cle, valeur in entrees.items():
            document.Root[f"/{cle}"] = valeur

    return poser


def annotation(**entrees):
    def poser(document):
        annot = Dictionary(**{"Type": Name.Annot, "Subtype": Name.Link, "Rect": [0, 0, 9, 9]} | entrees)
        document.pages[0].Annots = Array([document.make_indirect(annot)])

    return poser


def action_en_objets_separes(document):
    action = Dictionary(S=document.make_indirect(Name.JavaScript), JS=document.make_stream(b"app.alert(1)"))
    document.Root.OpenAction = document.make_indirect(action)


@pytest.mark.parametrize(
    "modifier",
    [
        racine(OpenAction=JAVASCRIPT),
        racine(OpenAction=Dictionary(S=Name.Launch, F=String("calc.exe"))),
        racine(OpenAction=Dictionary(S=Name.GoTo, Next=Array([JAVASCRIPT]))),
        racine(AA=Dictionary(WC=JAVASCRIPT)),
        racine(Names=Dictionary(JavaScript=Dictionary(Names=Array([String("a"), JAVASCRIPT])))),
        racine(AcroForm=Dictionary(Fields=Array([Dictionary(T=String("a"), AA=Dictionary(K=JAVASCRIPT))]))),
        racine(AcroForm=Dictionary(Fields=Array([]), XFA=Array([String("xdp"), String("x")]))),
        lambda document: document.pages[0].obj.__setitem__("/AA", Dictionary(O=JAVASCRIPT)),
        annotation(A=JAVASCRIPT),
        annotation(A=Dictionary(S=Name.Rendition, JS=String("app.alert(1)"))),
        annotation(AA=Dictionary(E=Dictionary(S=Name.ImportData, F=String("x.fdf")))),
        action_en_objets_separes,
    ],
    ids=range(12),
)
@pytest.mark.parametrize(
    "options", [{}, {"object_stream_mode": pikepdf.ObjectStreamMode.generate}], ids=["a_plat", "replie"]
)
def test_un_pdf_qui_porte_un_programme_est_refuse(modifier, options):
    with pytest.raises(examen.Refus, match="programme"):
        examen.examiner(pdf(modifier, **options), "application/pdf")


def joindre(document):
    document.attachments["facture.xml"] = b"<x/>"


def joindre_par_annotation(document):
    flux = document.make_stream(b"MZ", Type=Name.EmbeddedFile)
    fichier = Dictionary(Type=Name.Filespec, F=String("a.exe"), EF=Dictionary(F=flux))
    annotation(Subtype=Name.FileAttachment, FS=fichier)(document)


def joindre_sans_type(document):
    document.pages[0].AF = Array([Dictionary(F=String("a"), EF=Dictionary(UF=document.make_stream(b"MZ")))])


@pytest.mark.parametrize(
    "modifier",
    [
        joindre,
        joindre_par_annotation,
        joindre_sans_type,
        racine(Collection=Dictionary(View=Name.D)),
        annotation(Subtype=Name.RichMedia),
        annotation(A=Dictionary(S=Name.GoToE, F=String("a.pdf"))),
    ],
)
def test_un_pdf_qui_contient_d_autres_fichiers_est_refuse(modifier):
    with pytest.raises(examen.Refus, match="fichiers_joints"):
        examen.examiner(pdf(modifier), "application/pdf")


@pytest.mark.parametrize(
    ("modifier", "code", "phrase"),
    [
        (racine(OpenAction=JAVASCRIPT), "programme", "contient un programme ou un formulaire dynamique"),
        (joindre, "fichiers_joints", "contient d'autres fichiers"),
    ],
)
def test_le_refus_d_un_pdf_piege_dit_comment_en_sortir(modifier, code, phrase):
    erreur = refus(pdf(modifier), "contrat.pdf")

    assert erreur.code == code
    assert f"«\u00a0contrat.pdf\u00a0» {phrase}" in str(erreur)


def test_le_nom_echappe_d_une_action_ne_la_cache_pas():
    contenu = pdf(racine(OpenAction=JAVASCRIPT)).replace(b"/S /JavaScript", b"/S /JavaScrip#74")
    assert b"JavaScrip#74" in contenu

    assert refus(contenu).code == "programme"


@contextmanager
def disque_plein(octets: int):
    """Le noyau refuse d'écrire au-delà, comme il le fait d'un disque plein."""
    avant = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, avant[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, avant)


def test_un_disque_plein_demande_de_reessayer_et_ne_laisse_rien():
    contenu = pdf(lambda document: racine(Essai=document.make_stream(random.Random(7).randbytes(60_000)))(document))

    with disque_plein(20_000):
        erreur = refus(contenu)

    assert erreur.code == "envoi"
    assert "réessayez dans quelques minutes" in str(erreur)


def test_une_ligne_impossible_ne_laisse_pas_d_octets():
    with pytest.raises(DataError), transaction.atomic():
        enregistrer_octets(b"x", nom="a", type_mime="x" * 60)

    assert ranges() == []


def test_une_panne_de_l_examen_n_accuse_pas_le_fichier(monkeypatch, caplog):
    monkeypatch.setattr("sys.executable", "/bin/false")

    assert refus(photo()).code == "envoi"
    assert "examen_en_panne" in caplog.text


def test_un_examen_impossible_a_lancer_n_accuse_pas_le_fichier(monkeypatch):
    monkeypatch.setattr("sys.executable", "/chemin/absent")

    assert refus(photo()).code == "envoi"


@pytest.mark.parametrize(("signal", "code"), [("SEGV", "illisible"), ("XCPU", "bombe"), ("KILL", "bombe")])
def test_un_examen_qui_tombe_est_un_refus(monkeypatch, tmp_path, signal, code):
    tombe = tmp_path / "tombe"
    tombe.write_text(f"#!/bin/sh\nulimit -c 0\nkill -{signal} $$\n")
    tombe.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(tombe))

    assert refus(photo()).code == code


def test_chaque_refus_a_sa_phrase_dans_la_langue_de_la_personne():
    details = {"nom": "a.pdf", "taille": "11 Mo", "limite": "10 Mo"}
    phrases = {str(FichierRefuse(code, **details)) for code in PHRASES}
    assert len(phrases) == len(PHRASES) == 10

    erreur = FichierRefuse("absent")
    with translation.override("en"):
        assert str(erreur) == str(PHRASES["absent"])


# Les noms


@pytest.mark.parametrize(
    ("donne", "garde"),
    [
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\Users\\moi\\Passeport.JPEG", "Passeport.JPEG"),
        ("photo\u202egpj.exe", "photogpj.exe.jpg"),
        ("a\x00b\r\nc\x1f.jpg", "ab c.jpg"),
        ("e\u0301te\u0301.jpg", "été.jpg"),
        ("scan.pdf", "scan.jpg"),
        ("facture M. Dupont", "facture M. Dupont.jpg"),
        (".jpg", "jpg.jpg"),
        ("..", "document.jpg"),
        ("", "document.jpg"),
        ("é" * 400, "é" * 251 + ".jpg"),
        ("x" * 254 + ".jpg", "x" * 251 + ".jpg"),
        ("\ud800.jpg", "jpg.jpg"),
    ],
)
def test_le_nom_affiche_est_sans_chemin_sans_piege_et_dit_le_vrai_type(donne, garde):
    televersement = envoi(photo())
    televersement._name = donne

    fichier = recevoir(televersement)

    fichier.refresh_from_db()
    assert fichier.nom_affiche == garde


@given(st.text())
def test_tout_nom_donne_un_nom_affichable(nom):
    affichable = nom_affichable(nom)

    assert 1 <= len(affichable) <= 255
    assert affichable.isprintable() and "/" not in affichable


# Quels que soient les octets

SANS_ATTENTE = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
MODELES = [photo(), photo("PNG"), photo("HEIF"), photo("WEBP"), pdf(), pdf(racine(OpenAction=JAVASCRIPT))]


@given(st.one_of(st.binary(), st.builds(bytes.__add__, st.sampled_from([m[:20] for m in MODELES]), st.binary())))
@settings(max_examples=15, **SANS_ATTENTE)
def test_des_octets_quelconques_sont_recus_ou_refuses(contenu):
    try:
        fichier = recevoir(envoi(contenu))
    except FichierRefuse as erreur:
        assert str(erreur)
    else:
        assert fichier.pk


@given(
    st.sampled_from(
        [("image/jpeg", 0), ("image/png", 1), ("image/heic", 2), ("image/webp", 3), ("application/pdf", 4)]
    ),
    st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=6)), max_size=6),
)
@settings(max_examples=150, **SANS_ATTENTE)
def test_un_vrai_fichier_abime_est_garde_ou_refuse(modele, alterations):
    type_mime, rang = modele
    contenu = bytearray(MODELES[rang])
    for position, octets in alterations:
        debut = int(position * len(contenu))
        contenu[debut : debut + len(octets)] = octets

    try:
        assert examen.examiner(bytes(contenu), type_mime)
    except examen.Refus as refus_:
        assert str(refus_) in PHRASES


# Ce qui est rendu


def test_nos_propres_octets_sont_ranges_tels_quels():
    fichier = enregistrer_octets(b"%PDF-1.7 essai", nom="attestation.pdf", type_mime="application/pdf")

    assert lire(fichier) == b"%PDF-1.7 essai"
    assert fichier.antivirus == Fichier.Antivirus.SANS_OBJET


@pytest.mark.parametrize(("en_ligne", "disposition"), [(True, "inline"), (False, "attachment")])
def test_la_reponse_porte_le_nom_et_les_entetes_qui_protegent(en_ligne, disposition):
    fichier = enregistrer_octets(photo(), nom="reçu d'été.jpg", type_mime="image/jpeg")

    with closing(reponse_fichier(fichier, en_ligne=en_ligne)) as reponse:
        assert b"".join(reponse) == photo()
    assert reponse["Content-Disposition"] == f"{disposition}; filename*=utf-8''re%C3%A7u%20d%27%C3%A9t%C3%A9.jpg"
    assert reponse["Content-Type"] == "image/jpeg"
    assert reponse["Content-Length"] == str(fichier.taille)
    assert reponse["X-Content-Type-Options"] == "nosniff"
    assert reponse["Cache-Control"] == "private, no-store"
    assert reponse["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'self'; sandbox"


def test_un_type_qui_ne_vient_pas_des_pieces_n_est_jamais_affiche_en_ligne():
    fichier = enregistrer_octets(b"<script>", nom="page.html", type_mime="text/html")

    with closing(reponse_fichier(fichier, en_ligne=True)) as reponse:
        assert reponse["Content-Disposition"].startswith("attachment")


def test_des_octets_absents_du_stockage_donnent_une_page_introuvable():
    fichier = enregistrer_octets(b"x", nom="a.pdf", type_mime="application/pdf")
    fichier.contenu.storage.delete(fichier.contenu.name)

    with pytest.raises(Http404):
        reponse_fichier(fichier, en_ligne=True)


@pytest.mark.parametrize(
    ("taille", "francais", "anglais"),
    [(1, "1\u00a0ko", "1\u00a0KB"), (52_400, "52\u00a0ko", "52\u00a0KB"), (1_200_000, "1,2\u00a0Mo", "1.2\u00a0MB")],
)
def test_le_poids_se_dit_dans_l_unite_de_la_limite(taille, francais, anglais):
    assert poids(taille) == francais
    with translation.override("en"):
        assert poids(taille) == anglais
