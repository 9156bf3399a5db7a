#!/usr/bin/env bash
# Sets up, builds (release, into build/) and runs the bench; see bench/README.md.
#   tools/bench.sh [--quick] [--scale S] [--filter REGEX] [--seed N] [--repetitions N] [--keep-data]
# Leaves build/bench/results.json, and prints a table of medians and ratios.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/build.sh

tools/setup.sh --bench
mkdir -p build/bench
build_preset release build callisto_bench >build/bench/build.log 2>&1 || {
  cat build/bench/build.log
  exit 1
}
exec build/callisto-bench --directory build/bench "$@"
