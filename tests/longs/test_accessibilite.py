"""axe sur chaque page du portail, telle que chacun la voit, dans chaque langue, chaque thème et chaque largeur.

Les pages ne sont pas nommées ici : ce sont toutes les adresses que le portail connaît. Une page qui porte un formulaire
est vue une seconde fois, après un envoi vide, avec ses erreurs.
"""

import itertools
from collections import Counter

import pytest
from django.urls import reverse
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import Demande
from instruction.models import Agent
from instruction.operations import prendre_en_charge
from tests.conftest import violations_axe
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
# Vide le formulaire du contenu et l'envoie comme son dernier bouton le ferait.
FORMULAIRE = "main form[method=post], #content form[method=post]"
ENVOYER_VIDE = """(formulaire) => {
  for (const champ of formulaire.elements) {
    if (["radio", "checkbox"].includes(champ.type)) champ.checked = false;
    else if (champ.tagName === "SELECT") champ.selectedIndex = 0;
    else if (["text", "password", "email", "tel", "textarea", "number"].includes(champ.type)) champ.value = "";
  }
  const boutons = [...formulaire.querySelectorAll("button[type=submit]:not([formnovalidate]):not([aria-hidden])")];
  formulaire.noValidate = true;
  formulaire.requestSubmit(boutons.at(-1));
}"""
# Vides, ceux-ci n'ont pas d'erreur : ils font ce qu'ils disent, et les autres pages n'existeraient plus.
SANS_ERREUR = ("/abandonner/", "/deconnexion/")


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
def voir(page, live_server):
    """`voir(adresse, …)` : axe aux largeurs dites, la page et, si demandé, ses erreurs ; rend le nombre de vues."""

    def regarder(largeurs_d_axe) -> int:
        for largeur in LARGEURS:
            page.set_viewport_size({"width": largeur, "height": 900})
            reelle = page.evaluate("document.documentElement.scrollWidth")
            assert reelle <= largeur, f"{page.url} : {reelle} px de large pour {largeur}"
            if largeur in largeurs_d_axe:
                violations = violations_axe(page)
                details = [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in violations]
                assert not details, f"{page.url} à {largeur} : {details}"
        # Chromium note lui-même les pages refusées (404, 410, 422), qui sont ici voulues.
        page.fautes[:] = [faute for faute in page.fautes if "the server responded with a status of 4" not in faute]
        return 1

    def aller(adresse: str, *, erreurs: bool, largeurs=LARGEURS) -> tuple[int, int]:
        reponse = page.goto(live_server.url + adresse) or page.reload()  # seule l'ancre avait changé
        assert reponse.status in {200, 404, 410} and page.url == live_server.url + adresse, (adresse, page.url)
        if "sandbox" in reponse.headers.get("content-security-policy", ""):
            # Un courriel montré à part : axe n'a pas le droit d'y courir, il le lit donc hors de son cadre.
            courriel = reponse.text()
            page.goto("about:blank")
            page.set_content(courriel)
        vues, fausses = regarder(largeurs), 0
        formulaire = page.locator(FORMULAIRE).first
        if erreurs and not adresse.endswith(SANS_ERREUR) and formulaire.count():
            with page.expect_navigation():
                formulaire.evaluate(ENVOYER_VIDE)
            if page.title().startswith(("Erreur", "Error")):
                fausses = regarder(largeurs)
        return vues, fausses

    return aller


# axe à deux largeurs en français ; l'anglais ne change que les mots, le thème sombre que les couleurs.
PASSAGES = {
    ("fr", "light"): {"largeurs": (320, 1280)},
    ("en", "light"): {"largeurs": (1280,)},
    ("fr", "dark"): {"largeurs": (1280,)},
}


@pytest.mark.parametrize(
    ("qui", "langue", "theme"),
    [
        (qui, langue, theme)
        for qui, (langue, theme) in itertools.product(["anonyme", "brouillon", "dépôt", "agent"], PASSAGES)
        if (qui, langue) != ("agent", "en")  # les agents : en français
    ],
)
def test_aucune_page_n_a_de_faute(monde, page, live_server, voir, settings, capsys, qui, langue, theme):
    settings.ADRESSE_DU_SITE = live_server.url
    page.emulate_media(color_scheme=theme)
    biscuits = {"django_language": langue}
    if qui != "anonyme":
        biscuits["sessionid"] = monde.visiteurs[qui].cookies["sessionid"].value
    page.context.add_cookies([{"name": n, "value": v, "url": live_server.url} for n, v in biscuits.items()])
    adresses = pages(monde, qui)
    vues = Counter()
    if qui == "agent":
        deposee = Demande.objects.get(etat=Etat.DEPOSEE)
        for adresse in adresses:
            vues["pages"] += voir(adresse, erreurs=False, **PASSAGES[langue, theme])[0]
        # Ensuite le même dossier, que l'agent peut instruire.
        prendre_en_charge(deposee, agent=Agent.objects.get(), version=deposee.version, le=timezone.now())
        adresses = [adresse for adresse in pages(monde, qui) if deposee.numero in adresse]

    for adresse in adresses:
        erreurs = qui != "agent" or adresse.endswith(("/proposer/", "/refuser/"))
        normales, fausses = voir(adresse, erreurs=erreurs, **PASSAGES[langue, theme])
        vues.update(pages=normales, erreurs=fausses)
        # L'agent travaille en français, un courriel est dans la langue de qui le reçoit.
        if not adresse.startswith("/agents/") and "courriel.html" not in adresse:
            assert page.locator("html").get_attribute("lang") == langue, adresse

    with capsys.disabled():
        print(f"\naxe : {qui}, {langue}, {theme} : {vues['pages']} pages, {vues['erreurs']} avec leurs erreurs")
    assert vues["pages"] > 5
    assert vues["erreurs"] > 0
