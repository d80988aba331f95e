"""Chaque message × canal × langue : les gabarits existent, se rendent, et disent ce qu'ils doivent."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from notifications.catalogue import MODELES, Canal, Message
from notifications.composition import composer
from tests.notifications.conftest import LIEN, NUMERO

NOM = "Éloïse D'ÀÉÎÖÜ-ŁUKASZ"
SERVICE = {
    "libelle": "Préfecture de police de Paris", "adresse": "1 place de l'Exemple, 75004 Paris",
    "courriel": "sejour@prefecture-75.invalid", "telephone": "01 00 00 00 00",
}  # fmt: skip
CONTEXTES = {
    Message.INSCRIPTION: {"lien_signe": LIEN},
    Message.INSCRIPTION_REFUSEE: {},
    Message.COMPTE_EXISTANT: {},
    Message.MOT_DE_PASSE: {"lien_signe": LIEN, "nom": NOM},
    Message.COORDONNEES: {"lien_signe": LIEN, "nom": NOM},
    Message.COORDONNEES_AVIS: {"lien_signe": LIEN, "nom": NOM},
    Message.DEPOT: {
        "numero": NUMERO, "demarche": "etudiant", "nom": NOM, "sms": True, "service": SERVICE,
        "recu_le": "2020-06-29T15:38:42+00:00", "echeance_legale": "2020-09-27",
    },
    Message.PRISE_EN_CHARGE: {"numero": NUMERO, "nom": NOM},
    Message.COMPLEMENT: {"numero": NUMERO, "nom": NOM, "sms": True, "jours": 30},
    Message.COMPLEMENT_ABANDONNE: {"numero": NUMERO, "nom": NOM},
    Message.COMPLEMENT_RELANCE: {"numero": NUMERO, "nom": NOM, "sms": True, "echeance": "2026-12-31", "echu": False},
    Message.DECISION: {"numero": NUMERO, "nom": NOM, "sens": "defavorable"},
    Message.CLOTURE: {
        "numero": NUMERO, "nom": NOM, "phrase": "Votre demande n'a plus d'objet.",
        "phrase_en": "Your application no longer has a purpose.", "texte": "Vous avez reçu un autre titre.",
    },
    Message.REOUVERTURE: {"numero": NUMERO, "nom": NOM, "par_usager": True, "fichiers": 2},
    Message.DEMANDE_RETIREE: {"numero": NUMERO, "nom": NOM, "sms": True},
    Message.ACTE_NON_FAIT: {"numero": NUMERO, "geste": "signer_refus", "echec": "dossier_change"},
    Message.OUVERTURE_DEPOT: {"nom": NOM, "date": "2027-02-01"},
    Message.PROLONGATION: {
        "numero": NUMERO, "nom": NOM, "du": "2026-11-23", "au": "2027-02-22", "travail": "accessoire", "piece": "titre",
    },
    Message.FABRICATION: {"numero": NUMERO, "nom": NOM},
    Message.TITRE_DISPONIBLE: {
        "numero": NUMERO, "nom": NOM, "lieu": "Préfecture de police\n1 place de l'Exemple", "horaires": "9 h à 16 h",
        "documents": ["identite", "titre", "timbre", "inscription", "attestation"], "consigne": "Guichet 4.",
        "montant": "75.00",
    },
    Message.TRANSFERT: {"numero": NUMERO, "nom": NOM, "service": SERVICE},
    Message.NUMERO_ATTRIBUE: {"numero": NUMERO, "nom": NOM, "numero_etranger": "7703004369"},
}  # fmt: skip
LANGUES = [code for code, _ in settings.LANGUAGES]
GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # sans la table d'extension, dont chaque caractère compte double
GABARITS = Path(settings.BASE_DIR) / "templates"


class Lecteur(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.balises, self.attributs, self.texte = [], [], ""
        self.feed(html)

    def handle_starttag(self, balise, attributs):
        self.balises.append(balise)
        self.attributs.append((balise, dict(attributs)))

    def handle_data(self, texte):
        self.texte += texte


def courriel(message, langue="fr", **contexte):
    return composer(message, canal=Canal.COURRIEL, contexte={**CONTEXTES[message], **contexte}, langue=langue)


def test_chaque_message_a_son_entree_et_son_contexte_d_essai():
    assert set(MODELES) == set(Message) == set(CONTEXTES)


def test_chaque_message_a_ses_gabarits_et_chaque_gabarit_son_message():
    attendus = {"courriels/base.html", "courriels/base.txt"}
    for message, modele in MODELES.items():
        if Canal.COURRIEL in modele.canaux:
            attendus |= {f"courriels/{message}.{fin}" for fin in ("sujet.txt", "txt", "html")}
        if Canal.SMS in modele.canaux:
            attendus.add(f"sms/{message}.txt")

    presents = {str(f.relative_to(GABARITS)) for d in ("courriels", "sms") for f in (GABARITS / d).iterdir()}

    assert presents == attendus


@pytest.mark.parametrize("langue", LANGUES)
@pytest.mark.parametrize("message", Message)
def test_un_courriel_se_rend_en_texte_et_en_html(message, langue):
    ecrit = courriel(message, langue)
    html = Lecteur(ecrit.html)

    assert 10 < len(ecrit.sujet) <= 78
    for texte in (ecrit.texte, html.texte):
        if "nom" in CONTEXTES[message]:
            assert NOM in texte
        if "numero" in CONTEXTES[message]:
            assert NUMERO in texte
        assert settings.ASSISTANCE_TELEPHONE in texte and settings.ASSISTANCE_COURRIEL in texte
    if "numero" in CONTEXTES[message]:
        assert NUMERO in ecrit.sujet
    assert "&" not in ecrit.sujet + ecrit.texte.replace("&nbsp;", "")  # rien d'échappé hors du HTML
    assert "{" not in ecrit.sujet + ecrit.texte
    assert f'<html lang="{langue}">' in ecrit.html
    assert html.balises.count("h1") == 1
    assert html.texte.count(ecrit.sujet) == 2  # titre et h1
    assert not {"table", "img", "script", "link"} & set(html.balises)
    for _, attributs in html.attributs:
        assert re.match(r"https?://|mailto:", attributs.get("href", "https://"))


@pytest.mark.parametrize("langue", LANGUES)
@pytest.mark.parametrize("message", [m for m, modele in MODELES.items() if Canal.SMS in modele.canaux])
def test_un_sms_tient_en_160_caracteres_gsm(message, langue):
    texte = composer(message, canal=Canal.SMS, contexte=CONTEXTES[message], langue=langue).texte

    assert len(texte) <= 160
    assert not set(texte) - GSM7
    assert NUMERO in texte and NOM not in texte
    assert "http" not in texte


def test_le_courriel_de_depot_dit_les_mots_du_guide_et_l_accuse_de_reception():
    ecrit = courriel(Message.DEPOT)

    for texte in (ecrit.texte, Lecteur(ecrit.html).texte):
        assert "Bonjour " + NOM in texte
        assert "a bien été enregistrée. Elle sera instruite par les services de l'État." in texte
        assert "par message électronique et SMS vous invitant à vous connecter" in texte
        assert "La Direction Générale des Étrangers en France" in texte
        assert "29/06/2020 à 17:38:42" in texte
        for valeur in SERVICE.values():
            assert valeur in texte
        assert "27/09/2020" in texte and "décision implicite de rejet" in texte and "recours gracieux" in texte


def test_le_courriel_de_depot_se_tait_sur_ce_qu_on_ne_lui_donne_pas():
    ecrit = composer(
        Message.DEPOT, canal=Canal.COURRIEL, langue="fr",
        contexte={"numero": NUMERO, "demarche": "etudiant", "nom": "JEAN BOUYA", "sms": False},
    )  # fmt: skip

    for mot in ("SMS", "recours", "None", "Demande reçue", "Service chargé"):
        assert mot not in ecrit.texte and mot not in Lecteur(ecrit.html).texte


def test_le_titre_a_retirer_dit_ou_quand_avec_quoi_et_combien():
    ecrit = courriel(Message.TITRE_DISPONIBLE)
    for texte in (ecrit.texte, Lecteur(ecrit.html).texte):
        for dit in ("1 place de l'Exemple", "9 h à 16 h", "certificat d'inscription définitif", "Guichet 4.", "75 €"):
            assert dit in texte
    assert "Vous n'avez rien à régler." in courriel(Message.TITRE_DISPONIBLE, montant="").texte


def test_la_prolongation_donne_ses_dates_et_le_courriel_tait_le_numero_attribue():
    assert "du 23/11/2026 au 22/02/2027" in courriel(Message.PROLONGATION).texte
    assert "7703004369" not in courriel(Message.NUMERO_ATTRIBUE).texte


def test_la_decision_ne_dit_pas_son_sens():
    favorable, refus = (courriel(Message.DECISION, sens=sens) for sens in ("favorable", "defavorable"))

    assert favorable == refus
    assert "votre demande n° 7502202006290000030 a été traitée." in favorable.texte
    assert "Le service instructeur" in favorable.texte


def test_l_activation_a_un_lien_copiable_24_heures_et_comment_recommencer():
    ecrit = courriel(Message.INSCRIPTION)
    lien = re.search(r"^http\S+$", ecrit.texte, re.M)[0]

    assert "24 heures" in ecrit.texte and "de nouveau renseigner" in ecrit.texte
    assert lien.startswith(settings.ADRESSE_DU_SITE)
    assert lien.split("?")[0].count("/") > 3
    liens = [attributs["href"] for balise, attributs in Lecteur(ecrit.html).attributs if balise == "a"]
    assert sum(adresse.startswith(settings.ADRESSE_DU_SITE) for adresse in liens) == 3  # bouton, copie, connexion


@pytest.mark.parametrize(
    "message",
    [Message.DEPOT, Message.DECISION, Message.PRISE_EN_CHARGE, Message.OUVERTURE_DEPOT, Message.COMPTE_EXISTANT],
)
def test_ce_qui_mene_au_portail_a_son_bouton_se_connecter(message):
    html = courriel(message).html

    assert re.search(r'class="bouton" href="[^"]+/compte/[^"]*">Se connecter<', html)


def test_un_nom_hostile_est_echappe_dans_le_html_seulement():
    ecrit = courriel(Message.DECISION, nom="<script>alert(1)</script> & Cie")

    assert "<script>" not in ecrit.html
    assert "Bonjour <script>alert(1)</script> & Cie," in ecrit.texte


def test_un_sujet_tient_sur_une_ligne():
    assert "\n" not in courriel(Message.DECISION, numero=f"{NUMERO}\nBcc: x").sujet


def test_la_langue_de_l_appelant_ne_change_rien():
    francais = courriel(Message.DECISION)
    with translation.override("en"):
        assert courriel(Message.DECISION) == francais


@pytest.mark.parametrize(("marque", "presente"), [(True, True), (False, False)])
def test_l_en_tete_de_l_etat_ne_parait_qu_avec_sa_marque(settings, marque, presente):
    settings.MARQUE_ETAT = marque
    ecrit = courriel(Message.DECISION)

    for texte in (ecrit.texte, Lecteur(ecrit.html).texte):
        assert ("Ministère de l'intérieur" in texte) is presente
