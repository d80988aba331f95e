"""Le journal de l'auditeur : ce qu'il montre, à qui, comment il se filtre, se feuillette et s'exporte."""

import csv
import datetime as dt
import io

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from demandes.journal_des_references import modifier
from demandes.models import CoordonneesSite, Evenement
from documents.models import Fichier
from instruction import exports, journal, operations
from instruction.exports import TropDeLignes
from instruction.journal import REGISTRES, Filtres, feuillet, filtrer
from instruction.models import Agent, Consultation, Export
from instruction.operations import GesteInterdit
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
MOTIF = "Recherche d'un doublon signalé par la préfecture du Nord"


@pytest.fixture
def auditeur(db):
    return AgentFactory(roles=["auditeur"], nom="Sacha Morel", compte__identifiant="auditeur.paris")


@pytest.fixture
def client_auditeur(client, auditeur):
    return connecter(client, auditeur.compte)


def page(client, **parametres):
    return client.get(reverse("admin:journal"), parametres)


def lire_csv(export) -> list[list[str]]:
    with export.fichier.contenu.open("rb") as fichier:
        octets = fichier.read()
    assert octets.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(octets.decode("utf-8-sig")), delimiter=";"))


# --- L'écran ---------------------------------------------------------------------------------------------------------
def test_l_auditeur_arrive_au_journal_et_n_ouvre_aucun_dossier(client_auditeur, deposee):
    assert client_auditeur.get(reverse("admin:index")).url == reverse("admin:journal")
    assert client_auditeur.get(reverse("admin:dossiers")).status_code == 404
    assert client_auditeur.get(reverse("admin:dossier", args=[deposee.numero])).status_code == 404


@pytest.mark.parametrize("role", [role for role in Agent.Role.values if role != "auditeur"])
def test_nul_autre_ne_lit_le_journal(client, role):
    connecter(client, AgentFactory(roles=[role]).compte)
    assert page(client).status_code == 404
    assert client.post(reverse("admin:journal_exporter")).status_code == 404
    assert client.get(reverse("admin:journal_export", args=[1])).status_code == 404


def test_les_actes_disent_qui_quand_quel_dossier_et_quels_etats(client_auditeur, en_instruction, agent):
    contenu = page(client_auditeur).content.decode()
    assert agent.compte.identifiant in contenu and en_instruction.numero in contenu
    assert "Demande déposée → En cours d&#x27;instruction" in contenu
    # L'usager n'est pas nommé.
    assert "l&#x27;usager" in contenu and en_instruction.usager.nom_naissance not in contenu


@pytest.mark.parametrize(("codes", "dit"), [
    ({"geste": "cloturer"}, "Clôturer"),
    ({"motifs": {"PASSEPORT": ["complement.illisible", "complement.autre"]}, "complement": 2},
     "motifs PASSEPORT (illisible, autre), complément n° 2"),
    ({"motif": "cloture.sans_objet", "cloture": "proposee"}, "motif sans objet, clôture proposée"),
    ({"geste": "signer_refus", "echec": "dossier_change"}, "Signer le refus, le dossier a changé entre-temps"),
    ({"sens": "favorable", "motifs": []}, "sens favorable"),
    ({"renvoi": True}, "renvoi"),
])  # fmt: skip
def test_les_codes_d_un_acte_se_lisent_sans_crochets(deposee, le, codes, dit):
    evenement = Evenement(demande=deposee, nature=Evenement.Nature.VISA, le=le, codes=codes)
    assert REGISTRES["actes"].ligne(evenement).detail == dit


def test_un_controle_de_piece_se_lit_en_mots(deposee, le):
    codes = {"piece": "PASSEPORT", "fichier": 12, "verifiee": False, "datee_du": "2026-06-01"}
    evenement = Evenement(demande=deposee, nature=Evenement.Nature.CONTROLE, le=le, codes=codes)
    assert REGISTRES["actes"].ligne(evenement).detail.endswith("PASSEPORT, à vérifier, datée du 01/06/2026")


def test_les_lectures_disent_l_acces_exceptionnel_et_son_motif(client_auditeur, deposee, agent_du_nord, le):
    acces = operations.ouvrir_acces(deposee, agent=agent_du_nord, motif=MOTIF, le=le)
    operations.noter_lecture(agent_du_nord, deposee, Consultation.Nature.DOSSIER, acces=acces, le=le)
    for registre in ("lectures", "acces"):
        contenu = page(client_auditeur, registre=registre).content.decode()
        assert "doublon signalé par la préfecture" in contenu and agent_du_nord.compte.identifiant in contenu


def test_l_administration_dit_ce_qui_a_change(client_auditeur, auditeur, agent):
    LogEntry.objects.log_actions(auditeur.compte_id, [agent], CHANGE, change_message="Droits changés")
    contenu = page(client_auditeur, registre="administration").content.decode()
    assert "Droits changés" in contenu and "changement" in contenu


@pytest.mark.parametrize("registre", REGISTRES)
def test_un_registre_vide_se_dit(client_auditeur, registre):
    assert "Aucune ligne ne répond" in page(client_auditeur, registre=registre).content.decode()


@pytest.mark.parametrize(
    ("filtres", "trouve"),
    [
        ({}, True),
        ({"agent": "AGENT.PARIS"}, True),
        ({"agent": "agent.lille"}, False),
        ({"nature": "dossier"}, True),
        ({"nature": "piece"}, False),
        ({"dossier": "7502209901019999999"}, False),
        ({"du": "2020-01-01", "au": "2099-01-01"}, True),
        ({"du": "2099-01-01"}, False),
        ({"au": "2020-01-01"}, False),
    ],
)
def test_chaque_filtre_retient_ce_qu_il_dit(client_auditeur, deposee, filtres, trouve, le):
    agent = AgentFactory(compte__identifiant="agent.paris", site=deposee.site)
    operations.noter_lecture(agent, deposee, Consultation.Nature.DOSSIER, le=le)
    reponse = page(client_auditeur, registre="lectures", **filtres)
    assert reponse.status_code == 200
    assert bool(reponse.context["feuillet"].lignes) == trouve


def test_le_dernier_jour_d_une_periode_est_compris(deposee, agent, le):
    lecture = operations.noter_lecture(agent, deposee, Consultation.Nature.DOSSIER, le=le)
    jour = timezone.localtime(le).date()
    registre = REGISTRES["lectures"]
    assert list(filtrer(registre, Filtres(du=jour, au=jour))) == [lecture]
    assert not filtrer(registre, Filtres(au=jour - dt.timedelta(days=1))).exists()


@pytest.mark.parametrize(
    ("filtres", "dit"),
    [
        ({"dossier": "123"}, "les 19 chiffres"),
        ({"du": "hier"}, "Du"),
        ({"du": "2026-02-02", "au": "2026-01-01"}, "précède son début"),
        ({"nature": "inconnue"}, "Nature"),
    ],
)
def test_un_filtre_fautif_se_dit_et_ne_montre_rien(client_auditeur, deposee, filtres, dit):
    reponse = page(client_auditeur, **filtres)
    assert reponse.status_code == 422 and reponse.context["feuillet"] is None
    assert "Il y a un problème" in reponse.content.decode() and dit in reponse.content.decode()


def test_un_registre_ou_un_repere_inconnu_ramene_au_debut(client_auditeur, deposee):
    for parametres in ({"registre": "ailleurs"}, {"apres": "abc"}, {"avant": "999999999999"}, {"apres": "9" * 40}):
        assert page(client_auditeur, **parametres).context["feuillet"].lignes


def test_les_pages_se_suivent_dans_les_deux_sens_sans_rien_oublier(deposee, agent, le, monkeypatch):
    monkeypatch.setattr(journal, "TAILLE_DE_PAGE", 3)
    Consultation.objects.bulk_create(
        Consultation(agent=agent, demande=deposee, nature="dossier", le=le, objet=str(rang)) for rang in range(8)
    )
    registre = REGISTRES["lectures"]
    lignes = filtrer(registre, Filtres())
    vues, pages, apres = [], [], None
    while True:
        feuille = feuillet(registre, lignes, apres=apres)
        pages.append([ligne.cle for ligne in feuille.lignes])
        vues += [ligne.detail for ligne in feuille.lignes]
        if feuille.suivante is None:
            break
        apres = feuille.suivante
    assert vues == [str(rang) for rang in range(7, -1, -1)]
    retour = feuillet(registre, lignes, avant=feuille.precedente)
    assert [ligne.cle for ligne in retour.lignes] == pages[1] and retour.precedente == pages[1][0]
    debut = feuillet(registre, lignes, avant=retour.precedente)
    assert [ligne.cle for ligne in debut.lignes] == pages[0] and debut.precedente is None


def test_une_page_du_journal_tient_dans_son_budget(client_auditeur, deposee, agent, le, django_assert_max_num_queries):
    Consultation.objects.bulk_create(
        Consultation(agent=agent, demande=deposee, nature="dossier", le=le, objet=str(rang)) for rang in range(60)
    )
    with django_assert_max_num_queries(12):
        page(client_auditeur, registre="lectures")


# --- L'export --------------------------------------------------------------------------------------------------------
def demander(client, **champs):
    return client.post(reverse("admin:journal_exporter"), {"registre": "actes", **champs})


def test_un_export_se_demande_se_fait_a_part_et_se_telecharge(
    client_auditeur, auditeur, en_instruction, django_capture_on_commit_callbacks
):
    reponse = demander(client_auditeur, dossier=en_instruction.numero)
    assert reponse.url.endswith(f"?registre=actes&dossier={en_instruction.numero}#exports")
    export = Export.objects.get()
    assert export.fichier is None
    assert "en préparation" in page(client_auditeur).content.decode()
    trace = Consultation.objects.get()
    assert (trace.agent, trace.nature, trace.objet) == (auditeur, "export", f"actes dossier={en_instruction.numero}")

    exports.produire(export.pk, le=timezone.now())

    export.refresh_from_db()
    entete, *lignes = lire_csv(export)
    assert entete == ["Date et heure", "Qui", "Site", "Dossier", "Nature", "Détail"]
    assert len(lignes) == export.lignes == Evenement.objects.filter(demande=en_instruction).count()
    assert {ligne[3] for ligne in lignes} == {en_instruction.numero}
    url = reverse("admin:journal_export", args=[export.pk])
    assert url in page(client_auditeur).content.decode()
    telecharge = client_auditeur.get(url)
    assert "attachment" in telecharge["Content-Disposition"] and b"".join(telecharge).startswith(b"\xef\xbb\xbf")
    assert list(Consultation.objects.values_list("nature", "objet"))[1:] == [
        ("telechargement", f"export {export.pk}"),
    ]


def test_un_double_envoi_ne_fait_qu_un_export(client_auditeur, deposee):
    for _envoi in range(2):
        demander(client_auditeur)
    assert Export.objects.count() == Consultation.objects.filter(nature="export").count() == 1


def test_un_export_ne_se_fait_qu_une_fois_et_garde_ce_qui_etait_au_journal(auditeur, en_instruction, agent):
    export = exports.demander(auditeur, registre="lectures", filtres=Filtres(), le=timezone.now())
    operations.noter_lecture(agent, en_instruction, Consultation.Nature.DOSSIER, le=timezone.now())
    fait = exports.produire(export.pk, le=timezone.now())
    encore = exports.produire(export.pk, le=timezone.now())
    assert fait.fichier == encore.fichier and Fichier.objects.filter(exports=export).count() == 1
    # Sa propre demande y est, pas ce qui l'a suivie.
    assert [ligne[4] for ligne in lire_csv(fait)[1:]] == ["export"]


def test_un_export_pris_par_un_travailleur_n_est_pas_refait_par_un_autre(auditeur, deposee, le):
    export = exports.demander(auditeur, registre="actes", filtres=Filtres(), le=le)
    Export.objects.update(bail=le + dt.timedelta(minutes=5))
    assert exports.produire(export.pk, le=le).fichier is None
    assert exports.relancer(le=le) == 0
    assert exports.relancer(le=le + dt.timedelta(minutes=6)) == 1


def test_une_formule_ne_se_calcule_pas_dans_un_tableur(auditeur, deposee, le):
    nord = AgentFactory(nom="=1+1")
    operations.noter_lecture(nord, deposee, Consultation.Nature.PIECE, objet="@SUM(1)", le=le)
    export = exports.demander(auditeur, registre="lectures", filtres=Filtres(), le=timezone.now())
    lignes = lire_csv(exports.produire(export.pk, le=timezone.now()))
    assert lignes[-1][1].startswith("'=1+1") and lignes[-1][5] == "'@SUM(1)"


def test_trop_de_lignes_se_dit_et_rien_ne_part(client_auditeur, auditeur, deposee, monkeypatch, le):
    monkeypatch.setattr(exports, "LIGNES_MAX", 0)
    with pytest.raises(TropDeLignes):
        exports.demander(auditeur, registre="actes", filtres=Filtres(), le=le)
    reponse = client_auditeur.post(reverse("admin:journal_exporter"), {"registre": "actes"}, follow=True)
    assert "une période plus courte" in reponse.content.decode()
    assert not Export.objects.exists() and not Consultation.objects.exists()


def test_un_filtre_fautif_n_exporte_rien(client_auditeur, deposee):
    assert demander(client_auditeur, du="hier").url == f"{reverse('admin:journal')}?registre=actes"
    assert not Export.objects.exists()


def test_l_export_d_un_autre_auditeur_n_est_pas_le_sien(client, auditeur, deposee, le):
    export = exports.demander(auditeur, registre="actes", filtres=Filtres(), le=le)
    exports.produire(export.pk, le=le)
    connecter(client, AgentFactory(roles=["auditeur"]).compte)
    assert client.get(reverse("admin:journal_export", args=[export.pk])).status_code == 404


def test_un_role_sans_journal_n_exporte_rien(agent, deposee, le):
    with pytest.raises(GesteInterdit):
        exports.demander(agent, registre="actes", filtres=Filtres(), le=le)


def test_un_export_est_retire_apres_sept_jours(client_auditeur, auditeur, deposee, le):
    export = exports.demander(auditeur, registre="actes", filtres=Filtres(), le=le)
    exports.produire(export.pk, le=le)
    exports.relancer(le=le + dt.timedelta(days=7))
    assert client_auditeur.get(reverse("admin:journal_export", args=[export.pk])).status_code == 404
    assert "retiré après sept jours" in page(client_auditeur).content.decode()
    assert (
        Fichier.objects.orphelins(avant=timezone.now() + dt.timedelta(days=8))
        .filter(type_mime__startswith="text")
        .exists()
    )


def test_l_export_demande_un_second_facteur_recent(client_auditeur, deposee, settings):
    settings.SECOND_FACTEUR = True
    assert demander(client_auditeur).url.startswith(reverse("admin:second_facteur"))
    assert not Export.objects.exists()


# --- Ajout seul ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("geste", ["modifier", "effacer"])
def test_le_journal_des_actes_ne_se_modifie_ni_ne_s_efface(deposee, geste):
    with pytest.raises(IntegrityError), transaction.atomic():
        if geste == "modifier":
            deposee.evenements.update(nature="piece")
        else:
            deposee.evenements.all()._raw_delete("default")


@pytest.mark.parametrize(
    "table",
    [
        "demandes_evenement",
        "instruction_consultation",
        "instruction_noteinterne",
        "instruction_accesexceptionnel",
        "django_admin_log",
    ],
)
def test_aucun_journal_ne_se_vide(deposee, table):
    nombre = deposee.evenements.count()
    with connection.cursor() as curseur:
        curseur.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="le journal ne se vide pas"), transaction.atomic():
            curseur.execute(f"TRUNCATE {table} CASCADE")
    assert deposee.evenements.count() == nombre > 0


@pytest.mark.parametrize("geste", ["modifier", "effacer"])
def test_le_journal_des_droits_ne_se_modifie_ni_ne_s_efface(auditeur, agent, geste):
    LogEntry.objects.log_actions(auditeur.compte_id, [agent], CHANGE, change_message="Droits changés")
    with pytest.raises(IntegrityError), transaction.atomic():
        if geste == "modifier":
            LogEntry.objects.update(change_message="Rien")
        else:
            LogEntry.objects.all().delete()


# --- Données de référence --------------------------------------------------------------------------------------------
def test_les_donnees_de_reference_ont_leur_registre_avant_et_apres(client_auditeur, auditeur, deposee):
    with modifier(CoordonneesSite, par=auditeur.compte, origine="correction"):
        CoordonneesSite.objects.filter(site=deposee.site_id).update(telephone="01 02 03 04 05")
    contenu = (
        page(client_auditeur, registre="references", agent="auditeur.paris").content.decode().replace("\u00a0", " ")
    )
    assert "01 00 00 00 00 → 01 02 03 04 05" in contenu and "correction" in contenu
    assert "coordonnées du site 7502 du 01/01/2000" in contenu
    assert "Sacha Morel" in contenu and "le système" not in contenu
    toutes = page(client_auditeur, registre="references", nature="ajout").content.decode()
    assert "le système" in toutes and "charger_droit" in toutes  # ce que la commande a chargé
    export = exports.demander(auditeur, registre="references", filtres=Filtres(nature="changement"), le=timezone.now())
    assert [ligne[4] for ligne in lire_csv(exports.produire(export.pk, le=timezone.now()))[1:]] == ["changement"]


def test_le_registre_des_references_se_lit_en_peu_de_requetes(client_auditeur, deposee, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        page(client_auditeur, registre="references")


@pytest.mark.parametrize("jour", ["9999-12-31", "0001-01-01", "2101-01-01"])
def test_un_jour_hors_du_calendrier_se_dit(client_auditeur, jour):
    for champ in ("du", "au"):
        reponse = page(client_auditeur, **{champ: jour})
        assert reponse.status_code in {200, 422} and "entre 2000 et 2100" in reponse.content.decode()
        assert demander(client_auditeur, **{champ: jour}).status_code == 302
