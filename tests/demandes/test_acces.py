"""Chaque adresse du portail : ouverte à tous, à toute personne connectée, ou à la seule personne concernée."""

import pytest
from django.core import signing
from django.urls import get_resolver, reverse
from django.utils import timezone

from demandes import operations
from demandes.models import PieceJointe
from notifications.models import Notification
from tests.factories import CompteFactory, TitreSejourFactory, UsagerFactory
from tests.situations import fichier
from usagers.models import ChangementCoordonnees

pytestmark = pytest.mark.django_db

OUVERTES_A_TOUS = {
    "demandes:accueil", "demandes:orientation", "demandes:rechercher", "demandes:a_venir", "demandes:contact",
    "demandes:aide", "demandes:plan", "demandes:mentions", "demandes:accessibilite", "demandes:donnees",
    "demandes:feuille_erreur", "demandes:pieces_liste", "documents:verifier", "set_language",
    "usagers:connexion", "usagers:creer", "usagers:creer_courriel", "usagers:creer_enregistree", "usagers:cree",
    "usagers:mot_de_passe_oublie", "usagers:mot_de_passe_demande",
    # Un lien reçu par courriel fait foi de lui-même : ses tests sont ceux des comptes.
    "usagers:activer", "usagers:mot_de_passe_nouveau", "usagers:courriel_confirmer",
    # La boîte d'envoi n'existe qu'en démonstration.
    "demandes:boite_envoi", "demandes:boite_envoi_courriel", "demandes:boite_envoi_piece",
    "demandes:boite_envoi_detail",
    "demandes:boite_envoi_html", "demandes:boite_envoi_document",
}  # fmt: skip
A_TOUTE_PERSONNE_CONNECTEE = {
    "demandes:situation": [], "demandes:adresses": [], "demandes:preambule": ["etudiant"],
    "demandes:commencer": ["etudiant"], "demandes:espace": [],
    "demandes:notifications": [], "usagers:informations": [], "usagers:informations_modifier": [],
    "usagers:courriel_modifier": [], "usagers:courriel_annuler": [], "usagers:mot_de_passe_modifier": [],
    "usagers:session_prolonger": [], "usagers:deconnexion": [],
}  # fmt: skip


@pytest.fixture
def a_soi(brouillon_relu, le) -> dict[str, list[list]]:
    """Chaque adresse qui désigne quelque chose de quelqu'un, avec ses arguments pour un brouillon puis un dépôt."""
    piece = PieceJointe.objects.create(demande=brouillon_relu, code="PASSEPORT", fichier=fichier(), ajoutee_le=le)
    demande = operations.deposer(brouillon_relu, par=brouillon_relu.ouverte_par, le=le)
    notification = Notification.objects.get()
    return {
        "demandes:reprendre": [[demande.pk]],
        "demandes:rappel": [[demande.pk]],
        "demandes:abandonner": [[demande.pk]],
        "demandes:etape": [[demande.pk, etape] for etape in ("informations", "justificatifs", "recapitulatif", "rien")],
        "demandes:etape_brouillon": [[demande.pk, "motif"]],
        "demandes:piece_ajouter": [[demande.pk, "PASSEPORT"]],
        "demandes:piece_voir": [[demande.pk, piece.pk]],
        "demandes:confirmation": [[demande.numero]],
        "demandes:suivi": [[demande.numero]],
        "demandes:retirer": [[demande.numero]],
        "demandes:rouvrir": [[demande.numero]],
        "demandes:document": [[notification.document.numero]],
        "demandes:notification": [[notification.pk]],
        "demandes:notification_ouvrir": [[notification.pk]],
        "demandes:complement": [[notification.pk]],
        "demandes:complement_brouillon": [[notification.pk]],
    }


def noms_des_adresses() -> set[str]:
    """Tous les noms, hors espace des agents (ses tests sont les siens)."""
    noms = set()
    for motif in get_resolver().url_patterns:
        if hasattr(motif, "url_patterns"):
            if motif.namespace != "admin":
                noms |= {f"{motif.namespace}:{m.name}" for m in _feuilles(motif)}
        elif motif.name:
            noms.add(motif.name)
    return noms


def _feuilles(motif):
    for sous_motif in motif.url_patterns:
        yield from _feuilles(sous_motif) if hasattr(sous_motif, "url_patterns") else [sous_motif]


def test_chaque_adresse_est_rangee(a_soi):
    rangees = OUVERTES_A_TOUS | set(A_TOUTE_PERSONNE_CONNECTEE) | set(a_soi)

    assert noms_des_adresses() - rangees == set()


def adresses(rangees: dict) -> list[str]:
    return [reverse(nom, args=args) for nom, tous in rangees.items() for args in (tous if tous else [[]])]


def test_ce_qui_est_a_quelqu_un_n_existe_pas_pour_les_autres(client, a_soi):
    autre = TitreSejourFactory(usager=UsagerFactory(compte=CompteFactory())).usager
    client.force_login(autre.compte, backend="usagers.backends.IdentifiantBackend")

    codes = {
        (url, methode): getattr(client, methode)(url).status_code
        for url in adresses(a_soi)
        for methode in ("get", "post")
    }

    assert {cle: code for cle, code in codes.items() if code not in {404, 405}} == {}
    assert all(404 in {codes[url, "get"], codes[url, "post"]} for url in adresses(a_soi))


def test_ce_qui_est_a_quelqu_un_demande_de_se_connecter(client, a_soi):
    codes = {(url, methode): getattr(client, methode)(url) for url in adresses(a_soi) for methode in ("get", "post")}

    for cle, reponse in codes.items():
        if reponse.status_code == 302:
            assert reponse["Location"].startswith(reverse("usagers:connexion")), cle
        else:
            assert reponse.status_code in {401, 405}, (cle, reponse.status_code)


def test_l_espace_personnel_demande_de_se_connecter(client, droit):
    for nom, args in A_TOUTE_PERSONNE_CONNECTEE.items():
        for methode in ("get", "post"):
            reponse = getattr(client, methode)(reverse(nom, args=args))
            if reponse.status_code == 302 and nom != "usagers:deconnexion":
                assert reponse["Location"].startswith(reverse("usagers:connexion")), nom
            else:
                assert reponse.status_code in {302, 401, 405}, (nom, methode, reponse.status_code)


def test_un_agent_n_entre_pas_dans_l_espace_des_usagers(client, a_soi):
    agent = CompteFactory(nature="agent", is_staff=True, identifiant="agent.paris")
    client.force_login(agent, backend="usagers.backends.IdentifiantBackend")

    for url in [*adresses(a_soi), *(reverse(nom, args=args) for nom, args in A_TOUTE_PERSONNE_CONNECTEE.items())]:
        if url in {reverse("usagers:deconnexion"), reverse("usagers:session_prolonger"), reverse("demandes:adresses")}:
            continue
        assert client.get(url).status_code != 200, url


def test_un_changement_de_courriel_ne_se_confirme_qu_avec_son_lien(client, usager):
    changement = ChangementCoordonnees.objects.create(
        compte=usager.compte, courriel="x@exemple.invalid", ancien_courriel=usager.compte.courriel,
        cree_le=timezone.now(), expire_le=timezone.now(),
    )  # fmt: skip

    for jeton in ("n-importe-quoi", signing.dumps([changement.pk, "faux"]), "0", "%00"):
        assert client.get(reverse("usagers:courriel_confirmer", args=[jeton])).status_code in {200, 404, 410}
    changement.refresh_from_db()
    assert changement.utilise_le is None
