// The form of RocksDB's logs and manifests: what is written is read, damage costs the records of
// its block only, and files that RocksDB has written are read.

#include "engine/rocksdb/log_format.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/engine/rocksdb_fixture.h"
#include "tests/support/test_environment.h"

namespace callisto::kv {
namespace {

constexpr std::size_t kBlockBytes = 32u << 10;

struct Written {
  std::string bytes{};
  std::vector<std::string> records{};
  std::vector<std::size_t> ends{};
};

/// Records of all sizes, up to some blocks.
Written write_records(std::mt19937_64& random, int count) {
  Written written;
  for (int i = 0; i < count; ++i) {
    const std::size_t size = random() % (random() % 4 == 0 ? 3 * kBlockBytes : 200);
    std::string record = std::to_string(i) + ":";
    while (record.size() < size) record += static_cast<char>(random());
    written.bytes += encode_log_record(written.bytes.size(), record);
    written.records.push_back(std::move(record));
    written.ends.push_back(written.bytes.size());
  }
  return written;
}

std::vector<std::string> read_records(const std::string& bytes, bool& has_damage, bool& is_cut) {
  std::istringstream file(bytes);
  LogRecords records = records_of(file);
  std::vector<std::string> read;
  for (std::string record; records.next(record);) read.push_back(record);
  has_damage = records.has_damage();
  is_cut = records.is_cut();
  return read;
}

TEST(LogFormat, WhatIsWrittenIsRead) {
  std::mt19937_64 random(testing::test_seed());
  for (int round = 0; round < 5; ++round) {
    const Written written = write_records(random, 100);
    bool has_damage = true;
    bool is_cut = true;
    EXPECT_EQ(read_records(written.bytes, has_damage, is_cut), written.records);
    EXPECT_FALSE(has_damage || is_cut);
  }
}

TEST(LogFormat, ACutFileHasTheRecordsBefore) {
  std::mt19937_64 random(testing::test_seed());
  const Written written = write_records(random, 60);
  for (int round = 0; round < 150; ++round) {
    const std::size_t size = random() % written.bytes.size();
    bool has_damage = true;
    bool is_cut = false;
    const auto read = read_records(written.bytes.substr(0, size), has_damage, is_cut);
    std::size_t whole = 0;
    while (written.ends[whole] <= size) ++whole;
    ASSERT_EQ(read, std::vector(written.records.begin(),
                                written.records.begin() + static_cast<std::ptrdiff_t>(whole)));
    EXPECT_FALSE(has_damage && size % kBlockBytes != 0) << size;
    const std::size_t begin = whole == 0 ? 0 : written.ends[whole - 1];
    EXPECT_TRUE(is_cut || has_damage || size == begin || size % kBlockBytes == 0) << size;
  }
}

TEST(LogFormat, DamageCostsTheRecordsOfItsBlock) {
  std::mt19937_64 random(testing::test_seed());
  const Written written = write_records(random, 60);
  for (int round = 0; round < 150; ++round) {
    std::string bytes = written.bytes;
    const std::size_t at = random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    bool has_damage = false;
    bool is_cut = false;
    const auto read = read_records(bytes, has_damage, is_cut);
    // In order, none changed; only those that have a part in the block may be missing.
    std::size_t next = 0;
    for (std::size_t i = 0; i < written.records.size(); ++i) {
      const std::size_t begin = i == 0 ? 0 : written.ends[i - 1];
      const bool touches = begin / kBlockBytes <= at / kBlockBytes &&
                           (written.ends[i] - 1) / kBlockBytes >= at / kBlockBytes;
      if (next < read.size() && read[next] == written.records[i]) {
        ++next;
      } else {
        ASSERT_TRUE(touches) << "record " << i << ", damage at " << at;
      }
    }
    ASSERT_EQ(next, read.size()) << "a record that was not written";
    EXPECT_TRUE(has_damage || is_cut || read == written.records);
  }
}

class LogFormatOfRocks : public RocksTest {};

TEST_F(LogFormatOfRocks, ReadsItsLogsAndManifests) {
  auto store = open();
  for (int i = 0; i < 10; ++i) put(*store, "k" + std::to_string(i), std::string(20'000, 'v'));
  std::size_t in_logs = 0;
  std::size_t in_manifests = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path("db"))) {
    const std::string name = entry.path().filename();
    const bool is_log = name.ends_with(".log");
    if (!is_log && !name.starts_with("MANIFEST")) continue;
    bool has_damage = true;
    bool is_cut = true;
    const auto read = read_records(read_file(entry.path()), has_damage, is_cut);
    EXPECT_FALSE(has_damage || is_cut) << name;
    (is_log ? in_logs : in_manifests) += read.size();
  }
  EXPECT_EQ(in_logs, 10U) << "a commit each";
  EXPECT_GT(in_manifests, 0U);
}

}  // namespace
}  // namespace callisto::kv
