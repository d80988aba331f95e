"""Une demande étudiante à chaque point de son parcours."""

import io
import itertools

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from PIL import Image

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.models import PieceJointe
from demandes.parcours import Parcours, form_de_saisie
from documents.fichiers import enregistrer_octets
from documents.models import Fichier
from tests import cliche
from tests.demandes.reponses import EPHOTO, ETAPES, envoi
from tests.factories import SiteFactory, TitreSejourFactory

NUMEROS = itertools.count()


def charger_le_droit() -> None:
    call_command("charger_droit", verbosity=0)
    SiteFactory()


@pytest.fixture(scope="session")
def cliche_du_droit(django_db_setup, django_db_blocker, tmp_path_factory):
    with django_db_blocker.unblock():
        return cliche.prendre(charger_le_droit, tmp_path_factory.mktemp("droit"))


@pytest.fixture
def droit(cliche_du_droit, db):
    cliche_du_droit.remettre()


@pytest.fixture
def usager(droit):
    return TitreSejourFactory().usager


@pytest.fixture
def le():
    return timezone.now()


@pytest.fixture
def brouillon(usager, le):
    return operations.commencer(DEMARCHES["etudiant"], usager, par=usager.compte, le=le)


def photo(nom="piece.png") -> SimpleUploadedFile:
    """Une image vraie, différente à chaque appel."""
    tampon = io.BytesIO()
    Image.new("RGB", (8, 8), (next(NUMEROS) % 256, 20, 30)).save(tampon, "PNG")
    return SimpleUploadedFile(nom, tampon.getvalue(), "image/png")


def fichier() -> Fichier:
    """Un fichier déjà reçu : le contrôle des envois a ses propres tests."""
    return enregistrer_octets(photo().read(), nom="piece.png", type_mime="image/png")


def remplir(demande, *, jusqu_a="recapitulatif", le=None):
    """Franchit les étapes jusqu'à celle-ci, non comprise."""
    le = le or timezone.now()
    par = demande.usager.compte
    for etape in DEMARCHES[demande.demarche].etapes:
        if etape.code == jusqu_a:
            return demande
        parcours = Parcours(demande, le=le)
        if etape.genre == "formulaire":
            form = form_de_saisie(parcours, etape, envoi(ETAPES[etape.code]))
            assert form.is_valid(), form.errors
            operations.enregistrer_etape(demande, etape, form, version=parcours.saisie(etape).version, le=le, par=par)
        elif etape.genre == "pieces":
            joindre_tout(demande, le=le)
            declarations = [piece.code for piece in parcours.pieces if piece.piece.declaration]
            donnees = MultiValueDict({f"declaree_{code}": ["on"] for code in declarations})
            operations.enregistrer_pieces(demande, etape, donnees, version=0, le=le, valider=True)
    return demande


def numero_ephoto(demande) -> str:
    """Un numéro par demande : il ne sert qu'une fois."""
    return f"{EPHOTO[:-6]}{demande.pk:06d}"


def joindre_tout(demande, *, le):
    operations.confirmer_ephoto(demande, numero_ephoto(demande), le=le)
    for piece in Parcours(demande, le=le).pieces:
        if not piece.piece.numero:
            for _rang in range(piece.reference.fichiers_min):
                PieceJointe.objects.create(demande=demande, code=piece.code, fichier=fichier(), ajoutee_le=le)


def tout_relire(demande, *, le):
    for etape in DEMARCHES[demande.demarche].parties:
        operations.relire(demande, etape, le=le)


@pytest.fixture
def brouillon_complet(brouillon, le):
    remplir(brouillon, le=le)
    return brouillon


@pytest.fixture
def brouillon_relu(brouillon_complet, le):
    tout_relire(brouillon_complet, le=le)
    return brouillon_complet
