#include "engine/limits.h"

#include <utility>

namespace callisto::kv {

Limits::Limits(Environment& environment, std::uint32_t deadline_ms, std::stop_token cancel,
               std::stop_token other)
    : environment_(environment), cancel_(std::move(cancel)), other_(std::move(other)) {
  if (deadline_ms != 0)
    end_micros_ = environment.monotonic_micros() + std::int64_t{deadline_ms} * 1000;
}

Result<void> Limits::check(std::int64_t in_micros) const {
  if (stop_requested()) return Error(Code::cancelled, "the caller asked the call to stop");
  if (end_micros_ && environment_.monotonic_micros() + in_micros > *end_micros_) {
    return Error(Code::deadline_exceeded, "the deadline passed before the call was done");
  }
  return {};
}

}  // namespace callisto::kv
