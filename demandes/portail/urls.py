from django.conf import settings
from django.urls import path

from demandes.portail import demonstration, erreurs, views

urlpatterns = [
    path("", views.accueil, name="accueil"),
    path("orientation/", views.orientation, name="orientation"),
    path("rechercher/", views.rechercher, name="rechercher"),
    path("a-venir/<slug:code>/", views.a_venir, name="a_venir"),
    path("contact/", views.contact, name="contact"),
    path("aide/", views.aide, name="aide"),
    path("plan-du-site/", views.plan, name="plan"),
    path("mentions-legales/", views.mentions, name="mentions"),
    path("accessibilite/", views.accessibilite, name="accessibilite"),
    path("donnees-personnelles/", views.donnees, name="donnees"),
    path("erreur.css", erreurs.feuille, name="feuille_erreur"),
]
if settings.DEMONSTRATION:
    urlpatterns += demonstration.routes
