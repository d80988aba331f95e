"""La purge : ce à quoi plus rien ne renvoie, et rien d'autre."""

import datetime as dt
import os

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from demandes.models import PieceJointe
from documents.catalogue import Acte
from documents.fichiers import enregistrer_octets
from documents.models import Document, Fichier
from tests.factories import DemandeFactory

pytestmark = pytest.mark.django_db

HIER = dt.timedelta(hours=25)


def fichier(*, age: dt.timedelta = HIER, contenu: bytes = b"octets") -> Fichier:
    cree = enregistrer_octets(contenu, nom="a.pdf", type_mime="application/pdf")
    Fichier.objects.filter(pk=cree.pk).update(cree_le=timezone.now() - age)
    return cree


def octets_perdus(nom: str, *, age: dt.timedelta = HIER) -> str:
    default_storage.save(nom, ContentFile(b"x" * 200_000))
    instant = (timezone.now() - age).timestamp()
    os.utime(default_storage.path(nom), (instant, instant))
    return nom


def purger(capsys, *options) -> str:
    call_command("purger_fichiers", *options)
    return capsys.readouterr().out


def test_un_fichier_auquel_rien_ne_renvoie_disparait_avec_ses_octets(capsys):
    orphelin = fichier(contenu=bytes(150_000))

    sortie = purger(capsys)

    assert not Fichier.objects.exists()
    assert not default_storage.exists(orphelin.contenu.name)
    assert sortie.splitlines() == [
        "Fichiers auxquels rien ne renvoie, effacés : 1 (0,2\xa0Mo).",
        "Fichiers inconnus de la base, effacés : 0 (0\xa0Mo).",
        "Images de pages de PDF, effacées : 0.",
    ]


def test_un_fichier_de_moins_de_24_heures_reste(capsys):
    recent = fichier(age=dt.timedelta(hours=23))

    purger(capsys)

    assert Fichier.objects.get() == recent and default_storage.exists(recent.contenu.name)


def test_un_fichier_auquel_une_ligne_renvoie_reste(capsys):
    emis, joint, retire = fichier(), fichier(), fichier()
    maintenant = timezone.now()
    Document.objects.create(
        acte=Acte.CONFIRMATION_DEPOT, gabarit="1", numero="ABCDEFGHI", emis_le=maintenant, fichier=emis
    )
    demande = DemandeFactory()
    PieceJointe.objects.create(demande=demande, code="passeport", fichier=joint, ajoutee_le=maintenant)
    PieceJointe.objects.create(
        demande=demande, code="passeport", fichier=retire, ajoutee_le=maintenant, retiree_le=maintenant
    )

    purger(capsys)

    assert set(Fichier.objects.all()) == {emis, joint, retire}
    assert all(default_storage.exists(garde.contenu.name) for garde in (emis, joint, retire))


def test_chaque_lien_du_modele_protege_le_fichier():
    """Une application nouvelle qui garde un fichier n'a rien à déclarer : la purge voit son lien."""
    liens = {(lien.related_model.__name__, lien.field.name) for lien in Fichier._meta.related_objects}
    assert liens >= {("Document", "fichier"), ("PieceJointe", "fichier")}

    requete = str(Fichier.objects.orphelins(avant=timezone.now()).query)
    assert requete.count("EXISTS") == len(liens)


def test_des_octets_inconnus_de_la_base_disparaissent_apres_24_heures(capsys):
    connu = fichier()
    Document.objects.create(
        acte=Acte.CONFIRMATION_DEPOT, gabarit="1", numero="ABCDEFGHI", emis_le=timezone.now(), fichier=connu
    )
    perdu = octets_perdus("ab/" + "0" * 62)
    recent = octets_perdus("ab/" + "1" * 62, age=dt.timedelta(hours=1))
    voisin = octets_perdus(connu.contenu.name[:3] + "2" * 62)

    sortie = purger(capsys)

    assert not default_storage.exists(perdu) and not default_storage.exists(voisin)
    assert default_storage.exists(recent) and default_storage.exists(connu.contenu.name)
    assert "Fichiers inconnus de la base, effacés : 2 (0,4\xa0Mo)." in sortie


def test_ce_qui_ne_porte_pas_un_nom_de_stockage_n_est_jamais_efface(capsys):
    etrangers = [octets_perdus(nom) for nom in ("notes.txt", "ab/lisez-moi.txt", "sauvegardes/" + "0" * 62)]

    purger(capsys)

    assert all(default_storage.exists(nom) for nom in etrangers)


def test_simuler_compte_sans_rien_effacer(capsys):
    orphelin, perdu = fichier(), octets_perdus("ab/" + "0" * 62)

    sortie = purger(capsys, "--simuler")

    assert Fichier.objects.get() == orphelin
    assert default_storage.exists(orphelin.contenu.name) and default_storage.exists(perdu)
    assert sortie.splitlines() == [
        "Fichiers auxquels rien ne renvoie, à effacer : 1 (0,1\xa0Mo).",
        "Fichiers inconnus de la base, à effacer : 1 (0,2\xa0Mo).",
        "Simulation : rien n'a été effacé.",
    ]


def test_un_stockage_qui_n_existe_pas_encore_ne_fait_rien_echouer(capsys):
    assert "effacés : 0" in purger(capsys)


def test_une_purge_interrompue_se_reprend(capsys):
    """La ligne effacée, les octets restants : la purge suivante les retire."""
    orphelin = fichier()
    Fichier.objects.all().delete()
    instant = (timezone.now() - HIER).timestamp()
    os.utime(default_storage.path(orphelin.contenu.name), (instant, instant))

    purger(capsys)

    assert not default_storage.exists(orphelin.contenu.name)


@pytest.mark.django_db(transaction=True)
def test_un_fichier_verrouille_par_un_autre_est_laisse(capsys):
    from threading import Event, Thread

    from django.db import connection, transaction

    pris, fini = Event(), Event()
    occupe = fichier()

    def tenir():
        with transaction.atomic():
            Fichier.objects.select_for_update().get(pk=occupe.pk)
            pris.set()
            fini.wait(10)
        connection.close()

    fil = Thread(target=tenir)
    fil.start()
    pris.wait(10)
    try:
        purger(capsys)
    finally:
        fini.set()
        fil.join()

    assert Fichier.objects.get() == occupe and default_storage.exists(occupe.contenu.name)
