#!/usr/bin/env bash
# Breaks each rule of the gate once in a small tree of its own and expects the check to say so.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d "${TMPDIR:-/tmp}/callisto-gate.XXXXXX")
trap 'rm -rf "$tree"' EXIT
cases=0

# A tree that keeps all rules.
fresh() {
  rm -rf "${tree:?}"/*
  mkdir -p "$tree"/{schema/released/0.1,engine/rocksdb,indexes,api/callisto,tools,tests,bench,.ci}
  cat >"$tree/schema/thing.fbs" <<'FBS'
namespace example;
enum Role : ubyte { none, user = 3, tool }
struct Pair { first:long; second:long; }
table Thing {
  id:Pair (id: 0);       // a comment
  names:[string] (id: 1, required);
  role:Role = none (id: 2);
}
FBS
  cp "$tree/schema/thing.fbs" "$tree/schema/released/0.1/"
  cat >"$tree/schema/ledger.txt" <<'LEDGER'
The ledger.
enum Role.none 0
enum Role.user 3
enum Role.tool 4
struct Pair.first 0 long
struct Pair.second 1 long
table Thing.id 0 Pair
table Thing.names 1 [string]
table Thing.role 2 Role
LEDGER
  echo '#include <vector>' >"$tree/api/callisto/error.h"
  echo '#include "callisto/error.h"' >"$tree/api/callisto/store.h"
  printf '#include "callisto/error.h"\n#include "schema/generated/thing_generated.h"\n' >"$tree/schema/codec.cc"
  printf '#include <rocksdb/db.h>\n#include "engine/kv.h"\n' >"$tree/engine/rocksdb/db.cc"
  printf '#include "callisto/store.h"\n#include "indexes/maintainer.h"\n' >"$tree/api/store.cc"
}

# expect CHECK WHAT: the check fails on the tree as it is now.
expect() {
  cases=$((cases + 1))
  if "$here/check_$1.sh" "$tree" >"$tree/../$(basename "$tree").log" 2>&1; then
    rm -f "$tree.log"
    echo "check_self: check_$1 does not see: $2" >&2
    exit 1
  fi
  rm -f "$tree.log"
  fresh
}

fresh
for check in layers ascii conform; do
  "$here/check_$check.sh" "$tree" >/dev/null || { echo "check_self: check_$check fails on a good tree" >&2; exit 1; }
done

add() { echo "$2" >>"$tree/$1"; }
edit() { sed -i "$2" "$tree/$1"; }

add schema/codec.cc '#include "engine/kv.h"';                 expect layers "schema includes engine"
add engine/rocksdb/db.cc '#include "indexes/maintainer.h"';   expect layers "engine includes indexes"
add engine/rocksdb/db.cc '#include "callisto/store.h"';       expect layers "engine includes a header that is no leaf"
add api/store.cc '#  include "tools/command.h"';              expect layers "api includes tools"
add tools/a.cc '#include "tests/support/model.h"';            expect layers "tools include tests"
add api/store.cc '#include <rocksdb/db.h>';                   expect layers "RocksDB outside engine/rocksdb"
add api/store.cc '#include "schema/generated/thing_generated.h"'; expect layers "generated header outside schema"
add indexes/a.h '#include <flatbuffers/flatbuffers.h>';       expect layers "FlatBuffers outside schema"
add api/callisto/store.h '#include <boost/json.hpp>';         expect layers "Boost in an installed header"
add api/callisto/store.h '#include "api/impl.h"';             expect layers "an internal header in an installed one"
add api/callisto/store.h '#include <unistd.h>';               expect layers "POSIX in an installed header"
add api/callisto/error.h '#include "callisto/store.h"';       expect layers "a leaf that stands on more"
add engine/rocksdb/db.cc '#include "kv.h"';                   expect layers "a relative include"

printf 'caf\xc3\xa9\n' >"$tree/api/README.md";                expect ascii "UTF-8 in a page"
printf '// \xa0\n' >>"$tree/api/store.cc";                    expect ascii "a stray byte in a source"

edit schema/thing.fbs 's/names:/titles:/';                    expect conform "a renamed field"
edit schema/thing.fbs '/role:Role/d';                         expect conform "a removed field"
edit schema/thing.fbs 's/first:long/first:ulong/';            expect conform "a retyped struct field"
edit schema/thing.fbs 's/second:long;/second:long; third:long;/'; expect conform "a struct that grew"
edit schema/thing.fbs 's/user = 3/agent = 3/';                expect conform "a renamed enumerator"
edit schema/thing.fbs 's/role:Role = none (id: 2);/& n:int (id: 3);/'; expect conform "a field that is not in the ledger"
rm "$tree/schema/thing.fbs";                                  expect conform "a schema that is gone"
# Schema and ledger changed together: only the released copy still tells.
edit schema/thing.fbs 's/\[string\]/[ubyte]/'; edit schema/ledger.txt 's/\[string\]/[ubyte]/'
expect conform "a released field of another type"

# Real headers, since the check uses them.
with_headers() { cp "$here"/../../api/callisto/{error,export,result}.h "$tree/api/callisto/"; rm -f "$tree/api/callisto/store.h"; }
with_headers
"$here/check_headers.sh" "$tree" >/dev/null || { echo "check_self: check_headers fails on good headers" >&2; exit 1; }
add api/callisto/error.h 'inline void fail() { throw 1; }';   expect headers "a header that throws"
with_headers; add api/callisto/export.h 'inline std::string text();'; expect headers "a header that does not stand by itself"

echo "check_self: $cases broken trees, all seen"
