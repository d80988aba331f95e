"""Redis arrêté ou figé : la page répond quand même, et tout part quand il revient."""

import pytest
from django.urls import reverse

from documents.models import Document
from notifications.models import Envoi
from tests.pannes.serveurs import Visiteur, attendre, balayer
from tests.pannes.test_web import deposer

pytestmark = [pytest.mark.panne, pytest.mark.django_db(transaction=True)]


# Figé, il retient une seconde le réveil du rendu, et une autre celui des envois.
@pytest.mark.parametrize(("panne", "secondes"), [("arreter", 3), ("figer", 4)])
def test_le_depot_repond_vite_et_tout_part_au_retour_du_courtier(
    servir, travailler, courtier, smtp, boite, brouillon_relu, tmp_path, panne, secondes
):
    web = servir(REDIS_URL=courtier.url)
    visiteur = Visiteur(web.port, brouillon_relu.usager.compte)
    assert visiteur.get(reverse("demandes:etape", args=[brouillon_relu.pk, "recapitulatif"])).status == 200
    getattr(courtier, panne)()

    reponse = deposer(visiteur, brouillon_relu)
    brouillon_relu.refresh_from_db()
    suivantes = [
        visiteur.get(chemin)
        for chemin in (
            reverse("demandes:confirmation", args=[brouillon_relu.numero]),
            reverse("demandes:espace"),
            reverse("documents:verifier") + "?c=DC04",
        )
    ]

    assert (reponse.status, [page.status for page in suivantes]) == (302, [200] * 3)
    print(f"\nsans courtier : dépôt {reponse.duree:.2f} s, pages {[round(page.duree, 2) for page in suivantes]}")
    assert max(page.duree for page in (reponse, *suivantes)) < secondes
    assert brouillon_relu.numero in suivantes[0]

    courtier.arreter()
    courtier.relancer()
    travailleur = travailler(courtier, EMAIL_URL=f"smtp://127.0.0.1:{smtp.port}")
    balayer(courtier)
    attendre(lambda: not Envoi.objects.exclude(etat="envoye").exists(), quoi="les envois", processus=travailleur)
    assert len(boite.messages) == 1
    assert len(list((tmp_path / "sms").iterdir())) == 1
    pdf = visiteur.get(reverse("demandes:document", args=[Document.objects.get().numero]))
    assert pdf.status == 200 and pdf.corps.startswith(b"%PDF-")
