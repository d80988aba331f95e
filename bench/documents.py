"""Temps à chaud d'une attestation, et plancher mesuré à côté.

Rien n'est écrit en base : les documents sont faits en mémoire, avec une autorité d'essai dans un dossier provisoire.
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anef.settings_test")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from documents import attestations, autorite, deuxd_doc, operations, pdf, symbole  # noqa: E402
from documents.catalogue import MODELES, Acte  # noqa: E402
from documents.models import Document  # noqa: E402
from tests.documents.donnees import DECISION, DEPOT  # noqa: E402

PLANCHER = "<!doctype html><html lang='fr'><head><title>Plancher</title></head><body><p>Une page.</p></body></html>"


def document(acte: Acte, donnees: dict, le) -> Document:
    """Ce que `etablir` écrirait, sans l'écrire."""
    modele = MODELES[acte]
    decision = donnees.get("decision", {})
    du, au = operations._jour(decision.get("du")), operations._jour(decision.get("au"))
    certificat = autorite.certificat_de_signature(le=le.date())
    entete = deuxd_doc.Entete(certificat.autorite, certificat.identifiant, emission=le.date(), signature=le.date())
    champs = attestations.champs_2d_doc(donnees, modele=modele, numero="F5H1R7V3B", du=du, au=au)
    return Document(
        acte=acte,
        gabarit=modele.gabarit,
        numero="F5H1R7V3B",
        donnees=donnees,
        code_2d=deuxd_doc.ecrire(entete, champs),
        certificat=certificat.reference,
        emis_le=le,
        valable_du=du,
        valable_au=au,
    )


def mesurer(nom: str, geste, tours: int) -> None:
    geste()
    temps, calcul = [], []
    for _ in range(tours):
        debut, debut_calcul = time.perf_counter(), time.process_time()
        geste()
        calcul.append(1000 * (time.process_time() - debut_calcul))
        temps.append(1000 * (time.perf_counter() - debut))
    mediane = statistics.median(temps)
    print(f"{nom:<44} {mediane:8.1f} ms   (de {min(temps):.1f} à {max(temps):.1f} ; calcul {min(calcul):.1f})")


def principal(tours: int) -> None:
    with tempfile.TemporaryDirectory() as dossier:
        settings.DEUXD_DOC_DOSSIER = Path(dossier)
        le = timezone.now()
        autorite.creer_autorite_test(le=le)
        depot = document(Acte.CONFIRMATION_DEPOT, DEPOT, le)
        decision = document(Acte.DECISION_FAVORABLE, DECISION, le)
        code = deuxd_doc.signer(decision.code_2d, autorite.cle_privee(decision.certificat))
        debut = time.perf_counter()
        operations.produire(depot)
        print(f"{'premier rendu du processus':<44} {1000 * (time.perf_counter() - debut):8.1f} ms")
        mesurer("confirmation de dépôt, à chaud", lambda: operations.produire(depot), tours)
        mesurer("décision favorable, à chaud", lambda: operations.produire(decision), tours)
        polices, feuille, chargeur = pdf._atelier(settings.MARQUE_ETAT)
        import weasyprint

        mesurer(
            "plancher : une page vide, mêmes polices",
            lambda: weasyprint.HTML(string=PLANCHER, url_fetcher=chargeur).write_pdf(
                stylesheets=[feuille], font_config=polices, pdf_variant="pdf/ua-1"
            ),
            tours,
        )
        mesurer("dont signature", lambda: deuxd_doc.signer(decision.code_2d, autorite.cle_privee("FR00AN13")), tours)
        mesurer("dont Data Matrix", lambda: symbole.svg_2d_doc(code), tours)
        mesurer("dont QR", lambda: symbole.png_qr(*attestations.adresse_de_verification(code)), tours)
        octets = code.encode()
        mesurer("lire et vérifier un code", lambda: deuxd_doc.lire(octets), tours)
        print(f"mémoire au plus haut : {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} Mo")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tours", type=int, default=20, help="mesures de chaque geste (20)")
    principal(arguments.parse_args().tours)
