#!/usr/bin/env bash
# Sets up, builds (release, into build/) and runs the bench; see bench/README.md.
#   tools/bench.sh [--quick] [--scale S] [--filter REGEX] [--seed N] [--repetitions N] [--keep-data]
# Leaves results.json and index.html in build/bench, and prints tables of medians, ratios and targets.
#   tools/bench.sh --draw FILE      only the tables and the page, from results that are there
#   CALLISTO_ROCKSDB_ROOT=DIR tools/bench.sh ...   with that RocksDB, in build-rocksdb/ (bench/README.md)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/build.sh

tools/setup.sh --bench
build=build
if [[ -n "${CALLISTO_ROCKSDB_ROOT:-}" ]]; then
  # A build of its own: two libraries' results don't mix.
  build=build-rocksdb
  cmake --preset release -B "$build" -DCALLISTO_ROCKSDB_ROOT="$CALLISTO_ROCKSDB_ROOT" >/dev/null
fi
mkdir -p "$build/bench"
build_preset release "$build" callisto_bench >"$build/bench/build.log" 2>&1 || {
  cat "$build/bench/build.log"
  exit 1
}
exec "$build/callisto-bench" --directory "$build/bench" "$@"
