"""Ouvrir un compte d'agent ; charger la démonstration."""

import io
import sys

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from PIL import ImageFont

from demandes.models import Demande, Evenement
from instruction import demonstration
from instruction.models import Agent
from instruction.permissions import dossiers_visibles
from tests.factories import AgentFactory, CompteFactory, SiteFactory
from usagers.models import Compte, Inscription, Usager

pytestmark = pytest.mark.django_db
MOT_DE_PASSE = "Une phrase de passe de sept mots"


@pytest.fixture
def creer_agent(capsys, monkeypatch):
    """`creer_agent(identifiant, …)` : lance la commande sans terminal, et rend ce qu'elle écrit."""
    SiteFactory()

    def lancer(identifiant="camille.lenoir", *options, entree=MOT_DE_PASSE + "\n", **valeurs):
        valeurs = {"nom": "Camille Lenoir", "site": "7502", "courriel": "camille@exemple.invalid", **valeurs}
        monkeypatch.setattr(sys, "stdin", io.StringIO(entree))
        arguments = [f"--{nom}={valeur}" for nom, valeur in valeurs.items() if nom != "roles"]
        roles = valeurs.get("roles", ["instructeur"])
        call_command("creer_agent", identifiant, *arguments, "--roles", *roles, *options)
        return capsys.readouterr().out

    return lancer


def test_un_agent_s_ouvre_par_l_entree_standard(creer_agent, client):
    assert "Compte ouvert : camille.lenoir" in creer_agent(roles=["instructeur", "remise"])

    agent = Agent.objects.get()
    assert (agent.nom, agent.site_id, agent.roles) == ("Camille Lenoir", "7502", ["instructeur", "remise"])
    assert agent.compte.check_password(MOT_DE_PASSE) and agent.compte.est_agent and not agent.compte.is_superuser
    reponse = client.post("/agents/login/", {"username": "camille.lenoir", "password": MOT_DE_PASSE})
    assert reponse.status_code == 302


def test_la_rejouer_met_a_jour_sans_toucher_au_mot_de_passe(creer_agent):
    creer_agent()
    dit = creer_agent(nom="Camille Martin", courriel="martin@exemple.invalid", roles=["remise"], entree="")

    assert "existe déjà" in dit and "mot de passe gardé" in dit
    agent = Agent.objects.get()
    assert (agent.nom, agent.roles, agent.compte.courriel) == ("Camille Martin", ["remise"], "martin@exemple.invalid")
    assert agent.compte.check_password(MOT_DE_PASSE)


def test_un_mot_de_passe_au_hasard_est_ecrit_une_seule_fois(creer_agent):
    mot_de_passe = creer_agent("camille.lenoir", "--engendrer").split(" : ")[-1].strip()
    assert Compte.objects.get().check_password(mot_de_passe)
    assert "Mot de passe (" not in creer_agent("camille.lenoir", "--engendrer")


def test_dans_un_terminal_le_mot_de_passe_se_tape_deux_fois(creer_agent, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    saisies = iter([MOT_DE_PASSE, "autre chose", MOT_DE_PASSE, MOT_DE_PASSE])
    monkeypatch.setattr("getpass.getpass", lambda _invite: next(saisies))
    monkeypatch.setattr(io, "StringIO", Terminal)
    with pytest.raises(CommandError, match="diffèrent"):
        creer_agent()
    assert "Compte ouvert" in creer_agent()


@pytest.mark.parametrize(
    ("identifiant", "valeurs", "dit"),
    [
        ("7503119958", {}, "commence par une lettre"),
        ("Camille", {}, "minuscules"),
        ("camille", {"site": "9999"}, "Aucun site"),
        ("camille", {"courriel": "pas une adresse"}, "n'est pas une adresse"),
        ("camille", {"entree": "court\n"}, "plus fort"),
        ("camille", {"entree": ""}, "plus fort"),
        ("camille", {"roles": ["chef"]}, "invalid choice|choix"),
    ],
)
def test_une_demande_fausse_ne_cree_rien(creer_agent, identifiant, valeurs, dit):
    with pytest.raises(CommandError, match=dit):
        creer_agent(identifiant, **valeurs)
    assert not Agent.objects.exists()


def test_un_changement_de_roles_en_ligne_de_commande_est_au_journal(creer_agent):
    creer_agent("camille")
    creer_agent("camille")
    assert LogEntry.objects.count() == 1, "rien n'a changé la seconde fois"
    creer_agent("camille", roles=["valideur", "signataire"])
    derniere = LogEntry.objects.first()
    assert "ligne de commande" in derniere.change_message and "signataire, valideur" in derniere.change_message


def test_l_identifiant_d_un_usager_n_est_pas_repris(creer_agent):
    CompteFactory(identifiant="camille")
    with pytest.raises(CommandError, match="usager"):
        creer_agent("camille")


# --- Démonstration ---------------------------------------------------------------------------------------------------
def test_la_demonstration_refuse_de_se_charger_en_production(settings):
    settings.DEMONSTRATION = False
    with pytest.raises(CommandError, match="démonstration"):
        call_command("charger_demonstration")
    assert not Group.objects.exists()


def charger_referentiels():
    call_command("charger_lieux", verbosity=0)
    call_command("charger_sites", verbosity=0)
    call_command("charger_droit", verbosity=0)


@pytest.fixture
def referentiels():
    charger_referentiels()


def test_la_demonstration_dit_ce_qu_il_faut_charger_avant_elle(settings, tmp_path):
    with pytest.raises(CommandError, match="charger_sites"):
        call_command("charger_demonstration")

    charger_referentiels()
    with pytest.raises(CommandError, match=r"titulaires\.demo\.csv"):
        call_command("charger_demonstration")

    call_command("importer_titulaires", "usagers/donnees/titulaires.demo.csv", verbosity=0)
    settings.DEUXD_DOC_DOSSIER = tmp_path
    with pytest.raises(CommandError, match="creer_autorite_test"):
        call_command("charger_demonstration")


def test_la_demonstration_donne_de_quoi_essayer_et_se_rejoue(referentiels, settings, capsys):
    call_command("importer_titulaires", "usagers/donnees/titulaires.demo.csv", verbosity=0)
    capsys.readouterr()
    call_command("charger_demonstration")
    dit = capsys.readouterr().out

    groupe = Group.objects.get(name=settings.GROUPE_DEMONSTRATION)  # la marque qu'aucune production n'accepte
    assert groupe.user_set.count() == Compte.objects.count()
    for identifiant, nombre in (("agent.paris", 4), ("agent.nord", 3), ("remise.paris", 4), ("admin.demo", 0)):
        agent = Agent.objects.get(compte__identifiant=identifiant)
        assert agent.compte.check_password(demonstration.MOT_DE_PASSE)
        assert dossiers_visibles(agent).count() == nombre
        assert identifiant in dit
    assert Usager.objects.get(nom_naissance="JOHN").compte is None  # à créer soi-même
    assert Usager.objects.get(nom_naissance="BOUYA").compte.check_password(demonstration.MOT_DE_PASSE)
    assert "7703004369" in dit and "PAR QUOI COMMENCER" in dit and demonstration.MOT_DE_PASSE in dit
    assert set(Demande.objects.values_list("etat", "hors_delai", "complete_au_depot")) == {
        ("deposee", False, True), ("deposee", True, False), ("en_instruction", False, True),
        ("complement_demande", False, True), ("proposition", False, True),
    }  # fmt: skip

    avant = (Compte.objects.count(), Demande.objects.count(), Evenement.objects.count(), Inscription.objects.count())
    Compte.objects.get(identifiant="agent.paris").agent.delete()
    AgentFactory(compte=Compte.objects.get(identifiant="agent.paris"), nom="Nom changé")
    call_command("charger_demonstration")
    assert avant == (
        Compte.objects.count(), Demande.objects.count(), Evenement.objects.count(), Inscription.objects.count(),
    )  # fmt: skip
    assert Agent.objects.get(compte__identifiant="agent.paris").nom == "Nom changé"


def test_un_specimen_s_ouvre_meme_sans_la_police(monkeypatch):
    truetype = ImageFont.truetype

    def sans_dejavu(police, *arguments, **options):
        if isinstance(police, str):
            raise OSError
        return truetype(police, *arguments, **options)

    monkeypatch.setattr("PIL.ImageFont.truetype", sans_dejavu)
    assert demonstration.specimen("Titre de séjour", "JULIE JOHN", 1, en_pdf=True).read(5) == b"%PDF-"
