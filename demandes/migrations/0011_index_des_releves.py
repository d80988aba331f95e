"""Relever le journal par jour, et le site qui tenait un dossier, sans le parcourir en entier."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("demandes", "0010_changements_inalterables")]

    operations = [
        migrations.AddIndex(
            model_name="evenement",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["le"], name="evenement_le"),
        ),
        migrations.AddIndex(
            model_name="evenement",
            index=models.Index(
                condition=models.Q(("nature", "transfert")), fields=["demande", "id"], name="evenement_transferts"
            ),
        ),
    ]
