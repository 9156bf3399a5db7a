#include "tests/support/resident_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CALLISTO_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CALLISTO_TEST_SANITIZED 1
#endif
#endif

namespace callisto::testing {

namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;

}  // namespace

std::uint64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

void ResidentGrowth::look() { most_ = std::max(most_, resident_bytes()); }

std::uint64_t ResidentGrowth::bytes() const { return most_ - std::min(most_, before_); }

void expect_within_budget(const char* what, std::uint64_t growth_bytes, std::uint64_t budget_bytes,
                          std::uint64_t held_bytes) {
  std::printf("%s: %llu MiB with a budget of %llu MiB\n", what,
              static_cast<unsigned long long>(growth_bytes / kMiB),
              static_cast<unsigned long long>(budget_bytes / kMiB));
  if (!is_sanitized()) {
    EXPECT_LE(growth_bytes, budget_bytes + 64 * kMiB + held_bytes);
  }
  EXPECT_GT(growth_bytes, 4 * kMiB) << "something must have been seen";
}

bool is_sanitized() noexcept {
#ifdef CALLISTO_TEST_SANITIZED
  return true;
#else
  return false;
#endif
}

}  // namespace callisto::testing
