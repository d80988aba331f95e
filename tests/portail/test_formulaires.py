"""Le gabarit unique de champ : libellé, consigne, étoile, erreurs, et ce que lit un lecteur d'écran."""

import re

import pytest
from django import forms
from django.template.loader import render_to_string


class TroisParties(forms.MultiWidget):
    def __init__(self):
        super().__init__({"jour": forms.TextInput, "mois": forms.Select(choices=[("1", "janvier")])})

    def decompress(self, value):
        return [None, None]


class DateField(forms.Field):
    def clean(self, value):
        raise forms.ValidationError("Saisissez une date.")


class EssaiForm(forms.Form):
    nom = forms.CharField(label="Nom", help_text="Comme sur le titre", error_messages={"required": "Saisissez un nom."})
    surnom = forms.CharField(label="Surnom", required=False)
    accord = forms.BooleanField(label="Je certifie", error_messages={"required": "Cochez la case."})
    option = forms.BooleanField(label="Logé gratuitement", required=False)
    reponse = forms.ChoiceField(
        label="Réponse",
        choices=[("o", "Oui"), ("n", "Non")],
        widget=forms.RadioSelect,
        error_messages={"required": "Répondez."},
    )
    motif = forms.ChoiceField(label="Motif", choices=[("a", "Un motif assez long"), ("b", "Un autre motif long")],
                              widget=forms.CheckboxSelectMultiple, required=False)  # fmt: skip
    pays = forms.ChoiceField(label="Pays", choices=[("FR", "France")])
    piece = forms.FileField(label="Pièce", help_text="PDF", required=False, widget=forms.FileInput)
    secret = forms.CharField(label="Mot de passe", widget=forms.PasswordInput)
    date = DateField(label="Date", widget=TroisParties(), help_text="Jour puis mois")
    cache = forms.CharField(widget=forms.HiddenInput, required=False)


def rendre(nom, donnees=None):
    return re.sub(r"\s+", " ", EssaiForm(donnees)[nom].as_field_group())


def test_un_champ_obligatoire_porte_l_etoile_et_le_dit_aux_lecteurs_d_ecran():
    html = rendre("nom")
    assert '<label class="fr-label" for="id_nom">Nom&nbsp;<span class="champ__obligatoire">*</span>' in html
    assert 'aria-required="true"' in html
    assert " required" not in html.replace("aria-required", "")


def test_un_champ_facultatif_le_dit_en_toutes_lettres():
    assert "(facultatif)" in rendre("surnom")
    assert "(facultatif)" not in rendre("option")


def test_un_champ_en_erreur_garde_sa_consigne_et_son_message():
    html = rendre("nom", {})
    assert 'aria-describedby="id_nom_helptext id_nom_error"' in html
    assert 'id="id_nom_helptext"' in html
    assert 'id="id_nom_error"' in html
    assert 'aria-invalid="true"' in html
    assert "fr-input-group--error" in html


def test_un_champ_pas_encore_envoye_n_est_pas_dit_faux():
    assert "aria-invalid" not in rendre("nom")


def test_l_erreur_d_un_groupe_n_est_portee_que_par_le_groupe():
    html = rendre("reponse", {})
    assert html.count("id_reponse_error") == 2
    assert "aria-invalid" not in html
    assert '<fieldset class="fr-fieldset fr-fieldset--error"' in html


def test_oui_et_non_tiennent_sur_une_ligne_pas_de_longs_motifs():
    assert "fr-fieldset__element--inline" in rendre("reponse")
    assert "fr-fieldset__element--inline" not in rendre("motif")


@pytest.mark.parametrize(
    "nom,classe",
    [("nom", "fr-input"), ("pays", "fr-select"), ("piece", "fr-upload"), ("secret", "fr-password__input fr-input")],
)
def test_chaque_saisie_porte_la_classe_du_systeme_de_design(nom, classe):
    assert f'class="{classe}"' in rendre(nom)


def test_chaque_partie_d_une_date_porte_sa_propre_classe():
    html = rendre("date")
    assert re.search(r'<input[^>]*name="date_jour"[^>]*class="fr-input"|<input[^>]*class="fr-input"[^>]*', html)
    assert re.search(r'<select[^>]*class="fr-select"', html)
    assert 'aria-describedby="id_date_helptext"' in html


def test_un_fichier_est_lie_a_sa_consigne():
    assert 'aria-describedby="id_piece_helptext"' in rendre("piece")


def test_un_champ_cache_n_a_pas_de_libelle():
    assert "<label" not in rendre("cache")


def test_le_resume_des_erreurs_mene_a_la_premiere_reponse_possible():
    html = render_to_string("composants/erreurs.html", {"form": EssaiForm({})})
    assert '<a href="#id_nom">Saisissez un nom.</a>' in html
    assert '<a href="#id_reponse_0">Répondez.</a>' in html
    assert '<a href="#id_accord">Cochez la case.</a>' in html
    assert '<a href="#id_date_0">Saisissez une date.</a>' in html


def test_le_resume_se_tait_sans_erreur():
    assert render_to_string("composants/erreurs.html", {"form": EssaiForm()}).strip() == ""


def test_le_resume_accepte_d_autres_fautes():
    html = render_to_string("composants/erreurs.html", {"erreurs": [{"ancre": "x", "texte": "Ajoutez une pièce."}]})
    assert '<a href="#x">Ajoutez une pièce.</a>' in html


def test_une_reponse_vide_se_lit_non_renseigne():
    html = render_to_string(
        "composants/resume.html", {"lignes": [{"libelle": "Nom d'usage", "valeur": "", "lien": "/x"}]}
    )
    assert "Non renseigné" in html
    assert re.sub(r"\s+", " ", html).count("Nom d&#x27;usage") == 2
