"""Proposer, viser, renvoyer, signer : succès, chaque refus, double envoi, conflit, rien de perdu."""

import pytest
from django.urls import reverse

from demandes.etats import Etat
from demandes.models import Decision, Demande, Motif
from documents.models import Document, Fichier
from instruction import operations
from instruction.file_de_travail import ONGLETS
from instruction.permissions import dossiers_visibles
from instruction.presentation import gestes_possibles
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory, PaysFactory
from tests.instruction.conftest import accord, connecter, envoi_d_accord, envoi_de_refus, pdf, proposer, proposer_refus
from tests.situations import photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_valideur(client, valideur):
    return connecter(client, valideur.compte)


def url(nom, demande):
    return reverse(f"admin:{nom}", args=[demande.numero])


def messages_de(reponse) -> str:
    return " ".join(str(message) for message in reponse.context["messages"])


def envoyer(client, nom, demande, **champs):
    return client.post(url(nom, demande), {"version": str(demande.version), **champs}, follow=True)


# --- Proposer d'accorder ---------------------------------------------------------------------------------------------
def accorder(client, demande, **changements):
    return client.post(url("dossier_proposer", demande), envoi_d_accord(demande, **changements), follow=True)


def test_la_page_propose_titre_mention_dates_et_taxe(client_agent, en_instruction):
    form = client_agent.get(url("dossier_proposer", en_instruction)).context["form"]

    fin = en_instruction.titre_de_depart.fin
    assert (form["titre"].value(), form["mention"].value(), form["taxe"].value()) == ("CST_ETU", "ÉTUDIANT", "75")
    assert (form.initial["du"] - fin).days == 1
    assert (form.initial["au"] - form.initial["du"]).days in {364, 365}
    operations.verifier_accord(en_instruction, accord(du=form.initial["du"], au=form.initial["au"]))


def test_le_montant_propose_comprend_la_majoration(client_agent, en_instruction):
    Demande.objects.update(hors_delai=True)
    reponse = client_agent.get(url("dossier_proposer", en_instruction))
    assert reponse.context["form"]["taxe"].value() == "255"
    assert "majoration" in reponse.content.decode()


def test_proposer_n_envoie_rien_et_mene_a_la_proposition(client_agent, en_instruction, agent):
    reponse = accorder(client_agent, en_instruction)

    decision = Decision.objects.get()
    assert (Demande.objects.get().etat, decision.proposee_par, decision.signee_par) == (
        Etat.PROPOSITION, agent.compte, None,
    )  # fmt: skip
    assert reponse.redirect_chain[0][0].startswith(url("dossier_proposition", en_instruction))
    page = reponse.content.decode()
    assert "Carte de séjour temporaire" in page and "Études suivies" in page and "Camille Lenoir" in page
    assert "Signer" not in page
    assert not Notification.objects.filter(message="decision").exists() and Document.objects.count() == 1


def test_un_motif_coche_suffit_et_se_relit(client_agent, en_instruction, le):
    Motif.objects.create(nature="avis", code="avis.favorable.essai", du=le.date(), libelle="Conditions remplies")
    Motif.objects.create(nature="avis", code="avis.defavorable.essai", du=le.date(), libelle="Autre sens")
    page = client_agent.get(url("dossier_proposer", en_instruction)).content.decode()
    assert "Conditions remplies" in page and "Autre sens" not in page

    reponse = accorder(client_agent, en_instruction, avis="", motifs=["avis.favorable.essai"])
    assert Decision.objects.get().motifs == ["avis.favorable.essai"]
    assert "Conditions remplies" in reponse.content.decode()
    assert "avis.favorable.essai" in str(en_instruction.evenements.latest("pk").codes)


def test_une_double_proposition_n_en_fait_qu_une(client_agent, en_instruction):
    premiere, seconde = accorder(client_agent, en_instruction), accorder(client_agent, en_instruction)

    assert premiere.redirect_chain == seconde.redirect_chain
    assert messages_de(premiere) == messages_de(seconde)
    assert Decision.objects.count() == 1


def test_deux_onglets_aux_saisies_differentes_sont_un_conflit(client_agent, en_instruction):
    accorder(client_agent, en_instruction)
    reponse = accorder(client_agent, en_instruction, taxe="12")

    page = reponse.content.decode()
    assert reponse.status_code == 409 and "Camille Lenoir a proposé une décision le" in page
    assert "Ce que vous aviez saisi" in page and "12\u00a0€" in page and "Études suivies" in page
    assert Decision.objects.get().taxe == 75


def test_un_conflit_sans_proposition_rend_la_saisie_telle_quelle(client_agent, en_instruction):
    lue = en_instruction.version
    Demande.objects.update(version=lue + 1)  # une pièce ou un message est arrivé
    reponse = accorder(client_agent, en_instruction, version=lue, mention="MENTION TAPÉE")

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
        ({"avis": ""}, "avis"),
    ],
)
def test_une_saisie_fausse_nomme_son_champ(client_agent, en_instruction, changement, champ):
    reponse = accorder(client_agent, en_instruction, **changement)

    assert reponse.status_code == 422
    assert champ in reponse.context["form"].errors
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


def test_toutes_les_fautes_d_un_accord_se_disent_ensemble(client_agent, en_instruction):
    reponse = accorder(client_agent, en_instruction, avis="", au_2="2060")
    assert set(reponse.context["form"].errors) == {"avis", "au"}


def test_le_certificat_algerien_n_est_qu_aux_algeriens(client_agent, en_instruction, agent, le):
    page = reverse("admin:dossier_proposer", args=[en_instruction.numero])
    assert "algérien" not in client_agent.get(page).content.decode()
    with pytest.raises(operations.DecisionImpossible, match="nationalité"):
        proposer(en_instruction, agent=agent, le=le, titre="CRA_ETU")
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION

    en_instruction.usager.nationalite = PaysFactory(code="DZ", alpha3="DZA", nom="Algérie")
    en_instruction.usager.save()
    form = client_agent.get(page).context["form"]
    assert form.fields["titre"].choices[0][0] == "CRA_ETU"
    proposer(Demande.objects.get(), agent=agent, le=le, titre="CRA_ETU")
    assert Decision.objects.get().titre == "CRA_ETU"


@pytest.mark.parametrize("nom", ["dossier_proposer", "dossier_proposer_refus"])
@pytest.mark.parametrize("methode", ["get", "post"])
def test_proposer_sur_un_dossier_a_prendre_est_refuse_d_une_phrase(client_agent, deposee, methode, nom):
    envoi = envoi_d_accord(deposee) if nom == "dossier_proposer" else envoi_de_refus(deposee)
    if methode == "get":
        reponse = client_agent.get(url(nom, deposee), follow=True)
    else:
        reponse = client_agent.post(url(nom, deposee), envoi, follow=True)
    assert "Cet acte n'est pas possible" in messages_de(reponse)
    assert Demande.objects.get().etat == Etat.DEPOSEE


def test_un_nom_qui_ne_s_encode_pas_se_dit_a_qui_propose(client_agent, en_instruction):
    instantane = en_instruction.instantanes.get()
    instantane.contenu["etat_civil"]["nom_naissance"] = "山田"
    instantane.save()

    reponse = accorder(client_agent, en_instruction)
    assert reponse.status_code == 422 and "山田" in reponse.content.decode()
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION


# --- Proposer de refuser ---------------------------------------------------------------------------------------------
def refuser(client, demande, **changements):
    return client.post(url("dossier_proposer_refus", demande), envoi_de_refus(demande, **changements), follow=True)


def test_proposer_un_refus_garde_le_pdf_et_n_envoie_rien(client_agent, en_instruction):
    reponse = refuser(client_agent, en_instruction)

    decision = Decision.objects.get()
    assert (Demande.objects.get().etat, decision.avis) == (Etat.PROPOSITION, "Études sans progression")
    assert decision.fichier.type_mime == "application/pdf" and decision.document is None
    assert "Lire la décision de la préfecture" in reponse.content.decode()
    assert en_instruction.evenements.latest("pk").codes["voies_et_delais"] is True
    lu = client_agent.get(url("dossier_refus_propose", en_instruction))
    assert b"".join(lu.streaming_content).startswith(b"%PDF")


def test_une_double_proposition_de_refus_n_en_fait_qu_une(client_agent, en_instruction):
    premiere, seconde = refuser(client_agent, en_instruction), refuser(client_agent, en_instruction)
    assert premiere.redirect_chain == seconde.redirect_chain
    assert Decision.objects.count() == 1


def test_un_second_refus_avec_un_autre_fichier_est_un_conflit(client_agent, en_instruction):
    refuser(client_agent, en_instruction)
    reponse = refuser(client_agent, en_instruction, fichier=pdf(couleur="black"), avis="Autre avis")
    assert reponse.status_code == 409
    assert "a proposé une décision le" in reponse.content.decode() and "Autre avis" in reponse.content.decode()


def test_un_conflit_garde_l_avis_et_dit_de_rechoisir_le_fichier(client_agent, en_instruction):
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
        ({"avis": ""}, "avis", "Cochez un motif ou écrivez"),
        ({"fichier": ""}, "fichier", "Choisissez le PDF"),
        ({"verifiee": ""}, "verifiee", "vérifié le document"),
        ({"voies_et_delais": ""}, "voies_et_delais", "voies et délais"),
        ({"fichier": "image"}, "fichier", "en est pas un"),
        ({"fichier": "tronque"}, "fichier", "abîmé"),
        ({"fichier": "chiffre"}, "fichier", "mot de passe"),
    ],
)
def test_un_refus_incomplet_nomme_ce_qui_manque(client_agent, en_instruction, changement, champ, dit):
    if changement.get("fichier") == "image":
        changement = {"fichier": photo("scan.pdf")}
    elif changement.get("fichier") == "chiffre":
        changement = {"fichier": chiffre(pdf())}
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


def chiffre(fichier):
    """Le même PDF, fermé par un mot de passe."""
    import io

    import pikepdf

    sortie = io.BytesIO()
    with pikepdf.open(fichier) as ouvert:
        ouvert.save(sortie, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    fichier.file = io.BytesIO(sortie.getvalue())
    fichier.size = len(sortie.getvalue())
    return fichier


# --- La proposition --------------------------------------------------------------------------------------------------
def test_le_signataire_lit_la_proposition_et_ce_qui_partira(client_signataire, proposee):
    page = client_signataire.get(url("dossier_proposition", proposee)).content.decode()
    for dit in ("Carte de séjour temporaire", "Études suivies", "Bonjour JULIE JOHN", "SMS", "Signer et accorder"):
        assert dit in page
    assert ">Viser<" not in page


def test_l_apercu_est_dans_la_langue_de_la_personne(client_signataire, proposee):
    compte = proposee.usager.compte
    compte.langue = "en"
    compte.save()
    page = client_signataire.get(url("dossier_proposition", proposee)).content.decode()
    assert 'class="apercu__texte" lang="en"' in page


def test_l_apercu_est_ce_qui_part(client_signataire, proposee):
    from notifications.composition import composer

    page = client_signataire.get(url("dossier_proposition", proposee))
    lettre, apercu, _sms = page.context["apercus"]
    assert "a été acceptée" in lettre.lettre
    envoyer(client_signataire, "dossier_signer", proposee)
    envoi = Envoi.objects.get(message="decision", canal="courriel")
    ecrit = composer(envoi.message, canal=envoi.canal, contexte=envoi.contexte, langue=envoi.langue)
    assert (apercu.adresse, apercu.sujet, apercu.texte) == (envoi.adresse, ecrit.sujet, ecrit.texte)


@pytest.mark.parametrize(
    ("changement", "dit"),
    [
        ({"mention": "SALARIÉ"}, "La mention a été changée"),
        ({"taxe": "12.50"}, "Le montant n'est pas celui du barème"),
        ({"du": "2020-01-01", "au": "2020-06-01"}, "La validité est déjà passée"),
    ],
)
def test_un_ecart_a_l_ordinaire_est_signale_a_qui_signe(client_signataire, proposee, changement, dit):
    Decision.objects.update(**changement)
    page = client_signataire.get(url("dossier_proposition", proposee)).content.decode()
    assert dit in page.replace("&#x27;", "'")


def test_un_dossier_incomplet_est_signale_a_qui_signe(client_signataire, proposee):
    Demande.objects.update(complete_au_depot=False)
    assert "incomplet au dépôt" in client_signataire.get(url("dossier_proposition", proposee)).content.decode()


def test_sans_proposition_la_page_renvoie_au_dossier(client_agent, en_instruction):
    reponse = client_agent.get(url("dossier_proposition", en_instruction), follow=True)
    assert "Cet acte n'est pas possible" in messages_de(reponse)
    assert client_agent.get(url("dossier_refus_propose", en_instruction)).status_code == 404


def test_l_instructeur_qui_propose_ne_vise_ni_ne_signe(client_agent, proposee):
    page = client_agent.get(url("dossier_proposition", proposee)).content.decode()
    assert "Signer" not in page and ">Viser<" not in page and "Renvoyer" not in page
    for nom in ("dossier_viser", "dossier_signer"):
        assert "Cet acte n'est pas possible" in messages_de(envoyer(client_agent, nom, proposee))
    assert Demande.objects.get().etat == Etat.PROPOSITION


# --- Viser, renvoyer -------------------------------------------------------------------------------------------------
def test_viser_le_dit_et_se_relit(client_valideur, proposee):
    reponse = envoyer(client_valideur, "dossier_viser", proposee)

    assert "Proposition visée" in messages_de(reponse)
    assert "Noor Valideur" in reponse.content.decode() and ">Viser<" not in reponse.content.decode()
    assert "Proposition visée" in messages_de(envoyer(client_valideur, "dossier_viser", proposee))


def test_viser_apres_un_collegue_le_dit(client_valideur, proposee, le):
    collegue = AgentFactory(site=proposee.site, roles=["valideur"])
    operations.viser(proposee, agent=collegue, version=proposee.version, le=le)
    assert "Une autre personne a déjà visé" in messages_de(envoyer(client_valideur, "dossier_viser", proposee))


def test_renvoyer_demande_une_raison_et_se_refait_sans_dommage(client_valideur, proposee):
    vide = envoyer(client_valideur, "dossier_renvoyer", proposee, raison="")
    assert vide.status_code == 422 and "raison" in vide.context["form"].errors

    for _ in range(2):
        reponse = envoyer(client_valideur, "dossier_renvoyer", proposee, raison="Vérifiez le diplôme")
        assert "renvoyée en instruction" in messages_de(reponse)
    assert Demande.objects.get().etat == Etat.EN_INSTRUCTION
    assert proposee.notes.get().texte == "Vérifiez le diplôme"


def test_une_version_depassee_est_un_conflit_pour_chaque_acte(client, proposee, valideur, signataire):
    for qui, nom in ((valideur, "dossier_viser"), (valideur, "dossier_renvoyer"), (signataire, "dossier_signer")):
        connecter(client, qui.compte)
        reponse = client.post(url(nom, proposee), {"version": "1", "raison": "Ma raison"})
        assert reponse.status_code == 409, nom
        assert "Ce dossier a changé" in reponse.content.decode()
    assert Demande.objects.get().etat == Etat.PROPOSITION


# --- Signer ----------------------------------------------------------------------------------------------------------
def test_signer_accorde_et_dit_ce_qui_est_parti(client_signataire, proposee):
    reponse = envoyer(client_signataire, "dossier_signer", proposee)

    assert Demande.objects.get().etat == Etat.FAVORABLE
    assert reponse.redirect_chain[0][0].startswith(url("dossier_decision", proposee))
    compte = proposee.usager.compte
    for dit in ("JULIE JOHN", compte.courriel, compte.telephone, "notification"):
        assert dit in messages_de(reponse)


def test_une_double_signature_montre_la_meme_decision(client_signataire, proposee):
    premiere = envoyer(client_signataire, "dossier_signer", proposee)
    seconde = envoyer(client_signataire, "dossier_signer", proposee)

    assert premiere.redirect_chain == seconde.redirect_chain
    assert messages_de(premiere) == messages_de(seconde)
    assert Decision.objects.count() == 1 and Document.objects.count() == 2


def test_signer_un_refus_notifie_le_pdf(client_signataire, refus_propose):
    reponse = envoyer(client_signataire, "dossier_signer", refus_propose)

    decision = Decision.objects.get()
    assert Demande.objects.get().etat == Etat.DEFAVORABLE
    assert decision.document.fichier == decision.fichier
    assert "Avis (interne)" in reponse.content.decode()


def test_qui_propose_un_refus_ne_le_signe_pas_et_la_page_le_dit(client, en_instruction, le):
    seul = AgentFactory(site=en_instruction.site, roles=["instructeur", "signataire"])
    demande = proposer_refus(en_instruction, agent=seul, le=le)
    connecter(client, seul.compte)

    page = client.get(url("dossier_proposition", demande)).content.decode()
    assert "une autre personne doit le signer" in page and "Signer et refuser" not in page
    assert "une autre personne doit le signer" in messages_de(envoyer(client, "dossier_signer", demande))
    assert Demande.objects.get().etat == Etat.PROPOSITION


def test_un_nom_devenu_impossible_a_encoder_se_dit_a_qui_signe(client_signataire, proposee):
    instantane = proposee.instantanes.get()
    instantane.contenu["etat_civil"]["nom_naissance"] = "山田"
    instantane.save()
    assert "山田" in messages_de(envoyer(client_signataire, "dossier_signer", proposee))
    assert Demande.objects.get().etat == Etat.PROPOSITION


# --- Coût ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("nom", ["dossier_proposer", "dossier_proposer_refus"])
def test_les_pages_des_propositions_ont_un_cout_borne(client_agent, en_instruction, nom, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        client_agent.get(url(nom, en_instruction))


def test_lire_et_signer_ont_un_cout_borne(client_signataire, proposee, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        client_signataire.get(url("dossier_proposition", proposee))
    with django_assert_max_num_queries(40):
        client_signataire.post(url("dossier_signer", proposee), {"version": str(proposee.version)})


def test_une_proposition_renvoyee_puis_refaite_n_est_que_dans_un_onglet(proposee, agent, valideur, le):
    """La première garde son visa en base, sans signature : seule la dernière dit ce qui est attendu."""

    def onglets(demande):
        visibles = dossiers_visibles(valideur)
        return {code for code in ("a_valider", "a_signer") if demande in ONGLETS[code].dossiers(visibles, valideur)}

    operations.viser(proposee, agent=valideur, version=proposee.version, le=le)
    assert onglets(proposee) == {"a_signer"}
    renvoyee = operations.renvoyer(proposee, raison="À revoir", agent=valideur, version=proposee.version, le=le)
    assert onglets(renvoyee) == set()

    refaite = proposer(renvoyee, agent=agent, le=le)
    assert onglets(refaite) == {"a_valider"}
    assert "viser" in {geste.nom for geste in gestes_possibles(valideur, refaite)}
    operations.viser(refaite, agent=valideur, version=refaite.version, le=le)
    assert onglets(refaite) == {"a_signer"}
    assert "viser" not in {geste.nom for geste in gestes_possibles(valideur, refaite)}


def test_qui_ne_peut_pas_refuser_ne_fait_examiner_aucun_fichier(client, en_instruction):
    accueil = AgentFactory(site=en_instruction.site, roles=["accueil", "valideur"])
    fichiers = Fichier.objects.count()
    envoyer(
        connecter(client, accueil.compte), "dossier_proposer_refus", en_instruction, **envoi_de_refus(en_instruction)
    )
    assert Fichier.objects.count() == fichiers
