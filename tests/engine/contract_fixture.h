#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "engine/kv.h"
#include "tests/support/engine_factories.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {

using Rows = std::vector<std::pair<std::string, std::string>>;

/// One engine of engine_factories(), opened empty.
class EngineContract : public ::testing::TestWithParam<testing::EngineFactory> {
 protected:
  void SetUp() override {
    store_ = GetParam().make(environment_);
    ASSERT_NE(store_, nullptr);
  }
  void TearDown() override {
    if (store_) {
      EXPECT_TRUE(store_->close());
    }
  }

  Version put(std::string_view key, std::string_view value, Family family = Family::users) {
    Batch batch;
    batch.put(family, key, value);
    return store_->apply(batch, Durability::buffered).value();
  }
  Version erase(std::string_view key, Family family = Family::users) {
    Batch batch;
    batch.erase(family, key);
    return store_->apply(batch, Durability::buffered).value();
  }
  /// The value of a key, or "absent".
  static std::string get(Reader& reader, std::string_view key, Family family = Family::users) {
    Value value;
    return reader.get(family, key, value).value() ? std::string(value.view()) : "absent";
  }
  std::string get(std::string_view key, Family family = Family::users) {
    return get(*store_, key, family);
  }
  /// What is left of a scan.
  static Rows rows(Cursor& cursor) {
    Rows rows;
    for (; cursor.valid(); cursor.next()) rows.emplace_back(cursor.key(), cursor.value());
    EXPECT_TRUE(cursor.status());
    return rows;
  }
  static Rows rows(Reader& reader, const Bounds& bounds, Family family = Family::users) {
    return rows(*reader.scan(family, bounds));
  }
  static std::string keys(Reader& reader, const Bounds& bounds, Family family = Family::users) {
    std::string keys;
    for (const auto& [key, value] : rows(reader, bounds, family)) keys += key + ' ';
    return keys;
  }
  /// The sums of a group as a reader sees them.
  static std::int64_t counter(Reader& reader, std::string_view group, std::uint16_t counter) {
    Value value;
    if (!reader.get(Family::system, group, value).value()) return 0;
    const auto sums = decode_counters(value.view());
    EXPECT_TRUE(sums);
    for (const auto& [number, sum] : *sums) {
      if (number == counter) return sum;
    }
    return 0;
  }
  Result<Version> run(const std::function<Result<void>(Transaction&)>& function,
                      std::uint32_t max_attempts = 16) {
    return store_->run({.max_attempts = max_attempts}, function);
  }
  template <class Body>
  static void in_threads(int count, Body&& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
    for (std::thread& thread : threads) thread.join();
  }

  testing::TestEnvironment environment_;
  std::unique_ptr<Store> store_;
};

}  // namespace callisto::kv
