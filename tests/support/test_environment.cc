#include "tests/support/test_environment.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace callisto::testing {

std::uint64_t test_seed() {
  static const std::uint64_t seed = [] {
    const char* given = std::getenv("CALLISTO_SEED");
    const std::uint64_t chosen =
        given != nullptr ? std::strtoull(given, nullptr, 0) : Environment::system().random_bits();
    std::printf("CALLISTO_SEED=%llu\n", static_cast<unsigned long long>(chosen));
    std::fflush(stdout);
    return chosen;
  }();
  return seed;
}

void TestEnvironment::set_now(Time now) {
  std::lock_guard lock(mutex_);
  now_ = now;
}

void TestEnvironment::advance_micros(std::int64_t micros) {
  std::lock_guard lock(mutex_);
  now_ = Time(now_.micros() + micros);
  monotonic_micros_ += std::max<std::int64_t>(micros, 0);
}

void TestEnvironment::set_file_hook(FileHook hook) {
  std::lock_guard lock(mutex_);
  file_hook_ = std::move(hook);
}

std::vector<TestEnvironment::LogLine> TestEnvironment::log_lines() const {
  std::lock_guard lock(mutex_);
  return log_lines_;
}

std::vector<std::int64_t> TestEnvironment::sleeps() const {
  std::lock_guard lock(mutex_);
  return sleeps_;
}

Time TestEnvironment::now() {
  std::lock_guard lock(mutex_);
  return now_;
}

std::int64_t TestEnvironment::monotonic_micros() {
  std::lock_guard lock(mutex_);
  return monotonic_micros_;
}

std::uint64_t TestEnvironment::random_bits() {
  std::lock_guard lock(mutex_);
  return random_();
}

void TestEnvironment::sleep_micros(std::int64_t micros) {
  {
    std::lock_guard lock(mutex_);
    sleeps_.push_back(micros);
  }
  advance_micros(micros);
}

void TestEnvironment::log(LogLevel level, std::string_view line) {
  std::lock_guard lock(mutex_);
  log_lines_.push_back({level, std::string(line)});
}

FileHook TestEnvironment::file_hook() {
  std::lock_guard lock(mutex_);
  return file_hook_;
}

}  // namespace callisto::testing
