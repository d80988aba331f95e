"""Fichiers reçus et rendus : de vrais fichiers, un par refus."""

import hashlib
import io
from contextlib import closing

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from PIL import Image

from documents.fichiers import FichierRefuse, enregistrer_octets, recevoir, reponse_fichier
from documents.models import Fichier

pytestmark = pytest.mark.django_db


def envoi(contenu: bytes, nom: str = "piece.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(nom, contenu)


def image(format: str = "JPEG", mode: str = "RGB", taille: tuple = (40, 30), **options) -> bytes:
    sortie = io.BytesIO()
    Image.new(mode, taille).save(sortie, format, **options)
    return sortie.getvalue()


def lire(fichier: Fichier) -> bytes:
    with fichier.contenu.open("rb") as octets:
        return octets.read()


def test_une_photo_est_rangee_sous_un_nom_imprevisible_avec_son_empreinte():
    fichier = recevoir(envoi(image(), "Ma photo.JPG"))

    octets = lire(fichier)
    assert fichier.nom_affiche == "Ma photo.JPG"
    assert "photo" not in fichier.contenu.name and len(fichier.contenu.name) == 65
    assert (fichier.taille, fichier.type_mime) == (len(octets), "image/jpeg")
    assert fichier.empreinte == hashlib.sha256(octets).hexdigest()
    assert fichier.antivirus == Fichier.Antivirus.A_EXAMINER


def test_nos_propres_octets_sont_ranges_tels_quels():
    fichier = enregistrer_octets(b"%PDF-1.7 essai", nom="attestation.pdf", type_mime="application/pdf")

    assert lire(fichier) == b"%PDF-1.7 essai"
    assert fichier.antivirus == Fichier.Antivirus.SANS_OBJET


@pytest.mark.parametrize(("en_ligne", "disposition"), [(True, "inline"), (False, "attachment")])
def test_la_reponse_porte_le_nom_et_les_entetes_qui_protegent(en_ligne, disposition):
    fichier = enregistrer_octets(b"%PDF-1.7", nom="reçu d'été.pdf", type_mime="application/pdf")

    with closing(reponse_fichier(fichier, en_ligne=en_ligne)) as reponse:
        assert b"".join(reponse) == b"%PDF-1.7"
    assert reponse["Content-Disposition"] == f"{disposition}; filename*=utf-8''re%C3%A7u%20d%27%C3%A9t%C3%A9.pdf"
    assert reponse["Content-Type"] == "application/pdf"
    assert reponse["X-Content-Type-Options"] == "nosniff"
    assert reponse["Cache-Control"] == "private, no-store"


def test_des_octets_absents_du_stockage_donnent_une_page_introuvable():
    fichier = enregistrer_octets(b"x", nom="a.pdf", type_mime="application/pdf")
    fichier.contenu.storage.delete(fichier.contenu.name)

    with pytest.raises(Http404):
        reponse_fichier(fichier, en_ligne=True)


def test_sans_fichier_choisi_la_phrase_le_dit():
    with pytest.raises(FichierRefuse, match=r"^Choisissez un fichier\.$") as refus:
        recevoir(None)

    assert refus.value.code == "absent"
