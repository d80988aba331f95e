"""Charger le fichier des titulaires : chaque ligne entière ou pas du tout, par lots pour la vitesse."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.db import DataError, IntegrityError, transaction
from django.db.models import Q

from usagers.models import Pays, TitreSejour, Usager
from usagers.titulaires.lecture import FichierRefuse, LigneRefusee, Referentiel, Titulaire, lire_lignes, lire_titulaire

LOT = 500
CREEE, MODIFIEE, INCHANGEE = "créée", "modifiée", "inchangée"
PERSONNE = (
    "nom_naissance", "prenoms", "sexe", "naissance", "lieu_naissance", "pays_naissance", "nationalite",
    "numero_etranger", "source",
)  # fmt: skip
TITRE = ("nature", "motif", "debut", "fin", "statut", "valide_le")


@dataclass
class Rapport:
    """Une ligne du fichier est créée, modifiée, inchangée ou refusée. Aucun nom de personne n'y figure."""

    comptes: dict[str, int] = field(default_factory=lambda: {CREEE: 0, MODIFIEE: 0, INCHANGEE: 0})
    refus: list[dict] = field(default_factory=list)

    @property
    def lignes(self) -> int:
        return sum(self.comptes.values()) + len(self.refus)

    def refuser(self, ligne: int, numero: str, motifs: tuple[str, ...]) -> None:
        self.refus.append({"ligne": ligne, "numero": numero, "motifs": list(motifs)})


@dataclass
class DejaVus:
    """Ce que les lignes précédentes du même fichier ont dit : une ligne ne contredit pas celle d'avant."""

    titres: dict[str, int] = field(default_factory=dict)
    personnes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def verifier(self, titulaire: Titulaire) -> None:
        empreinte = hash(tuple(titulaire.etat_civil.values()))
        autre = self.titres.setdefault(titulaire.titre["numero"], titulaire.ligne)
        if autre != titulaire.ligne:
            raise LigneRefusee(f"titre_numero : déjà à la ligne {autre}")
        autre, connue = self.personnes.setdefault(titulaire.numero, (titulaire.ligne, empreinte))
        if connue != empreinte:
            raise LigneRefusee(f"état civil différent de celui de la ligne {autre}, pour le même numéro")


def importer(chemin: Path, *, jour: dt.date, simuler: bool = False) -> Rapport:
    """Charge le fichier entier ; `simuler` fait tout puis annule. Lève `FichierRefuse` sans avoir rien écrit."""
    referentiel = _referentiel(jour)
    rapport, deja_vus = Rapport(), DejaVus()
    titulaires = _lire(chemin, referentiel, deja_vus, rapport)
    while lot := list(islice(titulaires, LOT)):
        _charger(lot, rapport, simuler=simuler)
    rapport.refus.sort(key=lambda refus: refus["ligne"])
    return rapport


def _referentiel(jour: dt.date) -> Referentiel:
    pays = dict(Pays.objects.values_list("code", "nationalite_f"))
    if not pays:
        raise FichierRefuse("les pays ne sont pas chargés : lancez d'abord manage.py charger_lieux.")
    return Referentiel(jour, frozenset(pays), frozenset(code for code, nationalite in pays.items() if nationalite))


def _lire(chemin: Path, referentiel: Referentiel, deja_vus: DejaVus, rapport: Rapport) -> Iterator[Titulaire]:
    for rang, valeurs in lire_lignes(chemin):
        numero = ""
        try:
            if isinstance(valeurs, LigneRefusee):
                raise valeurs
            numero = valeurs["numero_etranger"] or valeurs["titre_numero"]
            titulaire = lire_titulaire(rang, valeurs, referentiel=referentiel)
            deja_vus.verifier(titulaire)
        except LigneRefusee as refus:
            rapport.refuser(rang, numero, refus.motifs)
        else:
            yield titulaire


def _charger(lot: list[Titulaire], rapport: Rapport, *, simuler: bool) -> None:
    """Un lot est une transaction ; si la base en refuse une ligne, chacune est reprise dans la sienne."""
    try:
        with transaction.atomic():
            verdicts, refus = Lot(lot).ecrire()
            transaction.set_rollback(simuler)
    except (DataError, IntegrityError) as erreur:
        if len(lot) > 1:
            for titulaire in lot:
                _charger([titulaire], rapport, simuler=simuler)
        else:
            rapport.refuser(lot[0].ligne, lot[0].numero, (f"refusée par la base ({type(erreur).__name__})",))
        return
    for verdict in verdicts:
        rapport.comptes[verdict] += 1
    for titulaire, motif in refus:
        rapport.refuser(titulaire.ligne, titulaire.numero, (motif,))


class Lot:
    """Les personnes et les titres d'un lot, lus et verrouillés ensemble, comparés ligne à ligne, écrits ensemble."""

    def __init__(self, titulaires: list[Titulaire]):
        self.titulaires = titulaires
        numeros = {titulaire.titre["numero"] for titulaire in titulaires}
        etrangers = {titulaire.numero_etranger for titulaire in titulaires if titulaire.numero_etranger}
        self.titres = {titre.numero: titre for titre in TitreSejour.objects.filter(numero__in=numeros)}
        detenteurs = {titre.usager_id for titre in self.titres.values()}
        # Verrou dans l'ordre des clés, sans gêner les lignes qui pointent vers la personne (architecture §0.11).
        personnes = Usager.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
        trouvees = list(personnes.filter(Q(pk__in=detenteurs) | Q(numero_etranger__in=etrangers)))
        self.par_cle = {personne.pk: personne for personne in trouvees}
        self.par_numero = {personne.numero_etranger: personne for personne in trouvees if personne.numero_etranger}
        self.personnes_creees: list[Usager] = []
        self.personnes_modifiees: dict[int, Usager] = {}
        self.titres_crees: list[TitreSejour] = []
        self.titres_modifies: list[TitreSejour] = []

    def ecrire(self) -> tuple[list[str], list[tuple[Titulaire, str]]]:
        verdicts, refus = [], []
        for titulaire in self.titulaires:
            try:
                verdicts.append(self._comparer(titulaire))
            except LigneRefusee as erreur:
                refus.append((titulaire, erreur.motifs[0]))
        Usager.objects.bulk_create(self.personnes_creees)
        _mettre_a_jour(Usager, self.personnes_modifiees.values(), PERSONNE)
        TitreSejour.objects.bulk_create(self.titres_crees)
        _mettre_a_jour(TitreSejour, self.titres_modifies, TITRE)
        return verdicts, refus

    def _comparer(self, titulaire: Titulaire) -> str:
        titre = self.titres.get(titulaire.titre["numero"])
        personne = self._personne(titulaire, titre)
        verdict = INCHANGEE
        if personne is None:
            personne = Usager(**titulaire.etat_civil, numero_etranger=titulaire.numero_etranger)
            self.personnes_creees.append(personne)
            if titulaire.numero_etranger:
                self.par_numero[titulaire.numero_etranger] = personne
        elif self._corriger(personne, titulaire):
            verdict = MODIFIEE
            if personne.pk:
                self.personnes_modifiees[personne.pk] = personne
        if titre is None:
            self.titres_crees.append(TitreSejour(usager=personne, **titulaire.titre))
            return CREEE
        if _ecrire(titre, titulaire.titre, TITRE):
            self.titres_modifies.append(titre)
            return MODIFIEE
        return verdict

    def _personne(self, titulaire: Titulaire, titre: TitreSejour | None) -> Usager | None:
        """Par son n° étranger ; à défaut par son visa. Deux personnes ne sont jamais confondues d'elles-mêmes."""
        detenteur = self.par_cle[titre.usager_id] if titre else None
        personne = self.par_numero.get(titulaire.numero_etranger) if titulaire.numero_etranger else detenteur
        if personne is None and detenteur is not None:
            self._verifier_attribution(detenteur, titulaire)
            personne = detenteur
        if detenteur is not None and detenteur is not personne:
            raise LigneRefusee("titre_numero : ce titre est connu pour une autre personne")
        if personne is not None and personne.anonymise_le:
            raise LigneRefusee("numero_etranger : le dossier de cette personne a été effacé")
        return personne

    def _verifier_attribution(self, detenteur: Usager, titulaire: Titulaire) -> None:
        """Une personne connue par son visa reçoit son n° étranger, si c'est bien elle et si elle n'a pas de compte."""
        if detenteur.numero_etranger or detenteur.naissance != titulaire.etat_civil["naissance"]:
            raise LigneRefusee("titre_numero : ce titre est connu pour une autre personne")
        if detenteur.compte_id:
            raise LigneRefusee("numero_etranger : cette personne a un compte ; un agent lui attribue son numéro")

    def _corriger(self, personne: Usager, titulaire: Titulaire) -> bool:
        valeurs = {**titulaire.etat_civil, "source": Usager.Source.REFERENTIEL}
        if titulaire.numero_etranger:
            valeurs["numero_etranger"] = titulaire.numero_etranger
            self.par_numero[titulaire.numero_etranger] = personne
        return _ecrire(personne, valeurs, tuple(valeurs))


def _ecrire(objet, valeurs: dict, champs: tuple[str, ...]) -> bool:
    """Pose les valeurs et dit si l'une d'elles a changé."""
    change = any(getattr(objet, nom) != valeurs[nom] for nom in champs)
    for nom in champs:
        setattr(objet, nom, valeurs[nom])
    return change


def _mettre_a_jour(modele, objets, champs: tuple[str, ...]) -> None:
    """Ces colonnes seulement, par un « INSERT … ON CONFLICT » : `bulk_update` y met vingt fois plus de temps."""
    modele.objects.bulk_create(objets, update_conflicts=True, unique_fields=["id"], update_fields=champs)
