"""Le site des agents : l'administration de Django pour entrer et pour les références, nos vues pour le travail."""

from functools import update_wrapper
from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from demandes.models import Changement
from instruction.permissions import agent_de, voit
from instruction.views import (
    autre_site,
    cloture,
    complement,
    connexion,
    decision,
    differe,
    dossier,
    dossiers,
    figures,
    guichet,
    journal,
    lots,
    pieces,
    prolongation,
    remise,
    reprise,
    second_facteur,
    suivi,
)
from instruction.views.acces import contexte_d_agent, tracer_la_lecture, vers_le_dossier
from instruction.views.second_facteur import exiger_second_facteur

# Ce qu'un agent ouvre avec son seul mot de passe : la page qui demande le second facteur, et la sortie.
SANS_SECOND_FACTEUR = {"second_facteur", "logout"}
# Les adresses où se fait un acte de `GESTES` à second facteur : il y est redemandé, quoi que fasse la vue.
A_SECOND_FACTEUR = {"dossier_signer", "dossier_cloturer"}
CHANGEMENTS_RECENTS = 10


class Administration(admin.AdminSite):
    site_header = _("Étrangers en France – espace des agents")
    site_title = _("Espace des agents")
    index_title = _("Données de référence")
    site_url = None
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Un agent en activité, et personne d'autre : ni un usager, ni un compte que `is_staff` seul marquerait."""
        return agent_de(request.user) is not None

    def admin_view(self, view, cacheable=False):
        """Les agents travaillent en français : les documents, les réponses figées et le droit le sont."""

        def en_francais(request, *args, **kwargs):
            translation.activate("fr")
            request.LANGUAGE_CODE = "fr"
            if second_facteur.manque(request) and request.resolver_match.url_name not in SANS_SECOND_FACTEUR:
                suite = urlencode({"next": request.get_full_path()})
                return redirect(f"{reverse('admin:second_facteur')}?{suite}")
            if request.resolver_match.url_name in A_SECOND_FACTEUR and (page := exiger_second_facteur(request)):
                return page
            reponse = view(request, *args, **kwargs)
            if reponse.status_code == HTTPStatus.METHOD_NOT_ALLOWED and request.method == "GET":
                reponse = vers_le_dossier(request, **kwargs) or reponse
            tracer_la_lecture(request, reponse)
            return reponse

        garde = super().admin_view(update_wrapper(en_francais, view), cacheable)

        def sans_acte_perdu(request, *args, **kwargs):
            sortie = request.resolver_match.url_name == "logout"
            if request.method == "POST" and not self.has_permission(request):
                return connexion.deconnexion(request) if sortie else connexion.acte_sans_session(request)
            if request.method == "POST":
                reprise.oublier(request)
            return garde(request, *args, **kwargs)

        return update_wrapper(sans_acte_perdu, garde)

    def get_urls(self):
        vue = self.admin_view
        return [
            path("dossiers/", vue(dossiers.dossiers), name="dossiers"),
            path("dossiers/listes/garder/", vue(dossiers.enregistrer_filtre), name="filtre_enregistrer"),
            path("dossiers/listes/<int:pk>/oublier/", vue(dossiers.oublier_filtre), name="filtre_oublier"),
            path("dossiers/<slug:numero>/", vue(dossier.dossier), name="dossier"),
            path("dossiers/<slug:numero>/pieces/<int:cle>/", vue(pieces.piece), name="dossier_piece"),
            path("dossiers/<slug:numero>/pieces/<int:cle>/pages/<int:page>/", vue(pieces.page), name="dossier_page"),
            path("dossiers/<slug:numero>/pieces/<int:cle>/controle/", vue(dossier.controler), name="dossier_controle"),
            path("dossiers/<slug:numero>/notes/", vue(dossier.ajouter_note), name="dossier_note"),
            path(
                "dossiers/<slug:numero>/documents/<slug:attestation>/", vue(dossier.document), name="dossier_document"
            ),
            path("dossiers/<slug:numero>/decision/", vue(dossier.decision), name="dossier_decision"),
            path("dossiers/<slug:numero>/prendre/", vue(suivi.prendre), name="dossier_prendre"),
            path("dossiers/<slug:numero>/proposer/", vue(decision.proposer), name="dossier_proposer"),
            path("dossiers/<slug:numero>/refuser/", vue(decision.proposer_refus), name="dossier_proposer_refus"),
            path("dossiers/<slug:numero>/proposition/", vue(decision.proposition), name="dossier_proposition"),
            path("dossiers/<slug:numero>/proposition/fichier/", vue(decision.fichier), name="dossier_refus_propose"),
            path("dossiers/<slug:numero>/viser/", vue(decision.viser), name="dossier_viser"),
            path("dossiers/<slug:numero>/renvoyer/", vue(decision.renvoyer), name="dossier_renvoyer"),
            path("dossiers/<slug:numero>/signer/", vue(decision.signer), name="dossier_signer"),
            path("dossiers/<slug:numero>/acte/", vue(differe.acte), name="dossier_acte"),
            path("dossiers/<slug:numero>/acte/<int:cle>/annuler/", vue(differe.annuler), name="dossier_annuler"),
            path("dossiers/<slug:numero>/cloture/", vue(cloture.cloture), name="dossier_cloture"),
            path("dossiers/<slug:numero>/cloture/proposer/", vue(cloture.proposer), name="dossier_proposer_cloture"),
            path("dossiers/<slug:numero>/cloture/ecarter/", vue(cloture.ecarter), name="dossier_ecarter_cloture"),
            path("dossiers/<slug:numero>/cloturer/", vue(cloture.cloturer), name="dossier_cloturer"),
            path("dossiers/<slug:numero>/rouvrir/", vue(cloture.rouvrir), name="dossier_rouvrir"),
            path("lots/preparer/", vue(lots.preparer), name="lot_preparer"),
            path("lots/lancer/", vue(lots.lancer), name="lot_lancer"),
            path("lots/<int:cle>/", vue(lots.lot), name="lot"),
            path("dossiers/<slug:numero>/prolonger/", vue(prolongation.prolonger), name="dossier_prolonger"),
            path("dossiers/<slug:numero>/reaffecter/", vue(suivi.reaffecter), name="dossier_reaffecter"),
            path("dossiers/<slug:numero>/transferer/", vue(suivi.transferer), name="dossier_transferer"),
            path("dossiers/<slug:numero>/numero/", vue(suivi.attribuer_numero), name="dossier_numero"),
            path("dossiers/<slug:numero>/fabriquer/", vue(remise.fabriquer), name="dossier_fabriquer"),
            path("dossiers/<slug:numero>/disponible/", vue(remise.disponible), name="dossier_disponible"),
            path("dossiers/<slug:numero>/remettre/", vue(remise.remettre), name="dossier_remettre"),
            path("autre-site/", vue(autre_site.autre_site), name="autre_site"),
            path("guichet/", vue(guichet.guichet), name="guichet"),
            path("dossiers/<slug:numero>/complement/", vue(complement.demander), name="dossier_complement"),
            path(
                "dossiers/<slug:numero>/complement/renoncer/",
                vue(complement.renoncer),
                name="dossier_complement_renoncer",
            ),
            path("dossiers/<slug:numero>/reprendre/", vue(complement.reprendre), name="dossier_reprendre"),
            path("figures/", vue(figures.figures), name="figures"),
            path("figures/exporter/", vue(figures.exporter), name="figures_exporter"),
            path("journal/", vue(journal.journal), name="journal"),
            path("journal/exporter/", vue(journal.exporter), name="journal_exporter"),
            path("journal/exports/<int:cle>/", vue(journal.export), name="journal_export"),
            path("second-facteur/", vue(second_facteur.donner), name="second_facteur"),
            path("second-facteur/codes/", vue(second_facteur.codes), name="second_facteur_codes"),
            path(
                "second-facteur/<int:cle>/remettre-a-zero/",
                vue(second_facteur.reinitialiser),
                name="second_facteur_reinitialiser",
            ),
            path("references/", vue(self.references), name="references"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict:
        agent = agent_de(request.user)
        return super().each_context(request) | (contexte_d_agent(agent) if agent else {})

    def index(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """La première page du rôle : la file, le journal, le suivi, ou les données de référence."""
        agent = agent_de(request.user)
        return redirect(
            f"admin:{next((nom for nom in ('dossiers', 'guichet', 'journal') if voit(agent, nom)), 'references')}"
        )

    def references(self, request: HttpRequest) -> HttpResponse:
        """L'accueil des données de référence, et ce que des agents y ont changé."""
        changements = Changement.objects.filter(par__isnull=False).select_related("par__agent").order_by("-pk")
        return super().index(request, {"changements": changements[:CHANGEMENTS_RECENTS]})

    def login(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        translation.activate("fr")
        request.LANGUAGE_CODE = "fr"
        return connexion.ConnexionAgentView.as_view()(request)

    def logout(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return connexion.deconnexion(request)

    def password_change(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return connexion.mot_de_passe(request)
