#!/usr/bin/env bash
# What takes too long for every change: chance on a stage for ten minutes (CHAOS_SECONDS, CHAOS_SEED), and kills of the
# server under load (LIANMAI_KILLS, LIANMAI_SEED), with its ledger in a file and in PostgreSQL.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked -p server -p mixer -p load-tester
(cd e2e && npm ci --silent --no-fund --no-audit)
target/debug/lianmai-load media --out target/media
node e2e/soak/chaos.mjs
export LIANMAI_KILLS="${LIANMAI_KILLS:-200}"
cargo test --locked -p server --features postgres --test process crash -- --nocapture
scripts/with-postgres.sh cargo test --locked -p server --features postgres --test process crash -- --nocapture
