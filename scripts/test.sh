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
echo "test: Rust"
cargo test --workspace --locked --no-fail-fast -- --test-threads=2 2>&1 | tee -a "$log"
echo "test: the mixer with another encoder"
# By the workspace, so that nothing is built with other features than above.
LIANMAI_TEST_ENCODER=openh264 cargo test --workspace --locked --test program -- two_hosts solo_co_host killed \
  2>&1 | tee -a "$log"
echo "test: pages"
(cd web-demo && npm ci --silent --no-fund --no-audit && npm run --silent check)
node --test --test-reporter=tap web-demo/tests/*.test.js 2>&1 | tee -a "$log"
echo "test: the product, end to end"
(cd e2e && npm ci --silent --no-fund --no-audit)
target/debug/lianmai-load media --out target/media
node --test --test-concurrency=1 --test-reporter=tap e2e/tests/*.test.mjs 2>&1 | tee -a "$log"
