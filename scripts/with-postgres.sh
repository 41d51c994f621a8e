#!/usr/bin/env bash
# Runs a command with LIANMAI_CRASH_POSTGRES_URL naming an empty data base, on a server that ends with the command:
# scripts/with-postgres.sh cargo test -p server --features postgres --test process crash
set -euo pipefail
FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/lianmai-pg-XXXXXX")
PASSWORD=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
PORT=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
export FOLDER PASSWORD PORT
as=()
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root.
  chown 65534:65534 "$FOLDER"
  as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
# It ends when nobody holds the other end of its input any more.
coproc SERVER { exec "${as[@]}" sh -c "$(cat "$(dirname "$0")/throw-away-postgres.sh")"; }
read -r said <&"${SERVER[0]}" && [ "$said" = ready ]
server=$SERVER_PID input=${SERVER[1]}
status=0
LIANMAI_CRASH_POSTGRES_URL="postgres://lianmai@/postgres?host=$FOLDER&port=$PORT" "$@" || status=$?
exec {input}>&-
wait "$server" || true
exit "$status"
