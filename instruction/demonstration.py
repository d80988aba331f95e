"""Ce que la démonstration contient : agents, comptes ouverts, dossiers déposés. Tout passe par les vraies opérations.

Les personnes sont celles de `usagers/donnees/titulaires.demo.csv`. Rejouable : ce qui existe n'est pas refait, et ce
que les essais ont changé n'est pas défait.
"""

import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from PIL import Image, ImageDraw, ImageFont

from demandes import operations as usager_operations
from demandes.complements import LigneDemandee
from demandes.demarches import DEMARCHES
from demandes.etats import Etat
from demandes.models import Demande, Site
from demandes.parcours import Parcours, form_de_saisie
from instruction.models import Agent
from instruction.operations import (
    Accord,
    ajouter_mois,
    creer_agent,
    demander_complement,
    pieces_a_demander,
    prendre_en_charge,
    proposer_favorable,
    taxe_due,
)
from usagers.models import Compte, Inscription, TitreSejour, Usager
from usagers.operations import VALIDITE_LIEN, activer

# Public : une base qui porte ces comptes est marquée, et aucune production ne la sert (anef/controles.py).
MOT_DE_PASSE = "Essai-du-portail-1"


class TitulairesAbsents(Exception):
    """Le fichier des titulaires de démonstration n'a pas été importé."""


@dataclass(frozen=True)
class AgentDeDemonstration:
    identifiant: str
    nom: str
    site: str
    roles: tuple[str, ...]
    role_en_clair: str


AGENTS = (
    AgentDeDemonstration("agent.paris", "Camille Lenoir", "7502", ("instructeur",), "instruit à Paris"),
    AgentDeDemonstration("agent.nord", "Dominique Vasseur", "5901", ("instructeur",), "instruit à Lille"),
    AgentDeDemonstration("chef.paris", "Morgan Delmas", "7502", ("valideur", "signataire"), "vise et signe à Paris"),
    AgentDeDemonstration("chef.nord", "Sacha Wattel", "5901", ("valideur", "signataire"), "vise et signe à Lille"),
    AgentDeDemonstration("remise.paris", "Lou Carpentier", "7502", ("remise",), "annonce et remet les titres à Paris"),
    AgentDeDemonstration("remise.nord", "Maxence Dubois", "5901", ("remise",), "annonce et remet les titres à Lille"),
    AgentDeDemonstration(
        "admin.demo", "Alix Fontaine", "7502", ("admin_fonctionnel",), "change barèmes, pièces, sites et droits"
    ),
    AgentDeDemonstration("accueil.paris", "Noa Perrin", "7502", ("accueil",), "dit où en est une demande"),
    AgentDeDemonstration("auditeur.demo", "Sacha Morel", "7502", ("auditeur",), "lit le journal"),
)


@dataclass(frozen=True)
class Personne:
    """Une personne du fichier, par son n° étranger ou son n° de visa, et ce qu'elle permet d'essayer."""

    numero: str
    cas: str

    def usager(self) -> Usager:
        titres = TitreSejour.objects.select_related("usager__compte")
        titre = titres.filter(usager__numero_etranger=self.numero).first() or titres.filter(numero=self.numero).first()
        if titre is None:
            raise TitulairesAbsents(self.numero)
        return titre.usager


# Sans compte : à ouvrir soi-même, avec le numéro et les dates du titre.
A_CREER = (
    Personne("7703004369", "renouvellement, dans la fenêtre de dépôt : le parcours du guide"),
    Personne("5903006620", "titre permanent « Citoyen UE/EEE/Suisse » : le parcours du second guide"),
    Personne("9903000101", "VLS-TS étudiant validé : renouvellement"),
    Personne("9903000105", "visa long séjour étudiant, nationalité algérienne : première demande"),
    Personne("7503120010", "carte « salarié » : changement de motif"),
    Personne("7503120020", "titre qui expire dans 30 jours : dépôt tardif, conséquence dite"),
    Personne("7503120041", "jour et mois de naissance inconnus"),
    Personne("5903006712", "titre permanent UE d'un Britannique : démarche fermée, et pourquoi"),
)
COMPTES = (
    Personne("7503119958", "compte ouvert, rien de déposé : se connecter et renouveler"),
    Personne("7503120021", "titre qui expire dans 150 jours : on prépare, on dépose plus tard"),
    Personne("FRA000000011", "visa, sans n° étranger : se connecte avec le n° de visa"),
)


@dataclass(frozen=True)
class Dossier:
    """Une demande déposée d'avance. `absentes` : pièce → raison donnée ; `pris_par` : l'agent qui l'a en charge ;
    `complement` : pièce, motif et observation de ce qu'il demande ; `propose` : il propose d'accorder.
    """

    personne: Personne
    adresse: Mapping[str, str]
    etudes: Mapping[str, str] = field(default_factory=dict)
    ressources: tuple[tuple[str, str], ...] = ()
    demarche: str = "etudiant"
    explication: str = ""
    absentes: Mapping[str, str] = field(default_factory=dict)
    observations: str = ""
    pris_par: str = ""
    complement: tuple[tuple[str, str, str], ...] = ()
    propose: bool = False


PARIS = {"numero": "18", "voie": "rue des Pyrénées", "code_postal": "75020", "commune": "Paris"}
BELLEVILLE = {"numero": "7", "voie": "rue de Belleville", "code_postal": "75019", "commune": "Paris"}
LILLE = {"numero": "25", "voie": "rue Nationale", "code_postal": "59000", "commune": "Lille"}
ROUBAIX = {"numero": "3", "voie": "rue de Lannoy", "code_postal": "59100", "commune": "Roubaix"}
DOSSIERS = (
    Dossier(
        Personne("7503120053", "demande complète déposée à Paris"),
        PARIS,
        {"nom": "Université de Paris", "cycle": "master", "niveau": "m2", "diplome": "Master de biologie"},
        (("boursier", "480"), ("personnelles", "200")),
    ),
    Dossier(
        Personne("7503120022", "titre expiré : demande hors délai et incomplète déposée à Paris"),
        BELLEVILLE,
        {"nom": "Université de Paris", "cycle": "licence", "niveau": "l3", "diplome": "Licence de biologie"},
        (("personnelles", "410"),),
        explication="Je cherche un emploi étudiant depuis la rentrée ; mes parents m'aident en attendant.",
        absentes={"INSCRIPTION": "Mon inscription définitive sera prête après la commission pédagogique."},
        observations="J'ai été hospitalisé en septembre, d'où mon retard. Je peux envoyer le certificat.",
    ),
    Dossier(
        Personne("7703004401", "demande complète déposée à Lille"),
        LILLE,
        {"nom": "Université de Lille", "cycle": "master", "niveau": "m1", "diplome": "Master de biologie"},
        (("boursier", "700"),),
    ),
    Dossier(
        Personne("5903006703", "demande en instruction à Lille"),
        ROUBAIX,
        {"nom": "Université de Lille", "cycle": "licence", "niveau": "l2", "diplome": "Licence de biologie"},
        (("personnelles", "650"),),
        pris_par="agent.nord",
    ),
    Dossier(
        Personne("7503120050", "complément demandé à Paris : y répondre, maintenir ou remplacer"),
        BELLEVILLE,
        {"nom": "Université de Paris", "cycle": "licence", "niveau": "l2", "diplome": "Licence d'histoire"},
        (("personnelles", "640"),),
        pris_par="agent.paris",
        complement=(
            ("INSCRIPTION", "complement.illisible", "Le numéro d'inscription ne se lit pas."),
            ("DOMICILE", "complement.trop_ancienne", ""),
        ),
    ),
    Dossier(
        Personne("7503120045", "décision favorable proposée à Paris : à viser et à signer"),
        PARIS,
        {"nom": "Université de Paris", "cycle": "master", "niveau": "m1", "diplome": "Master de droit"},
        (("boursier", "700"),),
        pris_par="agent.paris",
        propose=True,
    ),
    Dossier(Personne("5903006710", "citoyen européen, demande complète déposée à Lille"), LILLE, demarche="citoyen_ue"),
)


def charger(*, le: dt.datetime) -> None:
    """Charge tout ce qui manque. Lève `TitulairesAbsents`."""
    groupe, _cree = Group.objects.get_or_create(name=settings.GROUPE_DEMONSTRATION)
    for prevu in AGENTS:
        agent = Agent.objects.filter(compte__identifiant=prevu.identifiant).first()
        if agent is None:
            site, courriel = Site.objects.get(code=prevu.site), f"{prevu.identifiant}@exemple.invalid"
            agent, _nouveau = creer_agent(
                prevu.identifiant, nom=prevu.nom, site=site, roles=list(prevu.roles), courriel=courriel,
                mot_de_passe=MOT_DE_PASSE, le=le,
            )  # fmt: skip
        agent.compte.groups.add(groupe)
    for personne in (*COMPTES, *(dossier.personne for dossier in DOSSIERS)):
        ouvrir_compte(personne.usager(), le=le).groups.add(groupe)
    for personne in A_CREER:
        personne.usager()
    for dossier in DOSSIERS:
        deposer(dossier, le=le)


def ouvrir_compte(usager: Usager, *, le: dt.datetime) -> Compte:
    """Le compte de cette personne, ouvert comme par le lien reçu, sans rien écrire dans la boîte d'envoi."""
    if usager.compte:
        return usager.compte
    titre = usager.titre_actuel
    lettres = f"{usager.prenoms}.{usager.nom_naissance}".lower().strip(".")
    courriel = "".join(c for c in lettres if c == "." or (c.isascii() and c.isalpha())) + "@exemple.invalid"
    inscription = Inscription.objects.create(
        numero=titre.numero, debut=titre.debut, fin=titre.fin, courriel=courriel, creee_le=le,
        expire_le=le + VALIDITE_LIEN,
    )  # fmt: skip
    return activer(inscription, mot_de_passe=MOT_DE_PASSE, le=le)


def deposer(dossier: Dossier, *, le: dt.datetime) -> None:
    """Remplit les étapes, joint des pièces, relit et dépose ; rien si la personne a déjà déposé."""
    usager = dossier.personne.usager()
    if Demande.objects.filter(usager=usager, numero__isnull=False).exists():
        return
    demarche, compte = DEMARCHES[dossier.demarche], usager.compte
    demande = usager_operations.commencer(demarche, usager, par=compte, le=le)
    for etape in demarche.parties:
        parcours = Parcours(demande, le=le, langue="fr")
        version = parcours.saisie(etape).version
        if etape.form:
            form = form_de_saisie(parcours, etape, MultiValueDict(_reponses(dossier)[etape.code]))
            if not form.is_valid():
                raise ValueError(f"{dossier.personne.numero}, {etape.code} : {form.errors.as_text()}")
            usager_operations.enregistrer_etape(demande, etape, form, version=version, le=le, par=compte)
        else:
            _joindre(demande, dossier, parcours, le=le)
            declarees = MultiValueDict(
                {f"declaree_{piece.code}": ["on"] for piece in demarche.pieces if piece.declaration}
            )
            for code, raison in dossier.absentes.items():
                declarees.update({f"absente_{code}": "on", f"raison_{code}": raison})
            usager_operations.enregistrer_pieces(demande, etape, declarees, version=version, le=le, valider=True)
    for etape in demarche.parties:
        usager_operations.relire(demande, etape, le=le)
    usager_operations.noter_observations(demande, dossier.observations, le=le)
    demande.refresh_from_db()
    demande = usager_operations.deposer(demande, par=compte, le=le)
    if dossier.pris_par and demande.etat == Etat.DEPOSEE:
        agent = Agent.objects.select_related("compte").get(compte__identifiant=dossier.pris_par)
        demande = prendre_en_charge(demande, agent=agent, version=demande.version, le=le)
        if dossier.complement:
            demander_complement(
                demande,
                _lignes_demandees(demande, dossier, le=le),
                message="",
                agent=agent,
                version=demande.version,
                le=le,
            )
        elif dossier.propose:
            proposer_favorable(
                demande, _accord(demande, le=le), motifs=[], avis="Études suivies, ressources au-dessus du seuil.",
                agent=agent, version=demande.version, le=le,
            )  # fmt: skip


def _lignes_demandees(demande: Demande, dossier: Dossier, *, le: dt.datetime) -> list[LigneDemandee]:
    libelles = {piece.code: piece.libelle for piece in pieces_a_demander(demande, jour=timezone.localdate(le))}
    return [
        LigneDemandee(code, libelles[code], motifs=(motif,), consigne=consigne)
        for code, motif, consigne in dossier.complement
    ]


def _accord(demande: Demande, *, le: dt.datetime) -> Accord:
    """Le titre que cette démarche délivre d'ordinaire, un an, à la suite du précédent."""
    titre = DEMARCHES[demande.demarche].titres[0]
    du = demande.titre_de_depart.fin + dt.timedelta(days=1)
    taxe = taxe_due(demande, titre, jour=timezone.localdate(le))
    return Accord(titre.code, titre.mention, du, ajouter_mois(du, 12) - dt.timedelta(days=1), taxe)


def _reponses(dossier: Dossier) -> dict[str, dict[str, list[str]]]:
    """Ce que la personne aurait tapé, étape par étape."""
    etudes = dossier.etudes
    cursus = {
        "etablissement": ["universite"], "nom_etablissement": [etudes.get("nom")], "cycle": [etudes.get("cycle")],
        "niveau": [etudes.get("niveau")], "diplome": [etudes.get("diplome")], "discipline": ["biologie"],
    }  # fmt: skip
    lignes = {"ressources-TOTAL_FORMS": [str(len(dossier.ressources))], "ressources-INITIAL_FORMS": ["0"]}
    for rang, (origine, montant) in enumerate(dossier.ressources):
        lignes |= {f"ressources-{rang}-origine": [origine], f"ressources-{rang}-montant": [montant]}
    return {
        "informations": {
            "situation_familiale": ["celibataire"], "en_couple": ["non"], "enfants_en_france": ["non"],
            "logement": ["locataire_proprietaire"], "telephone": ["06 01 02 03 04"],
            **{f"adresse_{nom}": [valeur] for nom, valeur in dossier.adresse.items()},
        },
        "motif": {
            "etudiant_precedente": ["non"], "mobilite": ["non"],
            **{f"courante_{nom}": valeur for nom, valeur in cursus.items()},
        },
        "ressources": {**lignes, "explication": [dossier.explication]},
    }  # fmt: skip


def _joindre(demande: Demande, dossier: Dossier, parcours: Parcours, *, le: dt.datetime) -> None:
    """Un spécimen par pièce obligatoire, en PDF ou en image ; le n° d'ephoto est propre à la personne."""
    compte = demande.usager.compte
    for rang, piece in enumerate(parcours.pieces):
        if piece.piece.numero:
            usager_operations.confirmer_ephoto(demande, f"1DEMO{compte.identifiant:0>12}AAA00"[:22], le=le)
        elif (
            piece.piece.a_des_fichiers
            and piece.obligatoire
            and not piece.fichiers
            and piece.code not in dossier.absentes
        ):
            for page in range(1, piece.reference.fichiers_min + 1):
                fichier = specimen(piece.libelle, demande.usager.nom_complet, page, en_pdf=rang % 2 == 0)
                usager_operations.joindre_piece(demande, piece.code, fichier, par=compte, le=le)


def specimen(titre: str, nom: str, page: int, *, en_pdf: bool) -> SimpleUploadedFile:
    """Une page A4 qui se lit dans la visionneuse : ce que c'est, à qui, et qu'elle est inventée."""
    feuille = Image.new("RGB", (744, 1052), "#fdfdfb")
    trait = ImageDraw.Draw(feuille)
    trait.rectangle((24, 24, 719, 1027), outline="#000091", width=3)
    y = 80
    for ligne, taille in ((titre, 26), (nom, 34), (f"Page {page}", 20), ("Spécimen de démonstration", 20)):
        for morceau in _couper(ligne, 40):
            trait.text((60, y), morceau, fill="#161616", font=_police(taille))
            y += taille + 16
        y += 16
    for rang in range(14):
        trait.line((60, y + 30 + rang * 36, 684 - (rang * 53) % 210, y + 30 + rang * 36), fill="#c8c8d4", width=8)
    tampon, genre = io.BytesIO(), "PDF" if en_pdf else "PNG"
    feuille.save(tampon, genre)
    type_mime = "application/pdf" if en_pdf else "image/png"
    mots = "".join(c if c.isalnum() else "-" for c in titre.lower())[:40].strip("-")
    return SimpleUploadedFile(f"{mots}-{page}.{genre.lower()}", tampon.getvalue(), type_mime)


def _police(taille: int) -> ImageFont.FreeTypeFont:
    """DejaVu, que la préparation installe (bin/paquets.txt) ; sans elle, celle de Pillow, qui n'a pas d'accents."""
    try:
        return ImageFont.truetype("DejaVuSans.ttf", taille)
    except OSError:
        return ImageFont.load_default(taille)


def _couper(texte: str, largeur: int) -> list[str]:
    lignes = [""]
    for mot in texte.split():
        if lignes[-1] and len(lignes[-1]) + len(mot) >= largeur:
            lignes.append("")
        lignes[-1] = f"{lignes[-1]} {mot}".strip()
    return lignes
