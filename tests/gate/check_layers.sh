#!/usr/bin/env bash
# Who may include what (DESIGN.md section 1): schema <- engine <- indexes <- api <- tools, tests, bench.
# Exceptions stand in layers.allow beside this script, each with its reason.
#   check_layers.sh [ROOT]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:-$here/../..}"

# Every include of the project as "FILE:LINE:<HEADER>" or "FILE:LINE:"HEADER"".
includes=$(find schema engine indexes api tools tests bench -name '*.cc' -o -name '*.h' | sort \
  | xargs -r grep -nHoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+[>"]' \
  | sed -E 's/^([^:]+:[0-9]+):.*include[[:space:]]*/\1:/')
[[ -n "$includes" ]] || { echo "check_layers: no include found in $PWD" >&2; exit 2; }

awk -v allow_file="$here/layers.allow" -F: '
  BEGIN {
    layer["schema"] = 0; layer["engine"] = 1; layer["indexes"] = 2; layer["api"] = 3
    layer["tools"] = 4; layer["tests"] = 5; layer["bench"] = 5
    # Vocabulary that stands under every layer and itself stands on nothing (api/README.md).
    split("error result id time bytes environment options export stats", names, " ")
    for (i in names) leaf["callisto/" names[i] ".h"] = 1
    split("algorithm any array atomic barrier bit bitset cassert cctype cerrno charconv chrono cinttypes " \
      "climits cmath compare complex concepts condition_variable coroutine csignal cstddef cstdint cstdio " \
      "cstdlib cstring ctime cwchar deque exception filesystem forward_list fstream functional future " \
      "initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory " \
      "memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex " \
      "scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept stop_token " \
      "streambuf string string_view syncstream system_error thread tuple type_traits typeindex typeinfo " \
      "unordered_map unordered_set utility valarray variant vector version", std_names, " ")
    for (i in std_names) standard[std_names[i]] = 1
    while ((getline line < allow_file) > 0) {
      sub(/[[:space:]]*#.*/, "", line)
      if (line == "") continue
      split(line, field, /[[:space:]]+/)
      allowed[field[1] " " field[2]] = 1
    }
  }
  # An allowance names a rule and a file, or a folder with its closing slash.
  function is_allowed(rule, file,    at) {
    if ((rule " " file) in allowed) return 1
    for (at = 1; at <= length(file); ++at)
      if (substr(file, at, 1) == "/" && (rule " " substr(file, 1, at)) in allowed) return 1
    return 0
  }
  function report(rule, why) {
    if (is_allowed(rule, $1)) return
    printf "%s:%s: %s: %s (rule %s)\n", $1, $2, $3, why, rule
    ++bad
  }
  {
    ++seen
    file = $1; header = substr($3, 2, length($3) - 2); quoted = substr($3, 1, 1) == "\""
    from = substr(file, 1, index(file, "/") - 1)
    to = substr(header, 1, index(header, "/") - 1)
    is_leaf = file ~ /^api\/callisto\// && (substr(file, 5) in leaf)

    if (to == "rocksdb" && file !~ /^engine\/rocksdb\//)
      report("rocksdb", "only engine/rocksdb/ includes RocksDB")
    if ((to == "flatbuffers" || header ~ /^schema\/generated\//) && from != "schema")
      report("records", "only schema/ encodes and decodes records")

    if (file ~ /^api\/callisto\//) {
      if (!(to == "callisto" && quoted) && !(header in standard))
        report("installed", "an installed header includes the standard library and callisto/ only")
      if (is_leaf && to == "callisto" && !(header in leaf))
        report("leaf", "a leaf header stands on leaf headers only")
      next
    }
    if (!quoted) next
    if (to == "callisto") {
      if (layer[from] < layer["api"] && !(header in leaf))
        report("direction", from "/ may include the leaf headers of callisto/ only")
    } else if (!(to in layer)) {
      report("path", "project headers are named from the root of the project or as callisto/")
    } else if (layer[to] > layer[from] || (to != from && layer[to] == layer[from])) {
      report("direction", from "/ may not include " to "/")
    }
  }
  END {
    if (bad) { printf "check_layers: %d includes against the rules\n", bad; exit 1 }
    printf "check_layers: %d includes ok\n", seen
  }' <<<"$includes"
