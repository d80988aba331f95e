"""De quoi une démarche est faite : étapes, pièces, cas, titres. Tout est déclaré, rien n'est enregistré ici."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
class Regle:
    """Une règle qui lit les réponses : ce qu'elle dit en mots, les étapes qu'elle lit, ce qu'elle calcule.

    Elle ne reçoit que les étapes qu'elle nomme : `manage.py check` sait ainsi de quoi elle dépend.
    """

    texte: Texte
    etapes: tuple[str, ...]
    calcul: Callable[[Reponses, Contexte], Any]

    def __call__(self, reponses: Mapping, contexte: Contexte) -> Any:
        return self.calcul({code: reponses[code] for code in self.etapes}, contexte)


def regle(texte: Texte, *etapes: str) -> Callable[[Callable[[Reponses, Contexte], Any]], Regle]:
    """`@regle(_("Si vous êtes boursier"), "ressources")` sur une fonction (réponses, contexte)."""
    return lambda calcul: Regle(texte, etapes, calcul)


@dataclass(frozen=True)
class Rubrique:
    """Un groupe de pièces sur la page des justificatifs."""

    titre: Texte
    intro: Texte = ""


@dataclass(frozen=True)
class Piece:
    """Une pièce demandée selon les réponses ; son texte et ses bornes sont des `PieceReference` datées.

    `demandee_si` : toujours demandée sans elle. `variante` : suffixe de la référence à lire
    (« etudiant.DOMICILE.hotel »). Sans fichier : `numero`, nature d'un numéro à saisir, ou `declaration`, une
    déclaration sur l'honneur à cocher. `dit_sa_condition` : le texte de la pièce dit déjà quand elle est demandée.
    """

    code: str
    rubrique: Rubrique
    sous_rubrique: Texte = ""
    demandee_si: Regle | None = None
    obligatoire_si: Regle | None = None
    variantes: tuple[str, ...] = ()
    variante: Regle | None = None
    numero: str = ""
    declaration: bool = False
    dit_sa_condition: bool = False

    @property
    def a_des_fichiers(self) -> bool:
        return not (self.numero or self.declaration)

    @property
    def quand(self) -> Texte:
        """La condition en mots, vide quand la pièce est toujours demandée."""
        condition = self.demandee_si or self.variante
        return condition.texte if condition else ""

    @property
    def regles(self) -> tuple[Regle, ...]:
        return tuple(r for r in (self.demandee_si, self.obligatoire_si, self.variante) if r is not None)


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
    """Un titre qu'un agent peut accorder. `duree_max` en mois ; `taxe` : code du barème.

    `visa_ou_titre` : l'attestation de décision vaut avec l'ancien titre ou le visa, et le dit (guide 004). `nature` et
    `motif` : ceux du titre une fois remis, d'où partira la demande suivante. `reserve_a` : la seule nationalité
    (alpha-2) qui le reçoit.
    """

    code: str
    libelle: Texte
    mention: str
    duree_max: int
    taxe: str
    nature: str
    motif: str
    travail: str = ""
    schengen: bool | None = None
    visa_ou_titre: bool = False
    reserve_a: str = ""


@dataclass(frozen=True)
class Demarche:
    """Une démarche entière, dans un fichier : ce que le moteur, les agents et les documents ont besoin d'en savoir.

    `preambule` et `apres_depot` : gabarits inclus avant de commencer et sous la confirmation. `silence` : barème du
    délai qui vaut rejet. `dus_a_la_remise` : ce que l'agent vérifie, case par case, avant de remettre le titre.
    `docs/demarches.md` et `manage.py demarches` montrent le tout.
    """

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
    apres_depot: str = ""
    dus_a_la_remise: tuple[Texte, ...] = ()

    def etape(self, code: str) -> Etape | None:
        return next((etape for etape in self.etapes if etape.code == code), None)

    def cas_de_code(self, code: str) -> Cas:
        return next(cas for cas in self.tous_les_cas if cas.code == code)

    def titres_pour(self, nationalite: str) -> list[TitreDelivrable]:
        """Ce qui se délivre à cette nationalité (alpha-2), ce qui lui est réservé d'abord."""
        permis = [titre for titre in self.titres if titre.reserve_a in {"", nationalite}]
        return sorted(permis, key=lambda titre: not titre.reserve_a)

    def etape_de_genre(self, genre: str) -> Etape:
        """La seule étape de ce genre : pieces, recapitulatif ou confirmation."""
        return next(etape for etape in self.etapes if etape.genre == genre)

    @property
    def rang_du_depot(self) -> int:
        return self.etapes.index(self.etape_de_genre("recapitulatif")) + 1

    @property
    def parties(self) -> tuple[Etape, ...]:
        """Les étapes à relire au récapitulatif : toutes celles qui le précèdent."""
        return tuple(etape for etape in self.etapes if etape.genre in {"formulaire", "pieces"})
