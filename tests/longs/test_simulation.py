"""Cent vingt étudiants au hasard, par les opérations : ce qui doit rester vrai l'est à chaque pas.

La graine est affichée ; `GRAINE=… pytest tests/longs/test_simulation.py` rejoue la même suite.
"""

import datetime as dt
import hashlib
import os
import random
from collections import Counter, defaultdict

import pytest
import time_machine
from django import forms
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.datastructures import MultiValueDict
from lxml import html

from demandes import operations
from demandes.champs import CodePostalField, MontantField
from demandes.demarches import DEMARCHES
from demandes.etats import TRANSITIONS, Etat
from demandes.models import Compteur, Demande, Evenement, NumeroUtilise, PieceJointe, Saisie
from demandes.operations import DemandeFigee, DemandeIncomplete, DemarcheFermee, PieceRefusee, SaisiePerimee
from demandes.operations.pieces import _joindre
from demandes.parcours import Parcours, form_de_saisie
from documents.fichiers import enregistrer_octets
from documents.models import Document, Fichier
from notifications.models import Notification
from tests.factories import PaysFactory, TitreSejourFactory, UsagerFactory
from tests.situations import photo
from usagers.champs import DateTroisChampsField, TelephoneField
from usagers.models import TitreSejour

pytestmark = [pytest.mark.long, pytest.mark.django_db]
NOMBRE = 120
DEMARCHE = DEMARCHES["etudiant"]
NOMS = ("JOHN", "MÜLLER", "D'ALMEIDA-ÇELIK", "O'NEILL", "ŁUKASIEWICZ", "NGUYỄN", "A" * 60)
PRENOMS = ("JULIE", "", "ÉLÉONORE, ANNE", "JEAN-FRANÇOIS", "ŞÜKRÜ")
NAISSANCES = ("1993-02-07", "2001-00-00", "1999-11-00", "2007-06-30")
CODES_POSTAUX = ("75020", "75 001", "59000", "13001", "20000", "20200", "97410", "33000", "69009")
NATURES = TitreSejour.Nature
TITRES = (
    *[(NATURES.CST, "etudiant", False)] * 6, (NATURES.CSP, "etudiant_mobilite", False),
    (NATURES.VLS_TS, "etudiant", True), (NATURES.VLS_TS, "etudiant", False), (NATURES.CST, "salarie", False),
    (NATURES.VLS, "etudiant_mobilite", False), (NATURES.VLS_T, "mineur_scolarise", False),
    (NATURES.UE, "citoyen_ue", False),
)  # fmt: skip


class Voyage:
    """Une personne, du titre qu'elle détient à ce qu'elle dépose ou abandonne."""

    def __init__(self, hasard: random.Random, rang: int):
        self.hasard, self.rang = hasard, rang
        self.le = timezone.now() + dt.timedelta(minutes=hasard.randrange(700 * 24 * 60))
        nature, motif, valide = hasard.choice(TITRES)
        jours = hasard.choices([90, 61, 119, 30, -20, 140, -500], [6, 1, 1, 3, 2, 2, 1])[0]
        fin = timezone.localdate(self.le) + dt.timedelta(days=jours)
        pays = PaysFactory(code="DZ", alpha3="DZA") if hasard.random() < 0.2 else PaysFactory()
        usager = UsagerFactory(
            nom_naissance=hasard.choice(NOMS), prenoms=hasard.choice(PRENOMS), naissance=hasard.choice(NAISSANCES),
            sexe=hasard.choice("MF"), nationalite=pays, pays_naissance=pays,
        )  # fmt: skip
        self.titre = TitreSejourFactory(
            usager=usager,
            nature=nature,
            motif=motif,
            fin=fin,
            valide_le=fin - dt.timedelta(days=300) if valide else None,
        )
        self.usager, self.compte = usager, usager.compte
        self.demande: Demande | None = None
        self.validees: dict[str, dict] = {}
        self.faits = Counter()

    def passer_du_temps(self) -> None:
        self.le += dt.timedelta(seconds=self.hasard.randrange(1, 4 * 3600))

    def parcours(self) -> Parcours:
        return Parcours(
            Demande.objects.select_related("usager__compte", "titre_de_depart").get(pk=self.demande.pk), le=self.le
        )

    # --- Réponses ------------------------------------------------------------------------------------------------
    def reponse(self, champ: forms.Field, nom: str) -> dict[str, list[str]]:
        """Une réponse juste à cette question, comme un navigateur l'envoie."""
        hasard = self.hasard
        if isinstance(champ, DateTroisChampsField):
            jour = dt.date(2010, 1, 1) + dt.timedelta(days=hasard.randrange(5000))
            return {f"{nom}_{rang}": [str(partie)] for rang, partie in enumerate((jour.day, jour.month, jour.year))}
        if isinstance(champ, forms.BooleanField):
            return {nom: ["on"]} if hasard.random() < 0.4 else {}
        if isinstance(champ, forms.ChoiceField):
            return {nom: [hasard.choice([valeur for valeur, _libelle in champ.choices if valeur])]}
        if isinstance(champ, MontantField):
            return {nom: [hasard.choice(["400", "225,50", "1 200", "99.99", "615", "0"])]}
        if isinstance(champ, CodePostalField):
            return {nom: [hasard.choice(CODES_POSTAUX)]}
        if isinstance(champ, TelephoneField):
            return {nom: [f"06 12 34 {hasard.randrange(10**4):04d}"]}
        if isinstance(champ.widget, forms.HiddenInput):
            return {}
        if not champ.required and hasard.random() < 0.5:
            return {nom: [""]}
        return {
            nom: [
                hasard.choice(["Île-d'Yeu", "PRT Paris", "rue de l'Œuvre", "12 bis", " Éts  Noël "])[: champ.max_length]
            ]
        }

    def envoi(self, etape) -> MultiValueDict:
        """Des réponses justes à toute l'étape, champs sans objet et lignes répétées compris."""
        form = etape.form(contexte=self.parcours().contexte)
        brut = {}
        for nom, champ in form.fields.items():
            brut |= self.reponse(champ, nom)
        for nom, formset in form.formsets.items():
            nombre = self.hasard.randrange(1, 4)
            brut |= {f"{nom}-TOTAL_FORMS": [str(nombre)], f"{nom}-INITIAL_FORMS": ["0"]}
            for rang in range(nombre):
                for sous_nom, champ in formset.empty_form.fields.items():
                    brut |= self.reponse(champ, f"{nom}-{rang}-{sous_nom}")
        if "explication" in form.fields:
            brut["explication"] = ["Je n'ai aucun frais de logement.\r\nMes parents m'aident."]
        return MultiValueDict(brut)

    def abimer(self, envoi: MultiValueDict) -> MultiValueDict:
        abime = envoi.copy()
        nom = self.hasard.choice(sorted(nom for nom in envoi if not nom.endswith("_FORMS")))
        abime.setlist(nom, [self.hasard.choice(["", "²", "n'importe quoi", "9" * 300, "李小龙"])])
        return abime

    # --- Étapes --------------------------------------------------------------------------------------------------
    def remplir(self, etape) -> None:
        hasard = self.hasard
        parcours, envoi = self.parcours(), self.envoi(etape)
        version = parcours.saisie(etape).version
        if hasard.random() < 0.4:
            abime = self.abimer(envoi)
            form = form_de_saisie(parcours, etape, abime)
            saisie = operations.garder_brouillon(self.demande, etape, abime, version=version, le=self.le, form=form)
            assert saisie.reponses == self.validees.get(etape.code)
            garde = saisie.brouillon if saisie.brouillon is not None else saisie.reponses
            assert form_de_saisie(parcours, etape, abime).dit_autant_que(garde), "un brouillon s'est perdu"
            version = saisie.version
            self.faits["brouillon gardé"] += 1
        if version and hasard.random() < 0.2:
            self.envoyer_une_page_perimee(etape, version)
        parcours = self.parcours()
        form = form_de_saisie(parcours, etape, envoi)
        assert form.is_valid(), (etape.code, form.errors, envoi)
        saisie = operations.enregistrer_etape(self.demande, etape, form, version=version, le=self.le, par=self.compte)
        assert saisie.brouillon is None and form.dit_autant_que(saisie.reponses)
        self.validees[etape.code] = saisie.reponses
        self.faits["étape validée"] += 1

    def envoyer_une_page_perimee(self, etape, version: int) -> None:
        """Une page ouverte avant le dernier enregistrement : rien n'est écrasé."""
        avant = Saisie.objects.get(demande=self.demande, etape=etape.code)
        autre = self.envoi(etape)
        form = form_de_saisie(self.parcours(), etape, autre)
        if form.dit_autant_que(avant.brouillon if avant.brouillon is not None else avant.reponses):
            return
        with pytest.raises(SaisiePerimee):
            operations.garder_brouillon(self.demande, etape, autre, version=version - 1, le=self.le, form=form)
        apres = Saisie.objects.get(pk=avant.pk)
        assert (apres.brouillon, apres.reponses, apres.version) == (avant.brouillon, avant.reponses, avant.version)
        self.faits["conflit"] += 1

    def joindre(self, code: str, *, remplace: int | None = None) -> PieceJointe | None:
        """L'examen du contenu a ses propres tests ; un envoi sur vingt y passe."""
        nom = self.hasard.choice(["scan.png", "Relevé n°2 & annexe.png", "photo de l'été.png"])
        options = {"par": self.compte, "le": self.le, "remplace": remplace}
        try:
            if self.hasard.random() < 0.05:
                return operations.joindre_piece(self.demande, code, photo(nom), **options)
            fichier = enregistrer_octets(self.hasard.randbytes(64), nom=nom, type_mime="image/png")
            return _joindre(self.demande, code, fichier, **options)
        except PieceRefusee:
            self.faits["pièce refusée"] += 1
            return None

    def regler_les_pieces(self, etape) -> None:
        hasard, brut = self.hasard, {}
        for piece in self.parcours().pieces:
            if piece.piece.numero:
                self.reserver_un_numero()
                continue
            vivantes = list(piece.fichiers)
            if vivantes and hasard.random() < 0.3:
                operations.retirer_piece(self.demande, vivantes.pop(), le=self.le)
                self.faits["pièce retirée"] += 1
            if piece.reference.absence_permise and not vivantes and hasard.random() < 0.3:
                brut |= {f"absente_{piece.code}": ["on"], f"raison_{piece.code}": ["Je l'attends <encore>."]}
                self.faits["pièce absente"] += 1
                continue
            while len(vivantes) < piece.reference.fichiers_min:
                vivantes.append(self.joindre(piece.code))
            if hasard.random() < 0.3:
                nouvelle = self.joindre(piece.code, remplace=vivantes[-1].pk)
                assert not PieceJointe.objects.vivantes().filter(pk=vivantes[-1].pk).exists()
                vivantes[-1] = nouvelle
                self.faits["pièce remplacée"] += 1
            if hasard.random() < 0.2:
                retiree = vivantes[-1]
                operations.retirer_piece(self.demande, retiree, le=self.le)
                assert operations.retablir_piece(self.demande, retiree, le=self.le)
                self.faits["pièce rétablie"] += 1
            if hasard.random() < 0.05:
                for _rang in range(piece.reference.fichiers_max + 1):
                    self.joindre(piece.code)
                assert len(self.parcours().piece(piece.code).fichiers) == piece.reference.fichiers_max
        version = self.parcours().saisie(etape).version
        saisie = operations.enregistrer_pieces(
            self.demande, etape, MultiValueDict(brut), version=version, le=self.le, valider=True
        )
        manques = operations.pieces_a_regler(self.parcours(), etape)
        assert not manques and saisie.validee_le, manques

    def reserver_un_numero(self) -> None:
        pris = NumeroUtilise.objects.exclude(demande=self.demande).first()
        if pris is not None and self.hasard.random() < 0.3:
            with pytest.raises(operations.NumeroDejaUtilise):
                operations.confirmer_ephoto(self.demande, pris.valeur, le=self.le)
            self.faits["ephoto déjà prise"] += 1
        operations.confirmer_ephoto(self.demande, f"1PMTEK7706131138{self.rang:06d}", le=self.le)

    # --- Dépôt ---------------------------------------------------------------------------------------------------
    def tenter_trop_tot(self) -> None:
        avant = (list(Compteur.objects.values("cle", "annee", "dernier")), Document.objects.count())
        with pytest.raises(DemandeIncomplete) as refus:
            operations.deposer(self.demande, par=self.compte, le=self.le)
        assert refus.value.manques and all(manque.texte for manque in refus.value.manques)
        assert Demande.objects.get(pk=self.demande.pk).numero is None
        assert (list(Compteur.objects.values("cle", "annee", "dernier")), Document.objects.count()) == avant
        self.faits["dépôt refusé"] += 1

    def recapitulatif(self) -> dict[str, list[tuple[str, str]]]:
        """Ce que la page montre avant le dépôt : partie → questions et réponses."""
        client = Client()
        with time_machine.travel(self.le, tick=False):
            client.force_login(self.compte, backend="usagers.backends.IdentifiantBackend")
            page = client.get(reverse("demandes:etape", args=[self.demande.pk, "recapitulatif"]))
        assert page.status_code == 200, page.headers
        racine = html.fromstring(page.content.decode())
        return {
            partie.get("id").removeprefix("partie-"): [
                (texte(ligne.find("dt")), texte(ligne.find("dd"))) for ligne in partie.iterfind(".//dl/div")
            ]
            for partie in racine.iterfind(".//details[@id]")
            if partie.get("id").startswith("partie-")
        }

    def deposer(self) -> None:
        montre = self.recapitulatif()
        with translation.override(self.hasard.choice(["fr", "en"])):
            demande = operations.deposer(self.demande, par=self.compte, le=self.le)
        contenu = demande.instantanes.get().contenu
        for partie in contenu["parties"]:
            if partie["genre"] == "formulaire":
                assert montre[partie["code"]] == [
                    (propre(ligne["libelle"]), propre(ligne["affichage"]) or "Non renseigné")
                    for groupe in partie["groupes"]
                    for ligne in groupe["lignes"]
                ]
        self.comparer_les_pieces(contenu["pieces"], montre["justificatifs"])
        assert (
            demande.complete_au_depot
            == contenu["complete"]
            == all(piece["fichiers"] or piece["numero"] for piece in contenu["pieces"] if piece["obligatoire"])
        )
        assert demande.hors_delai == (demande.cas in {"ETU_TITRE", "ETU_VLSTS", "ETU_CHGT_MOTIF"} and (
            (self.titre.fin - timezone.localdate(self.le)).days < 60
        ))  # fmt: skip
        again = operations.deposer(demande, par=self.compte, le=self.le + dt.timedelta(minutes=1))
        assert (again.numero, again.deposee_le) == (demande.numero, self.le)
        with pytest.raises(DemandeFigee):
            self.joindre("INSCRIPTION")
        self.faits["dépôt"] += 1

    def comparer_les_pieces(self, figees: list[dict], montrees: list[tuple[str, str]]) -> None:
        assert [piece["libelle"] for piece in figees] == [libelle for libelle, _valeur in montrees]
        vivantes = PieceJointe.objects.vivantes().filter(demande=self.demande)
        for piece, (_libelle, valeur) in zip(figees, montrees, strict=True):
            assert {f["piece"] for f in piece["fichiers"]} == set(
                vivantes.filter(code=piece["code"]).values_list("pk", flat=True)
            )
            assert sum(valeur.count(nom) for nom in {propre(f["nom"]) for f in piece["fichiers"]}) == len(
                piece["fichiers"]
            )
            assert propre(piece["absence"]) in valeur
            assert piece["numero"] in valeur.replace(" ", "").replace("-", "")

    # --- Le voyage entier ----------------------------------------------------------------------------------------
    def aller(self) -> None:
        try:
            self.demande = operations.commencer(DEMARCHE, self.usager, par=self.compte, le=self.le)
        except DemarcheFermee as refus:
            assert str(refus) and not self.usager.demandes.exists()
            self.faits["démarche fermée"] += 1
            return
        pas = 0
        while self.avancer():
            pas += 1
            self.passer_du_temps()
            assert pas < 60, "le parcours ne finit pas"

    def avancer(self) -> bool:
        """Un pas au hasard ; faux quand le voyage est fini."""
        hasard, parcours = self.hasard, self.parcours()
        if hasard.random() < 0.01:
            operations.retirer(self.demande, par=self.compte, le=self.le)
            assert not self.demande.numeros.exists()
            self.faits["abandon"] += 1
            return False
        if parcours.manques and hasard.random() < 0.1:
            self.tenter_trop_tot()
        ouvertes = [etape for etape in DEMARCHE.parties if parcours.est_accessible(etape)]
        if parcours.courante.genre in {"formulaire", "pieces"}:
            etape = parcours.courante if hasard.random() < 0.8 else hasard.choice(ouvertes)
            self.faire(etape)
            return True
        if hasard.random() < 0.15:
            self.faire(hasard.choice(ouvertes))
            return True
        if a_relire := [etape for etape in DEMARCHE.parties if not parcours.est_relue(etape)]:
            operations.relire(self.demande, hasard.choice(a_relire), le=self.le)
            return True
        if parcours.est_trop_tot:
            self.tenter_trop_tot()
            self.le += dt.timedelta(days=(parcours.fenetre.ouverture - timezone.localdate(self.le)).days)
            return True
        assert not parcours.manques, parcours.manques
        operations.noter_observations(self.demande, "Mon nom s'écrit <autrement>.\x00", le=self.le)
        self.deposer()
        return False

    def faire(self, etape) -> None:
        if etape.genre == "pieces":
            self.regler_les_pieces(etape)
        else:
            self.remplir(etape)


def texte(element) -> str:
    return propre(" ".join(element.itertext()))


def propre(valeur: str) -> str:
    return " ".join(valeur.split())


def test_cent_vingt_etudiants_au_hasard(db, capsys):
    graine = int(os.environ.get("GRAINE") or random.randrange(10**9))
    with capsys.disabled():
        print(f"\nsimulation : GRAINE={graine}")
    call_command("charger_droit", verbosity=0)
    call_command("charger_sites", verbosity=0)
    hasard, faits = random.Random(graine), Counter()
    for rang in range(NOMBRE):
        voyage = Voyage(hasard, rang)
        voyage.aller()
        faits += voyage.faits
    with capsys.disabled():
        print(", ".join(f"{fait} : {nombre}" for fait, nombre in sorted(faits.items())))

    les_numeros_se_suivent()
    aucune_piece_n_est_sans_fichier()
    le_journal_est_complet()
    assert faits["dépôt"] > NOMBRE / 3


def les_numeros_se_suivent():
    rangs = defaultdict(list)
    for demande in Demande.objects.exclude(numero=None):
        jour = timezone.localdate(demande.deposee_le)
        assert demande.numero[:12] == f"{demande.site_id}{jour:%Y%m%d}"
        rangs[demande.site_id, jour.year].append(int(demande.numero[12:]))
    assert len(rangs) > 5
    for cle, pris in rangs.items():
        assert sorted(pris) == list(range(1, len(pris) + 1)), cle
        assert Compteur.objects.get(cle=cle[0], annee=cle[1]).dernier == len(pris)


def aucune_piece_n_est_sans_fichier():
    for fichier in Fichier.objects.filter(pieces__isnull=False).distinct():
        with fichier.contenu.open() as octets:
            contenu = octets.read()
        assert (len(contenu), hashlib.sha256(contenu).hexdigest()) == (fichier.taille, fichier.empreinte)


def le_journal_est_complet():
    for demande in Demande.objects.all():
        ouverture, *suite = demande.evenements.order_by("pk")
        assert (ouverture.nature, ouverture.apres, ouverture.par) == ("ouverture", "brouillon", demande.ouverte_par)
        etat = Etat.BROUILLON
        for evenement in suite:
            assert evenement.nature == "transition" and evenement.avant == etat and evenement.le >= ouverture.le
            assert evenement.apres in TRANSITIONS[Etat(evenement.avant)]
            etat = evenement.apres
        assert etat == demande.etat
        if demande.numero:
            depot = suite[0]
            assert depot.le == demande.deposee_le and depot.document and depot.notification.objet == demande.numero
            assert depot.document.donnees["numero_demande"] == demande.numero
            assert demande.instantanes.count() == 1
    deposees = Demande.objects.exclude(numero=None).count()
    assert Document.objects.count() == Notification.objects.count() == deposees
    assert Evenement.objects.filter(nature="transition", apres="deposee").count() == deposees
