"""Le référentiel des titulaires : chaque ligne entière ou pas du tout, chaque refus dit."""

import csv
import datetime as dt
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents import deuxd_doc
from tests.factories import CompteFactory, PaysFactory, TitreSejourFactory, UsagerFactory
from usagers.management.commands.charger_lieux import DONNEES
from usagers.models import TitreSejour, Usager
from usagers.titulaires import chargement
from usagers.titulaires.lecture import FACULTATIVES, OBLIGATOIRES, LigneRefusee, Referentiel, lire_titulaire

JULIE = {
    "numero_etranger": "7703004369", "nom_naissance": "JOHN", "prenoms": "JULIE", "sexe": "F",
    "naissance": "1993-02-07", "lieu_naissance": "BAMAKO", "pays_naissance": "ML", "nationalite": "ML",
    "titre_numero": "TS0000001", "titre_nature": "CST", "titre_motif": "etudiant", "titre_debut": "J-274",
    "titre_fin": "J+90", "titre_statut": "", "titre_valide_le": "", "cas": "",
}  # fmt: skip
VISA = {**JULIE, "numero_etranger": "", "titre_numero": "012345678", "titre_nature": "VLS"}


@pytest.fixture
def pays(db):
    PaysFactory()
    PaysFactory(code="DZ", alpha3="DZA", nom="Algérie", nationalite_f="algérienne", nationalite_m="algérien")
    PaysFactory(code="XL", alpha3="YUG", nom="Yougoslavie", nationalite_f="", nationalite_m="")


@pytest.fixture
def fichier(tmp_path):
    def ecrire(*lignes, separateur=";"):
        flux = io.StringIO()
        auteur = csv.DictWriter(flux, list(JULIE), delimiter=separateur, lineterminator="\n")
        auteur.writeheader()
        auteur.writerows(lignes)
        chemin = tmp_path / "titulaires.csv"
        chemin.write_text(flux.getvalue(), encoding="utf-8")
        return chemin

    return ecrire


def importer(chemin, *options) -> dict:
    """Le rapport JSON, avec le code de retour."""
    sortie, code = io.StringIO(), 0
    try:
        call_command("importer_titulaires", str(chemin), "--json", *options, stdout=sortie)
    except SystemExit as fin:
        code = fin.code
    return {**json.loads(sortie.getvalue()), "code": code}


def test_les_colonnes_de_ces_tests_sont_celles_du_format():
    assert list(JULIE) == [*OBLIGATOIRES, *FACULTATIVES]


def test_une_ligne_cree_la_personne_et_son_titre(pays, fichier):
    rapport = importer(fichier({**JULIE, "nom_naissance": "  JOHN   DOE "}))
    assert (rapport["code"], rapport["creees"], rapport["refusees"]) == (0, 1, [])
    usager = Usager.objects.get(numero_etranger="7703004369")
    assert (usager.nom_complet, usager.naissance, usager.source) == ("JULIE JOHN DOE", "1993-02-07", "referentiel")
    titre = usager.titres.get()
    aujourdhui = timezone.localdate()
    assert (titre.debut, titre.fin) == (aujourdhui - dt.timedelta(274), aujourdhui + dt.timedelta(90))


def test_recharger_ne_change_rien_puis_une_correction_se_voit(pays, fichier):
    importer(fichier(JULIE))
    assert importer(fichier(JULIE))["inchangees"] == 1
    assert importer(fichier({**JULIE, "lieu_naissance": "Kayes"}))["modifiees"] == 1
    assert importer(fichier({**JULIE, "lieu_naissance": "Kayes", "titre_statut": "retire"}))["modifiees"] == 1
    assert Usager.objects.get().lieu_naissance == "Kayes"
    assert TitreSejour.objects.get().statut == "retire"


def test_l_import_n_ecrit_jamais_ce_qui_appartient_au_portail(pays, fichier):
    compte = CompteFactory(identifiant="7703004369", telephone="+33601020304")
    UsagerFactory(
        compte=compte, nom_usage="JOHN-KEITA", situation_familiale="marie", adresse_voie="18 rue des Pyrénées",
        adresse_code_postal="75020", adresse_commune="Paris", adresse_insee="75120", nom_naissance="JON",
    )  # fmt: skip
    assert importer(fichier(JULIE))["creees"] == 1
    usager = Usager.objects.get()
    assert usager.nom_naissance == "JOHN"
    assert (usager.nom_usage, usager.situation_familiale, usager.compte) == ("JOHN-KEITA", "marie", compte)
    assert (usager.adresse_voie, usager.adresse_insee) == ("18 rue des Pyrénées", "75120")


def test_deux_titres_font_un_historique(pays, fichier):
    ancien = {**JULIE, "titre_numero": "TS0000002", "titre_debut": "J-639", "titre_fin": "J-275"}
    assert importer(fichier(JULIE, ancien))["creees"] == 2
    usager = Usager.objects.get()
    assert usager.titre_actuel.numero == "TS0000001"
    assert usager.titres.count() == 2


def test_un_visa_sans_numero_etranger_se_reconnait_a_son_numero(pays, fichier):
    importer(fichier(VISA))
    assert TitreSejour.objects.get().numero == "FRA012345678"
    assert importer(fichier({**VISA, "titre_numero": "FRA 012 345 678", "prenoms": "JULIA"}))["modifiees"] == 1
    assert Usager.objects.get().prenoms == "JULIA"


def test_une_personne_connue_par_son_visa_recoit_son_numero_etranger(pays, fichier):
    importer(fichier(VISA))
    assert importer(fichier({**VISA, "numero_etranger": "7703004369"}))["modifiees"] == 1
    assert Usager.objects.get().numero_etranger == "7703004369"
    # Le fichier peut rester en retard : le numéro attribué ne s'efface pas.
    assert importer(fichier(VISA))["inchangees"] == 1


@pytest.mark.parametrize(
    ("champs", "phrase"),
    [
        ({"naissance": "1994-02-07"}, "connu pour une autre personne"),
        ({"compte": True}, "un agent lui attribue"),
    ],
)
def test_un_numero_etranger_n_est_pas_attribue_dans_le_doute(pays, fichier, champs, phrase):
    compte = CompteFactory(identifiant="FRA012345678") if champs.pop("compte", None) else None
    usager = UsagerFactory(compte=compte, numero_etranger=None, **champs)
    TitreSejourFactory(usager=usager, numero="FRA012345678", nature="VLS")
    rapport = importer(fichier({**VISA, "numero_etranger": "7703004369"}))
    assert phrase in rapport["refusees"][0]["motifs"][0]
    assert not Usager.objects.filter(numero_etranger="7703004369").exists()


def test_le_titre_d_une_autre_personne_est_refuse(pays, fichier):
    TitreSejourFactory(numero="TS0000001")
    rapport = importer(fichier(JULIE))
    assert rapport["code"] == 1
    assert "autre personne" in rapport["refusees"][0]["motifs"][0]
    assert not Usager.objects.filter(numero_etranger="7703004369").exists()


def test_une_personne_effacee_ne_revient_pas(pays, fichier):
    UsagerFactory(compte=None, numero_etranger="7703004369", nom_naissance="-", anonymise_le=timezone.now())
    assert "effacé" in importer(fichier(JULIE))["refusees"][0]["motifs"][0]
    assert Usager.objects.get().nom_naissance == "-"


@pytest.mark.parametrize(
    ("champs", "phrase"),
    [
        ({"numero_etranger": "77030043"}, "numero_etranger : 10 chiffres"),
        ({"numero_etranger": ""}, "seul le titulaire d'un visa"),
        ({"nom_naissance": ""}, "nom_naissance : vide"),
        ({"nom_naissance": "A" * 101}, "plus de 100 caractères"),
        ({"nom_naissance": "محمد"}, "nom_naissance : écriture non latine"),
        ({"nom_naissance": "Иванов"}, "nom_naissance : écriture non latine"),
        ({"nom_naissance": "JOHN2"}, "un chiffre"),
        ({"nom_naissance": "'-"}, "aucune lettre"),
        ({"prenoms": "張偉"}, "prenoms : écriture non latine"),
        ({"lieu_naissance": "北京"}, "lieu_naissance : écriture non latine"),
        ({"sexe": "X"}, "sexe : « X » n'est pas parmi F, M"),
        ({"sexe": "f"}, "sexe"),
        ({"naissance": "1993-02-30"}, "Ce jour n'existe pas"),
        ({"naissance": "07/02/1993"}, "AAAA-MM-JJ"),
        ({"naissance": "1993-00-07"}, "Un jour connu demande un mois connu"),
        ({"naissance": "2093-02-07"}, "ni dans le futur"),
        ({"naissance": "1093-02-07"}, "avant 1900"),
        ({"pays_naissance": "QQ"}, "pays_naissance : code « QQ » inconnu"),
        ({"nationalite": "XL"}, "nationalite : code « XL » inconnu"),
        ({"titre_numero": "TS1"}, "titre_numero : 9 ou 10"),
        ({"titre_nature": "VLS"}, "titre_numero : un visa"),
        ({"titre_nature": "XXX"}, "titre_nature"),
        ({"titre_motif": "tourisme"}, "titre_motif"),
        ({"titre_debut": "2026-13-01"}, "titre_debut"),
        ({"titre_debut": "2026-00-00"}, "titre_debut"),
        ({"titre_fin": "J+9999999"}, "titre_fin"),
        ({"titre_fin": "J-300"}, "titre_fin : précède titre_debut"),
        ({"titre_debut": "1990-01-01"}, "précède la naissance"),
        ({"titre_statut": "perdu"}, "titre_statut"),
        ({"titre_valide_le": "J-10"}, "seul un VLS_TS"),
        (
            {"titre_nature": "VLS_TS", "titre_numero": "012345678", "titre_valide_le": "J-300"},
            "entre titre_debut et aujourd'hui",
        ),
        ({"prenoms": "JU\x07LIE"}, "caractère de commande"),
    ],
)
def test_une_ligne_impossible_est_refusee_et_les_autres_chargees(pays, fichier, champs, phrase):
    autre = {**JULIE, "numero_etranger": "7703004370", "titre_numero": "TS0000009"}
    rapport = importer(fichier({**JULIE, **champs}, autre))
    assert (rapport["code"], rapport["creees"], rapport["lignes"]) == (1, 1, 2)
    assert [refus["ligne"] for refus in rapport["refusees"]] == [2]
    assert any(phrase in motif for motif in rapport["refusees"][0]["motifs"])
    assert Usager.objects.get().numero_etranger == "7703004370"


def test_tous_les_motifs_d_une_ligne_sont_dits_ensemble(pays, fichier):
    rapport = importer(fichier({**JULIE, "sexe": "", "naissance": "", "nationalite": "", "titre_fin": ""}))
    assert len(rapport["refusees"][0]["motifs"]) == 4


def test_un_doublon_et_une_contradiction_sont_refuses(pays, fichier):
    contradiction = {**JULIE, "titre_numero": "TS0000003", "sexe": "M"}
    rapport = importer(fichier(JULIE, JULIE, contradiction))
    assert [(refus["ligne"], refus["motifs"]) for refus in rapport["refusees"]] == [
        (3, ["titre_numero : déjà à la ligne 2"]),
        (4, ["état civil différent de celui de la ligne 2, pour le même numéro"]),
    ]
    assert TitreSejour.objects.count() == 1


def test_un_guillemet_oublie_n_avale_pas_les_lignes_suivantes(pays, fichier):
    chemin = fichier(JULIE, {**JULIE, "numero_etranger": "7703004370", "titre_numero": "TS0000009"})
    textes = chemin.read_text().replace("7703004369;JOHN;", '7703004369;"JOHN;')
    chemin.write_text(textes + "\n;;;\n")
    rapport = importer(chemin)
    assert [(refus["ligne"], refus["motifs"]) for refus in rapport["refusees"]] == [
        (2, ["un guillemet n'est pas fermé"]),
        (5, ["4 valeurs au lieu de 16"]),
    ]
    assert rapport["creees"] == 1


@pytest.mark.parametrize("separateur", [",", "\t"])
def test_les_autres_separateurs_et_le_bom_sont_acceptes(pays, fichier, separateur):
    chemin = fichier(JULIE, separateur=separateur)
    chemin.write_bytes(b"\xef\xbb\xbf" + chemin.read_bytes())
    assert importer(chemin)["creees"] == 1


def defaire(nature: str, chemin) -> None:
    texte = chemin.read_text()
    match nature:
        case "latin-1":
            chemin.write_bytes(texte.replace("JULIE", "AGNÈS").encode("latin-1"))
        case "utf-16":
            chemin.write_bytes(texte.encode("utf-16"))
        case "colonne absente":
            chemin.write_text(texte.replace("nationalite", "nation"))
        case "colonne inconnue":
            chemin.write_text(texte.replace("titre_valide_le", "titre_valide"))
        case "colonne double":
            chemin.write_text(texte.replace("titre_valide_le", "titre_statut"))
        case "vide":
            chemin.write_text("")
        case "absent":
            chemin.unlink()


FICHIERS_REFUSES = {
    "latin-1": "ligne 2 : le fichier n'est pas en UTF-8",
    "utf-16": "ligne 1 : le fichier n'est pas en UTF-8",
    "colonne absente": "il manque nationalite",
    "colonne inconnue": "colonne inconnue titre_valide",
    "colonne double": "deux fois",
    "vide": "il manque numero_etranger",
    "absent": "ne peut pas être lu",
}


@pytest.mark.parametrize(("nature", "phrase"), FICHIERS_REFUSES.items())
def test_un_fichier_impossible_est_refuse_entier(pays, fichier, nature, phrase):
    chemin = fichier({**JULIE, "numero_etranger": "7703004370", "titre_numero": "TS0000009"})
    defaire(nature, chemin)
    rapport = importer(chemin)
    assert rapport["code"] == 1
    assert phrase in rapport["erreur"]
    with pytest.raises(CommandError, match="Rien n'a été chargé"):
        call_command("importer_titulaires", str(chemin))
    assert not Usager.objects.exists()


def test_sans_pays_charges_le_fichier_attend(db, fichier):
    assert "charger_lieux" in importer(fichier(JULIE))["erreur"]


def test_simuler_dit_tout_et_n_ecrit_rien(pays, fichier):
    rapport = importer(fichier(JULIE, {**JULIE, "titre_numero": "X"}), "--simuler")
    assert (rapport["simulation"], rapport["creees"], len(rapport["refusees"])) == (True, 1, 1)
    assert not Usager.objects.exists()


def test_le_rapport_se_lit(pays, fichier, capsys):
    with pytest.raises(SystemExit):
        call_command("importer_titulaires", str(fichier(JULIE, {**JULIE, "titre_numero": "TS2", "sexe": "X"})))
    sortie = capsys.readouterr().out
    assert "ligne 3 (7703004369) — refusée : sexe : « X » n'est pas parmi F, M ; titre_numero" in sortie
    assert "2 lignes — créées : 1, modifiées : 0, inchangées : 0, refusées : 1" in sortie
    assert "JOHN" not in sortie


def test_une_ligne_que_la_base_refuse_ne_perd_pas_son_lot(pays, fichier):
    """Un déclencheur tient lieu de ce que l'on n'a pas prévu : la ligne seule est refusée."""
    with connection.cursor() as curseur:
        curseur.execute(
            "CREATE FUNCTION refuser() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE check_violation; END $$;"
            "CREATE TRIGGER refus BEFORE INSERT ON usagers_titresejour FOR EACH ROW "
            "WHEN (NEW.numero = 'TS0000001') EXECUTE FUNCTION refuser()"
        )
    rapport = importer(fichier(JULIE, {**JULIE, "numero_etranger": "7703004370", "titre_numero": "TS0000009"}))
    assert rapport["refusees"] == [
        {"ligne": 2, "numero": "7703004369", "motifs": ["refusée par la base (IntegrityError)"]}
    ]
    assert Usager.objects.get().numero_etranger == "7703004370"


def test_un_fichier_plus_long_qu_un_lot_se_charge_entier(pays, fichier, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(chargement, "LOT", 40)
    lignes = [{**JULIE, "numero_etranger": f"77030{rang:05}", "titre_numero": f"TS{rang:07}"} for rang in range(1, 101)]
    with django_assert_max_num_queries(3 * 7):
        assert importer(fichier(*lignes))["creees"] == 100
    assert importer(fichier(*lignes))["inchangees"] == 100


@pytest.fixture
def demonstration(db):
    call_command("charger_lieux", stdout=io.StringIO())
    return DONNEES / "titulaires.demo.csv"


@pytest.mark.long
def test_le_fichier_de_demonstration_se_charge_deux_fois(demonstration):
    rapport = importer(demonstration)
    assert (rapport["code"], rapport["refusees"]) == (0, [])
    assert importer(demonstration)["inchangees"] == rapport["creees"] >= 40


def test_le_fichier_de_demonstration_couvre_les_cas(demonstration):
    importer(demonstration)
    aujourdhui = timezone.localdate()
    titres = TitreSejour.objects.select_related("usager")
    couples = set(titres.values_list("nature", "motif"))
    assert {
        ("VLS_TS", "etudiant"), ("VLS_TS", "etudiant_mobilite"), ("VLS", "etudiant"), ("VLS", "etudiant_mobilite"),
        ("VLS_T", "mineur_scolarise"), ("CST", "salarie"), ("CST", "etudiant"), ("CSP", "etudiant"),
        ("C", "etudiant_concours"), ("RLD_UE", "resident"), ("UE", "citoyen_ue_permanent"),
    } <= couples  # fmt: skip
    restes = {(titre.fin - aujourdhui).days for titre in titres}
    assert {30, 60, 90, 120, 150} <= restes
    assert min(restes) < -90
    julie = Usager.objects.get(numero_etranger="7703004369")
    assert (julie.nom_complet, julie.libelle_nationalite, julie.titres.count()) == ("JULIE JOHN", "malienne", 2)
    assert 60 <= (julie.titre_actuel.fin - aujourdhui).days <= 120
    usagers = Usager.objects.all()
    assert usagers.filter(prenoms="").exists()
    assert usagers.filter(naissance__endswith="-00-00").exists()
    assert usagers.filter(numero_etranger=None, titres__nature="VLS").exists()
    assert max(len(usager.nom_naissance) for usager in usagers) == 60
    assert all(deuxd_doc.normaliser(usager.nom_complet) for usager in usagers)


def test_chaque_ligne_de_demonstration_dit_ce_qu_elle_montre():
    with (DONNEES / "titulaires.demo.csv").open(encoding="utf-8", newline="") as flux:
        assert all(ligne["cas"] for ligne in csv.DictReader(flux, delimiter=";"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({nom: st.text(max_size=12) | st.just(valeur) for nom, valeur in JULIE.items()}))
def test_toute_ligne_est_lue_ou_refusee(valeurs):
    referentiel = Referentiel(dt.date(2026, 11, 22), {"ML"}, {"ML"})
    try:
        titulaire = lire_titulaire(2, valeurs, referentiel=referentiel)
    except LigneRefusee as refus:
        assert refus.motifs
    else:
        assert titulaire.titre["debut"] <= titulaire.titre["fin"]
