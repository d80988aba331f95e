"""Les comptes des agents."""

import datetime as dt

from django.db import transaction

from demandes.models import Site
from instruction.models import Agent
from usagers.models import Compte, Identifiant


class IdentifiantPris(Exception):
    """L'identifiant est celui d'un usager."""


@transaction.atomic
def creer_agent(
    identifiant: str,
    *,
    nom: str,
    site: Site,
    roles: list[str],
    courriel: str,
    mot_de_passe: str | None,
    le: dt.datetime,
) -> tuple[Agent, bool]:
    """Ouvre le compte d'un agent, ou met à jour nom, site, rôles et courriel ; vrai si le compte est nouveau.

    Le mot de passe d'un compte qui existe n'est pas touché. Lève `IdentifiantPris`.
    """
    pris = Identifiant.objects.select_related("compte").filter(valeur=identifiant).first()
    if pris and not pris.compte.est_agent:
        raise IdentifiantPris
    if pris:
        compte = Compte.objects.select_for_update(no_key=True).get(pk=pris.compte_id)
        if compte.courriel != courriel:
            compte.courriel = courriel
            compte.save(update_fields=["courriel"])
    else:
        compte = Compte.objects.create_user(
            identifiant, mot_de_passe, nature=Compte.Nature.AGENT, is_staff=True, courriel=courriel, cree_le=le,
            courriel_verifie_le=le, nature_identifiant=Identifiant.Nature.AGENT,
        )  # fmt: skip
    agent, _ = Agent.objects.update_or_create(
        compte=compte, defaults={"nom": nom, "site": site, "roles": sorted(roles)}
    )
    return agent, pris is None
