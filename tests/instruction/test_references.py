"""Les données de référence : lues par tout agent, changées par l'administrateur fonctionnel, jamais supprimées."""

import datetime as dt
import html
import threading

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from demandes.models import Bareme, Changement, Motif, PieceReference, Site
from instruction.operations.complement import motifs_de_complement
from instruction.references import fautes_de_valeurs
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
MODELES = [
    "demandes_bareme", "demandes_coordonneessite", "demandes_motif", "demandes_piecereference", "demandes_site",
]  # fmt: skip
AUJOURDHUI = timezone.localdate()
HIER, DEMAIN = AUJOURDHUI - dt.timedelta(days=1), AUJOURDHUI + dt.timedelta(days=1)


@pytest.fixture
def references():
    call_command("charger_droit", verbosity=0)


@pytest.fixture
def instructeur(client):
    agent = AgentFactory()
    connecter(client, agent.compte)
    return agent


@pytest.fixture
def administrateur(client):
    agent = AgentFactory(roles=["admin_fonctionnel"], nom="Alix Fontaine")
    connecter(client, agent.compte)
    return agent


@pytest.mark.parametrize("modele", MODELES)
def test_un_instructeur_les_lit_sans_les_changer(client, references, instructeur, modele):
    assert client.get(reverse(f"admin:{modele}_changelist")).status_code == 200
    assert client.get(reverse(f"admin:{modele}_add")).status_code == 403


def test_un_instructeur_lit_un_bareme_sans_le_changer(client, references, instructeur):
    fiche = reverse("admin:demandes_bareme_change", args=[Bareme.objects.first().pk])
    assert client.get(fiche).status_code == 200
    assert client.post(fiche, {"code": "x"}).status_code == 403


def test_un_instructeur_ne_voit_pas_les_droits(client, instructeur):
    assert client.get(reverse("admin:instruction_agent_changelist")).status_code == 403
    assert "Agents" not in client.get(reverse("admin:references")).content.decode()


@pytest.mark.parametrize("modele", [*MODELES, "instruction_agent"])
def test_l_administrateur_fonctionnel_les_ouvre_toutes(client, references, administrateur, modele):
    assert client.get(reverse(f"admin:{modele}_changelist")).status_code == 200


@pytest.mark.parametrize("filtre", ["oui", "non", "bientot", "finie", ""])
def test_les_baremes_se_filtrent_par_leur_effet(client, references, administrateur, filtre):
    reponse = client.get(reverse("admin:demandes_bareme_changelist"), {"en_vigueur": filtre} if filtre else {})
    trouves = reponse.context["cl"].queryset
    attendus = {
        "oui": Bareme.objects.filter(du__lte=dt.date.today(), au__isnull=True),
        "non": Bareme.objects.filter(du__isnull=True),
        "bientot": Bareme.objects.none(),
        "finie": Bareme.objects.none(),
        "": Bareme.objects.all(),
    }[filtre]
    assert set(trouves) == set(attendus)


@pytest.mark.parametrize("modele", [*MODELES, "instruction_agent"])
def test_rien_ne_se_supprime(client, references, administrateur, modele):
    (classe,) = [c for c in admin.site._registry if f"{c._meta.app_label}_{c._meta.model_name}" == modele]
    objet = classe.objects.first()
    assert client.post(reverse(f"admin:{modele}_delete", args=[objet.pk]), {"post": "yes"}).status_code == 403


def test_le_code_d_un_site_ne_change_pas(client, administrateur):
    page = client.get(reverse("admin:demandes_site_change", args=["7502"])).content.decode()
    assert 'name="libelle"' in page and 'name="code"' not in page
    assert 'name="code"' in client.get(reverse("admin:demandes_site_add")).content.decode()


def test_l_administrateur_change_les_droits_d_un_autre_mais_pas_les_siens(client, administrateur):
    autre = AgentFactory(nom="Camille Lenoir")
    donnees = {"nom": "Camille Lenoir", "site": "7502", "roles": ["instructeur", "remise"], "actif": "on"}
    assert client.post(reverse("admin:instruction_agent_change", args=[autre.pk]), donnees).status_code == 302
    autre.refresh_from_db()
    assert autre.roles == ["instructeur", "remise"]

    siens = reverse("admin:instruction_agent_change", args=[administrateur.pk])
    assert client.post(siens, donnees).status_code == 403
    assert client.get(reverse("admin:instruction_agent_add")).status_code == 403
    dit = LogEntry.objects.latest("pk").get_change_message()
    assert "rôles" in dit and "→ instructeur, remise" in dit.lower()

    url = reverse("admin:instruction_agent_change", args=[autre.pk])
    refus = client.post(url, {**donnees, "roles": []})
    assert refus.status_code == 200 and "Cochez au moins un rôle" in refus.content.decode()
    assert client.post(url, {"nom": "Camille Lenoir", "site": "7502"}).status_code == 302  # partie


def test_les_pages_de_reference_portent_l_en_tete_des_agents(client, instructeur):
    page = client.get(reverse("admin:references")).content.decode()
    assert "Espace des agents" in page and reverse("admin:dossiers") in page and "style=" not in page


# --- Une ligne qui a pris effet --------------------------------------------------------------------------------------
def changer(client, ligne, **donnees):
    return client.post(reverse(f"admin:demandes_{ligne._meta.model_name}_change", args=[ligne.pk]), donnees)


def erreurs(reponse) -> str:
    return html.unescape(" ".join(str(erreur) for erreur in reponse.context["errors"]))


def sans_insecable(texte: str) -> str:
    return texte.replace("\u00a0", " ")


def test_une_ligne_en_vigueur_garde_ses_valeurs_et_le_dit(client, references, administrateur):
    bareme = Bareme.objects.get(code="etudiant.seuil_ressources")
    page = client.get(reverse("admin:demandes_bareme_change", args=[bareme.pk])).content.decode()
    assert "ses valeurs ne se réécrivent plus" in page and "Remplacer à partir du" in page
    assert "montant 615.00" in page and 'name="valeur_montant"' not in page

    donnees = {"au": "", "source": "Guide, corrigé", "valeur_montant": "1", "valeurs": "{}", "du": "2000-01-01"}
    assert changer(client, bareme, **donnees).status_code == 302
    bareme.refresh_from_db()
    assert (bareme.valeurs, bareme.source, bareme.du) == ({"montant": "615.00"}, "Guide, corrigé", dt.date(2020, 9, 1))


@pytest.mark.parametrize(
    ("au", "dit"),
    [(HIER, "aujourd'hui au plus tôt"), (dt.date(2019, 1, 1), "précède la date d'effet"), (AUJOURDHUI, "")],
)
def test_la_fin_d_une_ligne_en_vigueur_n_est_pas_passee(client, references, administrateur, au, dit):
    motif = Motif.objects.get(code="cloture.doublon")
    reponse = changer(client, motif, au=au.isoformat(), ordre=30, libelle="Doublon", source="Essai")
    motif.refresh_from_db()
    if dit:
        assert dit in erreurs(reponse) and motif.au is None
    else:
        assert reponse.status_code == 302 and motif.au == au


def test_une_ligne_finie_ne_se_rouvre_pas(client, references, administrateur):
    motif = Motif.objects.get(code="cloture.doublon")
    Motif.objects.filter(pk=motif.pk).update(au=HIER)
    changer(client, motif, au="", ordre=30, libelle="Doublon corrigé", source="Essai")
    motif.refresh_from_db()
    assert (motif.au, motif.libelle) == (HIER, "Doublon corrigé")


def test_un_libelle_se_corrige_et_les_agents_le_lisent_aussitot(client, references, administrateur):
    motif = Motif.objects.get(code="complement.illisible")
    assert changer(client, motif, au="", ordre=1, libelle="Pas lisible", source="x").status_code == 302
    assert motifs_de_complement(AUJOURDHUI)[0].libelle == "Pas lisible"
    assert changer(client, motif, au=AUJOURDHUI.isoformat(), ordre=1, libelle="Pas lisible").status_code == 302
    assert motif not in motifs_de_complement(DEMAIN)


# --- Remplacer -------------------------------------------------------------------------------------------------------
def remplacer(client, ligne, **donnees):
    return client.post(reverse(f"admin:demandes_{ligne._meta.model_name}_remplacer", args=[ligne.pk]), donnees)


def test_remplacer_finit_l_ancienne_la_veille_et_ecrit_la_suivante(client, references, administrateur):
    taxe = Bareme.objects.get(code="etudiant.taxe", du__isnull=False)
    page = client.get(reverse("admin:demandes_bareme_remplacer", args=[taxe.pk]))
    assert page.status_code == 200 and 'value="75.00"' in page.content.decode()

    donnees = {"du": DEMAIN.isoformat(), "au": "", "valeur_premiere": "150", "valeur_renouvellement": "100.5",
               "source": "Loi"}  # fmt: skip
    reponse = remplacer(client, taxe, **donnees)

    taxe.refresh_from_db()
    nouvelle = Bareme.objects.get(code="etudiant.taxe", du=DEMAIN)
    assert reponse.status_code == 302 and taxe.au == AUJOURDHUI and taxe.valeurs["premiere"] == "75.00"
    assert nouvelle.valeurs == {"premiere": "150.00", "renouvellement": "100.50"}
    traces = Changement.objects.filter(par=administrateur.compte).order_by("pk")
    assert [trace.nature for trace in traces] == ["changement", "ajout"]
    assert traces[0].ecarts == {"au": [None, AUJOURDHUI.isoformat()]}
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("du", ["", AUJOURDHUI.isoformat(), "2020-01-01", "demain"])
def test_une_valeur_ne_change_qu_a_partir_de_demain(client, references, administrateur, du):
    seuil = Bareme.objects.get(code="etudiant.seuil_ressources")
    reponse = remplacer(client, seuil, du=du, au="", valeur_montant="700", source="Essai")
    assert reponse.status_code == 422 and reponse.context["errors"] and 'value="700"' in reponse.content.decode()
    assert Bareme.objects.filter(code=seuil.code).count() == 1
    seuil.refresh_from_db()
    assert seuil.au is None


@pytest.mark.parametrize("montant", ["-1", "beaucoup", "", "1000000", "1.234"])
def test_un_montant_impossible_est_refuse_et_la_saisie_reste(client, references, administrateur, montant):
    seuil = Bareme.objects.get(code="etudiant.seuil_ressources")
    donnees = {"du": DEMAIN.isoformat(), "valeur_montant": montant, "source": "Gardée"}
    reponse = remplacer(client, seuil, **donnees)
    assert reponse.status_code == 422 and reponse.context["errors"] and "Gardée" in reponse.content.decode()
    assert Bareme.objects.filter(code=seuil.code).count() == 1


def test_deux_remplacements_de_suite_le_second_lit_le_premier(client, references, administrateur):
    motif = Motif.objects.get(code="complement.illisible")
    donnees = {"du": DEMAIN.isoformat(), "ordre": 10, "libelle": "Flou", "texte": "Trop flou.", "texte_en": "Blurred.",
               "source": ""}  # fmt: skip
    assert remplacer(client, motif, **donnees).status_code == 302
    reponse = remplacer(client, motif, **donnees)
    assert reponse.status_code == 422 and "en chevauche une autre" in erreurs(reponse) and "Flou" in erreurs(reponse)
    assert Motif.objects.filter(code=motif.code).count() == 2


def test_une_piece_se_remplace_avec_ses_bornes(client, references, administrateur):
    piece = PieceReference.objects.get(code="etudiant.PASSEPORT")
    donnees = {
        "du": DEMAIN.isoformat(), "libelle": "Passeport", "libelle_en": "Passport", "texte": "x", "texte_en": "x",
        "fichiers_min": 1, "fichiers_max": 4, "source": "x",
    }  # fmt: skip
    assert remplacer(client, piece, **donnees | {"fichiers_max": 0}).status_code == 422
    assert remplacer(client, piece, **donnees).status_code == 302
    assert PieceReference.objects.get(code=piece.code, du=DEMAIN).fichiers_max == 4


def test_les_pays_de_la_libre_circulation_se_saisissent_un_par_ligne(client, references, administrateur):
    pays = Bareme.objects.get(code="citoyen_ue.pays")
    page = client.get(reverse("admin:demandes_bareme_remplacer", args=[pays.pk])).content.decode()
    assert "GB 1973-01-01 2020-12-31" in page
    commun = {"du": DEMAIN.isoformat(), "source": "x"}
    reponse = remplacer(client, pays, periodes="AT 1995-01-01\nGB 2020-12-31 1973-01-01\nfr hier", **commun)
    assert reponse.status_code == 422 and "la fin précède le début" in sans_insecable(erreurs(reponse))
    assert remplacer(client, pays, periodes="AT 1995-01-01\n\nGB 1973-01-01 2020-12-31", **commun).status_code == 302
    assert Bareme.objects.get(code=pays.code, du=DEMAIN).valeurs == {
        "AT": {"du": "1995-01-01"}, "GB": {"du": "1973-01-01", "au": "2020-12-31"},
    }  # fmt: skip


def test_une_ligne_sans_effet_se_change_directement(client, references, administrateur):
    attente = Bareme.objects.get(code="etudiant.taxe", du=None)
    fiche = reverse("admin:demandes_bareme_change", args=[attente.pk])
    assert client.get(reverse("admin:demandes_bareme_remplacer", args=[attente.pk])).url == fiche
    donnees = {"valeur_premiere": "150", "valeur_renouvellement": "90", "source": "x"}
    reponse = changer(client, attente, du=DEMAIN.isoformat(), **donnees)
    assert "du 01/05/2021 sans fin" in erreurs(reponse)  # l'autre ligne est nommée
    assert "demande une date d'effet" in erreurs(changer(client, attente, au=DEMAIN.isoformat(), **donnees))
    assert changer(client, attente, **donnees).status_code == 302
    attente.refresh_from_db()
    assert attente.valeurs["renouvellement"] == "90.00"


def test_un_instructeur_ne_remplace_rien(client, references, instructeur):
    bareme = Bareme.objects.get(code="etudiant.taxe", du=None)
    assert client.get(reverse("admin:demandes_bareme_remplacer", args=[bareme.pk])).status_code == 403
    assert (
        "Première demande" not in client.get(reverse("admin:demandes_bareme_change", args=[bareme.pk])).content.decode()
    )  # lue en mots, sans champ


def test_remplacer_ce_qui_n_existe_pas(client, administrateur):
    assert client.get(reverse("admin:demandes_bareme_remplacer", args=[999999])).status_code == 404


@pytest.mark.parametrize(
    ("valeurs", "modele", "dit"),
    [
        ([], {"jours": 30}, "objet JSON"),
        ({}, {"jours": 30}, "Il manque « jours »"),
        ({"jours": 30, "mois": 1}, {"jours": 30}, "« mois » n'est pas lu"),
        ({"jours": True}, {"jours": 30}, "nombre entier"),
        ({"jours": -1}, {"jours": 30}, "nombre entier"),
        ({"jours": 10**9}, {"jours": 30}, "nombre entier"),
        ({"montant": 75}, {"montant": "75.00"}, "montant en euros"),
        ({"montant": "-75.00"}, {"montant": "75.00"}, "jamais négatif"),
        ({"actif": "oui"}, {"actif": True}, "oui ou non"),
        ({"mot": " "}, {"mot": "x"}, "jamais vide"),
        ({"mois": 2, "jour": 30}, {"mois": 7, "jour": 1}, "n'est pas un jour"),
        ({}, {"AT": {"du": "1995-01-01"}}, "table est vide"),
        ({"Autriche": {}}, {"AT": {"du": "1995-01-01"}}, "code de pays"),
        ({"AT": {"au": "1995-01-01"}}, {"AT": {"du": "1995-01-01"}}, "une date « du »"),
        ({"AT": {"du": "1er mai"}}, {"AT": {"du": "1995-01-01"}}, "AAAA-MM-JJ"),
        ({"jours": 45}, {"jours": 30}, ""),
    ],
)
def test_les_valeurs_gardent_la_forme_que_le_code_lit(valeurs, modele, dit):
    phrases = sans_insecable(" ".join(fautes_de_valeurs(valeurs, modele)))
    assert sans_insecable(dit) in phrases and bool(dit) == bool(phrases)


@pytest.mark.django_db(transaction=True)
def test_deux_ajouts_au_meme_instant_l_un_entre_l_autre_lit_la_phrase():
    call_command("charger_droit", verbosity=0)
    compte = AgentFactory(roles=["admin_fonctionnel"]).compte
    ensemble, reponses = threading.Barrier(2), []

    def ajouter():
        autre = Client()
        connecter(autre, compte)
        ensemble.wait()
        reponses.append(ajouter_un_motif(autre))
        connection.close()

    fils = [threading.Thread(target=ajouter) for _rang in range(2)]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join()
    refusee, faite = sorted(reponses, key=lambda reponse: reponse.status_code)
    assert (refusee.status_code, faite.status_code) == (200, 302)
    assert "en chevauche une autre" in erreurs(refusee)


# --- Motifs, sites, historique ---------------------------------------------------------------------------------------
def ajouter_un_motif(client, **changements):
    donnees = {
        "liste": "avis.defavorable.", "suite": "faux_document", "du": AUJOURDHUI.isoformat(), "au": "", "ordre": 5,
        "libelle": "Faux document", "texte": "Un document est faux.", "texte_en": "A document is forged.", "source": "",
    }  # fmt: skip
    return client.post(reverse("admin:demandes_motif_add"), donnees | changements)


def test_un_motif_s_ajoute_avec_le_debut_de_sa_liste(client, references, administrateur):
    assert ajouter_un_motif(client).status_code == 302
    motif = Motif.objects.get(code="avis.defavorable.faux_document")
    assert motif.nature == "avis" and motif.du == AUJOURDHUI


@pytest.mark.parametrize(
    ("changements", "dit"),
    [
        ({"suite": "Faux document"}, "mot en minuscules"),
        ({"suite": "autre"}, "en chevauche une autre"),
        ({"liste": "ailleurs."}, ""),
        ({"du": "2030-01-01", "au": "2029-01-01"}, "précède la date d'effet"),
    ],
)
def test_un_motif_fautif_ne_s_ajoute_pas(client, references, administrateur, changements, dit):
    nombre = Motif.objects.count()
    reponse = ajouter_un_motif(client, **changements)
    assert reponse.status_code == 200 and reponse.context["errors"] and dit in erreurs(reponse)
    assert Motif.objects.count() == nombre


def test_un_motif_et_un_bareme_gardent_leur_code(client, references, administrateur):
    motif = Motif.objects.first()
    page = client.get(reverse("admin:demandes_motif_change", args=[motif.pk])).content.decode()
    assert motif.code in page and 'name="suite"' not in page and 'name="code"' not in page
    assert client.get(reverse("admin:demandes_bareme_add")).status_code == 403
    assert client.get(reverse("admin:demandes_piecereference_add")).status_code == 403


def changer_le_site(client, **changements):
    donnees = {"departement": "75", "libelle": "Préfecture de police de Paris", "ferme_le": ""} | changements
    return client.post(reverse("admin:demandes_site_change", args=["7502"]), donnees, follow=True)


def test_un_site_se_change_et_se_ferme(client, administrateur):
    assert "Plus aucun site" not in changer_le_site(client, libelle="Préfecture de police").content.decode()
    assert Changement.objects.latest("pk").objet == "site 7502, Préfecture de police"
    reponse = changer_le_site(client, ferme_le=AUJOURDHUI.isoformat())
    assert "Plus aucun site ouvert" in reponse.content.decode()
    assert not Site.objects.ouverts(AUJOURDHUI).exists()


def test_l_historique_dit_avant_et_apres_en_mots(client, references, administrateur):
    motif = Motif.objects.get(code="cloture.doublon")
    changer(client, motif, au=DEMAIN.isoformat(), ordre=30, libelle="En double", source="x")
    page = client.get(reverse("admin:demandes_motif_history", args=[motif.pk])).content.decode()
    assert "<del>Doublon</del>" in page and "<ins>En double</ins>" in page and "Alix Fontaine" in page
    assert f"<ins>{DEMAIN:%d/%m/%Y}</ins>" in page and "charger_droit" in page
    assert client.get(reverse("admin:demandes_motif_history", args=[0])).status_code == 302
    Motif.objects.bulk_create([Motif(nature="cloture", code="cloture.essai", libelle="Essai")])
    neuf = Motif.objects.get(code="cloture.essai")
    assert "Aucun changement" in client.get(reverse("admin:demandes_motif_history", args=[neuf.pk])).content.decode()


def test_un_enregistrement_sans_changement_ne_note_rien(client, references, administrateur):
    motif = Motif.objects.get(code="cloture.doublon")
    nombre = Changement.objects.count()
    changer(client, motif, au="", ordre=motif.ordre, libelle=motif.libelle, source=motif.source)
    assert Changement.objects.count() == nombre


def test_une_fiche_et_un_changement_tiennent_en_peu_de_requetes(
    client, references, administrateur, django_assert_max_num_queries
):
    motif = Motif.objects.get(code="cloture.doublon")
    with django_assert_max_num_queries(15):
        client.get(reverse("admin:demandes_motif_change", args=[motif.pk]))
    with django_assert_max_num_queries(15):
        client.get(reverse("admin:demandes_motif_history", args=[motif.pk]))
    with django_assert_max_num_queries(40):
        changer(client, motif, au="", ordre=30, libelle="En double", source="x")


def test_l_accueil_dit_ce_qui_a_change_et_qui_l_a_change(
    client, references, administrateur, django_assert_max_num_queries
):
    assert "encore rien changé" in client.get(reverse("admin:references")).content.decode()
    motif = Motif.objects.get(code="cloture.doublon")
    changer(client, motif, au=DEMAIN.isoformat(), ordre=30, libelle="En double", source="x")
    with django_assert_max_num_queries(8):
        page = client.get(reverse("admin:references")).content.decode()
    assert "Derniers changements" in page and "Actions récentes" not in page
    assert "motif cloture.doublon" in page and "Alix Fontaine" in page and "charger_droit" not in page
