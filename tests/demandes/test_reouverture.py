"""Faire rouvrir sa demande (T15) : le délai, ce qu'il faut apporter, et qui l'emporte quand un agent agit."""

import datetime as dt
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from demandes import operations
from demandes.etats import Etat
from demandes.models import Bareme, Demande, Evenement, Instantane, PieceJointe
from demandes.operations import AutreDemandeEnCours, ReouvertureIncomplete, ReouvertureTardive
from demandes.reouvertures import cloture_faite
from demandes.reperes import DemandeChangee, repere
from instruction import operations as agents
from notifications.models import Notification
from tests.factories import (
    AgentFactory,
    CompteFactory,
    DemandeFactory,
    SiteFactory,
    TitreSejourFactory,
    UsagerFactory,
)
from tests.situations import photo

pytestmark = pytest.mark.django_db
MESSAGE = "Voici le certificat qui manquait."


@pytest.fixture
def agent(deposee):
    return AgentFactory(site=deposee.site)


def clore(agent, le, *, motif="cloture.incomplete", lue=True) -> Demande:
    demande = Demande.objects.exclude(numero=None).get()
    if demande.etat == Etat.DEPOSEE:
        demande = agents.prendre_en_charge(demande, agent=agent, version=demande.version, le=le)
    agents.proposer_cloture(
        demande, motif=motif, texte="Il manque le certificat.", agent=agent, version=demande.version, le=le
    )
    demande.refresh_from_db()
    valideur = AgentFactory(site=demande.site, roles=["valideur"])
    agents.cloturer(demande, agent=valideur, version=demande.version, le=le)
    if lue:
        Notification.objects.filter(message="cloture").update(lue_le=le)
    return Demande.objects.select_related("usager__compte", "site").get(pk=demande.pk)


@pytest.fixture
def close(agent, le):
    return clore(agent, le)


@pytest.fixture
def client_usager(client, usager):
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


def url(demande):
    return reverse("demandes:rouvrir", args=[demande.numero])


def envoyer(client, demande, action="envoyer", *, vu=None, **champs):
    donnees = {"vu": repere(demande) if vu is None else vu, "message": MESSAGE, "action": action, **champs}
    return client.post(url(demande), {nom: v for nom, v in donnees.items() if v is not None})


def rouvrir(demande, le, **champs):
    champs = {"vu": repere(demande), "message": MESSAGE, "par": demande.usager.compte, "le": le} | champs
    return operations.rouvrir_demande(demande, **champs)


def texte(reponse) -> str:
    return unescape(reponse.content.decode())


# --- La page ---------------------------------------------------------------------------------------------------------
def test_la_page_dit_pourquoi_elle_est_close_et_jusqu_a_quand(client_usager, close, le):
    dernier_jour = date_format(timezone.localdate(le) + dt.timedelta(days=30), "j F Y")
    for page in (
        texte(client_usager.get(url(close))),
        texte(client_usager.get(reverse("demandes:suivi", args=[close.numero]))),
        texte(client_usager.get(reverse("demandes:notification", args=[cloture_faite(close).notification.pk]))),
    ):
        assert f"jusqu'au {dernier_jour} compris" in page and "Rouvrir ma demande" in page
    page = texte(client_usager.get(url(close)))
    assert "Il manque le certificat." in page and "Il reste 30 jours." in page


def test_la_page_se_lit_en_anglais(client_usager, close):
    client_usager.cookies["django_language"] = "en"
    page = texte(client_usager.get(url(close)))
    assert "Reopen my application" in page and "Rouvrir" not in page


def test_la_lettre_se_lit_avant_de_rouvrir(client_usager, agent, le):
    close = clore(agent, le, lue=False)
    assert client_usager.get(url(close))["Location"] == reverse(
        "demandes:notification", args=[cloture_faite(close).notification.pk]
    )


def test_une_demande_qui_n_est_pas_close_n_a_rien_a_rouvrir(client_usager, agent):
    demande = Demande.objects.get()
    assert "rien à rouvrir" in texte(client_usager.get(url(demande), follow=True))
    assert envoyer(client_usager, demande).status_code == 409


# --- La réouverture --------------------------------------------------------------------------------------------------
def test_rouvrir_transmet_le_message_et_les_fichiers_et_garde_la_date_de_depot(client_usager, close, agent):
    assert envoyer(client_usager, close, "joindre", fichiers=[photo("a.png")]).status_code == 200
    reponse = envoyer(client_usager, close, fichiers=[photo("b.png")])

    assert reponse["Location"] == reverse("demandes:suivi", args=[close.numero])
    assert "Votre demande est rouverte." in texte(client_usager.get(reponse["Location"]))
    demande, evenement = Demande.objects.get(), Evenement.objects.get(avant=Etat.CLOTUREE)
    assert (demande.etat, demande.deposee_le, demande.numero) == (Etat.EN_INSTRUCTION, close.deposee_le, close.numero)
    assert (evenement.par, demande.agent) == (close.usager.compte, agent.compte)
    avant, apres = Instantane.objects.order_by("rang")
    assert apres.cause == "reouverture" and apres.contenu["reouvertures"][0]["message"] == MESSAGE
    piece = apres.contenu["pieces"][-1]
    assert [f["nom"] for f in piece["fichiers"]] == ["a.png", "b.png"]
    assert apres.contenu["pieces"][:-1] == avant.contenu["pieces"]
    recu = Notification.objects.get(message="reouverture")
    assert recu.contexte["fichiers"] == 2 and recu.envois.get().canal == "courriel"
    assert Notification.objects.get(message="cloture").repondue_le


def test_le_recu_dit_ce_qui_est_transmis(client_usager, close, le):
    rouvrir_avec_un_fichier(close, le)
    recu = Notification.objects.get(message="reouverture")
    page = client_usager.post(reverse("demandes:notification_ouvrir", args=[recu.pk]), follow=True)
    assert "Votre message et votre document sont transmis" in texte(page)


def rouvrir_avec_un_fichier(demande, le):
    operations.joindre_a_la_reouverture(demande, photo(), le=le)
    return rouvrir(demande, le)


@pytest.mark.parametrize("changement", [{"actif": False}, {"site": "5901"}])
def test_un_agent_qui_n_est_plus_en_poste_ne_garde_pas_le_dossier(close, agent, le, changement):
    SiteFactory(code="5901", departement="59")
    agent.actif = changement.get("actif", True)
    agent.site_id = changement.get("site", agent.site_id)
    agent.save()
    assert rouvrir_avec_un_fichier(close, le).agent is None


def test_sans_piece_attendue_un_message_suffit(agent, le):
    assert rouvrir(clore(agent, le, motif="cloture.sans_objet"), le).etat == Etat.EN_INSTRUCTION


def test_une_seconde_reouverture_ajoute_ses_fichiers(close, agent, le):
    rouvrir_avec_un_fichier(close, le)
    demande = clore(agent, le + dt.timedelta(days=1))
    rouvrir_avec_un_fichier(demande, le + dt.timedelta(days=2))
    contenu = Instantane.objects.latest("rang").contenu
    assert len(contenu["reouvertures"]) == 2 and len(contenu["pieces"][-1]["fichiers"]) == 2


def test_un_double_envoi_donne_le_meme_recu(client_usager, close, le):
    vu = repere(close)
    operations.joindre_a_la_reouverture(close, photo(), le=le)
    premiere, seconde = (envoyer(client_usager, close, vu=vu, fichiers=[photo()]) for _ in range(2))

    assert premiere.status_code == seconde.status_code == 302 and premiere["Location"] == seconde["Location"]
    assert Evenement.objects.filter(avant=Etat.CLOTUREE).count() == Instantane.objects.count() - 1 == 1
    assert rouvrir(close, le, vu=vu).etat == Etat.EN_INSTRUCTION


# --- Les fichiers ----------------------------------------------------------------------------------------------------
def test_joindre_et_supprimer_gardent_le_message(client_usager, close):
    envoyer(client_usager, close, "joindre", fichiers=[photo("a.png"), photo("b.png")])
    piece = PieceJointe.objects.get(fichier__nom_affiche="a.png")
    assert b"".join(client_usager.get(reverse("demandes:piece_voir", args=[close.pk, piece.pk])).streaming_content)

    page = texte(envoyer(client_usager, close, f"retirer:{piece.pk}"))

    assert "a.png" not in page and "b.png" in page and MESSAGE in page
    assert Demande.objects.get().etat == Etat.CLOTUREE


def test_le_meme_fichier_deux_fois_compte_une_fois(close, le):
    contenu = photo()
    for _ in range(2):
        contenu.seek(0)
        operations.joindre_a_la_reouverture(close, contenu, le=le)
    assert PieceJointe.objects.filter(code="REOUVERTURE").count() == 1


def test_un_fichier_refuse_n_efface_rien(client_usager, close):
    faux = SimpleUploadedFile("faux.pdf", b"ceci n'est pas un PDF", "application/pdf")
    reponse = envoyer(client_usager, close, fichiers=[photo("bon.png"), faux])
    page = texte(reponse)
    assert reponse.status_code == 422 and "bon.png" in page and MESSAGE in page and "fr-message--error" in page
    assert Demande.objects.get().etat == Etat.CLOTUREE


def test_le_nombre_de_fichiers_est_borne(client_usager, close):
    reponse = envoyer(client_usager, close, "joindre", fichiers=[photo(f"{n}.png") for n in range(11)])
    assert reponse.status_code == 422 and "le maximum" in texte(reponse)
    assert PieceJointe.objects.filter(code="REOUVERTURE").count() == 10


def test_joindre_sans_fichier_le_dit_et_on_ne_supprime_que_les_siens(client_usager, close):
    assert envoyer(client_usager, close, "joindre").status_code == 422
    deposee = PieceJointe.objects.exclude(code="REOUVERTURE").first()
    assert envoyer(client_usager, close, f"retirer:{deposee.pk}").status_code == 404


# --- Les refus -------------------------------------------------------------------------------------------------------
def test_tout_ce_qui_manque_se_dit_ensemble(client_usager, close, le):
    reponse = envoyer(client_usager, close, message=" ")
    page = texte(reponse)
    assert reponse.status_code == 422 and "Joignez au moins un document" in page and "ce que vous apportez" in page
    with pytest.raises(ReouvertureIncomplete) as refus:
        rouvrir(close, le, message="  ")
    assert [manque.ancre for manque in refus.value.manques] == ["id_message", "id_fichiers"]


def test_le_dernier_jour_compte_et_le_lendemain_non(client_usager, close, le):
    assert rouvrable(close, le + dt.timedelta(days=30)) and not rouvrable(close, le + dt.timedelta(days=31))
    operations.joindre_a_la_reouverture(close, photo(), le=le)
    with pytest.raises(ReouvertureTardive):
        rouvrir(close, le + dt.timedelta(days=31))


def rouvrable(demande, le) -> bool:
    return cloture_faite(demande).est_dans_le_delai(timezone.localdate(le))


def test_apres_le_delai_la_page_dit_quoi_faire(client_usager, agent, le):
    # Un jour de plus que le délai : à une heure près, l'heure d'été en reprend un.
    close = clore(agent, le - dt.timedelta(days=32))
    page = texte(client_usager.get(url(close)))
    assert "Le délai pour rouvrir est passé" in page and "nouvelle demande" in page
    assert close.site.coordonnees_du_jour.telephone in page
    reponse = envoyer(client_usager, close)
    assert reponse.status_code == 409 and MESSAGE in texte(reponse)
    for autre in (
        reverse("demandes:suivi", args=[close.numero]),
        reverse("demandes:notification", args=[cloture_faite(close).notification.pk]),
    ):
        assert url(close) not in texte(client_usager.get(autre))


def test_le_delai_est_celui_du_bareme_du_jour_de_la_cloture(close, le):
    Bareme.objects.filter(code="reouverture.delai").update(valeurs={"jours": 5})
    assert cloture_faite(close).dernier_jour == timezone.localdate(le) + dt.timedelta(days=5)


@pytest.mark.parametrize(
    ("etat", "phrase"), [("brouillon", "abandonnez d'abord votre brouillon"), ("favorable", "a pris la place")]
)
def test_une_autre_demande_du_meme_objet_l_emporte(client_usager, close, le, etat, phrase):
    traits = {"deposee": True} if etat != "brouillon" else {}
    DemandeFactory(titre_de_depart=close.titre_de_depart, objet=close.objet, **traits, etat=etat)
    assert phrase in texte(client_usager.get(url(close)))
    reponse = envoyer(client_usager, close, fichiers=[photo()])
    assert reponse.status_code == 409 and phrase in texte(reponse)
    with pytest.raises(AutreDemandeEnCours):
        rouvrir(close, le)
    assert Demande.objects.get(pk=close.pk).etat == Etat.CLOTUREE


def test_un_brouillon_ouvert_au_meme_instant_ne_donne_pas_d_erreur(close, le, monkeypatch):
    operations.joindre_a_la_reouverture(close, photo(), le=le)
    DemandeFactory(titre_de_depart=close.titre_de_depart, objet=close.objet)
    monkeypatch.setattr("demandes.operations.reouverture.autre_demande", lambda demande: None)
    with pytest.raises(AutreDemandeEnCours):
        rouvrir(close, le)
    assert Demande.objects.get(pk=close.pk).etat == Etat.CLOTUREE and Instantane.objects.count() == 1


def test_un_agent_l_a_deja_rouverte_le_message_n_est_pas_perdu(client_usager, close, agent, le):
    vu = repere(close)
    agents.rouvrir(close, agent=agent, version=close.version, le=le)

    reponse = envoyer(client_usager, close, vu=vu, fichiers=[photo()])

    page = texte(reponse)
    assert reponse.status_code == 409 and "Demande rouverte" in page and MESSAGE in page
    assert "Votre message n'a pas été envoyé" in page and Instantane.objects.count() == 1


def test_close_a_nouveau_la_page_se_confirme_a_nouveau(client_usager, close, agent, le):
    vu = repere(close)
    agents.rouvrir(close, agent=agent, version=close.version, le=le)
    clore(agent, le)
    reponse = envoyer(client_usager, close, vu=vu, fichiers=[photo()])
    assert reponse.status_code == 409 and reponse.context["est_possible"] and MESSAGE in texte(reponse)
    with pytest.raises(DemandeChangee):
        rouvrir(close, le, vu=vu)


@pytest.mark.parametrize("methode", ["get", "post"])
def test_la_demande_d_un_autre_n_existe_pas(client, close, methode):
    autre = TitreSejourFactory(usager=UsagerFactory(compte=CompteFactory())).usager
    client.force_login(autre.compte, backend="usagers.backends.IdentifiantBackend")
    assert getattr(client, methode)(url(close)).status_code == 404


def test_la_reouverture_a_un_cout_borne(client_usager, close, le, django_assert_max_num_queries):
    operations.joindre_a_la_reouverture(close, photo(), le=le)
    with django_assert_max_num_queries(15):
        client_usager.get(url(close))
    with django_assert_max_num_queries(40):
        envoyer(client_usager, close)
