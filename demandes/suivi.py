"""Ce que l'usager voit d'une demande : sa frise, ce qui vient ensuite et par qui. Lecture seule."""

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from demandes.demarches import DEMARCHES
from demandes.etats import ETATS_A_INSTRUIRE, JALONS, Etat
from demandes.models import Complement, Demande, Evenement
from demandes.reouvertures import ClotureFaite, cloture_faite
from documents.catalogue import Acte
from documents.models import Document


@dataclass(frozen=True)
class Jalon:
    """Une étape de la frise. `situation` : fait, courant ou a_venir."""

    texte: str
    situation: str
    le: dt.datetime | None
    note: str = ""


def transitions(demande: Demande) -> list[Evenement]:
    """Changements d'état, du plus ancien au plus récent ; lus dans ce qui est préchargé."""
    return [e for e in demande.evenements.all() if e.nature == Evenement.Nature.TRANSITION]


def frise(demande: Demande) -> list[Jalon]:
    """Dépôt, instruction, décision, titre disponible (domaine §3.2) ; datés par le journal."""
    dates: dict[int, dt.datetime] = {}
    passages: dict[str, dt.datetime] = {}
    for evenement in transitions(demande):
        passages[evenement.apres] = evenement.le
        rang = JALONS.get(Etat(evenement.apres))
        if rang:
            dates.setdefault(rang, evenement.le)
    textes = (
        _("Dépôt de la demande"),
        _("Instruction en cours"),
        _("Décision statuée"),
        _("Titre de séjour disponible"),
    )
    if demande.etat == Etat.DEFAVORABLE:
        textes = textes[:3]
    if demande.etat in {Etat.CLOTUREE, Etat.RETIREE}:  # arrêtée : ce qui a été fait, et rien à venir
        faits = [Jalon(textes[rang - 1], "fait", le) for rang, le in sorted(dates.items())]
        return [*faits, Jalon(str(Etat(demande.etat).label), "courant", passages.get(demande.etat))]
    atteint = demande.jalon
    return [
        Jalon(
            texte, "courant" if rang == atteint else "fait" if rang < atteint else "a_venir", dates.get(rang),
            _note(demande, passages) if rang == 4 else "",
        )
        for rang, texte in enumerate(textes, 1)
    ]  # fmt: skip


def _note(demande: Demande, passages: dict[str, dt.datetime]) -> str:
    """Où en est le titre lui-même, sous le dernier jalon : en fabrication, à retirer, remis."""
    phrase = {
        Etat.EN_FABRICATION: _("en fabrication depuis le %(jour)s"),
        Etat.TITRE_DISPONIBLE: _("à retirer"),
        Etat.REMISE: _("remis le %(jour)s"),
    }.get(Etat(demande.etat), "")
    return phrase % {"jour": f"{timezone.localtime(passages[demande.etat]):%d/%m/%Y}"} if phrase else ""


def complement_attendu(demande: Demande) -> Complement | None:
    """La demande de complément qui attend une réponse ; lue dans ce qui est préchargé."""
    if demande.etat != Etat.COMPLEMENT_DEMANDE:
        return None
    return next((complement for complement in demande.complements.all() if complement.est_ouvert), None)


def etat_en_clair(demande: Demande) -> str:
    """« Demande déposée : le 29/06/2020 à 17:38:42 » ; « Complément attendu avant le 08/08/2020 » une fois lu."""
    if attendu := complement_attendu(demande):
        if attendu.echeance_le:
            return _("Complément attendu avant le %(jour)s") % {"jour": f"{attendu.echeance_le:%d/%m/%Y}"}
        return _("Complément demandé le %(jour)s") % {"jour": f"{timezone.localtime(attendu.demande_le):%d/%m/%Y}"}
    dernier = next((e for e in reversed(transitions(demande)) if e.apres == demande.etat), None)
    texte = str(Etat(demande.etat).label)
    if dernier is None:
        return texte
    instant = timezone.localtime(dernier.le)
    return _("%(etat)s : le %(jour)s à %(heure)s") % {
        "etat": texte, "jour": f"{instant:%d/%m/%Y}", "heure": f"{instant:%H:%M:%S}",
    }  # fmt: skip


def genre_de_l_etat(demande: Demande) -> str:
    """Le genre du badge ; le mot dit l'état, la couleur l'accompagne."""
    if demande.etat in {Etat.FAVORABLE, Etat.EN_FABRICATION, Etat.TITRE_DISPONIBLE, Etat.REMISE, Etat.TRAITEE}:
        return "success"
    if demande.etat in {Etat.DEFAVORABLE, Etat.CLOTUREE}:
        return "error"
    return "warning" if demande.etat == Etat.COMPLEMENT_DEMANDE else "info"


def suite(demande: Demande) -> str:
    """Ce qui vient ensuite, et qui doit agir."""
    return {
        Etat.DEPOSEE: _("Le service instructeur va prendre votre demande en charge. Vous n'avez rien à faire."),
        Etat.EN_INSTRUCTION: _(
            "Un agent examine votre demande. S'il manque un document, il vous le demandera ici et par courriel."
        ),
        Etat.COMPLEMENT_DEMANDE: _("C'est à vous : répondez à la demande de complément."),
        Etat.COMPLEMENT_RECU: _("Votre réponse est reçue. Le service instructeur reprend l'examen."),
        Etat.PROPOSITION: _("La décision est en préparation. Vous n'avez rien à faire."),
        Etat.FAVORABLE: _(
            "Votre titre va être fabriqué. La préfecture vous écrira pour le retrait et le montant à régler."
        ),
        Etat.DEFAVORABLE: _("La décision et les voies de recours sont dans le document de décision."),
        Etat.EN_FABRICATION: _("Votre titre est en fabrication. La préfecture vous écrira pour le retrait."),
        Etat.TITRE_DISPONIBLE: _("C'est à vous : retirez votre titre, comme la notification l'explique."),
        Etat.REMISE: _("Votre titre vous a été remis. Cette demande est terminée."),
        Etat.TRAITEE: _("Votre démarche est enregistrée. Vous n'avez rien à faire."),
        Etat.CLOTUREE: _("Votre demande est clôturée. La notification en donne le motif et la façon de la rouvrir."),
        Etat.RETIREE: _(
            "Vous avez retiré cette demande : aucune décision ne sera prise. Vous pouvez en déposer une nouvelle."
        ),
    }.get(Etat(demande.etat), "")


EMISSIONS = {Evenement.Nature.TRANSITION, Evenement.Nature.PROLONGATION}
DECISIONS = {Acte.DECISION_FAVORABLE, Acte.REFUS}


def documents(demande: Demande) -> list[Document]:
    """Documents de la demande, du plus récent au plus ancien."""
    return [e.document for e in reversed(list(demande.evenements.all())) if e.nature in EMISSIONS and e.document]


def attestation_de_depot(demande: Demande) -> Document | None:
    return next((d for d in documents(demande) if d.acte == Acte.CONFIRMATION_DEPOT), None)


def decision_lue(demande: Demande) -> Document | None:
    """La dernière décision dont la notification a été ouverte : avant, c'est elle qui se lit."""
    lus = {e.document_id for e in demande.evenements.all() if e.nature == Evenement.Nature.LECTURE}
    return next((d for d in documents(demande) if d.acte in DECISIONS and d.pk in lus), None)


def prolongation_en_cours(demande: Demande) -> Document | None:
    """La dernière attestation de prolongation, tant que rien n'est décidé."""
    if demande.etat not in ETATS_A_INSTRUIRE:
        return None
    return next((d for d in documents(demande) if d.acte == Acte.PROLONGATION), None)


def retrait(demande: Demande) -> dict | None:
    """Où, quand, avec quoi et combien, tant que le titre est à retirer : ce que la préfecture a écrit."""
    if demande.etat != Etat.TITRE_DISPONIBLE:
        return None
    dernier = next((e for e in reversed(transitions(demande)) if e.apres == demande.etat), None)
    return dernier.notification.contexte if dernier and dernier.notification else None


def type_de_demande(demande: Demande) -> str:
    return str(DEMARCHES[demande.demarche].type_de_demande(demande.cas))


@dataclass(frozen=True)
class Suivi:
    """Une demande prête à montrer."""

    demande: Demande

    @property
    def frise(self) -> list[Jalon]:
        return frise(self.demande)

    @property
    def etat(self) -> str:
        return etat_en_clair(self.demande)

    @property
    def genre(self) -> str:
        return genre_de_l_etat(self.demande)

    @property
    def complement(self) -> Complement | None:
        return complement_attendu(self.demande)

    @property
    def suite(self) -> str:
        return suite(self.demande)

    @property
    def type_de_demande(self) -> str:
        return type_de_demande(self.demande)

    @property
    def documents(self) -> list[Document]:
        return documents(self.demande)

    @property
    def attestation(self) -> Document | None:
        return attestation_de_depot(self.demande)

    @property
    def decision_lue(self) -> Document | None:
        return decision_lue(self.demande)

    @property
    def prolongation(self) -> Document | None:
        return prolongation_en_cours(self.demande)

    @property
    def retrait(self) -> dict | None:
        return retrait(self.demande)

    @property
    def est_retirable(self) -> bool:
        return self.demande.etat in ETATS_A_INSTRUIRE

    @cached_property
    def cloture(self) -> ClotureFaite | None:
        """De quoi la faire rouvrir, tant que le délai court."""
        cloture = cloture_faite(self.demande)
        return cloture if cloture and cloture.est_dans_le_delai() else None
