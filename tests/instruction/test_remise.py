"""Fabrication, titre disponible, remise : succès, chaque refus, double envoi, ce que la personne en voit."""

import datetime as dt
import threading
from html import unescape
from unittest import mock

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from demandes import operations as usager_operations
from demandes.demarches import DEMARCHES
from demandes.demarches.etudiant import ETU_TITRE
from demandes.etats import Etat
from demandes.models import Decision, Demande, NumeroUtilise, Site
from instruction import operations
from instruction.operations import ActeImpossible, Conflit, GesteInterdit, Remise, Retrait
from notifications.composition import composer
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory, TitreSejourFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
TIMBRE, CARTE = "1234567890123456", "NEUF12345"
RETRAIT = Retrait("Guichet 4\n1 place de l'Exemple", "9 h à 16 h", ("identite", "titre"))


def remise(carte=CARTE, timbre=TIMBRE):
    """Ce que constate un agent qui a tout vérifié."""
    return Remise(carte, timbre, identite=True, dus=1)


@pytest.fixture
def guichet(decidee):
    return AgentFactory(site=decidee.site, nom="Robin Guichet", roles=["remise"])


@pytest.fixture
def en_fabrication(decidee, guichet, le):
    return operations.fabriquer(decidee, agent=guichet, version=decidee.version, le=le)


@pytest.fixture
def disponible(en_fabrication, guichet, le):
    return operations.rendre_disponible(en_fabrication, RETRAIT, agent=guichet, version=en_fabrication.version, le=le)


@pytest.fixture
def client_guichet(client, guichet):
    return connecter(client, guichet.compte)


def url(nom, demande):
    return reverse(f"admin:dossier_{nom}", args=[demande.numero])


def dit(reponse) -> str:
    return " ".join(str(message) for message in reponse.context["messages"])


def poster(client, nom, demande, **champs):
    champs.setdefault("version", demande.version)
    return client.post(url(nom, demande), {"action": "confirmer", **champs}, follow=True)


def envoi_de_remise(**changements) -> dict:
    return {"identite": "on", "numero_titre": CARTE, "timbre": TIMBRE, "du_0": "on"} | changements


# --- Fabrication -----------------------------------------------------------------------------------------------------
def test_la_mise_en_fabrication_se_montre_se_fait_et_previent(client_guichet, decidee, django_assert_max_num_queries):
    page = client_guichet.get(url("fabriquer", decidee)).content.decode()
    assert "où le document se télécharge" not in page
    assert "Le titre de séjour accordé à votre demande" in page and "Mettre en fabrication et notifier" in page

    with django_assert_max_num_queries(40):
        client_guichet.post(url("fabriquer", decidee), {"version": decidee.version})
    reponse = poster(client_guichet, "fabriquer", decidee)

    assert Demande.objects.get().etat == Etat.EN_FABRICATION
    assert decidee.usager.compte.courriel in dit(reponse)
    assert [e.canal for e in Envoi.objects.filter(message="fabrication")] == ["courriel"]


def test_un_double_clic_ne_fabrique_qu_une_fois(client_guichet, decidee):
    poster(client_guichet, "fabriquer", decidee)
    seconde = poster(client_guichet, "fabriquer", decidee)

    assert "Le titre est en fabrication" in dit(seconde)
    assert Notification.objects.filter(message="fabrication").count() == 1


@pytest.mark.parametrize("nom", ["fabriquer", "disponible", "remettre"])
def test_un_acte_hors_de_son_etat_est_refuse_d_une_phrase(client_agent, agent, en_instruction, nom):
    agent.roles = ["instructeur", "remise"]
    agent.save()
    assert "Cet acte n'est pas possible" in dit(client_agent.get(url(nom, en_instruction), follow=True))
    assert "Cet acte n'est pas possible" in dit(poster(client_agent, nom, en_instruction, **envoi_de_remise()))
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


@pytest.mark.parametrize("nom", ["fabriquer", "disponible", "remettre"])
def test_une_version_d_avant_la_decision_est_un_conflit(client_agent, agent, en_instruction, nom):
    agent.roles = ["instructeur", "remise"]
    agent.save()
    champs = envoi_de_remise(lieu="x", horaires="y", documents=["identite"])
    assert poster(client_agent, nom, en_instruction, version=0, **champs).status_code == 409


@pytest.mark.parametrize("nom", ["fabriquer", "disponible", "remettre", "prolonger"])
def test_un_autre_site_ne_trouve_rien(client, agent_du_nord, decidee, nom):
    connecter(client, agent_du_nord.compte)
    assert client.get(url(nom, decidee)).status_code == 404
    assert client.post(url(nom, decidee), {"version": decidee.version}).status_code == 404


# --- Titre disponible ------------------------------------------------------------------------------------------------
def test_le_titre_disponible_dit_ou_quand_avec_quoi_et_combien(client_guichet, en_fabrication):
    page = client_guichet.get(url("disponible", en_fabrication)).content.decode()
    assert "1 place de l&#x27;Exemple" in page and "75" in page

    apercu = {"lieu": "Sous-préfecture", "horaires": "le lundi", "documents": ["identite"], "version": "0"}
    reponse = client_guichet.post(url("disponible", en_fabrication), apercu | {"action": "apercu"})
    lettre, courriel, _sms = reponse.context["apercus"]
    assert "Sous-préfecture" in lettre.lettre and "Sous-préfecture" in courriel.texte
    assert Demande.objects.get().etat == Etat.EN_FABRICATION

    reponse = poster(
        client_guichet, "disponible", en_fabrication, lieu="Guichet 4", horaires="9 h à 16 h",
        documents=["identite", "titre"], consigne="Sonnez.",
    )  # fmt: skip
    assert "sait où, quand" in dit(reponse) and "SMS" in dit(reponse)
    envoi = Envoi.objects.get(message="titre_disponible", canal="courriel")
    texte = composer(envoi.message, canal=envoi.canal, contexte=envoi.contexte, langue=envoi.langue).texte
    for mot in ("Guichet 4", "9 h à 16 h", "passeport", "timbre fiscal", "75 €", "Sonnez."):
        assert mot in texte


@pytest.mark.parametrize(
    ("champ", "phrase"),
    [("lieu", "Écrivez où"), ("horaires", "Écrivez quand"), ("documents", "Cochez au moins")],
)
def test_annoncer_sans_lieu_ni_heures_ni_documents_est_refuse(client_guichet, en_fabrication, champ, phrase):
    champs = {"lieu": "Guichet", "horaires": "9 h", "documents": ["identite"]}
    del champs[champ]
    reponse = poster(client_guichet, "disponible", en_fabrication, **champs)

    assert reponse.status_code == 422 and phrase in reponse.content.decode()
    assert Demande.objects.get().etat == Etat.EN_FABRICATION and not Envoi.objects.filter(message="titre_disponible")


def test_sans_montant_le_message_dit_que_rien_n_est_du(en_fabrication, guichet, le):
    Decision.objects.update(taxe=0)
    operations.rendre_disponible(en_fabrication, RETRAIT, agent=guichet, version=en_fabrication.version, le=le)
    contexte = Notification.objects.get(message="titre_disponible").contexte
    assert (contexte["montant"], contexte["documents"]) == ("", ["identite", "titre"])


# --- Remise ----------------------------------------------------------------------------------------------------------
def test_un_site_ferme_ne_propose_pas_son_adresse_et_la_refuse(client_guichet, en_fabrication, guichet, le):
    site, jour = en_fabrication.site, timezone.localdate()
    adresse = site.coordonnees_le(jour).adresse
    assert adresse in unescape(client_guichet.get(url("disponible", en_fabrication)).content.decode())
    Site.objects.filter(pk=site.pk).update(ferme_le=jour)

    page = unescape(client_guichet.get(url("disponible", en_fabrication)).content.decode())
    assert adresse not in page[page.index("<form") :] and "None" not in page and "La personne recevra" not in page
    for ici in (site.libelle, f"{site.libelle}\n{adresse.upper()} "):
        reponse = poster(
            client_guichet, "disponible", en_fabrication, lieu=ici, horaires="9 h à 16 h", documents=["identite"]
        )
        assert "Votre site est fermé depuis le" in unescape(reponse.content.decode())
    en_fabrication.refresh_from_db()
    retrait = Retrait(ici, "9 h à 16 h", ("identite",))
    with pytest.raises(ActeImpossible, match="Votre site est fermé"):
        operations.rendre_disponible(
            en_fabrication, retrait, agent=guichet, version=en_fabrication.version, le=timezone.now()
        )
    assert Demande.objects.get().etat == Etat.EN_FABRICATION and not Envoi.objects.filter(message="titre_disponible")

    poster(
        client_guichet, "disponible", en_fabrication, lieu=f"{site.libelle}, 2 rue Neuve", horaires="9 h à 16 h",
        documents=["identite"],
    )  # fmt: skip
    assert Demande.objects.get().etat == Etat.TITRE_DISPONIBLE


def test_les_pages_de_la_remise_tiennent_dans_leur_budget(client_guichet, disponible, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        client_guichet.get(url("remettre", disponible))
    with django_assert_max_num_queries(40):
        client_guichet.post(url("remettre", disponible), envoi_de_remise(version=disponible.version))


def test_la_remise_ajoute_le_titre_a_l_historique_dans_la_minute(client_guichet, disponible):
    page = client_guichet.get(url("remettre", disponible)).content.decode()
    assert "Carte de séjour temporaire" in page and "certificat d&#x27;inscription définitif" in page

    reponse = poster(client_guichet, "remettre", disponible, **envoi_de_remise(timbre="1234 5678 9012 3456"))

    demande, decision = Demande.objects.get(), Decision.objects.get()
    titre = demande.usager.titres.get(numero=CARTE)
    assert "Titre remis à JULIE JOHN" in dit(reponse)
    assert (demande.etat, demande.fin_de_droits) == (Etat.REMISE, decision.au)
    assert (titre.nature, titre.motif, titre.debut, titre.fin, titre.origine) == (
        "CST", "etudiant", decision.du, decision.au, demande.numero,
    )  # fmt: skip
    assert NumeroUtilise.objects.get(nature="timbre").valeur == TIMBRE
    assert CARTE.lower() in demande.recherche


def test_le_renouvellement_suivant_part_du_titre_remis(disponible, guichet, le):
    operations.remettre(disponible, remise(), agent=guichet, version=disponible.version, le=le)
    plus_tard = timezone.now() + dt.timedelta(days=370)
    suivante = usager_operations.commencer(
        DEMARCHES["etudiant"], disponible.usager, par=disponible.usager.compte, le=plus_tard
    )

    assert suivante.titre_de_depart.numero == CARTE
    assert (suivante.cas, suivante.fin_de_droits) == (ETU_TITRE.code, suivante.titre_de_depart.fin)


@pytest.mark.parametrize(
    ("changement", "phrase"),
    [
        ({"identite": ""}, "Vérifiez l&#x27;identité"),
        ({"du_0": ""}, "Ce document est dû"),
        ({"timbre": ""}, "Un montant est dû"),
        ({"timbre": "123"}, "a 16 chiffres"),
        ({"numero_titre": ""}, "Saisissez le numéro écrit"),
        ({"numero_titre": "12"}, "9 ou 10 lettres et chiffres"),
    ],
)
def test_une_remise_incomplete_est_refusee_d_une_phrase(client_guichet, disponible, changement, phrase):
    reponse = poster(client_guichet, "remettre", disponible, **envoi_de_remise(**changement))

    assert reponse.status_code == 422 and phrase in reponse.content.decode()
    assert Demande.objects.get().etat == Etat.TITRE_DISPONIBLE
    assert not NumeroUtilise.objects.filter(nature="timbre").exists()


def test_un_timbre_ne_sert_qu_une_fois(client_guichet, disponible):
    NumeroUtilise.objects.create(nature="timbre", valeur=TIMBRE, demande=disponible)
    reponse = poster(client_guichet, "remettre", disponible, **envoi_de_remise())
    assert reponse.status_code == 422 and "Ce timbre a déjà servi" in reponse.content.decode()


def test_un_numero_de_carte_deja_connu_est_refuse(client_guichet, disponible):
    TitreSejourFactory(numero=CARTE)
    reponse = poster(client_guichet, "remettre", disponible, **envoi_de_remise())
    assert reponse.status_code == 422 and "déjà celui d&#x27;un titre" in reponse.content.decode()


def test_sans_montant_aucun_timbre_n_est_demande_ni_accepte(client_guichet, disponible, guichet, le):
    Decision.objects.update(taxe=0)
    assert "timbre" not in client_guichet.get(url("remettre", disponible)).context["form"].fields
    with pytest.raises(ActeImpossible) as refus:
        operations.remettre(disponible, remise(), agent=guichet, version=disponible.version, le=le)
    assert refus.value.champ == "timbre"
    operations.remettre(disponible, remise(timbre=""), agent=guichet, version=disponible.version, le=le)
    assert Demande.objects.get().etat == Etat.REMISE


def test_un_double_clic_ne_remet_qu_une_fois_et_un_autre_numero_est_un_conflit(client_guichet, disponible):
    poster(client_guichet, "remettre", disponible, **envoi_de_remise())
    assert "Titre remis" in dit(poster(client_guichet, "remettre", disponible, **envoi_de_remise()))
    autre = poster(client_guichet, "remettre", disponible, **envoi_de_remise(numero_titre="AUTRE1234"))

    assert autre.status_code == 409 and "AUTRE1234" in autre.content.decode()
    assert disponible.usager.titres.filter(origine=disponible.numero).count() == 1


@pytest.mark.parametrize("roles", [["instructeur"], ["valideur"]])
def test_seul_le_guichet_remet(disponible, roles, le):
    agent = AgentFactory(site=disponible.site, roles=roles)
    with pytest.raises(GesteInterdit):
        operations.remettre(disponible, remise(), agent=agent, version=disponible.version, le=le)


@pytest.mark.django_db(transaction=True)
def test_deux_guichets_qui_remettent_ensemble_un_seul_y_arrive(disponible, guichet, le):
    depart, resultats = threading.Barrier(2), []

    def remettre(carte):
        try:
            depart.wait(timeout=30)
            demande = Demande.objects.get(pk=disponible.pk)
            operations.remettre(
                demande,
                remise(carte),
                agent=guichet,
                version=disponible.version,
                le=timezone.now(),
            )
            resultats.append("fait")
        except Conflit:
            resultats.append("conflit")
        finally:
            connection.close()

    fils = [threading.Thread(target=remettre, args=(f"CARTE0000{rang}",)) for rang in range(2)]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join(timeout=60)
    assert sorted(resultats) == ["conflit", "fait"]
    assert disponible.usager.titres.filter(origine=disponible.numero).count() == 1


# --- Ce que la personne voit -----------------------------------------------------------------------------------------
def test_la_personne_suit_fabrication_retrait_et_remise(client, disponible, guichet, le):
    connecter(client, disponible.usager.compte)
    for adresse in (reverse("demandes:espace"), reverse("demandes:suivi", args=[disponible.numero])):
        page = client.get(adresse).content.decode()
        assert "Retirer mon titre" in page and "Guichet 4" in page and "9 h à 16 h" in page and "75 €" in page
    for message in ("fabrication", "titre_disponible"):
        notification = Notification.objects.get(message=message)
        client.post(reverse("demandes:notification_ouvrir", args=[notification.pk]))
        page = client.get(reverse("demandes:notification", args=[notification.pk])).content.decode()
        assert disponible.numero in page
    operations.remettre(disponible, remise(), agent=guichet, version=disponible.version, le=le)
    page = client.get(reverse("demandes:espace")).content.decode()
    assert "remis le" in page and "Retirer mon titre" not in page
    assert f"{Decision.objects.get().au:%d/%m/%Y}" in page


def test_la_frise_dit_que_le_titre_se_fabrique(client, en_fabrication):
    connecter(client, en_fabrication.usager.compte)
    assert "en fabrication depuis le" in client.get(reverse("demandes:espace")).content.decode()


@pytest.mark.parametrize("champ", ["timbre", "numero_titre"])
def test_un_numero_pris_la_meme_seconde_par_un_autre_dossier_se_dit(disponible, guichet, le, champ):
    """Les deux remises l'ont vu libre : la base tranche, et l'agent lit pourquoi."""

    def prendre_apres_la_verification(constat, *, decision):
        if champ == "timbre":
            NumeroUtilise.objects.create(nature=NumeroUtilise.Nature.TIMBRE, valeur=TIMBRE, demande=disponible)
        else:
            TitreSejourFactory(usager=disponible.usager, numero=CARTE)

    with (
        mock.patch("instruction.operations.remise.verifier_remise", prendre_apres_la_verification),
        pytest.raises(ActeImpossible) as refus,
    ):
        operations.remettre(disponible, remise(), agent=guichet, version=disponible.version, le=le)
    assert refus.value.champ == champ
    disponible.refresh_from_db()
    assert disponible.etat == Etat.TITRE_DISPONIBLE


@pytest.mark.parametrize("constats", [{"identite": False, "dus": 1}, {"identite": True, "dus": 0}])
def test_rien_ne_se_remet_sans_l_identite_ni_les_documents_dus(disponible, guichet, le, constats):
    with pytest.raises(ActeImpossible):
        operations.remettre(
            disponible, Remise(CARTE, TIMBRE, **constats), agent=guichet, version=disponible.version, le=le
        )
    assert not NumeroUtilise.objects.filter(nature="timbre").exists()
