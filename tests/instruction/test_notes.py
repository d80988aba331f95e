"""Les notes internes d'un dossier."""

from html import unescape

import pytest
from django.urls import reverse

from instruction import operations
from instruction.models import NoteInterne
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db


def ajouter(client, demande, texte):
    return client.post(reverse("admin:dossier_note", args=[demande.numero]), {"texte": texte}, follow=True)


def test_une_note_s_ajoute_et_se_lit_marquee_interne(client_agent, deposee):
    page = ajouter(client_agent, deposee, "Rappeler l'école <b>lundi</b>").content.decode()
    assert "Note ajoutée" in page and "interne, non visible par l&#x27;usager" in page.replace("'", "&#x27;")
    assert "&lt;b&gt;lundi" in page and "Camille Lenoir" in page


def test_un_double_envoi_n_ajoute_qu_une_note(client_agent, deposee):
    for _fois in range(2):
        ajouter(client_agent, deposee, "Une seule fois")
    assert NoteInterne.objects.count() == 1
    ajouter(client_agent, deposee, "Une autre")
    assert NoteInterne.objects.count() == 2


@pytest.mark.parametrize("texte", ["", "   ", "x" * 4001])
def test_une_note_vide_ou_trop_longue_est_refusee(client_agent, deposee, texte):
    reponse = client_agent.post(reverse("admin:dossier_note", args=[deposee.numero]), {"texte": texte})
    page = reponse.content.decode()
    assert reponse.status_code == 422 and 'aria-invalid="true"' in page and "Erreur" in page
    assert not NoteInterne.objects.exists()


def test_une_note_ne_s_ajoute_ni_par_un_lien_ni_sur_le_dossier_d_un_autre_site(client, deposee, agent_du_nord, le):
    adresse = reverse("admin:dossier_note", args=[deposee.numero])
    connecter(client, agent_du_nord.compte)
    assert client.post(adresse, {"texte": "Note"}).status_code == 404
    with pytest.raises(operations.GesteInterdit):
        operations.noter(deposee, "Note", agent=agent_du_nord, le=le)
    assert not NoteInterne.objects.exists()


def test_une_note_sur_un_dossier_parti_ailleurs_se_dit_chez_les_agents_et_rend_le_texte(
    client_agent, deposee, autre_site
):
    deposee.site = autre_site
    deposee.save()
    reponse = ajouter(client_agent, deposee, "Rappeler l'école <b>lundi</b>")
    page = unescape(reponse.content.decode())
    assert reponse.status_code == 404 and "Rappeler l'école &lt;b&gt;lundi" in reponse.content.decode().replace(
        "&#x27;", "'"
    )
    assert "Espace des agents" in page and "Voir mes dossiers" in page and "Acheter un timbre" not in page


def test_une_adresse_inconnue_reste_chez_qui_la_tape(client, client_agent):
    assert "Voir mes dossiers" in client_agent.get("/agents/n-importe-quoi/").content.decode()
    assert "Voir mes dossiers" not in client_agent.get("/n-importe-quoi/").content.decode()


def test_une_note_ne_s_ajoute_pas_par_un_lien(client_agent, deposee):
    reponse = client_agent.get(reverse("admin:dossier_note", args=[deposee.numero]), {"texte": "Par un lien"})
    assert reponse.url == reverse("admin:dossier", args=[deposee.numero])
    assert not deposee.notes.exists()


def test_l_usager_ne_voit_pas_les_notes(client, deposee, agent, le):
    operations.noter(deposee, "Ne pas montrer", agent=agent, le=le)
    connecter(client, deposee.usager.compte)
    page = client.get(reverse("demandes:suivi", args=[deposee.numero])).content.decode()
    assert "Ne pas montrer" not in page
