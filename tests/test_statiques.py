"""Les fichiers servis en production : ce qu'une page ou un module demande existe sous le nom demandé."""

import re

from django.core.management import call_command

IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")


def test_un_module_collecte_n_importe_que_des_fichiers_qui_existent(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STATICFILES_DIRS = [("js", settings.BASE_DIR / "static" / "js")]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {**settings.STORAGES, "staticfiles": settings.STATIQUES_DE_PRODUCTION}
    call_command("collectstatic", interactive=False, verbosity=0)

    modules = list((tmp_path / "js").glob("*.js"))
    demandes = [(module, module.parent / chemin) for module in modules for chemin in IMPORT.findall(module.read_text())]
    assert len(demandes) >= 3, "les modules ne s'importent plus entre eux : cet essai ne dit plus rien"
    assert [(module.name, cible.name) for module, cible in demandes if not cible.is_file()] == []
