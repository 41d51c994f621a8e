#!/usr/bin/env bash
# Everything that `make test` promises, in order of how soon it can fail: Rust tests, page tests, then the product as its
# users meet it. Prints one closing line with the counts of all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
log=target/test.log
mkdir -p target
: > "$log"

report() {
  status=$?
  passed=$(awk '/^test result:/ { n += $4 } /^# pass / { n += $3 } END { print n + 0 }' "$log")
  failed=$(awk '/^test result:/ { n += $6 } /^# fail / { n += $3 } END { print n + 0 }' "$log")
  echo
  echo "$passed passed, $failed failed"
  exit "$status"
}
trap report EXIT

echo "test: building"
cargo build --workspace --bins --examples --locked
# One part that fails does not keep the others from telling what they think, and one that hangs is a part that fails.
parts_failed=0
part() {
  local name=$1
  shift
  echo "test: $name"
  { "$@" 2>&1 | tee -a "$log"; } || { parts_failed=1; echo "FAILED: $name"; }
}
page_types() { (cd web-demo && npm ci --silent --no-fund --no-audit && npm run --silent check); }

part "Rust" timeout -k 10 45m cargo test --workspace --locked --no-fail-fast -- --test-threads=2
# By the workspace, so that nothing is built with other features than above.
part "the mixer with another encoder" env LIANMAI_TEST_ENCODER=openh264 \
  timeout -k 10 10m cargo test --workspace --locked --test program -- two_hosts solo_co_host killed
part "pages' types" page_types
part "pages" timeout -k 10 5m node --test --test-reporter=tap web-demo/tests/*.test.js
(cd e2e && npm ci --silent --no-fund --no-audit)
target/debug/lianmai-load media --out target/media
# A test that fails half-way may leave a child or a browser behind, which would keep its file from ever ending.
part "the product, end to end" timeout -k 10 30m \
  node --test --test-concurrency=1 --test-force-exit --test-timeout=240000 --test-reporter=tap e2e/tests/*.test.mjs
exit "$parts_failed"
