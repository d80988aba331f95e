"""2D-Doc : spécimens officiels, vecteurs du projet, et tout octet donne une lecture."""

import datetime as dt
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from documents import deuxd_doc
from documents.deuxd_doc import GS, RS, US, Entete, NonEncodable

VECTEURS = json.loads((Path(__file__).parent.parent / "donnees" / "2d-doc-vectors.json").read_text())
CERTIFICAT = x509.load_pem_x509_certificate(VECTEURS["certificate"]["pem"].encode())
OFFICIELS = VECTEURS["official"]
ENGENDRES = VECTEURS["generated"]["vectors"]
SPECIMEN = next(vecteur for vecteur in OFFICIELS if vecteur["document_type"] == "13")
NOMS_OFFICIELS = [f"{rang}-{v['version']}-{v['document_type']}" for rang, v in enumerate(OFFICIELS)]


def octets(vecteur) -> bytes:
    if "raw" in vecteur:
        return vecteur["raw"].encode("latin-1")
    return vecteur["signed_data"].encode() + bytes.fromhex(vecteur["signature_hex"])


@pytest.mark.parametrize("vecteur", OFFICIELS, ids=NOMS_OFFICIELS)
def test_un_specimen_officiel_se_lit_et_se_verifie(vecteur):
    lecture = deuxd_doc.lire(octets(vecteur))

    assert lecture.faute == ""
    assert (lecture.entete.version, lecture.entete.type) == (vecteur["version"], vecteur["document_type"])
    assert (lecture.entete.autorite, lecture.entete.certificat) == ("FR00", "0001")
    assert deuxd_doc.signature_valide(lecture, CERTIFICAT.public_key())


def test_le_specimen_du_type_13_donne_ses_champs_jusqu_au_maximum_sans_separateur():
    lecture = deuxd_doc.lire(octets(SPECIMEN))

    assert lecture.entete.emission == dt.date(2020, 4, 6)
    assert lecture.entete.signature == dt.date(2020, 6, 3)
    assert lecture.champs["6Q"] == "7503120521"
    assert lecture.champs["62"] == "SPECIMEN"
    assert lecture.champs["60"] == "NATACHA/CORINNE"
    assert lecture.champs["6O"] == "30062020"
    assert not lecture.tronques


@pytest.mark.parametrize("vecteur", VECTEURS["negative"], ids=[v["title"] for v in VECTEURS["negative"]])
def test_un_code_altere_ne_se_verifie_pas(vecteur):
    lecture = deuxd_doc.lire(octets(vecteur))

    assert lecture.faute == ""
    assert not deuxd_doc.signature_valide(lecture, CERTIFICAT.public_key())


@pytest.mark.parametrize("vecteur", ENGENDRES, ids=[v["title"] for v in ENGENDRES])
def test_les_champs_donnent_les_memes_octets_a_signer(vecteur):
    entete = deuxd_doc.lire(octets(vecteur)).entete

    assert str(entete) == vecteur["header"]
    assert deuxd_doc.ecrire(entete, vecteur["fields"]) == vecteur["signed_data"]


@pytest.mark.parametrize("vecteur", ENGENDRES, ids=[v["title"] for v in ENGENDRES])
def test_un_vecteur_du_projet_se_verifie_et_rend_ses_champs(vecteur):
    lecture = deuxd_doc.lire(octets(vecteur))

    assert deuxd_doc.signature_valide(lecture, CERTIFICAT.public_key())
    assert lecture.signature.hex() == vecteur["signature_hex"]
    for identifiant, valeur in vecteur["fields"]:
        lu = lecture.champs[identifiant]
        assert lu == (valeur[: len(lu)] if identifiant in lecture.tronques else valeur)


def test_une_valeur_trop_longue_est_coupee_un_caractere_avant_le_maximum_puis_rs():
    vecteur = next(v for v in ENGENDRES if RS in v["raw"])
    lecture = deuxd_doc.lire(octets(vecteur))

    assert lecture.tronques == {"6M"}
    assert len(lecture.champs["6M"]) == 39


@pytest.mark.parametrize("jour, hexa", [(j, h) for j, h in VECTEURS["primitives"]["days_hex"].items()])
def test_les_dates_de_l_en_tete(jour, hexa):
    date = None if jour == "undated" else dt.date.fromisoformat(jour)

    assert deuxd_doc.jours_hexa(date) == hexa
    assert deuxd_doc.lire_jours_hexa(hexa) == date


def test_le_base32_des_adresses():
    for clair, code in VECTEURS["primitives"]["base32_url"].items():
        assert deuxd_doc.base32(clair.encode()) == code
        assert deuxd_doc.lire_base32(code) == clair.encode()


def test_signer_deux_fois_donne_le_meme_texte_et_verifie():
    cle = ec.generate_private_key(ec.SECP256R1())
    donnees = ENGENDRES[0]["signed_data"]

    texte = deuxd_doc.signer(donnees, cle)

    assert texte == deuxd_doc.signer(donnees, cle)
    assert len(texte.partition(US)[2]) == 103
    assert deuxd_doc.signature_valide(deuxd_doc.lire(texte.encode()), cle.public_key())


@pytest.mark.parametrize("courbe, longueur", [(ec.SECP256R1(), 103), (ec.SECP384R1(), 154), (ec.SECP521R1(), 212)])
def test_chaque_courbe_a_sa_longueur_de_signature(courbe, longueur):
    cle, autre = ec.generate_private_key(courbe), ec.generate_private_key(ec.SECP256R1())
    texte = deuxd_doc.signer(ENGENDRES[0]["signed_data"], cle)

    assert len(texte.partition(US)[2]) == longueur
    assert deuxd_doc.signature_valide(deuxd_doc.lire(texte.encode()), cle.public_key())
    assert not deuxd_doc.signature_valide(deuxd_doc.lire(texte.encode()), autre.public_key())


def test_aucun_caractere_ne_change_sans_que_le_code_cesse_d_etre_bon():
    brut = octets(ENGENDRES[0])
    for rang, octet in enumerate(brut):
        autre = brut[:rang] + bytes([octet ^ 1]) + brut[rang + 1 :]
        lecture = deuxd_doc.lire(autre)
        assert lecture.faute or not deuxd_doc.signature_valide(lecture, CERTIFICAT.public_key()), rang


def test_l_annexe_se_lit_a_part_et_ne_change_pas_la_signature():
    lecture = deuxd_doc.lire(octets(ENGENDRES[0]) + b"\x1dA0NON SIGNE")

    assert lecture.annexe == b"A0NON SIGNE"
    assert lecture.champs["62"] == "SUISSE"
    assert deuxd_doc.signature_valide(lecture, CERTIFICAT.public_key())


def champs_modifies(**valeurs):
    return [(identifiant, valeurs.get("c" + identifiant, valeur)) for identifiant, valeur in ENGENDRES[0]["fields"]]


ENTETE = Entete("FR00", "AN13", dt.date(2026, 11, 22), dt.date(2026, 11, 22))


@pytest.mark.parametrize(
    "identifiant, valeur",
    [("6Q", "12345678901"), ("68", "X"), ("69", "1950"), ("62", "É"), ("6L", "31022026"), ("6K", "1"), ("6C", "CHE")],
)
def test_une_valeur_hors_regle_ne_s_ecrit_pas(identifiant, valeur):
    with pytest.raises(NonEncodable) as refus:
        deuxd_doc.ecrire(ENTETE, champs_modifies(**{"c" + identifiant: valeur}))
    assert refus.value.identifiant == identifiant


def test_un_champ_obligatoire_absent_ne_s_ecrit_pas():
    with pytest.raises(NonEncodable):
        deuxd_doc.ecrire(ENTETE, [champ for champ in ENGENDRES[0]["fields"] if champ[0] != "6X"])


def avec_message(message: str) -> bytes:
    return f"{ENTETE}{message}{US}{'A' * 103}".encode()


BON = ENGENDRES[0]["signed_data"][26:]


@pytest.mark.parametrize(
    "brut",
    [
        b"",
        b"DC",
        b"XX" + octets(SPECIMEN)[2:],
        b"DC05" + octets(SPECIMEN)[4:],
        b"\xdc\x04" + octets(SPECIMEN)[2:],
        octets(SPECIMEN) + b" " * 2400,
        octets(SPECIMEN).replace(US.encode(), b""),
        octets(SPECIMEN)[:-1],
        octets(SPECIMEN)[:-1] + b"B",  # derniers bits hors de la signature : forme non exacte
        octets(SPECIMEN).lower(),
        avec_message(BON + GS + "65IR"),
        avec_message(BON + GS + "6FMRZ"),
        avec_message(BON + GS + "62DEUX FOIS"),
        avec_message(BON.replace("6XLILLE" + GS, "")),
        avec_message(BON.replace("6W59000", "6W59")),
        avec_message(BON.replace("6L17102022", "6L17132022")),
        avec_message(BON.replace("6925061950", "6900131950")),
        avec_message(BON.replace("SUISSE", "Suisse")),
        avec_message(BON.replace("SUISSE", "SUISSÉ")),
        avec_message(BON).replace(b"1301FR", b"1301F1"),
        str(Entete("FR00", "AN13", None, None)).encode() + avec_message(BON)[26:],
        b"DC01FR000001125E125C00" + b"0" * 60,
    ],
)
def test_un_code_mal_forme_dit_sa_faute(brut):
    assert deuxd_doc.lire(brut).faute


def test_un_jour_de_naissance_inconnu_se_lit():
    for naissance in ("00061950", "00001950", "00000000"):
        assert deuxd_doc.lire(avec_message(BON.replace("25061950", naissance))).champs["69"] == naissance


@pytest.mark.parametrize(
    "texte, attendu",
    [
        ("N'Diaye-Œuvré", "N DIAYE OEUVRE"),
        ("Ünal", "UNAL"),
        ("Straße", "STRASSE"),
        ("Nguyễn Thị  Ánh", "NGUYEN THI ANH"),
        ("Łukasz Đỗ", "LUKASZ DO"),
        ("Yıldız İnci", "YILDIZ INCI"),
        ("  d’Artagnan ", "D ARTAGNAN"),
        ("Oʻzbek", "O ZBEK"),
        ("12 bis, rue du Bac", "12 BIS RUE DU BAC"),
    ],
)
def test_les_textes_deviennent_des_majuscules_sans_accent(texte, attendu):
    assert deuxd_doc.normaliser(texte) == attendu


@pytest.mark.parametrize("texte", ["Иванов", "محمد", "李", "Παπάς", "ሰላም", "١٢", "A\x00"])
def test_une_autre_ecriture_que_la_latine_est_refusee(texte):
    with pytest.raises(NonEncodable):
        deuxd_doc.normaliser(texte)


@pytest.mark.parametrize(
    "prenoms, attendu",
    [
        ("Natacha Corinne", "NATACHA/CORINNE"),
        ("Jean-Pierre Marie", "JEAN PIERRE/MARIE"),
        ("Ana Maria, Lucia", "ANA MARIA/LUCIA"),
        ("Un Deux Trois Quatre Cinq Six Sept", "UN/DEUX/TROIS/QUATRE/CINQ/SIX"),
        ("", ""),
    ],
)
def test_les_prenoms_sont_separes_par_une_barre(prenoms, attendu):
    assert deuxd_doc.adapter("60", prenoms) == attendu


def test_la_commune_perd_ses_chiffres_et_une_adresse_trop_longue_est_abregee():
    assert deuxd_doc.adapter("6X", "Paris 13") == "PARIS"
    assert deuxd_doc.adapter("6U", "12 avenue du Général Leclerc") == "12 AVENUE DU GENERAL LECLERC"
    longue = deuxd_doc.adapter("6U", "145 bis boulevard du Faubourg Saint Antoine Avenue")
    assert longue == "145 BIS BD DU FG SAINT ANTOINE AVENUE"


@given(st.binary(max_size=600))
def test_tout_octet_donne_une_lecture(brut):
    deuxd_doc.lire(brut)
    lecture = deuxd_doc.lire(octets(SPECIMEN)[:26] + brut)
    deuxd_doc.signature_valide(lecture, CERTIFICAT.public_key())


@given(st.data())
def test_toute_alteration_d_un_bon_code_donne_une_lecture(data):
    brut = bytearray(octets(data.draw(st.sampled_from(OFFICIELS + ENGENDRES))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(brut) - 1))
        brut[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        if not brut:
            break
    lecture = deuxd_doc.lire(bytes(brut))
    assert lecture.faute or lecture.entete


textes_libres = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=80)


@given(textes_libres)
def test_normaliser_deux_fois_ne_change_rien(texte):
    try:
        une = deuxd_doc.normaliser(texte)
    except NonEncodable:
        return
    assert deuxd_doc.normaliser(une) == une
    assert deuxd_doc.Champ(0, None, "A-Z0-9 ").accepte(une)


@given(nom=textes_libres, usage=textes_libres, lieu=textes_libres, voie=textes_libres, categorie=textes_libres)
def test_ce_qui_s_ecrit_se_relit(nom, usage, lieu, voie, categorie):
    try:
        adaptes = {
            identifiant: deuxd_doc.adapter(identifiant, texte)
            for identifiant, texte in {"62": nom, "63": usage, "6A": lieu, "6U": voie}.items()
        }
        adaptes["6M"] = deuxd_doc.adapter("6M", categorie)
    except NonEncodable:
        return
    champs = [(i, adaptes.get(i, v)) for i, v in ENGENDRES[0]["fields"]] + [("6M", adaptes["6M"])]
    donnees = deuxd_doc.ecrire(ENTETE, champs)

    lecture = deuxd_doc.lire(donnees.encode() + f"{US}{'A' * 103}".encode())

    assert lecture.faute == ""
    for identifiant, valeur in champs:
        lu = lecture.champs[identifiant]
        assert valeur.startswith(lu) if identifiant in lecture.tronques else lu == valeur


def test_le_fichier_porte_tous_ses_vecteurs():
    assert (len(OFFICIELS), len(ENGENDRES), len(VECTEURS["negative"])) == (41, 4, 2)
