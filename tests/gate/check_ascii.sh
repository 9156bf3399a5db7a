#!/usr/bin/env bash
# Sources, scripts and pages are ASCII. Data (JSON Lines samples, fuzz corpora) is not looked at.
#   check_ascii.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

mapfile -t files < <(
  find schema engine indexes api tools tests bench .ci -type f \
    \( -name '*.cc' -o -name '*.h' -o -name '*.fbs' -o -name '*.map' -o -name '*.md' -o -name '*.txt' \
    -o -name '*.cmake' -o -name '*.in' -o -name '*.sh' -o -name '*.allow' -o -name run \)
  find . -maxdepth 1 -type f \( -name '*.md' -o -name 'CMake*' -o -name '.clang-*' -o -name .gitignore \))
[[ ${#files[@]} -gt 0 ]] || { echo "check_ascii: no file found in $PWD" >&2; exit 2; }

if LC_ALL=C grep -nP '[^\x00-\x7F]' -- "${files[@]}"; then
  echo "check_ascii: bytes outside ASCII (above)" >&2
  exit 1
fi
echo "check_ascii: ${#files[@]} files ok"
