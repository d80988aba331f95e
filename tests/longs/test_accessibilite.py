"""axe sur chaque page du portail, telle que chacun la voit, dans chaque langue, chaque thème et chaque largeur.

Les pages ne sont pas nommées ici : ce sont toutes les adresses que le portail connaît. Une page qui porte un formulaire
est vue une seconde fois, après un envoi vide, avec ses erreurs.
"""

import itertools

import pytest
from django.urls import reverse

from tests.longs.monde import ADRESSES, Monde
from tests.longs.saisies import navigateur

pytestmark = [pytest.mark.long, pytest.mark.navigateur, pytest.mark.django_db(transaction=True)]
LARGEURS = (320, 768, 1280)
# Ce que leurs paramètres font voir d'autre que la page nue.
VARIANTES = {
    "demandes:orientation": ["?pour=moi&etape=situation", "?pour=moi&situation=titre", "?pour=moi&situation=aucun"],
    "demandes:contact": ["?departement=75", "?departement="],
    "demandes:rechercher": ["?q=timbre", "?q=xyzzy"],
    "demandes:aide": ["#ephoto"],
    "documents:verifier": ["?c=DC04", "?c=n-importe-quoi"],
    "admin:dossiers": ["?onglet=tous", "?q=john", "?q=jolie", "?q=ab", "?onglet=decides"],
    "admin:dossier": ["?vue=demande", "?vue=pieces", "?vue=historique"],
}
# Vide le formulaire du contenu et l'envoie comme son dernier bouton le ferait ; faux s'il n'y en a pas.
ENVOYER_VIDE = """() => {
  const formulaire = [...document.querySelectorAll("main form, #content form")].find((f) => f.method === "post");
  if (!formulaire) return false;
  for (const champ of formulaire.elements) {
    if (["radio", "checkbox"].includes(champ.type)) champ.checked = false;
    else if (champ.tagName === "SELECT") champ.selectedIndex = 0;
    else if (["text", "password", "email", "tel", "textarea", "number"].includes(champ.type)) champ.value = "";
  }
  const boutons = [...formulaire.querySelectorAll("button[type=submit]:not([formnovalidate]):not([aria-hidden])")];
  formulaire.noValidate = true;
  formulaire.requestSubmit(boutons.at(-1));
  return true;
}"""


def toutes_les_adresses(monde: Monde, nom: str, qui: str) -> list[str]:
    """Cette adresse avec tout ce que cette personne peut y mettre."""
    possibles = [monde.possibles(nom, parametre, qui) for parametre in ADRESSES[nom]]
    adresses = [reverse(nom, kwargs=dict(zip(ADRESSES[nom], v, strict=True))) for v in itertools.product(*possibles)]
    return [adresse + variante for adresse in adresses for variante in ("", *VARIANTES.get(nom, []))]


def pages(monde: Monde, qui: str) -> list[str]:
    """Les pages HTML que cette personne voit ; celles ouvertes à tous sont vues sans compte."""
    vues = []
    for nom in sorted(ADRESSES):
        for adresse in toutes_les_adresses(monde, nom, qui):
            if adresse in vues or not est_une_page(monde, qui, nom, adresse):
                continue
            if qui == "anonyme" or not est_une_page(monde, "anonyme", nom, adresse):
                vues.append(adresse)
    return vues


def est_une_page(monde: Monde, qui: str, nom: str, adresse: str) -> bool:
    """Une page entière ; le refus d'un lien reçu par courriel (404, 410) en est une."""
    reponse = navigateur(monde.visiteurs[qui]).get(adresse.partition("#")[0])
    contenu = reponse.getvalue()
    if not (reponse.headers.get("Content-Type", "").startswith("text/html") and b"<html" in contenu):
        return False
    return reponse.status_code == 200 or (reponse.status_code in {404, 410} and "jeton" in ADRESSES[nom])


@pytest.fixture
def voir(page, live_server, sans_faute_axe):
    """`voir(adresse)` : axe à chaque largeur, puis sur la page d'erreurs si demandé ; rend le nombre de vues."""

    def regarder() -> int:
        for largeur in LARGEURS:
            page.set_viewport_size({"width": largeur, "height": 900})
            sans_faute_axe(page)
            reelle = page.evaluate("document.documentElement.scrollWidth")
            assert reelle <= largeur, f"{page.url} : {reelle} px de large pour {largeur}"
        # Chromium note lui-même les pages refusées (404, 410, 422), qui sont ici voulues.
        page.fautes[:] = [faute for faute in page.fautes if "the server responded with a status of 4" not in faute]
        return len(LARGEURS)

    def aller(adresse: str, *, erreurs: bool) -> int:
        page.goto(live_server.url + adresse)
        vues = regarder()
        if erreurs and page.evaluate(ENVOYER_VIDE):
            page.wait_for_load_state()
            if page.title().startswith(("Erreur", "Error")):
                vues += regarder()
        return vues

    return aller


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("qui", "langue"),
    [*itertools.product(["anonyme", "brouillon", "dépôt"], ["fr", "en"]), ("agent", "fr")],  # les agents : en français
)
def test_aucune_page_n_a_de_faute(monde, page, live_server, voir, settings, capsys, qui, langue, theme):
    settings.ADRESSE_DU_SITE = live_server.url
    page.emulate_media(color_scheme=theme)
    biscuits = {"django_language": langue}
    if qui != "anonyme":
        biscuits["sessionid"] = monde.visiteurs[qui].cookies["sessionid"].value
    page.context.add_cookies([{"name": n, "value": v, "url": live_server.url} for n, v in biscuits.items()])
    adresses = pages(monde, qui)

    vues = 0
    for adresse in adresses:
        # Un agent n'envoie que ce qu'il peut corriger : « Prendre en charge » changerait le dossier.
        vues += voir(adresse, erreurs=qui != "agent" or adresse.endswith(("/accorder/", "/refuser/")))
        assert page.locator("html").get_attribute("lang") == langue, adresse

    with capsys.disabled():
        print(f"\naxe : {qui}, {langue}, {theme} : {len(adresses)} pages, {vues} vues sans faute")
    assert len(adresses) > 5
