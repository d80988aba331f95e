"""Une demande étudiante à chaque point de son parcours : chacun se construit une fois, sur le cliché du précédent."""

import io
import itertools

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from PIL import Image

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.models import Demande, PieceJointe
from demandes.parcours import Parcours, form_de_saisie
from documents.fichiers import enregistrer_octets
from documents.models import Fichier
from tests import cliche
from tests.demandes.reponses import EPHOTO, ETAPES, envoi
from tests.factories import SiteFactory, TitreSejourFactory

NUMEROS = itertools.count()


def charger_le_droit(_) -> None:
    call_command("charger_droit", verbosity=0)
    SiteFactory()


@pytest.fixture(scope="session")
def cliches(django_db_setup, django_db_blocker, autorite_d_essai, tmp_path_factory):
    """`cliches(construire, sur=None)` : ce que construit cette fonction sur l'objet du cliché `sur`, pris une fois."""

    def prendre(construire, *, sur=None):
        with django_db_blocker.unblock(), override_settings(DEUXD_DOC_DOSSIER=autorite_d_essai):
            return cliche.prendre(construire, tmp_path_factory.mktemp("cliche"), sur=sur)

    return prendre


@pytest.fixture(scope="session")
def cliche_du_droit(cliches):
    return cliches(charger_le_droit)


@pytest.fixture(scope="session")
def cliche_de_l_usager(cliches, cliche_du_droit):
    return cliches(lambda _: TitreSejourFactory().usager, sur=cliche_du_droit)


@pytest.fixture(scope="session")
def cliche_complet(cliches, cliche_de_l_usager):
    return cliches(remplir_un_brouillon, sur=cliche_de_l_usager)


@pytest.fixture(scope="session")
def cliche_relu(cliches, cliche_complet):
    return cliches(relire_le_brouillon, sur=cliche_complet)


@pytest.fixture(scope="session")
def cliche_depose(cliches, cliche_relu):
    return cliches(deposer, sur=cliche_relu)


@pytest.fixture
def droit(cliche_du_droit, db):
    cliche_du_droit.remettre()


@pytest.fixture
def usager(cliche_de_l_usager, db):
    return cliche_de_l_usager.remettre()


@pytest.fixture
def le():
    """L'instant du test, à l'heure de Paris : trente jours plus tard sont trente jours, changement d'heure compris."""
    return timezone.localtime()


@pytest.fixture
def brouillon(usager, le):
    return commencer(usager, le)


@pytest.fixture
def brouillon_complet(cliche_complet, db):
    return cliche_complet.remettre()


@pytest.fixture
def brouillon_relu(cliche_relu, db):
    return cliche_relu.remettre()


@pytest.fixture
def deposee(cliche_depose, db):
    return Demande.objects.select_related("usager__compte", "site").get(pk=cliche_depose.remettre().pk)


def commencer(usager, le) -> Demande:
    return operations.commencer(DEMARCHES["etudiant"], usager, par=usager.compte, le=le)


def remplir_un_brouillon(usager) -> Demande:
    le = timezone.now()
    return remplir(commencer(usager, le), le=le)


def relire_le_brouillon(demande) -> Demande:
    tout_relire(demande, le=timezone.now())
    return demande


def deposer(demande) -> Demande:
    return operations.deposer(demande, par=demande.ouverte_par, le=timezone.now())


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
    return f"{EPHOTO[:-9]}{demande.pk:09d}"


def joindre_tout(demande, *, le):
    operations.confirmer_ephoto(demande, numero_ephoto(demande), le=le)
    for piece in Parcours(demande, le=le).pieces:
        if not piece.piece.numero:
            for _rang in range(piece.reference.fichiers_min):
                PieceJointe.objects.create(demande=demande, code=piece.code, fichier=fichier(), ajoutee_le=le)


def tout_relire(demande, *, le):
    for etape in DEMARCHES[demande.demarche].parties:
        operations.relire(demande, etape, le=le)
