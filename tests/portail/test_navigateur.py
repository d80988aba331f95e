"""Les pages publiques dans Chromium : axe, 320 px, clavier, sans JavaScript, thème sombre."""

import pytest
from django.urls import reverse

pytestmark = [pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]


def test_accueil(live_server, page, sans_faute_axe):
    page.goto(live_server.url + reverse("demandes:accueil"))
    sans_faute_axe(page)
