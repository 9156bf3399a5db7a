#!/usr/bin/env bash
# Runs every example in a store of its own and compares what it prints with NAME.expected.
#   run.sh PROGRAMS_DIRECTORY
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
for source in "$here"/*.cc; do
  name=$(basename "$source" .cc)
  input=/dev/null
  [[ -e "$here/$name.in" ]] && input="$here/$name.in"
  if ! timeout 120 "$1/example_$name" "$work/$name" <"$input" >"$work/out" 2>&1 ||
    ! diff -u "$here/$name.expected" "$work/out"; then
    echo "examples: $name failed" >&2
    bad=1
  fi
done
exit "$bad"
