#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "engine/kv.h"
#include "engine/open.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {

inline constexpr std::uint64_t kSmallestBudget = 32ULL << 20;

/// RocksDB on a directory of its own, opened as often as a test likes.
class RocksTest : public ::testing::Test {
 protected:
  OpenOptions options() {
    OpenOptions options;
    options.directory = directory_;
    options.memory_budget_bytes = kSmallestBudget;
    options.environment = &environment_;
    return options;
  }
  std::unique_ptr<Store> open() { return open_rocksdb(options()).value(); }
  std::unique_ptr<Store> follow() {
    OpenOptions follower = options();
    follower.read_only = true;
    return open_rocksdb(follower).value();
  }
  Result<std::unique_ptr<Store>> try_open() { return open_rocksdb(options()); }
  /// The code of an opening that must fail.
  static Code code_of(const OpenOptions& options) {
    auto opened = open_rocksdb(options);
    EXPECT_FALSE(opened);
    return opened ? Code::unsupported : opened.error().code();
  }

  static Result<Version> try_put(Store& store, std::string_view key, std::string_view value,
                                 Durability durability = Durability::buffered,
                                 Family family = Family::users) {
    Batch batch;
    batch.put(family, key, value);
    return store.apply(batch, durability);
  }
  static Version put(Store& store, std::string_view key, std::string_view value,
                     Family family = Family::users) {
    return try_put(store, key, value, Durability::buffered, family).value();
  }
  /// The value of a key, or "absent".
  static std::string get(Reader& reader, std::string_view key, Family family = Family::users) {
    Value value;
    return reader.get(family, key, value).value() ? std::string(value.view()) : "absent";
  }
  /// Every key of [lower, upper) with a blank behind it.
  static std::string keys(Reader& reader, const Bounds& bounds, Family family = Family::users) {
    std::string keys;
    const auto cursor = reader.scan(family, bounds);
    for (; cursor->valid(); cursor->next()) keys += std::string(cursor->key()) + ' ';
    EXPECT_TRUE(cursor->status());
    return keys;
  }

  static std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void write_file(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  testing::TempDirectory temporary_{testing::TempDirectory::On::memory};
  testing::TestEnvironment environment_;
  std::string directory_ = temporary_.path("store");
};

}  // namespace callisto::kv
