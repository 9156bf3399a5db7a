#!/usr/bin/env bash
# Installs the Debian packages that Callisto is built with, and only those that are missing.
#   tools/setup.sh [--sanitize | --bench]
# --sanitize adds the second compiler, with its sanitizers; --bench SQLite and LMDB, peers of the bench.
# Needs root or sudo only if something is missing; asks nothing.
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config
  librocksdb-dev
  libflatbuffers-dev flatbuffers-compiler
  libxxhash-dev liblz4-dev
  libboost-json1.81-dev libboost-locale1.81-dev libboost-program-options1.81-dev
  libgtest-dev libbenchmark-dev
  jq  # tools/demo.sh reads the command's JSON with it
)
case "${1:-}" in
  "") ;;
  --sanitize) packages+=(clang-19 libclang-rt-19-dev llvm-19) ;;
  --bench) packages+=(libsqlite3-dev liblmdb-dev) ;;
  *) echo "usage: tools/setup.sh [--sanitize | --bench]" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this is not a Debian system; install what these packages hold: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ "$status" == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

as_root=()
if [[ $EUID -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "setup: installing ${missing[*]}"
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" </dev/null
}
apt update
apt install --no-install-recommends "${missing[@]}"
