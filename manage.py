#!/usr/bin/env python
"""Point d'entrée des commandes d'exploitation."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anef.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
