"""Ce que l'administration a noté d'un droit ou d'un second facteur ne se réécrit pas non plus."""

from django.db import migrations

TABLE = "django_admin_log"


class Migration(migrations.Migration):
    dependencies = [("instruction", "0008_releve_quotidien"), ("admin", "0003_logentry_add_action_flag_choices")]

    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER journal_inalterable BEFORE UPDATE OR DELETE ON {TABLE} "
            "FOR EACH ROW EXECUTE FUNCTION lecture_inalterable();",
            f"DROP TRIGGER journal_inalterable ON {TABLE};",
        ),
    ]
