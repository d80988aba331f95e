from django.urls import path

from usagers.views import connexion, coordonnees, inscription, mots_de_passe

app_name = "usagers"
urlpatterns = [
    path("connexion/", connexion.ConnexionView.as_view(), name="connexion"),
    path("deconnexion/", connexion.deconnexion, name="deconnexion"),
    path("session/", connexion.session_prolonger, name="session_prolonger"),
    path("creer/", inscription.creer, name="creer"),
    path("creer/courriel/", inscription.creer_courriel, name="creer_courriel"),
    path("creer/enregistree/", inscription.creer_enregistree, name="creer_enregistree"),
    path("activer/<str:jeton>/", inscription.activer, name="activer"),
    path("cree/", inscription.cree, name="cree"),
    path("mot-de-passe/", mots_de_passe.mot_de_passe_modifier, name="mot_de_passe_modifier"),
    path("mot-de-passe/oublie/", mots_de_passe.mot_de_passe_oublie, name="mot_de_passe_oublie"),
    path("mot-de-passe/demande/", mots_de_passe.mot_de_passe_demande, name="mot_de_passe_demande"),
    path("mot-de-passe/<str:jeton>/", mots_de_passe.mot_de_passe_nouveau, name="mot_de_passe_nouveau"),
    path("informations/", coordonnees.informations, name="informations"),
    path("informations/modifier/", coordonnees.informations_modifier, name="informations_modifier"),
    path("courriel/", coordonnees.courriel_modifier, name="courriel_modifier"),
    path("courriel/annuler/", coordonnees.courriel_annuler, name="courriel_annuler"),
    path("courriel/<str:jeton>/", coordonnees.courriel_confirmer, name="courriel_confirmer"),
]
