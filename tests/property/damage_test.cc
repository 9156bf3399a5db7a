// Wrong doubles at the level of the whole: damage is planted at random below a store that a random
// history has filled. verify must name it, repair must heal it, and the answers must be the model's.

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "api/core.h"
#include "schema/keys.h"
#include "tests/property/history.h"

namespace callisto::testing {
namespace {

struct Row {
  std::string key;
  std::string value;
};

class RandomDamage : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kSteps = 400;
  static constexpr int kRounds = 40;

  RandomDamage()
      : subject_(store_subject("", options())),
        history_(test_seed(), environment_, *subject_),
        random_(test_seed()) {
    const std::string failure = history_.run(kSteps);
    EXPECT_TRUE(failure.empty()) << failure;
  }

  Options options() {
    Options options;
    options.environment = &environment_;
    options.background_work = false;
    options.memory_budget_bytes = 32ULL << 20;
    return options;
  }

  kv::Store& engine() { return subject_->core()->engine(); }
  /// Whether a history has left the default space nothing in a family.
  bool is_empty(kv::Family family) {
    const std::string lower = schema::space_prefix(schema::kDefaultSpace);
    return !engine().scan(family, {lower, schema::prefix_end(lower)})->valid();
  }
  /// A row of a family, of the default space.
  Row any(kv::Family family) {
    std::vector<Row> rows;
    const std::string lower = schema::space_prefix(schema::kDefaultSpace);
    const std::string upper = schema::prefix_end(lower);
    for (auto cursor = engine().scan(family, {lower, upper}); cursor->valid(); cursor->next()) {
      rows.push_back({std::string(cursor->key()), std::string(cursor->value())});
    }
    EXPECT_FALSE(rows.empty());
    return rows.empty() ? Row{} : rows[random_() % rows.size()];
  }
  void put(kv::Family family, const std::string& key, const std::string& value) {
    kv::Batch batch;
    batch.put(family, key, value);
    engine().apply(batch, Durability::buffered).value();
  }
  void erase(kv::Family family, const std::string& key) {
    kv::Batch batch;
    batch.erase(family, key);
    engine().apply(batch, Durability::buffered).value();
  }

  /// The kinds of defects that are found; the key of what was planted is among their keys.
  std::set<std::string> found(const std::string& key) {
    const VerifyReport report = subject_->verify(false).value();
    EXPECT_FALSE(report.ok) << schema::describe_key(key);
    std::set<std::string> kinds;
    std::set<std::string> keys;
    for (const Defect& defect : report.defects) {
      kinds.insert(defect.kind);
      keys.insert(defect.key);
    }
    EXPECT_TRUE(keys.contains(schema::to_hex(key))) << schema::describe_key(key);
    return kinds;
  }
  /// One kind, and one of `allowed`.
  static bool are(const std::set<std::string>& kinds, const std::set<std::string>& allowed) {
    return kinds.size() == 1 && allowed.contains(*kinds.begin());
  }
  /// As it was before the damage, in the store's own eyes and in the model's.
  void expect_healed() {
    const VerifyReport repaired = subject_->verify(true).value();
    EXPECT_TRUE(repaired.ok);
    EXPECT_GE(repaired.repaired, 1U);
    EXPECT_TRUE(subject_->verify(false).value().ok);
    expect_the_models_answers();
  }
  void expect_the_models_answers() {
    history_.compare_all();
    EXPECT_EQ(history_.failure(), "");
  }

  HistoryEnvironment environment_;
  std::unique_ptr<Subject> subject_;
  History history_;
  std::mt19937_64 random_;
};

TEST_F(RandomDamage, AnEntryThatIsLost) {
  for (int i = 0; i < kRounds && !HasFailure(); ++i) {
    const Row entry = any(kv::Family::indexes);
    erase(kv::Family::indexes, entry.key);
    EXPECT_EQ(found(entry.key), std::set<std::string>{"missing"});
    expect_healed();
  }
}

TEST_F(RandomDamage, AnEntryThatLeadsNowhere) {
  for (int i = 0; i < kRounds && !HasFailure(); ++i) {
    const Row entry = any(kv::Family::indexes);
    std::string key = entry.key;
    key.back() = static_cast<char>(key.back() ^ 1);  // The end of an id, or of a number.
    // Two messages of one moment lie beside each other: then it is the entry of the other one.
    kv::Value other;
    if (engine().get(kv::Family::indexes, key, other).value()) continue;
    put(kv::Family::indexes, key, entry.value);
    // A key that ends in a text loses its end, and cannot be read.
    EXPECT_TRUE(are(found(key), {"dangling", "wrong", "undecodable"})) << schema::describe_key(key);
    expect_healed();
  }
}

TEST_F(RandomDamage, AnEntryWithAnotherValue) {
  for (int i = 0; i < kRounds && !HasFailure(); ++i) {
    const Row entry = any(kv::Family::indexes);
    put(kv::Family::indexes, entry.key, entry.value + "x");
    EXPECT_TRUE(are(found(entry.key), {"wrong", "undecodable"})) << schema::describe_key(entry.key);
    expect_healed();
  }
}

TEST_F(RandomDamage, ARecordThatIsCut) {
  int named = 0;
  for (const kv::Family family : {kv::Family::users, kv::Family::platform_identifiers, kv::Family::user_data,
                                  kv::Family::conversations, kv::Family::memories}) {
    if (is_empty(family)) continue;
    for (int i = 0; i < kRounds / 5 && !HasFailure(); ++i) {
      const Row record = any(family);
      if (record.value.size() < 64) continue;  // The hot rows have checks of their own.
      put(family, record.key, record.value.substr(0, random_() % record.value.size()));
      // Named, or harmless: what fills the last eight bytes up says nothing.
      if (subject_->verify(false).value().ok) {
        expect_the_models_answers();
      } else {
        EXPECT_TRUE(found(record.key).contains("undecodable"));
        ++named;
      }
      put(family, record.key, record.value);
      EXPECT_TRUE(subject_->verify(false).value().ok);
    }
  }
  EXPECT_GE(named, 10) << "of 40 cuts at random places";
  expect_the_models_answers();
}

TEST_F(RandomDamage, ACountThatIsOff) {
  const std::string key = schema::counters_key(schema::kDefaultSpace);
  std::string stored;
  for (auto cursor = engine().scan(kv::Family::system, {key, schema::prefix_end(key)}); cursor->valid();
       cursor->next()) {
    stored = std::string(cursor->value());
  }
  const auto counts = kv::decode_counters(stored).value();
  ASSERT_FALSE(counts.empty());
  for (std::size_t i = 0; i < counts.size() && !HasFailure(); ++i) {
    auto changed = counts;
    changed[i].second += random_() % 2 == 0 ? 1 : -1;
    put(kv::Family::system, key, kv::encode_counters(changed));
    const VerifyReport report = subject_->verify(false).value();
    EXPECT_EQ(report.wrong, 1U);
    expect_healed();
  }
}

}  // namespace
}  // namespace callisto::testing
