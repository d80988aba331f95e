"""Ce que les agents ont lu et noté ne se réécrit pas : le déclencheur du journal des actes y veille aussi."""

from django.db import migrations

TABLES = ("instruction_consultation", "instruction_noteinterne", "instruction_accesexceptionnel")
POSER = "CREATE TRIGGER journal_inalterable BEFORE UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION {}();"
FONCTION = """
CREATE FUNCTION lecture_inalterable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'le journal des lectures ne se modifie pas' USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("instruction", "0003_instruction"), ("demandes", "0003_journal_inalterable")]

    operations = [
        migrations.RunSQL(FONCTION, "DROP FUNCTION lecture_inalterable();"),
        *(
            migrations.RunSQL(
                POSER.format(table, "lecture_inalterable" if "acces" in table else "journal_inalterable"),
                f"DROP TRIGGER journal_inalterable ON {table};",
            )
            for table in TABLES
        ),
    ]
