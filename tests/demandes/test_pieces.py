"""L'étape des justificatifs, telle qu'un navigateur sans JavaScript l'envoie."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from demandes import operations
from demandes.models import PieceJointe, Saisie
from demandes.parcours import Parcours
from documents.models import Fichier
from tests.demandes.reponses import EPHOTO
from tests.factories import CompteFactory, TitreSejourFactory, UsagerFactory
from tests.situations import fichier, joindre_tout, photo, remplir

pytestmark = pytest.mark.django_db


@pytest.fixture
def demande(brouillon, le):
    return remplir(brouillon, jusqu_a="justificatifs", le=le)


@pytest.fixture
def client(client, demande):
    client.force_login(demande.usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


@pytest.fixture
def url(demande):
    return reverse("demandes:etape", args=[demande.pk, "justificatifs"])


def version(demande) -> int:
    saisie = Saisie.objects.filter(demande=demande, etape="justificatifs").first()
    return saisie.version if saisie else 0


def test_la_page_montre_chaque_piece_demandee(client, demande, url, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        texte = client.get(url).content.decode()

    for attendu in ("Titre de séjour", "Numéro ephoto", "Relevé de notes", "bail de location", "Étape 4 sur 6"):
        assert attendu in texte, attendu


def test_joindre_et_poursuivre_tiennent_leur_budget_de_requetes(
    client, demande, url, le, django_assert_max_num_queries
):
    ajouter = reverse("demandes:piece_ajouter", args=[demande.pk, "PASSEPORT"])
    with django_assert_max_num_queries(25):
        assert client.post(ajouter, {"fichier": photo()}).status_code == 200
    joindre_tout(demande, le=le)
    with django_assert_max_num_queries(25):
        reponse = client.post(url, {"action": "poursuivre", "version": "0"})
    assert reponse.status_code == 302

    # Sans JavaScript, un seul envoi reçoit le fichier et garde toute la page.
    with django_assert_max_num_queries(25):
        client.post(url, {"action": "ajouter:INSCRIPTION", "version": "1", "fichier_INSCRIPTION": photo()})
    piece = demande.pieces.latest("pk")
    for geste in ("retirer", "retablir"):
        with django_assert_max_num_queries(25):
            client.post(url, {"action": f"{geste}:{piece.pk}", "version": version(demande)})


def test_un_fichier_et_une_raison_partent_ensemble_et_se_gardent(client, demande, url):
    donnees = {
        "action": "ajouter:PASSEPORT",
        "version": "0",
        "fichier_PASSEPORT": photo("passeport.png"),
        "absente_INSCRIPTION": "on",
        "raison_INSCRIPTION": "J'attends mon inscription",
        "ephoto": "1PMT",
    }

    reponse = client.post(url, donnees)

    assert reponse.status_code == 302 and reponse["Location"].endswith("#piece-PASSEPORT")
    texte = client.get(url).content.decode()
    assert "passeport.png" in texte and "attends mon inscription" in texte and 'value="1PMT"' in texte


def test_un_refus_n_empeche_pas_les_autres_fichiers(client, demande, url):
    donnees = {
        "action": "garder",
        "version": "0",
        "fichier_PASSEPORT": SimpleUploadedFile("vide.pdf", b""),
        "fichier_INSCRIPTION": photo("inscription.png"),
    }

    reponse = client.post(url, donnees)

    texte = reponse.content.decode()
    assert reponse.status_code == 422
    assert "vide.pdf" in texte and 'href="#piece-PASSEPORT"' in texte
    assert PieceJointe.objects.vivantes().filter(code="INSCRIPTION").count() == 1


def test_ajouter_sans_choisir_de_fichier_le_dit(client, url):
    reponse = client.post(url, {"action": "ajouter:PASSEPORT", "version": "0"})

    assert reponse.status_code == 422 and "Choisissez un fichier" in reponse.content.decode()


def test_poursuivre_nomme_chaque_piece_a_regler(client, url):
    reponse = client.post(url, {"action": "poursuivre", "version": "0"})

    texte = reponse.content.decode()
    assert reponse.status_code == 422
    assert "Saisissez et confirmez votre numéro ephoto." in texte
    assert 'href="#piece-INSCRIPTION"' in texte


def test_tout_regle_la_page_suivante_est_le_recapitulatif(client, demande, url, le):
    joindre_tout(demande, le=le)

    reponse = client.post(url, {"action": "poursuivre", "version": "0"})

    assert reponse["Location"] == reverse("demandes:etape", args=[demande.pk, "recapitulatif"])


def test_un_fichier_supprime_se_retablit(client, demande, url):
    piece = PieceJointe.objects.create(
        demande=demande, code="PASSEPORT", fichier=fichier(), ajoutee_le=demande.ouverte_le
    )

    client.post(url, {"action": f"retirer:{piece.pk}", "version": "0"})
    piece.refresh_from_db()
    assert piece.retiree_le is not None
    texte = client.get(url).content.decode()
    assert f'value="retablir:{piece.pk}"' in texte
    client.post(url, {"action": f"retablir:{piece.pk}", "version": str(version(demande))})

    piece.refresh_from_db()
    assert piece.retiree_le is None


def test_remplacer_garde_la_place_et_retire_l_ancien(client, demande, url):
    piece = PieceJointe.objects.create(
        demande=demande, code="PASSEPORT", fichier=fichier(), ajoutee_le=demande.ouverte_le
    )

    client.post(url, {"action": "garder", "version": "0", f"remplacer_{piece.pk}": photo("neuf.png")})

    vivante = PieceJointe.objects.vivantes().get(code="PASSEPORT")
    assert vivante.remplace_id == piece.pk and vivante.fichier.nom_affiche == "neuf.png"


def test_le_meme_contenu_envoye_deux_fois_compte_une_fois(demande, le):
    une, deux = photo(), photo()
    deux = SimpleUploadedFile("encore.png", une.read())
    une.seek(0)
    for televersement in (une, deux):
        operations.joindre_piece(demande, "PASSEPORT", televersement, par=demande.ouverte_par, le=le)

    assert PieceJointe.objects.count() == 1


def test_au_dela_du_maximum_le_fichier_est_refuse(demande, le):
    for _rang in range(5):
        PieceJointe.objects.create(demande=demande, code="INSCRIPTION", fichier=fichier(), ajoutee_le=le)

    with pytest.raises(operations.PieceRefusee):
        operations.joindre_piece(demande, "INSCRIPTION", photo(), par=demande.ouverte_par, le=le)


def test_une_piece_non_demandee_est_refusee(demande, le):
    with pytest.raises(operations.PieceRefusee):
        operations.joindre_piece(demande, "MOBILITE", photo(), par=demande.ouverte_par, le=le)


def test_une_piece_qui_n_est_pas_demandee_est_refusee_avant_d_etre_lue(client, demande):
    url = reverse("demandes:piece_ajouter", args=[demande.pk, "MOBILITE"])

    assert client.post(url, {"fichier": photo()}).status_code == 404
    assert not Fichier.objects.exists()


def test_un_brouillon_ne_recoit_pas_de_fichiers_sans_fin(client, demande, url, le):
    PieceJointe.objects.bulk_create(
        PieceJointe(demande=demande, code="PASSEPORT", fichier=fichier(), ajoutee_le=le, retiree_le=le)
        for _rang in range(200)
    )
    ajouter = reverse("demandes:piece_ajouter", args=[demande.pk, "PASSEPORT"])

    for reponse in (
        client.post(ajouter, {"fichier": photo()}),
        client.post(url, {"action": "ajouter:PASSEPORT", "version": "0", "fichier_PASSEPORT": photo()}),
    ):
        assert reponse.status_code == 422 and "200 fichiers pour cette demande" in reponse.content.decode()
    assert demande.pieces.count() == 200


def test_le_numero_ephoto_se_confirme_s_affiche_groupe_et_se_change(client, demande, url):
    assert client.post(url, {"action": "ephoto", "version": "0", "ephoto": "1PMT"}).status_code == 422
    client.post(url, {"action": "ephoto", "version": str(version(demande)), "ephoto": "1pmt-ek77 0613 1138 07aa 00"})

    assert "1PMT - EK77 - 0613 - 1138 - 07AA - 00" in client.get(url).content.decode()
    client.post(url, {"action": "retirer_ephoto", "version": str(version(demande))})
    assert not demande.numeros.exists()


def test_un_numero_ephoto_deja_servi_est_refuse_avec_une_phrase(client, demande, url, le):
    autre = TitreSejourFactory(usager=UsagerFactory(compte=CompteFactory())).usager
    operations.confirmer_ephoto(
        operations.commencer(Parcours(demande, le=le).demarche, autre, par=autre.compte, le=le), EPHOTO, le=le
    )

    reponse = client.post(url, {"action": "ephoto", "version": "0", "ephoto": EPHOTO})

    assert reponse.status_code == 422 and "déjà servi" in reponse.content.decode()


def test_la_page_envoie_un_fichier_seul_et_recoit_la_liste(client, demande):
    url = reverse("demandes:piece_ajouter", args=[demande.pk, "PASSEPORT"])

    bonne = client.post(url, {"fichier": photo("seul.png")})
    mauvaise = client.post(url, {"fichier": SimpleUploadedFile("notes.txt", b"bonjour")})

    assert bonne.status_code == 200 and "seul.png" in bonne.content.decode()
    assert mauvaise.status_code == 422 and "seul.png" in mauvaise.content.decode()
    assert "format accepté" in mauvaise.content.decode()
    assert client.post(reverse("demandes:piece_ajouter", args=[demande.pk, "INCONNUE"])).status_code == 404


def test_une_piece_se_voit_par_son_proprietaire_seul(client, demande):
    piece = PieceJointe.objects.create(
        demande=demande, code="PASSEPORT", fichier=fichier(), ajoutee_le=demande.ouverte_le
    )
    url = reverse("demandes:piece_voir", args=[demande.pk, piece.pk])

    reponse = client.get(url)
    assert reponse.status_code == 200 and reponse["X-Content-Type-Options"] == "nosniff"
    assert b"".join(reponse.streaming_content).startswith(b"\x89PNG")

    autre = TitreSejourFactory(usager=UsagerFactory(compte=CompteFactory())).usager
    client.force_login(autre.compte, backend="usagers.backends.IdentifiantBackend")
    assert client.get(url).status_code == 404
    ajout = reverse("demandes:piece_ajouter", args=[demande.pk, "PASSEPORT"])
    assert client.post(ajout, {"fichier": photo()}).status_code == 404


def test_un_onglet_perime_ne_remplace_rien_en_silence(client, demande, url):
    client.post(url, {"action": "garder", "version": "0", "absente_INSCRIPTION": "on", "raison_INSCRIPTION": "un"})
    reponse = client.post(
        url,
        {"action": "garder", "version": "0", "absente_INSCRIPTION": "on", "raison_INSCRIPTION": "deux"},
        follow=True,
    )

    texte = reponse.content.decode()
    assert reponse.status_code == 409 and "un autre onglet" in texte
    assert ">deux</textarea>" in texte and "Enregistré ailleurs\u00a0: «\u00a0un\u00a0»" in texte
    assert Saisie.objects.get(etape="justificatifs").reponses["raison_INSCRIPTION"] == ["un"]
