"""La date en trois champs et le téléphone."""

import datetime as dt

import pytest
from django import forms
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from usagers.champs import DateTroisChampsField, TelephoneField
from usagers.dates import DatePartielle


class TitreForm(forms.Form):
    use_required_attribute = False

    debut = DateTroisChampsField(label="Date de début", objet="la date de début de validité", mois_en_lettres=True)
    naissance = DateTroisChampsField(
        label="Date de naissance", partielle=True, required=False, autocomplete="bday", help_text="Comme sur l'acte."
    )


def titre(jour="9", mois="3", annee="2026", **autres):
    return TitreForm({"debut_0": jour, "debut_1": mois, "debut_2": annee, **autres})


def naissance(jour, mois, annee):
    return titre(naissance_0=jour, naissance_1=mois, naissance_2=annee)


def test_trois_champs_font_une_date():
    form = titre()
    assert form.is_valid()
    assert form.cleaned_data == {"debut": dt.date(2026, 3, 9), "naissance": None}


@pytest.mark.parametrize("mois", ["3", "03", " 3 ", "mars", "MARS", "٣"])
def test_le_mois_se_tape_en_chiffres_ou_en_lettres(mois):
    assert titre(mois=mois).is_valid()


@pytest.mark.parametrize(
    ("parties", "faute", "phrase"),
    [
        (("", "", ""), (0, 1, 2), "Saisissez la date de début de validité"),
        (("", "3", ""), (0, 2), "il manque le jour et l'année"),
        (("9", "", "2026"), (1,), "il manque le mois"),
        (("32", "3", "2026"), (0,), "Corrigez le jour"),
        (("x", "3", "2026"), (0,), "Corrigez le jour"),
        (("9", "13", "2026"), (1,), "Corrigez le mois"),
        (("9", "3", "26"), (2,), "quatre chiffres"),
        (("9", "3", "20 26x"), (2,), "quatre chiffres"),
        (("9", "3", "1026"), (2,), "elle va de 1900 à 2100"),
        (("31", "2", "2026"), (0,), "le 31/02/2026 n'existe pas"),
        (("00", "3", "2026"), (0,), "Corrigez le jour"),
    ],
)
def test_une_date_refusee_dit_quelle_partie(parties, faute, phrase):
    form = titre(*parties)
    assert not form.is_valid()
    assert phrase in form.errors["debut"][0]
    html = str(form["debut"])
    assert html.count('aria-invalid="true"') == len(faute)
    assert all(f'id="id_debut_{rang}"' in html for rang in range(3))
    assert form["debut"].id_for_label == f"id_debut_{faute[0]}"
    assert form.fields["debut"].widget.rang_fautif == faute[0]


def test_ce_qui_est_tape_est_garde_tel_quel():
    html = str(titre("32", "3", "26")["debut"])
    assert 'value="32"' in html
    assert 'value="26"' in html
    assert '<option value="3" selected>Mars</option>' in html


def test_une_date_ecrite_en_anglais_se_relit():
    with translation.override("en"):
        form = titre(mois="03")
        assert form.is_valid()
        assert form.cleaned_data["debut"] == dt.date(2026, 3, 9)


def test_une_date_gardee_remplit_les_trois_champs():
    form = TitreForm(initial={"debut": dt.date(2026, 3, 9), "naissance": DatePartielle(1980)})
    html = form.as_p()
    assert '<option value="3" selected>Mars</option>' in html
    assert 'name="debut_0" value="09"' in html
    assert 'name="naissance_1" value="00"' in html
    assert 'autocomplete="bday-year"' in html


@pytest.mark.parametrize(
    ("parties", "texte"),
    [
        (("", "", "1980"), "1980-00-00"),
        (("00", "00", "1980"), "1980-00-00"),
        (("", "02", "1980"), "1980-02-00"),
        (("7", "2", "1993"), "1993-02-07"),
    ],
)
def test_une_date_partielle_est_acceptee_la_ou_elle_peut_l_etre(parties, texte):
    form = naissance(*parties)
    assert form.is_valid(), form.errors
    assert str(form.cleaned_data["naissance"]) == texte


@pytest.mark.parametrize("parties", [("7", "", "1993"), ("7", "2", ""), ("30", "2", "1993")])
def test_une_date_partielle_impossible_est_refusee(parties):
    assert "naissance" in naissance(*parties).errors


def test_une_date_inchangee_ne_compte_pas_comme_changee():
    champ = DateTroisChampsField()
    assert not champ.has_changed(dt.date(2026, 3, 9), ["09", "03", "2026"])
    assert champ.has_changed(dt.date(2026, 3, 9), ["10", "03", "2026"])
    assert not champ.has_changed(None, ["", "", ""])


def test_le_groupe_a_une_legende_et_chaque_partie_son_etiquette():
    html = titre()["naissance"].as_field_group()
    assert "<fieldset" in html
    assert all(f'for="id_naissance_{rang}"' in html for rang in range(3))


@given(st.lists(st.text(max_size=8), min_size=3, max_size=3), st.booleans())
def test_tout_ce_qui_est_tape_est_lu_ou_refuse(parties, partielle):
    champ = DateTroisChampsField(required=False, partielle=partielle)
    try:
        date = champ.clean(parties)
    except forms.ValidationError as refus:
        assert refus.messages[0].endswith(".")
    else:
        assert date is None or champ.clean(champ.widget.decompress(date)) == date


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)))
def test_toute_date_montree_se_relit(jour):
    champ = DateTroisChampsField(mois_en_lettres=True)
    assert champ.clean(champ.widget.decompress(jour)) == jour


@pytest.mark.parametrize(
    ("saisi", "garde"),
    [
        ("06 01 02 03 04", "+33601020304"),
        ("06.01.02.03.04", "+33601020304"),
        ("+33 (0)6 01 02 03 04", "+33601020304"),
        ("0033601020304", "+33601020304"),
        ("+223 70 12 34 56", "+22370123456"),
        ("0692 12 34 56", "+262692123456"),
        ("0696 20 12 34", "+596696201234"),
    ],
)
def test_un_telephone_est_garde_en_e164(saisi, garde):
    assert TelephoneField(mobile=True).clean(saisi) == garde


@pytest.mark.parametrize(
    ("saisi", "phrase"),
    [
        ("", "Saisissez un numéro"),
        ("06 01 02", "Vérifiez le numéro"),
        ("0601020304 poste 2", "Vérifiez le numéro"),
        ("+999 123456", "Vérifiez le numéro"),
        ("!!!", "Vérifiez le numéro"),
        ("01 42 34 56 78", "téléphone portable"),
    ],
)
def test_un_telephone_refuse_dit_pourquoi(saisi, phrase):
    with pytest.raises(forms.ValidationError) as refus:
        TelephoneField(mobile=True).clean(saisi)
    assert phrase in refus.value.messages[0]


def test_un_telephone_fixe_suffit_quand_le_portable_n_est_pas_exige():
    assert TelephoneField().clean("01 42 34 56 78") == "+33142345678"
    assert TelephoneField(required=False).clean("") == ""


def test_le_telephone_est_montre_comme_on_l_ecrit():
    champ = TelephoneField()
    assert champ.prepare_value("+33601020304") == "06 01 02 03 04"
    assert champ.prepare_value("+22370123456") == "+223 70 12 34 56"
    assert champ.prepare_value("06.01 02") == "06.01 02"
    assert not champ.has_changed("+33601020304", "06 01 02 03 04")


@given(st.text(max_size=30))
def test_tout_telephone_est_lu_ou_refuse(texte):
    champ = TelephoneField(required=False)
    try:
        numero = champ.clean(texte)
    except forms.ValidationError:
        return
    assert numero == "" or champ.clean(champ.prepare_value(numero)) == numero
