"""Les indices relevés sur un dossier : chacun avec sa raison."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from demandes.etats import Etat
from demandes.models import PieceJointe
from documents.models import Fichier
from instruction import controles
from instruction.controles import indices_des_pieces, indices_du_dossier
from instruction.models import ControlePiece
from instruction.operations import controler_piece
from tests.factories import TitreSejourFactory
from tests.instruction.conftest import semer

pytestmark = pytest.mark.django_db


@pytest.fixture
def contenu(deposee):
    return deposee.instantanes.get().contenu


def titres(indices) -> list[str]:
    return [indice.titre for indice in indices]


def lire(demande, contenu, *, jour=None):
    return indices_du_dossier(demande, contenu, jour=jour or timezone.localdate())


def test_un_titre_expire_avant_le_depot_se_signale_avec_ses_dates(deposee, contenu):
    contenu["titre"]["fin"] = "2020-01-31"
    (indice,) = [i for i in lire(deposee, contenu) if i.titre == "Titre expiré avant le dépôt"]
    assert "31/01/2020" in indice.texte


def test_un_titre_expire_depuis_le_depot_se_signale_tant_que_rien_n_est_decide(deposee, contenu):
    plus_tard = dt.date.fromisoformat(contenu["titre"]["fin"]) + dt.timedelta(days=1)
    assert "Titre expiré depuis le dépôt" in titres(lire(deposee, contenu, jour=plus_tard))
    deposee.etat = Etat.FAVORABLE
    assert "Titre expiré depuis le dépôt" not in titres(lire(deposee, contenu, jour=plus_tard))
    deposee.etat, contenu["titre"] = Etat.DEPOSEE, None
    assert not any("Titre" in titre for titre in titres(lire(deposee, contenu, jour=plus_tard)))


def test_des_ressources_sous_le_seuil_disent_le_total_et_le_seuil_une_seule_fois(deposee, contenu):
    assert "Ressources sous le seuil" not in titres(lire(deposee, contenu))
    total = next(
        ligne
        for partie in contenu["parties"]
        for groupe in partie["groupes"]
        for ligne in groupe["lignes"]
        if ligne["champ"] == "total"
    )
    total["valeur"] = "500.50"
    contenu["avertissements"] = [
        "Vos ressources doivent au moins être égales à 615\u00a0€ / mois.",
        "Vérifiez le niveau.",
    ]
    indices = lire(deposee, contenu)
    (indice,) = [i for i in indices if i.titre == "Ressources sous le seuil"]
    assert "500,50\u00a0€" in indice.texte and "615\u00a0€" in indice.texte
    assert "Vérifiez le niveau." in [i.texte for i in indices]
    assert not any("Vos ressources doivent" in i.texte for i in indices)


def test_un_contenu_sans_bareme_ne_dit_rien_des_ressources(deposee, contenu):
    contenu["baremes"] = {}
    assert "Ressources sous le seuil" not in titres(lire(deposee, contenu))


def autre_dossier_avec(piece, site, *, usager=None, premier=0):
    (autre,) = semer(1, site, premier=premier)
    if usager:
        autre.usager = usager
        autre.save()
    PieceJointe.objects.create(demande=autre, code="PASSEPORT", fichier=piece.fichier, ajoutee_le=timezone.now())
    return autre


def test_le_meme_fichier_dans_un_autre_dossier_se_signale(deposee, contenu, autre_site):
    piece = PieceJointe.objects.filter(demande=deposee).first()
    assert not any(indices_des_pieces(deposee, contenu, {}).values())
    ici = autre_dossier_avec(piece, deposee.site)
    la_bas = autre_dossier_avec(piece, autre_site, premier=1)

    (indice,) = indices_des_pieces(deposee, contenu, {})[piece.pk]
    assert indice.titre == "Même fichier dans le dossier d'une autre personne"
    cites = dict(indice.dossiers)
    assert cites[ici.numero].endswith(f"/{ici.numero}/") and cites[la_bas.numero] == ""


def test_le_meme_fichier_de_la_meme_personne_se_dit_autrement(deposee, contenu):
    piece = PieceJointe.objects.filter(demande=deposee).first()
    TitreSejourFactory(usager=deposee.usager)
    autre_dossier_avec(piece, deposee.site, usager=deposee.usager)
    assert titres(indices_des_pieces(deposee, contenu, {})[piece.pk]) == ["Fichier déjà déposé par la même personne"]


def test_un_fichier_retire_ou_en_brouillon_ne_compte_pas(deposee, contenu, le):
    piece = PieceJointe.objects.filter(demande=deposee).first()
    autre = autre_dossier_avec(piece, deposee.site)
    autre.pieces.update(retiree_le=le)
    assert not indices_des_pieces(deposee, contenu, {})[piece.pk]


@pytest.mark.parametrize(("mois", "signalee"), [(2, False), (7, True)])
def test_une_piece_datee_plus_ancienne_que_permis_se_signale(deposee, contenu, agent, le, mois, signalee):
    figee = contenu["pieces"][0] if contenu["pieces"][0]["fichiers"] else contenu["pieces"][1]
    figee["anciennete_max"] = 6
    piece = PieceJointe.objects.get(pk=figee["fichiers"][0]["piece"])
    datee_du = timezone.localdate() - dt.timedelta(days=31 * mois)
    controle = controler_piece(piece, verifiee=True, datee_du=datee_du, agent=agent, le=le)
    indices = indices_des_pieces(deposee, contenu, {piece.pk: controle})[piece.pk]

    assert titres(indices) == (["Pièce trop ancienne"] if signalee else [])
    if signalee:
        assert f"{datee_du:%d/%m/%Y}" in indices[0].texte and "6 mois" in indices[0].texte


def test_une_piece_non_datee_ne_dit_rien_de_son_age(deposee, contenu, agent, le):
    piece = PieceJointe.objects.filter(demande=deposee).first()
    controle = controler_piece(piece, verifiee=True, datee_du=None, agent=agent, le=le)
    assert not indices_des_pieces(deposee, contenu, {piece.pk: controle})[piece.pk]
    assert ControlePiece.objects.get().verifiee


def test_le_meme_fichier_ailleurs_se_cherche_par_son_empreinte(deposee):
    """Parmi des milliers de pièces, aucune table n'est lue en entier."""
    le, nombre = deposee.deposee_le, 3000
    fichiers = Fichier.objects.bulk_create(
        Fichier(contenu=f"{rang}", empreinte=f"{rang:064}", taille=1, type_mime="image/png", nom_affiche="a.png")
        for rang in range(nombre)
    )
    (autre,) = semer(1, deposee.site)
    PieceJointe.objects.bulk_create(
        PieceJointe(demande=autre, code="PASSEPORT", fichier=fichier, ajoutee_le=le) for fichier in fichiers
    )
    with connection.cursor() as curseur:
        curseur.execute("ANALYZE documents_fichier, demandes_piecejointe")

    with CaptureQueriesContext(connection) as requetes:
        assert controles._deposes_ailleurs(deposee, {f"{7:064}"}) == {f"{7:064}": [autre]}
    assert len(requetes.captured_queries) == 2
    with connection.cursor() as curseur:
        plan = ""
        for requete in requetes.captured_queries:
            curseur.execute(f"EXPLAIN {requete['sql']}")
            plan += "\n".join(ligne for (ligne,) in curseur.fetchall())
    assert "documents_fichier_empreinte" in plan and "demandes_piecejointe_fichier_id" in plan, plan
    assert "Seq Scan on documents_fichier" not in plan and "Seq Scan on demandes_piecejointe" not in plan, plan


def test_un_fichier_que_tous_ont_n_en_cache_pas_un_autre(deposee):
    le = deposee.deposee_le
    repandu, partage = (
        Fichier.objects.create(contenu=nom, empreinte=f"{nom:0>64}", taille=1, type_mime="image/png", nom_affiche=nom)
        for nom in ("a", "b")
    )
    autres = semer(60, deposee.site)
    PieceJointe.objects.bulk_create(
        PieceJointe(demande=autre, code="PASSEPORT", fichier=repandu, ajoutee_le=le) for autre in autres
    )
    PieceJointe.objects.create(demande=autres[0], code="DOMICILE", fichier=partage, ajoutee_le=le)
    ailleurs = controles._deposes_ailleurs(deposee, {repandu.empreinte, partage.empreinte})
    assert ailleurs[partage.empreinte] == [autres[0]]
    assert len(ailleurs[repandu.empreinte]) <= 10 * controles.DOSSIERS_CITES
