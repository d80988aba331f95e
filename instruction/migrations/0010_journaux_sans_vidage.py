"""Aucun journal ne se vide d'un ordre : ni les actes, ni les lectures, ni les notes, ni les droits."""

from django.db import migrations

TABLES = (
    "demandes_evenement",
    "instruction_consultation",
    "instruction_noteinterne",
    "instruction_accesexceptionnel",
    "django_admin_log",
)


class Migration(migrations.Migration):
    dependencies = [("instruction", "0009_droits_inalterables"), ("demandes", "0010_changements_inalterables")]

    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER journal_sans_vidage BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION journal_sans_vidage();",
            f"DROP TRIGGER journal_sans_vidage ON {table};",
        )
        for table in TABLES
    ]
