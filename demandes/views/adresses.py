"""L'aide à la saisie de l'adresse : suggestions pendant la frappe, ou liste rendue par le serveur."""

import structlog
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from redis.exceptions import RedisError

from demandes.champs import sceller_adresse
from demandes.demarches.formulaires import EtapeForm
from usagers.adresses import LONGUEUR_MAX, Adresses, AdresseTrouvee, chercher

journal = structlog.get_logger(__name__)
PARAMETRE = "adresses"
# Une frappe normale, avec une attente entre deux demandes, n'atteint pas une demande par seconde.
DEMANDES_PAR_MINUTE = 60
NOMS = ("numero", "voie", "code_postal", "commune", "insee")
SEL = "adresse"


def champs(adresse: AdresseTrouvee) -> dict[str, str]:
    """Les champs du formulaire que cette adresse remplit, sa clé scellée avec eux."""
    valeurs = {nom: getattr(adresse, nom) for nom in NOMS}
    remplis = {f"adresse_{nom}": valeur for nom, valeur in valeurs.items()}
    return remplis | {"adresse_cle": sceller_adresse(adresse.cle, **valeurs), "adresse": adresse.libelle}


@never_cache
@require_GET
def suggestions(request: HttpRequest) -> JsonResponse:
    """Les adresses qui ressemblent à `q` ; vide quand le service ne répond pas : la saisie reste libre."""
    if not request.user.is_authenticated or request.user.est_agent:
        return JsonResponse({}, status=401)
    if trop_de_demandes(request):
        return JsonResponse({}, status=429, headers={"Retry-After": "60"})
    trouvees = chercher(request.GET.get("q", "")[:LONGUEUR_MAX])
    return JsonResponse(
        {
            "adresses": [{"libelle": a.libelle, "champs": champs(a)} for a in trouvees],
            "indisponible": trouvees.indisponible,
        }
    )


def trop_de_demandes(request: HttpRequest) -> bool:
    """Compte par personne et par minute ; sans cache, rien n'est compté."""
    cle = f"adresses:{request.user.pk}:{timezone.now():%H%M}"
    try:
        cache.add(cle, 0, 90)
        return cache.incr(cle) > DEMANDES_PAR_MINUTE
    except (RedisError, ValueError):
        journal.warning("suggestions_d_adresses_non_comptees")
        return False


def propositions(request: HttpRequest, form: EtapeForm) -> dict | None:
    """Sans JavaScript : les adresses trouvées pour ce qui est tapé, chacune avec la valeur signée de son bouton."""
    if PARAMETRE not in request.GET or "adresse" not in form.fields:
        return None
    texte = (form["adresse"].value() or "").strip()
    trouvees = Adresses() if trop_de_demandes(request) else chercher(texte)
    return {
        "indisponible": trouvees.indisponible,
        "adresses": [{"libelle": a.libelle, "choix": signing.dumps(champs(a), salt=SEL)} for a in trouvees],
    }


def champs_du_choix(choix: str) -> dict[str, list[str]]:
    """Les champs que remplit le bouton choisi ; rien si sa valeur n'est pas de nous."""
    try:
        return {nom: [valeur] for nom, valeur in signing.loads(choix, salt=SEL).items()}
    except signing.BadSignature:
        return {}
