"""Ce qu'un navigateur, une personne pressée ou un programme hostile peut envoyer à un formulaire."""

import contextlib
import io
from collections.abc import Iterator

from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from lxml import html
from PIL import Image

ESSAIS = settings(
    deadline=None,
    database=None,
    print_blob=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Chacun a déjà fait tomber un programme : chiffres qui n'en sont pas, nombres trop grands, caractères nuls.
FAUX_NOMBRES = ("", "\x00", "²", "٣", "１２", "-1", "1e309", "NaN", "9" * 30, "9" * 5000)
PIEGES = (
    *(
        " ",
        "a\x00b",
        "0",
        "00",
        "9223372036854775808",
        "%00",
        "%",
        "{{ 7 }}",
        "<script>alert(1)</script>",
        "null",
        "[]",
    ),
    *("'; DROP TABLE demandes_demande; --", "../../etc/passwd", "\u202ecod.exe", "é" * 300, "\U0001f600", "李小龙"),
    *("\ufeff", "\u2028", "a\r\nb", "{}", "on", "oui", "fr", "xx", "//exemple.invalid/", "javascript:alert(1)"),
    *("00000", "75020", "20000", "97600", "2026-02-30", "31", "13", "0000", "Feb", "+33601020304", "0601020304"),
    *("a@b", "a@exemple.invalid", "7503119958", "TS7654321"),
)
VERBES = ("poursuivre", "rester", "ajouter", "supprimer", "retirer", "retablir", "relire", "deposer", "rien", "")
COMPLEMENTS = (
    "",
    "ressources",
    "enfants",
    "motif",
    "recapitulatif",
    "PASSEPORT",
    "ressources:0",
    "ressources:x",
    "x:y",
)

# Par leur rang : Hypothesis n'a pas à les écrire tous quand il décrit une faute.
faux_nombres = st.integers(0, len(FAUX_NOMBRES) - 1).map(FAUX_NOMBRES.__getitem__)
textes = st.one_of(
    faux_nombres,
    st.sampled_from(PIEGES),
    st.text(st.characters(codec="utf-8"), max_size=120),
    st.integers(-(2**70), 2**70).map(str),
)


def actions(proposees: set[str]) -> st.SearchStrategy[str]:
    """Le verbe d'un bouton de la page, ou un autre, avec n'importe quel complément : « retirer:² »."""
    verbes = sorted({proposee.partition(":")[0] for proposee in proposees})
    return st.builds(
        lambda verbe, suite: f"{verbe}:{suite}" if suite else verbe,
        st.one_of(st.sampled_from(verbes), st.sampled_from(verbes), st.sampled_from(VERBES)),
        st.one_of(st.sampled_from(COMPLEMENTS), faux_nombres, faux_nombres.map("ressources:{}".format), textes),
    )


def _image() -> bytes:
    tampon = io.BytesIO()
    Image.new("RGB", (4, 4)).save(tampon, "PNG")
    return tampon.getvalue()


contenus = st.one_of(
    st.just(b""),
    st.binary(max_size=200),
    st.sampled_from(
        [_image(), b"%PDF-1.4\n%%EOF", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBP", b"GIF89a"]
    ),
)


class Joint(io.BytesIO):
    """Un fichier à envoyer, sous un nom que Django refuserait d'écrire lui-même."""

    def __init__(self, nom: str, contenu: bytes, type_mime: str):
        super().__init__(contenu)
        self.name, self.content_type = nom, type_mime

    def __repr__(self) -> str:
        return f"Joint({self.name!r}, {self.getvalue()!r}, {self.content_type!r})"


fichiers = st.builds(
    Joint,
    st.one_of(
        st.sampled_from(["a.png", "..", "a/b.pdf", "\u202egpj.exe", ".", '"', "a\r\nb", "x" * 300 + ".pdf"]),
        st.text(st.characters(codec="utf-8")),
    ),
    contenus,
    st.sampled_from(["image/png", "application/pdf", "text/html", "", "x"]),
)


def champs(page: bytes) -> dict[str, set[str]]:
    """Les noms que les formulaires du contenu envoient, avec les valeurs qu'ils proposent."""
    trouves: dict[str, set[str]] = {}
    if not page.strip():
        return trouves
    for element in html.fromstring(page).xpath("//*[self::main or @id='content']//form//*[@name]"):
        valeurs = trouves.setdefault(element.get("name"), set())
        if element.tag == "select":
            valeurs |= {option.get("value", "") for option in element.iter("option")}
        else:
            coche = element.get("type") in {"checkbox", "radio"}
            valeurs.add(element.get("value", "on" if coche else (element.text or "").strip("\n")))
    trouves.pop("csrfmiddlewaretoken", None)
    return trouves


@st.composite
def saisie(tirer, proposes: dict[str, set[str]]) -> dict[str, list[str]]:
    """Un envoi : ce que la page propose, puis quelques champs faux, répétés, absents, inconnus — ou tous."""
    noms = sorted(proposes)
    envoi = {nom: [tirer(st.sampled_from(sorted(proposes[nom])))] for nom in noms}
    combien = tirer(st.sampled_from([0, 1, 1, 2, 3, len(noms)]))
    faux = noms if combien >= len(noms) else tirer(st.lists(st.sampled_from(noms), max_size=combien))
    for nom in faux:
        envoi[nom] = tirer(st.lists(textes, min_size=min(combien - 1, 1), max_size=min(combien, 2)))
    # Ce que la page écrit elle-même et qu'un programme lit comme un nombre ou comme un ordre.
    for nom in {"version", "remplace", "action"}.intersection(noms):
        if tirer(st.booleans()):
            envoi[nom] = [tirer(actions(proposes[nom]) if nom == "action" else faux_nombres)]
    for nom in tirer(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), max_size=1)):
        envoi[nom] = [tirer(textes)]
    return {nom: valeurs for nom, valeurs in envoi.items() if valeurs}


@contextlib.contextmanager
def sans_suite() -> Iterator[None]:
    """Ce qu'un essai écrit est défait : les essais sont indépendants, et aucun frein ne se serre."""
    cache.clear()
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


def navigateur(client: Client) -> Client:
    """Un autre client avec les mêmes cookies : l'essai peut fermer ou remplacer sa session."""
    autre = Client()
    for nom, biscuit in client.cookies.items():
        autre.cookies[nom] = biscuit.value
    return autre
