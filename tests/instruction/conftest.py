"""Un dossier à chaque point de son instruction, et l'agent qui le traite."""

import datetime as dt
import io
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from demandes.models import Demande
from documents.fichiers import recevoir
from instruction import operations
from tests.factories import AgentFactory, SiteFactory, TitreSejourFactory

ACCORD = {"titre": "CST_ETU", "mention": "ÉTUDIANT", "taxe": "75"}


@pytest.fixture
def agent(deposee):
    return AgentFactory(site=deposee.site, nom="Camille Lenoir")


@pytest.fixture
def autre_site(db):
    return SiteFactory(code="5901", departement="59", libelle="Préfecture du Nord")


@pytest.fixture
def agent_du_nord(autre_site):
    return AgentFactory(site=autre_site, nom="Dominique Vasseur")


@pytest.fixture
def en_instruction(deposee, agent, le):
    return operations.prendre_en_charge(deposee, agent=agent, version=deposee.version, le=le)


@pytest.fixture
def valideur(deposee):
    return AgentFactory(site=deposee.site, nom="Noor Valideur", roles=["valideur"])


@pytest.fixture
def signataire(deposee):
    return AgentFactory(site=deposee.site, nom="Sacha Signataire", roles=["signataire"])


@pytest.fixture
def proposee(en_instruction, agent, le):
    return proposer(en_instruction, agent=agent, le=le)


@pytest.fixture
def refus_propose(en_instruction, agent, le):
    return proposer_refus(en_instruction, agent=agent, le=le)


@pytest.fixture
def decidee(proposee, signataire, le):
    operations.signer(proposee, agent=signataire, version=proposee.version, le=le)
    proposee.refresh_from_db()
    return proposee


@pytest.fixture
def client_agent(client, agent):
    client.force_login(agent.compte, backend="usagers.backends.IdentifiantBackend")
    return client


@pytest.fixture
def client_signataire(client, signataire):
    return connecter(client, signataire.compte)


def connecter(client, compte):
    client.force_login(compte, backend="usagers.backends.IdentifiantBackend")
    return client


def proposer(demande, *, agent, le, **changements):
    """La même demande, une décision favorable proposée."""
    operations.proposer_favorable(
        demande, accord(**changements), motifs=[], avis="Études suivies", agent=agent, version=demande.version, le=le
    )
    demande.refresh_from_db()
    return demande


def proposer_refus(demande, *, agent, le):
    operations.proposer_refus(
        demande, recevoir(pdf()), voies_et_delais=True, motifs=[], avis="Études sans progression", agent=agent,
        version=demande.version, le=le,
    )  # fmt: skip
    demande.refresh_from_db()
    return demande


def accord(**changements) -> operations.Accord:
    du = timezone.localdate() + dt.timedelta(days=91)
    valeurs = {
        "titre": "CST_ETU", "mention": "ÉTUDIANT", "du": du, "au": du + dt.timedelta(days=364), "taxe": 75,
    }  # fmt: skip
    return operations.Accord(**(valeurs | changements))


def envoi_d_accord(demande, **changements) -> dict:
    """Ce que le navigateur envoie de la page « Proposer d'accorder »."""
    prevu = accord()
    dates = {
        f"{nom}_{rang}": str(partie)
        for nom, jour in (("du", prevu.du), ("au", prevu.au))
        for rang, partie in enumerate((jour.day, jour.month, jour.year))
    }
    return {**ACCORD, **dates, "version": str(demande.version), "avis": "Études suivies", **changements}


def pdf(nom="refus.pdf", couleur="white") -> SimpleUploadedFile:
    """Le même PDF à chaque appel : ses dates sont fixes."""
    tampon, epoque = io.BytesIO(), time.gmtime(0)
    Image.new("RGB", (60, 80), couleur).save(tampon, "PDF", creationDate=epoque, modDate=epoque)
    return SimpleUploadedFile(nom, tampon.getvalue(), "application/pdf")


def envoi_de_refus(demande, **changements) -> dict:
    return {
        "version": str(demande.version), "avis": "Études sans progression", "verifiee": "on", "voies_et_delais": "on",
        "fichier": pdf(), **changements,
    }  # fmt: skip


def semer(nombre: int, site, *, premier: int = 0, **champs) -> list[Demande]:
    """Des demandes déposées, en une écriture ; `champs` : une valeur, ou une fonction du rang."""
    personne = TitreSejourFactory().usager
    le = timezone.now()
    communs = {
        "etat": "deposee", "fin_de_droits": timezone.localdate(), "deposee_le": le, "recherche": "julie john",
    }  # fmt: skip

    def valeurs(rang: int) -> dict:
        return {nom: v(rang) if callable(v) else v for nom, v in (communs | champs).items()}

    return Demande.objects.bulk_create(
        Demande(
            usager=personne, demarche="etudiant", cas="ETU_TITRE", objet=f"essai {premier + rang}",
            ouverte_par=personne.compte, ouverte_le=le, modifiee_le=le, site=site,
            numero=f"{site.code}20260101{premier + rang:07d}", **valeurs(rang),
        )
        for rang in range(nombre)
    )  # fmt: skip
