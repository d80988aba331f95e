from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

urlpatterns = [
    path("langue/", set_language, name="set_language"),
    path("compte/", include("usagers.urls")),
    path("verifier/", include("documents.urls")),
    path("agents/", admin.site.urls),
    path("", include("demandes.urls")),
]
