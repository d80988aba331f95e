"""Les données de référence : lues par tout agent, changées par l'administrateur fonctionnel. Aucune demande ici."""

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from dsfr.models import DsfrConfig

from demandes.models import Bareme, CoordonneesSite, Motif, PieceReference, Site
from instruction.admin.agents import AgentAdmin
from instruction.admin.references import BaremeAdmin, CoordonneesSiteAdmin, MotifAdmin, PieceReferenceAdmin, SiteAdmin
from instruction.models import Agent

# Les rôles ne sont pas des groupes, les essais de connexion portent des adresses IP, l'aspect se règle par fichier, les
# clés des seconds facteurs ne se montrent pas.
admin.site.unregister([Group, AccessAttempt, AccessFailureLog, AccessLog, DsfrConfig, StaticDevice, TOTPDevice])
admin.site.disable_action("delete_selected")
admin.site.register(Agent, AgentAdmin)
admin.site.register(Bareme, BaremeAdmin)
admin.site.register(CoordonneesSite, CoordonneesSiteAdmin)
admin.site.register(Motif, MotifAdmin)
admin.site.register(PieceReference, PieceReferenceAdmin)
admin.site.register(Site, SiteAdmin)
