"""Répondre à un complément : maintenir, mettre à jour, joindre, expliquer ; tout traiter, envoyer une fois."""

import datetime as dt
from html import unescape

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from demandes import operations
from demandes.complements import LigneDemandee
from demandes.etats import Etat
from demandes.models import Bareme, Cloture, Complement, Demande, Evenement, Instantane, PieceJointe
from demandes.operations import ComplementFerme, ReponseIncomplete, ReponsePerimee, ReponseSaisie
from instruction import operations as agents
from notifications.catalogue import Message
from notifications.models import Envoi
from notifications.operations import notifier
from tests.factories import AgentFactory, CompteFactory, TitreSejourFactory
from tests.situations import photo

pytestmark = pytest.mark.django_db

QUESTION = LigneDemandee("", "Information demandée", (), "Quelle est la date de votre rentrée ?")


@pytest.fixture
def lignes(deposee):
    """Deux pièces du dépôt, une jamais fournie, une information."""
    pieces = agents.pieces_a_demander(deposee, jour=timezone.localdate())
    deposees = {p["code"] for p in deposee.instantanes.get().contenu["pieces"] if p["fichiers"]}
    fournies = [piece for piece in pieces if piece.code in deposees]
    jamais = next(piece for piece in pieces if piece.code not in deposees)
    return [
        LigneDemandee(fournies[0].code, fournies[0].libelle, ("complement.illisible",), "Merci de joindre le verso."),
        LigneDemandee(fournies[1].code, fournies[1].libelle, ("complement.trop_ancienne",)),
        LigneDemandee(jamais.code, jamais.libelle, ("complement.manquante",)),
        QUESTION,
    ]


@pytest.fixture
def ferme(deposee, lignes, le):
    """Demandé, pas encore ouvert."""
    agent = AgentFactory(site=deposee.site)
    deposee.refresh_from_db()
    return agents.demander_complement(deposee, lignes, message="Bonjour.", agent=agent, version=deposee.version, le=le)


@pytest.fixture
def complement(ferme, le):
    operations.ouvrir_notification(ferme.notification, par=ferme.demande.usager.compte, le=le)
    return Complement.objects.select_related("notification", "demande").get()


@pytest.fixture
def client_usager(client, usager):
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


def url(complement):
    return reverse("demandes:complement", args=[complement.notification_id])


def empreinte(complement):
    complement = Complement.objects.get(pk=complement.pk)
    return operations.empreinte_de_la_reponse(complement, list(complement.lignes.all()))


def reponses(**changements) -> dict:
    """Ce que le navigateur envoie quand tout est traité."""
    return {
        "reponse_1": "maintenir", "justification_1": "Le verso est vierge.", "reponse_2": "remplacer",
        "fichier_2": photo("domicile.png"), "reponse_3": "impossible", "justification_3": "Je n'en ai pas.",
        "justification_4": "Le 1er septembre.", "message": "Merci.", **changements,
    }  # fmt: skip


def envoyer(client, complement, action="envoyer", **changements):
    donnees = {**reponses(**changements), "action": action, "version": empreinte(complement)}
    return client.post(url(complement), {nom: v for nom, v in donnees.items() if v is not None})


# --- Ouvrir ----------------------------------------------------------------------------------------------------------
def test_l_ouverture_par_un_geste_fait_courir_le_delai_du_jour(client_usager, ferme):
    page = client_usager.get(reverse("demandes:notification", args=[ferme.notification_id]))
    assert "vaut accusé de réception" in page.content.decode()
    assert client_usager.get(url(ferme)).status_code == 302
    assert Complement.objects.get().echeance_le is None

    reponse = client_usager.post(reverse("demandes:notification_ouvrir", args=[ferme.notification_id]), follow=True)
    page = reponse.content.decode()
    assert Complement.objects.get().echeance_le == timezone.localdate() + dt.timedelta(days=30)
    assert "Il reste 30 jours" in page and "dans un délai de 30 jours" in page
    for texte in (
        "Maintenir le Document",
        "Mettre à jour le Document",
        "Je ne peux pas le fournir",
        "Voir le document",
    ):
        assert texte in page
    assert "Merci de joindre le verso." in page and "Quelle est la date de votre rentrée" in page


def test_ouvrir_deux_fois_ne_recule_pas_l_echeance(complement, le):
    compte = complement.demande.usager.compte
    assert not operations.ouvrir_notification(complement.notification, par=compte, le=le + dt.timedelta(days=5))
    assert Complement.objects.get().echeance_le == timezone.localdate(le) + dt.timedelta(days=30)
    assert Demande.objects.get().version == complement.demande.version


def test_le_delai_est_celui_du_bareme(ferme, le):
    Bareme.objects.filter(code="complement.delai").update(valeurs={"jours": 15})
    operations.ouvrir_notification(ferme.notification, par=ferme.demande.usager.compte, le=le)
    assert Complement.objects.get().echeance_le == timezone.localdate(le) + dt.timedelta(days=15)


def test_ouvrir_un_complement_abandonne_ne_fait_courir_aucun_delai(client_usager, ferme, le):
    agents.abandonner_complement(
        ferme.demande, agent=ferme.demande_par.agent, version=Demande.objects.get().version, le=le
    )
    reponse = client_usager.post(reverse("demandes:notification_ouvrir", args=[ferme.notification_id]), follow=True)
    assert Complement.objects.get().echeance_le is None
    assert "plus attendu" in reponse.content.decode()


# --- Répondre --------------------------------------------------------------------------------------------------------
def test_la_reponse_part_une_fois_et_garde_les_originaux(client_usager, complement):
    origine = complement.demande.instantanes.get().contenu["pieces"]
    reponse = envoyer(client_usager, complement)
    assert reponse.status_code == 302
    page = unescape(client_usager.get(reponse["Location"]).content.decode())
    assert "transmise au service chargé de l'instruction" in page and "Répondu le" in page
    assert "Le verso est vierge." in page and "domicile.png" in page

    demande = Demande.objects.get()
    fait = Complement.objects.get()
    assert demande.etat == Etat.COMPLEMENT_RECU and fait.repondu_le and fait.reponse == "Merci."
    fait.notification.refresh_from_db()
    assert fait.notification.repondue_le == fait.repondu_le
    avant, apres = Instantane.objects.order_by("rang")
    assert (apres.rang, apres.cause) == (2, "complement")
    assert avant.contenu["pieces"] == origine
    un, deux, trois, _information = complement.lignes.all()
    pieces = {piece["code"]: piece for piece in apres.contenu["pieces"]}
    anciennes = {piece["code"]: piece for piece in origine}
    assert pieces[un.code]["fichiers"] == anciennes[un.code]["fichiers"]
    assert [f["nom"] for f in pieces[deux.code]["fichiers"]] == ["domicile.png"]
    assert pieces[trois.code]["absence"] == "Je n'en ai pas."
    ancienne = PieceJointe.objects.get(pk=anciennes[deux.code]["fichiers"][0]["piece"])
    nouvelle = PieceJointe.objects.get(posee_pour=deux)
    assert ancienne.retiree_le and nouvelle.remplace == ancienne and nouvelle.retiree_le is None
    originale = client_usager.get(reverse("demandes:piece_voir", args=[demande.pk, ancienne.pk]))
    assert b"".join(originale.streaming_content)


def test_un_double_envoi_donne_le_meme_recu(client_usager, complement):
    envoyer(client_usager, complement)
    seconde = envoyer(client_usager, complement)

    assert seconde["Location"] == reverse("demandes:notification", args=[complement.notification_id])
    assert Instantane.objects.count() == 2
    assert Evenement.objects.filter(apres=Etat.COMPLEMENT_RECU).count() == 1
    fait = Complement.objects.select_related("demande").get()
    assert operations.repondre_complement(fait, par=fait.demande.usager.compte, le=timezone.now()) == fait


@pytest.mark.parametrize(
    ("manque", "phrase"),
    [
        ({"reponse_1": None}, "choisissez de maintenir le document ou de le mettre à jour"),
        ({"reponse_1": "impossible"}, "choisissez de maintenir le document ou de le mettre à jour"),
        ({"justification_1": " "}, "dites pourquoi vous maintenez ce document"),
        ({"fichier_2": None}, "joignez le document"),
        ({"reponse_3": None}, "joignez le document, ou dites que vous ne pouvez pas le fournir"),
        ({"justification_3": None}, "dites pourquoi vous ne pouvez pas fournir"),
        ({"reponse_3": "joindre"}, "joignez le document."),
        ({"justification_4": ""}, "écrivez votre réponse"),
    ],
)
def test_tout_se_traite_avant_l_envoi(client_usager, complement, manque, phrase):
    reponse = envoyer(client_usager, complement, **manque)
    assert reponse.status_code == 422 and phrase in reponse.content.decode()
    assert Demande.objects.get().etat == Etat.COMPLEMENT_DEMANDE and Instantane.objects.count() == 1
    assert Complement.objects.get().reponse == "Merci."  # rien de ce qui est écrit n'est perdu


def test_la_reponse_se_garde_a_moitie_et_se_reprend(client_usager, complement):
    envoyer(client_usager, complement, action="quitter", justification_1="Plus tard", reponse_3=None)
    page = client_usager.get(url(complement)).content.decode()
    assert "Plus tard" in page and "domicile.png" in page and "Document maintenu" in page and "À traiter" in page
    assert Demande.objects.get().etat == Etat.COMPLEMENT_DEMANDE


def test_un_fichier_se_joint_seul_se_retire_et_ne_compte_qu_une_fois(client_usager, complement):
    contenu = photo("un.png")
    envoyer(client_usager, complement, action="joindre:2", reponse_2=None, fichier_2=contenu)
    contenu.seek(0)
    envoyer(client_usager, complement, action="joindre:2", fichier_2=contenu)
    jointe = PieceJointe.objects.get(posee_pour__rang=2)
    assert complement.lignes.get(rang=2).reponse == "remplacer"

    envoyer(client_usager, complement, action=f"retirer:{jointe.pk}", fichier_2=None)
    jointe.refresh_from_db()
    assert jointe.retiree_le
    assert envoyer(client_usager, complement, fichier_2=None).status_code == 422


def test_joindre_sans_fichier_ou_un_fichier_refuse_le_dit(client_usager, complement):
    reponse = envoyer(client_usager, complement, action="joindre:2", fichier_2=None)
    assert reponse.status_code == 422 and "Choisissez un fichier" in reponse.content.decode()
    faux = photo("faux.png")
    faux.file.seek(0)
    faux.file.write(b"MZ programme")
    faux.seek(0)
    reponse = envoyer(client_usager, complement, fichier_2=faux)
    assert reponse.status_code == 422 and "faux.png" in reponse.content.decode()
    assert Demande.objects.get().etat == Etat.COMPLEMENT_DEMANDE


def test_maintenir_laisse_de_cote_un_fichier_deja_choisi(client_usager, complement):
    envoyer(client_usager, complement, action="joindre:2")
    envoyer(client_usager, complement, reponse_2="maintenir", justification_2="Il est récent.", fichier_2=None)
    assert PieceJointe.objects.get(posee_pour__rang=2).retiree_le
    ligne = complement.lignes.get(rang=2)
    avant, apres = (
        next(p["fichiers"] for p in i.contenu["pieces"] if p["code"] == ligne.code)
        for i in Instantane.objects.order_by("rang")
    )
    assert avant == apres


def test_deux_onglets_ne_s_ecrasent_pas(client_usager, complement):
    lue = empreinte(complement)
    envoyer(client_usager, complement, action="garder", justification_1="Premier onglet")
    reponse = client_usager.post(
        url(complement), {"version": lue, "action": "garder", "reponse_1": "maintenir", "justification_1": "Second"}
    )
    page = reponse.content.decode()
    assert reponse.status_code == 409 and "Second" in page and "Premier onglet" in page
    assert complement.lignes.get(rang=1).justification == "Premier onglet"


def test_ce_qui_se_tape_se_garde_sans_bouton(client, client_usager, complement, le):
    garder = reverse("demandes:complement_brouillon", args=[complement.notification_id])
    envoi = {"version": empreinte(complement), "reponse_1": "maintenir", "justification_1": "Le verso\x00 est vierge."}
    reponse = client_usager.post(garder, envoi)
    assert reponse.status_code == 200 and reponse.json()["version"] == empreinte(complement)
    assert complement.lignes.get(rang=1).justification == "Le verso est vierge."
    assert client_usager.post(garder, envoi).status_code == 200  # le même contenu, d'une page plus ancienne
    assert client_usager.post(garder, {**envoi, "justification_1": "Autre"}).status_code == 409
    assert client_usager.get(garder).status_code == 405
    envoyer(client_usager, complement)
    assert client_usager.post(garder, envoi).status_code == 410
    client.force_login(TitreSejourFactory().usager.compte, backend="usagers.backends.IdentifiantBackend")
    assert client.post(garder, envoi).status_code == 404
    client.logout()
    assert client.post(garder, envoi).status_code == 401


@pytest.mark.parametrize("action", ["joindre:99", "joindre:x", "joindre:", "inconnue", "retirer:²"])
def test_un_geste_inconnu_ne_casse_rien(client_usager, complement, action):
    assert envoyer(client_usager, complement, action=action, fichier_2=None).status_code in {302, 404}
    assert Demande.objects.get().etat == Etat.COMPLEMENT_DEMANDE


def test_apres_l_echeance_on_peut_encore_repondre(client_usager, complement):
    Complement.objects.update(echeance_le=timezone.localdate() - dt.timedelta(days=2))
    assert "Le délai est passé" in client_usager.get(url(complement)).content.decode()
    assert envoyer(client_usager, complement).status_code == 302
    assert Demande.objects.get().etat == Etat.COMPLEMENT_RECU


def test_repondre_ecarte_la_cloture_qui_disait_le_contraire(client_usager, complement, le):
    """Une clôture « sans réponse » proposée avant la réponse ne peut plus être signée ; une autre le peut."""
    for motif, reste in (("cloture.sans_reponse", False), ("cloture.doublon", True)):
        cloture = Cloture.objects.create(
            demande=complement.demande, motif=motif, texte="…", proposee_par=complement.demande_par, proposee_le=le
        )
        with transaction.atomic():
            envoyer(client_usager, complement)
            assert Demande.objects.get().etat == Etat.COMPLEMENT_RECU
            assert Cloture.objects.proposees().filter(pk=cloture.pk).exists() == reste
            transaction.set_rollback(True)
        cloture.delete()


def test_un_complement_abandonne_n_accepte_plus_rien(client_usager, complement, le):
    agents.abandonner_complement(
        complement.demande, agent=complement.demande_par.agent, version=Demande.objects.get().version, le=le
    )
    reponse = client_usager.post(url(complement), {**reponses(), "version": ""}, follow=True)
    assert "rien n'a été envoyé" in unescape(reponse.content.decode())
    complement.refresh_from_db()
    with pytest.raises(ComplementFerme):
        operations.repondre_complement(complement, par=complement.demande.usager.compte, le=le)
    with pytest.raises(ComplementFerme):
        operations.joindre_au_complement(complement.lignes.get(rang=2), photo(), le=le)


def test_l_operation_refuse_une_reponse_incomplete_et_une_page_perimee(complement, le):
    with pytest.raises(ReponseIncomplete) as refus:
        operations.repondre_complement(complement, par=complement.demande.usager.compte, le=le)
    assert len(refus.value.manques) == 4
    with pytest.raises(ReponsePerimee):
        operations.enregistrer_reponses(complement, {1: ReponseSaisie("maintenir", "x")}, message="", empreinte="vieux")


def test_le_complement_d_une_autre_personne_est_introuvable(client, complement):
    autre = TitreSejourFactory().usager.compte
    client.force_login(autre, backend="usagers.backends.IdentifiantBackend")
    assert client.get(url(complement)).status_code == 404
    assert client.post(url(complement), reponses()).status_code == 404
    ouvrir = reverse("demandes:notification_ouvrir", args=[complement.notification_id])
    assert client.post(ouvrir).status_code == 404


def test_le_fichier_d_un_autre_complement_ne_se_retire_pas(client_usager, complement):
    ailleurs = complement.demande.pieces.first()
    reponse = envoyer(client_usager, complement, action=f"retirer:{ailleurs.pk}")
    assert reponse.status_code == 404
    ailleurs.refresh_from_db()
    assert ailleurs.retiree_le is None


def test_la_page_tient_son_budget(client_usager, complement, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        client_usager.get(url(complement))
    with django_assert_max_num_queries(48):
        envoyer(client_usager, complement)
    with django_assert_max_num_queries(25):
        client_usager.get(reverse("demandes:notification", args=[complement.notification_id]))


def test_la_page_se_lit_en_anglais(client_usager, complement):
    complement.demande.usager.compte.langue = "en"
    complement.demande.usager.compte.save()
    client_usager.cookies["django_language"] = "en"
    page = client_usager.get(url(complement), headers={"accept-language": "en"}).content.decode()
    assert "cannot be read" in page or "langue" in page


# --- Le suivi et la boîte --------------------------------------------------------------------------------------------
def test_le_suivi_et_l_espace_menent_au_complement(client_usager, ferme, le, django_assert_max_num_queries):
    assert "Complément demandé le" in client_usager.get(reverse("demandes:espace")).content.decode()
    operations.ouvrir_notification(ferme.notification, par=ferme.demande.usager.compte, le=le)
    complement = ferme
    with django_assert_max_num_queries(20):
        page = client_usager.get(reverse("demandes:espace")).content.decode()
    assert "Répondre à la demande de complément" in page
    page = client_usager.get(reverse("demandes:suivi", args=[complement.demande.numero])).content.decode()
    assert "Complément attendu avant le" in page
    assert reverse("demandes:notification", args=[complement.notification_id]) in page


def test_la_boite_dit_lu_puis_repondu(client_usager, complement):
    boite = reverse("demandes:notifications")
    assert "Lu le" in client_usager.get(boite, {"type": "complement"}).content.decode()
    envoyer(client_usager, complement)
    page = client_usager.get(boite, {"type": "complement"}).content.decode()
    assert "Répondu le" in page and "SEJOUR" in page


def test_la_boite_a_ses_tailles_et_deux_pagers(client_usager, usager):
    for rang in range(11):
        notifier(
            Message.PRISE_EN_CHARGE, usager.compte, contexte={"numero": "1", "nom": "X"},
            le=timezone.now() - dt.timedelta(days=rang),
        )  # fmt: skip
    page = client_usager.get(reverse("demandes:notifications")).content.decode()
    assert page.count("Page 1 sur 2") == 2
    for taille in (10, 25, 50):
        assert f">{taille}</option>" in page
    # Une seule page se dit aussi, comme le guide le montre, sans lien qui ne mène nulle part.
    une = client_usager.get(reverse("demandes:notifications"), {"par_page": "25"}).content.decode()
    assert une.count("Page 1 sur 1") == 2 and "Page suivante" not in une
    dates = [n.creee_le for n in client_usager.get(reverse("demandes:notifications")).context["page"]]
    assert dates == sorted(dates, reverse=True)


def test_la_demande_prevenue_par_courriel_et_sms(ferme):
    canaux = Envoi.objects.filter(notification=ferme.notification).values_list("canal", flat=True)
    assert sorted(canaux) == ["courriel", "sms"]


def test_un_agent_ne_repond_pas(client, complement):
    client.force_login(complement.demande_par, backend="usagers.backends.IdentifiantBackend")
    assert client.get(url(complement)).status_code in {302, 403, 404}
    assert client.post(url(complement), reponses()).status_code in {302, 403, 404}
    assert Demande.objects.get().etat == Etat.COMPLEMENT_DEMANDE


def test_sans_session_on_est_mene_a_la_connexion(client, complement):
    assert client.get(url(complement)).status_code == 302
    assert CompteFactory() and client.post(url(complement)).status_code == 302
