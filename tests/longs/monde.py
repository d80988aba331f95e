"""Un portail habité : des visiteurs de chaque sorte, et chaque adresse avec de vrais numéros à y mettre."""

from dataclasses import dataclass, field

import pytest
from django.core import signing
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse
from django.urls.converters import IntConverter, SlugConverter
from hypothesis import strategies as st

from demandes import operations
from demandes.demarches import DEMARCHES
from demandes.portail.entrees import ENTREES
from notifications.models import Envoi, Notification
from tests.factories import AgentFactory, PaysFactory, TitreSejourFactory, UsagerFactory
from tests.longs.saisies import champs, navigateur
from tests.situations import remplir, tout_relire
from usagers.operations import demander_changement_courriel, demander_mot_de_passe, preinscrire

ESPACE_DES_AGENTS = (
    "admin:index",
    "admin:login",
    "admin:logout",
    "admin:password",
    "admin:dossier",
    "admin:references",
)
# Ce qu'une adresse peut nommer quand le monde n'a rien de mieux à lui donner.
INCONNUS = {
    IntConverter: ["0", "1", "2147483648", "9223372036854775807", "9223372036854775808", "9" * 40],
    SlugConverter: ["rien", "-", "_", "0", "9" * 19, "9" * 500],
}
TEXTES_INCONNUS = ["x", "0", "a:b:c", "\x00", "é", "²", "9" * 500, "%00"]

# Le début du nom d'une adresse → ce que son paramètre « code » désigne.
CODES = {
    "demandes:etape": list(dict.fromkeys(etape.code for demarche in DEMARCHES.values() for etape in demarche.etapes)),
    "demandes:piece_": list(dict.fromkeys(piece.code for demarche in DEMARCHES.values() for piece in demarche.pieces)),
    "demandes:a_venir": list(ENTREES),
    "": list(DEMARCHES),
}


def adresses_nommees(motifs, espace="") -> dict[str, dict]:
    """Nom de l'adresse → ses paramètres ; du site des agents, nos vues et non celles de Django."""
    trouvees = {}
    for motif in motifs:
        if hasattr(motif, "url_patterns"):
            trouvees |= adresses_nommees(motif.url_patterns, f"{motif.namespace}:" if motif.namespace else espace)
        elif motif.name and (espace != "admin:" or f"admin:{motif.name}".startswith(ESPACE_DES_AGENTS)):
            trouvees[espace + motif.name] = motif.pattern.converters
    return trouvees


ADRESSES = adresses_nommees(get_resolver().url_patterns)


@dataclass
class Monde:
    """De vrais visiteurs, et de vrais numéros à mettre dans les adresses : ceux de chacun, puis ceux des autres."""

    visiteurs: dict[str, Client]
    connus: dict[str, dict[str, list[str]]]
    jetons: list[str]
    formulaires: dict[tuple, dict] = field(default_factory=dict)

    def personnes(self, nom: str) -> st.SearchStrategy[str]:
        """Deux fois sur trois, quelqu'un que cette adresse concerne : aux autres, elle ne fait que refuser."""
        tous = sorted(self.visiteurs)
        concernes = [qui for qui in tous if all(self.possibles(nom, parametre, qui) for parametre in ADRESSES[nom])]
        concernes = ["agent"] if nom.startswith("admin:") else concernes or tous
        return st.integers(0, 2).flatmap(lambda n: st.sampled_from(concernes if n else tous))

    def adresses(self, nom: str, qui: str) -> st.SearchStrategy[str]:
        parametres = {}
        for parametre, convertisseur in ADRESSES[nom].items():
            siens = self.possibles(nom, parametre, qui)
            autres = [valeur for autre in self.visiteurs for valeur in self.possibles(nom, parametre, autre)]
            inconnus = INCONNUS.get(type(convertisseur), TEXTES_INCONNUS)
            # Deux fois sur trois les siens : Hypothesis ne compte qu'une fois une stratégie répétée.
            possibles = [*[siens or autres or inconnus] * 4, autres or inconnus, inconnus]
            parametres[parametre] = st.integers(0, 5).flatmap(lambda n, p=possibles: st.sampled_from(p[n]))
        return st.fixed_dictionaries(parametres).map(lambda valeurs: self._adresse(nom, valeurs))

    def possibles(self, nom: str, parametre: str, qui: str) -> list[str]:
        if parametre == "jeton":
            return self.jetons
        if parametre == "code":
            return next(codes for debut, codes in CODES.items() if nom.startswith(debut))
        connus = self.connus.get(qui, {})
        return connus.get("notification" if "notification" in nom else parametre, [])

    def _adresse(self, nom: str, valeurs: dict) -> str:
        try:
            return reverse(nom, kwargs=valeurs)
        except NoReverseMatch:
            return reverse(nom, kwargs=dict.fromkeys(valeurs, "1"))

    def champs(self, qui: str, adresse: str) -> dict[str, set[str]]:
        """Les champs de la page à cette adresse ; à défaut, ceux que nos vues lisent."""
        if (qui, adresse) not in self.formulaires:
            page = navigateur(self.visiteurs[qui]).get(adresse)
            contenu, html = page.getvalue(), page.headers.get("Content-Type", "").startswith("text/html")
            self.formulaires[qui, adresse] = (champs(contenu) if html else {}) or {
                "action": {"poursuivre"}, "version": {"0"}, "remplace": {""}, "next": {"/"}, "language": {"en"},
                "expiration": {"1"}, "rappel": {"on"}, "q": {"rue"},
            }  # fmt: skip
        return self.formulaires[qui, adresse]


@pytest.fixture
def monde(brouillon, le):
    titre = TitreSejourFactory()
    autre = operations.commencer(DEMARCHES["etudiant"], titre.usager, par=titre.usager.compte, le=le)
    for demande in (brouillon, autre):
        remplir(demande, le=le)
    tout_relire(autre, le=le)
    suisse = UsagerFactory(nationalite=PaysFactory(code="CH", alpha3="CHE", nom="Suisse"))
    TitreSejourFactory(usager=suisse, nature="UE", motif="citoyen_ue_permanent")
    citoyenne = operations.commencer(DEMARCHES["citoyen_ue"], suisse, par=suisse.compte, le=le)
    deposee = operations.deposer(autre, par=autre.ouverte_par, le=le)
    nouveau = TitreSejourFactory(usager=UsagerFactory(compte=None, numero_etranger="7503119958"))
    preinscrire(
        numero="7503119958", debut=nouveau.debut, fin=nouveau.fin, courriel="n@exemple.invalid", langue="fr", le=le
    )
    demander_mot_de_passe(titre.usager.compte.identifiant, le=le)
    demander_changement_courriel(brouillon.usager.compte, courriel="autre@exemple.invalid", le=le)
    liens = [envoi.contexte["lien_signe"] for envoi in Envoi.objects.filter(contexte__has_key="lien_signe")]
    documents = [evenement.document.numero for evenement in deposee.evenements.exclude(document=None)]

    visiteurs = {"anonyme": Client()}
    for qui, compte in {
        "brouillon": brouillon.usager.compte,
        "citoyen": suisse.compte,
        "dépôt": titre.usager.compte,
        "agent": AgentFactory(site=deposee.site, roles=["instructeur", "admin_fonctionnel"]).compte,
    }.items():
        visiteurs[qui] = Client()
        visiteurs[qui].force_login(compte, backend="usagers.backends.IdentifiantBackend")
    du_depot = {"numero": [deposee.numero, *documents], "pk": [str(deposee.pk)], "attestation": documents}
    return Monde(
        visiteurs,
        {
            "brouillon": {"pk": [str(brouillon.pk)], "piece": [str(piece.pk) for piece in brouillon.pieces.all()]},
            "citoyen": {"pk": [str(citoyenne.pk)]},
            "dépôt": {**du_depot, "notification": [str(Notification.objects.get().pk)]},
            "agent": {**du_depot, "cle": [str(piece.pk) for piece in deposee.pieces.all()]},
            "anonyme": {"pk": [str(envoi.pk) for envoi in Envoi.objects.all()]},
        },
        [signing.dumps(lien["objet"], salt=lien["sel"]) for lien in liens],
    )
