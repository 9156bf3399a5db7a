#!/usr/bin/env bash
# Sets up, builds and runs the tests:
#   tools/test.sh [CTEST ARGUMENT...]             all tests, Release; leaves the command at build/callisto
#   tools/test.sh --sanitize [CTEST ARGUMENT...]  all tests under ASan and UBSan, then the thread tests
#                                                 under TSan; in build-asan/ and build-tsan/
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/build.sh

sanitize=false
if [[ "${1:-}" == --sanitize ]]; then
  sanitize=true
  shift
fi

if ! $sanitize; then
  tools/setup.sh
  build_preset release build
  ctest --test-dir build --output-on-failure --no-label-summary --no-tests=error \
    --parallel "$(nproc)" "$@"
  exit
fi

tools/setup.sh --sanitize
build_preset asan build-asan
build_preset tsan build-tsan threads_tests
ctest --preset asan "$@"
ctest --preset tsan "$@"
