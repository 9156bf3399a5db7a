#pragma once

#include <string_view>

#include "callisto/bytes.h"

namespace callisto::kv {

/// What a commit left at a key: copied once, and only where something of a cache keeps it.
class FollowedValue {
 public:
  /// Nothing is there any more.
  FollowedValue() = default;
  /// `bytes` must outlive it.
  explicit FollowedValue(std::string_view bytes) noexcept : is_there_(true), bytes_(bytes) {}

  bool is_there() const noexcept { return is_there_; }
  std::string_view view() const noexcept { return bytes_; }
  /// Empty where nothing is there.
  const Bytes& hold() {
    if (is_there_ && !held_) held_ = Bytes::copy_of(bytes_);
    return held_;
  }

 private:
  bool is_there_ = false;
  std::string_view bytes_;
  Bytes held_;
};

}  // namespace callisto::kv
