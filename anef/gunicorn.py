"""Réglages de gunicorn : `gunicorn --config python:anef.gunicorn anef.wsgi`."""

from pathlib import Path

import environ

from anef.journaux import LOGGING

env = environ.Env()
bind = env.str("ECOUTE", "127.0.0.1:8000")
workers = env.int("WEB_PROCESSUS", 2)
threads = env.int("WEB_FILS", 4)
preload_app = False
timeout = 30
graceful_timeout = 10
max_requests = 5000
max_requests_jitter = 500
# Le battement des processus ne doit pas attendre un disque occupé.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
logconfig_dict = LOGGING
