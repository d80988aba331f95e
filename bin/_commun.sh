# Ce que bin/demarrer et bin/tester partagent : paquets Debian, environnement Python, serveurs privés.
# Se lit par « source » ; RACINE est le dossier du dépôt.
# shellcheck shell=bash

RACINE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$RACINE" || exit 1
export LC_ALL=C.UTF-8

# Un réglage écrit dans .env compte comme s'il était dans l'environnement, qui l'emporte.
for reglage in DATABASE_URL REDIS_URL; do
  if [ -z "${!reglage:-}" ] && [ -r .env ]; then export "$reglage=$(sed -n "s/^$reglage=//p" .env | tail -n 1)"; fi
done

dire() { printf '%s\n' "$@"; }
etape() { printf '· %s\n' "$*"; }
echouer() { printf '\n%s\n' "$*" >&2; exit 1; }

# --- Paquets Debian --------------------------------------------------------------------------------------------------
# Sur Debian 13, certains noms (libmagic1) ne sont plus que fournis par un autre paquet : on regarde aussi « Provides ».
paquets_manquants() {
  comm -23 <(printf '%s\n' "$@" | sort -u) <(
    dpkg-query -W -f '${db:Status-Abbrev}\t${Package}, ${Provides}\n' 2>/dev/null |
      sed -n 's/^ii *\t//p' | tr ',' '\n' | sed 's/(.*//; s/ //g' | sort -u)
}

installer_paquets() {
  local manquants
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echouer "Ce système n'est pas un Debian (12 ou 13). Installez les équivalents de ces paquets : $*," \
      "posez DATABASE_URL et REDIS_URL, créez .venv depuis requirements.txt — ou lancez : docker compose up"
  fi
  mapfile -t manquants < <(paquets_manquants "$@")
  [ ${#manquants[@]} -eq 0 ] && return
  etape "Installation des paquets Debian : ${manquants[*]}"
  local commande=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || echouer "Il manque des paquets Debian et le droit de les installer. En root :" \
      "apt-get install --no-install-recommends ${manquants[*]}"
    # Sans terminal, sudo ne peut pas demander de mot de passe.
    [ -t 0 ] || sudo -n true 2>/dev/null || echouer "Il manque des paquets Debian et sudo demande un mot de passe." \
      "Lancez : sudo apt-get install --no-install-recommends ${manquants[*]}"
    commande=(sudo "${commande[@]}")
  fi
  mkdir -p var/journaux
  { "${commande[@]}" update && "${commande[@]}" install -y --no-install-recommends "${manquants[@]}"; } \
    >var/journaux/apt.log 2>&1 || {
    tail -n 5 var/journaux/apt.log >&2
    echouer "Les paquets n'ont pas pu être installés (détail : var/journaux/apt.log). Vérifiez le réseau et les droits," \
      "puis relancez, ou installez vous-même : ${manquants[*]}"
  }
}

# La liste commune, puis les serveurs que l'environnement ne fournit pas déjà.
paquets_de_base() {
  sed 's/#.*//; /^ *$/d' bin/paquets.txt
  [ -n "${DATABASE_URL:-}" ] || dire postgresql
  [ -n "${REDIS_URL:-}" ] || dire redis-server
}

# --- Python ----------------------------------------------------------------------------------------------------------
# installer_python VERROU : .venv conforme à ce verrou. requirements-dev.txt contient requirements.txt (un test le tient).
installer_python() {
  local verrou=$1 python candidat empreinte
  empreinte=$(sha256sum <"$verrou" | cut -c1-64)
  if grep -qs "$empreinte" .venv/verrous && .venv/bin/python -c '' 2>/dev/null; then return; fi
  for candidat in python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
    if "$candidat" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      python=$candidat && break
    fi
  done
  [ -n "${python:-}" ] || echouer "Aucun Python 3.11 à 3.13 n'a été trouvé : il faut un Debian 12 ou 13 (ou : docker compose up)."
  etape "Installation des bibliothèques Python ($verrou)"
  mkdir -p var/journaux
  .venv/bin/python -c '' 2>/dev/null || { rm -rf .venv && "$python" -m venv .venv; } ||
    echouer "L'environnement Python n'a pas pu être créé dans .venv : vérifiez la place et les droits de ce dossier."
  .venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r "$verrou" \
    >var/journaux/pip.log 2>&1 || {
    tail -n 5 var/journaux/pip.log >&2
    echouer "Les bibliothèques Python n'ont pas pu être installées (détail : var/journaux/pip.log)." \
      "Vérifiez l'accès au dépôt de paquets Python, puis relancez."
  }
  { dire "$empreinte"; [ "$verrou" != requirements-dev.txt ] || sha256sum <requirements.txt | cut -c1-64; } >.venv/verrous
}

# --- Serveurs privés -------------------------------------------------------------------------------------------------
# PostgreSQL refuse d'être root. En root, il tourne dans un espace de noms d'utilisateur (les fichiers restent à root),
# ou, là où le noyau l'interdit (chroot, conteneur), sous le compte « postgres » du paquet. Le choix fait à la création
# du dossier est gardé : il décide du propriétaire des fichiers.
comme_postgres() {
  case $PG_MODE in
  direct) "$@" ;;
  espace) unshare --user --map-user=1000 --map-group=1000 -- "$@" ;;
  compte) runuser -u postgres -- "$@" ;;
  esac
}

# choisir_dossiers DOSSIER : où vont les données (PG_DONNEES) et les prises (PRISES) des serveurs de DOSSIER.
choisir_dossiers() {
  local cle
  SERVICES=$RACINE/$1
  mkdir -p "$SERVICES"
  cle=$(printf '%s' "$SERVICES" | cksum | cut -d' ' -f1)
  if [ -s "$SERVICES/pg.mode" ]; then PG_MODE=$(<"$SERVICES/pg.mode")
  elif [ "$(id -u)" != 0 ]; then PG_MODE=direct
  elif unshare --user --map-user=1000 --map-group=1000 -- true 2>/dev/null; then PG_MODE=espace
  else PG_MODE=compte; fi
  PG_DONNEES=$SERVICES/pg PRISES=$SERVICES/prises
  # Le compte « postgres » doit pouvoir traverser les dossiers parents (/root, par exemple, le lui interdit).
  if [ "$PG_MODE" = compte ] && ! runuser -u postgres -- test -x "$SERVICES" 2>/dev/null; then
    PG_DONNEES=/var/lib/anef-sejour/$cle/pg PRISES=/tmp/anef-$cle
  fi
  # Un chemin de prise tient en 107 octets et se lit tel quel dans une URL.
  if [ $((${#PRISES} + 16)) -gt 107 ] || [[ $PRISES =~ [^a-zA-Z0-9/._-] ]]; then PRISES=/tmp/anef-$cle; fi
}

# Le dossier des prises n'est ouvert qu'à nous (les serveurs privés n'ont pas de mot de passe). Ailleurs que sous var/,
# un lien l'y montre : les réglages et les commandes d'exploitation le suivent.
creer_prises() {
  mkdir -p "$PRISES"
  case $(stat -c %U "$PRISES") in "$(id -un)" | postgres) ;; *) echouer "$PRISES appartient à un autre compte : effacez-le." ;; esac
  chmod 700 "$PRISES"
  [ "$PRISES" = "$SERVICES/prises" ] || ln -sfn "$PRISES" "$SERVICES/prises"
}

# demarrer_postgres [options du serveur] : DATABASE_URL désigne ensuite la base « anef ».
demarrer_postgres() {
  local bin options
  [ -n "${DATABASE_URL:-}" ] && return
  bin=$(find /usr/lib/postgresql/*/bin -maxdepth 0 2>/dev/null | sort -V | tail -n 1)
  # Une base créée par une version de PostgreSQL ne s'ouvre qu'avec elle.
  if [ -s "$PG_DONNEES/PG_VERSION" ]; then bin=/usr/lib/postgresql/$(<"$PG_DONNEES/PG_VERSION")/bin; fi
  [ -x "$bin/pg_ctl" ] || echouer "Le PostgreSQL qui a créé $PG_DONNEES n'est plus là (${bin%/bin})." \
    "Réinstallez-le, ou effacez ces données : bin/demarrer --reinitialiser"
  mkdir -p "$(dirname "$PG_DONNEES")"
  creer_prises
  [ "$PG_MODE" != compte ] || chown postgres "$PRISES"
  dire "$PG_MODE" >"$SERVICES/pg.mode"
  JOURNAL_PG=$PG_DONNEES/journal.log
  # Créée à côté puis mise en place : une création interrompue se recommence.
  if [ ! -s "$PG_DONNEES/PG_VERSION" ]; then
    rm -rf "$PG_DONNEES" "$PG_DONNEES.neuf"
    mkdir -m 700 "$PG_DONNEES.neuf"
    [ "$PG_MODE" != compte ] || chown postgres "$PG_DONNEES.neuf"
    comme_postgres "$bin/initdb" -D "$PG_DONNEES.neuf" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
      >"$SERVICES/initdb.log" 2>&1 || { tail -n 5 "$SERVICES/initdb.log" >&2; echouer "PostgreSQL n'a pas pu créer $PG_DONNEES."; }
    mv "$PG_DONNEES.neuf" "$PG_DONNEES"
  fi
  if ! comme_postgres "$bin/pg_ctl" -D "$PG_DONNEES" status >/dev/null 2>&1; then
    options="-c listen_addresses= -c unix_socket_directories='$PRISES' $*"
    comme_postgres "$bin/pg_ctl" -D "$PG_DONNEES" -w -l "$JOURNAL_PG" -o "$options" start >/dev/null 2>&1 ||
      { tail -n 5 "$JOURNAL_PG" >&2; echouer "PostgreSQL n'a pas démarré (détail : $JOURNAL_PG)."; }
  fi
  PG_A_ARRETER=$bin/pg_ctl
  "$bin/psql" -h "$PRISES" -U postgres -Atqc "SELECT 1 FROM pg_database WHERE datname = 'anef'" | grep -q 1 ||
    "$bin/createdb" -h "$PRISES" -U postgres anef
  export DATABASE_URL="postgres://postgres@/anef?host=$PRISES"
}

demarrer_redis() {
  [ -n "${REDIS_URL:-}" ] && return
  creer_prises
  if ! redis-cli -s "$PRISES/redis.sock" ping >/dev/null 2>&1; then
    redis-server --port 0 --unixsocket "$PRISES/redis.sock" --unixsocketperm 700 --save '' --appendonly no \
      --daemonize yes --dir "$SERVICES" --logfile "$SERVICES/redis.log" >/dev/null ||
      echouer "Redis n'a pas démarré (détail : $SERVICES/redis.log)."
    for _ in $(seq 50); do redis-cli -s "$PRISES/redis.sock" ping >/dev/null 2>&1 && break; sleep 0.1; done
  fi
  REDIS_A_ARRETER=1
  export REDIS_URL="redis+socket://$PRISES/redis.sock"
}

# Les serveurs privés de ce dossier, dans l'ordre inverse ; ceux d'une exécution tuée avant de finir, aussi.
arreter_services() {
  [ -z "${REDIS_A_ARRETER:-}" ] || redis-cli -s "$PRISES/redis.sock" shutdown nosave >/dev/null 2>&1 || true
  [ -z "${PG_A_ARRETER:-}" ] || comme_postgres "$PG_A_ARRETER" -D "$PG_DONNEES" -m fast -w stop >/dev/null 2>&1 || true
  REDIS_A_ARRETER='' PG_A_ARRETER=''
}
