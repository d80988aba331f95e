"""Des lignes écrites par COPY, sans passer par les objets."""

import json

from django.db import models


class Table:
    """Les lignes d'un modèle qui attendent d'être écrites. Les colonnes non nommées prennent le défaut du champ."""

    def __init__(self, modele: type[models.Model], *noms: str):
        champs = [modele._meta.get_field(nom) for nom in noms]
        autres = [champ for champ in modele._meta.concrete_fields if champ not in champs and not champ.primary_key]
        colonnes = ", ".join(f'"{champ.column}"' for champ in (modele._meta.pk, *champs, *autres))
        self.nom, self.ordre = modele._meta.db_table, f'COPY "{modele._meta.db_table}" ({colonnes}) FROM STDIN'
        self.defauts = tuple(_defaut(champ) for champ in autres)
        self.dernier = modele.objects.aggregate(dernier=models.Max("pk"))["dernier"] or 0
        self.lignes = []

    def ajouter(self, *valeurs) -> int:
        """Rend la clé primaire de la ligne."""
        self.dernier += 1
        self.lignes.append((self.dernier, *valeurs, *self.defauts))
        return self.dernier

    def vider(self) -> list[tuple]:
        lignes, self.lignes = self.lignes, []
        return lignes

    def ecrire(self, curseur, lignes: list[tuple]) -> int:
        """Écrit ces lignes, avance la suite des clés, et rend leur nombre."""
        if lignes:
            with curseur.copy(self.ordre) as copie:
                for ligne in lignes:
                    copie.write_row(ligne)
            # Jamais en arrière : des lignes défaites depuis ont pu prendre des clés plus hautes.
            suite = "pg_get_serial_sequence(%(table)s, 'id')"
            curseur.execute(
                f"SELECT setval({suite}, GREATEST(%(derniere)s, nextval({suite})))",
                {"table": self.nom, "derniere": lignes[-1][0]},
            )
        return len(lignes)


def _defaut(champ: models.Field):
    defaut = champ.get_default()
    return json.dumps(defaut) if isinstance(champ, models.JSONField) else defaut
