"""Les exports du journal : une demande, puis le fichier que le travailleur en fait."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0001_initial"),
        ("instruction", "0005_controle_des_pieces"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("journal", models.CharField(max_length=15)),
                ("filtres", models.JSONField(default=dict, verbose_name="ceux de l'écran, en codes")),
                ("demande_le", models.DateTimeField()),
                ("bail", models.DateTimeField(blank=True, null=True, verbose_name="pris jusqu'à")),
                ("fini_le", models.DateTimeField(blank=True, null=True)),
                ("lignes", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exports", to="instruction.agent"
                    ),
                ),
                (
                    "fichier",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exports",
                        to="documents.fichier",
                    ),
                ),
            ],
            options={
                "verbose_name": "export",
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("fini_le__isnull", True)), fields=["demande_le"], name="export_a_faire"
                    )
                ],
            },
        ),
    ]
