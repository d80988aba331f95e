"""Les formulaires des étapes : conditions, lignes répétables, phrases d'erreur, relecture à l'identique."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import translation
from django.utils.datastructures import MultiValueDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demandes.champs import sceller_adresse
from demandes.demarches.etapes import InformationsForm
from demandes.demarches.etudiant import ETUDIANT, MotifEtudesForm, RessourcesForm
from demandes.droit import Contexte
from tests.demandes.reponses import ETAPES, INFORMATIONS, MOTIF, RESSOURCES, envoi
from tests.factories import CompteFactory, PaysFactory, UsagerFactory

BAREMES = {
    "etudiant.seuil_ressources": {"montant": "615.00"},
    "etudiant.bascule_annee": {"mois": 7, "jour": 1},
}


@pytest.fixture
def contexte(db):
    return Contexte(dt.date(2026, 11, 22), UsagerFactory(), None, baremes_fournis=BAREMES)


def sans_base():
    """Un contexte hors base : ces formulaires n'en ont pas besoin."""
    usager = UsagerFactory.build(compte=CompteFactory.build(), pays_naissance=None, nationalite=None)
    return Contexte(dt.date(2026, 11, 22), usager, None, baremes_fournis=BAREMES)


# --- Conditions ------------------------------------------------------------------------------------------------------
def test_une_reponse_sans_objet_n_est_ni_demandee_ni_gardee(contexte):
    form = InformationsForm(envoi(INFORMATIONS, en_couple="non", nationalite_conjoint="ML"), contexte=contexte)

    assert form.is_valid(), form.errors
    assert form.cleaned_data["nationalite_conjoint"] == ""
    assert "nationalite_conjoint" not in form.brut(form.data)


def test_une_question_appelee_est_obligatoire(contexte):
    form = InformationsForm(envoi(INFORMATIONS, en_couple="oui"), contexte=contexte)

    assert not form.is_valid()
    assert form.errors["nationalite_conjoint"] == ["Choisissez «\u00a0Nationalité du conjoint\u00a0» dans la liste."]


def test_un_champ_replie_reste_marque_obligatoire(contexte):
    form = InformationsForm(envoi(INFORMATIONS), contexte=contexte)

    assert form.is_valid()
    assert form.fields["nationalite_conjoint"].required


def test_une_condition_en_cascade_oublie_tout_ce_qui_en_depend(contexte):
    brut = envoi(MOTIF, etudiant_precedente="non", precedente_cycle="autre", precedente_cycle_precision="Bachelor")
    form = MotifEtudesForm(brut, contexte=contexte)

    assert form.is_valid(), form.errors
    assert not [nom for nom, valeur in form.cleaned_data.items() if nom.startswith("precedente_") and valeur]


def test_les_champs_conditionnels_sont_groupes_l_un_dans_l_autre(contexte):
    form = MotifEtudesForm(contexte=contexte)

    question, enveloppe = form.elements(form.groupes[0])

    assert question.champ.name == "etudiant_precedente"
    assert (enveloppe.condition.maitre, enveloppe.condition.texte) == ("etudiant_precedente", "Si oui, précisez :")
    noms = [e.champ.name if e.champ else [f.champ.name for f in e.elements] for e in enveloppe.elements]
    assert noms == [
        "precedente_etablissement", "precedente_nom_etablissement", "precedente_cycle",
        ["precedente_cycle_precision"], "precedente_niveau", "precedente_diplome", "precedente_discipline",
        "precedente_resultat",
    ]  # fmt: skip
    assert enveloppe.elements[3].condition.texte == "Si vous avez répondu «\u00a0Autre\u00a0»\u00a0:"


# --- Lignes répétables -----------------------------------------------------------------------------------------------
def test_les_enfants_se_comptent_et_se_datent(contexte):
    enfants = {
        "enfants-TOTAL_FORMS": "2",
        "enfants-0-naissance_0": "3", "enfants-0-naissance_1": "4", "enfants-0-naissance_2": "2019",
        "enfants-1-naissance_0": "03", "enfants-1-naissance_1": "4", "enfants-1-naissance_2": "2021",
    }  # fmt: skip
    form = InformationsForm(envoi(INFORMATIONS, enfants_en_france="oui", **enfants), contexte=contexte)

    assert form.is_valid(), form.errors
    assert [enfant["naissance"] for enfant in form.cleaned_data["enfants"]] == [
        dt.date(2019, 4, 3),
        dt.date(2021, 4, 3),
    ]


@pytest.mark.parametrize("total", [None, "", "abc", "-1", "99999999999"])
def test_un_nombre_de_lignes_absent_ou_illisible_vaut_une_ligne_vide(contexte, total):
    form = InformationsForm(
        envoi(INFORMATIONS, enfants_en_france="oui", **{"enfants-TOTAL_FORMS": total}), contexte=contexte
    )

    assert not form.is_valid()
    assert [faute["ancre"] for faute in form.fautes_des_blocs] == ["id_enfants-0-naissance_0"]
    assert form.fautes_des_blocs[0]["texte"].startswith("Enfant 1 – ")


def test_un_bloc_que_rien_n_appelle_montre_sa_ligne_vide_sans_faute(contexte):
    form = InformationsForm(envoi(INFORMATIONS), contexte=contexte)

    assert form.is_valid()
    assert len(form.formsets["enfants"].forms) == 1
    assert not form.formsets["enfants"].forms[0].errors


def test_trop_de_lignes_se_dit_sans_jargon(contexte):
    lignes = {"ressources-TOTAL_FORMS": "11"}
    for rang in range(11):
        lignes |= {f"ressources-{rang}-origine": "salarie", f"ressources-{rang}-montant": "100"}

    form = RessourcesForm(envoi(RESSOURCES, **lignes), contexte=contexte)

    assert not form.is_valid()
    assert form.fautes_des_blocs == [{"ancre": "bloc-ressources", "texte": "Gardez 10 lignes au plus."}]


LIGNES = st.lists(
    st.tuples(st.sampled_from(["", "salarie", "boursier", "<b>"]), st.text(max_size=6)), min_size=0, max_size=8
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lignes=LIGNES, gestes=st.lists(st.integers(min_value=-1, max_value=9), max_size=12))
def test_ajouter_et_supprimer_des_lignes_se_comportent_comme_une_liste(lignes, gestes):
    """-1 ajoute ; un rang supprime. Les données brutes suivent une simple liste Python."""
    brut = {"ressources-TOTAL_FORMS": [str(len(lignes))], "heberge": ["on"]}
    for rang, (origine, montant) in enumerate(lignes):
        brut |= {f"ressources-{rang}-origine": [origine], f"ressources-{rang}-montant": [montant]}
    modele = list(lignes)

    for geste in gestes:
        if geste < 0:
            brut = RessourcesForm.avec_une_ligne_de_plus(brut, "ressources")
            modele = [*modele, ("", "")][:10]
        else:
            brut = RessourcesForm.sans_la_ligne(brut, "ressources", geste)
            del modele[geste : geste + 1]

    total = int(brut["ressources-TOTAL_FORMS"][0])
    lues = [
        tuple((brut.get(f"ressources-{rang}-{nom}") or [""])[0] for nom in ("origine", "montant"))
        for rang in range(total)
    ]
    assert lues == modele
    assert brut["heberge"] == ["on"]
    assert not [cle for cle in brut if cle.startswith(f"ressources-{total}-")]


# --- Ressources ------------------------------------------------------------------------------------------------------
def test_le_total_se_calcule_meme_quand_une_ligne_est_fausse(contexte):
    form = RessourcesForm(envoi(RESSOURCES, **{"ressources-1-montant": "beaucoup"}), contexte=contexte)

    assert form.total == Decimal(400)
    assert form.calculs() == {"total": "400\u00a0€", "sous_le_seuil": True}
    assert not form.is_valid()
    assert "explication" not in form.errors


def test_sous_le_seuil_une_explication_est_demandee_et_un_avertissement_donne(contexte):
    brut = {"ressources-1-montant": "214,99"}
    sans = RessourcesForm(envoi(RESSOURCES, **brut), contexte=contexte)
    avec = RessourcesForm(envoi(RESSOURCES, explication="Je n'ai aucun frais", **brut), contexte=contexte)

    assert not sans.is_valid()
    assert "615\u00a0€ par mois" in sans.errors["explication"][0]
    assert avec.is_valid()
    assert [a.interruption for a in avec.avertissements()] == [True]


def test_au_seuil_exact_rien_n_est_demande(contexte):
    form = RessourcesForm(envoi(RESSOURCES, **{"ressources-1-montant": "215"}), contexte=contexte)

    assert form.is_valid(), form.errors
    assert form.avertissements() == []
    assert not form.fields["explication"].required


def test_une_explication_peut_remplacer_toute_ressource(contexte):
    form = RessourcesForm(MultiValueDict({"explication": ["Ma famille m'héberge."]}), contexte=contexte)

    assert form.is_valid(), form.errors
    assert form.cleaned_data["ressources"] == []


# --- Informations personnelles ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("situation", "en_couple"), [("celibataire", "oui"), ("marie", "non"), ("pacse", "non")])
def test_une_situation_qui_contredit_la_vie_de_couple_est_signalee(contexte, situation, en_couple):
    reponses = envoi(INFORMATIONS, situation_familiale=situation, en_couple=en_couple, nationalite_conjoint="ML")
    form = InformationsForm(reponses, contexte=contexte)

    assert form.is_valid(), form.errors
    (avertissement,) = form.avertissements()
    assert "situation familiale" in str(avertissement.texte) and not avertissement.interruption


def test_une_situation_coherente_ne_dit_rien(contexte):
    form = InformationsForm(envoi(INFORMATIONS), contexte=contexte)
    assert form.is_valid() and form.avertissements() == []


# --- Motif -----------------------------------------------------------------------------------------------------------
def test_un_niveau_hors_du_cycle_est_signale_sans_etre_refuse(contexte):
    form = MotifEtudesForm(envoi(MOTIF, courante_niveau="l1"), contexte=contexte)

    assert form.is_valid()
    (avertissement,) = form.avertissements()
    assert not avertissement.interruption
    assert "«\u00a0L1\u00a0»" in str(avertissement.texte) and "«\u00a0Master\u00a0»" in str(avertissement.texte)


def test_les_fautes_des_deux_annees_se_distinguent(contexte):
    form = MotifEtudesForm(envoi(MOTIF, precedente_niveau="", courante_niveau=""), contexte=contexte)

    assert form.errors["precedente_niveau"] == [
        "Choisissez «\u00a0Niveau d'études en fin d'année (année 2025 - 2026)\u00a0» dans la liste."
    ]
    assert "2026 - 2027" in form.errors["courante_niveau"][0]


# --- Informations ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("nom", ["nom_usage", "adresse_voie", "adresse_complement", "adresse_commune"])
def test_ce_qui_sera_imprime_s_ecrit_en_lettres_latines(contexte, nom):
    form = InformationsForm(envoi(INFORMATIONS, **{nom: "شارع"}), contexte=contexte)

    assert not form.is_valid()
    assert "lettres latines" in form.errors[nom][0]


@pytest.mark.parametrize(
    ("tape", "attendu"), [("75 020", "75020"), ("75020", "75020"), ("7502", None), ("2A004", None)]
)
def test_le_code_postal_admet_les_espaces(contexte, tape, attendu):
    form = InformationsForm(envoi(INFORMATIONS, adresse_code_postal=tape), contexte=contexte)

    assert form.is_valid() is (attendu is not None)
    assert form.cleaned_data.get("adresse_code_postal") == attendu


def test_un_telephone_fixe_est_refuse(contexte):
    form = InformationsForm(envoi(INFORMATIONS, telephone="01 42 68 53 00"), contexte=contexte)

    assert not form.is_valid()
    assert "portable" in form.errors["telephone"][0]


ADRESSE = {
    "numero": "18", "voie": "rue des Pyrénées", "code_postal": "75020", "commune": "Paris", "insee": "75120",
}  # fmt: skip


def test_l_adresse_choisie_reste_verifiee_tant_qu_elle_n_est_pas_retouchee(contexte):
    cle = sceller_adresse("75120_7391_00018", **ADRESSE)
    choisie = {"adresse_insee": "75120", "adresse_cle": cle}

    intacte = InformationsForm(envoi(INFORMATIONS, **choisie), contexte=contexte)
    retouchee = InformationsForm(envoi(INFORMATIONS, adresse_voie="rue de Bagnolet", **choisie), contexte=contexte)

    assert intacte.is_valid() and retouchee.is_valid()
    assert (intacte.cleaned_data["adresse_cle"], intacte.cleaned_data["adresse_insee"]) == ("75120_7391_00018", "75120")
    assert (retouchee.cleaned_data["adresse_cle"], retouchee.cleaned_data["adresse_insee"]) == ("", "")


def test_une_cle_inventee_ne_verifie_rien(contexte):
    form = InformationsForm(envoi(INFORMATIONS, adresse_cle="75120_7391_00018:" + "0" * 32), contexte=contexte)

    assert form.is_valid()
    assert form.cleaned_data["adresse_cle"] == ""


def test_l_etape_1_propose_ce_que_le_profil_sait(db):
    usager = UsagerFactory(adresse_voie="18 bis rue des Pyrénées", adresse_code_postal="75020", nom_usage="DOE")

    initiales = InformationsForm.initiales(Contexte(dt.date(2026, 11, 22), usager, None))

    assert initiales["adresse_numero"] == "18"
    assert initiales["adresse_voie"] == "bis rue des Pyrénées"
    assert initiales["nom_usage"] == "DOE"
    assert initiales["telephone"] == "+33601020304"


# --- Brut ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", ETAPES)
def test_le_brut_se_relit_a_l_identique_en_francais_et_en_anglais(contexte, code):
    PaysFactory()
    etape = ETUDIANT.etape(code)
    formes = []
    for langue in ("fr", "en"):
        with translation.override(langue):
            premier = etape.form(envoi(ETAPES[code]), contexte=contexte)
            assert premier.is_valid(), premier.errors
            relu = etape.form(premier.brut(premier.data), contexte=contexte)
            assert relu.is_valid(), relu.errors
            formes += [premier.cleaned_data, relu.cleaned_data]
    assert all(forme == formes[0] for forme in formes)


def test_seuls_les_noms_de_l_etape_sont_gardes(contexte):
    form = InformationsForm(envoi(INFORMATIONS, is_staff="1", version="3"), contexte=contexte)

    assert not {"is_staff", "version"} & set(form.brut(form.data))


def test_un_caractere_nul_est_retire(contexte):
    form = InformationsForm(envoi(INFORMATIONS, nom_usage="DU\x00PONT"), contexte=contexte)

    assert form.brut(form.data)["nom_usage"] == ["DUPONT"]


@settings(max_examples=80, deadline=None)
@given(
    donnees=st.dictionaries(
        st.sampled_from(
            [
                "ressources-TOTAL_FORMS",
                "ressources-0-montant",
                "ressources-0-origine",
                "ressources-1-montant",
                "ressources-x-y",
                "heberge",
                "explication",
                "autre",
            ]
        ),
        st.lists(st.text(max_size=12), max_size=3),
    )
)
def test_aucun_envoi_ne_fait_tomber_le_formulaire(donnees):
    form = RessourcesForm(MultiValueDict(donnees), contexte=sans_base())

    form.is_valid()
    assert form.total >= 0
    assert form.dit_autant_que(form.brut(form.data))
    assert isinstance(form.lignes_saisies(), list)
    assert isinstance(form.fautes_des_blocs, list)


def test_deux_saisies_qui_disent_la_meme_chose_se_valent(contexte):
    form = RessourcesForm(envoi(RESSOURCES), contexte=contexte)

    assert form.dit_autant_que({**RESSOURCES, "ressources-TOTAL_FORMS": ["3"], "ressources-2-montant": [""]})
    assert not form.dit_autant_que({**RESSOURCES, "ressources-1-montant": ["225,51"]})
    assert not form.dit_autant_que(None)
