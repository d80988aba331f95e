"""La file : onglets, ordre, pages par clé, recherche, coût."""

import datetime as dt
import random
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from demandes.demarches import DEMARCHES
from demandes.models import Cloture, Complement, Decision, Demande
from instruction import file_de_travail
from instruction.file_de_travail import (
    ETATS_FILTRES,
    FILTRES,
    ONGLETS,
    RECHERCHE,
    TRIS,
    RechercheTropCourte,
    chercher,
    filtrer,
    nombres_plafonnes,
    page,
    ressembler,
    voisins,
)
from instruction.permissions import dossiers_visibles
from instruction.views.acces import Liste
from notifications.models import Notification
from tests.factories import AgentFactory, SiteFactory, TitreSejourFactory
from tests.instruction.conftest import connecter, semer

pytestmark = pytest.mark.django_db
JOUR = dt.date(2026, 1, 15)
INSTANT = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@pytest.fixture
def agent():
    return AgentFactory(site=SiteFactory())


def au_hasard(nombre, site):
    """Des dates souvent égales, parfois vides : c'est là qu'une pagination par clé se trompe."""
    hasard = random.Random(7)

    def jour(_rang):
        return hasard.choice([None, None, *(JOUR + dt.timedelta(days=n) for n in range(3))])

    return semer(
        nombre, site, fin_de_droits=jour, echeance_legale=jour,
        deposee_le=lambda _rang: INSTANT + dt.timedelta(hours=hasard.randint(0, 4)),
        decidee_le=lambda _rang: INSTANT + dt.timedelta(hours=hasard.randint(0, 4)),
    )  # fmt: skip


@pytest.mark.parametrize("tri", TRIS)
def test_les_pages_par_cle_donnent_tout_dans_l_ordre_dans_les_deux_sens(agent, tri):
    au_hasard(41, agent.site)
    visibles = dossiers_visibles(agent)
    attendu = list(visibles.order_by(*file_de_travail._cles(TRIS[tri], arriere=False)))

    lus, feuillet = [], page(visibles, tri, taille=7)
    assert not feuillet.precedente
    while True:
        lus += feuillet.dossiers
        if not feuillet.suivante:
            break
        feuillet = page(visibles, tri, apres=feuillet.dossiers[-1], taille=7)
    assert lus == attendu

    retour = list(feuillet.dossiers)
    while feuillet.precedente:
        feuillet = page(visibles, tri, avant=feuillet.dossiers[0], taille=7)
        assert feuillet.suivante
        retour = feuillet.dossiers + retour
    assert retour == attendu


@pytest.mark.parametrize("tri", ["droits", "recents"])
def test_les_voisins_se_suivent_meme_pour_un_dossier_sorti_de_la_liste(agent, tri):
    au_hasard(12, agent.site)
    liste = ONGLETS["a_prendre"].dossiers(dossiers_visibles(agent), agent)
    ordre = list(liste.order_by(*file_de_travail._cles(TRIS[tri], arriere=False)))
    pris = ordre[5]
    pris.etat = "en_instruction"
    pris.save()

    assert voisins(liste, tri, pris) == (ordre[4].numero, ordre[6].numero)
    assert voisins(liste, tri, ordre[0]) == ("", ordre[1].numero)
    assert voisins(liste, tri, ordre[-1]) == (ordre[-2].numero, "")


def test_chaque_onglet_a_ses_dossiers(agent):
    autre = AgentFactory(site=agent.site)
    etats = [
        "deposee", "en_instruction", "complement_demande", "complement_recu", "proposition", "favorable",
        "defavorable", "titre_disponible", "cloturee", "retiree",
    ]  # fmt: skip
    decides = {"favorable", "defavorable", "titre_disponible"}
    semer(
        len(etats), agent.site, etat=lambda rang: etats[rang],
        decidee_le=lambda rang: timezone.now() if etats[rang] in decides else None,
        agent=lambda rang: None if rang in (0, 3) else agent.compte if rang in (1, 5) else autre.compte,
    )  # fmt: skip
    visibles = dossiers_visibles(agent)

    def etats_de(code):
        return set(ONGLETS[code].dossiers(visibles, agent).values_list("etat", flat=True))

    # Un dossier reçu d'un autre site en cours d'instruction n'a pas d'agent non plus.
    assert etats_de("a_prendre") == {"deposee", "complement_recu"}
    assert etats_de("mes_dossiers") == {"en_instruction"}
    assert etats_de("en_instruction") == {"en_instruction", "complement_demande", "complement_recu", "proposition"}
    assert etats_de("decides") == decides
    assert etats_de("tous") == set(etats)


def test_un_decompte_s_arrete_au_plafond(agent, client, monkeypatch):
    semer(12, agent.site)
    monkeypatch.setattr(file_de_travail, "PLAFOND", 10)
    monkeypatch.setattr("instruction.views.dossiers.PLAFOND", 10)

    assert nombres_plafonnes([dossiers_visibles(agent), Demande.objects.none()]) == [11, 0]
    assert "plus de 10 000" in connecter(client, agent.compte).get(reverse("admin:dossiers")).content.decode()


@pytest.mark.parametrize(
    ("cherche", "trouve"),
    [
        ("7502202601010000001", ["DIALLO"]),
        ("7502 20260101 0000001", ["DIALLO"]),
        ("diallo", ["DIALLO"]),
        ("DIÀLLO Mama", ["DIALLO"]),
        ("nguessan", ["NGUESSAN"]),
        ("06 01 02 03 04", ["DIALLO"]),
        ("+33 6 01 02 03 04", ["DIALLO"]),
        ("+33 (0)6 01 02 03 04", ["DIALLO"]),
        ("0033601020304", ["DIALLO"]),
        ("14/07/1998", ["DIALLO"]),
        ("14 07 1998", ["DIALLO"]),
        ("14071998", ["DIALLO"]),
        ("1998-07-14", ["DIALLO"]),
        ("15/07/1998", []),
        ("0012345678", ["NGUESSAN"]),
        ("mamadou d’alba", ["DIALLO"]),
        ("9903000108", ["DIALLO"]),
        ("mamadou@exemple.fr", ["DIALLO"]),
        ("li diallo", []),
        ("100%", []),
        ("introuvable", []),
    ],
)
def test_la_recherche_comprend_la_forme_de_ce_qui_est_tape(agent, cherche, trouve):
    textes = [
        "aya nguessan 0012345678",
        "mamadou diallo d'alba 1998-07-14 9903000108 mamadou@exemple.fr +33601020304",
        "anna weber",
    ]
    semer(3, agent.site, recherche=lambda rang: textes[rang])

    assert [d.recherche.split()[1].upper() for d in chercher(dossiers_visibles(agent), cherche)] == trouve


def test_un_nom_mal_ecrit_donne_les_plus_proches(agent):
    textes = ["aya nguessan", "mamadou rakotomalala"]
    semer(2, agent.site, recherche=lambda rang: textes[rang])

    assert not chercher(dossiers_visibles(agent), "rakotomalla")
    assert [d.recherche for d in ressembler(dossiers_visibles(agent), "rakotomalla")] == ["mamadou rakotomalala"]


def test_un_numero_ne_s_approche_pas(agent):
    semer(1, agent.site, recherche="mamadou diallo 9903000108")

    assert not ressembler(dossiers_visibles(agent), "9903000109")
    assert not ressembler(dossiers_visibles(agent), "7502202601010000009")


@pytest.mark.parametrize("texte", ["", "a", "de la", "12", "\x00\x00"])
def test_moins_de_trois_lettres_ne_cherche_rien(agent, texte):
    with pytest.raises(RechercheTropCourte):
        chercher(dossiers_visibles(agent), texte)


def test_la_recherche_ne_sort_pas_du_site(agent, autre_site):
    semer(1, autre_site, recherche="mamadou diallo")

    assert not chercher(dossiers_visibles(agent), "diallo").exists()
    assert not chercher(dossiers_visibles(agent), "5901202601010000000").exists()


# --- La page ---------------------------------------------------------------------------------------------------------
def test_le_cout_de_la_file_ne_depend_pas_du_nombre_de_dossiers(agent, client):
    autres = [AgentFactory(site=agent.site, nom=f"Agent {rang}") for rang in range(3)]
    connecter(client, agent.compte)
    couts = []
    for premier, nombre in ((0, 3), (3, 57)):
        semer(nombre, agent.site, premier=premier, etat="en_instruction", agent=lambda rang: autres[rang % 3].compte)
        with CaptureQueriesContext(connection) as requetes:
            client.get(reverse("admin:dossiers"), {"onglet": "en_instruction"})
        couts.append(len(requetes))

    assert couts[0] == couts[1] <= 15


def test_la_file_dit_qui_quand_et_ce_qu_il_reste(client_agent, deposee):
    page_ = client_agent.get(reverse("admin:dossiers")).content.decode()

    assert "JOHN JULIE" in page_
    assert page_.count("dans 90 jours") == 2
    assert '<th scope="col" aria-sort="ascending">' in page_ and "<caption>" in page_
    rangees = page_.split("<tbody>")[1]
    assert "Demande déposée" in rangees and "Hors délai" not in rangees and "Incomplète" not in rangees


@pytest.mark.parametrize(
    ("jours", "dit"),
    [
        (12, "dans 12 jours"),
        (1, "dans 1 jour"),
        (0, "expire aujourd&#x27;hui"),
        (-1, "expiré depuis 1 jour"),
        (-3, "depuis 3 jours"),
    ],
)
def test_la_fin_de_droits_se_lit_en_mots(agent, client, jours, dit):
    semer(1, agent.site, fin_de_droits=timezone.localdate() + dt.timedelta(days=jours))

    assert dit in connecter(client, agent.compte).get(reverse("admin:dossiers")).content.decode()


def test_la_file_se_tourne_et_se_retourne(agent, client, monkeypatch):
    monkeypatch.setattr("instruction.file_de_travail.TAILLE_DE_PAGE", 2)
    monkeypatch.setattr(page, "__kwdefaults__", {**page.__kwdefaults__, "taille": 2})
    demandes = semer(5, agent.site, fin_de_droits=lambda rang: JOUR + dt.timedelta(days=rang))
    connecter(client, agent.compte)
    adresse = reverse("admin:dossiers")

    def numeros(reponse):
        return [rangee.demande.numero for rangee in reponse.context["rangees"]]

    deuxieme = client.get(adresse, {"apres": demandes[1].numero})
    assert numeros(deuxieme) == [d.numero for d in demandes[2:4]]
    assert "Page précédente" in deuxieme.content.decode() and "Page suivante" in deuxieme.content.decode()
    assert numeros(client.get(adresse, {"avant": demandes[2].numero})) == [d.numero for d in demandes[:2]]
    # Un repère inconnu, ou au-delà de la fin, ramène au début.
    for repere in ({"apres": "x"}, {"apres": "5901202601010000000"}, {"apres": demandes[-1].numero}):
        assert numeros(client.get(adresse, repere)) == [d.numero for d in demandes[:2]]


def test_un_numero_exact_ouvre_le_dossier(client_agent, deposee):
    reponse = client_agent.get(reverse("admin:dossiers"), {"q": deposee.numero})
    assert reponse.url == reverse("admin:dossier", args=[deposee.numero])


@pytest.mark.parametrize(
    ("q", "dit"),
    [
        ("ab", "au moins trois lettres"),
        ("zzzz", "Aucun dossier de votre site"),
        ("5901202601010000000", "Aucun dossier de votre site"),
        ("jolie", "les noms les plus proches"),
        ("john", "Dossiers trouvés"),
    ],
)
def test_la_recherche_dit_ce_qu_elle_trouve(client_agent, deposee, q, dit):
    page_ = client_agent.get(reverse("admin:dossiers"), {"q": q}).content.decode()
    assert dit in page_


@pytest.mark.parametrize("onglet", [*ONGLETS, "inconnu"])
def test_une_liste_vide_dit_quoi_faire(agent, client, onglet):
    reponse = connecter(client, agent.compte).get(reverse("admin:dossiers"), {"onglet": onglet, "tri": "inconnu"})
    assert reponse.status_code == 200
    assert 'class="vide"' in reponse.content.decode()


def test_une_date_de_naissance_inconnue_ne_propose_personne_d_autre(agent):
    semer(1, agent.site, recherche="diallo mamadou 2000-05-13")
    visibles = dossiers_visibles(agent)
    for texte in ("03/05/2000", "3/5/2000"):
        assert not chercher(visibles, texte).exists() and not ressembler(visibles, texte).exists()
    assert chercher(visibles, "13/5/2000").exists()


# --- Les index (architecture §5) -------------------------------------------------------------------------------------
@pytest.fixture
def des_milliers_de_dossiers(agent):
    """4 000 dossiers sur quatre sites, deux sur cinq encore à instruire."""
    etats = ["deposee", "en_instruction", "defavorable", "remise", "cloturee"]
    autre = AgentFactory(site=agent.site).compte
    for rang, site in enumerate(("7502", "5901", "6901", "1301")):
        semer(
            1000, SiteFactory(code=site, departement=site[:2]), premier=rang * 1000, etat=lambda n: etats[n % 5],
            fin_de_droits=lambda n: JOUR + dt.timedelta(days=n % 300) if n % 7 else None,
            echeance_legale=lambda n: timezone.localdate() + dt.timedelta(days=n % 200) if n % 9 else None,
            agent=lambda n, s=site: None if n % 5 == 0 else agent.compte if s == "7502" and n % 15 == 1 else autre,
            deposee_le=lambda n: INSTANT + dt.timedelta(hours=n),
            decidee_le=lambda n: INSTANT + dt.timedelta(hours=n) if n % 5 in (2, 3) else None,
            recherche=lambda n: f"julie john {n} ndiaye" if n % 97 else "mamadou diallo",
        )  # fmt: skip
    with connection.cursor() as curseur:
        # Le travail de fond de PostgreSQL, que la transaction du test n'attend pas.
        curseur.execute("SELECT gin_clean_pending_list('demande_recherche')")
        curseur.execute("ANALYZE demandes_demande")


def plans(appel) -> list[str]:
    """Le plan de chaque lecture des dossiers faite par l'appel."""
    with CaptureQueriesContext(connection) as requetes:
        appel()
    lus = []
    for requete in requetes.captured_queries:
        if 'ORDER BY "demandes_demande"' in requete["sql"] or "recherche" in requete["sql"]:
            with connection.cursor() as curseur:
                curseur.execute(f"EXPLAIN {requete['sql']}")
                lus.append("\n".join(ligne for (ligne,) in curseur.fetchall()))
    assert lus
    return lus


def test_les_index_partiels_servent_la_file_et_ses_pages(agent, des_milliers_de_dossiers):
    visibles = dossiers_visibles(agent)
    repere = visibles.filter(etat="deposee", fin_de_droits__isnull=False).order_by("fin_de_droits")[60]
    for code in ("en_instruction", "rupture"):
        dossiers = ONGLETS[code].dossiers(visibles, agent)
        for appel in (
            lambda d=dossiers: page(d, "droits"),
            lambda d=dossiers: page(d, "droits", apres=repere),
            lambda d=dossiers: page(d, "droits", avant=repere),
        ):
            for plan in plans(appel):
                assert "demande_onglets" in plan or "demande_file" in plan, plan
                assert "Seq Scan on demandes_demande" not in plan, plan
                assert "site_id)::text = '7502'" in plan, plan


def test_l_index_trigramme_sert_la_recherche_avec_le_site(agent, des_milliers_de_dossiers):
    for plan in plans(lambda: list(chercher(dossiers_visibles(agent), "diallo").order_by("-deposee_le"))):
        assert "demande_recherche" in plan, plan
        assert "Index Cond" in plan and "7502" in plan.split("Index Cond")[1], plan


def verifier_l_index(nom: str, appel, *, index: set[str]) -> None:
    """Chaque lecture passe par un de ces index, borné par le site, qui rend les dossiers déjà dans l'ordre.

    Sur quelques milliers de lignes, les trier coûterait si peu que PostgreSQL le ferait : on l'en empêche.
    """
    with connection.cursor() as curseur:
        curseur.execute("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
    for plan in plans(appel):
        assert "Sort Key" not in plan, (nom, plan)
        assert any(f"{voulu} " in plan for voulu in index), (nom, plan)
        assert "Seq Scan on demandes_demande" not in plan, (nom, plan)
        assert "site_id)::text = '7502'" in plan, (nom, plan)


DE_LA_FILE = {"demande_file", "demande_onglets"}
INDEX_DES_ONGLETS = {
    "a_prendre": {*DE_LA_FILE, "demande_de_l_agent"},
    "mes_dossiers": {"demande_de_l_agent"},
    "delai_proche": {"demande_echeances"},
    "a_remettre": {"demande_a_remettre"},
    "decides": {"demande_decidees"},
    "tous": {"demande_du_site"},
}


def test_chaque_onglet_se_lit_par_un_index_borne_par_le_site(agent, des_milliers_de_dossiers):
    visibles = dossiers_visibles(agent)
    repere = visibles.filter(fin_de_droits__isnull=False, decidee_le__isnull=False).order_by("fin_de_droits")[60]
    for code, onglet in ONGLETS.items():
        dossiers, index = onglet.dossiers(visibles, agent), INDEX_DES_ONGLETS.get(code, DE_LA_FILE)
        for appel in (
            lambda d=dossiers, t=onglet.tris[0]: page(d, t),
            lambda d=dossiers, t=onglet.tris[0]: page(d, t, apres=repere),
        ):
            verifier_l_index(code, appel, index=index)


def test_chaque_filtre_se_lit_par_un_index_borne_par_le_site(agent, des_milliers_de_dossiers):
    visibles = dossiers_visibles(agent)
    ouverts, tous = (ONGLETS[code].dossiers(visibles, agent) for code in ("en_instruction", "tous"))
    for code in FILTRES:
        index = {"demande_de_l_agent"} if code == "a_moi" else DE_LA_FILE | {"demande_de_l_agent"}
        filtres = [code]
        verifier_l_index(code, lambda f=filtres: page(filtrer(ouverts, agent, filtres=f), "droits"), index=index)
        verifier_l_index(
            code, lambda f=filtres: page(filtrer(tous, agent, filtres=f), "recents"), index={"demande_du_site"}
        )
    for etat in ETATS_FILTRES:
        verifier_l_index(etat, lambda e=etat: page(filtrer(tous, agent, etat=e), "recents"), index={"demande_par_etat"})
    for demarche in DEMARCHES:
        verifier_l_index(
            demarche, lambda d=demarche: page(filtrer(tous, agent, demarche=d), "recents"), index={"demande_du_site"}
        )


# --- Onglets, filtres, listes gardées --------------------------------------------------------------------------------
def dans(client, **parametres) -> set[str]:
    page_ = client.get(reverse("admin:dossiers"), parametres).content.decode()
    return {demande.numero for demande in Demande.objects.all() if f"/{demande.numero}/" in page_}


def test_chaque_dossier_est_dans_l_onglet_de_ce_qu_il_attend(agent, client):
    connecter(client, agent.compte)
    loin, aujourdhui = dt.date(2099, 1, 1), timezone.localdate()
    attendus = {
        "a_prendre": {"etat": "deposee"},
        "reponse_recue": {"etat": "complement_recu"},
        "attente_usager": {"etat": "complement_demande"},
        "rupture": {"etat": "en_instruction", "fin_de_droits": aujourdhui + dt.timedelta(days=14)},
        "delai_proche": {"etat": "en_instruction", "echeance_legale": aujourdhui + dt.timedelta(days=30)},
        "a_valider": {"etat": "proposition"},
        "a_signer": {"etat": "proposition"},
        "a_clore": {"etat": "en_instruction"},
        "a_remettre": {"etat": "en_fabrication", "decidee_le": INSTANT},
    }
    numeros, auteur = {}, AgentFactory(site=agent.site).compte
    for rang, (code, champs) in enumerate(attendus.items()):
        communs = {"fin_de_droits": loin, "echeance_legale": loin, "agent": None if code == "a_prendre" else auteur}
        (demande,) = semer(1, agent.site, premier=rang, **(communs | champs))
        numeros[code] = demande.numero
        if champs["etat"] == "proposition":
            vise = {"visee_par": agent.compte, "visee_le": INSTANT} if code == "a_signer" else {}
            Decision.objects.create(
                demande=demande, sens="defavorable", proposee_par=auteur, proposee_le=INSTANT, **vise
            )
        if code == "a_clore":
            Cloture.objects.create(demande=demande, motif="cloture.doublon", proposee_par=auteur, proposee_le=INSTANT)

    for code in attendus:
        assert dans(client, onglet=code) == {numeros[code]}, code


@pytest.mark.parametrize(("roles", "onglet"), [
    (["instructeur", "valideur"], "a_prendre"), (["valideur", "signataire"], "a_valider"),
    (["signataire"], "a_signer"), (["remise"], "a_remettre"),
])  # fmt: skip
def test_la_file_commence_par_ce_qui_attend_le_role(agent, client, roles, onglet):
    connecter(client, AgentFactory(site=agent.site, roles=roles).compte)
    assert client.get(reverse("admin:dossiers")).context["liste"].onglet.code == onglet


def test_les_filtres_s_ajoutent_et_restent_dans_l_adresse(agent, client):
    connecter(client, agent.compte)
    (choisie, *_autres) = semer(
        4, agent.site, hors_delai=lambda rang: rang < 2, complete_au_depot=lambda rang: rang > 0
    )

    assert dans(client, filtre=["hors_delai", "incomplete"]) == {choisie.numero}
    assert dans(client, demarche="citoyen_ue") == set()
    page_ = client.get(reverse("admin:dossiers"), {"filtre": "hors_delai", "demarche": "etudiant"}).content.decode()
    assert "demarche=etudiant&amp;filtre=hors_delai" in page_
    assert client.get(reverse("admin:dossiers"), {"filtre": "inconnu", "demarche": "x"}).status_code == 200


def test_chaque_filtre_ne_garde_que_ce_qu_il_dit(agent, client):
    connecter(client, agent.compte)
    autre, hier = AgentFactory(site=agent.site), timezone.localdate() - dt.timedelta(days=1)
    expire = TitreSejourFactory(fin=hier)
    attendus = {
        "a_moi": {"etat": "en_instruction", "agent": agent.compte},
        "sans_agent": {"agent": None},
        "repondu": {"etat": "complement_recu"},
        "titre_expire": {"titre_de_depart": expire},
        "hors_delai": {"hors_delai": True},
        "incomplete": {"complete_au_depot": False},
    }
    assert list(attendus) == list(FILTRES)
    numeros = {}
    for rang, (code, champs) in enumerate(attendus.items()):
        communs = {"etat": "deposee", "agent": autre.compte, "complete_au_depot": True}
        (demande,) = semer(1, agent.site, premier=rang, **(communs | champs))
        numeros[code] = demande.numero
    # L'un a répondu, l'autre pas encore.
    for code, repondu_le in (("repondu", INSTANT), ("hors_delai", None)):
        demande = Demande.objects.get(numero=numeros[code])
        lettre = Notification.objects.create(destinataire=demande.ouverte_par, message="complement", creee_le=INSTANT)
        Complement.objects.create(
            demande=demande, notification=lettre, demande_par=autre.compte, demande_le=INSTANT, repondu_le=repondu_le
        )

    for code, numero in numeros.items():
        assert dans(client, onglet="tous", filtre=code) == {numero}, code
    assert dans(client, onglet="tous", etat="complement_recu") == {numeros["repondu"]}
    assert dans(client, onglet="a_prendre", etat="complement_recu") == set()
    page_ = client.get(reverse("admin:dossiers"), {"onglet": "tous", "etat": "deposee", "filtre": "a_moi"})
    assert "ne répond aux filtres posés" in page_.content.decode()
    page_ = client.get(reverse("admin:dossiers"), {"onglet": "tous", "etat": "deposee"}).content.decode()
    assert "onglet=tous&amp;etat=deposee&amp;filtre=hors_delai" in page_


def test_la_file_et_le_dossier_annoncent_leurs_raccourcis(agent, client):
    connecter(client, agent.compte)
    semer(1, agent.site)
    page_ = client.get(reverse("admin:dossiers")).content.decode()
    assert "<kbd>j</kbd>" in page_ and "page suivante" in page_ and "js/raccourcis.js" in page_
    # Sans JavaScript, la liste se lit et l'interrupteur, qui n'agirait pas, ne se montre pas.
    assert 'fr-checkbox-group--sm" hidden>' in page_


def test_une_liste_se_garde_se_retrouve_et_s_oublie(agent, client):
    connecter(client, agent.compte)
    garder = f"{reverse('admin:filtre_enregistrer')}?onglet=tous&filtre=hors_delai"

    for _fois in range(2):
        client.post(garder, {"nom": "Mes retards"})
    liste = agent.filtres.get()
    assert liste.parametres == "onglet=tous&filtre=hors_delai"
    assert "Mes retards" in client.get(reverse("admin:dossiers")).content.decode()

    autre = AgentFactory(site=agent.site)
    oublier = reverse("admin:filtre_oublier", args=[liste.pk])
    assert connecter(client, autre.compte).post(oublier).status_code == 404
    connecter(client, agent.compte).post(oublier)
    assert not agent.filtres.exists()
    client.post(garder, {"nom": "  "})
    assert not agent.filtres.exists()


def test_une_date_de_naissance_se_cherche_comme_elle_se_dit(agent, client):
    connecter(client, agent.compte)
    (choisie, _autre) = semer(2, agent.site, recherche=lambda rang: f"karl suisse 19{rang + 50}-06-05")

    assert dans(client, q="5/06/1950") == {choisie.numero}
    assert dans(client, q="05.06.1950") == {choisie.numero}


def test_la_rupture_est_a_moins_de_quinze_jours(agent):
    jour = timezone.localdate()
    dossiers = semer(3, agent.site, fin_de_droits=lambda rang: jour + dt.timedelta(days=13 + rang))
    trouves = ONGLETS["rupture"].dossiers(dossiers_visibles(agent), agent)
    assert set(trouves.values_list("pk", flat=True)) == {dossiers[0].pk, dossiers[1].pk}


def test_une_recherche_approchee_garde_les_filtres_et_les_voisins(agent, client):
    connecter(client, agent.compte)
    dossiers = semer(
        4, agent.site, recherche="anna kowalczyk", hors_delai=lambda rang: rang > 0,
        deposee_le=lambda rang: timezone.now() - dt.timedelta(days=rang),
    )  # fmt: skip
    numeros = [dossier.numero for dossier in dossiers]
    assert dans(client, q="kowalczik") == set(numeros)
    assert dans(client, q="kowalczik", filtre="hors_delai") == set(numeros[1:])
    liste = Liste(RECHERCHE, "recents", "kowalczik", filtres=("hors_delai",))
    montres = liste.dossiers_montres(dossiers_visibles(agent), agent)
    assert voisins(montres, "recents", dossiers[2]) == (numeros[1], numeros[3])
    page = client.post(f"{reverse('admin:lot_preparer')}?q=kowalczik", {"geste": "prendre_en_charge", "tous": "1"})
    assert page.context["nombre"] == 4


def test_une_liste_au_long_nom_se_garde_entiere(agent, client):
    connecter(client, agent.compte)
    semer(1, agent.site)
    adresse = f"{reverse('admin:filtre_enregistrer')}?{urlencode({'q': 'é' * 100, 'filtre': 'hors_delai'})}"
    client.post(adresse, {"nom": "Longue"})
    gardee = QueryDict(agent.filtres.get().parametres)
    assert (gardee["q"], gardee["filtre"]) == ("é" * 100, "hors_delai")


def test_la_file_tient_quinze_requetes_avec_tous_ses_onglets(agent, client, django_assert_max_num_queries):
    connecter(client, agent.compte)
    semer(60, agent.site)
    with django_assert_max_num_queries(15):
        client.get(reverse("admin:dossiers"), {"filtre": "hors_delai"})
