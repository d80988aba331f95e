"""Les pages d'un PDF en images."""

import datetime as dt
import io

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.http import Http404
from django.utils import timezone
from PIL import Image

from documents import pages, tasks
from documents.fichiers import enregistrer_octets
from documents.models import Fichier

pytestmark = pytest.mark.django_db


def pdf(nombre: int = 1, taille=(595, 842)) -> bytes:
    tampon = io.BytesIO()
    feuilles = [Image.new("RGB", taille, (10 * rang % 256, 90, 160)) for rang in range(nombre)]
    feuilles[0].save(tampon, "PDF", save_all=True, append_images=feuilles[1:])
    return tampon.getvalue()


@pytest.fixture
def fichier():
    return enregistrer_octets(pdf(3), nom="releve.pdf", type_mime="application/pdf")


def test_un_pdf_pas_encore_dessine_le_dit(fichier):
    assert pages.nombre_de_pages(fichier) is None
    with pytest.raises(Http404):
        pages.reponse_page(fichier, 1)


def test_la_tache_dessine_les_pages(fichier):
    tasks.dessiner_pages(fichier.pk, 0)

    assert pages.nombre_de_pages(fichier) == 3
    reponse = pages.reponse_page(fichier, 3)
    image = Image.open(io.BytesIO(b"".join(reponse.streaming_content)))
    reponse.close()
    assert image.format == "JPEG" and max(image.size) == pages.imagerie.COTE and image.width < image.height
    assert reponse["X-Content-Type-Options"] == "nosniff" and "no-store" in reponse["Cache-Control"]
    for absente in (0, 4, -1, 11, 500):
        with pytest.raises(Http404):
            pages.reponse_page(fichier, absente)


def test_la_tache_passe_deux_fois_sans_rien_refaire(fichier):
    for _fois in range(2):
        tasks.dessiner_pages(fichier.pk, 0)
    assert sorted(default_storage.listdir(f"pages/{fichier.contenu.name}")[1]) == ["1.jpg", "2.jpg", "3.jpg", "lot-0"]


def test_un_long_pdf_se_dessine_lot_par_lot():
    fichier = enregistrer_octets(pdf(12, taille=(60, 80)), nom="long.pdf", type_mime="application/pdf")
    pages.dessiner(fichier, 0)
    assert pages.nombre_de_pages(fichier, 10) == 12 and pages.nombre_de_pages(fichier, 11) is None
    pages.dessiner(fichier, 1)
    assert pages.nombre_de_pages(fichier, 12) == 12
    reponse = pages.reponse_page(fichier, 12)
    assert b"".join(reponse.streaming_content)
    reponse.close()


def test_un_pdf_abime_se_dit_sans_page():
    fichier = enregistrer_octets(b"%PDF-1.4 rien", nom="abime.pdf", type_mime="application/pdf")
    pages.dessiner(fichier, 0)
    assert pages.nombre_de_pages(fichier) == 0


@pytest.mark.parametrize(
    "champs", [{"antivirus": "infecte"}, {"efface_le": timezone.now()}, {"type_mime": "image/png"}]
)
def test_ce_qui_ne_se_montre_pas_ne_se_dessine_pas(fichier, champs):
    Fichier.objects.filter(pk=fichier.pk).update(**champs)
    tasks.dessiner_pages(fichier.pk, 0)
    assert pages.nombre_de_pages(fichier) is None


def test_sans_redis_la_demande_echoue_sans_bruit(fichier, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///inexistant/redis.sock",
        }
    }
    assert pages.demander(fichier) is False
    pages.dessiner(fichier, 0)
    assert pages.demander(fichier) is True


def test_la_purge_efface_les_images_anciennes_et_celles_d_un_fichier_efface(fichier):
    autre = enregistrer_octets(pdf(), nom="autre.pdf", type_mime="application/pdf")
    for chacun in (fichier, autre):
        pages.dessiner(chacun, 0)
    assert pages.purger(le=timezone.now()) == 0

    Fichier.objects.filter(pk=autre.pk).update(efface_le=timezone.now())
    assert pages.purger(le=timezone.now()) == 2
    assert pages.nombre_de_pages(autre) is None and pages.nombre_de_pages(fichier) == 3
    assert pages.purger(le=timezone.now() + dt.timedelta(days=31)) == 4
    call_command("purger_fichiers", verbosity=0)
