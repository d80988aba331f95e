import pytest
from django.utils import timezone
from django.utils.translation import gettext_lazy

from notifications.catalogue import Canal, Message
from notifications.models import Envoi
from notifications.operations import ecrire, marquer_lue, notifier
from tests.factories import CompteFactory

pytestmark = pytest.mark.django_db
DEPOT = {"numero": "7502202006290000030", "demarche": "etudiant", "nom": "JULIE JOHN", "sms": True}


def test_un_depot_est_notifie_par_courriel_et_par_sms_aux_adresses_du_moment():
    compte = CompteFactory(langue="en")
    le = timezone.now()

    notification = notifier(Message.DEPOT, compte, contexte=DEPOT, le=le, objet=DEPOT["numero"])
    compte.courriel = "autre@exemple.invalid"
    compte.save()

    assert (notification.objet, notification.creee_le, notification.lue_le) == (DEPOT["numero"], le, None)
    assert {(e.canal, e.adresse, e.langue, e.etat) for e in notification.envois.all()} == {
        ("courriel", f"u{compte.identifiant}@exemple.invalid", "en", "a_envoyer"),
        ("sms", "+33601020304", "en", "a_envoyer"),
    }


@pytest.mark.parametrize(("telephone", "sms"), [("", True), ("+33601020304", False)])
def test_sans_telephone_ou_sans_accord_aucun_sms_ne_part(telephone, sms):
    compte = CompteFactory(telephone=telephone)

    notification = notifier(Message.DEPOT, compte, contexte={**DEPOT, "sms": sms}, le=timezone.now())

    assert [envoi.canal for envoi in notification.envois.all()] == [Canal.COURRIEL]


def test_on_ecrit_a_qui_n_a_pas_de_compte_en_priorite():
    le = timezone.now()

    envoi = ecrire(Message.INSCRIPTION_REFUSEE, adresse="a@exemple.invalid", langue="fr", contexte={}, le=le)

    assert Envoi.objects.get() == envoi
    assert (envoi.notification, envoi.priorite, envoi.a_partir_de) == (None, 0, le)


def test_un_libelle_traduit_est_refuse_dans_le_contexte():
    with pytest.raises(TypeError):
        notifier(Message.DECISION, CompteFactory(), contexte={"sens": gettext_lazy("favorable")}, le=timezone.now())


def test_une_notification_n_est_lue_qu_une_fois():
    notification = notifier(Message.DECISION, CompteFactory(), contexte={}, le=timezone.now())
    le = timezone.now()

    assert marquer_lue(notification, le=le) is True
    assert marquer_lue(notification, le=timezone.now()) is False

    assert notification.lue_le == le
