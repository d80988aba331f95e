"""Le poids des fichiers, dans les pages."""

from django import template

from documents import fichiers

register = template.Library()
register.filter("poids", fichiers.poids)
