"""Pays et communes : chargés, rechargés, corrigés."""

import csv
import re

import pytest
from django.core.management import call_command

from usagers.management.commands.charger_lieux import DONNEES
from usagers.models import Commune, Pays

pytestmark = pytest.mark.django_db


def charger(capsys) -> str:
    call_command("charger_lieux")
    return capsys.readouterr().out


def test_les_lieux_se_chargent_puis_ne_changent_plus(capsys):
    assert re.search(r"Communes — créées : 35\d\d\d, modifiées : 0", charger(capsys))
    assert Pays.objects.get(code="ML").nationalite_f == "malienne"
    assert Pays.objects.get(code="DE").alpha3 == "D<<"
    assert list(Commune.objects.filter(code_postal="75020").values_list("insee", "nom")) == [("75120", "Paris")]
    assert re.search(r"créées : 0, modifiées : 0, inchangées : 261", charger(capsys))


def test_une_ligne_abimee_est_corrigee_et_une_commune_disparue_retiree(capsys):
    Pays.objects.create(code="ML", alpha3="MLI", nom="Soudan français", nom_en="French Sudan")
    Commune.objects.create(insee="01999", code_postal="01000", nom="Commune fusionnée")
    sortie = charger(capsys)
    assert "Pays — créées : 260, modifiées : 1" in sortie
    assert "retirées : 1" in sortie
    assert Pays.objects.get(code="ML").nom == "Mali"
    assert not Commune.objects.filter(insee="01999").exists()


def test_chaque_pays_est_complet():
    with (DONNEES / "pays.csv").open(encoding="utf-8", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    assert len({ligne["code"] for ligne in lignes}) == len(lignes) == 261
    for ligne in lignes:
        assert re.fullmatch(r"[A-Z]{2}", ligne["code"])
        assert re.fullmatch(r"[A-Z]{3}|D<<", ligne["alpha3"])
        assert ligne["nom"]
        assert ligne["nom_en"]
        genres = {bool(ligne[nom]) for nom in ("nationalite_f", "nationalite_m", "nationalite_en")}
        assert len(genres) == 1, ligne["code"]
