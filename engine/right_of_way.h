#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "callisto/result.h"
#include "engine/limits.h"

namespace callisto::kv {

/// Lets callers pass the store's own steps (RunOptions::gives_way). A caller who has met conflicts
/// asks for the way; steps then begin no attempt until it has ended, so that at most the attempts
/// that had begun still come between. Only for progress: what is right does not depend on it, and a
/// step waits kLongestWaitMillis at the most, as what holds the way may wait for the step itself.
/// Thread-safe.
class RightOfWay {
 public:
  static constexpr std::int64_t kLongestWaitMillis = 100;

  /// Asked for by ask() until its end.
  class Claim {
   public:
    explicit Claim(RightOfWay& way) noexcept : way_(way) {}
    ~Claim() {
      if (is_asked_) way_.end_one();
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    void ask();

   private:
    RightOfWay& way_;
    bool is_asked_ = false;
  };

  /// Before an attempt of a step: waits while anybody asks for the way. cancelled,
  /// deadline_exceeded: the limits were passed meanwhile.
  Result<void> give(const Limits& limits);

 private:
  void end_one();

  std::mutex mutex_;
  std::condition_variable is_free_;
  std::uint32_t asking_ = 0;
};

}  // namespace callisto::kv
