"""Les pages des actes : succès, chaque refus, double envoi, conflit, rien de perdu."""

import pytest
from django.urls import reverse

from demandes.etats import Etat
from demandes.models import Decision, Demande
from documents.models import Document, Fichier
from instruction import operations
from notifications.models import Envoi, Notification
from tests.demandes.conftest import photo
from tests.factories import AgentFactory
from tests.instruction.conftest import accord, envoi_d_accord, envoi_de_refus, pdf

pytestmark = pytest.mark.django_db


def url(nom, demande):
    return reverse(f"admin:{nom}", args=[demande.numero])


def messages_de(reponse) -> str:
    return " ".join(str(message) for message in reponse.context["messages"])


# --- Prendre en charge -----------------------------------------------------------------------------------------------
def prendre(client, demande, version=None):
    version = demande.version if version is None else version
    return client.post(url("dossier_prendre", demande), {"version": version}, follow=True)


def test_prendre_en_charge_dit_ce_qui_est_parti(client_agent, deposee, agent):
    reponse = prendre(client_agent, deposee)

    demande = Demande.objects.get()
    assert (demande.etat, demande.agent) == (Etat.EN_INSTRUCTION, agent.compte)
    assert "JULIE JOHN" in messages_de(reponse) and demande.usager.compte.courriel in messages_de(reponse)
    assert "Accorder" in reponse.content.decode() and "Refuser" in reponse.content.decode()


def test_un_double_clic_ne_prend_qu_une_fois(client_agent, deposee):
    prendre(client_agent, deposee)
    seconde = prendre(client_agent, deposee)

    assert seconde.status_code == 200 and "Vous avez pris ce dossier" in messages_de(seconde)
    assert Notification.objects.filter(message="prise_en_charge").count() == 1


def test_un_dossier_pris_par_un_collegue_dit_qui_et_quand(client_agent, deposee, le):
    collegue = AgentFactory(site=deposee.site, nom="Sacha Collègue")
    operations.prendre_en_charge(deposee, agent=collegue, version=deposee.version, le=le)

    reponse = prendre(client_agent, deposee, version=1)
    assert reponse.status_code == 409
    assert "Sacha Collègue a pris ce dossier en charge le" in reponse.content.decode()
    assert Demande.objects.get().agent == collegue.compte


@pytest.mark.parametrize("version", ["", "abc", "-1", "9" * 30])
def test_une_version_illisible_est_un_conflit(client_agent, deposee, version):
    assert prendre(client_agent, deposee, version=version).status_code == 409
    assert Demande.objects.get().etat == Etat.DEPOSEE


def test_prendre_un_dossier_en_instruction_est_refuse_d_une_phrase(client_agent, en_instruction):
    assert "Cet acte n'est pas possible" in messages_de(prendre(client_agent, en_instruction))


# --- Accorder --------------------------------------------------------------------------------------------------------
def accorder(client, demande, **changements):
    return client.post(url("dossier_decider", demande), envoi_d_accord(demande, **changements), follow=True)


def test_la_page_propose_titre_mention_dates_et_taxe(client_agent, en_instruction):
    form = client_agent.get(url("dossier_decider", en_instruction)).context["form"]

    fin = en_instruction.titre_de_depart.fin
    assert (form["titre"].value(), form["mention"].value(), form["taxe"].value()) == ("CST_ETU", "ÉTUDIANT", "75")
    assert (form.initial["du"] - fin).days == 1
    assert (form.initial["au"] - form.initial["du"]).days in {364, 365}
    operations.verifier_accord(en_instruction, accord(du=form.initial["du"], au=form.initial["au"]))


def test_le_montant_propose_comprend_la_majoration(client_agent, en_instruction):
    Demande.objects.update(hors_delai=True)
    reponse = client_agent.get(url("dossier_decider", en_instruction))
    assert reponse.context["form"]["taxe"].value() == "255"
    assert "majoration" in reponse.content.decode()


def test_la_verification_montre_ce_qui_va_partir_et_n_ecrit_rien(client_agent, en_instruction):
    reponse = accorder(client_agent, en_instruction)

    page = reponse.content.decode()
    assert "Carte de séjour temporaire" in page and "Bonjour JULIE JOHN" in page and "SMS" in page
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION and not Decision.objects.exists()


def test_l_apercu_est_dans_la_langue_de_la_personne(client_agent, en_instruction):
    compte = en_instruction.usager.compte
    compte.langue = "en"
    compte.save()
    assert 'class="apercu__texte" lang="en"' in accorder(client_agent, en_instruction).content.decode()


def test_l_apercu_est_ce_qui_part(client_agent, en_instruction):
    from notifications.composition import composer

    apercu = next(a for a in accorder(client_agent, en_instruction).context["apercus"] if a.sujet)
    accorder(client_agent, en_instruction, action="confirmer")
    envoi = Envoi.objects.get(message="decision", canal="courriel")
    ecrit = composer(envoi.message, canal=envoi.canal, contexte=envoi.contexte, langue=envoi.langue)
    assert (apercu.adresse, apercu.sujet, apercu.texte) == (envoi.adresse, ecrit.sujet, ecrit.texte)


@pytest.mark.parametrize(
    ("changement", "dit"),
    [
        ({"mention": "SALARIÉ"}, "La mention a été changée"),
        ({"taxe": "12,50"}, "Le montant a été changé"),
        ({"du_2": "2020", "au_2": "2020"}, "La validité est déjà passée"),
    ],
)
def test_un_ecart_a_l_ordinaire_est_signale_sans_bloquer(client_agent, en_instruction, changement, dit):
    changement = {
        **changement,
        **({"du_0": "1", "du_1": "1", "au_0": "1", "au_1": "6"} if "du_2" in changement else {}),
    }
    assert dit in accorder(client_agent, en_instruction, **changement).content.decode()


def test_un_dossier_incomplet_est_signale(client_agent, en_instruction):
    Demande.objects.update(complete_au_depot=False)
    assert "incomplet au dépôt" in accorder(client_agent, en_instruction).content.decode()


def test_modifier_ramene_a_la_saisie(client_agent, en_instruction):
    reponse = accorder(client_agent, en_instruction, action="modifier", mention="MENTION TAPÉE")
    assert reponse.context["form"]["mention"].value() == "MENTION TAPÉE"


def test_accorder_montre_la_decision_et_ce_qui_est_parti(client_agent, en_instruction):
    reponse = accorder(client_agent, en_instruction, action="confirmer")

    assert Demande.objects.get().etat == Etat.FAVORABLE
    assert reponse.redirect_chain[0][0].startswith(url("dossier_decision", en_instruction))
    compte = en_instruction.usager.compte
    for dit in ("Décision favorable enregistrée", "attestation", compte.courriel, compte.telephone, "notification"):
        assert dit in messages_de(reponse)


def test_un_double_envoi_montre_la_meme_decision(client_agent, en_instruction):
    premiere = accorder(client_agent, en_instruction, action="confirmer")
    seconde = accorder(client_agent, en_instruction, action="confirmer")

    assert premiere.redirect_chain == seconde.redirect_chain
    assert messages_de(premiere) == messages_de(seconde)
    assert Decision.objects.count() == 1 and Document.objects.count() == 2


def test_deux_onglets_aux_saisies_differentes_sont_un_conflit(client_agent, en_instruction):
    accorder(client_agent, en_instruction, action="confirmer")
    reponse = accorder(client_agent, en_instruction, action="confirmer", taxe="12")

    page = reponse.content.decode()
    assert reponse.status_code == 409 and "Camille Lenoir a accordé le titre le" in page
    assert "Ce que vous aviez saisi" in page and "12\u00a0€" in page
    assert Decision.objects.get().taxe == 75


def test_un_conflit_sans_decision_rend_la_saisie_telle_quelle(client_agent, en_instruction):
    lue = en_instruction.version
    Demande.objects.update(version=lue + 1)  # une pièce ou un message est arrivé
    reponse = accorder(client_agent, en_instruction, action="confirmer", version=lue, mention="MENTION TAPÉE")

    page = reponse.content.decode()
    assert reponse.status_code == 409 and "Ce dossier a changé" in page
    assert 'value="MENTION TAPÉE"' in page and f'name="version" value="{lue + 1}"' in page
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("changement", "champ"),
    [
        ({"titre": ""}, "titre"),
        ({"titre": "UE_PERM"}, "titre"),
        ({"mention": ""}, "mention"),
        ({"mention": "学生"}, "mention"),
        ({"du_0": "31", "du_1": "2"}, "du"),
        ({"au_2": "2020"}, "au"),
        ({"au_2": "2060"}, "au"),
        ({"taxe": "abc"}, "taxe"),
        ({"taxe": "-5"}, "taxe"),
        ({"taxe": ""}, "taxe"),
    ],
)
@pytest.mark.parametrize("action", ["verifier", "confirmer", "modifier"])
def test_une_saisie_fausse_nomme_son_champ(client_agent, en_instruction, changement, champ, action):
    reponse = accorder(client_agent, en_instruction, action=action, **changement)

    assert reponse.status_code == 422
    assert champ in reponse.context["form"].errors
    assert "Il y a un problème" in reponse.content.decode()
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


@pytest.mark.parametrize("methode", ["get", "post", "confirmer"])
def test_accorder_un_dossier_a_prendre_est_refuse_d_une_phrase(client_agent, deposee, methode):
    if methode == "get":
        reponse = client_agent.get(url("dossier_decider", deposee), follow=True)
    else:
        action = "confirmer" if methode == "confirmer" else "verifier"
        reponse = accorder(client_agent, deposee, action=action)
    assert "Cet acte n'est pas possible" in messages_de(reponse)
    assert Demande.objects.get().etat == Etat.DEPOSEE


def test_un_nom_qui_ne_s_encode_pas_se_dit(client_agent, en_instruction):
    instantane = en_instruction.instantanes.get()
    instantane.contenu["etat_civil"]["nom_naissance"] = "山田"
    instantane.save()

    reponse = accorder(client_agent, en_instruction, action="confirmer")
    assert reponse.status_code == 422 and "山田" in reponse.content.decode()
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


# --- Refuser ---------------------------------------------------------------------------------------------------------
def refuser(client, demande, **changements):
    return client.post(url("dossier_refuser", demande), envoi_de_refus(demande, **changements), follow=True)


def test_la_page_du_refus_montre_ce_qui_va_partir(client_agent, en_instruction):
    page = client_agent.get(url("dossier_refuser", en_instruction)).content.decode()
    assert "Interne, non visible par l'usager" in page.replace("&#x27;", "'") and "Bonjour JULIE JOHN" in page


def test_refuser_joint_le_pdf_et_dit_ce_qui_est_parti(client_agent, en_instruction):
    reponse = refuser(client_agent, en_instruction)

    decision = Decision.objects.get()
    assert (Demande.objects.get().etat, decision.motif) == (Etat.DEFAVORABLE, "Études sans progression")
    assert decision.document.fichier.type_mime == "application/pdf"
    assert "Refus enregistré" in messages_de(reponse)
    assert "Motif (interne)" in reponse.content.decode()


def test_un_double_refus_n_en_fait_qu_un(client_agent, en_instruction):
    premiere, seconde = refuser(client_agent, en_instruction), refuser(client_agent, en_instruction)
    assert premiere.redirect_chain == seconde.redirect_chain
    assert Decision.objects.count() == 1


def test_un_second_refus_avec_un_autre_fichier_est_un_conflit(client_agent, en_instruction):
    refuser(client_agent, en_instruction)
    reponse = refuser(client_agent, en_instruction, fichier=pdf(couleur="black"), motif="Autre motif")
    assert reponse.status_code == 409
    assert "a refusé la demande le" in reponse.content.decode() and "Autre motif" in reponse.content.decode()


def test_un_conflit_garde_le_motif_et_dit_de_rechoisir_le_fichier(client_agent, en_instruction):
    lue = en_instruction.version
    Demande.objects.update(version=lue + 1)
    reponse = refuser(client_agent, en_instruction, version=lue)

    page = reponse.content.decode()
    assert reponse.status_code == 409
    assert "Études sans progression" in page and "le fichier est à choisir de nouveau" in page
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("changement", "champ", "dit"),
    [
        ({"motif": ""}, "motif", "Écrivez le motif"),
        ({"fichier": ""}, "fichier", "Choisissez le PDF"),
        ({"verifiee": ""}, "verifiee", "vérifié le document"),
        ({"fichier": "image"}, "fichier", "en est pas un"),
        ({"fichier": "tronque"}, "fichier", "abîmé"),
    ],
)
def test_un_refus_incomplet_nomme_ce_qui_manque(client_agent, en_instruction, changement, champ, dit):
    if changement.get("fichier") == "image":
        changement = {"fichier": photo("scan.pdf")}
    elif changement.get("fichier") == "tronque":
        coupe = pdf()
        coupe.file.truncate(200)
        changement = {"fichier": coupe}
    reponse = refuser(client_agent, en_instruction, **changement)

    assert reponse.status_code == 422
    assert dit in str(reponse.context["form"].errors[champ])
    assert "Choisissez de nouveau le fichier" in reponse.content.decode()
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION
    assert not Fichier.objects.filter(type_mime="application/pdf").exists()


@pytest.mark.parametrize("methode", ["get", "post"])
def test_refuser_un_dossier_a_prendre_est_refuse_d_une_phrase(client_agent, deposee, methode):
    if methode == "get":
        reponse = client_agent.get(url("dossier_refuser", deposee), follow=True)
    else:
        reponse = refuser(client_agent, deposee)
    assert "Cet acte n'est pas possible" in messages_de(reponse)
    assert Demande.objects.get().etat == Etat.DEPOSEE


@pytest.mark.parametrize("nom", ["dossier_decider", "dossier_refuser"])
def test_les_pages_des_actes_ont_un_cout_borne(client_agent, en_instruction, nom, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        client_agent.get(url(nom, en_instruction))
