"""Lire la file, ses filtres et tout un site dans l'ordre, par un index chacun."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("demandes", "0013_stock"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="demande",
            index=models.Index(
                models.F("site"),
                models.F("agent"),
                models.F("fin_de_droits"),
                models.F("echeance_legale"),
                models.F("deposee_le"),
                models.F("id"),
                condition=models.Q(
                    ("etat__in", ("deposee", "en_instruction", "complement_demande", "complement_recu", "proposition"))
                ),
                name="demande_de_l_agent",
            ),
        ),
        migrations.AddIndex(
            model_name="demande",
            index=models.Index(
                models.F("site"),
                models.F("echeance_legale"),
                models.F("fin_de_droits"),
                models.F("deposee_le"),
                models.F("id"),
                condition=models.Q(
                    ("etat__in", ("deposee", "en_instruction", "complement_demande", "complement_recu", "proposition"))
                ),
                name="demande_echeances",
            ),
        ),
        migrations.AddIndex(
            model_name="demande",
            index=models.Index(
                models.F("site"),
                models.OrderBy(models.F("deposee_le"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("deposee_le__isnull", False)),
                name="demande_du_site",
            ),
        ),
        migrations.AddIndex(
            model_name="demande",
            index=models.Index(
                models.F("site"),
                models.F("etat"),
                models.OrderBy(models.F("deposee_le"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("deposee_le__isnull", False)),
                name="demande_par_etat",
            ),
        ),
    ]
