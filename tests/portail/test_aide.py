"""L'aide répond avec le droit du jour, et la recherche la retrouve."""

import datetime as dt
import re

import pytest
from django.core.management import call_command
from django.urls import reverse

from demandes.portail import aide
from demandes.portail.entrees import ENTREES
from demandes.portail.liens import LIENS

pytestmark = pytest.mark.django_db


def chercher(texte):
    return aide.rechercher(texte, jour=dt.date(2026, 11, 22), liens=LIENS, entrees=ENTREES)


@pytest.mark.parametrize("question", aide.QUESTIONS, ids=lambda question: question.code)
def test_chaque_question_a_une_reponse_avec_ou_sans_bareme(question):
    assert len(aide.reponse(question, {}, LIENS)) > 60


def test_il_y_a_au_moins_quinze_questions_et_aucun_doublon():
    codes = [question.code for question in aide.QUESTIONS]
    assert len(codes) == len(set(codes)) >= 15


def test_les_montants_et_delais_sont_ceux_du_droit_en_vigueur(client):
    call_command("charger_droit", verbosity=0)
    page = client.get(reverse("demandes:aide")).content.decode()
    assert "615\u00a0€ par mois" in page
    assert "Entre le 120e et le 60e jour" in page
    assert "150\u00a0€" not in page


def test_la_recherche_ignore_accents_et_majuscules():
    titres = [resultat.titre for resultat in chercher("EPHOTOS agree")]
    assert "Qu'est-ce qu'une ephoto et où la faire\u00a0?" in titres


def test_la_recherche_met_d_abord_le_titre_qui_correspond():
    assert chercher("mot de passe oublié")[0].titre == "J'ai oublié mon mot de passe"


def test_la_recherche_trouve_les_pages(client):
    page = client.get(reverse("demandes:rechercher"), {"q": "timbre fiscal"}).content.decode()
    assert reverse("demandes:a_venir", args=["timbre"]) in page


@pytest.mark.parametrize("texte", ["", " ", "a", "?!", "\x00"])
def test_une_recherche_vide_invite_a_ecrire_un_mot(texte):
    assert chercher(texte) == []


def test_une_recherche_sans_resultat_propose_la_suite(client):
    page = client.get(reverse("demandes:rechercher"), {"q": "<b>xyzzy</b>"}).content.decode()
    assert "<b>xyzzy" not in page
    assert "&lt;b&gt;xyzzy" in page
    assert re.search(r"0 résultats? pour", page)
    assert reverse("demandes:plan") in page
