# Two commands matter: `make demo` shows the product, `make test` proves it. Both install what they need.
# What takes long and is not run at every change: `make soak`, `make fuzz`.
.PHONY: demo run test check bench soak fuzz setup setup-test setup-bench

demo: setup            ## A server, two hosts in a PK battle, gifts, sales; prints the URLs
	cargo build --release --locked -p server -p mixer -p load-tester
	scripts/demo.sh

run: setup             ## Only the server, in development mode
	cargo build --release --locked -p server -p mixer
	target/release/lianmai serve --dev

test: setup-test       ## Everything: rules, shells, pages, real Chromium, real nginx-rtmp
	scripts/test.sh

check: setup           ## What must hold before anything is tested: format, lints, layering
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	node scripts/check-layers.mjs
	node scripts/check-unsafe.mjs
	node scripts/check-whip.mjs

bench: setup-bench     ## Figures into target/bench/results.json and docs/BENCHMARKS.md; ONLY=program runs a part
	ONLY="$(ONLY)" scripts/bench.sh

fuzz: setup            ## Every fuzz target for ten minutes each (FUZZ_SECONDS=60 TARGETS="stun sdp" for less); stops at the first finding
	scripts/fuzz.sh

soak: setup-test       ## Ten minutes of chance on a stage, then the server killed 200 times under load
	scripts/soak.sh

setup:
	scripts/setup.sh run

setup-test:
	scripts/setup.sh test

setup-bench:
	scripts/setup.sh bench
