"""De quoi une démarche est faite : étapes, pièces, cas, titres. Tout est déclaré, rien n'est enregistré ici."""

from collections.abc import Callable
from dataclasses import dataclass

from demandes.demarches.formulaires import EtapeForm, Reponses, Texte
from demandes.droit import Contexte


@dataclass(frozen=True)
class Etape:
    """Une étape du parcours. `genre` : formulaire, pieces, recapitulatif ou confirmation."""

    code: str
    titre: Texte
    description: Texte
    consigne: Texte = ""
    genre: str = "formulaire"
    form: type[EtapeForm] | None = None
    gabarit: str = "demandes/etape.html"
    icone: str = ""


@dataclass(frozen=True)
class Rubrique:
    """Un groupe de pièces sur la page des justificatifs."""

    titre: Texte
    intro: Texte = ""


@dataclass(frozen=True)
class Piece:
    """Une pièce demandée selon les réponses ; son texte et ses bornes sont des `PieceReference` datées.

    `variante` : suffixe de la référence à lire (« etudiant.DOMICILE.hotel »). `numero` : nature du numéro saisi, pour
    une pièce sans fichier. `quand` : la condition en mots, pour la liste à télécharger.
    """

    code: str
    rubrique: Rubrique
    sous_rubrique: Texte = ""
    demandee_si: Callable[[Reponses, Contexte], bool] = lambda reponses, contexte: True
    obligatoire_si: Callable[[Reponses, Contexte], bool] | None = None
    variantes: tuple[str, ...] = ()
    variante: Callable[[Reponses, Contexte], str] | None = None
    numero: str = ""
    quand: Texte = ""


@dataclass(frozen=True)
class Cas:
    """Une situation de départ couverte (domaine §1.1). `fenetre` : le dépôt a une date d'ouverture et de fin."""

    code: str
    premiere_demande: bool
    fenetre: bool


@dataclass(frozen=True)
class Fermee:
    """Pourquoi la démarche n'est pas ouverte à cette personne, et où aller."""

    motif: Texte


@dataclass(frozen=True)
class TitreDelivrable:
    """Un titre qu'un agent peut accorder. `duree_max` en mois ; `taxe` : code du barème."""

    code: str
    libelle: Texte
    mention: str
    duree_max: int
    taxe: str
    travail: str = ""
    schengen: bool | None = None


@dataclass(frozen=True)
class Demarche:
    """Une démarche entière, dans un fichier : ce que le moteur, les agents et les documents ont besoin d'en savoir."""

    code: str
    objet: str
    intitule: Texte
    public: Texte
    titre_page: Texte
    type_de_demande: Callable[[str], Texte]
    choix: Callable[[str], Texte]
    bouton_choix: Texte
    bouton_preambule: Texte
    preambule: str
    cas: Callable[[Contexte], Cas | Fermee]
    tous_les_cas: tuple[Cas, ...]
    etapes: tuple[Etape, ...]
    pieces: tuple[Piece, ...]
    titres: tuple[TitreDelivrable, ...]
    silence: str
    categorie: str
    sms: bool = True
    schengen_depot: bool | None = None

    def etape(self, code: str) -> Etape | None:
        return next((etape for etape in self.etapes if etape.code == code), None)

    def cas_de_code(self, code: str) -> Cas:
        return next(cas for cas in self.tous_les_cas if cas.code == code)

    @property
    def parties(self) -> tuple[Etape, ...]:
        """Les étapes à relire au récapitulatif : toutes celles qui le précèdent."""
        return tuple(etape for etape in self.etapes if etape.genre in {"formulaire", "pieces"})
