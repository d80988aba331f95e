"""Les coordonnées d'un site ont une date d'effet ; celles d'avant valent depuis toujours."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

import demandes.models.reference

CHAMPS = "adresse, courriel, telephone, horaires, invente"
DATER = f"""
INSERT INTO demandes_coordonneessite (site_id, du, information, information_en, consigne_retrait, {CHAMPS})
SELECT code, DATE '2000-01-01', '', '', '', {CHAMPS} FROM demandes_site
"""
AUJOURDHUI = "(now() AT TIME ZONE 'Europe/Paris')::date"
# Au retour, celles du jour en France (la base compte en temps universel) ; à défaut, les plus proches.
REPRENDRE = f"""
UPDATE demandes_site SET ({CHAMPS}) = (
    SELECT {CHAMPS} FROM demandes_coordonneessite
    WHERE site_id = code AND du IS NOT NULL
    ORDER BY du > {AUJOURDHUI}, abs(du - {AUJOURDHUI}) LIMIT 1
)
WHERE code IN (SELECT site_id FROM demandes_coordonneessite WHERE du IS NOT NULL)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("demandes", "0015_relances"),
    ]

    operations = [
        migrations.CreateModel(
            name="CoordonneesSite",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "du",
                    models.DateField(
                        blank=True,
                        help_text="Vide\xa0: chargé, pas en vigueur.",
                        null=True,
                        verbose_name="en vigueur du",
                    ),
                ),
                (
                    "au",
                    models.DateField(
                        blank=True,
                        help_text="Vide\xa0: sans fin. Sans suite, elles restent montrées.",
                        null=True,
                        verbose_name="au (compris)",
                    ),
                ),
                ("adresse", models.CharField(max_length=200)),
                ("courriel", models.EmailField(max_length=254)),
                ("telephone", models.CharField(max_length=20, verbose_name="téléphone")),
                ("horaires", models.CharField(blank=True, max_length=200)),
                (
                    "information",
                    models.TextField(
                        blank=True,
                        help_text="Montrée avec les coordonnées, par exemple «\xa0Le service est fermé du 24 au "
                        "31 décembre.\xa0»",
                        max_length=500,
                        verbose_name="information au public",
                    ),
                ),
                (
                    "information_en",
                    models.TextField(blank=True, max_length=500, verbose_name="information au public, en anglais"),
                ),
                (
                    "consigne_retrait",
                    models.TextField(
                        blank=True,
                        help_text="Proposée aux agents qui annoncent un titre disponible\xa0; ils peuvent la changer.",
                        max_length=300,
                        verbose_name="consigne de retrait",
                    ),
                ),
                ("invente", models.BooleanField(default=False, verbose_name="coordonnées inventées, à remplacer")),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="coordonnees", to="demandes.site"
                    ),
                ),
            ],
            options={
                "verbose_name": "coordonnées d'un site",
                "verbose_name_plural": "coordonnées des sites",
                "ordering": ["site_id", models.OrderBy(models.F("du"), descending=True, nulls_first=True)],
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("du__isnull", False)),
                        expressions=[
                            ("site", "="),
                            (
                                demandes.models.reference.Periode(models.F("du"), models.F("au"), models.Value("[]")),
                                "&&",
                            ),
                        ],
                        name="coordonnees_sans_chevauchement",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("au__gte", models.F("du"))), name="coordonnees_dans_l_ordre"
                    ),
                ],
            },
        ),
        migrations.RunSQL(DATER, REPRENDRE),
        # Facultatifs avant de partir : au retour, la colonne naît vide sous les sites déjà là.
        *(
            migrations.AlterField("site", nom, models.CharField(max_length=longueur, blank=True))
            for nom, longueur in (("adresse", 200), ("courriel", 254), ("telephone", 20))
        ),
        *(migrations.RemoveField("site", nom) for nom in CHAMPS.split(", ")),
    ]
