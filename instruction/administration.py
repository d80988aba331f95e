from django.contrib import admin


class Administration(admin.AdminSite):
    site_header = "Étrangers en France — espace des agents"
    site_title = "Espace des agents"
    index_title = "Référentiels et comptes"
    enable_nav_sidebar = False
