#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "callisto/result.h"

namespace callisto::bench {

[[noreturn]] inline void fail(const std::string& what) { throw std::runtime_error(what); }

inline void require(Result<void> done, const char* what) {
  if (!done) fail(std::string(what) + ": " + done.error().to_string());
}

template <class T>
T require(Result<T> answer, const char* what) {
  if (!answer) fail(std::string(what) + ": " + answer.error().to_string());
  return std::move(*answer);
}

}  // namespace callisto::bench
