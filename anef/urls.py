from django.contrib import admin
from django.urls import include, path

from usagers.views.connexion import langue

urlpatterns = [
    path("langue/", langue, name="set_language"),
    path("compte/", include("usagers.urls")),
    path("verifier/", include("documents.urls")),
    path("agents/", admin.site.urls),
    path("", include("demandes.urls")),
]

handler404 = "instruction.views.erreurs.introuvable"
handler500 = "demandes.portail.erreurs.erreur_interne"
