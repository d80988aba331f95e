from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("instruction", "0006_exports"),
    ]

    operations = [
        migrations.AddField(
            model_name="lot",
            name="cle",
            field=models.CharField(
                default="",
                max_length=32,
                verbose_name="clé de la page de confirmation : un second clic rend le même lot",
            ),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.UniqueConstraint(fields=("agent", "cle"), name="un_lot_par_confirmation"),
        ),
    ]
