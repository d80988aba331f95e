"""Un complément demandé se rappelle : sans ouverture à J+3 et J+10, puis 15, 7 et 2 jours avant l'échéance."""

import datetime as dt

import pytest
from django.utils import timezone

from demandes import operations, tasks
from demandes.complements import LigneDemandee
from demandes.models import Bareme, Complement, Demande, Evenement
from instruction import operations as agents
from notifications.composition import composer
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
QUESTION = LigneDemandee("", "Information demandée", (), "Quelle est la date de votre rentrée ?")


@pytest.fixture
def ferme(deposee, le):
    """Demandé, pas encore ouvert."""
    agent = AgentFactory(site=deposee.site)
    return agents.demander_complement(deposee, [QUESTION], message="", agent=agent, version=deposee.version, le=le)


@pytest.fixture
def ouvert(ferme, le):
    operations.ouvrir_notification(ferme.notification, par=ferme.demande.usager.compte, le=le)
    return Complement.objects.get()


def jours_de_rappel(le, nombre: int) -> list[int]:
    """Les jours, comptés de `le`, où le balayage envoie quelque chose."""
    return [jour for jour in range(nombre) if operations.relancer_les_complements(le=le + dt.timedelta(days=jour))]


def lettres() -> list[str]:
    return [
        composer(envoi.message, canal=envoi.canal, contexte=envoi.contexte, langue=envoi.langue).texte
        for envoi in Envoi.objects.filter(message="complement_relance").order_by("pk")
    ]


def test_sans_ouverture_deux_rappels_puis_plus_rien(ferme, le):
    assert jours_de_rappel(le, 40) == [3, 10]
    assert Complement.objects.get().prochaine_relance_le is None
    for texte in lettres():
        assert ferme.demande.numero in texte and "ouvr" in texte
    assert "aurez ensuite 30 jours" in lettres()[0]


def test_ouvert_trois_rappels_disent_l_echeance(ouvert, le):
    assert jours_de_rappel(le, 60) == [15, 23, 28]
    textes, echeance = lettres(), f"{ouvert.echeance_le:%d/%m/%Y}"
    assert len(textes) == 6 and all(echeance in texte for texte in textes)  # un courriel et un SMS chaque fois
    assert {envoi.canal for envoi in Envoi.objects.filter(message="complement_relance")} == {"courriel", "sms"}


def test_ouvrir_entre_deux_rappels_change_de_calendrier(ferme, le):
    operations.relancer_les_complements(le=le + dt.timedelta(days=3))
    operations.ouvrir_notification(ferme.notification, par=ferme.demande.usager.compte, le=le + dt.timedelta(days=5))
    assert jours_de_rappel(le, 60) == [20, 28, 33]


def test_un_delai_court_a_moins_de_rappels(ferme, le):
    jour = timezone.localdate(le)
    assert operations.relances.relance_avant(jour + dt.timedelta(days=8), apres=jour) == jour + dt.timedelta(days=1)
    assert operations.relances.relance_avant(jour + dt.timedelta(days=7), apres=jour) == jour + dt.timedelta(days=5)
    assert operations.relances.relance_avant(jour + dt.timedelta(days=2), apres=jour) is None
    Bareme.objects.filter(code="complement.delai").update(valeurs={"jours": 2})
    operations.ouvrir_notification(ferme.notification, par=ferme.demande.usager.compte, le=le)
    assert jours_de_rappel(le, 10) == [2]


def test_des_rappels_manques_n_en_font_qu_un_et_il_dit_que_le_delai_est_passe(ouvert, le):
    assert jours_de_rappel(le + dt.timedelta(days=33), 20) == [0]
    assert "est passé depuis le" in lettres()[0] and "encore répondre" in lettres()[0]


def test_repondre_abandonner_ou_clore_arrete_les_rappels(ouvert, le):
    agents.abandonner_complement(
        Demande.objects.get(), agent=ouvert.demande_par.agent, version=Demande.objects.get().version, le=le
    )
    assert jours_de_rappel(le, 40) == []


def test_un_rappel_est_au_journal_sans_rien_changer_au_dossier(ouvert, le):
    avant = Demande.objects.values().get()
    operations.relancer_les_complements(le=le + dt.timedelta(days=15))
    rappel = Evenement.objects.get(nature=Evenement.Nature.RELANCE)
    assert (rappel.par, rappel.notification.message, rappel.codes) == (None, "complement_relance", {})
    assert Demande.objects.values().get() == avant


def test_un_rappel_ne_se_montre_pas_comme_une_nouvelle_lettre(client, ouvert, le):
    operations.relancer_les_complements(le=le + dt.timedelta(days=15))
    client.force_login(ouvert.demande.usager.compte, backend="usagers.backends.IdentifiantBackend")
    assert "Rappel" not in client.get("/notifications/", follow=True).content.decode()


def test_le_balayage_ne_lit_que_ce_qui_est_du(ouvert, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert tasks.relancer_les_complements() == 0


def test_un_rappel_qui_echoue_n_arrete_pas_les_autres(ouvert, le, monkeypatch):
    autre = Complement.objects.create(
        demande=Demande.objects.create(
            usager=ouvert.demande.usager, demarche="etudiant", cas="x", objet="autre", site=ouvert.demande.site,
            ouverte_par=ouvert.demande_par, ouverte_le=le, modifiee_le=le, etat="complement_demande",
        ),
        notification=Notification.objects.create(
            destinataire=ouvert.demande.usager.compte, message="depot", creee_le=le
        ),
        demande_par=ouvert.demande_par, demande_le=le, prochaine_relance_le=timezone.localdate(le),
    )  # fmt: skip
    relancer = operations.relances._relancer

    def trebucher(complement, **options):
        if complement == autre:
            raise RuntimeError
        return relancer(complement, **options)

    monkeypatch.setattr(operations.relances, "_relancer", trebucher)
    assert operations.relancer_les_complements(le=le + dt.timedelta(days=15)) == 1
    assert Complement.objects.get(pk=autre.pk).relance_le is None
