#include "engine/rocksdb/table_tail.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "tests/engine/rocksdb_fixture.h"

namespace callisto::kv {
namespace {

/// The bytes of a file.
class BytesFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit BytesFile(const std::string& bytes) : bytes_(bytes) {}
  rocksdb::IOStatus Read(std::uint64_t offset, std::size_t size, const rocksdb::IOOptions&,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) const override {
    if (fails_) return rocksdb::IOStatus::IOError("no such sector");
    const std::size_t from = std::min<std::size_t>(offset, bytes_.size());
    const std::size_t length = std::min(size, bytes_.size() - from);
    std::memcpy(scratch, bytes_.data() + from, length);
    *result = rocksdb::Slice(scratch, length);
    return rocksdb::IOStatus::OK();
  }
  bool fails_ = false;

 private:
  const std::string& bytes_;
};

class TableTailTest : public RocksTest {
 protected:
  void SetUp() override {
    {
      auto store = open();
      for (int i = 1000; i < 2000; ++i) {
        put(*store, "key" + std::to_string(i), std::string(100, 'v'), Family::memories);
      }
      ASSERT_TRUE(store->compact(nullptr));
    }
    for (const auto& entry : std::filesystem::directory_iterator(path("db"))) {
      if (entry.path().extension() != ".sst") continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (bytes.size() > bytes_.size()) bytes_ = std::move(bytes);
    }
    // The first name of a property; the others are stored as what differs from the one before.
    first_ = bytes_.find("rocksdb.block.based.table.index.type");
    ASSERT_NE(first_, std::string::npos);
  }
  rocksdb::IOStatus check() { return check_table_tail(BytesFile(bytes_), bytes_.size(), "1.sst"); }

  std::string bytes_;
  std::size_t first_ = 0;
};

TEST_F(TableTailTest, AWholeFileIsFine) {
  const auto status = check();
  EXPECT_TRUE(status.ok()) << status.ToString();
}

TEST_F(TableTailTest, EveryFlippedBitOfThePropertiesIsDamage) {
  // Behind them stands the index of such blocks, whose one entry begins with three lengths.
  const std::size_t last = bytes_.find("rocksdb.properties") - 3;
  ASSERT_LT(last, bytes_.size());
  ASSERT_GT(last, first_ + 500);
  for (std::size_t at = first_; at < last; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes_[at] = static_cast<char>(bytes_[at] ^ (1 << bit));
      ASSERT_TRUE(check().IsCorruption()) << "bit " << bit << " at " << at;
      bytes_[at] = static_cast<char>(bytes_[at] ^ (1 << bit));
    }
  }
}

// RocksDB compares the checksum of all else before it looks at it.
TEST_F(TableTailTest, DamageElsewhereIsLeftToRocksDB) {
  std::size_t refused = 0;
  for (std::size_t at = bytes_.size() - 53; at < bytes_.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes_[at] = static_cast<char>(bytes_[at] ^ (1 << bit));
      refused += check().ok() ? 0 : 1;
      bytes_[at] = static_cast<char>(bytes_[at] ^ (1 << bit));
    }
  }
  EXPECT_EQ(refused, 0u);
  bytes_[10] = static_cast<char>(bytes_[10] ^ 1);
  EXPECT_TRUE(check().ok());
}

TEST_F(TableTailTest, FilesThatAreCutAreLeftToRocksDB) {
  const std::string whole = bytes_;
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    bytes_ = whole.substr(0, size);
    ASSERT_TRUE(check().ok()) << size;
  }
}

// The highest bit of the number of restarts, at the end of the block: RocksDB meets an assertion.
TEST_F(TableTailTest, NoOpeningShowsItToRocksDB) {
  constexpr std::size_t kBack = 9;  // the index of blocks' 3 lengths, the trailer's 5 bytes, and one
  for (const auto& entry : std::filesystem::directory_iterator(path("db"))) {
    if (entry.path().extension() != ".sst") continue;
    std::string bytes = read_file(entry.path());
    const std::size_t at = bytes.find("rocksdb.properties") - kBack;
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ 0x80);
    write_file(entry.path(), bytes);
  }
  OpenOptions how = options();
  for (const bool read_only : {false, true}) {
    for (const bool statistics : {false, true}) {
      how.read_only = read_only;
      how.statistics = statistics;
      EXPECT_EQ(code_of(how), Code::corruption) << read_only << statistics;
    }
  }
}

TEST_F(TableTailTest, WhatTheDiskSaysIsPassedOn) {
  BytesFile file(bytes_);
  file.fails_ = true;
  EXPECT_TRUE(check_table_tail(file, bytes_.size(), "1.sst").IsIOError());
}

}  // namespace
}  // namespace callisto::kv
