"""Vingt personnes à la fois sur un vrai gunicorn : aucune erreur ; débit et temps sont affichés."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.urls import reverse

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.models import Demande
from tests.demandes.reponses import RESSOURCES
from tests.factories import TitreSejourFactory
from tests.pannes.serveurs import Visiteur
from tests.situations import remplir, tout_relire

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
PERSONNES, TOURS = 20, 5


@pytest.fixture
def personnes(droit, le):
    """Vingt brouillons prêts à partir, chacun à une personne."""
    demandes = []
    for _rang in range(PERSONNES):
        titre = TitreSejourFactory()
        demande = operations.commencer(DEMARCHES["etudiant"], titre.usager, par=titre.usager.compte, le=le)
        remplir(demande, le=le)
        tout_relire(demande, le=le)
        demandes.append(demande)
    return demandes


def visite(visiteur: Visiteur, demande: Demande) -> list[tuple[str, int, float]]:
    """Ce qu'une personne fait en quelques minutes, sans attendre entre deux gestes."""
    etape = reverse("demandes:etape", args=[demande.pk, "ressources"])
    brouillon = reverse("demandes:etape_brouillon", args=[demande.pk, "ressources"])
    version, faits = 1, []

    def noter(geste, reponse):
        faits.append((geste, reponse.status, reponse.duree))

    for tour in range(TOURS):
        noter("accueil", visiteur.get("/"))
        noter("espace", visiteur.get(reverse("demandes:espace")))
        noter("étape", visiteur.get(etape))
        noter("pièces", visiteur.get(reverse("demandes:etape", args=[demande.pk, "justificatifs"])))
        noter("récapitulatif", visiteur.get(reverse("demandes:etape", args=[demande.pk, "recapitulatif"])))
        saisie = RESSOURCES | {"ressources-0-montant": [str(500 + tour)], "version": [str(version)]}
        noter("brouillon", visiteur.post(brouillon, **saisie))
        saisie |= {"version": [str(version + 1)], "action": ["poursuivre"]}
        noter("enregistrer", visiteur.post(etape, **saisie))
        version += 2
    return faits


def deposer(visiteur: Visiteur, demande: Demande) -> list[tuple[str, int, float]]:
    adresse = reverse("demandes:etape", args=[demande.pk, "recapitulatif"])
    relire = visiteur.post(adresse, action="relire:ressources")
    reponse = visiteur.post(adresse, action="deposer", declaration="on", observations="")
    return [("relire", relire.status, relire.duree), ("déposer", reponse.status, reponse.duree)]


def ensemble(geste, visiteurs, demandes):
    debut = time.monotonic()
    with ThreadPoolExecutor(PERSONNES) as fils:
        faits = [fait for faits in fils.map(geste, visiteurs, demandes) for fait in faits]
    return faits, time.monotonic() - debut


def montrer(faits, duree):
    print(f"\ncharge : {len(faits)} requêtes en {duree:.1f} s, {len(faits) / duree:.0f} par seconde")
    for geste in dict.fromkeys(geste for geste, _code, _duree in faits):
        temps = sorted(1000 * duree for nom, _code, duree in faits if nom == geste)
        p95 = statistics.quantiles(temps, n=20, method="inclusive")[-1]
        print(f"  {geste:<14} médiane {statistics.median(temps):6.0f} ms   p95 {p95:6.0f} ms   max {temps[-1]:6.0f} ms")


def test_vingt_personnes_a_la_fois_sont_toutes_servies(servir, courtier, personnes, capsys):
    web = servir(REDIS_URL=courtier.url, WEB_PROCESSUS="2", WEB_FILS="4")
    visiteurs = [Visiteur(web.port, demande.usager.compte) for demande in personnes]

    faits, duree = ensemble(visite, visiteurs, personnes)
    depots, duree_des_depots = ensemble(deposer, visiteurs, personnes)

    with capsys.disabled():
        montrer(faits, duree)
        montrer(depots, duree_des_depots)
    attendus = {"brouillon": 200, "enregistrer": 302, "relire": 302, "déposer": 302}
    fautes = [(geste, code) for geste, code, _duree in faits + depots if code != attendus.get(geste, 200)]
    assert fautes == []
    rangs = sorted(int(numero[12:]) for numero in Demande.objects.values_list("numero", flat=True))
    assert rangs == list(range(1, PERSONNES + 1))
