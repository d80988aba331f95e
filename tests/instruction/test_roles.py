"""« manage.py roles » écrit la table que le programme applique."""

import io

from django.core.management import call_command

from instruction.models import Agent
from instruction.permissions import ACCES, GESTES


def test_la_matrice_dit_chaque_acte_et_chaque_role():
    sortie = io.StringIO()
    call_command("roles", stdout=sortie)
    lignes = sortie.getvalue().splitlines()

    assert all(any(ligne.endswith(f": {role.label}") for ligne in lignes) for role in Agent.Role)
    for ligne_de_table in (*ACCES.values(), *GESTES.values()):
        (ligne,) = [ligne for ligne in lignes if ligne.startswith(f"{ligne_de_table.libelle}  ")]
        assert ligne.count(" x ") == len(ligne_de_table.roles)


def test_un_acte_a_second_facteur_le_dit():
    sortie = io.StringIO()
    call_command("roles", stdout=sortie)
    (ligne,) = [ligne for ligne in sortie.getvalue().splitlines() if ligne.startswith("Signer le refus")]
    assert ligne.endswith("2F, différé")
