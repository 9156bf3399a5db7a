#include "engine/rocksdb/write_gate.h"

#include "callisto/environment.h"

namespace callisto::kv {

void WriteGate::shut(const Error& failure) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    failure_ = failure;
    open_.store(false, std::memory_order_release);
  }
  environment_.log(LogLevel::error, "writes are stopped: " + failure.to_string());
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
