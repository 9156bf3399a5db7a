#!/bin/sh
# Makes the fixture of the stored format anew: tests/format/fixture-draft-N, N being the version that
# the library writes. For a draft only: from the first release on, fixtures are never made anew.
#   tools/format-fixture.sh [BUILD_DIRECTORY]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
version=$(sed -n 's/.*kFormatVersion = \([0-9]*\);.*/\1/p' "$root/schema/format.h")
fixture=$root/tests/format/fixture-draft-$version

[ -f "$build/CMakeCache.txt" ] || cmake -S "$root" -B "$build" -DCALLISTO_BUILD_TESTS=ON
cmake --build "$build" --target format_tests
CALLISTO_FIXTURE=$fixture "$build/tests/format_tests" \
  --gtest_filter=FixtureMaker.DISABLED_Makes --gtest_also_run_disabled_tests
# What RocksDB writes for people or for locking; a store opens without it.
rm -f "$fixture"/OPTIONS-* "$fixture"/LOCK "$fixture"/*/OPTIONS-* "$fixture"/*/LOCK
du -sh "$fixture"
