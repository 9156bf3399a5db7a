#include "engine/rocksdb/write_gate.h"

#include <string>

#include "callisto/environment.h"

namespace callisto::kv {

void WriteGate::shut(const Error& failure) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    try {
      failure_ = failure;
    } catch (...) {
      failure_.emplace(failure.code(), std::string());  // Without memory, without words.
    }
    open_.store(false, std::memory_order_release);
  }
  try {
    environment_.log(LogLevel::error, "writes are stopped: " + failure.to_string());
  } catch (...) {
    // health() says it too.
  }
}

EngineHealth WriteGate::health() const {
  const std::lock_guard lock(mutex_);
  return {.writable = !failure_.has_value(), .failure = failure_};
}

Error WriteGate::refusal() const {
  const std::lock_guard lock(mutex_);
  return Error(Code::unavailable, "writes are stopped until the store is opened anew: " +
                                      (failure_ ? failure_->to_string() : std::string()));
}

}  // namespace callisto::kv
