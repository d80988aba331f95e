"""Les motifs codés : ceux du domaine y sont, dans les deux langues, et ce que les agents changent reste."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from demandes.models import Motif

pytestmark = pytest.mark.django_db

PIECES = {
    "illisible", "expiree", "incomplete", "autre_personne", "mauvais_document", "trop_ancienne", "non_traduite",
    "manquante", "autre",
}  # fmt: skip
CLOTURES = {
    "sans_reponse", "incomplete", "doublon", "sans_objet", "retrait", "deces", "depart", "naturalisation",
    "mauvaise_procedure",
}  # fmt: skip


def codes(nature) -> set[str]:
    motifs = Motif.objects.en_vigueur(timezone.localdate()).filter(nature=nature)
    return {motif.code.removeprefix(f"{nature}.") for motif in motifs}


def test_les_motifs_du_domaine_sont_charges(droit):
    assert codes("complement") >= PIECES and codes("cloture") >= CLOTURES and codes("avis")
    assert not Motif.objects.filter(texte="").exists() and not Motif.objects.filter(texte_en="").exists()


def test_recharger_ne_double_rien_et_garde_ce_que_les_agents_ont_ecrit(droit):
    nombre = Motif.objects.count()
    Motif.objects.filter(code="complement.illisible").update(texte="Écrit par le service.")
    call_command("charger_droit", verbosity=0)
    assert Motif.objects.count() == nombre
    assert Motif.objects.get(code="complement.illisible").texte == "Écrit par le service."
