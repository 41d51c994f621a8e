#!/usr/bin/env bash
# Measures with the release build and writes target/bench/results.json and docs/BENCHMARKS.md. ONLY=program measures what
# viewers of the program see, ONLY=rtmp the RTMP side, ONLY=mixer what a program costs beside a plain
# GStreamer pipeline and the restart of a killed mixer, ONLY=sfu the fan-out beside its
# floor and Janus, ONLY=loss bad networks beside stock Chromium, ONLY=sale a shop's signalling; without it all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
declare -A parts=(
  [program]="program latency"
  [rtmp]="rtmp"
  [mixer]="mixer-kill switches bench/mixer"
  [sfu]="bench/sfu"
  [loss]="bench/loss"
  [sale]="bench/sale"
)
only=${ONLY:-}
if [ -n "$only" ] && [ -z "${parts[$only]:-}" ]; then
  echo "bench: no part '$only'; there are: ${!parts[*]}" >&2
  exit 2
fi

cargo build --release --locked -p server -p mixer -p load-tester -p benches
(cd e2e && npm ci --silent --no-fund --no-audit)
target/release/lianmai-load media --out target/media
mkdir -p target/bench
# A full run starts a clean sheet; a part only renews its own figures.
[ -n "$only" ] || rm -f target/bench/results.json

status=0
export LIANMAI_FIGURES=target/bench/results.json LIANMAI_BIN_DIR=$PWD/target/release
for part in ${only:-program rtmp mixer sfu loss sale}; do
  for suite in ${parts[$part]}; do
    echo "bench: $suite"
    case $suite in
      # Twenty switches, of which tests try six.
      switches) LIANMAI_SWITCHES=20 node --test --test-name-pattern='changes between' e2e/tests/sources.test.mjs || status=1 ;;
      # Not tests: programs that only measure.
      bench/*) node "e2e/$suite.mjs" || status=1 ;;
      *) node --test --test-concurrency=1 "e2e/tests/$suite.test.mjs" || status=1 ;;
    esac
  done
done
target/release/lianmai-bench-report
exit "$status"
