"""Connexion par n° étranger ou n° de visa : tout identifiant accepté mène au même compte."""

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from usagers.models import Compte, Identifiant
from usagers.numeros import formes_possibles, normaliser


def formes_de_connexion(saisie: str) -> list[str]:
    """Les valeurs sous lesquelles chercher : le numéro normalisé, le visa qu'il abrège, et la saisie telle quelle
    (l'identifiant d'un agent n'est pas un numéro)."""
    return list(dict.fromkeys([*formes_possibles(normaliser(saisie)), saisie.strip()]))


def trouver_compte(saisie: str) -> Compte | None:
    """Une seule requête, que l'identifiant existe ou non ; la forme la plus proche de la saisie l'emporte."""
    formes = [forme for forme in formes_de_connexion(saisie) if forme and "\x00" not in forme]
    trouves = Identifiant.objects.filter(valeur__in=formes).select_related("compte")
    plus_proche = min(trouves, key=lambda identifiant: formes.index(identifiant.valeur), default=None)
    return plus_proche.compte if plus_proche else None


def cle_du_compte(request: HttpRequest, credentials: dict | None) -> str:
    """La clé des essais comptés par django-axes : le compte, pour qu'un second identifiant ne double pas les essais."""
    saisie = (credentials or {}).get("username") or request.POST.get("username") or ""
    connues = request.__dict__.setdefault("_cles_de_comptes", {})
    if saisie not in connues:
        compte = trouver_compte(saisie)
        connues[saisie] = compte.identifiant if compte else formes_de_connexion(saisie)[0][:255].replace("\x00", "")
    return connues[saisie]


class IdentifiantBackend(ModelBackend):
    def get_user(self, user_id):
        """Le compte et sa personne en une requête : presque toute page a besoin des deux."""
        compte = Compte.objects.select_related("usager").filter(pk=user_id).first()
        return compte if compte and self.user_can_authenticate(compte) else None

    def authenticate(self, request, username=None, password=None, **kwargs):
        if username is None or password is None:
            return None
        compte = trouver_compte(username)
        if compte is None:
            # Le même calcul que pour un vrai compte : la durée ne dit pas si l'identifiant existe.
            Compte().set_password(password)
        elif compte.check_password(password) and self.user_can_authenticate(compte):
            return compte
        return None
