// The stored format against a store that an earlier build made, and against stores of other formats.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/open.h"
#include "schema/format.h"
#include "schema/keys.h"
#include "tests/format/fixture_store.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_environment.h"

namespace callisto::testing {
namespace {

namespace fs = std::filesystem;

std::string fixture() {
  const char* source = std::getenv("CALLISTO_SOURCE_DIR");
  return std::string(source == nullptr ? "." : source) + "/tests/format/fixture-draft-" +
         std::to_string(schema::kFormatVersion);
}

/// tools/format-fixture.sh runs it; CALLISTO_FIXTURE names the directory.
TEST(FixtureMaker, DISABLED_Makes) {
  const char* directory = std::getenv("CALLISTO_FIXTURE");
  ASSERT_NE(directory, nullptr);
  fs::remove_all(directory);
  make_fixture_store(directory);
}

class Format : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fs::is_directory(fixture())) << fixture() << ": run tools/format-fixture.sh";
    fs::copy(fixture(), path_, fs::copy_options::recursive);
  }

  Options options(OpenMode mode = OpenMode::existing) {
    Options options;
    options.mode = mode;
    options.environment = &environment_;
    return options;
  }
  /// The code of opening; `invalid_argument` never comes of that, and stands for success.
  Code code_of_open(OpenMode mode = OpenMode::existing) {
    const auto store = Store::open(path_, options(mode));
    return store ? Code::invalid_argument : store.error().code();
  }
  void put_format_row(const std::string& row) {
    kv::OpenOptions engine_options;
    engine_options.directory = path_;
    engine_options.environment = &environment_;
    const auto engine = kv::open_rocksdb(engine_options).value();
    kv::Batch batch;
    batch.put(kv::Family::system, schema::format_key(), row);
    engine->apply(batch, Durability::buffered).value();
    engine->close().value();
  }
  /// The format row of this version with one byte changed.
  static std::string row_with(std::size_t at, char byte) {
    std::string row = schema::encode_format();
    row.at(at) = byte;
    return row;
  }

  std::string read_marker() const {
    std::ifstream file(path_ + "/CALLISTO");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TestEnvironment environment_;
  const TempDirectory directory_{TempDirectory::On::memory};
  const std::string path_ = directory_.path("store");
};

// Places in the row (FORMAT.md, "Versions").
constexpr std::size_t kVersion = 0;
constexpr std::size_t kCompatible = 4;
constexpr std::size_t kReadOnly = 12;
constexpr std::size_t kIncompatible = 20;

TEST_F(Format, TheFixtureIsSmall) {
  std::uintmax_t size = 0;
  for (const auto& file : fs::recursive_directory_iterator(fixture())) {
    if (file.is_regular_file()) size += file.file_size();
  }
  EXPECT_LT(size, 200U << 10);
}

TEST_F(Format, TheFixtureReads) {
  const Store store = Store::open(path_, options()).value();
  EXPECT_TRUE(store.verify().value().ok);
  expect_fixture_store(store);
}

TEST_F(Format, TheFixtureReadsReadOnly) {
  const Store store = Store::open(path_, options(OpenMode::read_only)).value();
  EXPECT_TRUE(store.verify().value().ok);
  expect_fixture_store(store);
}

TEST_F(Format, TheFixtureCanBeWritten) {
  const Store store = Store::open(path_, options()).value();
  ASSERT_TRUE(store.finish_pending_work());
  expect_fixture_store(store);
  const auto space = store.space("acme").value();
  EXPECT_FALSE(space.memories().put({.category = "c", .key = "only"}).value().id.is_nil());
  EXPECT_TRUE(store.verify().value().ok);
  expect_fixture_store(store);
}

TEST_F(Format, AStoreMadeTodayReadsTheSame) {
  const std::string made = directory_.path("made");
  make_fixture_store(made);
  const Store store = Store::open(made, options()).value();
  EXPECT_TRUE(store.verify().value().ok);
  expect_fixture_store(store);
}

TEST_F(Format, ANewerVersionIsRefused) {
  put_format_row(row_with(kVersion, static_cast<char>(schema::kFormatVersion + 1)));
  EXPECT_EQ(code_of_open(), Code::format_too_new);
  EXPECT_EQ(code_of_open(OpenMode::create), Code::format_too_new);
  EXPECT_EQ(code_of_open(OpenMode::read_only), Code::format_too_new);
}

TEST_F(Format, AnOlderDraftIsRefused) {
  put_format_row(row_with(kVersion, static_cast<char>(schema::kFormatVersion - 1)));
  EXPECT_EQ(code_of_open(), Code::format_unsupported);
  EXPECT_EQ(code_of_open(OpenMode::read_only), Code::format_unsupported);
}

TEST_F(Format, UnknownFeaturesAreRefusedUnlessCompatible) {
  put_format_row(row_with(kIncompatible + 7, '\x80'));
  EXPECT_EQ(code_of_open(), Code::format_too_new);
  put_format_row(row_with(kReadOnly, '\x01'));
  EXPECT_EQ(code_of_open(), Code::format_too_new);
  put_format_row(row_with(kCompatible, '\x01'));
  const auto store = Store::open(path_, options());
  ASSERT_TRUE(store) << store.error().to_string();
  expect_fixture_store(*store);
}

TEST_F(Format, ARefusedStoreIsLeftAsItIs) {
  put_format_row(row_with(kVersion, static_cast<char>(schema::kFormatVersion + 1)));
  EXPECT_EQ(code_of_open(), Code::format_too_new);
  put_format_row(schema::encode_format());
  const Store store = Store::open(path_, options()).value();
  EXPECT_TRUE(store.verify().value().ok);
  expect_fixture_store(store);
}

TEST_F(Format, ANewerLayoutOfTheDirectoryIsRefused) {
  std::string marker = read_marker();
  const std::size_t number = marker.rfind('1');
  ASSERT_NE(number, std::string::npos);
  marker[number] = '2';
  std::ofstream(path_ + "/CALLISTO") << marker;
  EXPECT_EQ(code_of_open(), Code::format_too_new);
  EXPECT_EQ(code_of_open(OpenMode::read_only), Code::format_too_new);
}

TEST_F(Format, ADamagedRowIsCorruption) {
  put_format_row("x");
  EXPECT_EQ(code_of_open(), Code::corruption);
}

}  // namespace
}  // namespace callisto::testing
