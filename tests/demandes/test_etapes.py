"""Les pages des étapes : les trois boutons, les erreurs, les lignes, l'adresse, le brouillon, les conflits, l'accès."""

import gzip
import html
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.urls import reverse

from demandes import operations
from demandes.models import Saisie
from demandes.parcours import Parcours
from demandes.views.adresses import DEMANDES_PAR_MINUTE
from tests.demandes.reponses import INFORMATIONS, MOTIF, RESSOURCES, envoi
from tests.factories import AgentFactory, TitreSejourFactory
from tests.situations import remplir
from usagers.models import AdresseLocale

IDENTIFIANT = "usagers.backends.IdentifiantBackend"
RACINE = Path(__file__).resolve().parents[2]


@pytest.fixture
def connecte(client, brouillon):
    client.force_login(brouillon.usager.compte, backend=IDENTIFIANT)
    return client


def adresse(demande, code="informations", nom="etape"):
    return reverse(f"demandes:{nom}", args=[demande.pk, code])


def texte(reponse) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", reponse.content.decode())))


def poster(client, demande, code, brut, action, version=0, **changements):
    donnees = envoi(brut, **changements).copy()
    return client.post(adresse(demande, code), {**dict(donnees.lists()), "action": action, "version": version})


# --- La page ---------------------------------------------------------------------------------------------------------
def test_l_etape_1_montre_l_etat_civil_et_ne_le_demande_pas(connecte, brouillon, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        reponse = connecte.get(adresse(brouillon))

    page = texte(reponse)
    for attendu in (
        "Je demande un titre de séjour pour étudier", "Étape 1 sur 6", "Étape suivante : Motif de séjour",
        "Je vérifie et complète mes informations personnelles.", "Les champs marqués d'un * sont obligatoires.",
        "État civil", "JOHN", "JULIE", "Féminin", "07/02/1993", "Mali", "BAMAKO", "Malienne", "Situation familiale *",
        "Liens personnels et familiaux en France", "Adresse", "Informations de contact",
        brouillon.usager.compte.courriel, "Revenir à l'étape précédente", "Quitter et revenir plus tard",
        "Enregistrer et poursuivre",
    ):  # fmt: skip
        assert attendu in page, attendu
    contenu = reponse.content.decode()
    titre = html.unescape(re.search(r"<title>(.*?)</title>", contenu, re.S)[1])
    assert titre.startswith("Informations personnelles – Étape 1 sur 6 – Je demande un titre de séjour pour étudier – ")
    assert 'name="nom_naissance"' not in contenu
    assert 'name="telephone" value="06 01 02 03 04"' in contenu
    assert reponse["Cache-Control"].count("no-store") == 1


@pytest.mark.parametrize(
    ("code", "brut"), [("informations", INFORMATIONS), ("motif", MOTIF), ("ressources", RESSOURCES)]
)
def test_chaque_etape_tient_son_budget_de_requetes(connecte, brouillon, code, brut, django_assert_max_num_queries):
    remplir(brouillon, jusqu_a="justificatifs")
    version = Saisie.objects.get(etape=code).version

    with django_assert_max_num_queries(15):
        assert connecte.get(adresse(brouillon, code)).status_code == 200
    for action in ("poursuivre", "revenir", "quitter"):
        with django_assert_max_num_queries(25):
            assert poster(connecte, brouillon, code, brut, action, version).status_code == 302


def test_enregistrer_et_poursuivre_mene_a_l_etape_suivante(connecte, brouillon, le):
    reponse = poster(connecte, brouillon, "informations", INFORMATIONS, "poursuivre")

    assert reponse["Location"] == adresse(brouillon, "motif")
    assert Parcours(brouillon, le=le).courante.code == "motif"


def test_une_erreur_garde_la_saisie_et_dit_ou_elle_est(connecte, brouillon, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        reponse = poster(
            connecte, brouillon, "informations", INFORMATIONS, "poursuivre", adresse_code_postal="7502", en_couple=None
        )

    assert reponse.status_code == 422
    contenu = reponse.content.decode()
    assert contenu.index("Il y a un problème") < contenu.index("<h1")
    assert '<a href="#id_adresse_code_postal">' in contenu
    assert '<a href="#id_en_couple_0">' in contenu
    assert "<title>Erreur" in contenu
    assert 'value="7502"' in contenu
    saisie = Saisie.objects.get()
    assert saisie.brouillon["adresse_code_postal"] == ["7502"] and saisie.reponses is None
    assert f'name="version" value="{saisie.version}"' in contenu


@pytest.mark.parametrize(
    ("action", "nom"), [("revenir", "preambule"), ("quitter", "espace")], ids=["revenir", "quitter"]
)
def test_revenir_et_quitter_gardent_une_saisie_partielle_et_fausse(connecte, brouillon, action, nom):
    reponse = poster(connecte, brouillon, "informations", {"adresse_code_postal": ["7"], "telephone": ["?"]}, action)

    assert reponse["Location"] == reverse(f"demandes:{nom}", args=["etudiant"] if nom == "preambule" else [])
    assert 'value="7"' in connecte.get(adresse(brouillon)).content.decode()


def test_revenir_de_l_etape_2_mene_a_l_etape_1(connecte, brouillon):
    remplir(brouillon, jusqu_a="motif")

    assert poster(connecte, brouillon, "motif", {}, "revenir")["Location"] == adresse(brouillon, "informations")


def test_quitter_dit_que_la_saisie_est_gardee(connecte, brouillon):
    donnees = {"action": "quitter", "version": 0, "nom_usage": "DOE"}

    assert "Votre saisie est gardée" in texte(connecte.post(adresse(brouillon), donnees, follow=True))


def test_une_modification_d_une_etape_validee_s_annonce_et_s_abandonne(connecte, brouillon):
    remplir(brouillon, jusqu_a="motif")
    assert "une modification que vous n'avez pas encore enregistrée" not in texte(connecte.get(adresse(brouillon)))
    poster(connecte, brouillon, "informations", INFORMATIONS, "quitter", 1, adresse_voie="rue de Bagnolet")
    assert "une modification que vous n'avez pas encore enregistrée" in texte(connecte.get(adresse(brouillon)))

    reponse = poster(connecte, brouillon, "informations", INFORMATIONS, "abandonner", 2)

    assert reponse["Location"] == adresse(brouillon)
    page = connecte.get(adresse(brouillon))
    assert 'value="rue des Pyrénées"' in page.content.decode()
    assert "une modification que vous n'avez pas encore enregistrée" not in texte(page)


def test_un_avertissement_non_bloquant_se_lit_apres_l_enregistrement_et_sur_l_etape(connecte, brouillon):
    remplir(brouillon, jusqu_a="motif")
    donnees = {**dict(envoi(MOTIF, courante_niveau="l1").lists()), "action": "poursuivre", "version": 0}

    suite = connecte.post(adresse(brouillon, "motif"), donnees, follow=True)

    assert suite.request["PATH_INFO"] == adresse(brouillon, "ressources")
    for page in (texte(suite), texte(connecte.get(adresse(brouillon, "motif")))):
        assert "« L1 » n'est pas d'ordinaire du cycle « Master »" in page


def test_sans_javascript_un_champ_conditionnel_dit_quand_il_sert(connecte, brouillon):
    page = texte(connecte.get(adresse(brouillon)))

    assert "Si oui, précisez : Nationalité du conjoint *" in page


# --- Lignes et ressources --------------------------------------------------------------------------------------------
@pytest.fixture
def aux_ressources(connecte, brouillon):
    remplir(brouillon, jusqu_a="ressources")
    return connecte


def test_ajouter_et_supprimer_une_ressource_passent_par_le_serveur(aux_ressources, brouillon):
    ajout = poster(aux_ressources, brouillon, "ressources", RESSOURCES, "ajouter:ressources")
    assert ajout["Location"].endswith("#ligne-ressources-2")
    page = aux_ressources.get(adresse(brouillon, "ressources"))
    assert "Ressource 3" in texte(page)

    brut = Saisie.objects.get(etape="ressources").brouillon
    retrait = poster(aux_ressources, brouillon, "ressources", brut, "supprimer:ressources:0", 1)
    assert retrait["Location"].endswith("#bloc-ressources")
    page = aux_ressources.get(adresse(brouillon, "ressources"))
    assert "Ressource 2" in texte(page) and "Ressource 3" not in texte(page)
    assert "225,50 €/mois" in re.sub(r"\s+", " ", texte(page)).replace("€ /mois", "€/mois")


def test_ajouter_un_enfant_repond_oui_a_la_question(connecte, brouillon):
    poster(connecte, brouillon, "informations", {"enfants-TOTAL_FORMS": ["1"]}, "ajouter:enfants")

    brut = Saisie.objects.get().brouillon
    assert (brut["enfants_en_france"], brut["enfants-TOTAL_FORMS"]) == (["oui"], ["2"])


@pytest.mark.parametrize(
    "action", ["ajouter:inconnu", "supprimer:inconnu:0", "supprimer:ressources:x", "supprimer:ressources:99", "zut", ""]
)
def test_un_geste_inconnu_garde_la_saisie_et_reste_sur_l_etape(aux_ressources, brouillon, action):
    reponse = poster(aux_ressources, brouillon, "ressources", RESSOURCES, action)

    assert reponse["Location"].startswith(adresse(brouillon, "ressources"))
    assert Saisie.objects.get(etape="ressources").brouillon["ressources-0-montant"] == ["400"]


def test_une_ligne_fausse_est_nommee_dans_le_resume(aux_ressources, brouillon):
    reponse = poster(
        aux_ressources, brouillon, "ressources", RESSOURCES, "poursuivre", **{"ressources-1-montant": "beaucoup"}
    )

    assert reponse.status_code == 422
    assert '<a href="#id_ressources-1-montant">' in reponse.content.decode()
    assert "Ressource 2 – Saisissez un montant en chiffres" in texte(reponse)


def test_sous_le_seuil_une_page_previent_avant_de_poursuivre(aux_ressources, brouillon, le):
    changements = {"ressources-1-montant": "125", "explication": "Je n'ai aucun frais de logement"}

    page = poster(aux_ressources, brouillon, "ressources", RESSOURCES, "poursuivre", **changements)

    assert page.status_code == 200
    assert "L'instruction de votre demande est susceptible d'en tenir compte." in texte(page)
    assert "Revenir à l'étape des ressources" in texte(page)
    assert Saisie.objects.get(etape="ressources").reponses is None
    contenu = page.content.decode()
    caches = {
        html.unescape(nom): html.unescape(valeur)
        for nom, valeur in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', contenu)
    }

    suite = aux_ressources.post(adresse(brouillon, "ressources"), caches | {"action": "poursuivre"})

    assert suite["Location"] == adresse(brouillon, "justificatifs")
    assert Parcours(brouillon, le=le).valeurs("ressources")["explication"] == "Je n'ai aucun frais de logement"


# --- Adresse ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def pyrenees(db):
    for numero, code_postal, commune, insee in (
        ("18", "75020", "Paris", "75120"),
        ("18", "31400", "Toulouse", "31555"),
    ):
        AdresseLocale.objects.create(
            cle=f"{insee}_7391_00018", numero=numero, voie="Rue des Pyrénées", code_postal=code_postal, insee=insee,
            commune=commune, recherche=f"{numero} rue des pyrenees {code_postal} {commune.lower()}",
        )  # fmt: skip


@pytest.fixture
def sans_compte_a_rebours():
    cache.clear()


def test_les_suggestions_remplissent_les_champs_et_verifient_l_adresse(connecte, brouillon, pyrenees, le):
    reponse = connecte.get(reverse("demandes:adresses"), {"q": "18 rue des pyrenees paris"})

    (premiere, *_autres) = reponse.json()["adresses"]
    assert premiere["libelle"] == "18 Rue des Pyrénées 75020 Paris"
    poster(connecte, brouillon, "informations", INFORMATIONS, "poursuivre", **premiere["champs"])
    assert Parcours(brouillon, le=le).valeurs("informations")["adresse_cle"] == "75120_7391_00018"


def test_sans_javascript_la_recherche_liste_les_adresses_et_un_bouton_la_choisit(connecte, brouillon, pyrenees):
    reponse = poster(
        connecte, brouillon, "informations", INFORMATIONS, "chercher-adresse", adresse="18 rue des pyrénées",
        adresse_numero="", adresse_voie="",
    )  # fmt: skip
    page = connecte.get(reponse["Location"])
    assert "Choisissez votre adresse" in texte(page)
    boutons = {
        libelle: valeur
        for valeur, libelle in re.findall(r'value="(adresse:[^"]+)">([^<]+)</button>', page.content.decode())
    }
    assert set(boutons) == {"18 Rue des Pyrénées 75020 Paris", "18 Rue des Pyrénées 31400 Toulouse"}

    saisie = Saisie.objects.get()
    choix = boutons["18 Rue des Pyrénées 31400 Toulouse"]
    poster(connecte, brouillon, "informations", saisie.brouillon, choix, saisie.version)

    brut = Saisie.objects.get().brouillon
    assert [brut[f"adresse_{nom}"] for nom in ("numero", "code_postal", "commune", "insee")] == [
        ["18"], ["31400"], ["Toulouse"], ["31555"],
    ]  # fmt: skip


def test_un_bouton_d_adresse_contrefait_ne_remplit_rien(connecte, brouillon):
    poster(connecte, brouillon, "informations", INFORMATIONS, "adresse:eyJhIjoxfQ:faux")

    assert Saisie.objects.get().brouillon["adresse_voie"] == ["rue des Pyrénées"]


def test_sans_resultat_la_saisie_reste_libre(connecte, brouillon):
    assert connecte.get(reverse("demandes:adresses"), {"q": "rien de tel"}).json()["adresses"] == []
    poster(connecte, brouillon, "informations", INFORMATIONS, "chercher-adresse", adresse="rien de tel")

    assert "Aucune adresse trouvée" in texte(connecte.get(adresse(brouillon) + "?adresses=1"))


def test_les_suggestions_sont_freinees_et_reservees_aux_usagers(client, brouillon, sans_compte_a_rebours):
    suggestions = reverse("demandes:adresses")
    assert client.get(suggestions, {"q": "18 rue"}).status_code == 401
    client.force_login(brouillon.usager.compte, backend=IDENTIFIANT)
    codes = [client.get(suggestions, {"q": "ab"}).status_code for _fois in range(2 * DEMANDES_PAR_MINUTE + 1)]
    assert codes[0] == 200 and 429 in codes


def test_sans_cache_les_suggestions_repondent(connecte, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nulle/part/redis.sock",
        }
    }

    assert connecte.get(reverse("demandes:adresses"), {"q": "18 rue"}).status_code == 200


# --- Enregistrement pendant la saisie --------------------------------------------------------------------------------
def test_la_saisie_s_enregistre_seule_et_rend_sa_version(connecte, brouillon, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        reponse = connecte.post(
            adresse(brouillon, nom="etape_brouillon"), {"version": 0, "adresse_voie": "rue des Py", "inconnu": "x"}
        )

    assert reponse.json()["version"] == 1
    assert re.fullmatch(r"\d\d\u00a0h\u00a0\d\d", reponse.json()["heure"])
    assert Saisie.objects.get().brouillon == {"adresse_voie": ["rue des Py"]}


def test_l_enregistrement_rend_le_total_des_ressources(aux_ressources, brouillon):
    reponse = aux_ressources.post(
        adresse(brouillon, "ressources", "etape_brouillon"), {**dict(envoi(RESSOURCES).lists()), "version": 0}
    )

    assert reponse.json()["calculs"] == {"total": "625,50\u00a0€", "sous_le_seuil": False}


def test_l_enregistrement_dit_pourquoi_il_est_refuse(client, brouillon, le):
    url = adresse(brouillon, nom="etape_brouillon")
    assert client.post(url, {"version": 0}).status_code == 401
    client.force_login(TitreSejourFactory().usager.compte, backend=IDENTIFIANT)
    assert client.post(url, {"version": 0}).status_code == 404
    client.force_login(brouillon.usager.compte, backend=IDENTIFIANT)
    assert client.get(url).status_code == 405
    assert client.post(adresse(brouillon, "cuisine", "etape_brouillon"), {"version": 0}).status_code == 404
    assert client.post(adresse(brouillon, "ressources", "etape_brouillon"), {"version": 0}).status_code == 404
    assert client.post(adresse(brouillon, "justificatifs", "etape_brouillon"), {"version": 0}).status_code == 404
    assert client.post(url, {"version": 0, "nom_usage": "UN"}).status_code == 200
    assert client.post(url, {"version": 0, "nom_usage": "DEUX"}).status_code == 409
    assert client.post(url, {"nom_usage": "TROIS"}).status_code == 409
    assert client.post(url, {"version": 1, "adresse_voie": "x" * 70_000}).status_code == 413
    operations.retirer(brouillon, par=brouillon.usager.compte, le=le)
    assert client.post(url, {"version": 1, "nom_usage": "UN"}).status_code == 410


def test_une_saisie_trop_longue_se_dit_sans_perdre_la_page(connecte, brouillon):
    reponse = poster(connecte, brouillon, "informations", INFORMATIONS, "quitter", adresse_voie="x" * 70_000)

    assert reponse.status_code == 422
    assert "trop long" in texte(reponse)


# --- Deux onglets ----------------------------------------------------------------------------------------------------
def test_deux_onglets_ne_s_ecrasent_pas_en_silence(connecte, brouillon, le):
    poster(connecte, brouillon, "informations", INFORMATIONS, "quitter", adresse_voie="rue de Bagnolet")

    page = poster(connecte, brouillon, "informations", INFORMATIONS, "poursuivre", en_couple="oui")

    assert page.status_code == 409
    contenu = texte(page)
    assert "Deux versions de cette étape" in contenu
    assert "Nom de la voie rue des Pyrénées rue de Bagnolet" in contenu
    assert "Êtes-vous marié(e), pacsé(e) ou en concubinage ? Oui Non" in contenu
    assert "Commune" not in contenu.split("Ce qui diffère")[1].split("Garder")[0]
    assert Saisie.objects.get().brouillon["adresse_voie"] == ["rue de Bagnolet"]


def test_garder_ce_que_je_viens_de_saisir_reprend_le_geste_demande(connecte, brouillon, le):
    poster(connecte, brouillon, "informations", INFORMATIONS, "quitter", adresse_voie="rue de Bagnolet")
    page = poster(connecte, brouillon, "informations", INFORMATIONS, "poursuivre").content.decode()
    caches = {
        html.unescape(nom): html.unescape(valeur)
        for nom, valeur in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    }
    assert 'name="action" value="poursuivre"' in page

    reponse = connecte.post(adresse(brouillon), caches | {"action": "poursuivre"})

    assert reponse["Location"] == adresse(brouillon, "motif")
    assert Parcours(brouillon, le=le).valeurs("informations")["adresse_voie"] == "rue des Pyrénées"


def test_garder_l_autre_version_la_remontre(connecte, brouillon):
    poster(connecte, brouillon, "informations", INFORMATIONS, "quitter", adresse_voie="rue de Bagnolet")
    page = poster(connecte, brouillon, "informations", INFORMATIONS, "poursuivre")

    assert f'href="{adresse(brouillon)}">Garder' in page.content.decode()
    assert 'value="rue de Bagnolet"' in connecte.get(adresse(brouillon)).content.decode()


# --- Session fermée --------------------------------------------------------------------------------------------------
def test_un_envoi_apres_la_fermeture_de_la_session_attend_la_connexion(client, brouillon, le):
    reponse = poster(client, brouillon, "informations", INFORMATIONS, "poursuivre", nom_usage="TARDIF")
    assert reponse["Location"].startswith(reverse("usagers:connexion"))
    assert not Saisie.objects.exists()

    client.post(
        reponse["Location"],
        {"username": brouillon.usager.compte.identifiant, "password": "Sept mots pour une phrase de passe"},
    )
    page = client.get(adresse(brouillon), follow=True)

    assert "Votre session s'était fermée : ce que vous veniez de saisir a été gardé." in texte(page)
    assert Saisie.objects.get().brouillon["nom_usage"] == ["TARDIF"]
    assert "Votre session s'était fermée" not in texte(client.get(adresse(brouillon)))


def test_ce_qui_attendait_se_compare_a_ce_qui_a_change_entre_temps(client, brouillon, le):
    poster(client, brouillon, "informations", INFORMATIONS, "poursuivre", nom_usage="TARDIF")
    en_attente = dict(client.session)
    client.force_login(brouillon.usager.compte, backend=IDENTIFIANT)
    session = client.session
    session.update({cle: valeur for cle, valeur in en_attente.items() if not cle.startswith("_auth")})
    session.save()
    poster(client, brouillon, "motif", {}, "rester")
    connexion = client.post(adresse(brouillon), {"version": 0, "action": "rester", "nom_usage": "AILLEURS"})
    assert connexion.status_code == 302

    page = client.get(adresse(brouillon))

    assert page.status_code == 409
    assert "TARDIF AILLEURS" in texte(page)


def test_ce_qui_attendait_ne_passe_pas_a_une_autre_personne(client, brouillon, droit):
    poster(client, brouillon, "informations", INFORMATIONS, "poursuivre", nom_usage="TARDIF")
    autre = TitreSejourFactory().usager
    client.post(
        reverse("usagers:connexion"),
        {"username": autre.compte.identifiant, "password": "Sept mots pour une phrase de passe"},
    )

    assert client.get(adresse(brouillon)).status_code == 404
    assert not Saisie.objects.exists()


# --- Accès -----------------------------------------------------------------------------------------------------------
def test_une_etape_trop_lointaine_mene_a_l_etape_en_cours_avec_une_phrase(connecte, brouillon):
    reponse = connecte.get(adresse(brouillon, "ressources"), follow=True)

    assert reponse.request["PATH_INFO"] == adresse(brouillon, "informations")
    assert "Terminez d'abord l'étape « Informations personnelles »" in texte(reponse)


def test_une_etape_inconnue_n_existe_pas(connecte, brouillon):
    assert connecte.get(adresse(brouillon, "cuisine")).status_code == 404


def test_le_brouillon_d_autrui_n_existe_pas(client, brouillon, droit):
    client.force_login(TitreSejourFactory().usager.compte, backend=IDENTIFIANT)

    assert client.get(adresse(brouillon)).status_code == 404
    assert poster(client, brouillon, "informations", INFORMATIONS, "quitter").status_code == 404
    assert not Saisie.objects.exists()


def test_un_agent_ne_saisit_pas_a_la_place_de_l_usager(client, brouillon):
    client.force_login(AgentFactory().compte, backend=IDENTIFIANT)

    assert client.get(adresse(brouillon)).status_code == 404


def test_une_demande_deposee_mene_a_son_suivi(client, brouillon_relu, le):
    client.force_login(brouillon_relu.usager.compte, backend=IDENTIFIANT)
    demande = operations.deposer(brouillon_relu, par=brouillon_relu.usager.compte, le=le)
    suivi = reverse("demandes:suivi", args=[demande.numero])

    assert client.get(adresse(demande))["Location"] == suivi
    assert poster(client, demande, "informations", INFORMATIONS, "poursuivre")["Location"] == suivi


def test_une_demande_retiree_mene_a_l_espace(connecte, brouillon, le):
    operations.retirer(brouillon, par=brouillon.usager.compte, le=le)

    assert connecte.get(adresse(brouillon))["Location"] == reverse("demandes:espace")


def test_reprendre_mene_a_l_etape_en_cours(connecte, brouillon):
    remplir(brouillon, jusqu_a="ressources")

    reponse = connecte.get(reverse("demandes:reprendre", args=[brouillon.pk]))

    assert reponse["Location"] == adresse(brouillon, "ressources")


# --- Poids -----------------------------------------------------------------------------------------------------------
def test_une_page_d_etape_pese_moins_de_150_ko(connecte, brouillon):
    """Feuilles de style et scripts, comprimés, modules importés et feuilles importées compris."""
    contenu = connecte.get(adresse(brouillon)).content.decode()
    noms = set(re.findall(r'(?:src|href)="/static/([^"]+\.(?:js|css))"', contenu))
    assert {"js/brouillon.js", "js/adresse.js", "js/conditions.js", "js/lignes.js", "css/anef.css"} <= noms
    tailles = {nom: len(gzip.compress(Path(finders.find(nom)).read_bytes(), 6)) for nom in noms}

    assert sum(tailles.values()) <= 150_000, tailles
