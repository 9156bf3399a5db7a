#!/usr/bin/env bash
# Installs a build of Callisto into a folder of its own and uses it as a stranger would: headers,
# CMake package and pkg-config file, shared and static, C++20, none of our dependencies' headers.
#   run.sh BUILD_DIRECTORY     (CXX: the compiler; default c++)
set -euo pipefail

build=$(cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cxx=${CXX:-c++}
generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$build/CMakeCache.txt")
work=$(mktemp -d "${TMPDIR:-/tmp}/callisto-consumer.XXXXXX")
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() { echo "consumer: $*" >&2; exit 1; }
step() { echo "== $*"; }
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; fail "failed: $*"; }; }

step "install"
quietly cmake --install "$build" --prefix "$prefix"
headers=("$prefix"/include/callisto/*.h)
[[ -e "${headers[0]}" ]] || fail "no header was installed"
shared=$(find "$prefix" -name 'libcallisto.so')
[[ -n "$shared" ]] || fail "no libcallisto.so was installed"
libdir=$(dirname "$shared")
[[ -x "$prefix/bin/callisto" ]] || fail "the command was not installed"

step "every header by itself, under -fno-exceptions, with nothing but the standard library"
for header in "${headers[@]}"; do
  name=callisto/$(basename "$header")
  echo "#include \"$name\"" >"$work/one.cc"
  quietly "$cxx" -std=c++20 -fsyntax-only -fno-exceptions -Wall -Wextra -Wconversion -Wshadow -Werror \
    -I"$prefix/include" "$work/one.cc"
  echo "#include \"$name\"" >>"$work/all.cc"
done
"$cxx" -std=c++20 -M -I"$prefix/include" "$work/all.cc" "$here/main.cc" >"$work/included"
if grep -nE '/(rocksdb|flatbuffers|boost)/|/xxhash\.h' "$work/included"; then
  fail "an installed header reaches into a dependency"
fi

step "symbols of the shared library"
nm -D --defined-only "$shared" | awk '{print $3}' | sed 's/@.*//' >"$work/symbols"
grep -q '8callisto' "$work/symbols" || fail "libcallisto.so exports nothing"
if grep -vE '^_Z(NK?[OR]?|T[ISVT]N|T[hvc].*_N)8callisto' "$work/symbols"; then
  fail "libcallisto.so exports what is not Callisto's"
fi

for kind in shared static; do
  static=$([[ $kind == static ]] && echo ON || echo OFF)
  step "CMake package, $kind"
  quietly cmake -G "$generator" -S "$here" -B "$work/cmake-$kind" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_CXX_STANDARD=20 -DCALLISTO_USE_STATIC="$static"
  quietly cmake --build "$work/cmake-$kind"
  "$work/cmake-$kind/consumer" "$work/store-cmake-$kind"
done
# By way of files: a grep that has found what it looks for ends ldd, and so the test, by a signal.
for kind in shared static; do ldd "$work/cmake-$kind/consumer" >"$work/needs-$kind"; done
if grep -q libcallisto "$work/needs-static"; then
  fail "the static consumer is linked with the shared library"
fi
grep -q 'libcallisto\.so\.0\.1' "$work/needs-shared" \
  || fail "the shared consumer does not ask for libcallisto.so.0.1"

export PKG_CONFIG_PATH=$libdir/pkgconfig
step "pkg-config, shared"
# shellcheck disable=SC2046
quietly "$cxx" -std=c++20 "$here/main.cc" -o "$work/pc-shared" $(pkg-config --cflags --libs callisto) \
  -Wl,-rpath,"$libdir"
"$work/pc-shared" "$work/store-pc-shared"
step "pkg-config, static"
# shellcheck disable=SC2046
quietly "$cxx" -std=c++20 "$here/main.cc" -o "$work/pc-static" $(pkg-config --cflags callisto) \
  $(pkg-config --static --libs callisto | sed 's/-lcallisto\b/-l:libcallisto.a/')
"$work/pc-static" "$work/store-pc-static"

step "the installed command opens what a consumer stored"
quietly "$prefix/bin/callisto" --store "$work/store-pc-static" verify
echo "consumer: ok"
