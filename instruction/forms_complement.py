"""Le formulaire d'une demande de complément : par pièce, des motifs et une consigne ; puis des informations."""

import datetime as dt

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from demandes.complements import MOTIF_MANQUANTE, LigneDemandee
from demandes.models import Demande
from instruction import operations
from instruction.operations.complement import LIBELLE_INFORMATION, MOTIF_AUTRE

INFORMATIONS_MAX = 3


class ComplementForm(forms.Form):
    """Une pièce est demandée dès qu'un motif y est coché ou une consigne écrite."""

    def __init__(self, *args, demande: Demande, jour: dt.date, **kwargs):
        super().__init__(*args, **kwargs)
        self.demande, self.jour = demande, jour
        self.pieces = operations.pieces_a_demander(demande, jour=jour)
        motifs = [(motif.code, motif.libelle) for motif in operations.motifs_de_complement(jour)]
        de_forme = [motif for motif in motifs if motif[0] != MOTIF_MANQUANTE]
        # D'une pièce qui n'est pas là, on ne dit pas qu'elle est illisible : elle manque, ou on l'explique.
        d_absence = [motif for motif in motifs if motif[0] in {MOTIF_MANQUANTE, MOTIF_AUTRE}]
        for piece in self.pieces:
            choix = de_forme if piece.fournie else d_absence
            self.fields[f"motifs_{piece.code}"] = forms.MultipleChoiceField(
                label=_pour(_("Motifs"), piece), choices=choix, required=False, widget=forms.CheckboxSelectMultiple
            )
            self.fields[f"consigne_{piece.code}"] = _consigne(_pour(_("Observation pour la personne"), piece))
        for rang in range(1, INFORMATIONS_MAX + 1):
            self.fields[f"information_{rang}"] = _consigne(_("Information demandée (%(rang)s)") % {"rang": rang})
        self.fields["message"] = _consigne(_("Message au début de la lettre"))

    def clean(self):
        for piece in self.pieces:
            motifs, consigne = self.saisie(piece)
            if consigne and not motifs:
                self.add_error(
                    f"motifs_{piece.code}", _("%(piece)s : cochez au moins un motif.") % {"piece": piece.libelle}
                )
            if MOTIF_AUTRE in motifs and not consigne:
                texte = _("%(piece)s : écrivez l'observation que le motif « Autre » annonce.")
                self.add_error(f"consigne_{piece.code}", texte % {"piece": piece.libelle})
        if not self.errors and not self.lignes:
            raise forms.ValidationError(_("Cochez au moins un motif, ou demandez une information."))
        return self.cleaned_data

    def saisie(self, piece: LigneDemandee) -> tuple[tuple[str, ...], str]:
        nettes = self.cleaned_data
        return tuple(nettes.get(f"motifs_{piece.code}", ())), nettes.get(f"consigne_{piece.code}", "")

    @property
    def lignes(self) -> list[LigneDemandee]:
        """Ce qui est demandé, dans l'ordre des pièces puis des informations."""
        demandees = [(piece, *self.saisie(piece)) for piece in self.pieces]
        pieces = [LigneDemandee(p.code, p.libelle, motifs, consigne) for p, motifs, consigne in demandees if motifs]
        textes = [self.cleaned_data.get(f"information_{rang}", "") for rang in range(1, INFORMATIONS_MAX + 1)]
        return pieces + [LigneDemandee("", LIBELLE_INFORMATION, (), texte) for texte in textes if texte]

    @property
    def emplacements(self) -> list[dict]:
        """Une pièce et ses deux champs ; `ouvert` : elle porte déjà quelque chose."""
        resultat = []
        for piece in self.pieces:
            motifs, consigne = self[f"motifs_{piece.code}"], self[f"consigne_{piece.code}"]
            ouvert = bool(motifs.value() or consigne.value() or motifs.errors or consigne.errors)
            resultat.append({"piece": piece, "motifs": motifs, "consigne": consigne, "ouvert": ouvert})
        return resultat

    @property
    def informations(self) -> list[forms.BoundField]:
        return [self[f"information_{rang}"] for rang in range(1, INFORMATIONS_MAX + 1)]


def _pour(libelle: str, piece: LigneDemandee) -> str:
    """La pièce est dans le titre du volet ; qui n'entend que le champ l'a dans son nom."""
    return format_html('{}<span class="fr-sr-only"> : {}</span>', libelle, piece.libelle)


def _consigne(libelle) -> forms.CharField:
    return forms.CharField(
        label=libelle, required=False, max_length=2000, widget=forms.Textarea({"rows": 2}),
        error_messages={"max_length": _("Écrivez 2 000 caractères au plus.")},
    )  # fmt: skip
