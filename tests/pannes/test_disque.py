"""Le disque plein : une phrase claire, aucun fichier à moitié écrit, et l'ouvrage repris quand la place revient."""

import datetime as dt
import io
import os
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from documents.models import Document, Fichier
from notifications.models import Envoi
from tests.pannes.serveurs import Visiteur, attendre, balayer
from tests.pannes.test_travailleur import les_baux_s_eteignent, octets_ranges

pytestmark = [pytest.mark.panne, pytest.mark.django_db(transaction=True)]
PLACE = 20 * 1024  # moins que la photo et que le PDF : l'écriture commence, et ne finit pas
REMPLISSAGE = "remplissage"


class EcritureLimitee:
    """Le noyau arrête toute écriture au-delà de la limite, au milieu du fichier ; marche partout, sans aucun droit."""

    def preparer(self, dossier):
        dossier.mkdir()

    def remplir(self, serveur):
        serveur.limiter_les_fichiers(PLACE)

    def vider(self, serveur):
        serveur.limiter_les_fichiers(2**62)

    def ranger(self, dossier):
        pass


class DisqueEnMemoire:
    """Un vrai disque plein, là où l'on a le droit d'en monter un."""

    def preparer(self, dossier):
        dossier.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", dossier], check=True)
        self.bouchon = dossier / REMPLISSAGE

    def remplir(self, serveur):
        libre = os.statvfs(self.bouchon.parent)
        with self.bouchon.open("wb") as fichier:
            fichier.write(bytes(libre.f_bavail * libre.f_bsize - PLACE))

    def vider(self, serveur):
        self.bouchon.unlink()

    def ranger(self, dossier):
        subprocess.run(["umount", dossier], check=True)


def peut_monter(dossier) -> bool:
    essai = ["sh", "-c", 'mount -t tmpfs -o size=1M tmpfs "$0" && umount "$0"', dossier]
    return subprocess.run(essai, capture_output=True).returncode == 0


@pytest.fixture(params=["écriture limitée", "disque plein"])
def disque(request, tmp_path):
    """Sans le droit de monter un disque, seule l'écriture est limitée."""
    plein = request.param == "disque plein" and peut_monter(tmp_path)
    disque, dossier = DisqueEnMemoire() if plein else EcritureLimitee(), Path(settings.FICHIERS_DIR)
    disque.preparer(dossier)
    yield disque
    disque.ranger(dossier)


def photo_lourde() -> bytes:
    tampon = io.BytesIO()
    Image.frombytes("RGB", (200, 200), os.urandom(120_000)).save(tampon, "PNG")
    return tampon.getvalue()


def ranges() -> list[Path]:
    return [chemin for chemin in octets_ranges() if chemin.name != REMPLISSAGE]


def test_une_piece_recue_disque_plein_est_refusee_par_une_phrase_et_ne_laisse_rien(
    disque, servir, courtier, brouillon_relu
):
    web = servir(REDIS_URL=courtier.url)
    visiteur = Visiteur(web.port, brouillon_relu.usager.compte)
    adresse = reverse("demandes:piece_ajouter", args=[brouillon_relu.pk, "INSCRIPTION"])
    contenu, lignes, octets = photo_lourde(), Fichier.objects.count(), len(ranges())

    disque.remplir(web)
    refus = visiteur.joindre(adresse, contenu, nom="inscription.png")

    assert refus.status == 422
    assert "inscription.png" in refus and "réessayez dans quelques minutes" in refus
    assert (Fichier.objects.count(), len(ranges())) == (lignes, octets)
    assert visiteur.get(reverse("demandes:etape", args=[brouillon_relu.pk, "justificatifs"])).status == 200

    disque.vider(web)
    assert visiteur.joindre(adresse, contenu, nom="inscription.png").status == 200
    assert (Fichier.objects.count(), len(ranges())) == (lignes + 1, octets + 1)
    assert brouillon_relu.pieces.vivantes().filter(code="INSCRIPTION").count() == 2


def test_un_pdf_rendu_disque_plein_ne_laisse_rien_et_part_quand_la_place_revient(
    disque, travailler, courtier, smtp, boite, depot
):
    travailleur = travailler(courtier, EMAIL_URL=f"smtp://127.0.0.1:{smtp.port}")

    disque.remplir(travailleur)
    balayer(courtier)
    attendre(lambda: Envoi.objects.get(pk=depot.pk).erreur, quoi="l'envoi reporté", processus=travailleur)

    document = Document.objects.get()
    assert document.fichier is None and document.bail - timezone.now() < dt.timedelta(minutes=2)
    assert not Fichier.objects.exists() and not ranges()
    assert boite.messages == []

    disque.vider(travailleur)
    les_baux_s_eteignent()
    balayer(courtier)
    attendre(lambda: not Envoi.objects.exclude(etat="envoye").exists(), quoi="les envois", processus=travailleur)
    fichier = Fichier.objects.get()
    assert Document.objects.get().fichier == fichier
    (octets,) = ranges()
    assert octets.stat().st_size == fichier.taille > PLACE
    assert len(boite.messages) == 1
