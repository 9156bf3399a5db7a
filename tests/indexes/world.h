#pragma once

// One space on the map engine, written through the maintainer, spoilt behind its back.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "callisto/stats.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "indexes/maintainer.h"
#include "indexes/space_state.h"
#include "tests/indexes/records.h"
#include "tests/support/test_environment.h"

namespace callisto::indexes::testing {

/// Entries by family and key.
using EntryMap = std::map<std::pair<kv::Family, std::string>, std::string>;
using CountMap = std::map<std::uint16_t, std::int64_t>;
/// Stands between the maintainer and a transaction.
using Wrap = std::function<std::unique_ptr<kv::Transaction>(kv::Transaction&)>;

class World {
 public:
  World();

  kv::Store& store() { return *store_; }

  /// Through the maintainer, in one transaction each.
  void write(const StoredRow& row);
  void erase(const StoredRow& row);
  /// Rows as they must be: a few of every table, all in agreement.
  void fill();
  /// From now on the maintainer writes through what `wrap` makes.
  void spoil_maintainer(Wrap wrap) { wrap_ = std::move(wrap); }

  void run(const std::function<Result<void>(kv::Transaction&)>& function);
  std::shared_ptr<const SpaceState> state();

  // Behind everybody's back.
  void put_raw(kv::Family family, std::string_view key, std::string_view value);
  void put_raw(const StoredRow& row);
  void erase_raw(kv::Family family, std::string_view key);
  /// The value of a key, or "absent".
  std::string get(kv::Family family, std::string_view key);
  /// The first entry of an index.
  Entry first_entry(schema::IndexId index);
  void set_index_state(schema::IndexId index, IndexState state);

  // The oracle: all rows, and what they give.
  EntryMap right_entries();
  EntryMap stored_entries();
  CountMap right_counts();
  CountMap stored_counts();

  VerifyReport scrub();
  std::uint64_t repair();

 private:
  void apply(schema::TableId table, std::string_view key, std::optional<std::string_view> after);

  callisto::testing::TestEnvironment environment_;
  std::unique_ptr<kv::Store> store_;
  Maintainer maintainer_;
  Wrap wrap_;
};

/// "dangling 1 missing 2 ..." of what is not zero, without `checked`; "ok" where there is no
/// defect.
std::string summary(const VerifyReport& report);

}  // namespace callisto::indexes::testing
