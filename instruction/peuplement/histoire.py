"""Ce que devient chaque dossier inventé : sa personne, son dépôt, puis les actes qui le mènent à son état."""

import datetime as dt
import hashlib
import json
import random
from dataclasses import dataclass

from django.utils import timezone

from demandes.etats import ETATS_A_INSTRUIRE, Etat
from demandes.models import (
    Cloture,
    Complement,
    ComplementLigne,
    Decision,
    Demande,
    Evenement,
    Instantane,
    NumeroUtilise,
    PieceJointe,
    Prolongation,
    Site,
)
from demandes.operations import premiere_relance, relance_d_ouverture, relance_suivante
from documents.catalogue import MODELES, Acte
from documents.models import Document
from documents.operations import ALPHABET
from instruction.operations import ajouter_mois
from instruction.peuplement.modele import NUMERO_DE_VOIE, Modele, adresse_de
from instruction.peuplement.tables import Table
from notifications.catalogue import Message
from notifications.models import Notification
from usagers.models import Compte, Identifiant, TitreSejour, Usager

SANS_MOT_DE_PASSE = "!compte-de-peuplement"
NOMS = (
    "DIALLO", "NDIAYE", "TRAORE", "NGUYEN", "BENALI", "DIOP", "KONE", "TRAN", "HADDAD", "SILVA", "WANG", "COULIBALY",
    "RAKOTO", "SINGH", "MBAYE", "SANTOS", "KOWALSKI", "MULLER", "ROSSI", "GARCIA", "POPESCU", "JOHN", "CAMARA", "LI",
)  # fmt: skip
PRENOMS = (
    "AMINATA", "JULIE", "MAMADOU", "FATOU", "KOFI", "THI MAI", "OLENA", "AICHA", "JEAN", "MARIA", "WEI", "ANA",
    "YOUSSEF", "SALMA", "IBRAHIMA", "PAULO", "ANNA", "KARL", "INES", "MOUSSA", "LEILA", "PRIYA", "TIAGO", "SARA",
)  # fmt: skip
SYLLABES = ("BA", "KO", "LI", "MAN", "RI", "SO", "TA", "VEN", "ZU", "DER", "FOU", "GUI", "HAL", "JO", "NES", "PE")
VOIES = ("rue Nationale", "rue des Pyrénées", "avenue de la Gare", "rue de Lannoy", "place du Marché")

# Ce que devient un dossier d'après son âge en jours : état → poids.
AGES: tuple[tuple[int, dict[Etat, int]], ...] = (
    (20, {Etat.DEPOSEE: 78, Etat.EN_INSTRUCTION: 12, Etat.COMPLEMENT_DEMANDE: 5, Etat.CLOTUREE: 2, Etat.RETIREE: 3}),
    (
        150,
        {
            Etat.DEPOSEE: 20, Etat.EN_INSTRUCTION: 30, Etat.COMPLEMENT_DEMANDE: 14, Etat.COMPLEMENT_RECU: 8,
            Etat.PROPOSITION: 8, Etat.FAVORABLE: 4, Etat.EN_FABRICATION: 5, Etat.TITRE_DISPONIBLE: 4, Etat.REMISE: 2,
            Etat.DEFAVORABLE: 2, Etat.CLOTUREE: 2, Etat.RETIREE: 1,
        },
    ),
    (
        10_000,
        {
            Etat.REMISE: 74, Etat.DEFAVORABLE: 9, Etat.CLOTUREE: 6, Etat.RETIREE: 3, Etat.TITRE_DISPONIBLE: 2,
            Etat.EN_FABRICATION: 1, Etat.FAVORABLE: 1, Etat.EN_INSTRUCTION: 2, Etat.COMPLEMENT_DEMANDE: 1,
            Etat.PROPOSITION: 1,
        },
    ),
)  # fmt: skip
COMPLETER = ("prise", "complement", "reponse", "reprise")
ACCORDER = ("prise", "proposition", "visa", "decision")
# Les actes qui mènent à chaque état.
SUITES: dict[Etat, tuple[str, ...]] = {
    Etat.DEPOSEE: (),
    Etat.EN_INSTRUCTION: ("prise",),
    Etat.COMPLEMENT_DEMANDE: ("prise", "complement"),
    Etat.COMPLEMENT_RECU: ("prise", "complement", "reponse"),
    Etat.PROPOSITION: ("prise", "proposition"),
    Etat.FAVORABLE: ACCORDER,
    Etat.DEFAVORABLE: ACCORDER,
    Etat.EN_FABRICATION: (*ACCORDER, "fabrication"),
    Etat.TITRE_DISPONIBLE: (*ACCORDER, "fabrication", "disponible"),
    Etat.REMISE: (*ACCORDER, "fabrication", "disponible", "remise"),
    Etat.CLOTUREE: ("prise", "proposer_cloture", "cloture"),
    Etat.RETIREE: ("retrait",),
}
# Du premier au dernier acte, au plus ; un dossier récent a vécu moins.
DUREE_MAX = dt.timedelta(days=150)
TRANSITION, TEXTE = Evenement.Nature.TRANSITION, "Explication inventée pour les mesures."


@dataclass(frozen=True)
class Equipe:
    """Les agents d'un site, par leur compte."""

    site: Site
    instructeurs: tuple[int, ...]
    valideur: int
    signataire: int
    remise: int


class Histoires:
    """Écrit les lignes de dossiers, l'un après l'autre, dans des tables en mémoire ; l'appelant les vide."""

    def __init__(self, modeles: list[Modele], *, pdf: int, hasard: random.Random, le: dt.datetime):
        self.modeles, self.pdf, self.hasard, self.le = modeles, pdf, hasard, le
        self.jour = timezone.localdate(le)
        self.comptes = Table(Compte, "identifiant", "password", "courriel", "courriel_verifie_le", "telephone",
                             "cree_le")  # fmt: skip
        self.identifiants = Table(Identifiant, "valeur", "compte", "nature")
        self.usagers = Table(
            Usager, "nom_naissance", "prenoms", "sexe", "naissance", "lieu_naissance", "pays_naissance", "nationalite",
            "situation_familiale", "adresse_voie", "adresse_code_postal", "adresse_commune", "numero_etranger",
            "compte",
        )  # fmt: skip
        self.titres = Table(TitreSejour, "usager", "numero", "nature", "motif", "debut", "fin", "origine")
        self.demandes = Table(
            Demande, "usager", "demarche", "cas", "objet", "titre_de_depart", "ouverte_par", "ouverte_le",
            "modifiee_le", "site", "etat", "version", "numero", "deposee_le", "decidee_le", "fin_de_droits",
            "echeance_legale", "hors_delai", "complete_au_depot", "agent", "recherche",
        )  # fmt: skip
        self.instantanes = Table(Instantane, "demande", "rang", "cause", "contenu", "empreinte", "le", "par")
        self.pieces = Table(PieceJointe, "demande", "code", "fichier", "ajoutee_le")
        self.documents = Table(
            Document, "acte", "gabarit", "numero", "donnees", "emis_le", "valable_du", "valable_au", "fichier"
        )
        self.notifications = Table(
            Notification, "destinataire", "message", "contexte", "document", "objet", "creee_le", "lue_le",
            "repondue_le",
        )  # fmt: skip
        self.evenements = Table(
            Evenement, "usager", "demande", "nature", "avant", "apres", "par", "document", "notification", "le",
            "codes",
        )  # fmt: skip
        self.complements = Table(
            Complement, "demande", "notification", "message", "demande_par", "demande_le", "echeance_le", "repondu_le",
            "prochaine_relance_le", "relance_le",
        )  # fmt: skip
        self.lignes = Table(ComplementLigne, "complement", "rang", "code", "libelle", "motifs", "consigne", "reponse",
                            "justification")  # fmt: skip
        self.decisions = Table(
            Decision, "demande", "sens", "titre", "mention", "du", "au", "taxe", "motifs", "avis", "fichier",
            "document", "proposee_par", "proposee_le", "visee_par", "visee_le", "signee_par", "signee_le",
        )  # fmt: skip
        self.clotures = Table(
            Cloture, "demande", "motif", "texte", "proposee_par", "proposee_le", "decidee_par", "decidee_le"
        )
        self.prolongations = Table(Prolongation, "demande", "document", "du", "au", "travail", "par", "le")
        self.numeros = Table(NumeroUtilise, "nature", "valeur", "demande")

    @property
    def tables(self) -> list[Table]:
        return [valeur for valeur in vars(self).values() if isinstance(valeur, Table)]

    def ajouter(self, rang: int, numero: str, *, equipe: Equipe, deposee_le: dt.datetime) -> None:
        """Une personne, son titre, sa demande et tout ce qui lui est arrivé jusqu'à aujourd'hui."""
        hasard = self.hasard
        dossier = Dossier(self, rang, numero, equipe, deposee_le, hasard.choices(self.modeles, (92, 8))[0])
        age = (self.jour - dossier.depot).days
        poids = next(poids for limite, poids in AGES if age < limite)
        (etat,) = hasard.choices(list(poids), list(poids.values()))
        dossier.ecrire_la_personne()
        actes = SUITES[etat]
        if actes[:1] == ("prise",) and actes[1:2] != ("complement",) and hasard.random() < 0.25:
            actes = (*COMPLETER, *actes[1:])
        if etat == Etat.PROPOSITION and hasard.random() < 0.5:
            actes = (*actes, "visa")
        dossier.refus = etat == Etat.DEFAVORABLE or (etat == Etat.PROPOSITION and hasard.random() < 0.2)
        duree = min(self.le - deposee_le, DUREE_MAX)
        moments = [deposee_le + duree * part for part in sorted(hasard.random() for _acte in actes)]
        dossier.moments = dict(zip(actes, moments, strict=True))
        for acte, moment in dossier.moments.items():
            getattr(dossier, acte)(moment)
        dossier.ecrire_la_demande()

    def document(self, acte: Acte, numero: str, le: dt.datetime, du: dt.date | None, au: dt.date | None) -> int:
        """Un document déjà rendu : le même PDF pour tous, pour que personne ne les rende."""
        reste, signes = self.documents.dernier + 1, []
        for _signe in range(9):
            reste, signe = divmod(reste, len(ALPHABET))
            signes.append(ALPHABET[signe])
        return self.documents.ajouter(
            acte.value, MODELES[acte].gabarit, "".join(reversed(signes)), f'{{"numero_demande": "{numero}"}}', le, du,
            au, self.pdf,
        )  # fmt: skip


class Dossier:
    """Un dossier en train de vivre : chaque méthode publique est un acte, à son heure."""

    def __init__(self, h: Histoires, rang: int, numero: str, equipe: Equipe, deposee_le: dt.datetime, modele: Modele):
        self.h, self.rang, self.numero, self.equipe, self.deposee_le, self.modele = (
            h, rang, numero, equipe, deposee_le, modele,
        )  # fmt: skip
        hasard = h.hasard
        self.depot = timezone.localdate(deposee_le)
        self.etat, self.version, self.refus = Etat.DEPOSEE, 1, False
        self.moments: dict[str, dt.datetime] = {}
        self.agent = self.proposee_le = self.visee_le = self.decidee_le = self.document_de_decision = None
        self.instructeur = hasard.choice(equipe.instructeurs)
        self.fin_du_titre = self.depot + dt.timedelta(days=hasard.randint(-20, 180))
        self.fin_de_droits = self.fin_du_titre
        self.hors_delai = self.fin_du_titre < self.depot
        self.complete = hasard.random() < 0.9
        self.demande = h.demandes.dernier + 1

    # --- La personne et son dépôt ------------------------------------------------------------------------------------
    def ecrire_la_personne(self) -> None:
        h, hasard, depot = self.h, self.h.hasard, self.deposee_le
        if hasard.random() < 0.4:
            nom = hasard.choice(NOMS)
        else:
            nom = "".join(hasard.choices(SYLLABES, k=hasard.randint(2, 4)))
        prenoms, sexe = hasard.choice(PRENOMS), hasard.choice("FM")
        pays = hasard.choice(self.modele.pays)
        naissance = f"{hasard.randint(1960, 2006)}-{hasard.randint(1, 12):02}-{hasard.randint(1, 28):02}"
        code_postal, commune = adresse_de(self.equipe.site)
        voie, numero_etranger = hasard.choice(VOIES), f"98{self.rang:08}"
        nationalite = (pays.nationalite_f if sexe == "F" else pays.nationalite_m) or pays.nom
        courriel = f"{prenoms.replace(' ', '.')}.{nom}.{self.rang}@exemple.invalid".lower()
        suffixe = f"{self.rang % 100_000_000:08}"
        telephone, numero_titre = f"+336{suffixe}", f"PE{suffixe}"
        self.nom_complet = f"{prenoms} {nom}"
        self.compte = h.comptes.ajouter(numero_etranger, SANS_MOT_DE_PASSE, courriel, depot, telephone, depot)
        h.identifiants.ajouter(numero_etranger, self.compte, Identifiant.Nature.NUMERO_ETRANGER.value)
        self.usager = h.usagers.ajouter(
            nom, prenoms, sexe, naissance, pays.nom.upper(), pays.pk, pays.pk, "celibataire",
            f"{NUMERO_DE_VOIE} {voie}", code_postal,
            commune, numero_etranger, self.compte,
        )  # fmt: skip
        debut = self.fin_du_titre - dt.timedelta(days=364)
        self.titre = h.titres.ajouter(
            self.usager, numero_titre, self.modele.nature, self.modele.motif, debut, self.fin_du_titre, ""
        )
        self.recherche = " ".join((
            prenoms.lower(), nom.lower(), naissance, numero_etranger, numero_titre.lower(), courriel, telephone,
            self.numero,
        ))  # fmt: skip
        rangs = [h.pieces.ajouter(self.demande, code, fichier, depot) for code, fichier in self.modele.pieces]
        self.contenu = self.modele.contenu % {
            "nom": nom, "prenoms": prenoms, "sexe": sexe, "naissance": naissance, "lieu": pays.nom.upper(),
            "numero_etranger": numero_etranger, "courriel": courriel, "titre": numero_titre, "debut": debut,
            "fin": self.fin_du_titre, "voie": voie, "code_postal": code_postal, "commune": commune,
            "telephone": " ".join(("06", suffixe[:2], suffixe[2:4], suffixe[4:6], suffixe[6:])), "pays": pays.pk,
            "alpha3": pays.alpha3, "nom_du_pays": pays.nom,
            "nationalite": nationalite, "nationalite_affichee": nationalite.capitalize(),
            "sexe_affiche": Usager.Sexe(sexe).label, "naissance_affichee": "/".join(reversed(naissance.split("-"))),
            "telephone_e164": telephone,
            "hors_delai": "true" if self.hors_delai else "false", "complete": "true" if self.complete else "false",
            **{f"piece{rang}": cle for rang, cle in enumerate(rangs)},
        }  # fmt: skip
        self._figer(1, Instantane.Cause.DEPOT, depot)
        self._evenement(Evenement.Nature.OUVERTURE, depot - dt.timedelta(hours=2), par=self.compte)
        document = h.document(Acte.CONFIRMATION_DEPOT, self.numero, depot, None, None)
        self._evenement(TRANSITION, depot, avant=Etat.BROUILLON, apres=Etat.DEPOSEE, par=self.compte, document=document)

    def ecrire_la_demande(self) -> None:
        h, modele, depot = self.h, self.modele, self.deposee_le
        if self.proposee_le:
            self.ecrire_la_decision()
        self._prolonger()
        echeance = self.depot + dt.timedelta(days=modele.silence) if self.complete else None
        h.demandes.ajouter(
            self.usager, modele.demarche, modele.cas, modele.objet, self.titre, self.compte,
            depot - dt.timedelta(hours=2), depot, self.equipe.site.pk, self.etat.value, self.version, self.numero,
            depot, self.decidee_le, self.fin_de_droits, echeance, self.hors_delai, self.complete, self.agent,
            self.recherche,
        )  # fmt: skip

    def _prolonger(self) -> None:
        """Six fois sur dix, ce qui reste à instruire après la fin du titre est couvert par une attestation."""
        jour = self.h.jour
        if self.etat not in ETATS_A_INSTRUIRE or self.fin_du_titre >= jour or self.h.hasard.random() < 0.4:
            return
        du = max(self.fin_du_titre + dt.timedelta(days=1), self.depot, jour - dt.timedelta(days=60))
        au = ajouter_mois(du, 3) - dt.timedelta(days=1)
        le = max(self.h.le - (jour - du), self.deposee_le)
        document = self.h.document(Acte.PROLONGATION, self.numero, le, du, au)
        self.h.prolongations.ajouter(self.demande, document, du, au, True, self.instructeur, le)
        codes = {"travail": "accessoire", "reserves": []}
        self._evenement(Evenement.Nature.PROLONGATION, le, par=self.instructeur, document=document, codes=codes)
        self.fin_de_droits, self.version = au, self.version + 1

    # --- Les actes ---------------------------------------------------------------------------------------------------
    def prise(self, le: dt.datetime) -> None:
        self.agent = self.instructeur
        self._passer_a(Etat.EN_INSTRUCTION, le)

    def complement(self, le: dt.datetime) -> None:
        h, (code, libelle), repondu_le = self.h, self.modele.piece_demandee, self.moments.get("reponse")
        lu_le = le + (repondu_le - le) / 2 if repondu_le else le + (h.le - le) / 3 if h.hasard.random() < 0.7 else None
        echeance = timezone.localdate(lu_le) + dt.timedelta(days=30) if lu_le else None
        self.lettre = self._notifier(Message.COMPLEMENT, le, {"jours": 30}, lue_le=lu_le, repondue_le=repondu_le)
        self.complements = h.complements.ajouter(
            self.demande, self.lettre, "Merci de compléter votre dossier.", self.agent, le, echeance, repondu_le,
            *(self._relances(le, lu_le, echeance) if not repondu_le else (None, None)),
        )  # fmt: skip
        reponse = ("maintenir", TEXTE) if repondu_le else ("", "")
        motifs = ["complement.illisible"]
        h.lignes.ajouter(self.complements, 1, code, libelle, motifs, "Le document est flou.", *reponse)
        codes = {"complement": self.complements, "motifs": {code: motifs}}
        self._passer_a(Etat.COMPLEMENT_DEMANDE, le, notification=self.lettre, codes=codes)
        if lu_le:
            self._evenement(Evenement.Nature.LECTURE, lu_le, par=self.compte, notification=self.lettre)

    def _relances(
        self, le: dt.datetime, lu_le: dt.datetime | None, echeance: dt.date | None
    ) -> tuple[dt.date | None, dt.datetime | None]:
        """Le prochain rappel d'un complément sans réponse, et l'heure du dernier, comme si le balayage avait passé."""
        jour, depart = timezone.localdate(self.h.le), timezone.localdate(lu_le or le)
        prochaine = relance_d_ouverture(echeance, ouvert_le=depart) if echeance else premiere_relance(depart)
        derniere = None
        while prochaine and prochaine <= jour:
            derniere, prochaine = prochaine, relance_suivante(depart, echeance, apres=prochaine)
        return prochaine, derniere and le.replace(year=derniere.year, month=derniere.month, day=derniere.day)

    def reponse(self, le: dt.datetime) -> None:
        self._figer(2, Instantane.Cause.COMPLEMENT, le)
        codes = {"complement": self.complements, "reponses": {self.modele.piece_demandee[0]: "maintenir"}}
        self._passer_a(Etat.COMPLEMENT_RECU, le, par=self.compte, notification=self.lettre, codes=codes)

    def reprise(self, le: dt.datetime) -> None:
        self._passer_a(Etat.EN_INSTRUCTION, le)

    def proposition(self, le: dt.datetime) -> None:
        self.proposee_le = le
        self.sens = Decision.Sens.DEFAVORABLE if self.refus else Decision.Sens.FAVORABLE
        motif = "avis.defavorable.ressources_insuffisantes" if self.refus else "avis.favorable.conditions_remplies"
        self.motifs_de_l_avis = [motif]
        self._passer_a(Etat.PROPOSITION, le, codes={"sens": self.sens.value, "motifs": [motif]})

    def visa(self, le: dt.datetime) -> None:
        self.visee_le = le
        self._evenement(Evenement.Nature.VISA, le, par=self.equipe.valideur, codes={"sens": self.sens.value})

    def decision(self, le: dt.datetime) -> None:
        self.decidee_le, jour = le, timezone.localdate(le)
        self.valable_du = max(jour, self.fin_du_titre + dt.timedelta(days=1))
        self.valable_au = ajouter_mois(self.valable_du, self.modele.mois) - dt.timedelta(days=1)
        acte, du, au = (Acte.REFUS, None, None) if self.refus else (Acte.DECISION_FAVORABLE, jour, self.valable_au)
        self.document_de_decision = self.h.document(acte, self.numero, le, du, au)
        lettre = self._notifier(
            Message.DECISION, le, {"sens": self.sens.value}, lue_le=le, document=self.document_de_decision
        )
        etat = Etat.DEFAVORABLE if self.refus else Etat.FAVORABLE
        signataire, document = self.equipe.signataire, self.document_de_decision
        self._passer_a(etat, le, par=signataire, document=document, notification=lettre)

    def fabrication(self, le: dt.datetime) -> None:
        lettre = self._notifier(Message.FABRICATION, le, {})
        self._passer_a(Etat.EN_FABRICATION, le, par=self.equipe.remise, notification=lettre)

    def disponible(self, le: dt.datetime) -> None:
        taxe, coordonnees = self.modele.taxes[self.hors_delai], self.equipe.site.coordonnees_du_jour
        retrait = {
            "lieu": coordonnees.adresse, "horaires": coordonnees.horaires, "documents": ["timbre"] if taxe else [],
            "consigne": coordonnees.consigne_retrait, "montant": str(taxe) if taxe else "", "sms": True,
        }  # fmt: skip
        lettre = self._notifier(Message.TITRE_DISPONIBLE, le, retrait)
        self._passer_a(Etat.TITRE_DISPONIBLE, le, par=self.equipe.remise, notification=lettre)

    def remise(self, le: dt.datetime) -> None:
        modele, numero = self.modele, f"PF{self.rang % 100_000_000:08}"
        self.h.titres.ajouter(
            self.usager, numero, modele.nature, modele.motif, self.valable_du, self.valable_au, self.numero
        )
        if modele.taxes[self.hors_delai]:
            self.h.numeros.ajouter(NumeroUtilise.Nature.TIMBRE.value, f"{self.rang:016}", self.demande)
        self.fin_de_droits = self.valable_au
        self.recherche += f" {numero.lower()}"
        self._passer_a(Etat.REMISE, le, par=self.equipe.remise, codes={"titre": modele.titre})

    def proposer_cloture(self, le: dt.datetime) -> None:
        self.cloture_proposee_le, self.version = le, self.version + 1
        codes = {"cloture": "proposee", "motif": "cloture.sans_objet"}
        self._evenement(Evenement.Nature.CLOTURE, le, par=self.agent, codes=codes)

    def cloture(self, le: dt.datetime) -> None:
        self.h.clotures.ajouter(
            self.demande, "cloture.sans_objet", TEXTE, self.agent, self.cloture_proposee_le, self.equipe.valideur, le
        )
        phrases = {"phrase": "Votre demande n'a plus d'objet.", "phrase_en": "Your application has no purpose."}
        lettre = self._notifier(Message.CLOTURE, le, phrases | {"texte": TEXTE})
        codes = {"motif": "cloture.sans_objet"}
        self._passer_a(Etat.CLOTUREE, le, par=self.equipe.valideur, notification=lettre, codes=codes)

    def retrait(self, le: dt.datetime) -> None:
        self._passer_a(Etat.RETIREE, le, par=self.compte)

    def ecrire_la_decision(self) -> None:
        modele, visee = self.modele, self.visee_le is not None
        accorde = (
            ("", "", None, None, None)
            if self.refus
            else (modele.titre, modele.mention, *self._validite(), modele.taxes[self.hors_delai])
        )
        signature = (self.equipe.signataire, self.decidee_le) if self.decidee_le else (None, None)
        self.h.decisions.ajouter(
            self.demande, self.sens.value, *accorde, self.motifs_de_l_avis, TEXTE, self.h.pdf if self.refus else None,
            self.document_de_decision, self.agent, self.proposee_le, self.equipe.valideur if visee else None,
            self.visee_le, *signature,
        )  # fmt: skip

    def _validite(self) -> tuple[dt.date, dt.date]:
        """Celle de la décision ; à défaut, celle que la proposition annonce."""
        if self.decidee_le:
            return self.valable_du, self.valable_au
        du = max(timezone.localdate(self.proposee_le), self.fin_du_titre + dt.timedelta(days=1))
        return du, ajouter_mois(du, self.modele.mois) - dt.timedelta(days=1)

    # --- Ce que plusieurs actes écrivent -----------------------------------------------------------------------------
    def _passer_a(self, etat: Etat, le: dt.datetime, **autres) -> None:
        autres.setdefault("par", self.agent)
        self._evenement(TRANSITION, le, avant=self.etat, apres=etat, **autres)
        self.etat, self.version = etat, self.version + 1

    def _evenement(
        self, nature: str, le: dt.datetime, *, par: int, avant: str = "", apres: str = "", document: int | None = None,
        notification: int | None = None, codes: dict | None = None,
    ) -> None:  # fmt: skip
        self.h.evenements.ajouter(
            self.usager, self.demande, str(nature), str(avant), str(apres), par, document, notification, le,
            json.dumps(codes or {}),
        )  # fmt: skip

    def _notifier(
        self, message: Message, le: dt.datetime, contexte: dict, *, lue_le: dt.datetime | None = None,
        repondue_le: dt.datetime | None = None, document: int | None = None,
    ) -> int:  # fmt: skip
        contexte = {"numero": self.numero, "nom": self.nom_complet, "sms": self.modele.sms} | contexte
        return self.h.notifications.ajouter(
            self.compte, message.value, json.dumps(contexte), document, self.numero, le, lue_le, repondue_le
        )

    def _figer(self, rang: int, cause: str, le: dt.datetime) -> None:
        empreinte = hashlib.sha256(self.contenu.encode()).hexdigest()
        self.h.instantanes.ajouter(self.demande, rang, str(cause), self.contenu, empreinte, le, self.compte)
