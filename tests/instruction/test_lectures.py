"""Ce que les agents lisent laisse une trace ; un dossier d'un autre site ne se lit que par écrit, huit heures."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from demandes.models import PieceJointe
from instruction import operations
from instruction.models import AccesExceptionnel, Consultation
from instruction.operations import GesteInterdit
from instruction.permissions import GESTES, dossiers_ouverts, dossiers_visibles, peut
from tests.factories import AgentFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
MOTIF = "Recherche d'un doublon signalé par la préfecture du Nord"


def page(demande):
    return reverse("admin:dossier", args=[demande.numero])


def natures():
    return list(Consultation.objects.values_list("nature", flat=True))


def test_lire_un_dossier_laisse_une_ligne_et_le_relire_aussitot_n_en_laisse_pas_d_autre(client_agent, deposee, agent):
    client_agent.get(page(deposee))
    client_agent.get(page(deposee))

    trace = Consultation.objects.get()
    assert (trace.agent, trace.demande, trace.nature, trace.acces) == (agent, deposee, "dossier", None)


def test_la_meme_lecture_une_minute_plus_tard_en_est_une_autre(deposee, agent, le):
    minute = dt.timedelta(minutes=1)
    for passage in (le, le + minute / 2, le + minute):
        operations.noter_lecture(agent, deposee, Consultation.Nature.DOSSIER, le=passage)
    assert list(Consultation.objects.values_list("le", flat=True)) == [le, le + minute]


def test_une_piece_et_un_document_ont_leur_ligne(client_agent, deposee):
    piece = PieceJointe.objects.filter(demande=deposee).first()
    document = deposee.evenements.exclude(document=None).first().document
    b"".join(client_agent.get(reverse("admin:dossier_piece", args=[deposee.numero, piece.pk])))
    client_agent.get(reverse("admin:dossier_document", args=[deposee.numero, document.numero]))

    assert list(Consultation.objects.values_list("nature", "objet")) == [
        ("piece", str(piece.pk)), ("document", document.numero),
    ]  # fmt: skip


def test_une_page_introuvable_n_est_pas_une_lecture(client_agent, deposee):
    assert client_agent.get(reverse("admin:dossier_piece", args=[deposee.numero, 999_999])).status_code == 404
    assert natures() == []


@pytest.mark.parametrize("geste", ["modifier", "effacer"])
@pytest.mark.parametrize("table", ["consultation", "acces"])
def test_ni_lecture_ni_acces_ne_se_modifient_ni_ne_s_effacent(deposee, agent_du_nord, le, table, geste):
    acces = operations.ouvrir_acces(deposee, agent=agent_du_nord, motif=MOTIF, le=le)
    lecture = operations.noter_lecture(agent_du_nord, deposee, Consultation.Nature.DOSSIER, acces=acces, le=le)
    lignes = type(acces if table == "acces" else lecture).objects
    with pytest.raises(IntegrityError), transaction.atomic():
        if geste == "effacer":
            lignes.all()._raw_delete("default")
        elif table == "acces":
            lignes.update(motif="un autre")
        else:
            lignes.update(objet="autre chose")


# --- Accès exceptionnel ----------------------------------------------------------------------------------------------
def test_un_dossier_d_un_autre_site_s_ouvre_par_ecrit(client, deposee, agent_du_nord):
    connecter(client, agent_du_nord.compte)
    assert client.get(page(deposee)).status_code == 404

    reponse = client.post(reverse("admin:autre_site"), {"numero": deposee.numero, "motif": MOTIF}, follow=True)

    assert reponse.redirect_chain[-1][0] == page(deposee)
    assert "en lecture seule" in reponse.content.decode() and MOTIF.replace("'", "&#x27;") in reponse.content.decode()
    acces = AccesExceptionnel.objects.get()
    assert acces.expire_le - acces.ouvert_le == dt.timedelta(hours=8)
    assert Consultation.objects.get().acces == acces
    assert deposee.numero in client.get(reverse("admin:autre_site")).content.decode()


def test_deux_envois_n_ouvrent_qu_un_acces(client, deposee, agent_du_nord):
    connecter(client, agent_du_nord.compte)
    for _envoi in range(2):
        client.post(reverse("admin:autre_site"), {"numero": deposee.numero, "motif": MOTIF})
    assert AccesExceptionnel.objects.count() == 1


def test_l_acces_expire_et_n_ouvre_ni_liste_ni_acte(deposee, agent_du_nord, le):
    operations.ouvrir_acces(deposee, agent=agent_du_nord, motif=MOTIF, le=le)

    assert dossiers_ouverts(agent_du_nord, le=le + dt.timedelta(hours=7, minutes=59)).exists()
    assert not dossiers_ouverts(agent_du_nord, le=le + dt.timedelta(hours=8)).exists()
    assert not dossiers_visibles(agent_du_nord).exists()
    assert not any(peut(agent_du_nord, nom, deposee) for nom in GESTES)


def test_l_acces_d_un_agent_n_est_pas_celui_d_un_autre(client, deposee, agent_du_nord):
    operations.ouvrir_acces(deposee, agent=agent_du_nord, motif=MOTIF, le=timezone.now())
    autre = AgentFactory(site=agent_du_nord.site)
    assert connecter(client, autre.compte).get(page(deposee)).status_code == 404


def test_un_acte_sur_un_dossier_d_un_autre_site_est_refuse_en_une_phrase(client, deposee, agent_du_nord):
    operations.ouvrir_acces(deposee, agent=agent_du_nord, motif=MOTIF, le=timezone.now())
    connecter(client, agent_du_nord.compte)
    url = reverse("admin:dossier_prendre", args=[deposee.numero])
    reponse = client.post(url, {"version": str(deposee.version)}, follow=True)

    assert "Cet acte n&#x27;est pas possible" in reponse.content.decode()
    deposee.refresh_from_db()
    assert deposee.etat == "deposee"


@pytest.mark.parametrize(
    ("champs", "dit"),
    [
        ({"motif": ""}, "Écrivez pourquoi"),
        ({"motif": "voir"}, "une phrase entière"),
        ({"numero": ""}, "Saisissez le numéro"),
        ({"numero": "123"}, "les 19 chiffres du numéro"),
        ({"numero": "7502209901019999999"}, "Aucune demande déposée"),
    ],
)
def test_une_saisie_fautive_n_ouvre_rien(client, deposee, agent_du_nord, champs, dit):
    connecter(client, agent_du_nord.compte)
    reponse = client.post(reverse("admin:autre_site"), {"numero": deposee.numero, "motif": MOTIF, **champs})
    assert reponse.status_code == 422
    assert dit in reponse.content.decode()
    assert not AccesExceptionnel.objects.exists()


def test_un_dossier_de_son_site_s_ouvre_sans_acces(client_agent, deposee, agent, le):
    reponse = client_agent.post(reverse("admin:autre_site"), {"numero": deposee.numero, "motif": MOTIF})
    assert reponse.url == page(deposee)
    assert not AccesExceptionnel.objects.exists()
    with pytest.raises(GesteInterdit):
        operations.ouvrir_acces(deposee, agent=agent, motif=MOTIF, le=le)


@pytest.mark.parametrize("role", ["accueil", "support", "admin_fonctionnel", "auditeur"])
def test_un_role_sans_dossiers_n_ouvre_pas_celui_d_un_autre_site(client, deposee, autre_site, le, role):
    agent = AgentFactory(site=autre_site, roles=[role])
    assert connecter(client, agent.compte).get(reverse("admin:autre_site")).status_code == 404
    with pytest.raises(GesteInterdit):
        operations.ouvrir_acces(deposee, agent=agent, motif=MOTIF, le=le)


# --- Guichet ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["accueil", "support"])
def test_l_accueil_et_le_support_voient_ou_en_est_une_demande_sans_la_personne(client, deposee, role):
    agent = AgentFactory(site=deposee.site, roles=[role])
    connecter(client, agent.compte)
    assert client.get(reverse("admin:index")).url == reverse("admin:guichet")
    contenu = client.get(reverse("admin:guichet"), {"numero": deposee.numero}).content.decode()

    assert "Demande déposée" in contenu and "Confirmation" in contenu
    assert deposee.usager.nom_naissance not in contenu and deposee.usager.compte.courriel not in contenu
    assert list(Consultation.objects.values_list("agent", "demande", "objet")) == [(agent.pk, deposee.pk, "guichet")]


@pytest.mark.parametrize("numero", ["7502209901019999999", "abc", "\x00"])
def test_un_numero_inconnu_au_guichet_se_dit(client, deposee, numero):
    connecter(client, AgentFactory(site=deposee.site, roles=["accueil"]).compte)
    reponse = client.get(reverse("admin:guichet"), {"numero": numero})
    assert reponse.status_code == (200 if numero == "\x00" else 404)
    assert not Consultation.objects.exists()


def test_le_guichet_d_un_autre_site_ne_trouve_rien(client, deposee, autre_site):
    connecter(client, AgentFactory(site=autre_site, roles=["support"]).compte)
    assert client.get(reverse("admin:guichet"), {"numero": deposee.numero}).status_code == 404
