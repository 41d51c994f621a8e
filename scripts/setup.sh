#!/usr/bin/env bash
# Installs the Debian packages that are missing, by name, and says which. `setup.sh run` is enough to
# build and run the product and its demo; `setup.sh test` adds what only the tests need, `setup.sh bench` on top of
# that what only the measurements compare us with.
set -euo pipefail

run_packages=(
  build-essential cmake pkg-config ffmpeg fontconfig fonts-dejavu-core fonts-wqy-microhei
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
  gstreamer1.0-libav
)
test_packages=(chromium coturn fonts-noto-cjk fonts-noto-color-emoji nginx-light libnginx-mod-rtmp openssl postgresql valgrind python3-venv)

bench_packages=(janus)

wanted=("${run_packages[@]}")
case "${1:-run}" in
  run) ;;
  test) wanted+=("${test_packages[@]}") ;;
  bench) wanted+=("${test_packages[@]}" "${bench_packages[@]}") ;;
  *) echo "usage: $0 run|test|bench" >&2; exit 2 ;;
esac

command -v cargo >/dev/null || { echo "setup: a Rust toolchain is needed (https://rustup.rs)" >&2; exit 1; }
if [ "${1:-run}" != run ]; then
  command -v node >/dev/null && command -v npm >/dev/null || { echo "setup: the tests need Node 20 and npm" >&2; exit 1; }
  node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || { echo "setup: the tests need Node 20, not $(node --version)" >&2; exit 1; }
fi

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: not root and no sudo; please install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  echo "setup: installing ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  # RUNLEVEL=1 keeps invoke-rc.d from starting the services (nginx, PostgreSQL) that only the tests use, by their own configuration.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# The WebRTC clients of others that the interop tests run: Python packages, in a folder of their own.
if [ "${1:-run}" = test ]; then
  cd "$(dirname "$0")/.."
  if ! cmp -s e2e/interop/requirements.txt target/interop/requirements.txt; then
    echo "setup: installing aiortc and FFmpeg 9 into target/interop"
    python3 -m venv --clear target/interop
    target/interop/bin/pip install --quiet --disable-pip-version-check -r e2e/interop/requirements.txt
    cp e2e/interop/requirements.txt target/interop/
  fi
  if ! cmp -s e2e/outside/requirements.txt target/outside/requirements.txt; then
    echo "setup: installing schemathesis and websockets into target/outside"
    python3 -m venv --clear target/outside
    target/outside/bin/pip install --quiet --disable-pip-version-check -r e2e/outside/requirements.txt
    cp e2e/outside/requirements.txt target/outside/
  fi
fi
