from django.urls import include, path

from demandes.views import espace

app_name = "demandes"
urlpatterns = [
    path("", include("demandes.portail.urls")),
    path("espace/", espace.espace, name="espace"),
    path("espace/notifications/", espace.notifications, name="notifications"),
    path("espace/notifications/<int:pk>/", espace.notification, name="notification"),
    path("espace/notifications/<int:pk>/ouvrir/", espace.notification_ouvrir, name="notification_ouvrir"),
    path("espace/demandes/<slug:numero>/", espace.suivi, name="suivi"),
    path("espace/documents/<slug:numero>.pdf", espace.document, name="document"),
]
