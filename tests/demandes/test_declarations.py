"""Une démarche est un fichier : ses fautes se disent au démarrage, sa déclaration se lit, le moteur n'en sait rien."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from django import forms
from django.core.management import CommandError, call_command
from django.urls import reverse

from demandes.demarches import DECLARATIONS, DEMARCHES
from demandes.demarches.base import Cas, Demarche, Etape, Piece, Rubrique, TitreDelivrable, regle
from demandes.demarches.controles import fautes
from demandes.demarches.etapes import CONFIRMATION, INFORMATIONS, JUSTIFICATIFS, RECAPITULATIF
from demandes.demarches.formulaires import EtapeForm, Groupe
from demandes.models import PieceReference
from demandes.parcours import Parcours
from tests.demandes.reponses import INFORMATIONS as REPONSES
from tests.situations import joindre_tout, tout_relire

RACINE = Path(__file__).resolve().parent.parent.parent


class ProjetForm(EtapeForm):
    """Une étape que seule cette démarche inventée pose."""

    groupes = (Groupe("projet", "Projet", ("enfant", "age")),)
    conditions = {"age": ("enfant", ("oui",))}

    enfant = forms.ChoiceField(label="Un enfant ?", choices=[("oui", "Oui"), ("non", "Non")])
    age = forms.IntegerField(label="Son âge", min_value=0)


@regle("Si vous avez un enfant", "projet")
def avec_un_enfant(reponses, contexte):
    return reponses["projet"]["enfant"] == "oui"


R_PROJET = Rubrique("Projet")
LUNE = Cas("LUNE", premiere_demande=True, fenetre=False)
INVENTEE = Demarche(
    code="lune",
    objet="titre_sejour",
    intitule="titre de séjour lunaire",
    public="aller sur la Lune",
    titre_page="Je vais sur la Lune",
    type_de_demande=lambda cas: "Demande lunaire",
    choix=lambda cas: "Je pars",
    bouton_choix="Continuer",
    bouton_preambule="Commencer",
    preambule="demandes/preambules/citoyen_ue.html",
    cas=lambda contexte: LUNE,
    tous_les_cas=(LUNE,),
    etapes=(
        INFORMATIONS,
        Etape("projet", "Projet", "Votre projet.", form=ProjetForm),
        JUSTIFICATIFS,
        RECAPITULATIF,
        CONFIRMATION,
    ),
    pieces=(
        Piece("BILLET", R_PROJET),
        Piece("ENFANT", R_PROJET, demandee_si=avec_un_enfant),
        Piece("SERMENT", R_PROJET, declaration=True),
    ),
    titres=(TitreDelivrable("LUNE", "carte de séjour", "LUNAIRE", 12, "citoyen_ue.taxe", "CST", "visiteur"),),
    silence="sejour.silence",
    categorie="LUNAIRE",
)


@pytest.fixture
def inventee(monkeypatch, droit):
    monkeypatch.setitem(DEMARCHES, "lune", INVENTEE)
    PieceReference.objects.bulk_create(
        PieceReference(
            code=f"lune.{code}", du="2020-01-01", libelle=code, libelle_en=code, texte=f"Texte {code}", texte_en=code
        )
        for code in ("BILLET", "ENFANT", "SERMENT")
    )
    return INVENTEE


def repondre(client, url, **donnees):
    reponse = client.post(url, {"action": "poursuivre", "version": "0", **donnees})
    assert reponse.status_code == 302, reponse.content.decode()
    return reponse["Location"]


@pytest.mark.django_db
def test_une_demarche_inventee_se_parcourt_jusqu_au_depot_sans_toucher_au_moteur(client, inventee, usager, le):
    client.force_login(usager.compte, backend="usagers.backends.IdentifiantBackend")
    assert "Je pars" in client.get(reverse("demandes:situation")).content.decode()
    assert client.get(reverse("demandes:preambule", args=["lune"])).status_code == 200
    url = client.post(reverse("demandes:commencer", args=["lune"]))["Location"]
    demande = usager.demandes.get()

    url = repondre(client, url, **{nom: valeurs[0] for nom, valeurs in REPONSES.items()})
    assert url.endswith("/projet/")
    url = repondre(client, url, enfant="oui", age="3")
    assert [piece.code for piece in Parcours(demande, le=le).pieces] == ["BILLET", "ENFANT", "SERMENT"]
    joindre_tout(demande, le=le)
    url = repondre(client, url, declaree_SERMENT="on")
    assert url.endswith("/recapitulatif/") and "Son âge" in client.get(url).content.decode()
    tout_relire(demande, le=le)
    recu = client.post(url, {"action": "deposer", "declaration": "on"})["Location"]

    demande.refresh_from_db()
    assert demande.numero and demande.numero in client.get(recu).content.decode()
    assert demande.instantanes.get().contenu["pieces"][2]["declaration"] == "Texte SERMENT"


@pytest.mark.django_db
def test_une_condition_ne_recoit_que_les_etapes_qu_elle_nomme(inventee, usager, le):
    @regle("Menteuse")
    def menteuse(reponses, contexte):
        return reponses["projet"]["enfant"] == "oui"

    with pytest.raises(KeyError):
        menteuse({"projet": {"enfant": "oui"}}, None)


# --- Contrôles au démarrage ------------------------------------------------------------------------------------------
def messages(*declarations) -> list[str]:
    return [f"{faute.id} {faute.msg}".replace("\u00a0", " ") for faute in fautes(declarations)]


def test_les_declarations_du_portail_sont_sans_faute():
    assert messages(*DECLARATIONS) == []


ETUDIANT = DEMARCHES["etudiant"]


class FormSansMaitre(ProjetForm):
    conditions = {"age": ("telephone", ("oui",))}


class FormALEnvers(ProjetForm):
    groupes = (Groupe("projet", "Projet", ("age", "enfant")),)


PLUS_TARD = regle("Si tout va bien", "recapitulatif")(lambda reponses, contexte: True)


@pytest.mark.parametrize(
    ("declaration", "attendu"),
    [
        (replace(ETUDIANT, pieces=(*ETUDIANT.pieces, ETUDIANT.pieces[0])), "E001"),
        (replace(ETUDIANT, etapes=(INFORMATIONS, *ETUDIANT.etapes)), "E001"),
        (replace(ETUDIANT, pieces=(Piece("PASSEPORT", R_PROJET, demandee_si=PLUS_TARD),)), "lit l'étape « recap"),
        (
            replace(ETUDIANT, etapes=(INFORMATIONS, Etape("x", "X", "", form=FormSansMaitre), *ETUDIANT.etapes[-3:]),
                    pieces=()),
            "lit « telephone », d'une autre étape",
        ),
        (
            replace(ETUDIANT, etapes=(INFORMATIONS, Etape("x", "X", "", form=FormALEnvers), *ETUDIANT.etapes[-3:]),
                    pieces=()),
            "lit « enfant », qui vient après",
        ),
        (replace(ETUDIANT, pieces=(Piece("INVENTEE", R_PROJET),)), "libelle et libelle_en manque"),
        (replace(ETUDIANT, preambule="demandes/preambules/nulle_part.html"), "E004"),
        (replace(ETUDIANT, etapes=ETUDIANT.etapes[1:], pieces=()), "E005"),
        (replace(ETUDIANT, etapes=ETUDIANT.etapes[:-1]), "E005"),
        (replace(ETUDIANT, silence="jamais"), "barème « jamais »"),
    ],
)  # fmt: skip
def test_une_declaration_fautive_est_nommee(declaration, attendu):
    dites = messages(declaration)
    assert any(attendu in faute and "démarche « etudiant »" in faute for faute in dites), dites


def test_deux_declarations_de_meme_code_sont_refusees():
    assert any("E001" in faute and "2 déclarations" in faute for faute in messages(ETUDIANT, ETUDIANT))


def test_un_libelle_anglais_oublie_se_dit(monkeypatch):
    lire = "demandes.demarches.controles.lire_donnees"
    sans_anglais = {"lune.BILLET": {"libelle": "Billet", "libelle_en": ""}}
    monkeypatch.setattr(lire, lambda nom: sans_anglais if nom == "pieces.json" else {})
    dites = messages(replace(INVENTEE, pieces=(Piece("BILLET", R_PROJET),)))
    assert any("lune.BILLET" in faute and "libelle_en manque" in faute for faute in dites)


# --- manage.py demarches ---------------------------------------------------------------------------------------------
def ecrire(capsys, *arguments) -> str:
    call_command("demarches", *arguments)
    return capsys.readouterr().out.replace("\u00a0", " ")


def test_la_commande_ecrit_ce_que_la_declaration_dit(capsys):
    decrites = {d["code"]: d for d in json.loads(ecrire(capsys, "--format", "json"))}

    assert list(decrites) == list(DEMARCHES)
    for code, demarche in DEMARCHES.items():
        decrite = decrites[code]
        assert [e["code"] for e in decrite["etapes"]] == [e.code for e in demarche.etapes]
        assert [p["code"] for p in decrite["pieces"]] == [p.code for p in demarche.pieces]
        assert [t["code"] for t in decrite["titres"]] == [t.code for t in demarche.titres]
    mobilite = next(p for p in decrites["etudiant"]["pieces"] if p["code"] == "MOBILITE")
    assert mobilite["condition"] == "Si vous suivez un programme de mobilité"
    champs = {
        c["code"]: c
        for e in decrites["etudiant"]["etapes"]
        for g in e["groupes"]
        for c in g["champs"]
    }  # fmt: skip
    assert champs["ressources.montant"]["genre"] == "montant" and champs["nationalite_conjoint"]["condition"]
    assert "adresse_cle" not in champs


@pytest.mark.parametrize("format_", ["texte", "md"])
def test_la_commande_se_lit_aussi_en_texte_et_en_markdown(capsys, format_):
    dit = ecrire(capsys, "--code", "citoyen_ue", "--format", format_)
    for mot in ("Pièces justificatives", "DECL_PRESENCE", "120 mois", "sejour.silence", "Selon votre logement"):
        assert mot in dit
    assert "etudiant" not in dit


def test_une_demarche_inconnue_se_dit():
    with pytest.raises(CommandError, match="Connues : etudiant, citoyen_ue"):
        call_command("demarches", "--code", "inconnue")


# --- Le moteur ne connaît aucune démarche ----------------------------------------------------------------------------
def test_aucun_code_de_demarche_ne_se_compare_hors_de_sa_declaration():
    codes = "|".join(DEMARCHES)
    code = f"""["'](?:{codes})["']"""
    compare = re.compile(rf"(?:==|!=|\bin\b|\bcase\b)[ ({{\[]*{code}|{code} *(?:==|!=|in\b)")
    fautives = []
    for dossier in ("usagers", "demandes", "instruction", "documents", "notifications", "templates"):
        for chemin in (RACINE / dossier).rglob("*"):
            if chemin.suffix in {".py", ".html", ".txt"} and "demarches" not in chemin.parts:
                fautives += [
                    f"{chemin.relative_to(RACINE)} : {ligne.strip()}"
                    for ligne in chemin.read_text().splitlines()
                    if compare.search(ligne)
                ]
    assert fautives == []
