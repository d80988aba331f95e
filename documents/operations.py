"""Émettre, rendre, remplacer, retirer un document."""

import datetime as dt
import secrets
from collections.abc import Callable
from contextlib import suppress

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from documents import autorite, deuxd_doc
from documents.attestations import champs_2d_doc, contexte, lignes_mrz
from documents.catalogue import MODELES, Acte
from documents.deuxd_doc import NonEncodable as NonEncodable
from documents.fichiers import enregistrer_octets
from documents.models import Document, Fichier
from documents.pdf import produire_pdf

journal = structlog.get_logger(__name__)
BAIL = dt.timedelta(minutes=2)
REPRISE_MAXIMALE = dt.timedelta(hours=1)
LOT = 50
# 31 caractères qui ne se confondent pas à la lecture : 31⁹ numéros, la contrainte d'unicité garde du reste.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def preparer(
    acte: Acte,
    *,
    donnees: dict,
    le: dt.datetime,
    valable_du: dt.date | None = None,
    valable_au: dt.date | None = None,
    fichier: Fichier | None = None,
) -> Document:
    """Le document tel qu'il serait émis, sans l'écrire. Lève `NonEncodable` s'il ne pourrait pas être fait.

    Les dates de validité d'une décision sont celles du titre, sauf si l'appelant en donne d'autres.
    """
    acte = Acte(acte)
    modele = MODELES[acte]
    if not modele.gabarit and fichier is None:
        raise ValueError(f"« {acte.label} » n'a pas de gabarit : son fichier doit être donné.")
    decision = donnees.get("decision", {})
    document = Document(
        acte=acte,
        gabarit=modele.gabarit,
        numero="".join(secrets.choice(ALPHABET) for _ in range(9)),
        donnees=donnees,
        emis_le=le,
        valable_du=valable_du or _jour(decision.get("du")),
        valable_au=valable_au or _jour(decision.get("au")),
        fichier=fichier,
    )
    if modele.code_6j:
        jour = timezone.localdate(le)
        certificat = autorite.certificat_de_signature(le=jour)
        entete = deuxd_doc.Entete(certificat.autorite, certificat.identifiant, emission=jour, signature=jour)
        champs = champs_2d_doc(
            donnees, modele=modele, numero=document.numero, du=document.valable_du, au=document.valable_au
        )
        document.code_2d = deuxd_doc.ecrire(entete, champs)
        document.certificat = certificat.reference
        lignes_mrz(donnees, modele=modele, numero=document.numero, au=document.valable_au)
    return document


def etablir(
    acte: Acte,
    *,
    donnees: dict,
    le: dt.datetime,
    valable_du: dt.date | None = None,
    valable_au: dt.date | None = None,
    fichier: Fichier | None = None,
) -> Document:
    """Émet un document : ses données, ses dates et son code à signer sont fixés ; le PDF vient ensuite.

    À appeler dans la transaction de l'acte. Lève `NonEncodable` si le document ne pourrait pas être fait.
    """
    document = preparer(acte, donnees=donnees, le=le, valable_du=valable_du, valable_au=valable_au, fichier=fichier)
    document.save()
    if fichier is None:
        transaction.on_commit(_reveil(document.pk), robust=True)
    return document


def _jour(iso: str | None) -> dt.date | None:
    return dt.date.fromisoformat(iso) if iso else None


def _reveil(document_id: int) -> Callable[[], None]:
    """Une vraie fonction : d'un `partial` qui échoue, Django ne saurait écrire le nom, et l'acte répondrait 500."""

    def reveiller() -> None:
        from documents import tasks  # noqa: PLC0415 (les tâches appellent les opérations)

        tasks.rendre.delay(document_id)

    return reveiller


def rendre(document: Document) -> Document:
    """Fait le PDF s'il manque, hors de toute transaction. Si un autre y travaille, `fichier` reste vide.

    Un échec se relève et se reprend de plus en plus tard ; de deux travailleurs qui finissent ensemble, un seul gagne.
    """
    maintenant = timezone.now()
    pris = (
        Document.objects.filter(Q(bail__isnull=True) | Q(bail__lte=maintenant), pk=document.pk, fichier__isnull=True)
        .update(bail=maintenant + BAIL, tentatives=F("tentatives") + 1)
    )  # fmt: skip
    document.refresh_from_db()
    if not pris:
        return document
    try:
        fichier = enregistrer_octets(produire(document), nom=nom_de_fichier(document), type_mime="application/pdf")
    except Exception:
        attente = min(dt.timedelta(seconds=15 * 2 ** min(document.tentatives, 10)), REPRISE_MAXIMALE)
        with suppress(DatabaseError):  # base absente : le bail s'éteint de lui-même
            Document.objects.filter(pk=document.pk, bail=document.bail).update(bail=maintenant + attente)
        raise
    if not Document.objects.filter(pk=document.pk, fichier__isnull=True).update(fichier=fichier, bail=None):
        fichier.contenu.delete(save=False)
        fichier.delete()
    document.refresh_from_db()
    return document


def produire(document: Document) -> bytes:
    """Le PDF d'un document. La clé privée n'est lue qu'ici ; la signature est déterministe."""
    cle = autorite.cle_privee(document.certificat)
    code_signe = deuxd_doc.signer(document.code_2d, cle)
    modele = MODELES[Acte(document.acte)]
    return produire_pdf(document.gabarit, contexte(document, modele=modele, code_signe=code_signe))


def nom_de_fichier(document: Document) -> str:
    return f"{document.acte.replace('_', '-')}-{document.donnees['numero_demande']}.pdf"


def relancer_rendus(*, le: dt.datetime) -> int:
    """Rend ce qu'une panne a laissé sans PDF ; une erreur sur l'un n'arrête pas les autres."""
    en_attente = Document.objects.filter(Q(bail__isnull=True) | Q(bail__lte=le), fichier__isnull=True)
    rendus = 0
    for document in en_attente.order_by("pk")[:LOT]:
        try:
            rendus += rendre(document).fichier_id is not None
        except Exception:
            journal.exception("rendu_en_echec", document=document.pk, tentatives=document.tentatives)
    return rendus


@transaction.atomic
def remplacer(document: Document, *, par_document: Document, le: dt.datetime) -> Document:
    """Un nouveau document prend la place de celui-ci ; la page de vérification le dira."""
    document = Document.objects.select_for_update(of=("self",), no_key=True).get(pk=document.pk)
    if document.etat == Document.Etat.EN_VIGUEUR and document.pk != par_document.pk:
        document.etat, document.remplace_par, document.etat_le = Document.Etat.REMPLACE, par_document, le
        document.save(update_fields=["etat", "remplace_par", "etat_le"])
    return document


@transaction.atomic
def retirer(document: Document, *, motif: str, le: dt.datetime) -> Document:
    """Le document ne vaut plus rien : un document remplacé peut encore être retiré, un document retiré le reste."""
    document = Document.objects.select_for_update(of=("self",), no_key=True).get(pk=document.pk)
    if document.etat != Document.Etat.RETIRE:
        document.etat, document.remplace_par = Document.Etat.RETIRE, None
        document.motif, document.etat_le = motif, le
        document.save(update_fields=["etat", "remplace_par", "motif", "etat_le"])
    return document
