// Table files of level 0 that cannot be opened: an iterator of RocksDB 7.8 that meets one behind a
// file with range deletions ends the process. Such a store is refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/engine/rocksdb_fixture.h"

namespace callisto::kv {
namespace {

namespace fs = std::filesystem;

class RocksLevel0 : public RocksTest {
 public:
  /// Three table files with a range deletion in each family: more than RocksDB opens by itself.
  void make_store() {
    for (const char* session : {"a", "b", "c"}) {
      auto store = open();
      for (std::size_t i = 0; i < kFamilyCount; ++i) {
        const auto family = static_cast<Family>(i);
        put(*store, std::string("k") + session, "value", family);
        ASSERT_TRUE(store->erase_range(family, "x", "y"));
      }
      ASSERT_TRUE(store->close());
    }
  }
  std::vector<fs::path> table_files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path("db"))) {
      if (entry.path().extension() == ".sst") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
};

TEST_F(RocksLevel0, IsRefusedWhenAFileCannotBeOpened) {
  make_store();
  const auto files = table_files();
  ASSERT_GT(files.size(), 16u) << "RocksDB opens so many";
  for (const fs::path& file : files) {
    const std::string whole = read_file(file);
    std::string damaged = whole;
    std::fill(damaged.end() - 40, damaged.end(), '\0');
    write_file(file, damaged);
    EXPECT_EQ(code_of(options()), Code::corruption) << file;
    write_file(file, whole);
  }
  EXPECT_TRUE(try_open());
}

}  // namespace
}  // namespace callisto::kv
