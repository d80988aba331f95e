"""Comment un dossier se lit : délais en mots, points d'attention, journal, aperçu de ce qui part. Lecture seule."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from demandes.demarches.base import TitreDelivrable
from demandes.demarches.formulaires import euros
from demandes.etats import ETATS_A_INSTRUIRE, Etat
from demandes.models import Decision, Demande, Evenement, Motif
from demandes.suivi import genre_de_l_etat
from documents.models import Document
from documents.operations import NonEncodable
from instruction.initiatives import raison_de
from instruction.models import Agent
from instruction.operations import ACTES_PAR_LOT, cloture_proposee, titre_delivrable
from instruction.permissions import GESTES, peut
from notifications.catalogue import MODELES, Canal, Message
from notifications.composition import composer
from notifications.models import Envoi, Notification
from usagers.models import Compte

# En deçà, la fin de droits se signale : choix du projet.
PROCHE = 30


@dataclass(frozen=True)
class Delai:
    """Une date et ce qu'il en reste. `genre` : error, warning ou rien, en plus des mots."""

    jour: dt.date
    texte: str
    genre: str = ""


def _genre(jours: int) -> str:
    return "error" if jours < 0 else "warning" if jours <= PROCHE else ""


def fin_de_droits(demande: Demande, jour: dt.date) -> Delai | None:
    """« dans 12 jours », « expire aujourd'hui », « expiré depuis 3 jours » ; rien une fois décidé."""
    if demande.fin_de_droits is None:
        return None
    jours = (demande.fin_de_droits - jour).days
    if demande.etat not in ETATS_A_INSTRUIRE:
        return Delai(demande.fin_de_droits, "")
    if jours > 0:
        texte = ngettext("dans %(n)s jour", "dans %(n)s jours", jours) % {"n": jours}
    elif jours == 0:
        texte = _("expire aujourd'hui")
    else:
        texte = ngettext("expiré depuis %(n)s jour", "expiré depuis %(n)s jours", -jours) % {"n": -jours}
    return Delai(demande.fin_de_droits, texte, _genre(jours))


def echeance_legale(demande: Demande, jour: dt.date) -> Delai | None:
    """La date où le silence vaut rejet : « dans 45 jours », « passée depuis 2 jours »."""
    if demande.echeance_legale is None:
        return None
    jours = (demande.echeance_legale - jour).days
    if demande.etat not in ETATS_A_INSTRUIRE:
        return Delai(demande.echeance_legale, "")
    if jours > 0:
        texte = ngettext("dans %(n)s jour", "dans %(n)s jours", jours) % {"n": jours}
    elif jours == 0:
        texte = _("aujourd'hui")
    else:
        texte = ngettext("passée depuis %(n)s jour", "passée depuis %(n)s jours", -jours) % {"n": -jours}
    return Delai(demande.echeance_legale, texte, _genre(jours))


@dataclass(frozen=True)
class Rangee:
    """Un dossier dans la file."""

    demande: Demande
    jour: dt.date
    agent: Compte
    est_rouverte: bool = False

    @property
    def etat(self) -> str:
        return etat_lu(self.demande)

    @property
    def personne(self) -> str:
        """« JOHN Julie » se range et se lit par le nom."""
        usager = self.demande.usager
        return f"{usager.nom_naissance} {usager.prenoms}".strip()

    @property
    def numero(self) -> tuple[str, str, str]:
        return numero_decoupe(self.demande.numero)

    @property
    def fin_de_droits(self) -> Delai | None:
        return fin_de_droits(self.demande, self.jour)

    @property
    def echeance_legale(self) -> Delai | None:
        return echeance_legale(self.demande, self.jour)

    @property
    def genre(self) -> str:
        return genre_de_l_etat(self.demande)

    @property
    def titulaire(self) -> str:
        return titulaire(self.demande, self.agent)


def etat_lu(demande: Demande) -> str:
    """Le libellé des états parle à la personne ; celui-ci, à l'agent."""
    return _("Retirée par l'usager") if demande.etat == Etat.RETIREE else str(demande.get_etat_display())


def numero_decoupe(numero: str) -> tuple[str, str, str]:
    """Site, date, rang : l'œil les sépare, la copie donne les 19 chiffres."""
    return numero[:4], numero[4:12], numero[12:]


def insecable(texte: str) -> str:
    """Les guillemets ne se séparent pas de leur mot en fin de ligne."""
    return texte.replace("« ", "«\u00a0").replace(" »", "\u00a0»")


def titulaire(demande: Demande, agent: Compte) -> str:
    """Qui instruit : « moi », un nom, ou personne."""
    if demande.agent_id is None:
        return ""
    return _("moi") if demande.agent_id == agent.pk else nom_de(demande.agent)


def nom_de(compte: Compte) -> str:
    """Le nom affiché d'un agent ; celui de la personne pour un usager."""
    if compte.est_agent:
        return compte.agent.nom if hasattr(compte, "agent") else compte.identifiant
    return compte.usager.nom_complet if hasattr(compte, "usager") else compte.identifiant


def a_l_heure(instant: dt.datetime) -> str:
    local = timezone.localtime(instant)
    return _("le %(jour)s à %(heure)s") % {"jour": f"{local:%d/%m/%Y}", "heure": f"{local:%H:%M}"}


# --- Actes possibles -------------------------------------------------------------------------------------------------
# Acte → nom de sa page. Un acte sans page n'est pas proposé.
GESTE_URL: dict[str, str] = {
    "prendre_en_charge": "admin:dossier_prendre",
    "demander_complement": "admin:dossier_complement",
    "abandonner_complement": "admin:dossier_complement_renoncer",
    "reprendre": "admin:dossier_reprendre",
    "proposer": "admin:dossier_proposer",
    "viser": "admin:dossier_proposition",
    "signer_favorable": "admin:dossier_proposition",
    "signer_refus": "admin:dossier_proposition",
    "proposer_cloture": "admin:dossier_proposer_cloture",
    "cloturer": "admin:dossier_cloture",
    "rouvrir": "admin:dossier_rouvrir",
    "reaffecter": "admin:dossier_reaffecter",
    "transferer": "admin:dossier_transferer",
    "prolonger": "admin:dossier_prolonger",
    "attribuer_numero": "admin:dossier_numero",
    "fabriquer": "admin:dossier_fabriquer",
    "rendre_disponible": "admin:dossier_disponible",
    "remettre": "admin:dossier_remettre",
}
# Le bouton fait l'acte d'un clic ; un lien mène à sa page, qui montre ce qui part.
GESTES_IMMEDIATS = {"prendre_en_charge"}
# Ce qui fait avancer le dossier vient d'abord ; le reste se range sous « Autres actes ».
GESTES_PRINCIPAUX = {
    "prendre_en_charge", "demander_complement", "reprendre", "proposer", "viser", "renvoyer", "signer_favorable",
    "signer_refus", "cloturer", "rouvrir", "fabriquer", "rendre_disponible", "remettre",
}  # fmt: skip


def _sens_propose(sens: str) -> Callable[[Demande], bool]:
    def est_propose(demande: Demande) -> bool:
        derniere = demande.decisions.order_by("-pk").values_list("sens", flat=True).first()
        return derniere == sens

    return est_propose


def _reste_a_viser(demande: Demande) -> bool:
    proposee = demande.decisions.filter(signee_le__isnull=True).order_by("-pk").values("visee_le").first()
    return proposee is not None and proposee["visee_le"] is None


# Ce que l'état seul ne dit pas : acte → condition sur la demande.
GESTE_SI: dict[str, Callable[[Demande], bool]] = {
    "attribuer_numero": lambda demande: not demande.usager.numero_etranger,
    "viser": _reste_a_viser,
    "signer_favorable": _sens_propose(Decision.Sens.FAVORABLE),
    "signer_refus": _sens_propose(Decision.Sens.DEFAVORABLE),
    "proposer_cloture": lambda demande: cloture_proposee(demande) is None,
    "cloturer": lambda demande: cloture_proposee(demande) is not None,
}


def _est_sans_agent(demande: Demande) -> bool:
    """Reçue d'un autre site en cours d'instruction, ou rouverte après le départ de son agent."""
    return demande.agent_id is None and demande.etat != Etat.DEPOSEE


@dataclass(frozen=True)
class GestePossible:
    nom: str
    libelle: str
    url: str
    est_immediat: bool
    est_principal: bool


def gestes_possibles(agent: Agent, demande: Demande) -> list[GestePossible]:
    """Les actes que cet agent peut faire maintenant, dans l'ordre de la table ; leur page revérifie tout."""
    possibles = [
        GestePossible(
            nom, geste.libelle, reverse(GESTE_URL[nom], args=[demande.numero]),
            est_immediat=nom in GESTES_IMMEDIATS,
            est_principal=nom in GESTES_PRINCIPAUX or (nom == "reaffecter" and _est_sans_agent(demande)),
        )
        for nom, geste in GESTES.items()
        if nom in GESTE_URL and peut(agent, nom, demande) and GESTE_SI.get(nom, lambda _demande: True)(demande)
    ]  # fmt: skip
    # La réponse reçue, on la lit avant d'en demander une autre.
    premier = "reprendre" if demande.etat == Etat.COMPLEMENT_RECU else ""
    return sorted(possibles, key=lambda geste: geste.nom != premier)


def gestes_par_lot(agent: Agent) -> list[tuple[str, str]]:
    """Les actes que le rôle de cet agent permet sur plusieurs dossiers."""
    return [(nom, GESTES[nom].libelle) for nom in ACTES_PAR_LOT if GESTES[nom].roles & set(agent.roles)]


# --- Points d'attention ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Attention:
    """Ce que la machine a vu et que l'agent juge. `dossiers` : les numéros qu'elle cite, et leur adresse si permise."""

    titre: str
    texte: str = ""
    dossiers: tuple[tuple[str, str], ...] = ()


def points_d_attention(demande: Demande, contenu: dict) -> list[Attention]:
    return list(_points_d_attention(demande, contenu))


def _points_d_attention(demande: Demande, contenu: dict) -> Iterator[Attention]:
    if contenu.get("hors_delai"):
        yield Attention(
            _("Dépôt hors délai"),
            _("La majoration s'ajoute à la taxe ; pas d'attestation de prolongation de plein droit."),
        )
    for piece in contenu.get("pieces", ()):
        if piece["absence"]:
            yield Attention(_("« %(piece)s » : non fourni") % {"piece": piece["libelle"]}, piece["absence"])
    for texte in contenu.get("avertissements", ()):
        yield Attention(_("Signalé à la personne pendant sa saisie"), texte)
    if not contenu.get("adresse", {}).get("verifiee"):
        yield Attention(
            _("Adresse saisie à la main"), _("Elle n'a pas été choisie dans la Base adresse nationale : vérifiez-la.")
        )
    if not contenu.get("etat_civil", {}).get("numero_etranger"):
        yield Attention(_("Sans numéro étranger"), _("La personne est connue par son visa."))
    if contenu.get("observations"):
        yield Attention(_("La personne a écrit à l'administration"), contenu["observations"])


# --- Pièces ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class FichierDepose:
    """Un fichier figé au dépôt, dans l'ordre où l'agent le parcourt."""

    cle: int
    nom: str
    taille: int
    piece: str


def fichiers_deposes(contenu: dict) -> list[FichierDepose]:
    return [
        FichierDepose(fichier["piece"], fichier["nom"], fichier["taille"], piece["libelle"])
        for piece in contenu.get("pieces", ())
        for fichier in piece["fichiers"]
    ]


# --- Journal ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class LigneDeJournal:
    le: dt.datetime
    texte: str
    par: str
    document: Document | None
    envois: list[Envoi]


def journal(demande: Demande) -> list[LigneDeJournal]:
    """Du plus récent au plus ancien : qui, quand, quel état, quel document, quelle lettre."""
    evenements = (
        demande.evenements.select_related("document__fichier", "notification", "par__agent", "par__usager")
        .prefetch_related("notification__envois")
        .order_by("-le", "-pk")
    )
    return [ligne_de_journal(evenement) for evenement in evenements]


def ligne_de_journal(evenement: Evenement) -> LigneDeJournal:
    envois = []
    if evenement.notification and evenement.nature == Evenement.Nature.TRANSITION:
        envois = sorted(evenement.notification.envois.all(), key=lambda envoi: envoi.canal)
    par = nom_de(evenement.par) if evenement.par else _("le système")
    return LigneDeJournal(evenement.le, texte_de(evenement), par, evenement.document, envois)


# Pourquoi un acte signé n'a pas pu se faire à son heure.
PHRASES_D_ECHEC = {
    "agent_inactif": _l("le compte de qui l'a signé a été fermé"),
    "droits_retires": _l("qui l'a signé n'en a plus le droit"),
    "etat_change": _l("le dossier est passé à un autre état"),
    "dossier_change": _l("le dossier a changé entre-temps"),
    "quatre_yeux": _l("une seconde personne est exigée"),
    "non_encodable": _l("une valeur ne peut pas figurer sur l'attestation"),
}


def controle_en_mots(evenement: Evenement) -> str:
    """« Pièce contrôlée : PASSEPORT, vérifiée, datée du 01/06/2026 »."""
    codes = evenement.codes
    mots = [codes["piece"], str(_("vérifiée") if codes["verifiee"] else _("à vérifier"))]
    if codes["datee_du"]:
        mots.append(_("datée du %(jour)s") % {"jour": f"{dt.date.fromisoformat(codes['datee_du']):%d/%m/%Y}"})
    return f"{evenement.get_nature_display()}\u00a0: {', '.join(mots)}"


def texte_de(evenement: Evenement) -> str:
    if evenement.nature == Evenement.Nature.LECTURE and evenement.notification:
        return _("Notification ouverte : %(message)s") % {"message": evenement.notification.get_message_display()}
    if geste := evenement.codes.get("geste"):
        texte = f"{evenement.get_nature_display()}\u00a0: {GESTES[geste].libelle}"
        echec = PHRASES_D_ECHEC.get(evenement.codes.get("echec"))
        return f"{texte} ({echec})" if echec else texte
    if evenement.nature == Evenement.Nature.CLOTURE:
        return _("Clôture écartée") if evenement.codes.get("cloture") == "ecartee" else _("Clôture proposée")
    if evenement.nature == Evenement.Nature.CONTROLE:
        return controle_en_mots(evenement)
    if evenement.nature != Evenement.Nature.TRANSITION:
        return evenement.get_nature_display()
    if evenement.avant == Etat.CLOTUREE:
        par_un_agent = evenement.par is None or evenement.par.est_agent
        return _("Demande rouverte") if par_un_agent else _("Rouverte par l'usager")
    if evenement.apres == Etat.RETIREE:
        raison = raison_de(evenement)
        return _("Retirée par l'usager") + (f" ({raison})" if raison else "")
    if evenement.codes.get("renvoi"):
        return _("Proposition renvoyée en instruction")
    if evenement.apres == Etat.PROPOSITION and (sens := evenement.codes.get("sens")):
        return _("Proposition de décision %(sens)s") % {"sens": Decision.Sens(sens).label}
    if evenement.apres == Etat.EN_INSTRUCTION and evenement.avant == Etat.DEPOSEE:
        return _("Prise en charge")
    return str(Etat(evenement.apres).label)


# --- Ce qui part, ce qui est parti -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Apercu:
    """Un message tel qu'il partirait, dans la langue de la personne."""

    canal: str
    adresse: str
    sujet: str
    texte: str
    langue: str
    lettre: str = ""


def apercus(message: Message, compte: Compte, contexte: dict) -> list[Apercu]:
    """Composés par la même fonction que les envois eux-mêmes, après la lettre que la personne lira dans son espace."""
    resultat = []
    if MODELES[message].portail and message != Message.COMPLEMENT:  # sa page montre la lettre, ligne à ligne
        corps = {"corps": f"demandes/notifications/{message}.html", "contexte": contexte}
        with translation.override(compte.langue):
            lettre = render_to_string("demandes/lettre.html", corps | {"MARQUE_ETAT": settings.MARQUE_ETAT})
            objet = str(message.label)
        resultat.append(Apercu(_("lettre"), "", objet, "", compte.langue, lettre))
    for canal in MODELES[message].canaux:
        adresse = compte.telephone if canal == Canal.SMS else compte.courriel
        if adresse:
            ecrit = composer(message, canal=canal, contexte=contexte, langue=compte.langue)
            resultat.append(Apercu(str(canal.label), adresse, ecrit.sujet, ecrit.texte, compte.langue))
    return resultat


def phrase_d_envoi(notification: Notification) -> str:
    """« notification dans son espace, courriel à …, SMS au … » : ce qui a été écrit dans la boîte d'envoi."""
    morceaux = [_("notification dans son espace")]
    for envoi in notification.envois.order_by("canal"):
        phrase = _("SMS au %(adresse)s") if envoi.canal == Canal.SMS else _("courriel à %(adresse)s")
        morceaux.append(phrase % {"adresse": envoi.adresse})
    return ", ".join(morceaux)


# --- Décision --------------------------------------------------------------------------------------------------------
def lignes_de_decision(titre: TitreDelivrable, *, mention: str, du: dt.date, au: dt.date, taxe) -> list[dict]:
    """Ce qui est accordé, en questions et réponses : la vérification et la décision prise se lisent pareil."""
    schengen = {None: "", True: _("Autorise le franchissement des frontières Schengen"), False: _("Ne l'autorise pas")}
    return [
        {"libelle": _("Titre accordé"), "valeur": str(titre.libelle).capitalize()},
        {"libelle": _("Mention"), "valeur": mention},
        {
            "libelle": _("Validité"),
            "valeur": _("du %(du)s au %(au)s") % {"du": date_format(du, "j F Y"), "au": date_format(au, "j F Y")},
        },
        {"libelle": _("Travail"), "valeur": _("Autorisé %(travail)s") % {"travail": titre.travail}}
        if titre.travail
        else {"libelle": _("Travail"), "valeur": _("Rien n'est dit")},
        *([{"libelle": _("Frontières"), "valeur": schengen[titre.schengen]}] if titre.schengen is not None else []),
        {"libelle": _("Montant dû à la remise"), "valeur": euros(taxe)},
    ]


def lignes_de_la_decision(decision: Decision) -> list[dict]:
    """Une décision prise : son contenu, par qui et quand."""
    signature = {
        "libelle": _("Décidée par"),
        "valeur": f"{nom_de(decision.signee_par)}, {a_l_heure(decision.signee_le)}",
    }
    if decision.sens == Decision.Sens.FAVORABLE:
        titre = titre_delivrable(decision.demande, decision.titre)
        return [
            *lignes_de_decision(titre, mention=decision.mention, du=decision.du, au=decision.au, taxe=decision.taxe),
            signature,
        ]
    motifs = Motif.objects.filter(code__in=decision.motifs).order_by("code", "-du").distinct("code")
    internes = [
        {"libelle": _("Motifs (internes)"), "valeur": ", ".join(motif.libelle for motif in motifs)},
        {"libelle": _("Avis (interne)"), "valeur": decision.avis},
    ]
    return [*(ligne for ligne in internes if ligne["valeur"]), signature]


def phrase_non_encodable(refus: NonEncodable) -> str:
    return _(
        "« %(valeur)s » ne peut pas figurer sur l'attestation : cette valeur ne s'écrit pas en lettres latines. "
        "Rien n'a été fait. Faites rectifier la donnée, puis recommencez."
    ) % {"valeur": refus.valeur}
