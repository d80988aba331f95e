import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anef.settings")
# Une page renonce vite à un verrou ou à une requête lente ; les commandes et le worker ont le temps. Une production
# derrière PgBouncer pose ces délais sur le rôle du web et rend cette variable vide.
os.environ.setdefault("PGOPTIONS", "-c lock_timeout=5s -c statement_timeout=15s")
application = get_wsgi_application()

from anef.controles import refuser_base_de_demonstration  # noqa: E402

refuser_base_de_demonstration()
