"""Ce qu'un chef choisit de compter : une période, une démarche, un site."""

import datetime as dt

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from demandes.demarches import DEMARCHES
from demandes.models import Site
from instruction.figures import Periode, Portee
from instruction.models import Agent
from instruction.permissions import voit
from usagers.champs import DateTroisChampsField

PERIODES = {
    "7j": _("7 derniers jours"),
    "30j": _("30 derniers jours"),
    "mois": _("Ce mois-ci"),
    "annee": _("Cette année"),
    "dates": _("Dates choisies"),
}
PAR_DEFAUT = "30j"
# Au-delà, une image par mois ne se lit plus.
JOURS_MAX = 3 * 366


def periode_connue(code: str, *, jour: dt.date) -> Periode:
    """Jusqu'à ce jour compris ; « dates » part des trente derniers jours."""
    debuts = {"7j": jour - dt.timedelta(days=6), "mois": jour.replace(day=1), "annee": jour.replace(month=1, day=1)}
    return Periode(debuts.get(code, jour - dt.timedelta(days=29)), jour)


class FiguresForm(forms.Form):
    """Lu dans l'adresse, qui se garde et se partage. `site` : à qui compare les sites, et à lui seul."""

    periode = forms.ChoiceField(choices=list(PERIODES.items()), widget=forms.HiddenInput)
    du = DateTroisChampsField(label=_("Du"), objet=_("le début de la période"), annees=(2000, 2100))
    au = DateTroisChampsField(label=_("Au"), objet=_("la fin de la période"), annees=(2000, 2100))
    demarche = forms.ChoiceField(label=_("Démarche"), required=False)
    site = forms.ChoiceField(label=_("Site"), required=False)

    def __init__(self, data: QueryDict, *, agent: Agent):
        self.agent, self.jour = agent, timezone.localdate()
        super().__init__(self._completer(data.copy()))
        self.fields["demarche"].choices = [
            ("", _("Toutes les démarches")),
            *((code, capfirst(str(demarche.intitule))) for code, demarche in DEMARCHES.items()),
        ]
        if self.data["periode"] != "dates":
            del self.fields["du"], self.fields["au"]
        self.sites: dict[str, Site] = {}
        if voit(agent, "figures_des_sites"):
            self.sites = {site.pk: site for site in Site.objects.order_by("code")}
            noms = ((code, f"{code} – {site}") for code, site in self.sites.items())
            self.fields["site"].choices = [("", _("Tous les sites")), *noms]
        else:
            del self.fields["site"]

    def _completer(self, data: QueryDict) -> QueryDict:
        """Sans période, la première ; sans dates, celles de la première, à changer."""
        data.setdefault("periode", PAR_DEFAUT)
        connue = periode_connue(PAR_DEFAUT, jour=self.jour)
        for nom, date in (("du", connue.du), ("au", connue.au)):
            if not any(f"{nom}_{rang}" in data for rang in range(3)):
                for rang, partie in enumerate((date.day, date.month, date.year)):
                    data[f"{nom}_{rang}"] = str(partie)
        return data

    def clean(self):
        saisie = super().clean()
        du, au = saisie.get("du"), saisie.get("au")
        if au and au > self.jour:
            self.add_error("au", _("La période finit au plus tard aujourd'hui : on ne compte que ce qui s'est passé."))
        elif du and au and du > au:
            self.add_error("au", _("La fin de la période précède son début : changez l'une des deux dates."))
        elif du and au and Periode(du, au).jours > JOURS_MAX:
            self.add_error("du", _("La période dépasse trois ans : choisissez un début plus proche de la fin."))
        return saisie

    @property
    def portee(self) -> Portee:
        """Le formulaire étant valide : ce qui est compté."""
        saisie = self.cleaned_data
        periode = periode_connue(saisie["periode"], jour=self.jour)
        if saisie["periode"] == "dates":
            periode = Periode(saisie["du"], saisie["au"])
        site = self.sites.get(saisie["site"]) if self.sites else self.agent.site
        return Portee(periode, site, saisie["demarche"])

    @property
    def adresse(self) -> dict[str, str]:
        """Ce qu'il faut d'adresse pour revenir à ces chiffres."""
        noms = [nom for nom in self.fields if nom not in {"du", "au"}]
        if "du" in self.fields:
            noms += [f"{nom}_{rang}" for nom in ("du", "au") for rang in range(3)]
        return {nom: self.data[nom] for nom in noms if self.data.get(nom)}
