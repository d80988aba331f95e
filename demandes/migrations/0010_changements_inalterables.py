"""Ce qui a été changé du droit ne se réécrit pas, et la table ne se vide pas."""

from django.db import migrations

TABLE = "demandes_changement"
POSER = f"""
CREATE FUNCTION journal_sans_vidage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'le journal ne se vide pas' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER journal_inalterable BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION journal_inalterable();
CREATE TRIGGER journal_sans_vidage BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION journal_sans_vidage();
"""
RETIRER = f"""
DROP TRIGGER journal_sans_vidage ON {TABLE};
DROP TRIGGER journal_inalterable ON {TABLE};
DROP FUNCTION journal_sans_vidage();
"""


class Migration(migrations.Migration):
    dependencies = [("demandes", "0009_droit_qui_change")]

    operations = [migrations.RunSQL(POSER, RETIRER)]
