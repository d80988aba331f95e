"""La maison : qui importe qui, où vit quoi. Chaque règle est celle d'une page de docs/decisions/ ou du README."""

import ast
import re
from pathlib import Path

import pytest

RACINE = Path(__file__).resolve().parent.parent
# De gauche à droite : chaque application s'importe elle-même et celles de sa gauche, jamais `anef`.
APPS = ["documents", "notifications", "usagers", "demandes", "instruction"]


def modules_importes(source: str) -> set[str]:
    """Tout module qu'un texte importe, à tout niveau : `import`, `from`, et les imports par leur nom."""
    modules = set()
    for noeud in ast.walk(ast.parse(source)):
        if isinstance(noeud, ast.Import):
            modules |= {alias.name for alias in noeud.names}
        elif isinstance(noeud, ast.ImportFrom) and noeud.module:
            modules.add(noeud.module)
        elif isinstance(noeud, ast.Call) and noeud.args and isinstance(noeud.args[0], ast.Constant):
            nom = getattr(noeud.func, "attr", getattr(noeud.func, "id", ""))
            if nom in {"import_module", "import_string", "get_model", "get_app_config", "__import__"}:
                modules.add(str(noeud.args[0].value))
    return modules


def applications_importees(fichier: Path) -> set[str]:
    return {module.split(".")[0] for module in modules_importes(fichier.read_text())}


def sources(*dossiers: str) -> list[Path]:
    return [fichier for dossier in dossiers for fichier in sorted((RACINE / dossier).rglob("*.py"))]


def test_la_lecture_des_imports_voit_tous_les_niveaux():
    source = """
import demandes.models
def f():
    from instruction.operations import decider
    return apps.get_model("usagers", "Usager"), import_string("notifications.canaux.Sms")
"""
    assert modules_importes(source) == {
        "demandes.models",
        "instruction.operations",
        "usagers",
        "notifications.canaux.Sms",
    }


@pytest.mark.parametrize("rang", range(len(APPS)), ids=APPS)
def test_chaque_application_n_importe_que_celles_de_gauche(rang):
    interdites = {"anef", "tests", *APPS[rang + 1 :]}
    fautes = [
        f"{fichier.relative_to(RACINE)} importe {nom}"
        for fichier in sources(APPS[rang])
        if "migrations" not in fichier.parts
        for nom in sorted(applications_importees(fichier) & interdites)
    ]
    assert not fautes


def test_les_migrations_ne_dependent_que_de_la_gauche():
    fautes = [
        f"{fichier.relative_to(RACINE)} dépend de {nom}"
        for rang, app in enumerate(APPS)
        for fichier in sources(f"{app}/migrations")
        for nom in APPS[rang + 1 :]
        if re.search(rf"""\(\s*["']{nom}["'],\s*["']\d{{4}}_""", fichier.read_text())
    ]
    assert not fautes


def test_aucun_signal_ne_relie_les_applications():
    """Une nouvelle va vers la droite en étant lue ; un signal ou un rappel cacherait une conséquence."""
    interdits = {"django.dispatch", "django.db.models.signals"}
    assert [str(f.relative_to(RACINE)) for f in sources(*APPS) if modules_importes(f.read_text()) & interdits] == []


def test_aucune_demarche_n_est_nommee_hors_de_son_fichier():
    """Une démarche s'ajoute par un fichier : aucune condition, en Python ou dans un gabarit, n'en compare le code."""
    comparaison = re.compile(r"""\b(?:demarche|code_demarche|demarche\.code)\s*(?:==|!=|in\s*[\[({])""")
    fichiers = [f for f in sources(*APPS) if f.parent.name != "demarches"] + list((RACINE / "templates").rglob("*.*"))
    fautes = [
        f"{fichier.relative_to(RACINE)}:{numero}"
        for fichier in fichiers
        for numero, ligne in enumerate(fichier.read_text().splitlines(), 1)
        if comparaison.search(ligne) and re.search(r"""(?:==|!=|in\s*[\[({])\s*["']""", ligne)
    ]
    assert not fautes


def test_un_seul_module_touche_weasyprint():
    auteurs = [f.relative_to(RACINE).as_posix() for f in sources(*APPS) if "weasyprint" in applications_importees(f)]
    assert set(auteurs) <= {"documents/pdf.py"}


def test_aucun_fichier_fourre_tout():
    noms = {"utils", "common", "helpers", "core", "misc", "divers", "commun"}
    assert [str(f.relative_to(RACINE)) for f in sources(*APPS) if f.stem in noms or f.parent.name in noms] == []


def test_une_operation_ne_connait_pas_la_requete():
    """Vues → opérations : une opération reçoit des objets et un instant, jamais un HttpRequest ni un formulaire lié."""
    fautes = []
    for fichier in sources(*APPS):
        if fichier.name == "operations.py" or fichier.parent.name == "operations":
            modules = modules_importes(fichier.read_text())
            fautes += [f"{fichier.relative_to(RACINE)} importe {m}" for m in modules if m.startswith("django.http")]
    assert not fautes


def test_une_tache_ne_decide_rien():
    """Une tâche charge une ligne par son numéro et appelle une opération : elle n'ouvre pas de transaction."""
    taches = [fichier for fichier in sources(*APPS) if fichier.name == "tasks.py"]
    assert taches
    assert [str(f.relative_to(RACINE)) for f in taches if "django.db.transaction" in f.read_text()] == []
    assert [str(f.relative_to(RACINE)) for f in taches if re.search(r"\batomic\b", f.read_text())] == []
