"""Le PDF rendu : son texte, ses codes relus, ses balises ; c'est le papier que la personne tient."""

import datetime as dt
import io
import logging
import re

import pdfua
import pikepdf
import pypdfium2
import pytest
import zxingcpp
from django.utils import timezone, translation

from documents import attestations, deuxd_doc, operations, verification
from documents.catalogue import MODELES, Acte
from documents.pdf import AdresseRefusee, _atelier, chemin_de_police, produire_pdf
from tests.documents.donnees import (
    DECISION,
    DEPOT,
    LONG,
    PLEIN,
    PROLONGATION,
    PROLONGATION_SANS_TRAVAIL,
    SUISSE,
    SUISSE_DECISION,
    VISA,
)

pytestmark = pytest.mark.django_db
LE = dt.datetime(2026, 11, 22, 16, 40, tzinfo=dt.UTC)
CAS = {
    "dépôt": DEPOT,
    "décision": DECISION,
    "visa": VISA,
    "dépôt UE": SUISSE,
    "décision UE": SUISSE_DECISION,
    "longs noms": LONG | {"decision": DECISION["decision"]},
    "champs pleins": PLEIN,
    "prolongation": PROLONGATION,
    "prolongation sans travail": PROLONGATION_SANS_TRAVAIL,
    "prolongation pleine": {nom: v for nom, v in PLEIN.items() if nom != "decision"}
    | {"prolongation": PROLONGATION["prolongation"]},
}


@pytest.fixture(scope="module")
def rendus(django_db_setup, django_db_blocker, autorite_d_essai):
    """Chaque cas rendu une fois : (document, octets du PDF)."""
    from django.test import override_settings

    faits = {}
    with django_db_blocker.unblock(), override_settings(DEUXD_DOC_DOSSIER=autorite_d_essai):
        for nom, donnees in CAS.items():
            acte = Acte.DECISION_FAVORABLE if "decision" in donnees else Acte.CONFIRMATION_DEPOT
            # D'ordinaire, l'attestation vaut dès la décision, avant le titre qu'elle annonce.
            valable_du = LE.date() if "decision" in donnees and nom != "décision UE" else None
            valable_au = None
            if "prolongation" in donnees:
                acte, valable_du, valable_au = Acte.PROLONGATION, dt.date(2026, 11, 23), dt.date(2027, 2, 22)
            document = operations.etablir(acte, donnees=donnees, le=LE, valable_du=valable_du, valable_au=valable_au)
            faits[nom] = (document, operations.produire(document))
            document.delete()
    return faits


@pytest.fixture(params=list(CAS))
def cas(request, rendus):
    return rendus[request.param]


def texte(octets: bytes) -> str:
    pdf = pypdfium2.PdfDocument(octets)
    pages = [page.get_textpage().get_text_bounded() for page in pdf]
    pdf.close()
    return re.sub(r"[\s\x00-\x1f\ufffe]+", " ", " ".join(pages))  # pdfium marque les coupures de ligne


def page(octets: bytes, rang: int = 0, *, ppp: int = 150):
    pdf = pypdfium2.PdfDocument(octets)
    image = pdf[rang].render(scale=ppp / 72, grayscale=True).to_pil()
    pdf.close()
    return image


def codes(image) -> dict[str, bytes]:
    return {code.format.name: code.bytes for code in zxingcpp.read_barcodes(image)}


def polices(octets: bytes) -> set[str]:
    with pikepdf.open(io.BytesIO(octets)) as pdf:
        return {str(o["/FontName"]) for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and "/FontName" in o}


def test_la_prolongation_dit_ses_dates_le_document_a_presenter_et_le_travail_en_toutes_lettres(rendus):
    document, octets = rendus["prolongation"]
    dit = texte(octets)
    for phrase in (
        "ATTESTATION DE PROLONGATION DE L'INSTRUCTION D'UNE DEMANDE DE RENOUVELLEMENT DE TITRE DE SÉJOUR",
        "n° 7502202611220000030, déposée le 22/11/2026, est en cours d'instruction.",
        "vous autorise à séjourner en France du 23/11/2026 au 22/02/2027.",
        "qu'accompagnée du titre de séjour dont la validité prend fin le 22/11/2026.",
        "Ce document autorise son titulaire à travailler à titre accessoire.",
        "Avec le document cité ci-dessus, il autorise le franchissement des frontières de l'espace Schengen.",
    ):
        assert phrase in dit
    for champ in ("6J26K", "6PAUTORISE A TRAVAILLER A TITRE ACCESSOIRE", "6METUDIANT", "6N231120266O22022027"):
        assert champ in document.code_2d
    assert attestations.lignes_mrz(
        document.donnees, modele=MODELES[Acte.PROLONGATION], numero=document.numero, au=document.valable_au
    )[0].startswith("APFRA")


def test_une_prolongation_sans_droit_au_travail_le_dit_aussi(rendus):
    document, octets = rendus["prolongation sans travail"]
    dit = texte(octets)
    for phrase in (
        "D'UNE PREMIÈRE DEMANDE DE TITRE DE SÉJOUR",
        "qu'accompagnée du visa dont la validité a pris fin le 31/10/2026.",
        "Ce document n'autorise pas son titulaire à travailler.",
        "Autorisation : N'autorise pas à travailler",
        "Ce document n'autorise pas le franchissement des frontières de l'espace Schengen.",
    ):
        assert phrase in dit
    assert "6P\x1d" in document.code_2d


# --- Texte -----------------------------------------------------------------------------------------------------------


def test_la_confirmation_dit_ce_que_dit_le_guide_etudiant(rendus):
    dit = texte(rendus["dépôt"][1])

    for phrase in (
        "CONFIRMATION DU DÉPÔT D'UNE DEMANDE DE RENOUVELLEMENT DE TITRE DE SÉJOUR",
        "Identifiant (N° d'étranger / N° de visa) : 7703004369",
        "N° de la demande : 7502202611220000030",
        "Date d'émission : 22/11/2026",
        "Nom de naissance : JOHN",
        "Prénom : JULIE",
        "Sexe : F (féminin)",
        "Né(e) le : 07/02/1993",
        "À : BAMAKO, MALI",
        "Nationalité : Malienne",
        "Adresse : Bâtiment B, étage 3 18 rue des Pyrénées 75020 Paris FRANCE",
        "Le 22/11/2026, vous avez déposé avec succès une demande de titre de séjour qui sera examinée par la "
        "préfecture compétente.",
        "Ce document constitue la preuve de dépôt de votre demande.",
        "Il ne constitue pas une preuve de régularité du séjour et ne permet pas l'ouverture de droits associés à un "
        "séjour régulier.",
        "Vous serez informé(e) de l'avancement et de la suite donnée à votre démarche par un courrier électronique et "
        "un SMS vous invitant à vous connecter à votre espace personnel.",
        "2D-DOC",
    ):
        assert phrase in dit
    assert "Schengen" not in dit


def test_la_confirmation_est_un_accuse_de_reception(rendus):
    dit = texte(rendus["dépôt"][1])

    for phrase in (
        "Demande reçue le : 22/11/2026 à 17:38:42",
        "Service chargé du dossier : Préfecture de police de Paris",
        "1 place de l'Exemple, 75004 Paris",
        "Téléphone : 01 00 00 00 00",
        "si aucune réponse ne vous est parvenue le 20/02/2027, le silence de l'administration vaudra décision "
        "implicite de rejet",
        "Vos voies et délais de recours",
        "devant le tribunal administratif",
    ):
        assert phrase in dit


def test_la_confirmation_europeenne_ne_parle_ni_de_sms_ni_d_echeance(rendus):
    dit = texte(rendus["dépôt UE"][1])

    assert "par un courrier électronique vous invitant" in dit
    assert "Ce document n'autorise pas le franchissement des frontières de l'espace Schengen." in dit
    assert "décision implicite" not in dit
    assert "À : BERNE, SUISSE" in dit


def test_une_premiere_demande_avec_visa_le_dit(rendus):
    dit = texte(rendus["visa"][1])

    assert "CONFIRMATION DU DÉPÔT D'UNE PREMIÈRE DEMANDE DE TITRE DE SÉJOUR" in dit
    assert "N° de visa) : FRA123456789" in dit
    assert "Né(e) le : 00/02/1993" in dit


def test_la_decision_dit_ce_que_dit_le_guide_etudiant(rendus):
    dit = texte(rendus["décision"][1])

    for phrase in (
        "ATTESTATION DE DÉCISION FAVORABLE SUR UNE DEMANDE DE RENOUVELLEMENT DE TITRE DE SÉJOUR",
        "Identifiant (N° d'étranger) : 7703004369",
        "Le 22/11/2026, une décision favorable a été prise à la suite de votre demande d'admission au séjour.",
        "Une carte de séjour temporaire, valable du 23/11/2026 au 22/11/2046 portant la mention « ÉTUDIANT », va vous "
        "être délivrée. Elle est actuellement en cours de fabrication.",
        "Cette attestation n'est valable qu'accompagnée du titre précédemment détenu.",
        "Ce document autorise son titulaire à travailler à titre accessoire.",
        "Vous devrez à cette occasion vous acquitter de 75,00 € correspondant au montant des taxes",
        "Catégorie du titre : ETUDIANT",
        "Validité du titre : du 23/11/2026 au 22/11/2046 Validité de cette attestation : du 22/11/2026 au 22/11/2046",
        "Autorisation : Autorise à travailler à titre accessoire",
    ):
        assert phrase in dit


def test_la_decision_europeenne_est_gratuite(rendus):
    dit = texte(rendus["décision UE"][1])

    assert "vous acquitter de 0 € correspondant" in dit
    assert "Validité de cette attestation" not in dit  # la même que celle du titre
    assert "Ce document autorise son titulaire à travailler." in dit
    assert "Ce document autorise le franchissement des frontières de l'espace Schengen." in dit


def test_un_certificat_de_residence_s_accorde_au_masculin(etablir):
    decision = DECISION["decision"] | {"titre": "certificat de résidence algérien", "travail": ""}
    dit = texte(operations.produire(etablir(DECISION | {"decision": decision})))

    assert "Un certificat de résidence algérien, valable du" in dit
    assert "va vous être délivré. Il est actuellement" in dit
    assert "travailler" not in dit


def test_tout_ce_qui_est_encode_est_imprime(cas):
    document, octets = cas
    imprime = deuxd_doc.normaliser(re.sub("[€<]", " ", texte(octets)))
    serre = imprime.replace(" ", "")
    lecture = deuxd_doc.lire(document.code_2d.encode() + b"\x1f" + b"A" * 103)

    assert not lecture.faute
    for identifiant, valeur in lecture.champs.items():
        if identifiant == "6J":
            continue  # le titre du document
        if identifiant in {"6C", "67", "6Y"}:
            continue  # le nom du pays, vérifié au-dessus
        if identifiant in {"6L", "69", "6N", "6O"}:
            valeur = f"{valeur[:2]} {valeur[2:4]} {valeur[4:]}"
        cherche = valeur.replace("/", "").replace(" ", "")
        if identifiant in {"6S", "6U"} and len(max(document.donnees["adresse"].values(), key=len)) > 38:
            continue  # une longue voie est abrégée dans le code
        assert cherche in serre, identifiant


def test_la_bande_mrz_est_du_texte_en_ocr_b(cas):
    document, octets = cas
    modele = MODELES[Acte(document.acte)]
    bande = attestations.lignes_mrz(document.donnees, modele=modele, numero=document.numero, au=document.valable_au)

    imprime = texte(octets).replace(" ", "")
    for ligne in bande:
        assert ligne in imprime
    assert any("OCR-B" in police for police in polices(octets)), polices(octets)


def test_la_note_de_lecture_est_en_anglais_sur_la_seconde_page(cas):
    _, octets = cas
    pdf = pypdfium2.PdfDocument(octets)
    seconde = pdf[1].get_textpage().get_text_bounded()
    pages = len(pdf)
    pdf.close()

    assert "Reading note in English" in seconde
    assert pages == 2


def test_rendre_deux_fois_donne_le_meme_texte(etablir):
    document = etablir(DECISION)
    une = operations.produire(document)
    with translation.override("en"):
        deux = operations.produire(document)

    assert texte(une) == texte(deux)
    assert codes(page(une)) == codes(page(deux))


@pytest.mark.parametrize(
    "valeur, attendu",
    [("75.00", "75,00\u00a0€"), ("0.00", "0 €"), ("0", "0 €"), ("1234.5", "1\u202f234,50\u00a0€")],
)
def test_les_montants(valeur, attendu):
    assert attestations.montant(valeur) == attendu


# --- Codes -----------------------------------------------------------------------------------------------------------


def test_le_2d_doc_imprime_se_relit_et_se_verifie(cas, django_db_blocker):
    document, octets = cas

    lu = codes(page(octets))["DataMatrix"]

    verdict = verification.verifier(lu, le=LE)
    assert verdict.etat in {verification.Etat.AUTHENTIQUE, verification.Etat.EXPIRE}
    assert verdict.lecture.champs["01"] == document.numero
    assert lu.decode().startswith(document.code_2d)


def test_le_qr_imprime_porte_le_meme_code(cas, settings):
    _, octets = cas
    lus = codes(page(octets))

    assert lus["QRCode"].startswith(settings.ADRESSE_DU_SITE.encode() + b"/verifier/?c=DC04")
    assert verification.code_d_adresse(lus["QRCode"]) == lus["DataMatrix"]


@pytest.mark.parametrize("marque_etat", [False, True])
def test_le_texte_ne_touche_jamais_les_codes(etablir, settings, marque_etat):
    settings.MARQUE_ETAT = marque_etat
    for donnees in (DECISION, PLEIN | {"numero_etranger": "", "numero_visa": "FRA123456789"}):
        pdf = pypdfium2.PdfDocument(operations.produire(etablir(donnees)))
        page_du_texte = pdf[0].get_textpage()
        debut, longueur = page_du_texte.search("fiscaux").get_next()
        bas_du_texte = min(page_du_texte.get_charbox(rang)[1] for rang in range(debut, debut + longueur))
        images = [objet.get_bounds() for objet in pdf[0].get_objects() if objet.type in {2, 3, 5}]
        haut_des_codes = max(haut for gauche, bas, droite, haut in images if haut < 250)
        pdf.close()
        assert bas_du_texte > haut_des_codes


@pytest.mark.parametrize("ppp", [150, 200, 300])
def test_le_2d_doc_se_lit_aussi_un_peu_tourne(rendus, ppp):
    image = page(rendus["décision"][1], ppp=ppp).rotate(2, fillcolor=255)

    assert codes(image)["DataMatrix"].startswith(b"DC04")


def test_une_photo_et_le_pdf_donnent_le_meme_code(rendus):
    _, octets = rendus["décision"]
    photo = io.BytesIO()
    page(octets, ppp=200).save(photo, "JPEG", quality=70)

    assert verification.extraire(photo.getvalue()) == verification.extraire(octets) != b""


# --- PDF/UA ----------------------------------------------------------------------------------------------------------


def test_le_pdf_est_balise_pour_l_accessibilite(cas):
    _, octets = cas
    with pikepdf.open(io.BytesIO(octets)) as pdf:
        racine = pdf.Root
        assert racine.MarkInfo.Marked
        assert str(racine.Lang) == "fr"
        assert racine.ViewerPreferences.DisplayDocTitle
        assert all(feuille.Tabs == "/S" for feuille in pdf.pages)
        with pdf.open_metadata() as xmp:
            assert xmp["pdfuaid:part"] == "1"
            assert "demande n° " in xmp["dc:title"]
        elements = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == "/StructElem"]
        sortes = {str(element.S) for element in elements}
        figures = [element for element in elements if element.S == "/Figure"]
        titres = [str(element.S) for element in elements if re.fullmatch("/H[1-6]", str(element.S))]
        descripteurs = [
            o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == "/FontDescriptor"
        ]
        assert {"/H1", "/H2", "/P", "/Table", "/TH", "/TD", "/Figure"} <= sortes
        assert titres.count("/H1") == 1
        assert len(figures) == 3
        assert all(str(figure.Alt) for figure in figures)
        assert descripteurs
        assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(d.keys()) for d in descripteurs)


def test_le_validateur_pdf_ua_ne_trouve_rien(cas, tmp_path):
    _, octets = cas
    chemin = tmp_path / "document.pdf"
    chemin.write_bytes(octets)

    rapport = pdfua.validate(chemin)

    assert not [f for f in rapport.findings if f.severity == pdfua.Severity.ERROR], rapport.findings


def test_weasyprint_n_a_rien_a_redire(etablir, caplog):
    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        operations.produire(etablir(DECISION))

    assert not [ligne for ligne in caplog.records if ligne.name == "weasyprint"]


# --- Atelier ---------------------------------------------------------------------------------------------------------


def test_polices_et_feuille_de_style_servent_a_tout_le_processus():
    assert _atelier(False) is _atelier(False)


@pytest.mark.parametrize(
    "adresse", ["file:///etc/passwd", "http://127.0.0.1:9/x.png", "/etc/passwd", "police:../models.py"]
)
def test_un_gabarit_ne_peut_rien_chercher_dehors(adresse, monkeypatch):
    html = f"<html lang=fr><title>t</title><img alt=x src='{adresse}'></html>"
    monkeypatch.setattr("documents.pdf.render_to_string", lambda *_: html)

    if adresse.startswith("/"):
        assert b"passwd" not in produire_pdf("x", {})  # sans adresse de base, un chemin ne mène nulle part
    else:
        with pytest.raises(AdresseRefusee):
            produire_pdf("x", {})


def test_une_police_inconnue_n_a_pas_de_chemin():
    assert chemin_de_police("autre.woff2") is None


def test_la_marque_de_l_etat_ne_parait_qu_avec_son_reglage(etablir, settings):
    document = etablir(DEPOT)
    assert "RÉPUBLIQUE" not in texte(operations.produire(document))

    settings.MARQUE_ETAT = True
    octets = operations.produire(document)

    assert "RÉPUBLIQUE FRANÇAISE Liberté Égalité Fraternité" in texte(octets)
    assert any("Marianne" in police for police in polices(octets)), polices(octets)
    assert codes(page(octets))["DataMatrix"]


def test_l_attestation_d_essai_se_dit_sans_valeur(rendus):
    assert "signé par l'autorité d'essai FR00 : sans valeur juridique" in texte(rendus["dépôt"][1])


def test_l_emission_est_au_jour_de_paris(etablir):
    tard = timezone.make_aware(dt.datetime(2026, 12, 31, 23, 59), dt.UTC)

    assert "Date d'émission : 01/01/2027" in texte(operations.produire(etablir(DEPOT, le=tard)))
