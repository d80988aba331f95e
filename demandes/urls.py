from django.urls import include, path

app_name = "demandes"
urlpatterns = [
    path("", include("demandes.portail.urls")),
]
