"""Ce par quoi un agent cherche suit les coordonnées de la personne, quelques secondes après elles."""

import structlog
from django.db import transaction

from demandes.instantane import texte_de_recherche
from demandes.models import Demande
from usagers.models import Compte, TitreSejour, Usager

journal = structlog.get_logger(__name__)
LOT = 200


def actualiser_la_recherche() -> int:
    """Relit les comptes dont le nom d'usage, le courriel ou le téléphone a changé ; rend le nombre de comptes relus.

    Un compte dont la relecture échoue est noté au journal technique et repris au passage suivant.
    """
    relus = 0
    changes = Compte.objects.filter(coordonnees_changees_le__isnull=False).order_by("coordonnees_changees_le", "pk")
    for compte in changes[:LOT]:
        try:
            _actualiser(compte)
        except Exception:
            journal.exception("recherche_en_echec", compte=compte.pk)
        else:
            relus += 1
    return relus


@transaction.atomic
def _actualiser(compte: Compte) -> None:
    """La personne d'abord, ses demandes ensuite, comme toute opération ; tout se lit une fois le verrou obtenu."""
    usager = Usager.objects.select_for_update(of=("self",), no_key=True).filter(compte=compte).first()
    verrouillees = Demande.objects.filter(usager=usager, numero__isnull=False).select_for_update(
        of=("self",), no_key=True
    )
    demandes = list(verrouillees.select_related("titre_de_depart").order_by("pk")) if usager else []
    lu = Compte.objects.get(pk=compte.pk)
    remis: dict[str, list[str]] = {}
    for titre in TitreSejour.objects.filter(usager=usager, origine__gt="").order_by("pk"):
        remis.setdefault(titre.origine, []).append(titre.numero)
    for demande in demandes:
        usager.compte, demande.usager = lu, usager
        demande.recherche = texte_de_recherche(demande, remis=remis.get(demande.numero, ()))
    Demande.objects.bulk_update(demandes, ["recherche"])
    # Un changement plus récent que celui qui a été lu porte une autre heure : il reste à relire.
    a_jour = Compte.objects.filter(pk=compte.pk, coordonnees_changees_le=lu.coordonnees_changees_le)
    a_jour.update(coordonnees_changees_le=None)
