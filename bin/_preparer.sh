#!/usr/bin/env bash
# Met la base et les fichiers au niveau du code (« base »), puis charge la démonstration (« demo ») ; sans argument, les
# deux. Rejouable sans rien perdre. Lancé par bin/demarrer et par docker-compose.yml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/.venv/bin:$PATH
gerer() { python manage.py "$@"; }

base() {
  gerer collectstatic --noinput --clear --verbosity 0 &
  local collecte=$!
  gerer compilemessages --ignore .venv --ignore var --verbosity 0
  gerer migrate --noinput --verbosity 0
  gerer charger_lieux
  gerer charger_sites
  gerer charger_droit
  gerer creer_autorite_test
  wait "$collecte"
}

# Ses dates suivent le jour du chargement : on la recharge un autre jour pour que ses cas restent vrais.
demo() {
  gerer importer_titulaires usagers/donnees/titulaires.demo.csv
  gerer importer_adresses usagers/donnees/adresses.demo.csv
  gerer charger_demonstration | tee "${DOSSIER_VAR:-var}/demonstration.txt"
}

for partie in "${@:-base demo}"; do
  for fonction in $partie; do "$fonction"; done
done
