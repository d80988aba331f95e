"""Le fichier amorce la base : recharger ajoute ce qui manque, ne réécrit et ne chevauche rien, et le note."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from demandes.journal_des_references import ecarts_en_mots, modifier
from demandes.models import Bareme, Changement, Motif
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
VEILLE, EFFET = dt.date(2026, 12, 31), dt.date(2027, 1, 1)


def recharger(capsys) -> str:
    call_command("charger_droit")
    return capsys.readouterr().out


def test_ce_que_les_agents_ont_change_n_est_ni_reecrit_ni_ecrase(droit, capsys):
    """Une ligne finie et sa suivante, une ligne sans date qui a reçu la sienne : le fichier n'y revient pas."""
    taxe = Bareme.objects.get(code="etudiant.taxe", du__isnull=False)
    Bareme.objects.filter(pk=taxe.pk).update(au=VEILLE)
    Bareme.objects.filter(code="etudiant.taxe", du=None).update(du=EFFET)
    Motif.objects.filter(code="complement.illisible").update(libelle="Pas lisible")
    avant = list(Bareme.objects.order_by("pk").values()), list(Motif.objects.order_by("pk").values())

    dit = recharger(capsys)

    assert avant == (list(Bareme.objects.order_by("pk").values()), list(Motif.objects.order_by("pk").values()))
    assert "laissée de côté" in dit and "etudiant.taxe sans date d'effet" in dit


def test_une_ligne_du_fichier_qui_en_chevauche_une_autre_reste_dehors(droit, capsys):
    Bareme.objects.filter(code="complement.delai").update(du=dt.date(2020, 10, 1))
    assert "complement.delai du 2020-09-01" in recharger(capsys)
    assert Bareme.objects.filter(code="complement.delai").count() == 1


def test_une_ligne_disparue_revient(droit, capsys):
    Motif.objects.filter(code="cloture.doublon").delete()
    assert "1 créées" in recharger(capsys)
    assert Motif.objects.filter(code="cloture.doublon").exists()


def test_ce_qui_entre_est_au_journal_sans_auteur_et_rien_de_plus(droit, capsys):
    nombre = Changement.objects.count()
    assert nombre and not Changement.objects.exclude(par=None, origine="charger_droit").exists()
    recharger(capsys)
    assert Changement.objects.count() == nombre


def test_un_changement_se_lit_en_mots(droit):
    agent = AgentFactory(roles=["admin_fonctionnel"])
    with modifier(Bareme, par=agent.compte):
        Bareme.objects.filter(code="complement.delai").update(au=VEILLE, valeurs={"jours": 20})
    trace = Changement.objects.latest("pk")
    assert trace.objet == "barème complement.delai du 01/09/2020" and trace.par == agent.compte
    assert ecarts_en_mots(trace, Bareme) == [
        ("au (compris)", "vide", "31/12/2026"), ("valeurs", "jours 30", "jours 20"),
    ]  # fmt: skip


def test_un_bloc_qui_echoue_n_ecrit_ni_la_ligne_ni_le_journal(droit):
    nombre = Changement.objects.count()
    with pytest.raises(ZeroDivisionError), modifier(Bareme):
        Bareme.objects.update(source="x")
        raise ZeroDivisionError
    assert Changement.objects.count() == nombre and not Bareme.objects.filter(source="x").exists()


def test_une_ligne_ne_finit_pas_avant_d_avoir_commence(droit):
    with pytest.raises(IntegrityError), transaction.atomic():
        Bareme.objects.filter(code="complement.delai").update(au=dt.date(2019, 1, 1))


@pytest.mark.parametrize(
    "ordre",
    ["UPDATE demandes_changement SET objet = ''", "DELETE FROM demandes_changement", "TRUNCATE demandes_changement"],
)
def test_le_journal_des_references_ne_se_change_ni_ne_se_vide(droit, ordre):
    nombre = Changement.objects.count()
    with connection.cursor() as curseur:
        curseur.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="le journal ne se"), transaction.atomic():
            curseur.execute(ordre)
    assert Changement.objects.count() == nombre
