#include "callisto/error.h"

#include <cstdio>
#include <cstdlib>

#include "callisto/result.h"

namespace callisto {

std::string_view to_string(Code code) noexcept {
  switch (code) {
    case Code::invalid_argument:
      return "invalid_argument";
    case Code::not_found:
      return "not_found";
    case Code::already_exists:
      return "already_exists";
    case Code::version_mismatch:
      return "version_mismatch";
    case Code::conflict:
      return "conflict";
    case Code::too_large:
      return "too_large";
    case Code::limit_exceeded:
      return "limit_exceeded";
    case Code::deadline_exceeded:
      return "deadline_exceeded";
    case Code::corruption:
      return "corruption";
    case Code::io_error:
      return "io_error";
    case Code::no_space:
      return "no_space";
    case Code::unavailable:
      return "unavailable";
    case Code::unknown_outcome:
      return "unknown_outcome";
    case Code::read_only:
      return "read_only";
    case Code::busy:
      return "busy";
    case Code::closed:
      return "closed";
    case Code::snapshot_lost:
      return "snapshot_lost";
    case Code::index_not_ready:
      return "index_not_ready";
    case Code::format_too_new:
      return "format_too_new";
    case Code::format_unsupported:
      return "format_unsupported";
    case Code::data_loss:
      return "data_loss";
    case Code::unsupported:
      return "unsupported";
    case Code::scan_limit_exceeded:
      return "scan_limit_exceeded";
    case Code::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string Error::to_string() const {
  std::string text(callisto::to_string(code_));
  for (const std::string* part : {&field_, &limit_, &message_}) {
    if (!part->empty()) text.append(": ").append(*part);
  }
  return text;
}

namespace detail {

// The only place that ends the program, and only for a program error: a caller that takes value()
// of a Result that it has not looked at. What input, disk or another process can cause is an Error.
void die_of(const Error& error) noexcept {
  std::fprintf(stderr, "callisto: value() of an error: %s\n", error.to_string().c_str());
  std::abort();
}

}  // namespace detail

}  // namespace callisto
