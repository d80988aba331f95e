from django.urls import include, path

from demandes.views import (
    abandon,
    adresses,
    complement,
    espace,
    etapes,
    pieces,
    recapitulatif,
    reouverture,
    retrait,
    situation,
)

app_name = "demandes"
urlpatterns = [
    path("", include("demandes.portail.urls")),
    path("demandes/", situation.situation, name="situation"),
    path("demandes/adresses/", adresses.suggestions, name="adresses"),
    path("demandes/<int:pk>/", situation.reprendre, name="reprendre"),
    path("demandes/<int:pk>/abandonner/", abandon.abandonner, name="abandonner"),
    path("demandes/<int:pk>/rappel/", situation.rappel, name="rappel"),
    path("demandes/<int:pk>/<slug:code>/", etapes.etape, name="etape"),
    path("demandes/<int:pk>/<slug:code>/brouillon/", etapes.etape_brouillon, name="etape_brouillon"),
    path("demandes/<slug:code>/", situation.preambule, name="preambule"),
    path("demandes/<slug:code>/commencer/", situation.commencer, name="commencer"),
    path("demandes/<slug:code>/pieces.pdf", situation.pieces_liste, name="pieces_liste"),
    path("demandes/<int:pk>/pieces/<slug:code>/", pieces.ajouter, name="piece_ajouter"),
    path("demandes/<int:pk>/pieces/<int:piece>.fichier", pieces.voir, name="piece_voir"),
    path("demandes/deposees/<slug:numero>/", recapitulatif.confirmation, name="confirmation"),
    path("espace/", espace.espace, name="espace"),
    path("espace/notifications/", espace.notifications, name="notifications"),
    path("espace/notifications/<int:pk>/", espace.notification, name="notification"),
    path("espace/notifications/<int:pk>/ouvrir/", espace.notification_ouvrir, name="notification_ouvrir"),
    path("espace/notifications/<int:pk>/repondre/", complement.repondre, name="complement"),
    path("espace/notifications/<int:pk>/brouillon/", complement.brouillon, name="complement_brouillon"),
    path("espace/demandes/<slug:numero>/", espace.suivi, name="suivi"),
    path("espace/demandes/<slug:numero>/retirer/", retrait.retirer, name="retirer"),
    path("espace/demandes/<slug:numero>/rouvrir/", reouverture.rouvrir, name="rouvrir"),
    path("espace/documents/<slug:numero>.pdf", espace.document, name="document"),
]
