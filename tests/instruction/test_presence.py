"""« X consulte ce dossier » : un confort, qui se tait sans Redis."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from instruction import presence
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cache_a_soi(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


def test_chacun_voit_les_autres_et_pas_soi(deposee, agent, le):
    autre = AgentFactory(site=deposee.site, nom="Dominique Vasseur")
    assert presence.signaler(deposee, agent, le=le) == []
    assert presence.signaler(deposee, agent, le=le) == []
    assert presence.signaler(deposee, autre, le=le) == [("Camille Lenoir", le)]
    assert [nom for nom, _vu in presence.signaler(deposee, agent, le=le)] == ["Dominique Vasseur"]


def test_la_marque_s_efface_seule(deposee, agent, le):
    presence.signaler(deposee, agent, le=le)
    plus_tard = le + presence.DUREE + dt.timedelta(seconds=1)
    assert presence.signaler(deposee, AgentFactory(site=deposee.site), le=plus_tard) == []


def test_la_page_nomme_qui_d_autre_lit_le_dossier(client_agent, deposee, le):
    presence.signaler(deposee, AgentFactory(site=deposee.site, nom="Dominique Vasseur"), le=le)
    page = client_agent.get(reverse("admin:dossier", args=[deposee.numero])).content.decode()
    assert "<strong>Dominique Vasseur</strong> consulte ce dossier" in page


def test_sans_redis_la_page_s_ouvre_sans_marque(client_agent, deposee, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///absent/redis.sock"}
    }
    reponse = client_agent.get(reverse("admin:dossier", args=[deposee.numero]))
    assert reponse.status_code == 200 and "consulte ce dossier" not in reponse.content.decode()


def test_une_page_d_acte_dit_aussi_qui_consulte_et_se_signale(client_agent, en_instruction, agent, le):
    collegue = AgentFactory(site=en_instruction.site, nom="Sacha Collègue")
    presence.signaler(en_instruction, collegue, le=timezone.now())
    page = client_agent.get(reverse("admin:dossier_complement", args=[en_instruction.numero])).content.decode()
    assert "Sacha Collègue" in page and "consulte ce dossier" in page
    assert [nom for nom, _vu in presence.signaler(en_instruction, collegue, le=timezone.now())] == [agent.nom]
