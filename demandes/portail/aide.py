"""Les questions de l'aide ; chaque réponse est un gabarit `portail/aide/<code>.html`."""

import datetime as dt
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _

from demandes.demarches.formulaires import euros
from demandes.droit import baremes

Texte = str | Promise


@dataclass(frozen=True)
class Question:
    code: str
    texte: Texte


RUBRIQUES: tuple[tuple[Texte, tuple[Question, ...]], ...] = (
    (
        _("Avant de commencer"),
        (
            Question("qui-peut-deposer", _("Qui peut déposer une demande sur ce site ?")),
            Question("quand-deposer", _("Quand déposer ma demande de renouvellement ?")),
            Question("hors-delai", _("Que se passe-t-il si je dépose ma demande en retard ?")),
            Question("vlsts", _("J'ai un VLS-TS : dois-je le valider avant de demander un titre ?")),
            Question("titre-expire", _("Mon titre de séjour a expiré : puis-je encore le renouveler en ligne ?")),
        ),
    ),
    (
        _("Mon compte"),
        (
            Question("numero-etranger", _("Où trouver mon numéro étranger, mon numéro de titre ou de visa ?")),
            Question("creer-compte", _("Comment créer mon compte ?")),
            Question("lien-expire", _("Je n'ai pas reçu le courriel de confirmation, ou son lien a expiré")),
            Question("mot-de-passe", _("J'ai oublié mon mot de passe")),
            Question("changer-courriel", _("Comment changer d'adresse électronique ou de téléphone ?")),
        ),
    ),
    (
        _("Ma demande"),
        (
            Question("reprendre", _("Puis-je m'arrêter et reprendre ma demande plus tard ?")),
            Question("pieces", _("Quels documents dois-je joindre ?")),
            Question("format-fichiers", _("Quels fichiers sont acceptés, et que faire si le mien est refusé ?")),
            Question("ephoto", _("Qu'est-ce qu'une ephoto et où la faire ?")),
            Question("document-manquant", _("Il me manque un document : puis-je déposer quand même ?")),
            Question("ressources", _("Je n'atteins pas le montant de ressources demandé")),
            Question("modifier-apres-depot", _("Puis-je modifier ma demande après le dépôt ?")),
        ),
    ),
    (
        _("Après le dépôt"),
        (
            Question("attestation-depot", _("À quoi sert la confirmation de dépôt ?")),
            Question("delai", _("Combien de temps dure l'instruction ?")),
            Question("complement", _("L'administration me demande un complément : que dois-je faire ?")),
            Question("fin-de-titre", _("Mon titre expire pendant l'instruction : ai-je encore des droits ?")),
            Question("decision", _("Ma demande est acceptée : que se passe-t-il ensuite ?")),
            Question("refus", _("Ma demande est refusée : que puis-je faire ?")),
            Question("payer", _("Combien coûte le titre de séjour et quand payer ?")),
        ),
    ),
    (
        _("Être aidé"),
        (
            Question("sans-internet", _("Je n'ai pas d'ordinateur ou je n'arrive pas à faire la démarche en ligne")),
            Question("representer", _("Puis-je faire la démarche pour quelqu'un d'autre ?")),
            Question("couverture-sociale", _("Comment être couvert par l'assurance maladie ?")),
            Question("verifier-document", _("Comment vérifier qu'un document est authentique ?")),
        ),
    ),
)
QUESTIONS = tuple(question for _titre, questions in RUBRIQUES for question in questions)


def chiffres(jour: dt.date) -> dict[str, str]:
    """Montants et délais en vigueur, écrits pour être lus ; un barème qui n'est pas chargé est simplement absent."""
    valeurs = baremes(jour)

    def lire(code: str, nom: str, ecrire) -> str:
        return ecrire(valeurs[code][nom]) if nom in valeurs.get(code, {}) else ""

    def montant(valeur: str) -> str:
        return euros(Decimal(valeur))

    return {
        "ouverture": lire("sejour.fenetre_depot", "ouverture", str),
        "fermeture": lire("sejour.fenetre_depot", "fermeture", str),
        "majoration": lire("sejour.majoration_hors_delai", "montant", montant),
        "titre_expire": lire("sejour.titre_expire", "jours", str),
        "seuil": lire("etudiant.seuil_ressources", "montant", montant),
        "silence": lire("etudiant.silence", "jours", str),
        "taxe": lire("etudiant.taxe", "renouvellement", montant),
        "complement": lire("complement.delai", "jours", str),
        "validation_vlsts": lire("vlsts.validation", "mois", str),
    }


def reponse(question: Question, chiffres_du_jour: dict[str, str], liens: dict) -> str:
    return render_to_string(f"portail/aide/{question.code}.html", {"chiffres": chiffres_du_jour, "liens": liens})


@dataclass(frozen=True)
class Resultat:
    url: str
    titre: str
    extrait: str
    poids: int


# Les pages du portail qu'une recherche peut proposer : nom d'URL, titre, ce que l'on y trouve.
PAGES: tuple[tuple[str, Texte, Texte], ...] = (
    (
        "demandes:orientation",
        _("Demander ou renouveler un titre de séjour"),
        _("Vérifier que la démarche est en ligne, puis créer un compte ou se connecter."),
    ),
    ("usagers:connexion", _("Se connecter ou créer un compte"), _("Identifiant, mot de passe, numéro étranger, visa.")),
    (
        "demandes:contact",
        _("Contact"),
        _("Adresse, téléphone et horaires de la préfecture du département, assistance téléphonique, réclamation."),
    ),
    ("demandes:aide", _("Aide"), _("Questions fréquentes sur le compte, la demande, les documents et la décision.")),
    (
        "documents:verifier",
        _("Vérifier un document"),
        _("Contrôler l'authenticité d'une attestation avec son code 2D-Doc."),
    ),
    (
        "demandes:accessibilite",
        _("Accessibilité"),
        _("Déclaration d'accessibilité, signaler une difficulté, handicap, voies de recours."),
    ),
    (
        "demandes:donnees",
        _("Données personnelles"),
        _("Ce qui est enregistré, pourquoi, combien de temps, vos droits, cookies, CNIL."),
    ),
    ("demandes:mentions", _("Mentions légales"), _("Éditeur, hébergeur, directeur de la publication.")),
    ("demandes:plan", _("Plan du site"), _("Toutes les pages du site.")),
)


def normaliser(texte: str) -> str:
    """Minuscules sans accent, apostrophes et tirets changés en espaces."""
    sans_accent = "".join(c for c in unicodedata.normalize("NFD", texte.lower()) if not unicodedata.combining(c))
    return "".join(c if c.isalnum() else " " for c in sans_accent)


def rechercher(texte: str, *, jour: dt.date, liens: dict, entrees: dict) -> list[Resultat]:
    """Les pages et les réponses qui contiennent tous les mots ; ceux du titre comptent davantage."""
    # « agréés » et « agréé » se trouvent l'un l'autre : la marque du pluriel n'est pas cherchée.
    mots = [mot.rstrip("sx") if len(mot) > 3 else mot for mot in normaliser(texte).split() if len(mot) > 1][:10]
    if not mots:
        return []
    du_jour = chiffres(jour)
    candidats = [(reverse(nom), str(titre), str(contenu)) for nom, titre, contenu in PAGES]
    candidats += [
        (reverse("demandes:a_venir", args=[code]), str(entree.titre), str(entree.resume))
        for code, entree in entrees.items()
    ]
    candidats += [
        (f"{reverse('demandes:aide')}#{q.code}", str(q.texte), " ".join(strip_tags(reponse(q, du_jour, liens)).split()))
        for q in QUESTIONS
    ]
    resultats = []
    for url, titre, contenu in candidats:
        dans_titre, dans_tout = normaliser(titre), normaliser(f"{titre} {contenu}")
        if all(mot in dans_tout for mot in mots):
            poids = sum(3 * (mot in dans_titre) + dans_tout.count(mot) for mot in mots)
            extrait = contenu if len(contenu) <= 180 else contenu[:180].rsplit(" ", 1)[0] + "…"
            resultats.append(Resultat(url, titre, extrait, poids))
    return sorted(resultats, key=lambda resultat: -resultat.poids)
