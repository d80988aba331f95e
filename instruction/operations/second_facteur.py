"""Le second facteur d'un agent : une application de son téléphone (TOTP), et des codes de secours en papier."""

import secrets

import django_otp
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from instruction.models import Agent
from instruction.operations.base import GesteInterdit
from instruction.permissions import peut_changer_les_references
from usagers.models import Compte

CODES_DE_SECOURS = 10
# Ni 0, 1, O, I ni L : un code se recopie d'un papier.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class CodeRefuse(Exception):
    """Le code n'est pas le bon, ou a déjà servi ; `attendre` : secondes avant le prochain essai permis."""

    def __init__(self, attendre: int = 0):
        super().__init__()
        self.attendre = attendre


def appareil_de(compte: Compte) -> TOTPDevice | None:
    """L'application que l'agent a enregistrée, s'il l'a fait jusqu'au bout."""
    return TOTPDevice.objects.filter(user=compte, confirmed=True).first()


@transaction.atomic
def preparer(compte: Compte) -> TOTPDevice:
    """La clé à enregistrer, toujours la même tant qu'elle n'est pas confirmée."""
    Compte.objects.select_for_update(no_key=True).get(pk=compte.pk)
    a_confirmer = TOTPDevice.objects.filter(user=compte, confirmed=False).first()
    return a_confirmer or TOTPDevice.objects.create(user=compte, name="application", confirmed=False)


@transaction.atomic
def confirmer(compte: Compte, code: str) -> tuple[TOTPDevice, list[str]]:
    """Le premier code juste enregistre l'application et donne les codes de secours ; aucun code si c'est le mauvais.

    Un agent qui a déjà une application n'en enregistre pas d'autre sans remise à zéro : lève `GesteInterdit`.
    """
    Compte.objects.select_for_update(no_key=True).get(pk=compte.pk)
    appareil = TOTPDevice.objects.select_for_update().filter(user=compte, confirmed=False).first()
    if appareil is None or appareil_de(compte):
        raise GesteInterdit
    if not _est_juste(appareil, code):
        # Le frein compte cet essai : il s'écrit, et l'erreur se dit hors d'ici.
        return appareil, []
    appareil.confirmed = True
    appareil.save(update_fields=["confirmed"])
    return appareil, _donner_des_codes(compte)


def _est_juste(appareil: TOTPDevice, code: str) -> bool:
    return code.isascii() and code.isdecimal() and appareil.verify_token(code)


def refaire_les_codes(compte: Compte) -> list[str]:
    """De nouveaux codes de secours ; les anciens ne servent plus."""
    with transaction.atomic():
        Compte.objects.select_for_update(no_key=True).get(pk=compte.pk)
        return _donner_des_codes(compte)


def _donner_des_codes(compte: Compte) -> list[str]:
    StaticDevice.objects.filter(user=compte).delete()
    boite = StaticDevice.objects.create(user=compte, name="codes de secours")
    codes = [f"{_mot()}-{_mot()}" for _rang in range(CODES_DE_SECOURS)]
    StaticToken.objects.bulk_create(StaticToken(device=boite, token=_empreinte(code)) for code in codes)
    return codes


def _mot() -> str:
    return "".join(secrets.choice(ALPHABET) for _rang in range(5))


def _empreinte(code: str) -> str:
    """Ce que la base garde d'un code de secours : de quoi le reconnaître, pas de quoi l'écrire."""
    return salted_hmac("instruction.codes_de_secours", code, algorithm="sha256").hexdigest()[:16]


def codes_restants(compte: Compte) -> int:
    return StaticToken.objects.filter(device__user=compte).count()


def verifier(compte: Compte, code: str) -> Device:
    """L'appareil qui reconnaît ce code : six chiffres de l'application, ou un code de secours. Lève `CodeRefuse`."""
    code = "".join(code.lower().split())
    if code.isascii() and code.isdecimal():
        appareil, jeton = appareil_de(compte), code
    else:
        appareil, lettres = StaticDevice.objects.filter(user=compte).first(), code.replace("-", "")
        jeton = _empreinte(f"{lettres[:5]}-{lettres[5:]}")
    if appareil is None:
        raise CodeRefuse
    if attendre := attente(appareil):
        raise CodeRefuse(attendre)
    verifie = django_otp.verify_token(compte, appareil.persistent_id, jeton)
    if verifie is None:
        raise CodeRefuse
    return verifie


def attente(appareil: Device) -> int:
    """Secondes à attendre après des essais manqués ; le double à chaque fois."""
    _permis, details = appareil.verify_is_allowed()
    return 1 + int((details["locked_until"] - timezone.now()).total_seconds()) if details else 0


@transaction.atomic
def reinitialiser(agent: Agent, *, par: Agent | None, motif: str) -> bool:
    """Appareil perdu : l'agent en enregistre un autre à sa prochaine connexion ; ses sessions ouvertes se ferment.

    `par` : l'administrateur fonctionnel, jamais l'agent lui-même ; `None` en ligne de commande. Rend faux, sans rien
    écrire, si l'agent n'avait pas de second facteur.
    """
    if par is not None and (par.pk == agent.pk or not peut_changer_les_references(par)):
        raise GesteInterdit
    Compte.objects.select_for_update(no_key=True).get(pk=agent.compte_id)
    appareils = [*TOTPDevice.objects.filter(user=agent.compte), *StaticDevice.objects.filter(user=agent.compte)]
    for appareil in appareils:
        appareil.delete()
    if appareils:
        LogEntry.objects.log_actions(
            par.compte_id if par else agent.compte_id,
            [agent],
            CHANGE,
            change_message=f"Second facteur remis à zéro{'' if par else ' en ligne de commande'} : {motif}",
        )
    return bool(appareils)
