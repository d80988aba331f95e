"""Les chiffres du service, sur des dossiers écrits à la main dont chaque réponse se compte sur les doigts."""

import csv
import datetime as dt
import io
import re
from collections import Counter
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from demandes.etats import ETATS_A_INSTRUIRE, Etat
from demandes.models import Demande, Evenement, Prolongation
from documents.models import Document
from instruction import figures, releves, tasks
from instruction.chiffres import nom_de_periode, nom_de_tranche
from instruction.figures import Durees, Mesure, Periode, Portee, Tranche
from instruction.forms_figures import FiguresForm, periode_connue
from instruction.graphiques import Part, barres, colonnes
from instruction.models import Agent, Consultation, ReleveQuotidien
from instruction.tableaux import ecrire
from tests.factories import AgentFactory, SiteFactory, TitreSejourFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
JOUR = timezone.localdate()
LE = timezone.make_aware(dt.datetime.combine(JOUR, dt.time(12)))
SUITES = {
    Etat.DEPOSEE: "", Etat.EN_INSTRUCTION: Etat.DEPOSEE, Etat.COMPLEMENT_DEMANDE: Etat.EN_INSTRUCTION,
    Etat.COMPLEMENT_RECU: Etat.COMPLEMENT_DEMANDE, Etat.PROPOSITION: Etat.EN_INSTRUCTION,
    Etat.FAVORABLE: Etat.PROPOSITION, Etat.DEFAVORABLE: Etat.PROPOSITION, Etat.CLOTUREE: Etat.EN_INSTRUCTION,
}  # fmt: skip


@pytest.fixture
def paris(db):
    return SiteFactory()


@pytest.fixture
def nord(db):
    return SiteFactory(code="5901", departement="59", libelle="Préfecture du Nord")


def il_y_a(jours: int) -> dt.datetime:
    return LE - dt.timedelta(days=jours)


def dossier(site, *passages: tuple[int, Etat], fin: int | None = None, demarche="etudiant") -> Demande:
    """`passages` : il y a tant de jours, tel état. `fin` : les droits finissent dans tant de jours."""
    titre = TitreSejourFactory(fin=JOUR + dt.timedelta(days=fin or 0), debut=dt.date(2020, 1, 1))
    depot, etat, compte = il_y_a(passages[0][0]), passages[-1][1], titre.usager.compte
    demande = Demande.objects.create(
        usager=titre.usager, titre_de_depart=None if fin is None else titre, demarche=demarche, cas="ETU_TITRE",
        objet="titre_sejour", ouverte_par=compte, ouverte_le=depot, modifiee_le=depot, site=site, etat=etat,
        numero=f"{site.pk}20260101{Demande.objects.count():07d}", deposee_le=depot,
    )  # fmt: skip
    for jours, apres in passages:
        Evenement.objects.create(
            usager=demande.usager, demande=demande, nature="transition", avant=SUITES[apres], apres=apres,
            le=il_y_a(jours),
        )  # fmt: skip
    return demande


def prolonger(demande: Demande, *, le: int, du: int, au: int) -> None:
    """Une attestation délivrée il y a `le` jours, du jour `du` au jour `au` (comptés d'aujourd'hui)."""
    document = Document.objects.create(
        acte="prolongation", numero=f"P{Document.objects.count():08d}", emis_le=il_y_a(le)
    )
    Prolongation.objects.create(
        demande=demande, document=document, du=JOUR + dt.timedelta(days=du), au=JOUR + dt.timedelta(days=au),
        travail=False, le=il_y_a(le),
    )  # fmt: skip


def transferer(demande: Demande, *, le: int, de, vers) -> None:
    codes = {"de": de.pk, "vers": vers.pk}
    Evenement.objects.create(
        usager=demande.usager, demande=demande, nature="transfert", le=il_y_a(le), codes=codes
    )  # fmt: skip
    Demande.objects.filter(pk=demande.pk).update(site=vers)


def relever() -> int:
    return releves.relever_tout(le=LE)


def portee(site, *, jours=30, demarche="") -> Portee:
    return Portee(Periode(JOUR - dt.timedelta(days=jours - 1), JOUR), site, demarche)


def total(site, **options) -> dict[str, int]:
    return dict(sum(figures.flux(portee(site, **options)).values(), start=Counter()))


# --- Le stock et l'âge, à l'instant ----------------------------------------------------------------------------------
def test_le_stock_compte_ce_qui_reste_a_instruire_ou_a_remettre_et_rien_d_un_autre_site(paris, nord):
    dossier(paris, (10, Etat.DEPOSEE))
    dossier(paris, (9, Etat.DEPOSEE))
    dossier(paris, (9, Etat.DEPOSEE), (8, Etat.EN_INSTRUCTION), demarche="citoyen_ue")
    dossier(paris, (9, Etat.DEPOSEE), (3, Etat.FAVORABLE))
    dossier(paris, (9, Etat.DEPOSEE), (3, Etat.DEFAVORABLE))
    dossier(paris, (9, Etat.DEPOSEE), (3, Etat.CLOTUREE))
    dossier(nord, (9, Etat.DEPOSEE))

    stock = figures.stock(portee(paris))

    assert {etat: n for etat, n in stock.items() if n} == {"deposee": 2, "en_instruction": 1, "favorable": 1}
    assert sum(figures.stock(portee(paris, demarche="citoyen_ue")).values()) == 1
    assert figures.stock(portee(None))["deposee"] == 3


def test_l_age_est_celui_des_demandes_a_instruire(paris, nord):
    for jours in (10, 20, 30, 100):
        dossier(paris, (jours, Etat.DEPOSEE))
    dossier(paris, (500, Etat.DEPOSEE), (1, Etat.FAVORABLE))  # décidée : plus à instruire
    dossier(nord, (300, Etat.DEPOSEE))

    ages = figures.ages(portee(paris), jour=JOUR)[None]

    # 10, 20, 30, 100 : médiane à mi-chemin de 20 et 30 ; 90 % à 0,7 du chemin de 30 à 100.
    assert (ages.nombre, ages.mediane, ages.p90) == (4, 25, pytest.approx(79))
    assert ages.par_tranche == (3, 0, 0, 1, 0, 0)
    assert figures.ages(portee(None), jour=JOUR)["5901"] == Durees(1, 300, 300, (0, 0, 0, 0, 0, 1))


def test_sans_demande_il_n_y_a_ni_age_ni_delai(paris):
    assert figures.ages(portee(paris), jour=JOUR) == figures.delais(portee(paris)) == {}
    assert figures.part_completee({}) is None


# --- Le flux, les délais, les compléments : d'après le journal -------------------------------------------------------
def test_chaque_entree_dans_un_etat_compte_le_jour_ou_elle_s_est_faite(paris, nord):
    dossier(paris, (8, Etat.DEPOSEE), (5, Etat.EN_INSTRUCTION), (5, Etat.COMPLEMENT_DEMANDE), (2, Etat.EN_INSTRUCTION))
    dossier(paris, (40, Etat.DEPOSEE), (5, Etat.EN_INSTRUCTION))  # déposée avant la période
    dossier(nord, (8, Etat.DEPOSEE))
    relever()

    flux = figures.flux(portee(paris, jours=10))

    assert len(flux) == 10
    jours = {(JOUR - jour).days: dict(nombres) for jour, nombres in flux.items() if nombres}
    assert jours == {8: {"deposee": 1}, 5: {"en_instruction": 2, "complement_demande": 1}, 2: {"en_instruction": 1}}
    assert total(None)["deposee"] == 2


def test_un_brouillon_abandonne_n_est_pas_une_entree(paris):
    demande = dossier(paris, (3, Etat.DEPOSEE))
    brouillon = Demande.objects.create(
        usager=demande.usager, demarche="etudiant", cas="ETU_TITRE", objet="brouillon", etat="retiree",
        ouverte_par=demande.ouverte_par, ouverte_le=LE, modifiee_le=LE,
    )  # fmt: skip
    Evenement.objects.create(
        usager=demande.usager, demande=brouillon, nature="transition", avant="brouillon", apres="retiree", le=LE
    )
    relever()
    assert total(paris) == {"deposee": 1}


def test_le_delai_va_du_depot_a_la_decision_dans_la_periode(paris, nord):
    dossier(paris, (50, Etat.DEPOSEE), (10, Etat.FAVORABLE))  # 40 jours
    dossier(paris, (15, Etat.DEPOSEE), (5, Etat.DEFAVORABLE))  # 10 jours
    dossier(paris, (205, Etat.DEPOSEE), (5, Etat.FAVORABLE))  # 200 jours
    dossier(paris, (90, Etat.DEPOSEE), (60, Etat.FAVORABLE))  # décidée avant la période
    dossier(paris, (15, Etat.DEPOSEE), (5, Etat.CLOTUREE))  # close : pas décidée
    dossier(nord, (15, Etat.DEPOSEE), (8, Etat.FAVORABLE))
    relever()

    delais = figures.delais(portee(paris))

    # 10, 40, 200 : médiane 40 ; 90 % à 0,8 du chemin de 40 à 200.
    assert delais[None] == Durees(3, 40, pytest.approx(168), (1, 1, 0, 0, 0, 1))
    assert figures.delais(portee(None))["5901"].mediane == 7
    assert figures.delais(portee(None))[None].nombre == 4


def test_la_part_avec_complement_est_celle_des_demandes_decidees(paris):
    complete = ((20, Etat.DEPOSEE), (15, Etat.COMPLEMENT_DEMANDE), (10, Etat.COMPLEMENT_RECU))
    dossier(paris, *complete, (9, Etat.COMPLEMENT_DEMANDE), (5, Etat.FAVORABLE))  # deux compléments : une demande
    dossier(paris, (20, Etat.DEPOSEE), (5, Etat.FAVORABLE))
    dossier(paris, (20, Etat.DEPOSEE), (5, Etat.DEFAVORABLE))
    dossier(paris, *complete)  # pas encore décidée
    relever()

    mesures = total(paris)

    assert (mesures[Mesure.AVEC_COMPLEMENT], figures.decisions(mesures)) == (1, 3)
    assert figures.part_completee(mesures) == pytest.approx(1 / 3)


def test_un_dossier_transfere_compte_pour_le_site_qui_le_tenait(paris, nord):
    demande = dossier(paris, (20, Etat.DEPOSEE), (15, Etat.EN_INSTRUCTION), fin=-12)
    transferer(demande, le=10, de=paris, vers=nord)
    Evenement.objects.create(
        usager=demande.usager, demande=demande, nature="transition", avant="proposition", apres="favorable",
        le=il_y_a(2),
    )  # fmt: skip
    relever()

    assert total(paris) == {"deposee": 1, "en_instruction": 1, "subie": 1}
    assert total(nord) == {"favorable": 1}


# --- Les ruptures ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("passages", "fin", "attendue"),
    [
        pytest.param([(20, Etat.DEPOSEE)], -5, Mesure.SUBIE, id="encore à instruire"),
        pytest.param([(20, Etat.DEPOSEE), (4, Etat.FAVORABLE)], -5, Mesure.SUBIE, id="décidée le lendemain"),
        pytest.param([(20, Etat.DEPOSEE), (5, Etat.FAVORABLE)], -5, Mesure.EVITEE_DECISION, id="décidée ce jour-là"),
        pytest.param([(20, Etat.DEPOSEE), (9, Etat.DEFAVORABLE)], -5, Mesure.EVITEE_DECISION, id="refusée avant"),
        pytest.param([(20, Etat.DEPOSEE), (9, Etat.CLOTUREE)], -5, None, id="close avant"),
        pytest.param([(4, Etat.DEPOSEE)], -5, None, id="déposée après"),
        pytest.param([(20, Etat.DEPOSEE)], 0, None, id="finit aujourd'hui : la journée n'est pas passée"),
        pytest.param([(20, Etat.DEPOSEE)], 5, None, id="finit plus tard"),
        pytest.param([(90, Etat.DEPOSEE)], -60, None, id="finie avant la période"),
        pytest.param([(20, Etat.DEPOSEE)], None, None, id="sans titre de départ"),
    ],
)
def test_une_fin_de_droits_est_evitee_subie_ou_sans_objet(paris, passages, fin, attendue):
    dossier(paris, *passages, fin=fin)
    relever()
    trouvees = {mesure: n for mesure, n in total(paris).items() if mesure in figures.RUPTURES}
    assert trouvees == ({attendue: 1} if attendue else {})


def test_une_attestation_evite_la_rupture_si_elle_est_delivree_a_temps(paris):
    a_temps = dossier(paris, (60, Etat.DEPOSEE), fin=-20)
    prolonger(a_temps, le=25, du=-19, au=70)
    en_retard = dossier(paris, (60, Etat.DEPOSEE), fin=-20)
    prolonger(en_retard, le=15, du=-19, au=70)
    relever()
    assert (total(paris)["evitee_prolongation"], total(paris)["subie"]) == (1, 1)


def test_chaque_fin_de_droits_compte_celle_du_titre_puis_celle_de_l_attestation(paris):
    demande = dossier(paris, (100, Etat.DEPOSEE), fin=-20)
    prolonger(demande, le=22, du=-19, au=-3)
    relever()
    # Le titre finit : évitée. L'attestation finit à son tour, sans suite : subie.
    jours = {(JOUR - jour).days: dict(n) for jour, n in figures.flux(portee(paris)).items() if n}
    assert jours == {20: {"evitee_prolongation": 1}, 3: {"subie": 1}}


# --- Les relevés -----------------------------------------------------------------------------------------------------
def test_refaire_les_releves_redonne_les_memes_et_garde_l_heure_du_dernier(paris, nord):
    demande = dossier(paris, (40, Etat.DEPOSEE), (9, Etat.COMPLEMENT_DEMANDE), (5, Etat.FAVORABLE), fin=-7)
    dossier(nord, (3, Etat.DEPOSEE))
    champs = ("jour", "site", "demarche", "mesure", "nombre", "delais")
    assert figures.releve_le() is None

    assert relever() == relever() == 6
    avant = set(map(str, ReleveQuotidien.objects.values_list(*champs)))
    transferer(demande, le=0, de=paris, vers=nord)  # après coup : le passé reste à Paris
    plus_tard = LE + dt.timedelta(minutes=5)
    releves.relever_tout(le=plus_tard)

    assert set(map(str, ReleveQuotidien.objects.values_list(*champs))) == avant
    assert figures.releve_le() == plus_tard


def test_un_releve_a_jour_ne_refait_que_les_derniers_jours_et_rattrape_une_panne(paris):
    dossier(paris, (20, Etat.DEPOSEE), (9, Etat.EN_INSTRUCTION), fin=-6)
    releves.relever_a_jour(le=il_y_a(9))
    assert total(paris) == {"deposee": 1, "en_instruction": 1}

    releves.relever_a_jour(le=LE)  # neuf jours sans relevé

    assert total(paris) == {"deposee": 1, "en_instruction": 1, "subie": 1}
    assert ReleveQuotidien.objects.get(mesure="deposee").releve_le == il_y_a(9)
    assert figures.releve_le() == LE


def test_la_tache_horaire_met_les_releves_a_jour(paris, settings):
    assert settings.CELERY_BEAT_SCHEDULE["relever"]["task"] == tasks.relever.name
    dossier(paris, (2, Etat.DEPOSEE))
    assert tasks.relever() == 1
    assert total(paris) == {"deposee": 1}


def test_la_commande_releve_tout_ou_depuis_un_jour(paris):
    sortie = io.StringIO()
    call_command("relever", stdout=sortie)
    dossier(paris, (20, Etat.DEPOSEE), (1, Etat.EN_INSTRUCTION))
    call_command("relever", "--depuis", str(JOUR - dt.timedelta(days=3)), stdout=sortie)
    call_command("relever", "--tout", stdout=sortie)
    assert sortie.getvalue().splitlines() == ["0 lignes relevées.", "1 lignes relevées.", "2 lignes relevées."]
    with pytest.raises(CommandError, match="2026-03-09"):
        call_command("relever", "--depuis", "hier")


# --- La période ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("du", "au", "pas", "nombre", "premiere", "derniere"),
    [
        ((2026, 3, 1), (2026, 3, 31), "jour", 31, "01/03/2026", "31/03/2026"),
        ((2026, 3, 4), (2026, 4, 6), "semaine", 6, "04/03 au 08/03/2026", "06/04 au 06/04/2026"),
        ((2026, 1, 15), (2026, 11, 22), "mois", 11, "janvier 2026", "novembre 2026"),
    ],
)
def test_la_periode_se_decoupe_en_jours_semaines_ou_mois(du, au, pas, nombre, premiere, derniere):
    periode = Periode(dt.date(*du), dt.date(*au))
    tranches = list(periode.tranches.values())
    assert (periode.pas, len(tranches)) == (pas, nombre)
    assert (nom_de_tranche(tranches[0], pas), nom_de_tranche(tranches[-1], pas)) == (premiere, derniere)
    assert sum(((t.au - t.du).days + 1) for t in tranches) == periode.jours


@pytest.mark.parametrize("jours", [7, 100, 400])
def test_le_flux_se_range_dans_les_tranches_de_la_periode(paris, jours):
    dossier(paris, (jours - 1, Etat.DEPOSEE), (0, Etat.EN_INSTRUCTION))
    relever()
    flux = list(figures.flux(portee(paris, jours=jours)).values())
    assert (flux[0]["deposee"], flux[-1]["en_instruction"]) == (1, 1)


def test_une_periode_se_dit_en_mots():
    premier = dt.date(2026, 11, 1)
    assert nom_de_periode(Periode(premier, premier)) == "le 1er novembre 2026"
    assert nom_de_periode(Periode(premier, dt.date(2026, 11, 22))) == "du 1er novembre 2026 au 22 novembre 2026"


def test_les_periodes_toutes_faites_vont_jusqu_a_aujourd_hui():
    jour = dt.date(2026, 11, 22)
    debuts = {code: periode_connue(code, jour=jour).du for code in ("7j", "30j", "mois", "annee")}
    assert debuts == {
        "7j": dt.date(2026, 11, 16), "30j": dt.date(2026, 10, 24), "mois": dt.date(2026, 11, 1),
        "annee": dt.date(2026, 1, 1),
    }  # fmt: skip


# --- Les images ------------------------------------------------------------------------------------------------------
def test_une_barre_est_proportionnee_et_le_plus_petit_nombre_se_voit():
    image = barres("x", "Titre", [("a", 1000, "1 000"), ("b", 1, "1"), ("c", 0, "0")])
    assert [barre.longueur for barre in image.barres] == [124, 2, 0]
    assert image.description == "a\u00a0: 1 000, b\u00a0: 1, c\u00a0: 0"


def test_les_parts_d_une_colonne_se_posent_l_une_sur_l_autre():
    image = colonnes(
        "x", "T", "d", ["01/01", "02/01"], [Part("a", "A", [3, 0]), Part("b", "B", [1, 0])], graduation="4"
    )
    bas, haut = image.rectangles
    assert (bas.y + bas.hauteur, haut.y + haut.hauteur, bas.texte) == (98, bas.y, "01/01, a\u00a0: 3")
    assert bas.hauteur + haut.hauteur == 80


def test_un_nombre_s_ecrit_a_la_francaise():
    assert [ecrire(n) for n in (12345, 12.5, 12.04, None)] == ["12\u00a0345", "12,5", "12", "–"]


# --- La page ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def chef(paris):
    return AgentFactory(site=paris, roles=["valideur"], nom="Noor Valideur")


@pytest.fixture
def client_chef(client, chef):
    return connecter(client, chef.compte)


@pytest.fixture
def client_admin(client, paris):
    return connecter(client, AgentFactory(site=paris, roles=["admin_fonctionnel"]).compte)


@pytest.fixture
def vie(paris, nord):
    """De quoi remplir chaque chiffre, sur deux sites."""
    for site in (paris, nord):
        dossier(site, (60, Etat.DEPOSEE), (20, Etat.COMPLEMENT_DEMANDE), (5, Etat.FAVORABLE), fin=-10)
        dossier(site, (20, Etat.DEPOSEE), (12, Etat.EN_INSTRUCTION), fin=-4)
    dossier(nord, (77, Etat.DEPOSEE), fin=50)
    relever()


def page(client, **parametres):
    return client.get(reverse("admin:figures"), parametres)


def tableau(contenu: str, titre: str) -> str:
    """Le texte du tableau de ce titre."""
    (trouve,) = re.findall(rf"<caption[^>]*>{titre}</caption>(.*?)</table>", contenu, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", trouve).split())


@pytest.mark.parametrize("role", Agent.Role.values)
def test_seuls_les_chefs_lisent_les_chiffres(client, paris, role):
    connecter(client, AgentFactory(site=paris, roles=[role]).compte)
    attendu = 200 if role in {"valideur", "signataire", "admin_fonctionnel"} else 404
    assert page(client).status_code == attendu
    assert client.post(reverse("admin:figures_exporter")).status_code == attendu
    menu = client.get(reverse("admin:references")).content.decode()
    assert (reverse("admin:figures") in menu) == (attendu == 200)


def test_la_page_dit_chaque_chiffre_de_son_site_en_image_et_en_tableau(client_chef, vie):
    reponse = page(client_chef)
    contenu = reponse.content.decode()
    assert "Total 2" in tableau(contenu, "Demandes en cours, par état")
    assert "Médiane, en jours 20" in tableau(contenu, "Âge des demandes à instruire")
    assert "Médiane, en jours 55" in tableau(contenu, "Délai du dépôt à la décision")
    assert "Avec complément 1 100" in tableau(contenu, "Demandes décidées après un complément")
    assert "Total 2 0 0" in tableau(contenu, "Ruptures de droits")
    assert "Total 1 1 1 1" in tableau(contenu, "Entrées dans chaque état")
    images = [
        ElementTree.fromstring(svg) for svg in re.findall(r"<svg class=\"image-chiffres\".*?</svg>", contenu, re.DOTALL)
    ]
    assert len(images) == 9  # cinq chiffres, et une par état où il s'est passé quelque chose
    assert all(image[0].tag == "title" and image[1].tag == "desc" and image[1].text for image in images)
    assert "style=" not in contenu and "Les sites, côte à côte" not in contenu
    assert "Préfecture du Nord" not in contenu


def test_un_chef_ne_demande_pas_les_chiffres_d_un_autre_site(client_chef, vie):
    assert page(client_chef, site="5901").context["portee"].startswith("Préfecture de police de Paris")


def test_l_administrateur_compare_les_sites(client_admin, vie):
    reponse = page(client_admin)
    lignes = tableau(reponse.content.decode(), "Les sites, côte à côte")
    # À instruire 2, âge médian (20 et 77 jours) ; une décision, 55 jours, avec complément ; deux ruptures subies.
    assert "Préfecture du Nord 2 48,5 71,3 1 1 55 55 100\u00a0% 0 2" in lignes.replace("100 %", "100\u00a0%")
    assert "Préfecture de police de Paris 1 20 20 1 1 55 55" in lignes
    du_nord = page(client_admin, site="5901", periode="annee")
    assert du_nord.context["portee"].startswith("Préfecture du Nord, toutes les démarches")
    assert "Les sites, côte à côte" not in du_nord.content.decode()


def test_sans_releve_la_page_montre_l_instant_et_le_dit(client_chef, paris):
    dossier(paris, (3, Etat.DEPOSEE))
    contenu = page(client_chef).content.decode()
    assert "n&#x27;a pas encore été relevé" in contenu or "n'a pas encore été relevé" in contenu
    assert "Demandes en cours, par état" in contenu and "Ruptures de droits" not in contenu


def test_une_periode_sans_rien_le_dit_chiffre_par_chiffre(client_chef, paris, nord):
    dossier(nord, (3, Etat.DEPOSEE))
    relever()
    contenu = page(client_chef).content.decode().replace("&#x27;", "'")
    for phrase in (
        "Aucune demande en cours", "Aucune demande à instruire", "Aucune fin de droits", "n'a été décidée",
        "n'a changé d'état",
    ):  # fmt: skip
        assert phrase in contenu
    assert '<svg class="image-chiffres' not in contenu


DATES = {"periode": "dates", "du_0": "1", "du_1": "2", "du_2": "2026", "au_0": "3", "au_1": "2", "au_2": "2026"}


@pytest.mark.parametrize(
    ("changements", "phrase"),
    [
        ({"du_0": "4"}, "La fin de la période précède son début"),
        ({"au_2": str(JOUR.year + 1)}, "au plus tard aujourd'hui"),
        ({"du_2": "2020"}, "dépasse trois ans"),
        ({"du_0": "31"}, "le 31/02/2026 n'existe pas"),
        ({"au_1": ""}, "il manque le mois"),
        ({"demarche": "aucune"}, "choix valide"),
        ({"periode": "demain"}, "choix valide"),
        ({"du_0": "\x00"}, "début de la période"),
    ],
)
def test_une_saisie_fautive_se_dit_et_reste_a_corriger(client_chef, changements, phrase):
    saisie = DATES | changements
    reponse = page(client_chef, **saisie)
    contenu = reponse.content.decode().replace("&#x27;", "'")
    assert reponse.status_code == 422
    assert phrase in contenu and "Erreur" in contenu
    for nom, valeur in saisie.items():
        if valeur.isalnum() and nom not in {"demarche", "periode"}:
            assert valeur in dict(re.findall(r'name="(\w+)" value="(\w*)"', contenu)).get(nom, valeur)
    retour = client_chef.post(reverse("admin:figures_exporter"), saisie)
    assert retour.status_code == 302 and not Consultation.objects.exists()


def test_les_dates_choisies_partent_des_trente_derniers_jours(client_chef, paris):
    reponse = page(client_chef, periode="dates")
    assert reponse.status_code == 200
    assert reponse.context["form"].portee.periode == periode_connue("30j", jour=JOUR)


def test_le_site_ne_se_choisit_que_par_qui_compare(chef, paris, nord):
    form = FiguresForm(QueryDict("site=5901&demarche=etudiant"), agent=chef)
    assert form.is_valid() and "site" not in form.fields
    assert (form.portee.site, form.portee.demarche) == (paris, "etudiant")
    assert form.adresse == {"periode": "30j", "demarche": "etudiant"}


@pytest.mark.parametrize("comparer", [False, True])
def test_la_page_tient_son_budget(client, paris, vie, comparer, django_assert_max_num_queries):
    role = "admin_fonctionnel" if comparer else "valideur"
    connecter(client, AgentFactory(site=paris, roles=[role]).compte)
    with django_assert_max_num_queries(14 if comparer else 12):
        assert page(client, periode="annee").status_code == 200


# --- Le fichier ------------------------------------------------------------------------------------------------------
def test_le_csv_a_les_tableaux_de_la_page_et_le_journal_le_sait(client_chef, chef, vie):
    reponse = client_chef.post(reverse("admin:figures_exporter"), {"periode": "30j"})
    assert reponse["Content-Type"] == "text/csv; charset=utf-8"
    assert (
        f'filename="chiffres-7502-{JOUR - dt.timedelta(days=29):%Y%m%d}-{JOUR:%Y%m%d}.csv"'
        in (reponse["Content-Disposition"])
    )
    lignes = list(csv.reader(io.StringIO(reponse.content.decode("utf-8-sig")), delimiter=";"))
    assert lignes[0] == ["Chiffres du service"] and lignes[1][0].startswith("Préfecture de police de Paris")
    assert ["En cours d'instruction", "1"] in lignes and ["Médiane, en jours", "55"] in lignes
    assert ["Total", "2", "0", "0"] in lignes
    (trace,) = Consultation.objects.all()
    assert (trace.agent, trace.nature, trace.demande) == (chef, "export", None)
    assert trace.objet == f"figures site=7502 du={JOUR - dt.timedelta(days=29)} au={JOUR}"


def test_un_site_au_nom_de_formule_ne_se_calcule_pas(client_admin, vie, nord):
    nord.libelle = "=1+1"
    nord.save()
    lignes = client_admin.post(reverse("admin:figures_exporter")).content.decode("utf-8-sig")
    assert "\r\n'=1+1;2;48,5" in lignes


def test_le_csv_demande_un_second_facteur_recent(client_chef, settings):
    settings.SECOND_FACTEUR = True
    reponse = client_chef.post(reverse("admin:figures_exporter"))
    assert reponse.status_code == 302 and reponse.url.startswith(reverse("admin:second_facteur"))
    assert not Consultation.objects.exists()


def test_les_etats_a_instruire_sont_tous_du_stock():
    assert set(ETATS_A_INSTRUIRE) < set(figures.ETATS_DU_STOCK)
    assert Tranche(JOUR, JOUR).du == JOUR
