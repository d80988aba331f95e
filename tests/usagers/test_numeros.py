"""Les numéros : formes acceptées, formes gardées, phrases de refus."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from usagers import numeros

LECTURES = [
    numeros.lire_numero_etranger, numeros.lire_numero_visa, numeros.lire_numero_titre, numeros.lire_numero_document,
    numeros.lire_numero_ephoto, numeros.lire_numero_timbre, numeros.lire_numero_demande,
]  # fmt: skip


@pytest.mark.parametrize(
    ("saisi", "garde"),
    [
        (" 7703004369 ", "7703004369"),
        ("77 03 00 43 69", "7703004369"),
        ("77.03-00–43\u202f69\u200b", "7703004369"),
        ("٧٧٠٣٠٠٤٣٦٩", "7703004369"),
        ("7703004369", "7703004369"),
        ("fra 012-345-678", "FRA012345678"),
    ],
)
def test_un_numero_est_normalise(saisi, garde):
    assert numeros.normaliser(saisi) == garde


@pytest.mark.parametrize(
    ("lire", "saisi", "garde"),
    [
        (numeros.lire_numero_etranger, "0103004369", "0103004369"),
        (numeros.lire_numero_etranger, "770300436", "770300436"),
        (numeros.lire_numero_visa, "012345678", "FRA012345678"),
        (numeros.lire_numero_visa, "fra012345678", "FRA012345678"),
        (numeros.lire_numero_visa, "DZA0123456ab", "DZA0123456AB"),
        (numeros.lire_numero_titre, "ts1234567", "TS1234567"),
        (numeros.lire_numero_titre, "7503119958", "7503119958"),
        (numeros.lire_numero_document, "FRA 012345678", "FRA012345678"),
        (numeros.lire_numero_ephoto, "1PMT-EK77-0613-1138-07AA-00", "1PMTEK770613113807AA00"),
        (numeros.lire_numero_timbre, "0123 4567 8901 2345", "0123456789012345"),
        (numeros.lire_numero_demande, "7502 20200629 0000030", "7502202006290000030"),
    ],
)
def test_une_forme_acceptee_est_gardee(lire, saisi, garde):
    assert lire(saisi) == garde


@pytest.mark.parametrize(
    ("lire", "saisi"),
    [
        (numeros.lire_numero_etranger, "77030043"),
        (numeros.lire_numero_etranger, "77030043690"),
        (numeros.lire_numero_etranger, "770300436A"),
        (numeros.lire_numero_visa, "01234567"),
        (numeros.lire_numero_visa, "FRA0123456789"),
        (numeros.lire_numero_titre, "TS12345678901"),
        (numeros.lire_numero_titre, "ÉÉÉÉÉÉÉÉÉ"),
        (numeros.lire_numero_document, "12345678"),
        (numeros.lire_numero_document, "77030043691"),
        (numeros.lire_numero_ephoto, "1PMTEK770613113807AA0"),
        (numeros.lire_numero_timbre, "012345678901234X"),
        (numeros.lire_numero_demande, "750220200629000003"),
    ],
)
def test_une_forme_impossible_est_refusee_par_une_phrase_qui_aide(lire, saisi):
    with pytest.raises(ValidationError) as refus:
        lire(saisi)
    assert refus.value.messages[0].startswith("Saisissez ")
    assert refus.value.messages[0].endswith(".")


def test_neuf_chiffres_sont_acceptes_avec_un_avertissement():
    assert numeros.avertissement_numero_etranger("770300436")
    assert not numeros.avertissement_numero_etranger("7703004369")


def test_neuf_chiffres_peuvent_abreger_un_visa():
    assert numeros.formes_possibles("012345678") == ["012345678", "FRA012345678"]
    assert numeros.formes_possibles("7703004369") == ["7703004369"]


def test_l_ephoto_est_groupee_comme_sur_la_planche():
    assert numeros.grouper_ephoto("1PMTEK770613113807AA00") == "1PMT - EK77 - 0613 - 1138 - 07AA - 00"


@given(st.text(max_size=60))
def test_tout_texte_est_lu_ou_refuse(texte):
    for lire in LECTURES:
        try:
            numero = lire(texte)
        except ValidationError:
            continue
        assert numero.isascii()
        assert lire(numero) == numero


@given(st.from_regex(numeros.NUMERO_EPHOTO, fullmatch=True))
def test_l_affichage_groupe_se_relit(numero):
    assert numeros.lire_numero_ephoto(numeros.grouper_ephoto(numero)) == numero


@given(st.text(max_size=60))
def test_normaliser_deux_fois_ne_change_rien(texte):
    une_fois = numeros.normaliser(texte)
    assert numeros.normaliser(une_fois) == une_fois


@given(
    st.from_regex(r"[A-Z0-9]{9,22}", fullmatch=True),
    st.lists(st.sampled_from([" ", ".", "-", "\u00a0", "\u202f", "–", "\t"])),
    st.data(),
)
def test_les_separateurs_ne_changent_pas_le_numero(numero, separateurs, donnees):
    saisi = numero
    for separateur in separateurs:
        rang = donnees.draw(st.integers(0, len(saisi)))
        saisi = saisi[:rang] + separateur + saisi[rang:]
    assert numeros.normaliser(saisi.lower()) == numero
