"""Le moteur du parcours : où en est la demande, où peut-on aller, que manque-t-il. Rien n'y est écrit."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from demandes.demarches import DEMARCHES
from demandes.demarches.base import Cas, Demarche, Etape, Fermee, Piece
from demandes.demarches.formulaires import EtapeForm
from demandes.droit import Contexte, Droit
from demandes.models import Demande, NumeroUtilise, PieceJointe, PieceReference, Saisie
from usagers.numeros import grouper_ephoto


@dataclass(frozen=True)
class Manque:
    """Ce qui empêche le dépôt : une phrase, et l'étape où y remédier (ancre comprise)."""

    code: str
    texte: str
    etape: str
    ancre: str = ""


@dataclass(frozen=True)
class Fenetre:
    """Fenêtre de dépôt d'un renouvellement (R. 431-5 1°) : de l'ouverture à la fermeture, jours compris."""

    ouverture: dt.date
    fermeture: dt.date

    def est_avant(self, jour: dt.date) -> bool:
        return jour < self.ouverture

    def est_apres(self, jour: dt.date) -> bool:
        """Dépôt hors délai : accepté, avec ses conséquences."""
        return jour > self.fermeture


@dataclass(frozen=True)
class PieceDemandee:
    """Une pièce que les réponses appellent, avec son texte, ses fichiers et ce que la personne en a dit."""

    parcours: "Parcours"
    piece: Piece
    reference: PieceReference
    obligatoire: bool
    fichiers: tuple[PieceJointe, ...]
    absence: str
    declaree: bool
    langue: str

    @property
    def code(self) -> str:
        return self.piece.code

    @property
    def numero(self) -> str:
        """Le numéro à usage unique confirmé, pour une pièce qui en est un ; vide sinon."""
        return self.parcours.numeros.get(self.piece.numero, "") if self.piece.numero else ""

    @property
    def libelle(self) -> str:
        return self.reference.libelle_en if self.langue == "en" else self.reference.libelle

    @property
    def texte(self) -> str:
        return self.reference.texte_en if self.langue == "en" else self.reference.texte

    @property
    def est_satisfaite(self) -> bool:
        """Fournie, déclarée absente avec sa raison, ou facultative et laissée vide."""
        return self.est_fournie or bool(self.absence) or not (self.obligatoire or self.fichiers)

    @property
    def est_fournie(self) -> bool:
        if self.piece.declaration:
            return self.declaree
        return bool(self.numero) if self.piece.numero else len(self.fichiers) >= self.reference.fichiers_min

    @property
    def numero_groupe(self) -> str:
        """« 1PMT - EK77 - 0613 - 1138 - 07AA - 00 » (domaine §2)."""
        return grouper_ephoto(self.numero) if self.numero else ""

    @property
    def accepte_un_fichier(self) -> bool:
        return self.piece.a_des_fichiers and len(self.fichiers) < self.reference.fichiers_max


def fenetre_de(cas: Cas, contexte: Contexte) -> Fenetre | None:
    """La fenêtre de dépôt, pour les cas qui en ont une."""
    if not cas.fenetre or contexte.titre is None:
        return None
    jours = contexte.baremes["sejour.fenetre_depot"]
    fin = contexte.titre.fin
    return Fenetre(fin - dt.timedelta(days=jours["ouverture"]), fin - dt.timedelta(days=jours["fermeture"]))


class Parcours:
    """Une demande vue par sa démarche, à un instant. `le` fixe le droit appliqué."""

    def __init__(self, demande: Demande, *, le: dt.datetime, langue: str | None = None):
        self.demande = demande
        self.le = le
        self.langue = langue or get_language() or "fr"
        self.demarche: Demarche = DEMARCHES[demande.demarche]
        self._forms: dict[str, EtapeForm] = {}

    @cached_property
    def contexte(self) -> Contexte:
        jour, demande = timezone.localdate(self.le), self.demande
        if demande.droit_lu is None or demande.droit_lu.jour != jour:
            demande.droit_lu = Droit(jour)
        return Contexte(jour, demande.usager, demande.titre_de_depart, self.langue, droit_fourni=demande.droit_lu)

    @cached_property
    def cas(self) -> Cas:
        return self.demarche.cas_de_code(self.demande.cas)

    @cached_property
    def situation(self) -> Cas | Fermee:
        """La situation au jour dit : elle peut avoir changé depuis l'ouverture du brouillon."""
        return self.demarche.cas(self.contexte)

    # --- Étapes --------------------------------------------------------------------------------------------------
    @property
    def etapes(self) -> tuple[Etape, ...]:
        return self.demarche.etapes

    @cached_property
    def saisies(self) -> dict[str, Saisie]:
        return {saisie.etape: saisie for saisie in self.demande.saisies.all()}

    def noter_saisie(self, saisie: Saisie) -> None:
        """L'étape vient d'être écrite sous le verrou de la demande : le reste, déjà lu, n'a pas changé."""
        self.saisies[saisie.etape] = saisie
        self.__dict__.pop("pieces", None)

    def saisie(self, etape: Etape) -> Saisie:
        """La saisie de l'étape ; une ligne vide, non enregistrée, quand rien n'a été tapé."""
        return self.saisies.get(etape.code) or Saisie(demande=self.demande, etape=etape.code)

    def rang(self, etape: Etape) -> int:
        """1 pour la première étape."""
        return self.etapes.index(etape) + 1

    @property
    def rang_courant(self) -> int:
        return self.rang(self.courante)

    def precedente(self, etape: Etape) -> Etape | None:
        rang = self.rang(etape)
        return self.etapes[rang - 2] if rang > 1 else None

    def suivante(self, etape: Etape) -> Etape | None:
        rang = self.rang(etape)
        return self.etapes[rang] if rang < len(self.etapes) else None

    def form(self, etape: Etape) -> EtapeForm:
        """Le formulaire validé de l'étape, lié à ses réponses ; gardé pour la durée du parcours."""
        if etape.code not in self._forms:
            reponses = self.saisie(etape).reponses
            self._forms[etape.code] = etape.form(reponses, contexte=self.contexte)
        return self._forms[etape.code]

    def valeurs(self, code: str) -> Mapping[str, Any]:
        """Réponses validées d'une étape, vides tant qu'elle ne l'est pas."""
        etape = self.demarche.etape(code)
        if etape is None or etape.form is None:
            return {}
        form = self.form(etape)
        return form.cleaned_data if form.is_bound and form.is_valid() else {}

    @cached_property
    def reponses(self) -> dict[str, Mapping[str, Any]]:
        return {etape.code: self.valeurs(etape.code) for etape in self.etapes if etape.form}

    def est_faite(self, etape: Etape) -> bool:
        if etape.genre == "formulaire":
            form = self.form(etape)
            return form.is_bound and form.is_valid()
        if etape.genre == "pieces":
            return self.saisie(etape).validee_le is not None and all(p.est_satisfaite for p in self.pieces)
        return not self.demande.est_brouillon

    @cached_property
    def courante(self) -> Etape:
        """Première étape inachevée : on ne va pas au-delà."""
        return next((etape for etape in self.etapes if not self.est_faite(etape)), self.etapes[-1])

    def est_accessible(self, etape: Etape) -> bool:
        """Toutes les étapes qui la précèdent sont faites."""
        return all(self.est_faite(precedente) for precedente in self.etapes[: self.rang(etape) - 1])

    # --- Pièces --------------------------------------------------------------------------------------------------
    @cached_property
    def jointes(self) -> list[PieceJointe]:
        """Tout ce qui a été joint, retiré compris, dans l'ordre des envois."""
        return list(self.demande.pieces.select_related("fichier").order_by("ajoutee_le", "pk"))

    @cached_property
    def _fichiers(self) -> dict[str, list[PieceJointe]]:
        par_code: dict[str, list[PieceJointe]] = {}
        for piece in self.jointes:
            if piece.retiree_le is None:
                par_code.setdefault(piece.code, []).append(piece)
        return par_code

    @cached_property
    def numeros(self) -> dict[str, str]:
        return dict(NumeroUtilise.objects.filter(demande=self.demande).values_list("nature", "valeur"))

    @cached_property
    def pieces(self) -> list[PieceDemandee]:
        """Les pièces que les réponses appellent, dans l'ordre de la démarche ; vide tant qu'une étape manque."""
        formulaires = [etape for etape in self.etapes if etape.genre == "formulaire"]
        if not all(self.est_faite(etape) for etape in formulaires):
            return []
        return list(self._pieces())

    def _pieces(self) -> Iterator[PieceDemandee]:
        declarations = self.saisie(self.demarche.etape_de_genre("pieces")).reponses or {}
        for piece in self.demarche.pieces:
            if piece.demandee_si is not None and not piece.demandee_si(self.reponses, self.contexte):
                continue
            reference = self.reference(piece)
            obligatoire = reference.obligatoire
            if piece.obligatoire_si is not None:
                obligatoire = piece.obligatoire_si(self.reponses, self.contexte)
            raison = (declarations.get(f"raison_{piece.code}") or [""])[0].strip()
            absente = bool(declarations.get(f"absente_{piece.code}")) and reference.absence_permise
            yield PieceDemandee(
                parcours=self,
                piece=piece,
                reference=reference,
                obligatoire=obligatoire,
                fichiers=tuple(self._fichiers.get(piece.code, ())),
                absence=raison if absente else "",
                declaree=piece.declaration and bool(declarations.get(f"declaree_{piece.code}")),
                langue=self.langue,
            )

    def reference(self, piece: Piece) -> PieceReference:
        code = f"{self.demarche.code}.{piece.code}"
        variante = piece.variante(self.reponses, self.contexte) if piece.variante else ""
        references = self.contexte.pieces
        return references.get(f"{code}.{variante}") or references[code]

    def piece(self, code: str) -> PieceDemandee | None:
        return next((piece for piece in self.pieces if piece.code == code), None)

    # --- Dépôt ---------------------------------------------------------------------------------------------------
    @cached_property
    def fenetre(self) -> Fenetre | None:
        return fenetre_de(self.cas, self.contexte)

    @property
    def est_hors_delai(self) -> bool:
        return self.fenetre is not None and self.fenetre.est_apres(self.contexte.jour)

    @property
    def est_trop_tot(self) -> bool:
        return self.fenetre is not None and self.fenetre.est_avant(self.contexte.jour)

    @property
    def est_complete(self) -> bool:
        """Chaque pièce obligatoire est fournie : un « Je n'ai pas ce document » rend la demande incomplète."""
        return all(piece.est_fournie for piece in self.pieces if piece.obligatoire)

    def est_relue(self, etape: Etape) -> bool:
        return self.saisie(etape).relue_le is not None

    @cached_property
    def manques(self) -> list[Manque]:
        """Tout ce qui empêche le dépôt à cet instant ; vide : le dépôt est possible."""
        return list(self._manques())

    def _manques(self) -> Iterator[Manque]:
        recapitulatif = self.demarche.etape_de_genre("recapitulatif").code
        if isinstance(self.situation, Fermee):
            yield Manque("situation", str(self.situation.motif), self.etapes[0].code)
        if self.est_trop_tot:
            jour = self.fenetre.ouverture
            jours = self.contexte.valeur("sejour.fenetre_depot", "ouverture")
            texte = _("Le dépôt s'ouvre le %(jour)s, %(jours)s jours avant la fin de votre titre.")
            yield Manque("fenetre", texte % {"jour": f"{jour:%d/%m/%Y}", "jours": jours}, recapitulatif)
        for etape in self.demarche.parties:
            if not self.est_faite(etape):
                texte = _("L'étape « %(etape)s » n'est pas terminée.") % {"etape": etape.titre}
                yield Manque("etape", texte, etape.code)
            elif self.saisie(etape).brouillon is not None:
                texte = _("L'étape « %(etape)s » contient une modification que vous n'avez pas enregistrée.")
                yield Manque("brouillon", texte % {"etape": etape.titre}, etape.code)
            elif not self.est_relue(etape):
                rang, total = self.rang(etape), len(self.demarche.parties)
                texte = _("Vous n'avez pas validé la partie « %(etape)s (%(rang)s/%(total)s) ».")
                yield Manque(
                    "relecture",
                    texte % {"etape": etape.titre, "rang": rang, "total": total},
                    recapitulatif,
                    f"partie-{etape.code}",
                )

    def messages_d_avertissement(self, etape: Etape) -> list:
        form = self.form(etape)
        return form.avertissements() if form.is_bound and form.is_valid() else []


def form_de_saisie(parcours: Parcours, etape: Etape, donnees=None) -> forms.Form:
    """Le formulaire à montrer : l'envoi reçu, sinon le brouillon, sinon les réponses, sinon ce que le profil sait."""
    if donnees is not None:
        return etape.form(donnees, contexte=parcours.contexte)
    saisie = parcours.saisie(etape)
    brut = saisie.brouillon if saisie.brouillon is not None else saisie.reponses
    if brut is not None:
        form = etape.form(brut, contexte=parcours.contexte)
        if saisie.brouillon is not None:
            form.taire_les_erreurs()
        return form
    return etape.form(contexte=parcours.contexte, initial=etape.form.initiales(parcours.contexte))
