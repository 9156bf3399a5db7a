#pragma once

// Inside of scrub: what was found, counted, and the first of it kept.

#include <cstddef>
#include <string_view>

#include "callisto/stats.h"

namespace callisto::indexes {

/// Adds to a report. Keys go into it in hexadecimal; texts and values stay out of it.
class Findings {
 public:
  explicit Findings(VerifyReport& report)
      : report_(report), unreadable_before_(report.unreadable) {}

  void checked() noexcept { ++report_.checked; }
  void pending() noexcept { ++report_.pending; }
  void dangling(std::string_view table, std::string_view key, std::string_view detail);
  void missing(std::string_view table, std::string_view key, std::string_view detail);
  void wrong(std::string_view table, std::string_view key, std::string_view detail);
  void undecodable(std::string_view table, std::string_view key, std::string_view detail);
  /// Keys in [from, to) that a damaged file hides.
  void unreadable(std::string_view table, std::string_view from, std::string_view detail);
  bool has_unreadable() const noexcept { return report_.unreadable > unreadable_before_; }
  void orphan(std::string_view table, std::string_view key, std::string_view detail);

 private:
  static constexpr std::size_t kMaxDefects = 100;

  void keep(const char* kind, std::string_view table, std::string_view key,
            std::string_view detail);

  VerifyReport& report_;
  const std::uint64_t unreadable_before_;  ///< In other spaces.
};

}  // namespace callisto::indexes
