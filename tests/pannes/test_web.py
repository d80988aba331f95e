"""gunicorn tué au milieu d'une requête : ce qui était validé reste, ce qui ne l'était pas n'a jamais existé."""

import contextlib
import datetime as dt
import http.client
import threading

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.models import Compteur, Demande, Evenement, Instantane, Saisie
from demandes.operations import verrouiller
from documents.models import Document, Fichier
from notifications.models import Envoi, Notification
from tests.demandes.reponses import MOTIF
from tests.factories import TitreSejourFactory
from tests.pannes.serveurs import Visiteur, attendre, balayer, un_autre_attend_un_verrou
from tests.situations import photo, remplir, tout_relire

pytestmark = [pytest.mark.panne, pytest.mark.django_db(transaction=True)]


@contextlib.contextmanager
def table_retenue(modele, mode="SHARE"):
    """Personne n'écrit dans cette table tant que le bloc dure."""
    with transaction.atomic(), connection.cursor() as curseur:
        curseur.execute(f"LOCK TABLE {modele._meta.db_table} IN {mode} MODE")
        yield


@contextlib.contextmanager
def pendant(requete):
    """La requête court dans un autre fil ; tuée en route, elle se termine par une rupture, et par rien d'autre."""
    fautes = []

    def courir():
        with contextlib.suppress(OSError, http.client.HTTPException):
            fautes.append(requete().status)

    fil = threading.Thread(target=courir)
    fil.start()
    try:
        yield
    finally:
        fil.join(timeout=30)
    assert not fautes, f"la requête a répondu {fautes} : rien n'a été interrompu"


def deposer(visiteur, demande):
    adresse = reverse("demandes:etape", args=[demande.pk, "recapitulatif"])
    return visiteur.post(adresse, action="deposer", declaration="on", observations="")


def autre_depot(le):
    titre = TitreSejourFactory()
    demande = operations.commencer(DEMARCHES["etudiant"], titre.usager, par=titre.usager.compte, le=le)
    remplir(demande, le=le)
    tout_relire(demande, le=le)
    return operations.deposer(demande, par=demande.ouverte_par, le=le)


def contenu(demande):
    """Le brouillon entier, tel que la base le garde."""
    return (
        list(Saisie.objects.filter(demande=demande).order_by("etape").values("etape", "reponses", "relue_le")),
        list(demande.pieces.order_by("pk").values("code", "fichier_id", "retiree_le")),
        list(demande.numeros.values("nature", "valeur")),
    )


def relancer(web):
    """Tué entier, gunicorn se relance à la main ; son ouvrier seul, il en fait un autre de lui-même."""
    if not web.est_vivant:
        web.lancer()
    attendre(web.est_pret, quoi="le retour de gunicorn", processus=web)


@pytest.fixture(params=["gunicorn entier", "son seul ouvrier"])
def couper(request):
    return lambda web: web.tuer() if request.param == "gunicorn entier" else web.tuer_un_ouvrier()


def test_tue_avant_la_validation_le_brouillon_est_intact_et_le_rang_n_est_pas_pris(
    servir, courtier, brouillon_relu, le, couper
):
    web = servir(REDIS_URL=courtier.url)
    visiteur = Visiteur(web.port, brouillon_relu.usager.compte)
    avant = contenu(brouillon_relu)

    with table_retenue(Compteur), pendant(lambda: deposer(visiteur, brouillon_relu)):
        attendre(un_autre_attend_un_verrou, quoi="le dépôt arrivé au compteur", processus=web)
        couper(web)

    brouillon_relu.refresh_from_db()
    assert (brouillon_relu.etat, brouillon_relu.numero) == ("brouillon", None)
    assert contenu(brouillon_relu) == avant
    assert not any(m.objects.exists() for m in (Compteur, Document, Notification, Envoi, Instantane))
    relancer(web)
    reponse = deposer(visiteur, brouillon_relu)
    assert reponse.status == 302, reponse.corps
    brouillon_relu.refresh_from_db()
    assert reponse.location == reverse("demandes:confirmation", args=[brouillon_relu.numero])
    assert brouillon_relu.numero.endswith("0000001")
    assert autre_depot(le).numero.endswith("0000002")


def test_tue_apres_la_validation_la_demande_est_deposee_une_fois_et_tout_part(
    servir, travailler, courtier, smtp, boite, brouillon_relu, le, couper
):
    web = servir(REDIS_URL=courtier.url)
    visiteur = Visiteur(web.port, brouillon_relu.usager.compte)
    # Le réveil du travailleur attend une seconde : la transaction est validée, la réponse n'est pas partie.
    courtier.figer()

    with pendant(lambda: deposer(visiteur, brouillon_relu)):
        attendre(Demande.objects.filter(etat="deposee").exists, quoi="la validation du dépôt", processus=web)
        couper(web)

    brouillon_relu.refresh_from_db()
    assert brouillon_relu.numero.endswith("0000001")
    relancer(web)
    reponse = deposer(visiteur, brouillon_relu)
    assert (reponse.status, reponse.location) == (302, reverse("demandes:confirmation", args=[brouillon_relu.numero]))
    assert visiteur.get(reponse.location).status == 200
    assert Evenement.objects.filter(nature="transition").count() == Instantane.objects.count() == 1
    assert autre_depot(le).numero.endswith("0000002")

    courtier.arreter()
    courtier.relancer()
    travailleur = travailler(courtier, EMAIL_URL=f"smtp://127.0.0.1:{smtp.port}")
    balayer(courtier)
    attendre(lambda: not Envoi.objects.exclude(etat="envoye").exists(), quoi="les envois", processus=travailleur)
    attendre(lambda: not Document.objects.filter(fichier=None).exists(), quoi="les PDF", processus=travailleur)
    assert len(boite.messages) == 2  # un par dépôt
    assert Fichier.objects.filter(type_mime="application/pdf").count() == 2


def test_tue_pendant_l_envoi_d_une_piece_aucune_ligne_n_est_sans_fichier(servir, courtier, brouillon_relu, couper):
    web = servir(REDIS_URL=courtier.url)
    avant = contenu(brouillon_relu)
    adresse = reverse("demandes:piece_ajouter", args=[brouillon_relu.pk, "INSCRIPTION"])
    octets = photo().read()
    visiteur = Visiteur(web.port, brouillon_relu.usager.compte)
    nombre = Fichier.objects.count()

    with transaction.atomic():
        verrouiller(brouillon_relu)
        with pendant(lambda: visiteur.joindre(adresse, octets, nom="inscription.png")):
            attendre(un_autre_attend_un_verrou, quoi="la pièce rangée, pas encore jointe", processus=web)
            couper(web)

    assert contenu(brouillon_relu) == avant
    relancer(web)
    reponse = visiteur.joindre(adresse, octets, nom="inscription.png")
    assert reponse.status == 200 and "inscription.png" in reponse
    assert brouillon_relu.pieces.vivantes().filter(code="INSCRIPTION").count() == 2
    assert Fichier.objects.count() == nombre + 2
    Fichier.objects.update(cree_le=timezone.now() - dt.timedelta(days=2))
    call_command("purger_fichiers")
    assert Fichier.objects.count() == nombre + 1
    for fichier in Fichier.objects.all():
        with fichier.contenu.open() as ouvert:
            assert len(ouvert.read()) == fichier.taille


def test_tue_pendant_l_enregistrement_d_une_etape_la_saisie_d_avant_est_entiere(
    servir, courtier, brouillon_relu, couper
):
    web = servir(REDIS_URL=courtier.url)
    saisie = Saisie.objects.get(demande=brouillon_relu, etape="motif")
    adresse = reverse("demandes:etape", args=[brouillon_relu.pk, "motif"])
    visiteur = Visiteur(web.port, brouillon_relu.usager.compte)
    donnees = MOTIF | {"courante_diplome": ["Doctorat"], "version": [str(saisie.version)], "action": ["poursuivre"]}
    avant = contenu(brouillon_relu)

    with table_retenue(Saisie), pendant(lambda: visiteur.post(adresse, **donnees)):
        attendre(un_autre_attend_un_verrou, quoi="l'étape à écrire", processus=web)
        couper(web)

    assert contenu(brouillon_relu) == avant
    relancer(web)
    assert visiteur.post(adresse, **donnees).status == 302
    saisie.refresh_from_db()
    assert saisie.reponses["courante_diplome"] == ["Doctorat"]
