"""Les chiffres du service tels qu'ils se lisent : une définition, quelques nombres, une image, son tableau."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from demandes.etats import Etat
from demandes.models import Site
from instruction import figures
from instruction.figures import BORNES, ETATS_DU_FLUX, RUPTURES, Durees, Mesure, Periode, Portee, Tranche
from instruction.graphiques import Barres, Colonnes, Part, barres, colonnes
from instruction.tableaux import Tableau, ecrire, en_jours, en_pourcents

SITES_EN_IMAGE = 10


@dataclass(frozen=True)
class Chiffre:
    """`vide` : la phrase à la place de l'image et du tableau quand il n'y a rien à montrer."""

    cle: str
    titre: str
    definition: str | Promise
    tableau: Tableau
    vide: str = ""
    cles: Sequence[tuple[str, str]] = ()
    images: Sequence[Barres | Colonnes] = field(default_factory=tuple)


# --- Dire la période --------------------------------------------------------------------------------------------------
def _court(jour: dt.date) -> str:
    return f"{jour:%d/%m}"


def nom_de_tranche(tranche: Tranche, pas: str) -> str:
    """« 22/11/2026 », « 16/11 au 22/11/2026 », « novembre 2026 »."""
    if pas == "jour":
        return f"{tranche.du:%d/%m/%Y}"
    return f"{tranche.du:%d/%m} au {tranche.au:%d/%m/%Y}" if pas == "semaine" else date_format(tranche.du, "F Y")


def nom_de_periode(periode: Periode) -> str:
    if periode.jours == 1:
        return _("le %(du)s") % {"du": _long(periode.du)}
    return _("du %(du)s au %(au)s") % {"du": _long(periode.du), "au": _long(periode.au)}


def _long(jour: dt.date) -> str:
    """« 1er novembre 2026 » : le premier est le seul jour à s'écrire ainsi."""
    return date_format(jour, "1\\e\\r F Y" if jour.day == 1 else "j F Y")


NOMS_DES_PAS = {"jour": gettext_lazy("Jour"), "semaine": gettext_lazy("Semaine"), "mois": gettext_lazy("Mois")}
PAR = {"jour": gettext_lazy("par jour"), "semaine": gettext_lazy("par semaine"), "mois": gettext_lazy("par mois")}


# --- Les chiffres ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Releves:
    """Ce que les relevés de la période disent, lu une fois pour tous les chiffres."""

    periode: Periode
    flux: Mapping[dt.date, Counter]
    total: Counter

    @classmethod
    def lire(cls, portee: Portee) -> "Releves":
        flux = figures.flux(portee)
        return cls(portee.periode, flux, sum(flux.values(), Counter()))

    @property
    def noms(self) -> list[str]:
        return [nom_de_tranche(tranche, self.periode.pas) for tranche in self.periode.tranches.values()]

    def nombres(self, mesure: str) -> list[int]:
        return [nombres[mesure] for nombres in self.flux.values()]

    def tableau(self, titre: str, mesures: Sequence[tuple[str, str]]) -> Tableau:
        """Une ligne par tranche, une colonne par mesure, et leur total."""
        lignes = [
            (nom, *(nombres[code] for code, _libelle in mesures))
            for nom, nombres in zip(self.noms, self.flux.values(), strict=True)
        ]
        total = (_("Total"), *(self.total[code] for code, _libelle in mesures))
        colonnes = [str(NOMS_DES_PAS[self.periode.pas]), *(libelle for _code, libelle in mesures)]
        return Tableau(titre, colonnes, [*lignes, total])

    def colonnes(self, cle: str, titre: str, mesures: Sequence[tuple[str, str, str]]) -> Colonnes:
        """`mesures` : code, genre et libellé de chaque part, de bas en haut."""
        par_tranche = [sum(nombres[code] for code, *_suite in mesures) for nombres in self.flux.values()]
        description = _("%(total)s en tout, %(plus)s au plus %(par)s.") % {
            "total": ecrire(sum(par_tranche)), "plus": ecrire(max(par_tranche)), "par": PAR[self.periode.pas],
        }  # fmt: skip
        parts = [Part(genre, libelle, self.nombres(code)) for code, genre, libelle in mesures]
        noms = [_court(tranche.du) for tranche in self.periode.tranches.values()]
        if self.periode.pas == "mois":
            noms = [f"{tranche.du:%m/%Y}" for tranche in self.periode.tranches.values()]
        return colonnes(cle, titre, description, noms, parts, graduation=ecrire(max(par_tranche)))


def chiffre_du_stock(portee: Portee) -> Chiffre:
    nombres = figures.stock(portee)
    lignes = [(str(etat.label), nombre) for etat, nombre in nombres.items()]
    titre, total = _("Demandes en cours, par état"), sum(nombres.values())
    return Chiffre(
        "stock",
        titre,
        _(
            "Les demandes déposées que le service doit encore instruire ou remettre, comptées à l'instant, quels que "
            "soient les jours choisis. Une demande terminée (titre remis, refus), close ou retirée n'y est pas."
        ),
        Tableau(titre, [_("État"), _("Demandes")], [*lignes, (_("Total"), total)]),
        vide="" if total else _("Aucune demande en cours."),
        cles=[(_("En cours"), ecrire(total))],
        images=[barres("stock", titre, [(libelle, nombre, ecrire(nombre)) for libelle, nombre in lignes])],
    )


def chiffre_de_l_age(durees: Durees) -> Chiffre:
    return _durees(
        "age",
        _("Âge des demandes à instruire"),
        _(
            "Les jours écoulés depuis le dépôt des demandes à instruire (déposée, en cours d'instruction, complément "
            "attendu ou reçu, en cours de décision), à l'instant. Une demande rouverte garde sa date de dépôt. "
            "Médiane : la moitié est plus récente. 90e centile : neuf sur dix sont plus récentes."
        ),
        durees,
        _("Aucune demande à instruire."),
    )


def chiffre_des_delais(durees: Durees) -> Chiffre:
    return _durees(
        "delai",
        _("Délai du dépôt à la décision"),
        _(
            "Les jours du dépôt à la décision, favorable ou non, des demandes décidées dans la période. Le temps passé "
            "à attendre la réponse de l'usager est compris ; une clôture n'est pas une décision."
        ),
        durees,
        _("Aucune demande n'a été décidée dans la période."),
    )


def _durees(cle: str, titre: str, definition: str, durees: Durees, vide: str) -> Chiffre:
    tranches = [_("%(n)s jours au plus") % {"n": BORNES[0]}]
    tranches += [_("%(du)s à %(au)s jours") % {"du": du + 1, "au": au} for du, au in pairwise(BORNES)]
    tranches.append(_("Plus de %(n)s jours") % {"n": BORNES[-1]})
    lignes = list(zip(tranches, durees.par_tranche, strict=True))
    mesures = [
        (_("Demandes"), durees.nombre), (_("Médiane, en jours"), durees.mediane),
        (_("90e centile, en jours"), durees.p90),
    ]  # fmt: skip
    return Chiffre(
        cle,
        titre,
        definition,
        Tableau(titre, [_("Durée"), _("Demandes")], [*lignes, *mesures]),
        vide="" if durees.nombre else vide,
        cles=[(_("Médiane"), en_jours(durees.mediane)), (_("90e centile"), en_jours(durees.p90))],
        images=[barres(cle, titre, [(libelle, nombre, ecrire(nombre)) for libelle, nombre in lignes])],
    )


def chiffre_du_flux(releves: Releves) -> Chiffre:
    titre = _("Entrées dans chaque état")
    mesures = [(etat, str(etat.label)) for etat in ETATS_DU_FLUX if releves.total[etat]]
    return Chiffre(
        "flux",
        titre,
        _(
            "Chaque passage d'une demande dans un état, compté le jour où il s'est fait, d'après le journal. Une "
            "demande qui revient dans un état y compte une fois de plus. Un dossier transféré compte pour le site qui "
            "le tenait ce jour-là. Chaque image a sa propre échelle."
        ),
        releves.tableau(titre, mesures),
        vide="" if mesures else _("Aucune demande n'a changé d'état dans la période."),
        images=[releves.colonnes(f"flux-{code}", libelle, [(code, "serie", libelle)]) for code, libelle in mesures],
    )


def chiffre_des_complements(releves: Releves) -> Chiffre:
    titre = _("Demandes décidées après un complément")
    avec, decidees = releves.total[Mesure.AVEC_COMPLEMENT], figures.decisions(releves.total)
    part = figures.part_completee(releves.total)
    lignes = [
        (_("Avec complément"), avec, part),
        (_("Sans complément"), decidees - avec, None if part is None else 1 - part),
    ]
    return Chiffre(
        "complement",
        titre,
        _(
            "Parmi les demandes décidées dans la période, favorablement ou non, celles à qui un complément a été "
            "demandé au moins une fois avant la décision, même si l'agent y a ensuite renoncé."
        ),
        Tableau(
            titre, [_("Demandes décidées"), _("Nombre"), _("Part")],
            [
                *((libelle, nombre, en_pourcents(sa_part)) for libelle, nombre, sa_part in lignes),
                (_("Total"), decidees, en_pourcents(1 if decidees else None)),
            ],
        ),
        vide="" if decidees else _("Aucune demande n'a été décidée dans la période."),
        cles=[(_("Part avec complément"), en_pourcents(part))],
        images=[barres("complement", titre, [(libelle, nombre, ecrire(nombre)) for libelle, nombre, _part in lignes])],
    )  # fmt: skip


def chiffre_des_ruptures(releves: Releves) -> Chiffre:
    titre = _("Ruptures de droits")
    mesures = [
        (Mesure.SUBIE, _("Subies")), (Mesure.EVITEE_PROLONGATION, _("Évitées par une prolongation")),
        (Mesure.EVITEE_DECISION, _("Évitées par une décision")),
    ]  # fmt: skip
    evitees = sum(releves.total[mesure] for mesure in RUPTURES if mesure != Mesure.SUBIE)
    genres = [(code, code.value.replace("_", "-"), libelle) for code, libelle in mesures]
    return Chiffre(
        "ruptures",
        titre,
        _(
            "Chaque fin de droits passée dans la période (hier au plus tard) d'une demande alors déposée, ni close ni "
            "retirée : la fin du titre de départ, puis celle de chaque attestation de prolongation. Évitée : ce "
            "jour-là au plus tard, une attestation prenait la suite ou la décision, favorable ou non, était rendue. "
            "Subie : la demande était à instruire et rien ne prenait la suite ; une attestation délivrée après coup "
            "n'y change rien."
        ),
        releves.tableau(titre, mesures),
        vide="" if evitees + releves.total[Mesure.SUBIE] else _("Aucune fin de droits n'est passée dans la période."),
        cles=[(_("Évitées"), ecrire(evitees)), (_("Subies"), ecrire(releves.total[Mesure.SUBIE]))],
        images=[releves.colonnes("ruptures", titre, genres)],
    )


def chiffre_des_sites(
    portee: Portee,
    adresses: Mapping[Site, str],
    *,
    ages: Mapping[str | None, Durees],
    delais: Mapping[str | None, Durees],
) -> Chiffre:
    """`adresses` : les sites à comparer, et la page des chiffres de chacun."""
    titre, sites = _("Les sites, côte à côte"), figures.comparaison(portee, adresses, ages=ages, delais=delais)
    subies = {ligne.site: nombre for ligne in sites if (nombre := ligne.mesures.get(Mesure.SUBIE))}
    pires = [(str(site), subies[site], ecrire(subies[site])) for site in sorted(subies, key=subies.get, reverse=True)]
    pires = pires[:SITES_EN_IMAGE]
    return Chiffre(
        "sites",
        titre,
        _(
            "Les mêmes chiffres, site par site. À instruire et âge : à l'instant. Le reste : dans la période. "
            "L'image montre les dix sites où le plus de ruptures ont été subies."
        ),
        Tableau(
            titre,
            [
                _("Site"), _("À instruire"), _("Âge médian"), _("Âge, 90e centile"), _("Déposées"), _("Décidées"),
                _("Délai médian"), _("Délai, 90e centile"), _("Avec complément"), _("Ruptures évitées"),
                _("Ruptures subies"),
            ],
            [
                (
                    str(ligne.site), ligne.ages.nombre, ligne.ages.mediane, ligne.ages.p90,
                    ligne.mesures.get(Etat.DEPOSEE, 0), ligne.decisions, ligne.delais.mediane, ligne.delais.p90,
                    en_pourcents(figures.part_completee(ligne.mesures)),
                    ligne.mesures.get(Mesure.EVITEE_PROLONGATION, 0) + ligne.mesures.get(Mesure.EVITEE_DECISION, 0),
                    ligne.mesures.get(Mesure.SUBIE, 0),
                )
                for ligne in sites
            ],
            [adresses[ligne.site] for ligne in sites],
        ),
        vide="" if sites else _("Aucun site n'a de demande à montrer."),
        images=[barres("sites", _("Ruptures subies, par site"), pires)] if pires else [],
    )  # fmt: skip


def chiffres(
    portee: Portee, adresses: Mapping[Site, str], *, jour: dt.date, releve_le: dt.datetime | None
) -> list[Chiffre]:
    """Tous les chiffres ; sans relevé, ceux de l'instant seulement. `adresses` : les sites à comparer."""
    ages = figures.ages(portee, jour=jour)
    a_l_instant = [chiffre_du_stock(portee), chiffre_de_l_age(ages.get(None, Durees()))]
    if releve_le is None:
        return a_l_instant
    releves, delais = Releves.lire(portee), figures.delais(portee)
    resultat = [
        *a_l_instant,
        chiffre_des_delais(delais.get(None, Durees())),
        chiffre_des_complements(releves),
        chiffre_des_ruptures(releves),
        chiffre_du_flux(releves),
    ]
    if portee.site is None:
        resultat.append(chiffre_des_sites(portee, adresses, ages=ages, delais=delais))
    return resultat
