#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "callisto/export.h"

namespace callisto {

/// A point in time: int64 microseconds since 1970-01-01T00:00:00Z, UTC, leap seconds not counted.
/// Range of what a record may hold: kMinTime (4714-11-24 BC, where a PostgreSQL timestamptz starts)
/// to kMaxTime (the end of the year 294246; int64 microseconds end in the year 294247).
class Time {
 public:
  constexpr Time() = default;
  constexpr explicit Time(std::int64_t micros) : micros_(micros) {}
  /// Rounds down to the microsecond.
  Time(std::chrono::system_clock::time_point point)
      : micros_(std::chrono::floor<std::chrono::microseconds>(point.time_since_epoch()).count()) {}

  constexpr std::int64_t micros() const noexcept { return micros_; }
  constexpr bool in_range() const noexcept;

  /// RFC 3339 UTC with microseconds: "2026-11-21T01:02:03.000004Z". Years outside 0..9999 have a
  /// sign and six digits, as ISO 8601 writes expanded years: "-004713-11-24T00:00:00.000000Z".
  CALLISTO_API std::string to_string() const;
  /// Reads RFC 3339 with any offset, 0 to 6 digits of fraction, "T" or a space, and the expanded
  /// years above. More digits of fraction are refused rather than cut.
  CALLISTO_API static std::optional<Time> parse(std::string_view text) noexcept;

  friend constexpr auto operator<=>(const Time&, const Time&) = default;

 private:
  std::int64_t micros_ = 0;
};

inline constexpr Time kMinTime{-210'866'803'200'000'000};
inline constexpr Time kMaxTime{9'223'371'244'799'999'999};

constexpr bool Time::in_range() const noexcept {
  return micros_ >= kMinTime.micros_ && micros_ <= kMaxTime.micros_;
}

}  // namespace callisto
