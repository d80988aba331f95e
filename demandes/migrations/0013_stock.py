"""Compter le stock d'un site, et son âge, sans lire les dossiers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("demandes", "0012_code_de_motif")]

    operations = [
        migrations.AddIndex(
            model_name="demande",
            index=models.Index(
                condition=models.Q(
                    (
                        "etat__in",
                        (
                            "deposee",
                            "en_instruction",
                            "complement_demande",
                            "complement_recu",
                            "proposition",
                            "favorable",
                            "en_fabrication",
                            "titre_disponible",
                        ),
                    )
                ),
                fields=["site", "demarche", "etat", "deposee_le"],
                name="demande_stock",
            ),
        ),
    ]
