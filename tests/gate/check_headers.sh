#!/usr/bin/env bash
# Every public header by itself, and a use of Result, compile as C++20 under -fno-exceptions and
# -fno-rtti with the project's warnings.
#   check_headers.sh [ROOT]     (CXX: the compiler; default c++)
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"
cxx=${CXX:-c++}
flags=(-std=c++20 -x c++ -fsyntax-only -fno-exceptions -fno-rtti -Wall -Wextra -Wconversion -Wshadow -Werror -Iapi)

headers=(api/callisto/*.h)
[[ -e "${headers[0]}" ]] || { echo "check_headers: no header found in $PWD" >&2; exit 2; }

bad=0
for header in "${headers[@]}"; do
  if ! "$cxx" "${flags[@]}" - <<<"#include \"callisto/$(basename "$header")\""; then
    echo "check_headers: $header does not stand by itself" >&2
    bad=1
  fi
done

"$cxx" "${flags[@]}" - <<'CPP' || { echo "check_headers: Result needs exceptions" >&2; bad=1; }
#include "callisto/result.h"
#include <memory>
#include <string>
using namespace callisto;
Result<int> count();
Result<void> run();
Result<std::unique_ptr<std::string>> made();
Result<std::string> use() {
  if (Result<void> done = run(); !done) return done.error();
  Result<int> number = count().and_then([](int n) -> Result<int> { return n + 1; });
  if (!number) return std::move(number).error();
  std::string text = *made().value();
  return count().transform([&](int n) { return text + std::to_string(n + *number); }).or_else(
      [](const Error& error) -> Result<std::string> { return error; });
}
CPP

[[ $bad -eq 0 ]] || exit 1
echo "check_headers: ${#headers[@]} headers ok"
