"""L'attestation de prolongation : ses règles, son émission, chaque refus, le double envoi, ce que la personne en a."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from demandes.attestations import travail_du_titre
from demandes.etats import Etat
from demandes.models import Bareme, Complement, Demande, Evenement, Prolongation
from documents.catalogue import Acte
from documents.models import Document
from documents.operations import NonEncodable
from instruction import operations
from instruction.operations import ActeImpossible, Conflit, GesteInterdit, ajouter_mois, periode_possible
from notifications.catalogue import Message
from notifications.models import Envoi, Notification
from notifications.operations import notifier
from tests.factories import AgentFactory, TitreSejourFactory
from tests.instruction.conftest import connecter

pytestmark = pytest.mark.django_db
JOUR = dt.timedelta(days=1)


def url(demande):
    return reverse("admin:dossier_prolonger", args=[demande.numero])


def dit(reponse) -> str:
    return " ".join(str(message) for message in reponse.context["messages"])


def finit(demande, jours: int) -> Demande:
    """La même demande, dont les droits finissent dans `jours` jours."""
    demande.fin_de_droits = timezone.localdate() + jours * JOUR
    demande.save()
    return demande


def envoi(demande, au: dt.date, **changements) -> dict:
    parties = {f"au_{rang}": str(partie) for rang, partie in enumerate((au.day, au.month, au.year))}
    return {"version": demande.version, "travail": "accessoire", "action": "confirmer", **parties} | changements


def prolonger(demande, agent, *, au=None, travail="accessoire", version=None, le=None):
    au = au or periode_possible(demande, jour=timezone.localdate()).au
    version = demande.version if version is None else version
    return operations.prolonger(demande, au=au, travail=travail, agent=agent, version=version, le=le or timezone.now())


def test_l_attestation_suit_le_document_dure_trois_mois_et_repousse_la_fin_de_droits(en_instruction, agent):
    fin = finit(en_instruction, 10).fin_de_droits
    prolongation = prolonger(en_instruction, agent)

    demande, document = Demande.objects.get(), prolongation.document
    assert (prolongation.du, prolongation.au) == (fin + JOUR, ajouter_mois(fin + JOUR, 3) - JOUR)
    assert (document.acte, document.valable_du, document.valable_au) == (
        Acte.PROLONGATION, prolongation.du, prolongation.au,
    )  # fmt: skip
    assert "6J2" in document.code_2d and "6PAUTORISE A TRAVAILLER A TITRE ACCESSOIRE" in document.code_2d
    assert (demande.etat, demande.fin_de_droits) == (Etat.EN_INSTRUCTION, prolongation.au)
    assert demande.version == en_instruction.version + 1
    evenement = demande.evenements.get(nature=Evenement.Nature.PROLONGATION)
    assert (evenement.par, evenement.document, evenement.codes) == (
        agent.compte, document, {"travail": "accessoire", "reserves": []},
    )  # fmt: skip
    assert {e.canal for e in Envoi.objects.filter(message="prolongation", document=document)} == {"courriel", "sms"}


def test_la_suivante_est_contigue_a_la_precedente(en_instruction, agent):
    finit(en_instruction, -10)
    premiere = prolonger(en_instruction, agent, au=timezone.localdate() + 5 * JOUR)
    en_instruction.refresh_from_db()
    seconde = prolonger(en_instruction, agent)
    assert seconde.du == premiere.au + JOUR
    assert Demande.objects.get().fin_de_droits == seconde.au


def test_une_attestation_qui_n_a_pas_commence_ne_se_prolonge_pas(en_instruction, agent):
    finit(en_instruction, 10)
    au = prolonger(en_instruction, agent).au
    en_instruction.refresh_from_db()
    with pytest.raises(ActeImpossible, match="attendez ce jour"):
        prolonger(en_instruction, agent, au=au + JOUR)
    assert Prolongation.objects.count() == 1


def test_des_droits_finis_depuis_longtemps_font_partir_l_attestation_du_jour(en_instruction):
    jour = timezone.localdate()
    assert periode_possible(finit(en_instruction, -200), jour=jour).du == jour
    assert periode_possible(finit(en_instruction, -20), jour=jour).du == jour - 19 * JOUR


def test_sans_document_l_attestation_part_du_jour(en_instruction):
    en_instruction.fin_de_droits = None
    assert periode_possible(en_instruction, jour=timezone.localdate()).du == timezone.localdate()


def test_la_duree_est_celle_du_bareme_du_jour(en_instruction):
    Bareme.objects.filter(code="sejour.prolongation").update(valeurs={"mois": 1})
    possible = periode_possible(finit(en_instruction, 10), jour=timezone.localdate())
    assert possible.au == ajouter_mois(possible.du, 1) - JOUR


@pytest.mark.parametrize("ecart", ["trop_tot", "trop_tard", "passee"])
def test_une_fin_hors_des_regles_est_refusee(en_instruction, agent, ecart):
    possible = periode_possible(finit(en_instruction, -20), jour=timezone.localdate())
    au = {"trop_tot": possible.du - JOUR, "trop_tard": possible.au + JOUR, "passee": possible.du + JOUR}[ecart]
    with pytest.raises(ActeImpossible) as refus:
        prolonger(en_instruction, agent, au=au)
    assert refus.value.champ == "au" and not Prolongation.objects.exists()


@pytest.mark.parametrize("faute", ["version", "role", "decidee"])
def test_un_acte_interdit_ou_perime_ne_change_rien(en_instruction, agent, faute, request):
    demande, version = en_instruction, en_instruction.version
    au = periode_possible(demande, jour=timezone.localdate()).au
    if faute == "role":
        agent = AgentFactory(site=demande.site, roles=["remise"])
    elif faute == "version":
        version -= 1
    else:
        demande = request.getfixturevalue("decidee")
        version = demande.version
    with pytest.raises(Conflit if faute == "version" else GesteInterdit):
        prolonger(demande, agent, au=au, version=version)
    assert not Prolongation.objects.exists() and not Notification.objects.filter(message="prolongation").exists()


def test_un_nom_impossible_a_encoder_n_ecrit_rien(client_agent, en_instruction, agent):
    instantane = en_instruction.instantanes.get()
    instantane.contenu["etat_civil"]["nom_naissance"] = "山田"
    instantane.save()
    au = periode_possible(en_instruction, jour=timezone.localdate()).au
    with pytest.raises(NonEncodable):
        prolonger(en_instruction, agent)
    reponse = client_agent.post(url(en_instruction), envoi(en_instruction, au))
    assert reponse.status_code == 422 and "lettres latines" in reponse.content.decode()
    assert Document.objects.count() == 1 and Demande.objects.get().version == en_instruction.version


@pytest.mark.parametrize(
    ("nature", "motif", "travail"),
    [
        ("CST", "etudiant", "accessoire"),
        ("CST", "salarie", "toutes"),
        ("VLS_TS", "visiteur", "aucun"),
        ("VLS_T", "mineur_scolarise", "aucun"),
        ("C", "etudiant", "aucun"),
    ],
)
def test_le_travail_propose_est_celui_du_titre(nature, motif, travail):
    assert travail_du_titre(TitreSejourFactory.build(usager=None, nature=nature, motif=motif)) == travail
    assert travail_du_titre(None) == "aucun"


# --- La page ---------------------------------------------------------------------------------------------------------
def test_la_page_propose_les_dates_et_montre_ce_qui_part(client_agent, en_instruction, django_assert_max_num_queries):
    finit(en_instruction, 10)
    possible = periode_possible(en_instruction, jour=timezone.localdate())
    with django_assert_max_num_queries(40):
        reponse = client_agent.get(url(en_instruction))
    page = reponse.content.decode()
    assert f"le {possible.du:%d/%m/%Y}, à la suite" in page and f"{possible.au:%d/%m/%Y}" in page
    assert "Mettre l'aperçu à jour" in page and "le document s'y télécharge" in page
    assert "est jointe à ce message" in page and "reserves_vues" not in reponse.context["form"].fields

    au = possible.au - 30 * JOUR
    reponse = client_agent.post(url(en_instruction), envoi(en_instruction, au, action="apercu"))
    lettre, courriel, _sms = reponse.context["apercus"]
    assert (
        f"au {au:%d/%m/%Y}" in lettre.lettre
        and f"{au:%d/%m/%Y}" in courriel.texte
        and not Prolongation.objects.exists()
    )


@pytest.mark.parametrize("ecart", [-200, 200])
def test_l_apercu_dit_deja_ce_que_l_envoi_refuserait(client_agent, en_instruction, ecart):
    au = periode_possible(en_instruction, jour=timezone.localdate()).au + ecart * JOUR
    reponse = client_agent.post(url(en_instruction), envoi(en_instruction, au, action="apercu"))
    assert reponse.status_code == 422 and reponse.context["form"].errors["au"] and not reponse.context["apercus"]


def test_confirmer_delivre_et_un_double_clic_n_en_delivre_qu_une(
    client_agent, en_instruction, django_assert_max_num_queries
):
    au = periode_possible(finit(en_instruction, 10), jour=timezone.localdate()).au
    with django_assert_max_num_queries(40):
        client_agent.post(url(en_instruction), envoi(en_instruction, au))
    seconde = client_agent.post(url(en_instruction), envoi(en_instruction, au), follow=True)

    assert "Attestation délivrée" in dit(seconde) and en_instruction.usager.compte.courriel in dit(seconde)
    assert Prolongation.objects.count() == 1 and Envoi.objects.filter(message="prolongation").count() == 2


def test_un_collegue_passe_avant_la_page_dit_ce_qui_a_change(client_agent, en_instruction):
    collegue = AgentFactory(site=en_instruction.site, nom="Sacha Collègue")
    au = periode_possible(finit(en_instruction, -10), jour=timezone.localdate()).au
    prolonger(en_instruction, collegue, au=au - 60 * JOUR)

    reponse = client_agent.post(url(en_instruction), envoi(en_instruction, au))
    assert reponse.status_code == 409 and "Instruction prolongée par Sacha Collègue" in reponse.content.decode()
    assert Prolongation.objects.count() == 1


@pytest.mark.parametrize("reserve", ["hors_delai", "incomplete", "complement_ouvert", "rupture"])
def test_hors_du_plein_droit_l_agent_lit_pourquoi_et_confirme(client_agent, en_instruction, agent, le, reserve):
    finit(en_instruction, -10 if reserve == "rupture" else 10)
    if reserve == "complement_ouvert":
        lettre = notifier(Message.PRISE_EN_CHARGE, en_instruction.usager.compte, contexte={}, le=le)
        Complement.objects.create(demande=en_instruction, notification=lettre, demande_par=agent.compte, demande_le=le)
    Demande.objects.update(hors_delai=reserve == "hors_delai", complete_au_depot=reserve != "incomplete")
    en_instruction.refresh_from_db()
    au = periode_possible(en_instruction, jour=timezone.localdate()).au

    refuse = client_agent.post(url(en_instruction), envoi(en_instruction, au))
    assert refuse.status_code == 422 and "malgré les points à vérifier" in refuse.content.decode()
    accepte = client_agent.post(url(en_instruction), envoi(en_instruction, au, reserves_vues="on"), follow=True)
    assert "Attestation délivrée" in dit(accepte)
    assert Evenement.objects.get(nature="prolongation").codes["reserves"] == [reserve]


def test_des_droits_interrompus_se_reprennent_au_lendemain_et_la_page_le_dit(client_agent, en_instruction):
    finit(en_instruction, -10)
    page = client_agent.get(url(en_instruction)).content.decode()
    assert "jour passé" in page and "à la suite des droits en cours" not in page


def test_la_completude_constatee_par_un_agent_l_emporte(en_instruction, le):
    finit(en_instruction, 10)
    en_instruction.complete_au_depot, en_instruction.completude_constatee_le = False, le
    assert operations.reserves(en_instruction, jour=timezone.localdate()) == []


def test_delivrer_l_attestation_fait_presumer_la_demande_complete(en_instruction, agent, le):
    finit(en_instruction, 10)
    Demande.objects.update(complete_au_depot=False)
    en_instruction.refresh_from_db()
    assert operations.reserves(en_instruction, jour=timezone.localdate()) == ["incomplete"]
    prolonger(en_instruction, agent)
    en_instruction.refresh_from_db()
    assert operations.reserves(en_instruction, jour=timezone.localdate()) == []


def test_la_personne_recoit_voit_et_telecharge_son_attestation(client, en_instruction, agent):
    prolongation = prolonger(finit(en_instruction, 10), agent)
    connecter(client, en_instruction.usager.compte)

    page = client.get(reverse("demandes:espace")).content.decode()
    assert f"attestation de prolongation, valable jusqu'au {prolongation.au:%d/%m/%Y}" in page
    assert reverse("demandes:document", args=[prolongation.document.numero]) in page
    suivi = client.get(reverse("demandes:suivi", args=[en_instruction.numero])).content.decode()
    assert f"valable du {prolongation.du:%d/%m/%Y}" in suivi
    lettre = Notification.objects.get(message="prolongation")
    client.post(reverse("demandes:notification_ouvrir", args=[lettre.pk]))
    page = client.get(reverse("demandes:notification", args=[lettre.pk])).content.decode()
    assert "le droit de travailler à titre accessoire" in page and "avec votre titre de séjour expiré" in page
    suivi = client.get(reverse("demandes:suivi", args=[en_instruction.numero])).context["suivi"]
    assert suivi.decision_lue is None and suivi.prolongation == prolongation.document


@pytest.mark.parametrize(
    ("fixture", "etat"), [("proposee", Document.Etat.REMPLACE), ("refus_propose", Document.Etat.RETIRE)]
)
def test_la_decision_eteint_l_attestation_en_cours_et_elle_seule(request, agent, signataire, le, fixture, etat):
    """« Il cesse de valoir dès qu'une décision vous est notifiée » : la page de vérification le dit aussi."""
    demande = request.getfixturevalue(fixture)
    finie = prolonger(finit(demande, -100), agent, le=le).document
    Document.objects.filter(pk=finie.pk).update(valable_du=le - 95 * JOUR, valable_au=le - 5 * JOUR)
    demande.refresh_from_db()
    demande.prolongations.update(du=le - 95 * JOUR, au=le - 5 * JOUR)
    en_cours = prolonger(finit(demande, 5), agent, le=le).document
    demande.refresh_from_db()
    operations.signer(demande, agent=signataire, version=demande.version, le=le)
    finie.refresh_from_db()
    en_cours.refresh_from_db()
    assert (finie.etat, en_cours.etat) == (Document.Etat.EN_VIGUEUR, etat)
    if etat == Document.Etat.REMPLACE:
        assert en_cours.remplace_par == demande.decisions.get().document
