"""N'importe quoi, envoyé à chaque adresse du portail par n'importe qui : une réponse, jamais une erreur interne."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.longs.monde import ADRESSES
from tests.longs.saisies import ESSAIS, contenus, fichiers, navigateur, saisie, sans_suite

pytestmark = [pytest.mark.long, pytest.mark.django_db]
PAR_ADRESSE = 60
TYPES_DE_CORPS = (
    "application/json", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=rien",
    "multipart/form-data", "multipart/form-data; boundary=a", "text/plain", "",
)  # fmt: skip
ENTETES = (
    {}, {}, {"HTTP_ACCEPT_LANGUAGE": "xx;q=é,*"}, {"HTTP_COOKIE": "sessionid=\x00; django_language=../xx"},
    {"HTTP_REFERER": "\x00"}, {"HTTP_X_FORWARDED_FOR": "x, y"}, {"REMOTE_ADDR": ""}, {"HTTP_HOST": "localhost:99999"},
)  # fmt: skip


@pytest.mark.parametrize("nom", sorted(ADRESSES))
def test_aucun_envoi_ne_fait_d_erreur_interne(monde, nom):
    @settings(ESSAIS, max_examples=PAR_ADRESSE)
    @given(st.data())
    def essayer(donnees):
        qui = donnees.draw(monde.personnes(nom), label="qui")
        adresse = donnees.draw(monde.adresses(nom, qui), label="adresse")
        proposes = monde.champs(qui, adresse)
        envoi = donnees.draw(saisie(proposes), label="envoi")
        with sans_suite():
            client = navigateur(monde.visiteurs[qui])
            genre = donnees.draw(
                st.sampled_from(["envoi", "envoi", "envoi", "fichiers", "corps", "lecture"]), label="genre"
            )
            if genre == "fichiers":
                noms = [nom for nom in proposes if nom.startswith(("fichier", "remplacer"))] or ["fichier"]
                joints = donnees.draw(
                    st.dictionaries(st.one_of(st.sampled_from(noms), st.just("x")), fichiers, min_size=1, max_size=2)
                )
                reponse = client.post(adresse, envoi | joints)
            elif genre == "corps":
                corps = donnees.draw(contenus)
                type_mime = donnees.draw(st.sampled_from(TYPES_DE_CORPS))
                reponse = client.generic("POST", adresse, corps, type_mime)
            elif genre == "lecture":
                reponse = client.get(adresse, envoi)
            else:
                reponse = client.post(adresse, envoi, **donnees.draw(st.sampled_from(ENTETES)))
            assert reponse.status_code < 500
            reponse.getvalue()

    essayer()
