// One random history on stores that differ in everything but their promises: memtables that are
// flushed all the time, no cache of records or a tiny one, closings and openings at random, no disk,
// no RocksDB, indexes that are removed and built again meanwhile, work that a thread of the store
// does beside the calls. Every answer is the model's on the way, and they must end with the same
// rows, byte for byte: records, index entries, counters, ledger. CALLISTO_SEED repeats a run,
// CALLISTO_STEPS sets how many calls each store gets.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "api/core.h"
#include "engine/open.h"
#include "schema/keys.h"
#include "tests/property/history.h"
#include "tests/support/map_engine.h"
#include "tests/support/small_steps_engine.h"
#include "tests/support/temp_directory.h"
#include "tests/support/tiny_engine.h"

namespace callisto::testing {
namespace {

std::uint64_t steps() {
  const char* given = std::getenv("CALLISTO_STEPS");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 550;
}

/// Room for a row in each part of the cache, so that it evicts at every step.
constexpr std::uint64_t kTinyCacheBytes = 16 << 10;

using Rows = std::map<std::pair<kv::Family, std::string>, std::string>;

/// Every row of every space, but what only estimates go by: it is saved now and then.
Rows rows_of(detail::StoreCore& core) {
  Rows rows;
  const std::string estimates =
      schema::system_prefix(schema::kStoreSpace, schema::SystemId::cardinality);
  for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
    const auto family = static_cast<kv::Family>(i);
    const std::string lower(1, '\0');
    const std::string upper(8, '\xff');
    auto cursor = core.engine().scan(family, {lower, upper});
    for (; cursor->valid(); cursor->next()) {
      if (family == kv::Family::system && cursor->key().starts_with(estimates)) continue;
      rows[{family, std::string(cursor->key())}] = cursor->value();
    }
    EXPECT_TRUE(cursor->status());
  }
  return rows;
}

using MakeSubject = std::function<std::unique_ptr<Subject>(const Options&, const std::string&)>;

Rows run_on(const char* name, const MakeSubject& make) {
  HistoryEnvironment environment;
  const TempDirectory directory(TempDirectory::On::memory);
  Options options;
  options.environment = &environment;
  options.background_work = false;
  options.memory_budget_bytes = 32ULL << 20;
  const auto subject = make(options, directory.path("store"));
  const std::string failure = History(test_seed(), environment, *subject).run(steps());
  EXPECT_TRUE(failure.empty()) << name << ": CALLISTO_SEED=" << test_seed() << ", " << failure;
  return rows_of(*subject->core());
}

TEST(Metamorphic, StoresThatDifferInEverythingElseEndWithTheSameRows) {
  const auto in_memory = [](const Options& options, const std::string&) {
    return store_subject("", options);
  };
  const auto in_memory_with = [](std::uint64_t cache_bytes) {
    return [=](Options options, const std::string&) {
      options.record_cache_bytes = cache_bytes;
      return store_subject("", options);
    };
  };
  const auto on_disk = [](const Options& options, const std::string& path) {
    return store_subject(path, options);
  };
  const auto rebuilt = [](const Options& options, const std::string& path) {
    const auto make = [=] {
      kv::OpenOptions open{.directory = path, .environment = options.environment};
      return std::make_unique<SmallStepsEngine>(kv::open_rocksdb(open).value());
    };
    return engine_subject(make, true, options, Indexes::are_rebuilt);
  };
  const auto rebuilt_in_memory = [](const Options& options, const std::string&) {
    return store_subject("", options, Indexes::are_rebuilt);
  };
  const auto in_background = [](Options options, const std::string&) {
    options.background_work = true;
    return store_subject("", options);
  };
  const auto rebuilt_in_background = [](Options options, const std::string& path) {
    options.background_work = true;
    return store_subject(path, options, Indexes::are_rebuilt);
  };
  const auto map = [](const Options& options, const std::string&) { return map_subject(options); };
  const auto tiny = [](const Options& options, const std::string& path) {
    Environment* environment = options.environment;
    return engine_subject([=] { return open_tiny_engine(path, *environment); }, true, options);
  };
  const Rows expected = run_on("map engine", map);
  EXPECT_GT(expected.size(), 100U);
  const std::pair<const char*, MakeSubject> others[] = {
      {"in memory", in_memory},
      {"without a cache", in_memory_with(0)},
      {"with a tiny cache", in_memory_with(kTinyCacheBytes)},
      {"on disk, reopened", on_disk},
      {"tiny, reopened", tiny},
      {"small steps, reopened, indexes rebuilt", rebuilt},
      {"in memory, indexes rebuilt", rebuilt_in_memory},
      {"in memory, work in the background", in_background},
      {"on disk, reopened, indexes rebuilt in the background", rebuilt_in_background},
  };
  for (const auto& [name, make] : others) {
    const Rows rows = run_on(name, make);
    for (const auto& [key, value] : expected) {
      const auto found = rows.find(key);
      EXPECT_TRUE(found != rows.end() && found->second == value)
          << name << ": CALLISTO_SEED=" << test_seed() << ", " << to_string(key.first) << ", "
          << schema::describe_key(key.second) << "\n  map engine: " << schema::to_hex(value)
          << "\n  here:       "
          << (found != rows.end() ? schema::to_hex(found->second) : "not there");
      if (HasFailure()) return;
    }
    for (const auto& [key, value] : rows) {
      EXPECT_TRUE(expected.contains(key)) << name << ": CALLISTO_SEED=" << test_seed()
                                          << ", only here " << schema::describe_key(key.second);
    }
  }
}

}  // namespace
}  // namespace callisto::testing
