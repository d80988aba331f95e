from django.contrib import admin


class Administration(admin.AdminSite):
    site_header = "Étrangers en France — espace des agents"
