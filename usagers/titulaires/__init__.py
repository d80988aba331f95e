"""Le référentiel des titulaires : ce que les bases de l'État savent des personnes et de leurs titres.

Un fichier CSV en tient lieu (`docs/titulaires.md`). L'import possède l'état civil et les titres ; il n'écrit jamais le
contact, l'adresse, le nom d'usage ni la situation familiale, qui appartiennent au portail (architecture §4.21).
"""
