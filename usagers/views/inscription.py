"""Créer son compte : le titre, le courriel, le lien reçu, le mot de passe (guide 004, étapes 4 à 9)."""

import datetime as dt

from django.contrib.auth import logout
from django.core import signing
from django.http import HttpRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from usagers import freins, operations
from usagers.forms import CourrielInscriptionForm, CreationForm, NouveauMotDePasseForm
from usagers.freins import TropDEssais
from usagers.models import Inscription
from usagers.numeros import avertissement_numero_etranger
from usagers.operations import LienExpire, LienInvalide, LienUtilise
from usagers.views.refus import lien_refuse, trop_d_essais

SEL_SAISIE = "usagers.saisie"
SAISIE = "saisie_inscription"
COURRIEL = "courriel_inscription"
IDENTIFIANT = "identifiant_cree"


@never_cache
def creer(request):
    """Le numéro et les dates ; rien n'est dit ici de ce que le référentiel en sait."""
    form = CreationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        saisie = form.cleaned_data
        request.session[SAISIE] = [saisie["numero"], saisie["debut"].isoformat(), saisie["fin"].isoformat()]
        return redirect("usagers:creer_courriel")
    return render(request, "usagers/creer.html", {"form": form, "creation": form})


@never_cache
def creer_courriel(request):
    if request.method == "POST":
        form = CourrielInscriptionForm(request.POST)
        saisie = _lire_saisie(request.POST.get("saisie", ""))
    else:
        saisie = request.session.get(SAISIE)
        form = CourrielInscriptionForm(initial={"saisie": signing.dumps(saisie, salt=SEL_SAISIE)})
    if not saisie:
        return redirect("usagers:creer")
    numero, debut, fin = saisie[0], dt.date.fromisoformat(saisie[1]), dt.date.fromisoformat(saisie[2])
    if request.method == "POST" and form.is_valid():
        return _preinscrire(request, numero=numero, debut=debut, fin=fin, courriel=form.cleaned_data["courriel"])
    contexte = {
        "form": form,
        "numero": numero,
        "debut": debut,
        "fin": fin,
        "avertissement": avertissement_numero_etranger(numero),
    }
    return render(request, "usagers/creer_courriel.html", contexte)


@never_cache
def creer_enregistree(request):
    courriel = request.session.get(COURRIEL)
    if not courriel:
        return redirect("usagers:creer")
    return render(request, "usagers/creer_enregistree.html", {"courriel": courriel})


@never_cache
@sensitive_post_parameters()
def activer(request, jeton):
    """Le lien reçu. Le suivre ne fait que montrer le formulaire ; un lien expiré se redemande ici même."""
    le = timezone.now()
    try:
        inscription = operations.lire_inscription(jeton, le=le)
    except LienExpire as erreur:
        if request.method == "POST":
            return _renvoyer(request, jeton)
        return lien_refuse(request, erreur, objet="inscription", peut_renvoyer=True)
    except (LienInvalide, LienUtilise) as erreur:
        return lien_refuse(request, erreur, objet="inscription")
    form = NouveauMotDePasseForm(
        request.POST if request.method == "POST" else None, compte=operations.compte_a_ouvrir(inscription)
    )
    if request.method == "POST" and form.is_valid():
        return _activer(request, inscription, form.cleaned_data["mot_de_passe"], le=le)
    return render(request, "usagers/activer.html", {"form": form})


@never_cache
def cree(request):
    """Le compte est ouvert : l'identifiant à retenir."""
    identifiant = request.session.get(IDENTIFIANT)
    if not identifiant:
        return redirect("usagers:connexion")
    return render(request, "usagers/cree.html", {"identifiant": identifiant})


def _lire_saisie(jeton: str) -> list | None:
    try:
        return signing.loads(jeton, salt=SEL_SAISIE, max_age=dt.timedelta(hours=12))
    except signing.BadSignature:
        return None


def _preinscrire(request: HttpRequest, *, numero: str, debut: dt.date, fin: dt.date, courriel: str):
    """Mêmes gestes et même réponse, que la personne existe ou non."""
    le = timezone.now()
    try:
        freins.compter(
            (freins.CREATION_ADRESSE, freins.adresse_du_client(request)),
            (freins.CREATION_NUMERO, numero),
            (freins.CREATION_COURRIEL, courriel),
            le=le,
        )
    except TropDEssais as refus:
        return trop_d_essais(request, refus.jusqu_a, geste="creation")
    operations.preinscrire(numero=numero, debut=debut, fin=fin, courriel=courriel, langue=get_language(), le=le)
    request.session.pop(SAISIE, None)
    request.session[COURRIEL] = courriel
    return redirect("usagers:creer_enregistree")


def _renvoyer(request: HttpRequest, jeton: str):
    """Recommence la demande d'un lien expiré, à la même adresse."""
    ancienne = operations.retrouver_inscription(jeton)
    return _preinscrire(
        request, numero=ancienne.numero, debut=ancienne.debut, fin=ancienne.fin, courriel=ancienne.courriel
    )


def _activer(request: HttpRequest, inscription: Inscription, mot_de_passe: str, *, le: dt.datetime):
    try:
        compte = operations.activer(inscription, mot_de_passe=mot_de_passe, le=le)
    except (LienExpire, LienUtilise) as erreur:
        return lien_refuse(request, erreur, objet="inscription", peut_renvoyer=isinstance(erreur, LienExpire))
    except (operations.CompteDejaOuvert, operations.InscriptionRefusee) as erreur:
        contexte = {"deja_ouvert": isinstance(erreur, operations.CompteDejaOuvert)}
        return render(request, "usagers/creation_impossible.html", contexte, status=409)
    logout(request)  # la personne précédente de ce poste n'ouvre pas la session du nouveau compte
    request.session[IDENTIFIANT] = compte.identifiant
    return redirect("usagers:cree")
