#!/usr/bin/env bash
# Shows the main job: sets up, builds, imports into a store of its own, and looks inside.
#   tools/demo.sh          the sample in tools/sample/
#   tools/demo.sh FILE     a file in the LoCoMo layout (a JSON array) or our JSON Lines
# Ends with status 0 only when `callisto verify` says that the store is right.
set -euo pipefail

file=
if [[ $# -gt 1 || "${1:-}" == -* ]]; then
  echo "usage: tools/demo.sh [FILE]" >&2
  exit 2
elif [[ $# -eq 1 ]]; then
  file=$(realpath -e -- "$1") || exit 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/build.sh
file=${file:-$PWD/tools/sample/sample.jsonl}

case "$(tr -d ' \t\r\n' <"$file" 2>/dev/null | head -c 1)" in
  '[') format=locomo ;;
  '{') format=jsonl ;;
  *) echo "demo: $file starts neither with '[' (LoCoMo) nor with '{' (JSON Lines)" >&2; exit 2 ;;
esac

tools/setup.sh
echo "Building (release) into build/ ..."
mkdir -p build
build_preset release build callisto_cli >build/demo-build.log 2>&1 || {
  cat build/demo-build.log
  exit 1
}

store=$(mktemp -d "${TMPDIR:-/tmp}/callisto-demo.XXXXXX")
trap 'rm -rf "$store"' EXIT
export CALLISTO_STORE=$store/memory
unset CALLISTO_SPACE
PATH=$PWD/build:$PATH

heading() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [[ -t 1 ]]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }
# Runs a command of callisto, as a person would type it.
show() {
  printf '$ callisto'
  printf ' %q' "$@"
  printf '\n'
  callisto "$@"
}
# The same without a word, as JSON Lines, through jq.
pick() {
  local filter=$1
  shift
  callisto "$@" --json | jq -rn "[inputs] | $filter"
}

heading "A new store, and what goes in"
show init
show import --format "$format" "$file"

heading "Who the users are"
show list users --limit 10

heading "A conversation, read back"
conversation=$(pick '.[-1].id // empty' list conversations --limit 20)
if [[ -n "$conversation" ]]; then
  show get conversation "$conversation"
  show list messages --conversation "$conversation" --oldest-first --limit 12
else
  echo "(there is none in $file)"
fi

# What to ask for: the commonest tag and entity among the newest memories, and the time of the newest.
heading "Memories by tag"
tag=$(pick '[.[].tags // [] | .[]] | group_by(.) | max_by(length) | .[0] // empty' list memories --limit 200)
if [[ -n "$tag" ]]; then show list memories --tag "$tag" --limit 5; else echo "(no memory has a tag)"; fi

heading "Memories by entity"
mapfile -t entity < <(pick '[.[] | select(.entity_id) | [.entity_type, .entity_id]] | group_by(.)
  | max_by(length) | .[0] // [] | .[]' list memories --limit 200)
if [[ ${#entity[@]} -eq 2 ]]; then
  show list memories --entity-type "${entity[0]}" --entity-id "${entity[1]}" --limit 5
else
  echo "(no memory names an entity)"
fi

heading "Memories by time"
mapfile -t day < <(pick 'if length == 0 then empty else .[0].created_at[0:10] + ("T00:00:00Z", "T23:59:59.999999Z") end' \
  list memories --limit 1)
if [[ ${#day[@]} -eq 2 ]]; then
  show list memories --from "${day[0]}" --to "${day[1]}" --limit 5
else
  echo "(there is no memory)"
fi

heading "What the store holds"
show stats

heading "Is every index right?"
show verify
