#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (600), one after the other, on one core, and stops at the first finding with its file.
# TARGETS="stun sdp" runs only those. `fuzz.sh keep` then puts what reached new code into fuzz/corpus, which our tests replay.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${FUZZ_SECONDS:-600}"
work=target/fuzz
tools=$PWD/target/tools
mkdir -p "$work"
export PATH="$tools/bin:$PATH"

# Everything that is parsed is safe Rust, so there is nothing for an address sanitizer to find, and without one stable Rust is enough.
command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --version 0.13.2 --locked --root "$tools"
${CARGO:-cargo} fuzz build --sanitizer none --target-dir fuzz/target
built=fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release
targets="${TARGETS:-$(cargo fuzz list)}"

# Every kind of message that the protocol has, each in a file of its own: a fuzzer guesses no names.
mkdir -p "$work/message"
node -e '
  const fs = require("node:fs");
  const [from, to] = process.argv.slice(1);
  for (const file of fs.readdirSync(from).filter((name) => name.startsWith("up"))) {
    const fixtures = JSON.parse(fs.readFileSync(`${from}/${file}`, "utf8"));
    for (const [at, { message, text }] of fixtures.entries())
      fs.writeFileSync(`${to}/${file}-${at}`, text ?? JSON.stringify(message));
  }' wire-format/fixtures "$work/message"

case "${1:-run}" in
  run)
    for target in $targets; do
      mkdir -p "$work/$target" "fuzz/corpus/$target"
      dictionary=(); [ -f "fuzz/$target.dict" ] && dictionary=("-dict=fuzz/$target.dict")
      echo "fuzz: $target for $seconds s"
      # A second for one input is a finding: a worker that is busy for so long serves nobody.
      if ! nice -n 19 "$built/$target" -max_total_time="$seconds" -timeout=2 -rss_limit_mb=1024 -max_len=4096 -use_value_profile=1 \
          -print_final_stats=1 -artifact_prefix="$work/$target-" "${dictionary[@]}" "$work/$target" "fuzz/corpus/$target" > "$work/$target.log" 2>&1; then
        tail -n 60 "$work/$target.log"
        echo "fuzz: $target found something; see above and $work/$target.log" >&2
        exit 1
      fi
      grep -E 'number_of_executed_units|peak_rss_mb|slowest_unit' "$work/$target.log" | sed "s/^stat::/fuzz: $target /"
    done
    ;;
  keep)
    for target in $targets; do
      rm -rf "$work/$target.kept" && mkdir -p "$work/$target.kept"
      "$built/$target" -set_cover_merge=1 -max_len=4096 "$work/$target.kept" "fuzz/corpus/$target" "$work/$target" > "$work/$target.merge.log" 2>&1
      rm -rf "fuzz/corpus/$target" && cp -r "$work/$target.kept" "fuzz/corpus/$target"
      echo "fuzz: kept $(ls "fuzz/corpus/$target" | wc -l) inputs of $target"
    done
    ;;
  *) echo "usage: $0 [run|keep]" >&2; exit 2 ;;
esac
