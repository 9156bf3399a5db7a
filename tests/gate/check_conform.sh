#!/usr/bin/env bash
# The schema may only grow. Two checks:
# 1. flatc --conform: each schema/*.fbs against the file of that name in every folder of
#    schema/released/ (one folder per release; none yet: nothing to check).
# 2. The ledger schema/ledger.txt, which sees what flatc does not (a renamed or removed field, table
#    or enumerator, a struct that grew): its lines of these forms and the schema must agree exactly.
#      table  NAME.FIELD ID TYPE        enum  NAME.ENUMERATOR VALUE
#      struct NAME.FIELD POSITION TYPE  union NAME.MEMBER VALUE
#    A line goes into the ledger with the field and is never changed after a release.
#   check_conform.sh [ROOT]            the check
#   check_conform.sh --print [ROOT]    the lines as the schema has them now
set -euo pipefail
print=false
if [[ "${1:-}" == --print ]]; then
  print=true
  shift
fi
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}/schema"

shopt -s nullglob
schemas=(*.fbs)
if [[ ${#schemas[@]} -eq 0 && ! -e ledger.txt ]]; then
  echo "check_conform: no schema yet"
  exit 0
fi

# The declarations of .fbs files as ledger lines.
declarations() {
  sed -E 's://.*$::' "$@" | tr '\n\t' '  ' | sed -E 's/([{};])/\1\n/g' | awk '
    function trim(s) { gsub(/^ +| +$/, "", s); return s }
    # The value of attribute `name` in the parenthesis of a field, or empty.
    function attribute(s, name) {
      if (!match(s, "[(,] *" name " *: *[0-9]+")) return ""
      s = substr(s, RSTART, RLENGTH)
      sub(/.*: */, "", s)
      return s
    }
    function enumerators(body,    parts, count, i, value, name) {
      count = split(body, parts, ",")
      value = kind == "union" ? 1 : 0
      for (i = 1; i <= count; ++i) {
        name = trim(parts[i])
        if (name == "") continue
        if (name ~ /=/) { value = name; sub(/.*= */, "", value); sub(/ *=.*/, "", name) }
        print kind, type "." name, value++
      }
    }
    {
      line = trim($0)
      if (line ~ /^(table|struct|enum|union) .*\{$/) {
        kind = line; sub(/ .*/, "", kind)
        type = line; sub(/^[a-z]+ +/, "", type); sub(/[ :({].*/, "", type)
        position = 0
      } else if (line ~ /\}$/) {
        if (kind == "enum" || kind == "union") { sub(/\}$/, "", line); enumerators(line) }
        kind = ""
      } else if (kind == "table" || kind == "struct") {
        name = line; sub(/ *:.*/, "", name)
        of = line; sub(/^[^:]*: */, "", of); sub(/ *[=(;].*/, "", of); gsub(/ /, "", of)
        id = attribute(line, "id")
        print kind, type "." name, (id == "" ? position : id), of
        ++position
      }
    }' | LC_ALL=C sort
}

if $print; then
  declarations "${schemas[@]}"
  exit 0
fi

bad=0
for released in released/*/*.fbs; do
  name=$(basename "$released")
  if [[ ! -e "$name" ]]; then
    echo "check_conform: $released has no schema/$name any more" >&2
    bad=1
  elif ! flatc --conform "$released" --conform-includes "$(dirname "$released")" -I . "$name"; then
    echo "check_conform: schema/$name does not conform to $released" >&2
    bad=1
  fi
done

if [[ ! -e ledger.txt ]]; then
  echo "check_conform: schema/ledger.txt is missing" >&2
  exit 1
fi
now=$(declarations "${schemas[@]}")
ledger=$(grep -E '^(table|struct|enum|union) +[A-Za-z0-9_]+\.' ledger.txt \
  | sed -E 's/ *#.*$//; s/ +/ /g; s/ $//' | LC_ALL=C sort || true)
gone=$(LC_ALL=C comm -23 <(echo "$ledger") <(echo "$now"))
new=$(LC_ALL=C comm -13 <(echo "$ledger") <(echo "$now"))
if [[ -n "$gone" ]]; then
  printf 'check_conform: in the ledger, not in the schema (renamed, removed or retyped):\n%s\n' "$gone" >&2
  bad=1
fi
if [[ -n "$new" ]]; then
  printf 'check_conform: in the schema, not in the ledger:\n%s\n' "$new" >&2
  bad=1
fi
[[ $bad -eq 0 ]] || exit 1
echo "check_conform: $(grep -c . <<<"$now") declarations ok"
