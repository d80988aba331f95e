"""Les chiffres du service, comptés d'avance par jour, site et démarche."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("demandes", "0007_choix_de_l_instruction"), ("instruction", "0007_lots")]

    operations = [
        migrations.CreateModel(
            name="ReleveQuotidien",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("jour", models.DateField(db_index=True)),
                ("demarche", models.CharField(max_length=30, verbose_name="code de la démarche")),
                ("mesure", models.CharField(max_length=20, verbose_name="code d'un état, ou de `Mesure`")),
                ("nombre", models.PositiveIntegerField()),
                (
                    "delais",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="d'une décision : les jours écoulés depuis chaque dépôt",
                    ),
                ),
                ("releve_le", models.DateTimeField()),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="demandes.site",
                    ),
                ),
            ],
            options={
                "verbose_name": "relevé quotidien",
                "verbose_name_plural": "relevés quotidiens",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("site", "jour", "demarche", "mesure"), name="un_releve_par_jour_et_mesure"
                    )
                ],
            },
        ),
    ]
