"""Ce qui doit rester vrai du dépôt entier, quel que soit le fichier qu'on ajoute."""

import ast
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.template.loader import get_template
from django.template.utils import get_app_template_dirs

from documents import catalogue as documents
from notifications import catalogue as notifications
from tests.gabarits import APPS, RACINE, gabarits

# Django les demande lui-même.
PAGES_D_ERREUR = {"400.html", "403.html", "403_csrf.html", "404.html", "500.html"}


def sources_python() -> list[Path]:
    return [fichier for app in APPS for fichier in (RACINE / app).rglob("*.py") if "migrations" not in fichier.parts]


def noms_cites() -> tuple[set[str], list[re.Pattern]]:
    """Les textes des programmes et des gabarits, et les noms composés (`f"courriels/{message}.txt"`) en motifs."""
    textes, motifs = set(), []
    for fichier in sources_python():
        for noeud in ast.walk(ast.parse(fichier.read_text())):
            if isinstance(noeud, ast.Constant) and isinstance(noeud.value, str):
                textes.add(noeud.value)
            elif isinstance(noeud, ast.JoinedStr):
                motif = "".join(
                    re.escape(partie.value) if isinstance(partie, ast.Constant) else "[^/]+" for partie in noeud.values
                )
                if re.search(r"[a-z]", motif.replace("[^/]+", "")):
                    motifs.append(re.compile(motif))
    for nom, chemin in gabarits().items():
        textes |= set(re.findall(r"""["']([^"'\s]+\.\w+)["']""", chemin.read_text())) - {nom}
    return textes, motifs


def deja_fourni_par_django(nom: str) -> bool:
    """Un gabarit de Django ou d'une bibliothèque, que le nôtre remplace : c'est elle qui le demande."""
    dossiers = [Path(dossier) for dossier in get_app_template_dirs("templates")]
    return any((d / nom).is_file() for d in dossiers if d.parent.parent != RACINE)


@pytest.mark.parametrize("nom", gabarits())
def test_chaque_gabarit_se_compile(nom):
    get_template(nom)


def test_chaque_gabarit_sert():
    textes, motifs = noms_cites()
    inutiles = [
        nom
        for nom in gabarits()
        if nom not in textes
        and nom not in PAGES_D_ERREUR
        and not any(motif.fullmatch(nom) for motif in motifs)
        and not deja_fourni_par_django(nom)
    ]
    assert not inutiles


def test_chaque_fichier_statique_sert():
    textes = "\n".join(
        chemin.read_text()
        for dossier in ("templates", "static", *APPS)
        for chemin in (RACINE / dossier).rglob("*")
        if chemin.suffix in {".html", ".css", ".js", ".py", ".json"}
    )
    inutiles = [
        chemin.relative_to(RACINE).as_posix()
        for chemin in (RACINE / "static").rglob("*")
        if chemin.is_file() and chemin.suffix not in {".md", ".txt"} and chemin.name not in textes
    ]
    assert not inutiles


def test_aucun_gabarit_ne_porte_de_style_ni_de_script_en_ligne():
    """La politique de sécurité (CSP) les refuserait. Les documents imprimés ne passent pas par un navigateur."""
    en_ligne = re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style\b|\sstyle=|javascript:"
        r"|\son(?:click|change|submit|input|load|error|key\w+|focus|blur|mouse\w+)="
    )
    # Les courriels n'ont pas de feuille de style : leurs lecteurs ne lisent que le style en ligne.
    fautes = [
        nom
        for nom, chemin in gabarits().items()
        if not nom.startswith(("attestations/", "courriels/")) and en_ligne.search(chemin.read_text())
    ]
    assert not fautes


ESPACE_ORDINAIRE = re.compile(r"(?<=\S) (?=[:;?!»])|(?<=«) ")
# Ce qu'un gabarit n'écrit pas : ses commentaires, ses balises sauf le texte à traduire, ses variables, son style.
HORS_DU_TEXTE = re.compile(
    r"""\{#.*?#\}|<style.*?</style>|\{%\s*translate\s+(?P<texte>"[^"]*"|'[^']*').*?%\}|\{%.*?%\}|\{\{.*?\}\}""",
    re.DOTALL,
)
TRADUIRE = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}


def textes_a_traduire(source: Path) -> list[str]:
    appels = (noeud for noeud in ast.walk(ast.parse(source.read_text())) if isinstance(noeud, ast.Call))
    return [
        texte.value
        for appel in appels
        if getattr(appel.func, "id", getattr(appel.func, "attr", "")) in TRADUIRE
        for texte in appel.args
        if isinstance(texte, ast.Constant) and isinstance(texte.value, str)
    ]


def test_aucune_ponctuation_double_ne_passe_seule_a_la_ligne():
    """Une espace insécable précède « : », « ; », « ? » et « ! », et tient les guillemets.

    Un SMS n'en a pas : son alphabet l'ignore, et le message coûterait le double.
    """
    textes = {
        nom: [HORS_DU_TEXTE.sub(lambda balise: balise["texte"] or "x", chemin.read_text())]
        for nom, chemin in gabarits().items()
        if not nom.startswith("sms/")
    }
    textes |= {source.relative_to(RACINE).as_posix(): textes_a_traduire(source) for source in sources_python()}
    pieces = json.loads((RACINE / "demandes" / "donnees" / "pieces.json").read_text())
    textes["pieces.json"] = [piece[nom] for piece in pieces for nom in ("libelle", "texte")]
    motifs = json.loads((RACINE / "demandes" / "donnees" / "motifs.json").read_text())
    textes["motifs.json"] = [motif[nom] for motif in motifs for nom in ("libelle", "texte")]
    fautes = [
        f"{nom} : {texte[max(0, faute.start() - 30) : faute.end() + 10]}"
        for nom, morceaux in textes.items()
        for texte in morceaux
        for faute in ESPACE_ORDINAIRE.finditer(texte)
    ]
    assert not fautes


def test_chaque_acte_et_chaque_message_a_son_modele():
    assert set(documents.MODELES) == set(documents.Acte)
    assert set(notifications.MODELES) == set(notifications.Message)


def test_aucune_migration_ne_manque(db):
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)


# --- Verrous ---------------------------------------------------------------------------------------------------------
VERROUS = ["requirements.txt", "requirements-dev.txt"]
EPINGLE = re.compile(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


@pytest.mark.parametrize("nom", VERROUS)
def test_un_verrou_ne_nomme_aucune_adresse_et_scelle_chaque_paquet(nom):
    texte = (RACINE / nom).read_text()

    assert not re.search(r"https?://", texte)
    assert len(EPINGLE.findall(texte)) == len(re.findall(r"^\S+==", texte, re.MULTILINE)) > 0
    for bloc in re.split(r"\n(?=\S)", texte):
        assert not EPINGLE.match(bloc) or "--hash=sha256:" in bloc, bloc.splitlines()[0]


def test_le_verrou_des_tests_contient_celui_du_service():
    service, essais = (set(EPINGLE.findall((RACINE / nom).read_text())) for nom in VERROUS)

    assert service <= essais


def test_chaque_dependance_demandee_est_verrouillee():
    for demande, verrou in (("requirements.in", VERROUS[0]), ("requirements-dev.in", VERROUS[1])):
        demandees = re.findall(r"^([A-Za-z0-9._-]+)(?=[\[<>=]|$)", (RACINE / demande).read_text(), re.MULTILINE)
        verrouillees = {nom for nom, _ in EPINGLE.findall((RACINE / verrou).read_text())}
        manquantes = {nom.lower().replace("_", "-").replace(".", "-") for nom in demandees if nom != "-r"} - {
            nom.replace(".", "-") for nom in verrouillees
        }
        assert not manquantes


# --- Rien de ce poste ni d'inachevé ----------------------------------------------------------------------------------
def textes_du_depot() -> list[Path]:
    suffixes = {".py", ".html", ".txt", ".md", ".css", ".js", ".toml", ".yml", ".in", ".po", ""}
    ignores = {".git", ".venv", "var", "__pycache__", ".ruff_cache", ".hypothesis", "captures"}
    return [
        chemin
        for chemin in RACINE.rglob("*")
        if chemin.is_file()
        and chemin.suffix in suffixes
        and not ignores & set(chemin.relative_to(RACINE).parts)
        and chemin.name != ".env"
        and chemin != Path(__file__)
    ]


def test_rien_n_est_laisse_en_plan():
    motif = re.compile(r"\b(TODO|FIXME|breakpoint\(\)|pdb\.set_trace)\b|pytest\.mark\.(skip|xfail)")
    fautes = [
        f"{chemin.relative_to(RACINE)}:{numero}"
        for chemin in textes_du_depot()
        for numero, ligne in enumerate(chemin.read_text(errors="replace").splitlines(), 1)
        if motif.search(ligne)
    ]
    assert not fautes


def test_chaque_decision_est_numerotee_titree_et_suit_la_precedente():
    pages = sorted((RACINE / "docs" / "decisions").glob("*.md"))

    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert page.read_text().startswith(f"# {page.name[:4]} — "), page.name


def test_les_langues_annoncees_sont_traduites():
    attendues = {code for code, _ in settings.LANGUAGES} - {"fr"}
    assert {chemin.parent.parent.name for chemin in RACINE.glob("locale/*/LC_MESSAGES/django.po")} == attendues
