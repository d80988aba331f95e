import pytest

from tests.notifications.conftest import boite, smtp

__all__ = ["boite", "smtp"]


@pytest.fixture(params=[True, False], ids=["avec JavaScript", "sans JavaScript"])
def visite(request, browser, live_server, browser_context_args, sans_faute_axe):
    """Une personne devant Chromium ; axe passe sur chaque page quand JavaScript est permis."""
    contexte = browser.new_context(**browser_context_args, java_script_enabled=request.param)
    page = contexte.new_page()
    fautes = []
    page.on("console", lambda m: fautes.append(m.text) if m.type == "error" and "422" not in m.text else None)
    page.on("pageerror", lambda erreur: fautes.append(str(erreur)))
    page.avec_js = request.param
    page.verifier = lambda: sans_faute_axe(page) if request.param else None
    page.racine = live_server.url
    yield page
    contexte.close()
    assert not fautes, fautes
