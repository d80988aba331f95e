"""Demander un complément, y renoncer, reprendre : la lettre exacte, chaque refus, le double clic, le conflit."""

import datetime as dt
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from demandes import operations as usager_operations
from demandes.complements import LigneDemandee
from demandes.etats import Etat
from demandes.models import Complement, Demande, Evenement
from instruction import operations
from instruction.operations import ComplementImpossible, Conflit, GesteInterdit
from notifications.catalogue import Message
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter
from tests.situations import photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def piece(en_instruction):
    return operations.pieces_a_demander(en_instruction, jour=timezone.localdate())[0]


def url(demande, nom="dossier_complement"):
    return reverse(f"admin:{nom}", args=[demande.numero])


def saisie(demande, piece, **changements) -> dict:
    return {
        f"motifs_{piece.code}": ["complement.illisible", "complement.incomplete"],
        f"consigne_{piece.code}": "Il manque le verso.", "information_1": "Quelle est votre adresse de rentrée ?",
        "message": "", "version": str(demande.version), "action": "envoyer", **changements,
    }  # fmt: skip


def envoyer(client, demande, piece, **changements):
    return client.post(url(demande), saisie(demande, piece, **changements), follow=True)


def messages_de(reponse) -> str:
    return " ".join(str(message) for message in reponse.context["messages"])


# --- Demander --------------------------------------------------------------------------------------------------------
def test_la_page_propose_les_pieces_deposees_puis_les_autres(client_agent, en_instruction, piece):
    page = client_agent.get(url(en_instruction) + f"?code={piece.code}").content.decode()

    deposees = [p["code"] for p in en_instruction.instantanes.get().contenu["pieces"] if p["fichiers"]]
    codes = [p.code for p in operations.pieces_a_demander(en_instruction, jour=timezone.localdate())]
    assert set(codes[: len(deposees)]) == set(deposees) and len(codes) > len(deposees)
    assert "EPHOTO" not in codes
    # De la dernière, qui manque, on ne peut dire qu'elle est illisible.
    derniere = page[page.rindex('id="piece-') :]
    assert "complement.manquante" in derniere and "complement.autre" in derniere
    assert "complement.illisible" in page and "complement.illisible" not in derniere
    assert "Illisible" in page and f'id="piece-{piece.code}" open' in page


def test_verifier_montre_la_lettre_le_courriel_et_le_sms_et_n_ecrit_rien(client_agent, en_instruction, piece):
    reponse = envoyer(client_agent, en_instruction, piece, action="verifier")

    page = unescape(reponse.content.decode())
    assert "un complément d'information est nécessaire à la poursuite de son instruction" in page
    assert "pas lisible" in page and "Il manque le verso." in page and "Quelle est votre adresse de rentrée" in page
    assert "dans un délai de 30 jours après avoir pris connaissance" in page
    assert {a.canal for a in reponse.context["apercus"]} == {"courriel", "SMS"}
    assert not Complement.objects.exists() and not Notification.objects.filter(message="complement").exists()


def test_l_apercu_est_la_lettre_que_la_personne_lit(client_agent, client, en_instruction, piece, le):
    apercu = envoyer(client_agent, en_instruction, piece, action="verifier").context["lettre"]
    envoyer(client_agent, en_instruction, piece)
    complement = Complement.objects.get()
    compte = en_instruction.usager.compte
    usager_operations.ouvrir_notification(complement.notification, par=compte, le=le)
    connecter(client, compte)
    lue = client.get(reverse("demandes:complement", args=[complement.notification_id])).context["lettre"]
    assert lue == apercu


def test_la_lettre_est_dans_la_langue_de_la_personne(client_agent, en_instruction, piece):
    compte = en_instruction.usager.compte
    compte.langue = "en"
    compte.save()
    page = envoyer(client_agent, en_instruction, piece, action="verifier").content.decode()
    assert "cannot be read" in page and 'lang="en"' in page


def test_modifier_rend_la_saisie(client_agent, en_instruction, piece):
    page = envoyer(client_agent, en_instruction, piece, action="modifier").content.decode()
    assert "Il manque le verso." in page and "checked" in page and not Complement.objects.exists()


def test_envoyer_dit_ce_qui_est_parti_et_passe_la_main(client_agent, en_instruction, piece, agent):
    reponse = envoyer(client_agent, en_instruction, piece)

    demande, complement = Demande.objects.get(), Complement.objects.get()
    assert demande.etat == Etat.COMPLEMENT_DEMANDE and demande.agent == agent.compte
    assert complement.demande_par == agent.compte and complement.echeance_le is None
    lignes = [(ligne.rang, ligne.code, ligne.motifs, ligne.consigne) for ligne in complement.lignes.all()]
    assert lignes == [
        (1, piece.code, ["complement.illisible", "complement.incomplete"], "Il manque le verso."),
        (2, "", [], "Quelle est votre adresse de rentrée ?"),
    ]
    assert demande.usager.compte.courriel in messages_de(reponse)
    envois = Envoi.objects.filter(notification=complement.notification)
    assert sorted(envoi.canal for envoi in envois) == ["courriel", "sms"]
    evenement = Evenement.objects.get(apres=Etat.COMPLEMENT_DEMANDE)
    assert evenement.notification == complement.notification and "verso" not in str(evenement.codes)
    assert "Renoncer au complément" in reponse.content.decode()


def test_depuis_le_depot_le_dossier_est_pris_en_meme_temps(client_agent, deposee, agent):
    piece = operations.pieces_a_demander(deposee, jour=timezone.localdate())[0]
    deposee.refresh_from_db()
    envoyer(client_agent, deposee, piece)
    demande = Demande.objects.get()
    assert (demande.etat, demande.agent) == (Etat.COMPLEMENT_DEMANDE, agent.compte)


def test_un_double_clic_ne_demande_qu_une_fois(client_agent, en_instruction, piece):
    envoyer(client_agent, en_instruction, piece)
    seconde = envoyer(client_agent, en_instruction, piece)

    assert seconde.status_code == 200 and "Complément demandé" in messages_de(seconde)
    assert Complement.objects.count() == Notification.objects.filter(message="complement").count() == 1
    autre = envoyer(client_agent, en_instruction, piece, message="Autre chose")
    assert autre.status_code == 409 and Complement.objects.count() == 1


@pytest.mark.parametrize(
    ("changement", "phrase"),
    [
        ({"motifs": [], "consigne": "", "information_1": ""}, "Cochez au moins un motif, ou demandez une information"),
        ({"motifs": []}, "cochez au moins un motif"),
        ({"motifs": ["complement.autre"], "consigne": ""}, "écrivez l'observation que le motif"),
        ({"motifs": ["complement.invente"]}, "complement.invente"),
        ({"consigne": "x" * 2001}, "2 000 caractères au plus"),
    ],
)
def test_une_saisie_fausse_le_dit_et_rien_ne_part(client_agent, en_instruction, piece, changement, phrase):
    noms = {"motifs": f"motifs_{piece.code}", "consigne": f"consigne_{piece.code}"}
    changement = {noms.get(nom, nom): valeur for nom, valeur in changement.items()}
    reponse = envoyer(client_agent, en_instruction, piece, **changement)
    assert reponse.status_code == 422 and phrase in unescape(reponse.content.decode())
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION and not Complement.objects.exists()


@pytest.mark.parametrize(
    "lignes",
    [
        [],
        [LigneDemandee("INCONNUE", "X", ("complement.illisible",))],
        [LigneDemandee("PASSEPORT", "Passeport")],
        [LigneDemandee("PASSEPORT", "Passeport", ("avis.autre",))],
        [LigneDemandee("PASSEPORT", "Passeport", ("complement.autre",))],
        [LigneDemandee("", "Information demandée")],
    ],
)
def test_l_operation_refuse_ce_qui_contredit_une_regle(en_instruction, agent, le, lignes):
    with pytest.raises(ComplementImpossible):
        operations.demander_complement(
            en_instruction, lignes, message="", agent=agent, version=en_instruction.version, le=le
        )
    assert not Complement.objects.exists() and not Notification.objects.filter(message="complement").exists()


def test_un_dossier_change_entre_temps_garde_la_saisie(client_agent, en_instruction, piece):
    Demande.objects.update(version=en_instruction.version + 1)
    reponse = envoyer(client_agent, en_instruction, piece)
    page = reponse.content.decode()
    assert reponse.status_code == 409 and "Il manque le verso." in page and not Complement.objects.exists()
    assert f'name="version" value="{en_instruction.version + 1}"' in page


def test_un_dossier_deja_en_attente_montre_le_conflit(client_agent, en_instruction, piece, le):
    collegue = AgentFactory(site=en_instruction.site, nom="Sacha Collègue")
    ligne = LigneDemandee(piece.code, piece.libelle, ("complement.expiree",))
    operations.demander_complement(
        en_instruction, [ligne], message="", agent=collegue, version=en_instruction.version, le=le
    )
    reponse = envoyer(client_agent, en_instruction, piece)
    assert reponse.status_code == 409 and "Sacha Collègue a demandé un complément" in reponse.content.decode()
    assert Complement.objects.count() == 1


@pytest.mark.parametrize("nom", ["dossier_complement", "dossier_complement_renoncer", "dossier_reprendre"])
def test_un_agent_d_un_autre_site_ne_trouve_rien(client, en_instruction, agent_du_nord, nom):
    connecter(client, agent_du_nord.compte)
    assert client.get(url(en_instruction, nom)).status_code == 404
    assert client.post(url(en_instruction, nom), {"version": en_instruction.version}).status_code == 404


@pytest.mark.parametrize("nom", ["dossier_complement", "dossier_complement_renoncer", "dossier_reprendre"])
def test_un_autre_role_ne_le_fait_pas(client, en_instruction, nom):
    remise = AgentFactory(site=en_instruction.site, roles=["remise"])
    connecter(client, remise.compte)
    for reponse in (
        client.get(url(en_instruction, nom), follow=True),
        client.post(url(en_instruction, nom), {"version": en_instruction.version, "information_1": "?"}, follow=True),
        client.post(
            url(en_instruction, nom),
            {"version": en_instruction.version, "information_1": "?", "action": "envoyer"},
            follow=True,
        ),
    ):
        assert "Cet acte n'est pas possible" in messages_de(reponse)
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


# --- Renoncer, reprendre ---------------------------------------------------------------------------------------------
@pytest.fixture
def demandee(en_instruction, piece, agent, le):
    ligne = LigneDemandee(piece.code, piece.libelle, ("complement.expiree",), "Consigne")
    operations.demander_complement(
        en_instruction, [ligne], message="", agent=agent, version=en_instruction.version, le=le
    )
    return Demande.objects.get()


@pytest.fixture
def repondue(demandee, le):
    complement = Complement.objects.select_related("notification", "demande").get()
    compte = demandee.usager.compte
    usager_operations.ouvrir_notification(complement.notification, par=compte, le=le)
    complement.refresh_from_db()
    usager_operations.enregistrer_reponses(
        complement, {1: usager_operations.ReponseSaisie("maintenir", "Il est valable.")}, message="Merci",
        empreinte=usager_operations.empreinte_de_la_reponse(complement, list(complement.lignes.all())),
    )  # fmt: skip
    usager_operations.repondre_complement(complement, par=compte, le=le)
    return Demande.objects.get()


def poster(client, demande, nom, version=None):
    return client.post(url(demande, nom), {"version": demande.version if version is None else version}, follow=True)


def test_renoncer_previent_la_personne_une_fois(client_agent, demandee):
    page = client_agent.get(url(demandee, "dossier_complement_renoncer")).content.decode()
    assert "pas encore ouvert" in page and "plus attendu" in page
    reponse = poster(client_agent, demandee, "dossier_complement_renoncer")
    seconde = poster(client_agent, demandee, "dossier_complement_renoncer")

    assert "plus attendu" in messages_de(reponse) and "plus attendu" in messages_de(seconde)
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION and Complement.objects.get().annule_le
    assert Notification.objects.filter(message=Message.COMPLEMENT_ABANDONNE).count() == 1


def test_renoncer_dit_les_jours_de_paris(client_agent, demandee):
    """Demandé le 1er juillet à 0 h 30 et lu le lendemain, heure de Paris : la veille en temps universel."""
    complement = Complement.objects.get()
    Complement.objects.update(demande_le=dt.datetime(2026, 6, 30, 22, 30, tzinfo=dt.UTC), echeance_le="2026-08-01")
    lu = dt.datetime(2026, 7, 1, 22, 30, tzinfo=dt.UTC)
    Notification.objects.filter(pk=complement.notification_id).update(lue_le=lu)
    page = client_agent.get(url(demandee, "dossier_complement_renoncer")).content.decode()
    assert "Complément demandé le 01/07/2026" in page and "Lu le 02/07/2026" in page and "01/08/2026" in page


def test_renoncer_apres_la_reponse_est_un_conflit(client_agent, demandee, repondue):
    assert poster(client_agent, demandee, "dossier_complement_renoncer").status_code == 409
    assert Complement.objects.get().annule_le is None


def test_reprendre_montre_la_reponse_puis_remet_en_instruction(client_agent, repondue):
    page = client_agent.get(url(repondue, "dossier_reprendre")).content.decode()
    assert "Il est valable." in page and "Document maintenu" in page and "Merci" in page
    reponse = poster(client_agent, repondue, "dossier_reprendre")
    seconde = poster(client_agent, repondue, "dossier_reprendre")

    assert "instruction reprend" in messages_de(reponse) and "instruction reprend" in messages_de(seconde)
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION
    assert poster(client_agent, repondue, "dossier_reprendre", version=0).status_code == 409


def test_un_second_complement_suit_une_reponse(repondue, agent, piece, le):
    ligne = LigneDemandee(piece.code, piece.libelle, ("complement.expiree",))
    operations.demander_complement(repondue, [ligne], message="", agent=agent, version=repondue.version, le=le)
    assert Complement.objects.count() == 2 and Demande.objects.get().etat == Etat.COMPLEMENT_DEMANDE


def test_les_operations_refusent_hors_de_leur_etat(en_instruction, agent, le):
    for geste in (operations.abandonner_complement, operations.reprendre):
        with pytest.raises(GesteInterdit):
            geste(en_instruction, agent=agent, version=en_instruction.version, le=le)
        with pytest.raises(Conflit):
            geste(en_instruction, agent=agent, version=en_instruction.version + 1, le=le)


def test_les_pieces_menent_droit_a_leur_complement(client_agent, en_instruction, piece):
    dossier = client_agent.get(reverse("admin:dossier", args=[en_instruction.numero]), {"vue": "pieces"})
    assert f"code={piece.code}#piece-{piece.code}" in dossier.content.decode()


def test_l_agent_ne_voit_un_nouveau_fichier_qu_une_fois_envoye(client_agent, demandee, le):
    complement = Complement.objects.select_related("notification", "demande").get()
    usager_operations.ouvrir_notification(complement.notification, par=demandee.usager.compte, le=le)
    jointe = usager_operations.joindre_au_complement(complement.lignes.get(), photo("neuf.png"), le=le)
    adresse = reverse("admin:dossier_piece", args=[demandee.numero, jointe.pk])
    assert client_agent.get(adresse).status_code == 404
    complement.refresh_from_db()
    usager_operations.enregistrer_reponses(
        complement, {1: usager_operations.ReponseSaisie("remplacer")}, message="",
        empreinte=usager_operations.empreinte_de_la_reponse(complement, list(complement.lignes.all())),
    )  # fmt: skip
    usager_operations.repondre_complement(complement, par=demandee.usager.compte, le=le)
    reponse = client_agent.get(adresse)
    assert reponse.status_code == 200 and b"".join(reponse.streaming_content)


def test_le_budget_de_requetes(client_agent, en_instruction, piece, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        client_agent.get(url(en_instruction))
    with django_assert_max_num_queries(40):
        client_agent.post(url(en_instruction), saisie(en_instruction, piece, action="verifier"))
    with django_assert_max_num_queries(40):
        client_agent.post(url(en_instruction), saisie(en_instruction, piece))
    with django_assert_max_num_queries(40):
        client_agent.get(url(en_instruction, "dossier_complement_renoncer"))


def test_la_lettre_ne_dit_pas_invalide_une_piece_jamais_fournie(client_agent, en_instruction, piece):
    pieces = operations.pieces_a_demander(en_instruction, jour=timezone.localdate())
    absente = next(p for p in pieces if not p.fournie)
    champs = {f"motifs_{piece.code}": "complement.illisible", f"motifs_{absente.code}": "complement.manquante"}
    page = client_agent.post(url(en_instruction), {"version": en_instruction.version, **champs}).content.decode()
    invalides, manquantes = page.index("ne sont pas valides"), page.index("ont pas été fournis")
    assert invalides < page.index(piece.libelle, invalides) < manquantes < page.index(absente.libelle, manquantes)
    assert absente.libelle not in page[invalides:manquantes]
