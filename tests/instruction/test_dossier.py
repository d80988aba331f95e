"""Un dossier : ce qui a été figé au dépôt, ses pièces, son journal, ses documents."""

import pytest
from django.urls import reverse

from demandes.models import PieceJointe
from documents.models import Fichier
from documents.operations import rendre
from tests.factories import TitreSejourFactory
from tests.instruction.conftest import semer
from tests.situations import fichier as un_fichier

pytestmark = pytest.mark.django_db


def lire(client, demande, **parametres):
    return client.get(reverse("admin:dossier", args=[demande.numero]), parametres)


def test_la_tete_dit_qui_quoi_et_ce_qu_il_reste(client_agent, deposee):
    page = lire(client_agent, deposee).content.decode()

    assert "<h1" in page and "JOHN JULIE" in page
    for dit in ("Demande déposée", "dans 90 jours", deposee.usager.numero_etranger, "personne"):
        assert dit in page
    assert "Prendre en charge" in page and "Proposer une décision" not in page


def test_les_reponses_sont_celles_du_depot_meme_si_le_profil_change(client_agent, deposee):
    deposee.usager.nom_naissance = "CHANGÉ"
    deposee.usager.adresse_voie = "ailleurs"
    deposee.usager.save()
    contenu = deposee.instantanes.get()
    contenu.contenu["parties"][0]["groupes"][0]["lignes"][0]["affichage"] = "FIGÉ AU DÉPÔT"
    contenu.save()

    page = lire(client_agent, deposee).content.decode()
    assert "FIGÉ AU DÉPÔT" in page and "rue des Pyrénées" in page and "ailleurs" not in page


def test_les_points_d_attention_sont_montres(client_agent, deposee):
    instantane = deposee.instantanes.get()
    contenu = instantane.contenu
    contenu["hors_delai"], contenu["observations"] = True, "Une erreur dans mon nom"
    contenu["avertissements"] = ["Vos ressources sont sous le seuil."]
    contenu["etat_civil"]["numero_etranger"] = ""
    contenu["pieces"][0]["absence"], contenu["pieces"][0]["fichiers"] = "Perdu", []
    instantane.save()

    page = lire(client_agent, deposee).content.decode()
    for dit in ("hors délai", "Une erreur dans mon nom", "sous le seuil", "Sans numéro étranger", "Perdu", "à la main"):
        assert dit in page


def test_une_saisie_malveillante_reste_du_texte(client_agent, deposee):
    instantane = deposee.instantanes.get()
    instantane.contenu["observations"] = "<script>alert(1)</script>"
    instantane.save()

    assert "<script>alert" not in lire(client_agent, deposee).content.decode()


def test_les_pieces_se_montrent_une_a_une(client_agent, deposee):
    cles = [f["piece"] for p in deposee.instantanes.get().contenu["pieces"] for f in p["fichiers"]]

    premiere = lire(client_agent, deposee, vue="pieces").content.decode()
    assert f'src="{reverse("admin:dossier_piece", args=[deposee.numero, cles[0]])}"' in premiere
    assert "Pièce suivante" in premiere and "Pièce précédente" not in premiere
    derniere = lire(client_agent, deposee, vue="pieces", piece=cles[-1]).content.decode()
    assert "Pièce précédente" in derniere and "Pièce suivante" not in derniere
    assert f"fichier {len(cles)} sur {len(cles)}" in derniere


def test_une_piece_est_servie_sans_que_le_navigateur_devine(client_agent, deposee):
    piece = PieceJointe.objects.filter(demande=deposee).first()
    reponse = client_agent.get(reverse("admin:dossier_piece", args=[deposee.numero, piece.pk]))

    assert reponse["X-Content-Type-Options"] == "nosniff"
    assert reponse["Content-Disposition"].startswith("inline")
    assert "frame-ancestors 'self'" in reponse["Content-Security-Policy"]
    assert b"".join(reponse.streaming_content).startswith(b"\x89PNG")


def test_seules_les_pieces_figees_sont_servies(client_agent, deposee, le):
    """Ni ce que la personne avait retiré, ni la pièce d'un autre dossier, ni un fichier infecté."""
    retiree = PieceJointe.objects.create(
        demande=deposee, code="PASSEPORT", fichier=un_fichier(), ajoutee_le=le, retiree_le=le
    )
    (autre,) = semer(1, deposee.site)
    ailleurs = PieceJointe.objects.create(demande=autre, code="PASSEPORT", fichier=un_fichier(), ajoutee_le=le)
    figee = PieceJointe.objects.filter(demande=deposee).first()
    for cle in (retiree.pk, ailleurs.pk, 999999):
        assert client_agent.get(reverse("admin:dossier_piece", args=[deposee.numero, cle])).status_code == 404

    Fichier.objects.filter(pk=figee.fichier_id).update(antivirus=Fichier.Antivirus.INFECTE)
    assert client_agent.get(reverse("admin:dossier_piece", args=[deposee.numero, figee.pk])).status_code == 404
    assert "antivirus le retient" in lire(client_agent, deposee, vue="pieces", piece=figee.pk).content.decode()


def test_un_dossier_sans_fichier_le_dit(client_agent, deposee):
    instantane = deposee.instantanes.get()
    for piece in instantane.contenu["pieces"]:
        piece["fichiers"] = []
    instantane.save()

    assert "Aucun fichier" in lire(client_agent, deposee, vue="pieces").content.decode()


def test_le_journal_nomme_chacun_et_ce_qui_est_parti(client_agent, decidee):
    page = lire(client_agent, decidee, vue="historique").content.decode()

    for dit in (
        "Demande commencée", "JULIE JOHN", "Prise en charge", "Camille Lenoir", "Proposition de décision favorable",
        "Décision favorable", "courriel à", "SMS à", "Attestation de décision favorable", "en préparation",
    ):  # fmt: skip
        assert dit in page


def test_un_document_se_lit_une_fois_rendu(client_agent, deposee):
    document = deposee.evenements.get(apres="deposee").document
    adresse = reverse("admin:dossier_document", args=[deposee.numero, document.numero])
    attente = client_agent.get(adresse)
    assert attente.status_code == 202 and "en préparation" in attente.content.decode()

    rendre(document)
    reponse = client_agent.get(adresse)
    assert reponse["Content-Type"] == "application/pdf"
    assert b"".join(reponse.streaming_content).startswith(b"%PDF")


def test_le_document_d_un_autre_dossier_est_introuvable(client_agent, deposee):
    (autre,) = semer(1, deposee.site)
    document = deposee.evenements.get(apres="deposee").document
    adresse = reverse("admin:dossier_document", args=[autre.numero, document.numero])
    assert client_agent.get(adresse).status_code == 404


def test_on_passe_au_dossier_suivant_de_la_liste(client_agent, deposee):
    semer(2, deposee.site)
    page = lire(client_agent, deposee, onglet="a_prendre").content.decode()
    assert "Dossier précédent" in page and "Dossier suivant" not in page
    assert "Dossier précédent" not in lire(client_agent, deposee, q="jo").content.decode()
    assert "Recherche « john »" in lire(client_agent, deposee, q="john").content.decode()


@pytest.mark.parametrize("vue", ["demande", "pieces", "echanges", "historique", "notes", "inconnue"])
def test_le_cout_d_un_dossier_est_borne(client_agent, decidee, vue, django_assert_max_num_queries):
    semer(5, decidee.site)
    with django_assert_max_num_queries(32):
        assert lire(client_agent, decidee, vue=vue).status_code == 200


def test_la_decision_se_relit(client_agent, decidee):
    page = client_agent.get(reverse("admin:dossier_decision", args=[decidee.numero])).content.decode()
    for dit in ("Carte de séjour temporaire", "ÉTUDIANT", "75", "Sacha Signataire", "notification dans son espace"):
        assert dit in page


def test_un_dossier_sans_decision_n_a_pas_cette_page(client_agent, deposee):
    assert client_agent.get(reverse("admin:dossier_decision", args=[deposee.numero])).status_code == 404


def test_un_visa_sans_numero_etranger_se_lit(client_agent, deposee):
    TitreSejourFactory(usager=deposee.usager)
    deposee.usager.numero_etranger = None
    deposee.usager.save()
    assert deposee.titre_de_depart.numero in lire(client_agent, deposee).content.decode()
