"""Bande lisible par machine (OACI, Doc 9303) : TD1, TD2, TD3, chiffres de contrôle, translittération.

Le modèle de bande des attestations n'est publié nulle part : le TD1 et ses codes de document (catalogue.py) sont un
choix du projet ; pour en changer, il suffit d'appeler `Bande.td2` ou `Bande.td3`, ou de changer le code au catalogue.
"""

import unicodedata
from dataclasses import dataclass

from documents.deuxd_doc import NonEncodable

ETAT = "FRA"
POIDS = (7, 3, 1)
VALEURS = {caractere: rang for rang, caractere in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}
# Doc 9303, partie 3, § 6 : lettres qui ne se réduisent pas à leur base.
TRANSLITTERATION = str.maketrans(
    {"Å": "AA", "Ä": "AE", "Æ": "AE", "Đ": "D", "Ð": "D", "Ħ": "H", "ı": "I", "Ĳ": "IJ", "Ł": "L", "Ŀ": "L", "Ŋ": "N"}
    | {"Ø": "OE", "Ö": "OE", "Œ": "OE", "ß": "SS", "ẞ": "SS", "Ŧ": "T", "Þ": "TH", "Ü": "UE", "Ə": "E", "ĸ": "K"}
    | {"Ɗ": "D", "Ɓ": "B", "Ƙ": "K", "Ƴ": "Y"}
)
APOSTROPHES = set("'’‘ʼʻ`´ʹʿʾ")
PAYS_EN_TROIS_LETTRES = {"DEU": "D"}  # seule exception à l'ISO 3166 alpha-3


def chiffre(texte: str) -> str:
    """Chiffre de contrôle : somme pondérée 7, 3, 1, modulo 10."""
    return str(sum(VALEURS[caractere] * POIDS[rang % 3] for rang, caractere in enumerate(texte)) % 10)


def avec_chiffre(texte: str) -> str:
    return texte + chiffre(texte)


def translitterer(texte: str) -> str:
    """Nom en A–Z et `<` ; l'apostrophe disparaît, tiret et espace deviennent `<`."""
    lettres = []
    for caractere in unicodedata.normalize(
        "NFD", unicodedata.normalize("NFC", texte).upper().translate(TRANSLITTERATION)
    ):
        categorie = unicodedata.category(caractere)
        if caractere.isascii() and caractere.isalpha():
            lettres.append(caractere)
        elif categorie in {"Mn", "Me", "Cf"} or caractere in APOSTROPHES:
            continue
        elif categorie[0] in "LNMC" and not caractere.isspace():
            if not caractere.isdecimal():
                raise NonEncodable(texte)
            continue  # un chiffre n'entre pas dans un nom
        else:
            lettres.append("<")
    return "<".join(mot for mot in "".join(lettres).split("<") if mot)


def noms(nom: str, prenoms: str, largeur: int) -> str:
    """`NOM<<PRÉNOMS` ; trop long, on garde le début des deux et une lettre, jamais `<`, en dernière position."""
    nom, prenoms = translitterer(nom), translitterer(prenoms)
    if not nom:  # une seule appellation : elle tient lieu de nom
        nom, prenoms = prenoms, ""
    if prenoms:
        nom = nom[: largeur - 3].rstrip("<")
    texte = f"{nom}<<{prenoms}" if prenoms else nom
    if len(texte) <= largeur:
        return texte.ljust(largeur, "<")
    coupe = texte[:largeur]
    if coupe.endswith("<"):
        coupe = coupe[:-2] + "<" + texte[largeur]
    return coupe


def date(valeur: str) -> str:
    """AAMMJJ depuis `AAAA-MM-JJ` (00 : inconnu) ; `<` pour ce qui manque."""
    if not valeur:
        return "<<<<<<"
    annee, mois, jour = valeur.split("-")
    return "".join("<<" if partie in {"00", "0000"} else partie[-2:] for partie in (annee, mois, jour))


def pays(alpha3: str) -> str:
    return PAYS_EN_TROIS_LETTRES.get(alpha3, alpha3).ljust(3, "<")


def numero_et_optionnel(numero: str, optionnel: str, largeur: int) -> tuple[str, str]:
    """Numéro (9), son chiffre, et les données facultatives ; un numéro plus long y déborde."""
    if len(numero) <= 9:
        debut, suite = avec_chiffre(numero.ljust(9, "<")), optionnel
    else:
        debut, suite = numero[:9] + "<", numero[9:] + chiffre(numero) + "<" + optionnel
    if len(suite) > largeur:
        raise NonEncodable(numero)
    return debut, suite.ljust(largeur, "<")


@dataclass(frozen=True, kw_only=True)
class Bande:
    """Ce que dit une bande ; chaque format le range à sa façon."""

    code: str
    numero: str
    optionnel: str = ""
    naissance: str
    sexe: str
    expiration: str = ""
    nationalite: str
    nom: str
    prenoms: str
    etat: str = ETAT

    def td1(self) -> tuple[str, str, str]:
        """Trois lignes de trente caractères."""
        debut, suite = numero_et_optionnel(self.numero, self.optionnel, 15)
        ne_le, expire_le = avec_chiffre(date(self.naissance)), avec_chiffre(date(self.expiration))
        complement = "<" * 11
        composite = chiffre(debut + suite + ne_le + expire_le + complement)
        return (
            self._emetteur + debut + suite,
            ne_le + self._sexe + expire_le + pays(self.nationalite) + complement + composite,
            noms(self.nom, self.prenoms, 30),
        )

    def td2(self) -> tuple[str, str]:
        """Deux lignes de trente-six caractères."""
        return self._deux_lignes(36, *numero_et_optionnel(self.numero, self.optionnel, 7))

    def td3(self) -> tuple[str, str]:
        """Deux lignes de quarante-quatre caractères (passeport) ; le numéro personnel a son chiffre."""
        if len(self.numero) > 9 or len(self.optionnel) > 14:
            raise NonEncodable(self.numero)
        return self._deux_lignes(
            44, avec_chiffre(self.numero.ljust(9, "<")), avec_chiffre(self.optionnel.ljust(14, "<"))
        )

    def _deux_lignes(self, largeur: int, debut: str, suite: str) -> tuple[str, str]:
        ne_le, expire_le = avec_chiffre(date(self.naissance)), avec_chiffre(date(self.expiration))
        composite = chiffre(debut + ne_le + expire_le + suite)
        return (
            self._emetteur + noms(self.nom, self.prenoms, largeur - 5),
            debut + pays(self.nationalite) + ne_le + self._sexe + expire_le + suite + composite,
        )

    @property
    def _emetteur(self) -> str:
        return self.code.ljust(2, "<") + pays(self.etat)

    @property
    def _sexe(self) -> str:
        return self.sexe if self.sexe in {"M", "F"} else "<"
