#pragma once

#include <cstdint>

namespace callisto::testing {

/// What the process has in memory now (VmRSS); 0 where the system does not say.
std::uint64_t resident_bytes();

/// How much more it was at the most since this was made. Single-threaded.
class ResidentGrowth {
 public:
  void look();
  std::uint64_t bytes() const;

 private:
  const std::uint64_t before_ = resident_bytes();
  std::uint64_t most_ = 0;
};

/// What a load let a process grow by is within the budget, 64 MiB, and what the caller held; and
/// something was seen. Prints it with `what`. Under sanitizers, which are resident too, any growth
/// is right.
void expect_within_budget(const char* what, std::uint64_t growth_bytes, std::uint64_t budget_bytes,
                          std::uint64_t held_bytes = 0);

/// Whether the program has sanitizers in it.
bool is_sanitized() noexcept;

}  // namespace callisto::testing
