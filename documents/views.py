"""La page publique de vérification."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from documents import freins, presentation, verification
from documents.forms import VerificationForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verifier(request: HttpRequest) -> HttpResponse:
    """Coller, envoyer une photo ou un PDF, ou suivre le QR (`?c=`) : la même réponse. Rien n'est gardé."""
    form = VerificationForm()
    octets = None
    if request.method == "POST":
        form = VerificationForm(request.POST, request.FILES)
    elif "c" in request.GET:
        octets = request.GET["c"].encode("latin-1", errors="replace")
    if (request.method == "POST" or octets is not None) and (secondes := freins.attente(request)):
        contexte = {"form": VerificationForm(), "attente": secondes}
        reponse = render(request, "documents/verifier.html", contexte, status=429)
        reponse["Retry-After"] = str(secondes)
        return reponse
    if request.method == "POST" and form.is_valid():
        octets = octets_du_formulaire(form)
        form = VerificationForm()
    contexte = {"form": form, "essai": settings.DEUXD_DOC_AUTORITE.endswith("00")}
    if octets is not None:
        le = timezone.now()
        contexte["resultat"] = presentation.resultat(verification.verifier(octets, le=le), le=le)
    return render(request, "documents/verifier.html", contexte)


def octets_du_formulaire(form: VerificationForm) -> bytes:
    if fichier := form.cleaned_data["fichier"]:
        return verification.extraire(fichier.read(verification.TAILLE_MAXIMALE))
    return verification.extraire(verification.texte_colle(form.cleaned_data["texte"]))
