app_name = "usagers"
urlpatterns = []
