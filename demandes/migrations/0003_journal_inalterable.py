"""Le journal n'est ni modifié ni effacé : un déclencheur le refuse avant l'âge légal d'effacement."""

from django.db import migrations

# Âge à partir duquel une ligne du journal peut être supprimée. Dix ans : choix du projet, en attente de la durée
# fixée par le registre des traitements (domaine §12.3).
POSER = """
CREATE FUNCTION journal_inalterable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.le < now() - interval '10 years' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'le journal ne se modifie pas' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER journal_inalterable BEFORE UPDATE OR DELETE ON demandes_evenement
    FOR EACH ROW EXECUTE FUNCTION journal_inalterable();
"""
RETIRER = "DROP TRIGGER journal_inalterable ON demandes_evenement; DROP FUNCTION journal_inalterable();"


class Migration(migrations.Migration):
    dependencies = [("demandes", "0002_initial")]

    operations = [migrations.RunSQL(POSER, RETIRER)]
