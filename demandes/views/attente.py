"""Un envoi fait après la fermeture de la session n'est pas perdu : il attend la connexion dans la session anonyme."""

import json

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict

from demandes import operations
from demandes.demarches.base import Etape
from demandes.parcours import Parcours

CLE = "saisie_en_attente"


def mettre_de_cote(request: HttpRequest) -> None:
    """Garde l'envoi avec l'adresse de son étape ; la connexion ramène à cette adresse, et conserve la session."""
    envoi = {nom: request.POST.getlist(nom) for nom in request.POST if nom not in {"csrfmiddlewaretoken", "action"}}
    if len(json.dumps(envoi)) <= operations.TAILLE_MAX_BROUILLON:
        request.session[CLE] = {"adresse": request.path, "envoi": envoi}


def reprendre(request: HttpRequest, parcours: Parcours, etape: Etape) -> MultiValueDict | None:
    """L'envoi qui attendait, s'il est de cette étape ; il n'attend plus."""
    en_attente = request.session.pop(CLE, None)
    if not en_attente or en_attente["adresse"] != request.path:
        return None
    return MultiValueDict(en_attente["envoi"])
