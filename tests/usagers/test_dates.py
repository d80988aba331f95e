"""Les dates dont une partie est inconnue."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usagers.dates import DateImpossible, DatePartielle


@pytest.mark.parametrize(
    ("texte", "affichage", "au_plus_tot", "au_plus_tard"),
    [
        ("1993-02-07", "07/02/1993", dt.date(1993, 2, 7), dt.date(1993, 2, 7)),
        ("1980-00-00", "00/00/1980", dt.date(1980, 1, 1), dt.date(1980, 12, 31)),
        ("1980-02-00", "00/02/1980", dt.date(1980, 2, 1), dt.date(1980, 2, 29)),
    ],
)
def test_une_date_partielle_dit_ses_bornes(texte, affichage, au_plus_tot, au_plus_tard):
    date = DatePartielle.lire(texte)
    assert str(date) == texte
    assert (date.affichage, date.au_plus_tot, date.au_plus_tard) == (affichage, au_plus_tot, au_plus_tard)
    assert date.est_complete is (au_plus_tot == au_plus_tard)


@pytest.mark.parametrize(
    "texte",
    ["", "1980", "07/02/1993", "1980-13-01", "1981-02-29", "1980-04-31", "0000-01-01", "1980-00-12", "١٩٨٠-٠٠-٠٠"],
)
def test_une_date_impossible_est_refusee(texte):
    with pytest.raises(DateImpossible):
        DatePartielle.lire(texte)


def test_la_majorite_est_comptee_au_plus_tard():
    naissance = DatePartielle.lire("2008-00-00")
    assert naissance.age_au(dt.date(2026, 12, 30)) == 17
    assert naissance.age_au(dt.date(2026, 12, 31)) == 18


def test_l_age_change_le_jour_anniversaire():
    naissance = DatePartielle.du(dt.date(1993, 2, 7))
    assert [naissance.age_au(dt.date(2026, 2, jour)) for jour in (6, 7)] == [32, 33]


@given(st.dates())
def test_toute_date_se_relit_et_vaut_ses_deux_bornes(jour):
    date = DatePartielle.lire(str(DatePartielle.du(jour)))
    assert date.au_plus_tot == date.au_plus_tard == jour


@given(st.text(alphabet="0123456789-/ ", max_size=12))
def test_tout_texte_est_lu_ou_refuse(texte):
    try:
        date = DatePartielle.lire(texte)
    except DateImpossible:
        return
    assert str(date) == texte.strip()
    assert date.au_plus_tot <= date.au_plus_tard


@given(st.lists(st.builds(DatePartielle, st.integers(1, 9999)) | st.dates().map(DatePartielle.du)))
def test_le_texte_se_trie_comme_la_date(dates):
    assert [str(date) for date in sorted(dates)] == sorted(str(date) for date in dates)
