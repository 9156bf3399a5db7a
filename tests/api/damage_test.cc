// Damage planted below a store by raw writes: verify names it, --repair heals what can be healed.

#include <functional>
#include <set>

#include "api/core.h"
#include "schema/keys.h"
#include "tests/api/user_fixture.h"

namespace callisto::testing {
namespace {

class Damage : public ::testing::Test {
 protected:
  Damage() : store_(Store::open_in_memory(options()).value()) {
    user_ = store_.users().create({.name = "Reece", .platform = "discord", .platform_id = "1"}).value();
    store_.user_data().append(user_, "foods", "pies").value();
    talk_ = store_.conversations().create({.owner = user_, .participants = {user_}}).value();
    for (int i = 0; i < 3; ++i) {
      message_ = store_.messages()
                     .append({.conversation = talk_, .sender = user_, .content = "Pie, please."})
                     .value();
    }
    memory_ = store_.memories()
                  .create({.category = "facts", .key = "food", .tags = {"pie", "food"}, .user = user_})
                  .value();
  }

  Options options() {
    Options options;
    options.environment = &environment_;
    options.background_work = false;
    return options;
  }

  struct Row {
    kv::Family family;
    std::string key;
    std::string value;
  };
  std::vector<Row> rows(kv::Family family, const std::string& prefix) {
    std::vector<Row> rows;
    const std::string upper = schema::prefix_end(prefix);
    for (auto cursor = engine().scan(family, {prefix, upper}); cursor->valid(); cursor->next()) {
      rows.push_back({family, std::string(cursor->key()), std::string(cursor->value())});
    }
    EXPECT_FALSE(rows.empty());
    return rows;
  }
  static std::string head(std::uint16_t number) {
    return schema::KeyWriter(schema::space_prefix(schema::kDefaultSpace)).u16(number).str();
  }
  std::vector<Row> entries(schema::IndexId index) {
    return rows(kv::Family::indexes, head(static_cast<std::uint16_t>(index)));
  }
  Row row(kv::Family family, const std::string& key) { return rows(family, key).at(0); }

  kv::Store& engine() { return store_.core().engine(); }
  void put(const Row& row, const std::string& value) {
    kv::Batch batch;
    batch.put(row.family, row.key, value);
    engine().apply(batch, Durability::buffered).value();
  }
  void erase(const Row& row) {
    kv::Batch batch;
    batch.erase(row.family, row.key);
    engine().apply(batch, Durability::buffered).value();
  }

  VerifyReport verify(bool repair = false) {
    return store_.verify({.repair = repair, .checksums = false}).value();
  }
  static std::set<std::string> kinds(const VerifyReport& report) {
    std::set<std::string> kinds;
    for (const Defect& defect : report.defects) kinds.insert(defect.kind + " " + defect.table);
    return kinds;
  }
  static std::string named(std::string_view kind, schema::IndexId index) {
    for (const auto& table : indexes::standard_catalogue().tables) {
      for (const auto& definition : table.indexes) {
        if (definition.id == index) return std::string(kind) + " " + std::string(definition.name);
      }
    }
    return "";
  }
  void expect_healed() {
    const VerifyReport repaired = verify(true);
    EXPECT_TRUE(repaired.ok) << ::testing::PrintToString(kinds(repaired));
    EXPECT_GE(repaired.repaired, 1U);
    EXPECT_TRUE(verify().ok);
  }

  TestEnvironment environment_;
  Store store_;
  UserId user_;
  ConversationId talk_;
  MessageId message_;
  MemoryId memory_;
};

TEST_F(Damage, NothingIsFoundWhereNothingIsWrong) {
  const VerifyReport report = verify();
  EXPECT_TRUE(report.ok);
  EXPECT_GT(report.checked, 20U);
  EXPECT_EQ(verify(true).repaired, 0U);
}

// Every entry of every index in the family, one at a time.
TEST_F(Damage, AMissingEntryIsNamedAndWrittenAgain) {
  const std::string prefix = schema::space_prefix(schema::kDefaultSpace);
  for (const Row& entry : rows(kv::Family::indexes, prefix)) {
    SCOPED_TRACE(schema::describe_key(entry.key));
    erase(entry);
    const VerifyReport report = verify();
    EXPECT_FALSE(report.ok);
    EXPECT_EQ(report.missing, 1U);
    ASSERT_FALSE(report.defects.empty());
    EXPECT_EQ(report.defects[0].kind, "missing");
    EXPECT_EQ(report.defects[0].key, schema::to_hex(entry.key));
    expect_healed();
    EXPECT_EQ(row(entry.family, entry.key).value, entry.value);
  }
}

TEST_F(Damage, ADanglingEntryIsNamedAndRemoved) {
  const Row entry = entries(schema::IndexId::memory_by_tag).at(0);
  Row dangling = entry;
  dangling.key.back() = static_cast<char>(dangling.key.back() ^ 1);  // Of a memory that is not there.
  put(dangling, entry.value);
  const VerifyReport report = verify();
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(report.dangling, 1U);
  EXPECT_EQ(kinds(report), std::set{named("dangling", schema::IndexId::memory_by_tag)});
  expect_healed();
}

TEST_F(Damage, AWrongCountIsNamedAndSetRight) {
  const Row counters = row(kv::Family::system, schema::counters_key(schema::kDefaultSpace));
  auto counts = kv::decode_counters(counters.value).value();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    auto changed = counts;
    ++changed[i].second;
    put(counters, kv::encode_counters(changed));
    const VerifyReport report = verify();
    EXPECT_FALSE(report.ok);
    EXPECT_EQ(report.wrong, 1U);
    expect_healed();
    EXPECT_EQ(row(counters.family, counters.key).value, counters.value);
  }
}

TEST_F(Damage, ACutRecordIsNamedAndTheRestStaysReadable) {
  const Row record = row(kv::Family::memories, schema::memory_key(schema::kDefaultSpace, memory_));
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, record.value.size() / 2}) {
    put(record, record.value.substr(0, size));
    const VerifyReport report = verify();
    EXPECT_FALSE(report.ok);
    EXPECT_EQ(report.undecodable, 1U);
    ASSERT_FALSE(report.defects.empty());
    EXPECT_EQ(report.defects[0].kind, "undecodable");
    EXPECT_EQ(report.defects[0].key, schema::to_hex(record.key));
    const auto memory = store_.memories().get(memory_);
    ASSERT_FALSE(memory) << "damaged bytes are never served";
    EXPECT_EQ(memory.error().code(), Code::corruption);
    EXPECT_TRUE(store_.users().get(user_).value());
    EXPECT_EQ(store_.messages().latest(talk_).value().size(), 3U);
  }
  put(record, record.value);
  EXPECT_TRUE(verify().ok);
}

TEST_F(Damage, ALostRecordLeavesDanglingEntries) {
  erase(row(kv::Family::memories, schema::memory_key(schema::kDefaultSpace, memory_)));
  const VerifyReport report = verify();
  EXPECT_FALSE(report.ok);
  EXPECT_GT(report.dangling, 5U);
  EXPECT_TRUE(kinds(report).contains(named("dangling", schema::IndexId::memory_by_category)));
  expect_healed();
  EXPECT_TRUE(store_.memories().find({.category = "facts"}).value().empty());
}

TEST_F(Damage, ALostUserLeavesOrphans) {
  erase(row(kv::Family::users, schema::user_key(schema::kDefaultSpace, user_)));
  const VerifyReport report = verify();
  EXPECT_FALSE(report.ok);
  EXPECT_GE(report.orphans, 2U) << "an identity, and data";
}

TEST_F(Damage, ALostMessageIsNamed) {
  const auto range = schema::message_range(schema::kDefaultSpace, talk_, schema::MessagePart::record);
  erase(rows(kv::Family::messages, range).at(1));
  const VerifyReport report = verify();
  EXPECT_FALSE(report.ok);
  EXPECT_TRUE(kinds(report).contains(named("dangling", schema::IndexId::message_by_id)))
      << ::testing::PrintToString(kinds(report));
  EXPECT_GE(report.wrong, 1U) << "the conversation counts one more";
  expect_healed();
  EXPECT_EQ(store_.conversations().get(talk_).value()->message_count(), 2U);
}

}  // namespace
}  // namespace callisto::testing
