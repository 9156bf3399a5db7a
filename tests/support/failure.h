#pragma once

#include <string>

#include "callisto/result.h"

namespace callisto::testing {

/// Code, field and limit of a failure, for one comparison.
template <class T>
std::string failure_of(const Result<T>& result) {
  if (result) return "success";
  const Error& error = result.error();
  return std::string(to_string(error.code())) + " " + error.field() + ": " + error.limit();
}

}  // namespace callisto::testing
