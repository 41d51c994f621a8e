#!/usr/bin/env bash
# Shows the whole product on this machine: a server, two synthetic hosts in a PK battle with gifts arriving and sales
# counting down. Ctrl-C stops everything that it started.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${LIANMAI_BIN_DIR:-target/release}
media=${LIANMAI_MEDIA_DIR:-target/media}

[ -x "$bin/lianmai" ] || { echo "demo: $bin/lianmai is not built; run 'make demo'" >&2; exit 1; }
"$bin/lianmai-load" media --out "$media"

pids=()
stop() {
  trap - INT TERM EXIT
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM
trap stop EXIT

# Its own greeting names an empty room; the demo prints where the battle is.
"$bin/lianmai" serve --dev "$@" > /dev/null &
pids+=($!)
"$bin/lianmai-load" demo --media "$media" &
pids+=($!)
# Whichever ends first ends the demo.
wait -n "${pids[@]}"
