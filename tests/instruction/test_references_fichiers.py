"""Motifs et barèmes en fichiers : l'aller-retour, chaque faute et sa ligne, l'aperçu, et rien d'écrit à moitié."""

import csv
import datetime as dt
import io
import json

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from demandes.models import Bareme, Changement, Motif
from instruction import fichiers_de_reference
from instruction.fichiers_de_reference import FichierIllisible, en_csv, en_json, lire
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
AUJOURDHUI = timezone.localdate()
DEMAIN = AUJOURDHUI + dt.timedelta(days=1)
MOTIFS = "nature;code;du;au;ordre;libelle;texte;texte_en;source"
BAREMES = "code;du;au;valeurs;source"
NOUVEAU = f"cloture;cloture.essai;{AUJOURDHUI};;5;Essai;Phrase.;Sentence.;"


@pytest.fixture
def references(db):
    call_command("charger_droit", verbosity=0)


@pytest.fixture
def administrateur(client, references):
    agent = AgentFactory(roles=["admin_fonctionnel"], nom="Alix Fontaine")
    connecter(client, agent.compte)
    return agent


def adresse(nom, modele="motif", *arguments):
    return reverse(f"admin:demandes_{modele}_{nom}", args=arguments)


def envoyer(client, contenu, modele="motif", nom="liste.csv"):
    octets = contenu if isinstance(contenu, bytes) else contenu.encode()
    fichier = io.BytesIO(octets)
    fichier.name = nom
    return client.post(adresse("importer", modele), {"fichier": fichier})


def apercu(client, contenu, modele="motif", **options):
    reponse = envoyer(client, contenu, modele, **options)
    assert reponse.status_code == 302, texte(reponse)
    return client.get(reponse.url)


def confirmer(client, page, modele="motif"):
    donnees = {"jeton": page.context["jeton"], "vue": page.context["vue"]}
    return client.post(adresse("apercu", modele), donnees, follow=True)


def texte(reponse) -> str:
    return reponse.content.decode().replace("\u00a0", " ").replace("&#x27;", "'").replace("&quot;", '"')


def motifs(*lignes: str) -> str:
    return "\r\n".join([MOTIFS, *lignes])


def baremes(*lignes: str) -> str:
    return "\n".join([BAREMES, *lignes])


# --- Exporter --------------------------------------------------------------------------------------------------------
def test_un_export_s_ouvre_dans_un_tableur_francais(client, administrateur):
    Motif.objects.filter(code="cloture.doublon").update(source="=1+1")
    reponse = client.get(adresse("exporter", "motif", "csv"))
    octets = reponse.content
    assert octets.startswith(b"\xef\xbb\xbf") and b"\r\n" in octets and "attachment" in reponse["Content-Disposition"]
    lignes = list(csv.DictReader(io.StringIO(octets.decode("utf-8-sig")), delimiter=";"))
    assert len(lignes) == Motif.objects.count()
    (doublon,) = [ligne for ligne in lignes if ligne["code"] == "cloture.doublon"]
    assert doublon["source"] == "'=1+1" and doublon["du"] == "2020-09-01"


def test_un_export_json_a_la_forme_du_fichier_charge(client, administrateur):
    lignes = json.loads(client.get(adresse("exporter", "bareme", "json")).content)
    assert {"code": "complement.delai", "du": "2020-09-01", "au": None, "valeurs": {"jours": 30}}.items() <= next(
        ligne.items() for ligne in lignes if ligne["code"] == "complement.delai"
    )


def test_une_forme_inconnue_n_existe_pas(client, administrateur):
    assert client.get(adresse("exporter", "motif", "xlsx")).status_code == 404


@pytest.mark.parametrize("modele", [Motif, Bareme])
@pytest.mark.parametrize("ecrire", [en_csv, en_json])
def test_un_export_reimporte_ne_change_rien(client, administrateur, modele, ecrire):
    modele.objects.filter(code__in=["cloture.doublon", "complement.delai"]).update(source="- relevé")
    page = apercu(client, ecrire(modele), modele._meta.model_name)
    plan = page.context["plan"]
    assert (plan.ajouts, plan.fins, plan.changements) == ([], [], [])
    assert plan.inchangees == modele.objects.count() and "rien à importer" in texte(page)


# --- Importer --------------------------------------------------------------------------------------------------------
def test_un_import_ajoute_change_finit_et_le_note(client, administrateur):
    Motif.objects.filter(code="cloture.retrait").update(source="Ancienne")
    contenu = motifs(
        NOUVEAU,
        f"cloture;cloture.doublon;01/09/2020;{DEMAIN:%d/%m/%Y};30;Doublon;"
        + ";".join(Motif.objects.values_list("texte", "texte_en", "source").get(code="cloture.doublon")),
    )
    page = apercu(client, "\ufeff" + contenu)
    plan = page.context["plan"]
    assert [ecart.code for ecart in plan.ajouts] == ["cloture.essai"]
    assert [ecart.code for ecart in plan.fins] == ["cloture.doublon"]
    assert not Motif.objects.filter(code="cloture.essai").exists()

    assert "Importé" in texte(confirmer(client, page))

    assert Motif.objects.get(code="cloture.essai").libelle == "Essai"
    assert Motif.objects.get(code="cloture.doublon").au == DEMAIN
    traces = Changement.objects.filter(par=administrateur.compte)
    assert {trace.origine for trace in traces} == {"import de liste.csv"} and len(traces) == 2
    assert "Aucun fichier n'attend" in texte(confirmer(client, page))  # le second clic


def test_une_ligne_nouvelle_finit_la_veille_celle_qu_elle_remplace(client, administrateur):
    contenu = baremes(f'complement.delai;{DEMAIN};;"{{""jours"": 20}}";Décret')
    page = apercu(client, contenu, "bareme")
    assert [ecart.code for ecart in page.context["plan"].fins] == ["complement.delai"]
    confirmer(client, page, "bareme")
    ancienne, nouvelle = Bareme.objects.filter(code="complement.delai").order_by("du")
    assert (ancienne.au, nouvelle.valeurs) == (AUJOURDHUI, {"jours": 20})


@pytest.mark.parametrize(
    ("contenu", "ligne", "dit"),
    [
        (baremes('complement.delai;2020-09-01;;"{""jours"": 20}";x'), 2, "ce champ ne se réécrit pas"),
        (baremes("complement.delai;2020-09-01;2021-01-01;;x"), 2, "objet JSON"),
        (baremes(f'complement.delai;{AUJOURDHUI};;"{{""jours"": 20}}";x'), 2, "au plus tôt"),
        (baremes('complement.delai;2019-01-01;2021-01-01;"{""jours"": 20}";x'), 2, "chevauche"),
        (baremes('complement.delai;hier;;"{""jours"": 20}";x'), 2, "une date est attendue"),
        (baremes(f'complement.delai;{DEMAIN};{AUJOURDHUI};"{{""jours"": 20}}";x'), 2, "précède la date d'effet"),
        (baremes(f'complement.delai;{DEMAIN};;"{{""jours"": -1}}";x'), 2, "nombre entier"),
        (baremes(f'complement.delai;{DEMAIN};;"{{""jours"": 1}}";'), 2, "source"),
        (baremes(f'inconnu.delai;{DEMAIN};;"{{""jours"": 20}}";x'), 2, "Aucun barème ne porte ce code"),
        (baremes(f"complement.delai;{DEMAIN};x"), 2, "3 cellules au lieu de 5"),
        (json.dumps([{"code": "complement.delai", "rang": 1}]), 1, "« rang » est inconnu"),
        (json.dumps([3]), 1, "Un objet est attendu"),
        (json.dumps([{"code": 3, "du": 5, "au": None, "valeurs": [], "source": "\ud800"}]), 1, "un texte est attendu"),
    ],
)
def test_une_faute_de_bareme_dit_sa_ligne_et_rien_n_est_ecrit(client, administrateur, contenu, ligne, dit):
    avant = list(Bareme.objects.order_by("pk").values())
    reponse = envoyer(client, contenu, "bareme")
    assert reponse.status_code == 422 and dit in texte(reponse)
    assert reponse.context["fautes"][0].ligne == ligne
    assert list(Bareme.objects.order_by("pk").values()) == avant
    assert "Aucun fichier n'attend" in texte(client.get(adresse("apercu", "bareme"), follow=True))


@pytest.mark.parametrize(
    ("lignes", "ligne", "dit"),
    [
        ([NOUVEAU, NOUVEAU], 3, "Même code et même date d'effet que la ligne 2"),
        ([NOUVEAU, "", NOUVEAU.replace("essai", "ESSAI")], 4, "mot en minuscules"),
        ([NOUVEAU.replace("cloture;", "avis;")], 2, "commence par « avis. »"),
        ([NOUVEAU.replace("cloture;", "retour;")], 2, "nature"),
        ([NOUVEAU.replace(";5;", ";-5;")], 2, "une formule"),
        ([NOUVEAU.replace(";5;", ";cinq;")], 2, "un nombre entier est attendu"),
        ([NOUVEAU.replace("Essai", "=HYPERLINK(1)")], 2, "une formule"),
        ([NOUVEAU.replace("Essai", "@SUM(1)")], 2, "une formule"),
        ([NOUVEAU.replace("Phrase.", "")], 2, "« texte »"),
        ([NOUVEAU.replace("Essai", "x" * 200)], 2, "libelle"),
    ],
)
def test_une_faute_de_motif_dit_sa_ligne(client, administrateur, lignes, ligne, dit):
    nombre = Motif.objects.count()
    reponse = envoyer(client, motifs(*lignes))
    phrases = [faute for faute in reponse.context["fautes"] if faute.ligne == ligne]
    assert reponse.status_code == 422 and phrases
    assert dit in texte(reponse)
    assert Motif.objects.count() == nombre


@pytest.mark.parametrize(
    ("octets", "dit"),
    [
        (b"", "vide"),
        (b" \n", "vide"),
        (b"\xef\xbb\xbf", "vide"),
        (MOTIFS.encode(), "n'a que son en-tête"),
        (b"PK\x03\x04reste", "classeur"),
        (b"\xd0\xcf\x11\xe0reste", "classeur"),
        (motifs(NOUVEAU.replace("Essai", "Clôture")).encode("cp1252"), "n'est pas en UTF-8"),
        (motifs(NOUVEAU).encode("utf-16"), "n'est pas en UTF-8"),
        (motifs(NOUVEAU + "\x00").encode(), "octets nuls"),
        (MOTIFS.replace(";", ",").encode(), "points-virgules"),
        (MOTIFS.replace(";ordre", "").encode(), "il manque la colonne « ordre »"),
        ((MOTIFS + ";prix").encode(), "la colonne « prix » est inconnue"),
        ((MOTIFS + ";code").encode(), "y est deux fois"),
        (motifs('cloture;"cloture.essai').encode(), "guillemet"),
        (b"[{", "faute à la ligne 1"),
        (b"{}", "une liste d'objets"),
        (b"[" * 100_000, "ne se lit pas"),
        (b"[" + b"9" * 5000 + b"]", "ne se lit pas"),
    ],
)  # fmt: skip
def test_un_fichier_illisible_recoit_une_phrase(client, administrateur, octets, dit):
    reponse = envoyer(client, octets)
    assert reponse.status_code == 422 and dit in texte(reponse)


def test_un_fichier_trop_lourd_ou_trop_long_est_refuse(client, administrateur, monkeypatch):
    assert "dépasse 1 Mo" in texte(envoyer(client, b"x" * (1024 * 1024 + 1)))
    with pytest.raises(FichierIllisible):
        lire(b"x" * (1024 * 1024 + 1), Motif)
    monkeypatch.setattr(fichiers_de_reference, "LIGNES_MAX", 1)
    assert "plus de 1 lignes" in texte(envoyer(client, motifs(NOUVEAU, NOUVEAU)))


def test_sans_fichier_une_phrase(client, administrateur):
    reponse = client.post(adresse("importer"))
    assert reponse.status_code == 422 and "Choisissez un fichier" in texte(reponse)


# --- Entre l'aperçu et l'accord --------------------------------------------------------------------------------------
def test_une_ligne_changee_entre_temps_arrete_l_import(client, administrateur):
    page = apercu(client, motifs(NOUVEAU))
    Motif.objects.filter(code="cloture.doublon").update(libelle="Autre main")
    reponse = confirmer(client, page)
    assert "ont changé depuis l'aperçu" in texte(reponse) and not Motif.objects.filter(code="cloture.essai").exists()
    assert "Importé" in texte(confirmer(client, reponse))


def test_deux_imports_a_la_fois_le_second_relit(client, administrateur, references):
    page = apercu(client, motifs(NOUVEAU))
    autre = type(client)()
    connecter(autre, AgentFactory(roles=["admin_fonctionnel"]).compte)
    seconde = apercu(autre, motifs(NOUVEAU.replace("Essai", "Le mien")))
    confirmer(client, page)
    reponse = confirmer(autre, seconde)
    assert "ont changé depuis l'aperçu" in texte(reponse)
    assert Motif.objects.get(code="cloture.essai").libelle == "Essai"

    assert len(reponse.context["plan"].changements) == 1


def test_un_autre_fichier_choisi_depuis_se_relit(client, administrateur):
    page = apercu(client, motifs(NOUVEAU))
    apercu(client, motifs(NOUVEAU.replace("essai", "second")))
    reponse = confirmer(client, page)
    assert "Un autre fichier a été choisi" in texte(reponse)
    assert not Motif.objects.filter(code__in=["cloture.essai", "cloture.second"]).exists()


def test_un_fichier_devenu_fautif_ne_s_importe_pas(client, administrateur):
    page = apercu(client, motifs(NOUVEAU))
    Motif.objects.create(nature="cloture", code="cloture.essai", du=dt.date(2020, 1, 1), libelle="Pris")
    reponse = confirmer(client, page)
    assert "rien n'est importé" in texte(reponse) and "jeton" not in texte(reponse)


def test_un_role_sans_droit_n_importe_pas_mais_exporte(client, references):
    connecter(client, AgentFactory().compte)
    assert client.get(adresse("importer")).status_code == 403
    assert client.get(adresse("apercu")).status_code == 403
    assert client.get(adresse("exporter", "motif", "csv")).status_code == 200
    page = texte(client.get(adresse("changelist")))
    assert "Exporter en CSV" in page and "Ajouter" not in page and "Importer un fichier" not in page


def test_qui_change_la_liste_y_trouve_ses_boutons(client, administrateur):
    page = texte(client.get(adresse("changelist")))
    assert "Importer un fichier" in page and "Ajouter un motif" in page
    assert "Ajouter" not in texte(client.get(adresse("changelist", "bareme")))


def test_toutes_les_fautes_du_fichier_sont_dites_ensemble(client, administrateur):
    figee = "cloture;cloture.doublon;2020-09-01;;30;Doublon;Autre phrase.;Other.;x"
    reponse = envoyer(client, motifs(figee, NOUVEAU.replace(";5;", ";cinq;"), NOUVEAU + ";"))
    assert [faute.ligne for faute in reponse.context["fautes"]] == [2, 2, 3, 4]


def test_les_pages_tiennent_en_peu_de_requetes(client, administrateur, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        client.get(adresse("changelist"))
    with django_assert_max_num_queries(15):
        envoyer(client, motifs(NOUVEAU))
    with django_assert_max_num_queries(15):
        page = client.get(adresse("apercu"))
    with django_assert_max_num_queries(40):
        confirmer(client, page)
