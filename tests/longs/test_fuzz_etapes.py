"""N'importe quoi, tapé à chaque étape du parcours : jamais d'erreur interne, et jamais une saisie perdue."""

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from demandes.demarches import DEMARCHES
from demandes.models import Demande, Saisie
from demandes.operations import TAILLE_MAX_BROUILLON
from demandes.parcours import Parcours, form_de_saisie
from tests.longs.saisies import ESSAIS, champs, fichiers, navigateur, saisie, sans_suite, textes
from tests.situations import remplir

pytestmark = [pytest.mark.long, pytest.mark.django_db]
FORMULAIRES = [etape for etape in DEMARCHES["etudiant"].etapes if etape.genre == "formulaire"]
GESTES = ["poursuivre", "revenir", "quitter", "rester", "chercher-adresse", "n'importe quoi"]
PAR_ETAPE = 80


@pytest.fixture
def visiteur(brouillon):
    client = Client()
    client.force_login(brouillon.usager.compte, backend="usagers.backends.IdentifiantBackend")
    return client


@pytest.fixture(params=[True, False], ids=["étape déjà validée", "étape vierge"])
def jusqu_a(request, brouillon, le):
    """`jusqu_a(code)` : le brouillon avancé jusqu'à cette étape, comprise ou non."""
    codes = [etape.code for etape in DEMARCHES["etudiant"].etapes]
    return lambda code: remplir(brouillon, jusqu_a=codes[codes.index(code) + 1] if request.param else code, le=le)


def garde(demande, etape) -> dict | None:
    ligne = Saisie.objects.filter(demande=demande, etape=etape.code).first()
    return None if ligne is None else ligne.brouillon if ligne.brouillon is not None else ligne.reponses


def est_garde(demande, etape, envoi, le) -> bool:
    """Ce que la base garde dit tout ce qui a été envoyé, aux champs sans objet près."""
    form = form_de_saisie(Parcours(demande, le=le), etape, envoi)
    return form.dit_autant_que(garde(demande, etape))


def textes_montres(page: bytes):
    """Les champs de texte de la page, avec ce qu'ils montrent."""
    for element in html.fromstring(page.decode()).xpath("//main//form//*[self::input[@type='text'] or self::textarea]"):
        yield (
            element.get("name"),
            element.get("value", "") if element.tag == "input" else (element.text or "").strip("\n"),
        )


@pytest.mark.parametrize("etape", FORMULAIRES, ids=lambda etape: etape.code)
def test_une_etape_garde_tout_ce_qui_est_tape(brouillon, visiteur, jusqu_a, etape, le):
    jusqu_a(etape.code)
    adresse = reverse("demandes:etape", args=[brouillon.pk, etape.code])
    page = visiteur.get(adresse)
    assert page.status_code == 200
    proposes = champs(page.content)
    version = str(page.context["version"])
    pages_vues = set()

    @settings(ESSAIS, max_examples=PAR_ETAPE)
    @given(saisie(proposes), st.sampled_from(GESTES))
    def essayer(envoi, geste):
        with sans_suite():
            client = navigateur(visiteur)
            reponse = client.post(adresse, envoi | {"action": [geste], "version": [version]})
            pages_vues.add(reponse.status_code)
            assert reponse.status_code in {200, 302, 422}
            recu = reponse.wsgi_request.POST
            assert est_garde(brouillon, etape, recu, le)
            suite = client.get(adresse)
            assert suite.status_code == 200
            for nom, tape in textes_montres(suite.content):
                appele = not {nom, nom.partition("-")[0]} & set(etape.form.conditions)
                if appele and nom in recu and recu[nom].isprintable():
                    assert tape == recu[nom]

    essayer()
    assert pages_vues >= {302, 422}


@pytest.mark.parametrize("etape", FORMULAIRES, ids=lambda etape: etape.code)
def test_le_brouillon_s_enregistre_seul_ou_refuse_sans_rien_changer(brouillon, visiteur, jusqu_a, etape, le):
    jusqu_a(etape.code)
    page = visiteur.get(reverse("demandes:etape", args=[brouillon.pk, etape.code]))
    adresse = reverse("demandes:etape_brouillon", args=[brouillon.pk, etape.code])
    proposes, version = champs(page.content), str(page.context["version"])

    @settings(ESSAIS, max_examples=PAR_ETAPE)
    @given(saisie(proposes), st.one_of(st.just(version), st.just(version), textes))
    def essayer(envoi, version_dite):
        avant = garde(brouillon, etape)
        with sans_suite():
            reponse = navigateur(visiteur).post(adresse, envoi | {"version": [version_dite]})
            assert reponse.status_code in {200, 409}
            if reponse.status_code == 200:
                assert est_garde(brouillon, etape, reponse.wsgi_request.POST, le)
            else:
                assert version_dite != version and garde(brouillon, etape) == avant

    essayer()


@pytest.mark.parametrize("etape", FORMULAIRES, ids=lambda etape: etape.code)
def test_un_conflit_ne_perd_ni_ce_qui_est_tape_ici_ni_ce_qui_l_est_ailleurs(brouillon, visiteur, jusqu_a, etape, le):
    jusqu_a(etape.code)
    adresse = reverse("demandes:etape", args=[brouillon.pk, etape.code])
    proposes = champs(visiteur.get(adresse).content)

    @settings(ESSAIS, max_examples=PAR_ETAPE // 3)
    @given(saisie(proposes), saisie(proposes))
    def essayer(ailleurs, ici):
        with sans_suite():
            client = navigateur(visiteur)
            version = str(
                Saisie.objects.filter(demande=brouillon, etape=etape.code).values_list("version", flat=True).first()
                or 0
            )
            client.post(adresse, ailleurs | {"action": ["rester"], "version": [version]})
            avant = garde(brouillon, etape)
            reponse = client.post(adresse, ici | {"action": ["rester"], "version": [version]})
            recu = reponse.wsgi_request.POST
            if reponse.status_code == 409:
                assert garde(brouillon, etape) == avant
                renvoyes = champs(reponse.content)
                form = form_de_saisie(Parcours(brouillon, le=le), etape, recu)
                attendus = {nom for nom, valeurs in form.essentiel.items() if nom != "version"}
                assert attendus <= set(renvoyes)
            else:
                assert reponse.status_code == 302 and est_garde(brouillon, etape, recu, le)

    essayer()


def test_une_saisie_demesuree_est_refusee_et_laisse_la_precedente(brouillon, visiteur, le):
    remplir(brouillon, jusqu_a="justificatifs", le=le)
    etape = DEMARCHES["etudiant"].etape("ressources")
    avant = garde(brouillon, etape)
    version = Saisie.objects.get(demande=brouillon, etape=etape.code).version
    envoi = avant | {"explication": ["é" * TAILLE_MAX_BROUILLON], "version": [str(version)], "action": ["rester"]}

    page = visiteur.post(reverse("demandes:etape", args=[brouillon.pk, etape.code]), envoi)
    seul = visiteur.post(reverse("demandes:etape_brouillon", args=[brouillon.pk, etape.code]), envoi)

    assert (page.status_code, seul.status_code) == (422, 413)
    assert garde(brouillon, etape) == avant


def test_les_justificatifs_supportent_tout(brouillon, visiteur, le):
    remplir(brouillon, le=le)
    adresse = reverse("demandes:etape", args=[brouillon.pk, "justificatifs"])
    page = visiteur.get(adresse)
    proposes = champs(page.content)
    noms = [nom for nom in proposes if nom.startswith(("fichier_", "remplacer_"))]
    proposes = {nom: valeurs for nom, valeurs in proposes.items() if nom not in noms}
    version, nombre = str(page.context["version"]), brouillon.pieces.count()

    @settings(ESSAIS, max_examples=PAR_ETAPE)
    @given(saisie(proposes), st.dictionaries(st.sampled_from(noms), fichiers, max_size=1), st.booleans())
    def essayer(envoi, joints, a_jour):
        with sans_suite():
            client = navigateur(visiteur)
            reponse = client.post(adresse, envoi | joints | ({"version": [version]} if a_jour else {}))
            assert reponse.status_code in {302, 404, 409, 422}
            assert client.get(adresse).status_code == 200
            # Un fichier ne quitte la pièce que retiré ou remplacé, et sa ligne reste.
            assert brouillon.pieces.count() >= nombre
            for piece in brouillon.pieces.select_related("fichier"):
                assert piece.fichier.contenu.storage.exists(piece.fichier.contenu.name)

    essayer()


def test_le_recapitulatif_supporte_tout_et_ne_depose_que_ce_qui_est_complet(brouillon_complet, visiteur, le):
    adresse = reverse("demandes:etape", args=[brouillon_complet.pk, "recapitulatif"])
    proposes = champs(visiteur.get(adresse).content)

    @settings(ESSAIS, max_examples=PAR_ETAPE)
    @given(saisie(proposes))
    def essayer(envoi):
        with sans_suite():
            client = navigateur(visiteur)
            reponse = client.post(adresse, envoi)
            assert reponse.status_code in {302, 422}
            demande = Demande.objects.get(pk=brouillon_complet.pk)
            assert demande.est_brouillon
            tape = reponse.wsgi_request.POST.get("observations", "").replace("\x00", "")
            assert demande.observations == tape  # gardées entières, même trop longues pour être déposées
            assert client.get(adresse).status_code == 200

    essayer()
