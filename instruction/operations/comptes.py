"""Les comptes des agents."""

import datetime as dt

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
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
    avant = _droits(Agent.objects.filter(compte=compte).first())
    agent, _ = Agent.objects.update_or_create(
        compte=compte, defaults={"nom": nom, "site": site, "roles": sorted(roles)}
    )
    if avant != _droits(agent):
        # Une commande n'a pas d'auteur : la ligne est au nom de l'agent, et dit d'où elle vient.
        message = f"En ligne de commande : {avant or 'aucun droit'} → {_droits(agent)}"
        LogEntry.objects.log_actions(compte.pk, [agent], CHANGE if avant else ADDITION, change_message=message)
    return agent, pris is None


def _droits(agent: Agent | None) -> str:
    return f"site {agent.site_id}, {', '.join(agent.roles) or 'aucun rôle'}" if agent else ""
