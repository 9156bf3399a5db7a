// Repair beside writers, and a comparison that takes many rounds.

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "callisto/bytes.h"
#include "indexes/scrub.h"
#include "indexes/scrub_entries.h"
#include "indexes/scrub_pass.h"
#include "schema/keys.h"
#include "tests/indexes/world.h"

namespace callisto::indexes::testing {
namespace {

using kv::Family;
using schema::IndexId;
using schema::TableId;

/// Brings a row from what the transaction reads to `after`.
Result<void> change(kv::Transaction& transaction, const SpaceState& state, const StoredRow& row) {
  const TableDefinition& table = standard_catalogue().table(row.table);
  kv::Value stored;
  auto found = transaction.get_for_update(table.family, row.key, stored);
  if (!found) return found.error();
  const Bytes before = Bytes::copy_of(stored.view());
  const Bytes after = Bytes::copy_of(row.bytes);
  return Maintainer(standard_catalogue())
      .write(transaction, state, row.table, row.key,
             *found ? std::optional(before.view()) : std::nullopt, after.view());
}

/// Appends to talk 101 as the api does: the message and the tail in one transaction.
Result<kv::Version> append(kv::Store& store, std::uint32_t number) {
  const std::string key = schema::conversation_tail_key(kSpace, conversation_id(101));
  const kv::RunOptions options{
      .max_attempts = 1000, .queue_family = Family::conversations, .queue_key = key};
  return store.run(options, [&](kv::Transaction& transaction) -> Result<void> {
    auto state = SpaceState::load(transaction, kSpace);
    if (!state) return state.error();
    kv::Value stored;
    auto found = transaction.get_for_update(Family::conversations, key, stored);
    if (!found) return found.error();
    schema::ConversationTail tail = schema::decode_conversation_tail(stored.view()).value();
    fb::MessageT fields = message(conversation_id(101), tail.last_sequence + 1, 5000 + number);
    fields.token_usage = 4;
    tail.last_sequence += 1;
    tail.message_count += 1;
    tail.token_count += 4;
    tail.last_message_at = std::max(tail.last_message_at, fields.timestamp);
    if (auto done = change(transaction, **state, message_row(fields)); !done) return done;
    return change(transaction, **state, conversation_tail_row(conversation_id(101), tail));
  });
}

Result<kv::Version> retag(kv::Store& store, std::uint32_t number) {
  return store.run({.max_attempts = 1000}, [&](kv::Transaction& transaction) -> Result<void> {
    auto state = SpaceState::load(transaction, kSpace);
    if (!state) return state.error();
    fb::MemoryT fields = memory(memory_id(201 + number % 8), kNoon);
    fields.tags = {"tag " + std::to_string(number % 5)};
    return change(transaction, **state, memory_row(fields));
  });
}

TEST(Repair, MendsBesideWriters) {
  World world;
  world.fill();
  for (const auto& [place, value] : world.stored_entries()) {
    if (value.size() % 2 == 0) world.erase_raw(place.first, place.second);
  }
  schema::ConversationTail tail =
      schema::decode_conversation_tail(
          world.get(Family::conversations,
                    schema::conversation_tail_key(kSpace, conversation_id(101))))
          .value();
  tail.message_count += 7;
  world.write(conversation_tail_row(conversation_id(101), tail));
  world.run([](kv::Transaction& transaction) {
    return transaction.add(
        {schema::counters_key(kSpace), static_cast<std::uint16_t>(TableId::messages), 9});
  });
  EXPECT_FALSE(world.scrub().ok);

  std::atomic<int> failures{0};
  std::uint64_t repaired = 0;
  {
    // Writes while the repair runs (within what the map engine, which forgets no version, can
    // hold); ends with the block, also when repair() throws.
    std::jthread writer([&](const std::stop_token& stop) {
      for (std::uint32_t i = 0; i < 300 || (i < 10'000 && !stop.stop_requested()); ++i) {
        if (!append(world.store(), i) || !retag(world.store(), i)) ++failures;
      }
    });
    repaired = world.repair();
  }
  EXPECT_EQ(failures, 0);
  EXPECT_GT(repaired, 0u);
  EXPECT_EQ(summary(world.scrub()), "ok");
  EXPECT_EQ(world.stored_entries(), world.right_entries());
  EXPECT_EQ(world.stored_counts(), world.right_counts());
}

/// What mend() makes of an entry whose record changed since it was seen to be damaged.
TEST(Repair, WhatChangedMeanwhileIsLeftToItsWriter) {
  World world;
  world.fill();
  const Maintainer maintainer(standard_catalogue());
  const TableDefinition& table = standard_catalogue().table(TableId::memories);
  const Entry entry = world.first_entry(IndexId::memory_by_category);
  const IndexDefinition& index = table.indexes.front();
  ASSERT_EQ(index.id, IndexId::memory_by_category);
  const auto mend = [&](std::optional<std::string_view> expected) {
    bool is_written = false;
    world.run([&](kv::Transaction& transaction) -> Result<void> {
      auto done = maintainer.mend(transaction, kSpace, table, index, entry.key, expected);
      if (!done) return done.error();
      is_written = *done;
      return {};
    });
    return is_written;
  };
  EXPECT_FALSE(mend(entry.value));   // it is there
  EXPECT_FALSE(mend(std::nullopt));  // and given by its record
  EXPECT_FALSE(mend("seen before the record changed"));
  const std::string row_key = *index.row_key(entry.key, entry.value);
  world.erase({TableId::memories, row_key, {}});
  EXPECT_FALSE(mend(entry.value));  // gone with its record
  EXPECT_EQ(world.get(Family::indexes, entry.key), "absent");
  world.put_raw(Family::indexes, entry.key, "");
  EXPECT_TRUE(mend(std::nullopt));
  EXPECT_EQ(world.get(Family::indexes, entry.key), "absent");
}

/// Notes what it is shown.
class Notes final : public DifferenceSink {
 public:
  Result<void> on_missing(const IndexPlace&, std::string_view key, std::string_view) override {
    return note(missing, key);
  }
  Result<void> on_wrong(const IndexPlace&, std::string_view key, std::string_view) override {
    return note(wrong, key);
  }
  Result<void> on_stale(const IndexPlace&, std::string_view key, std::string_view) override {
    return note(stale, key);
  }
  Result<void> on_twice(const IndexPlace&, std::string_view key) override {
    return note(twice, key);
  }
  std::set<std::string> missing, wrong, stale, twice;

 private:
  static Result<void> note(std::set<std::string>& keys, std::string_view key) {
    EXPECT_TRUE(keys.emplace(key).second) << "shown twice";
    return {};
  }
};

TEST(EntryCheck, RoundsShowEveryDifferenceOnce) {
  World world;
  world.fill();
  std::set<std::string> erased, changed;
  int i = 0;
  for (const auto& [place, value] : world.stored_entries()) {
    if (++i % 3 == 0) {
      world.erase_raw(place.first, place.second);
      erased.insert(place.second);
    } else if (i % 3 == 1) {
      world.put_raw(place.first, place.second, value + "x");
      changed.insert(place.second);
    }
  }
  for (const std::uint64_t held : {std::uint64_t{1}, std::uint64_t{7}, EntryCheck::kHeldEntries}) {
    const auto state = world.state();
    EntryCheck check(standard_catalogue(), *state);
    VerifyReport report;
    Findings findings(report);
    ASSERT_TRUE(first_walk(world.store(), standard_catalogue(), *state, false, check, findings));
    Notes notes;
    ASSERT_TRUE(check.compare(world.store(), notes, held));
    EXPECT_EQ(notes.missing, erased);
    EXPECT_EQ(notes.wrong, changed);
    EXPECT_TRUE(notes.stale.empty());
    EXPECT_TRUE(notes.twice.empty());
  }
}

}  // namespace
}  // namespace callisto::indexes::testing
