"""Les pièces d'un dossier, regardées une à une : pages en images, liens, contrôle, versions."""

import datetime as dt
import io

import pytest
from django.core.cache import cache
from django.urls import reverse
from PIL import Image

from demandes.models import Instantane, PieceJointe
from documents import pages
from documents.fichiers import enregistrer_octets
from documents.models import Fichier
from instruction.models import ControlePiece
from instruction.visionneuse import Regard
from tests.documents.test_pages import pdf
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cache_a_soi(settings):
    """Sans courtier : la demande d'images échoue en silence, ou reste à faire."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def premiere(deposee):
    """La première pièce du dossier, un PDF de trois pages."""
    cle = next(f["piece"] for p in deposee.instantanes.get().contenu["pieces"] for f in p["fichiers"])
    jointe = PieceJointe.objects.get(pk=cle)
    jointe.fichier = enregistrer_octets(pdf(3), nom="releve.pdf", type_mime="application/pdf")
    jointe.save()
    return jointe


def lire(client, demande, **parametres):
    reponse = client.get(reverse("admin:dossier", args=[demande.numero]), {"vue": "pieces", **parametres})
    assert reponse.status_code == 200
    return reponse.content.decode()


def adresse_de_page(demande, jointe, numero=1) -> str:
    return reverse("admin:dossier_page", args=[demande.numero, jointe.pk, numero])


def test_une_page_en_preparation_le_dit_et_laisse_l_original(client_agent, deposee, premiere):
    page = lire(client_agent, deposee)
    assert "en préparation" in page and "data-image-attendue" in page and "télécharger" in page
    assert client_agent.get(adresse_de_page(deposee, premiere)).status_code == 202


def test_sans_file_la_page_le_dit_sans_attendre(client_agent, deposee, premiere, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///absent/redis.sock"}
    }
    page = lire(client_agent, deposee)
    assert "ne peut pas être préparée pour le moment" in page and "data-image-attendue" not in page


def test_une_page_prete_se_montre_et_se_tourne(client_agent, deposee, premiere):
    pages.dessiner(premiere.fichier, 0)
    page = lire(client_agent, deposee)
    assert f'src="{adresse_de_page(deposee, premiere)}"' in page
    assert "page 1 sur 3" in page and "Page suivante" in page and "Page précédente" not in page
    derniere = lire(client_agent, deposee, piece=premiere.pk, page=3)
    assert "page 3 sur 3" in derniere and "Page précédente" in derniere and "Page suivante" not in derniere

    reponse = client_agent.get(adresse_de_page(deposee, premiere, 2))
    assert reponse["Content-Type"] == "image/jpeg" and "no-store" in reponse["Cache-Control"]
    assert b"".join(reponse.streaming_content).startswith(b"\xff\xd8")


def test_une_page_qui_n_existe_pas_renvoie_a_l_original(client_agent, deposee, premiere):
    pages.dessiner(premiere.fichier, 0)
    assert "ouvrez l'original" in lire(client_agent, deposee, page=9).replace("&#x27;", "'")
    for numero in (0, 9, 201):
        assert client_agent.get(adresse_de_page(deposee, premiere, numero)).status_code == 404


def test_agrandir_et_tourner_sont_des_liens(client_agent, deposee, premiere):
    pages.dessiner(premiere.fichier, 0)
    page = lire(client_agent, deposee, piece=premiere.pk, zoom=150, tour=90)
    assert 'transform="translate(2000 0) rotate(90)"' in page and "visionneuse__image--150" in page
    for lien in ("zoom=200&amp;tour=90", "zoom=150&amp;tour=180", "zoom=150#", "Remettre droit"):
        assert lien in page.replace("&tour", "&amp;tour"), lien


def test_l_image_deposee_se_tourne_sans_etre_refaite(client_agent, deposee):
    page = lire(client_agent, deposee, tour=270)
    assert 'viewBox="0 0 8 8"' in page and 'transform="translate(0 8) rotate(270)"' in page


@pytest.mark.parametrize("tour", [0, 90])
def test_une_image_perdue_par_le_stockage_ne_casse_ni_la_page_ni_le_lien(client_agent, deposee, tour):
    cle = next(f["piece"] for p in deposee.instantanes.get().contenu["pieces"] for f in p["fichiers"])
    jointe = PieceJointe.objects.get(pk=cle)
    jointe.fichier.contenu.storage.delete(jointe.fichier.contenu.name)
    assert "visionneuse" in lire(client_agent, deposee, piece=cle, tour=tour)
    assert client_agent.get(reverse("admin:dossier_piece", args=[deposee.numero, cle])).status_code == 404


@pytest.mark.parametrize("faux", [{"zoom": "7"}, {"tour": "45"}, {"page": "-1"}, {"page": "²"}, {"zoom": "x" * 50}])
def test_une_adresse_fausse_ramene_a_l_ordinaire(faux):
    assert Regard.lire(faux, 1) == Regard(1)


def test_la_page_suit_la_regle_d_acces_de_sa_piece(client, deposee, premiere, agent, agent_du_nord):
    pages.dessiner(premiere.fichier, 0)
    adresse = adresse_de_page(deposee, premiere)
    connecter(client, agent_du_nord.compte)
    assert client.get(adresse).status_code == 404
    connecter(client, deposee.usager.compte)
    assert client.get(adresse).status_code == 302
    connecter(client, AgentFactory(site=deposee.site, roles=["auditeur"]).compte)
    assert client.get(adresse).status_code == 404

    connecter(client, agent.compte)
    for champs in (
        {"antivirus": Fichier.Antivirus.INFECTE},
        {"antivirus": "sain", "efface_le": dt.datetime.now(dt.UTC)},
    ):
        Fichier.objects.filter(pk=premiere.fichier_id).update(**champs)
        assert client.get(adresse).status_code == 404
        assert "l'antivirus le retient" in lire(client, deposee).replace("&#x27;", "'")


def test_une_piece_retiree_n_a_pas_d_image(client_agent, deposee, premiere, le):
    retiree = PieceJointe.objects.create(
        demande=deposee, code="PASSEPORT", fichier=premiere.fichier, ajoutee_le=le, retiree_le=le
    )
    pages.dessiner(premiere.fichier, 0)
    assert client_agent.get(adresse_de_page(deposee, retiree)).status_code == 404


def test_l_original_se_telecharge(client_agent, deposee, premiere):
    adresse = reverse("admin:dossier_piece", args=[deposee.numero, premiere.pk])
    for suite, disposition in (("", "inline"), ("?telecharger=1", "attachment")):
        reponse = client_agent.get(adresse + suite)
        assert reponse["Content-Disposition"].startswith(disposition)
        assert b"".join(reponse.streaming_content).startswith(b"%PDF")


# --- Contrôle --------------------------------------------------------------------------------------------------------
def controler(client, demande, jointe, **saisie):
    return client.post(reverse("admin:dossier_controle", args=[demande.numero, jointe.pk]), saisie)


def test_un_fichier_se_date_et_se_coche(client_agent, deposee, premiere):
    reponse = controler(client_agent, deposee, premiere, datee_du="05/09/2026", verifiee="on")
    assert f"piece={premiere.pk}#visionneuse" in reponse["Location"]
    controle = ControlePiece.objects.get(piece=premiere)
    assert controle.verifiee and controle.datee_du == dt.date(2026, 9, 5) and controle.par.nom == "Camille Lenoir"
    page = lire(client_agent, deposee)
    assert 'value="05/09/2026"' in page and "vérifiées\u00a0: 1 sur" in page and "Dernier contrôle" in page


def test_le_second_controle_remplace_le_premier_et_passe_a_la_piece_suivante(client_agent, deposee, premiere):
    controler(client_agent, deposee, premiere, verifiee="on")
    reponse = controler(client_agent, deposee, premiere, suivante="1")
    assert not ControlePiece.objects.get().verifiee
    assert f"piece={premiere.pk}#" not in reponse["Location"]


def test_chaque_controle_est_au_journal_une_fois(client_agent, deposee, premiere, agent):
    controler(client_agent, deposee, premiere, suivante="1")
    assert not deposee.evenements.filter(nature="controle").exists()
    for _fois in range(2):
        controler(client_agent, deposee, premiere, datee_du="05/09/2026", verifiee="on")
    controler(client_agent, deposee, premiere)
    pose, retire = deposee.evenements.filter(nature="controle")
    assert (pose.par, pose.codes["verifiee"], pose.codes["datee_du"]) == (agent.compte, True, "2026-09-05")
    assert (retire.codes["fichier"], retire.codes["verifiee"], retire.codes["datee_du"]) == (premiere.pk, False, "")
    page = client_agent.get(reverse("admin:dossier", args=[deposee.numero]), {"vue": "historique"}).content.decode()
    assert f"Pièce contrôlée\u00a0: {premiere.code}, vérifiée, datée du 05/09/2026" in page


@pytest.mark.parametrize("date", ["hier", "31/02/2026", "01/01/2999", "01/01/1200"])
def test_une_date_impossible_est_refusee_la_ou_elle_est_saisie(client_agent, deposee, premiere, date):
    reponse = controler(client_agent, deposee, premiere, datee_du=date)
    page = reponse.content.decode()
    assert reponse.status_code == 422 and f'value="{date}"' in page and 'aria-invalid="true"' in page
    assert not ControlePiece.objects.exists()


def test_on_ne_controle_pas_la_piece_d_un_autre(client, client_agent, deposee, premiere, agent_du_nord):
    assert client_agent.get(reverse("admin:dossier_controle", args=[deposee.numero, premiere.pk])).status_code == 302
    assert client_agent.post(reverse("admin:dossier_controle", args=[deposee.numero, 99999])).status_code == 404
    connecter(client, agent_du_nord.compte)
    assert controler(client, deposee, premiere, verifiee="on").status_code == 404
    assert not ControlePiece.objects.exists()


# --- Versions --------------------------------------------------------------------------------------------------------
@pytest.fixture
def complete(deposee, premiere, le):
    """La personne a remplacé sa première pièce et changé une réponse."""
    depot = deposee.instantanes.get()
    nouvelle = PieceJointe.objects.create(
        demande=deposee, code=premiere.code, remplace=premiere, ajoutee_le=le,
        fichier=enregistrer_octets(_png(), nom="nouveau.png", type_mime="image/png"),
    )  # fmt: skip
    PieceJointe.objects.filter(pk=premiere.pk).update(retiree_le=le)
    contenu = depot.contenu
    piece = next(p for p in contenu["pieces"] if any(f["piece"] == premiere.pk for f in p["fichiers"]))
    piece["fichiers"] = [{"piece": nouvelle.pk, "nom": "nouveau.png", "taille": 9, "empreinte": "f" * 64}]
    contenu["parties"][0]["groupes"][0]["lignes"][0]["affichage"] = "TOUT NEUF"
    Instantane.objects.create(
        demande=deposee, rang=2, cause=Instantane.Cause.COMPLEMENT, contenu=contenu, empreinte="0" * 64, le=le,
        par=deposee.usager.compte,
    )  # fmt: skip
    return nouvelle


def _png() -> bytes:
    tampon = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(tampon, "PNG")
    return tampon.getvalue()


def test_ce_qui_a_change_se_montre_avec_l_avant(client_agent, deposee, premiere, complete):
    page = client_agent.get(reverse("admin:dossier", args=[deposee.numero])).content.decode()
    assert "Changé par le dernier envoi (complément" in page
    assert "<ins>TOUT NEUF</ins>" in page and "lignes-agent__changee" in page and "remplacé\u00a0:" in page


def test_la_version_d_origine_reste_lisible(client_agent, deposee, premiere, complete):
    page = lire(client_agent, deposee, piece=premiere.pk)
    assert "Version d'origine" in page.replace("&#x27;", "'") and "remplacé depuis" in page and "nouveau" in page
    assert client_agent.get(adresse_de_page(deposee, premiere)).status_code == 202


def test_un_seul_envoi_n_a_pas_de_difference(client_agent, deposee):
    page = client_agent.get(reverse("admin:dossier", args=[deposee.numero])).content.decode()
    assert "Changé par le dernier envoi" not in page
