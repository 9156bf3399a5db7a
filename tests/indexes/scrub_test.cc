// Each kind of defect, planted behind the maintainer's back: found, named, mended, gone.

#include "indexes/scrub.h"

#include <gtest/gtest.h>

#include <string>

#include "indexes/index_keys.h"
#include "schema/keys.h"
#include "tests/indexes/world.h"

namespace callisto::indexes::testing {
namespace {

using kv::Family;
using schema::IndexId;
using schema::TableId;

class ScrubTest : public ::testing::Test {
 protected:
  ScrubTest() { world_.fill(); }

  std::string found() { return summary(report_ = world_.scrub()); }
  /// Whether one kept defect is of this kind, table and key.
  bool names(const std::string& kind, const std::string& table, std::string_view key) const {
    for (const Defect& defect : report_.defects) {
      if (defect.kind == kind && defect.table == table && defect.key == schema::to_hex(key)) {
        return true;
      }
    }
    return false;
  }
  /// Repairs and expects that nothing is left and all is as the oracle has it.
  void expect_repaired() {
    EXPECT_GT(world_.repair(), 0u);
    EXPECT_EQ(found(), "ok");
    EXPECT_EQ(world_.stored_entries(), world_.right_entries());
    EXPECT_EQ(world_.stored_counts(), world_.right_counts());
    EXPECT_EQ(world_.repair(), 0u);
  }
  /// Repairs and expects that a defect stays, since only people can decide.
  void expect_left(const std::string& left) {
    const auto rows = world_.right_entries();
    world_.repair();
    EXPECT_EQ(found(), left);
    EXPECT_EQ(world_.right_entries(), rows);
  }
  void start_work(WorkOp op, std::string_view target) {
    world_.run([&](kv::Transaction& transaction) {
      return put_work(transaction, kSpace, {op, std::string(target), kNoon, {}});
    });
  }

  World world_;
  VerifyReport report_;
};

TEST_F(ScrubTest, HealthySpace) {
  EXPECT_EQ(found(), "ok");
  const std::uint64_t rows = 3 * 6 + 2 * 7 + 4;
  EXPECT_EQ(report_.checked, rows + world_.stored_entries().size());
  EXPECT_TRUE(report_.defects.empty());
  EXPECT_EQ(world_.repair(), 0u);
}

TEST_F(ScrubTest, EmptyAndAbsentSpaces) {
  World empty;
  EXPECT_EQ(summary(empty.scrub()), "ok");
  VerifyReport report;
  const auto snapshot = world_.store().snapshot();
  ASSERT_TRUE(scrub(*snapshot, standard_catalogue(), 9, report));
  EXPECT_EQ(report.checked, 0u);
  ASSERT_TRUE(repair(world_.store(), standard_catalogue(), 9, report));
  EXPECT_EQ(report.repaired, 0u);
}

TEST_F(ScrubTest, AddsToTheReport) {
  VerifyReport report;
  const auto snapshot = world_.store().snapshot();
  ASSERT_TRUE(scrub(*snapshot, standard_catalogue(), kSpace, report));
  const std::uint64_t once = report.checked;
  ASSERT_TRUE(scrub(*snapshot, standard_catalogue(), kSpace, report));
  EXPECT_EQ(report.checked, 2 * once);
}

// Entries
// -------------------------------------------------------------------------------------------

TEST_F(ScrubTest, MissingEntry) {
  const Entry entry = world_.first_entry(IndexId::memory_by_tag);
  world_.erase_raw(Family::indexes, entry.key);
  EXPECT_EQ(found(), "missing 1");
  EXPECT_TRUE(names("missing", "memory_by_tag", entry.key));
  expect_repaired();
}

TEST_F(ScrubTest, DanglingEntry) {
  const std::string key = schema::KeyWriter(memory_by_tag_prefix(kSpace, "ghost"))
                              .time_down(1)
                              .id_at(1, memory_id(9))
                              .str();
  world_.put_raw(Family::indexes, key, "\x01");
  EXPECT_EQ(found(), "dangling 1");
  EXPECT_TRUE(names("dangling", "memory_by_tag", key));
  expect_repaired();
}

TEST_F(ScrubTest, EntryThatItsRecordDoesNotGive) {
  const std::string key = schema::KeyWriter(memory_by_tag_prefix(kSpace, "old"))
                              .time_down(1)
                              .id_at(1, memory_id(201))
                              .str();
  world_.put_raw(Family::indexes, key, "\x01");
  EXPECT_EQ(found(), "wrong 1");
  EXPECT_TRUE(names("wrong", "memory_by_tag", key));
  expect_repaired();
}

TEST_F(ScrubTest, EntryWithAnotherValue) {
  const Entry entry = world_.first_entry(IndexId::memory_by_tag);
  world_.put_raw(Family::indexes, entry.key, entry.value + "x");
  EXPECT_EQ(found(), "wrong 1");
  EXPECT_TRUE(names("wrong", "memory_by_tag", entry.key));
  expect_repaired();
}

TEST_F(ScrubTest, MessageIdThatLeadsElsewhere) {
  const Entry entry = world_.first_entry(IndexId::message_by_id);
  const schema::MessagePlaceBytes other(entry.key.substr(entry.key.size() - 16),
                                        std::string(16, 'x'), 1, 2);
  for (const std::string& value : {std::string(other.view()), std::string("cut")}) {
    world_.put_raw(Family::indexes, entry.key, value);
    EXPECT_EQ(found(), "wrong 1");
    expect_repaired();
  }
}

TEST_F(ScrubTest, EntriesInTheRangeOfMessages) {
  const auto sent =
      schema::message_sender_key(kSpace, conversation_id(101), 1, {kNoon + 2 * kMinute, 2});
  const auto ghost = schema::message_importance_key(kSpace, conversation_id(101), 1, {kNoon, 77});
  world_.erase_raw(Family::messages, sent);
  world_.put_raw(Family::messages, ghost, "");
  EXPECT_EQ(found(), "dangling 1 missing 1");
  EXPECT_TRUE(names("missing", "message_by_sender", sent));
  EXPECT_TRUE(names("dangling", "message_by_importance", ghost));
  expect_repaired();
}

TEST_F(ScrubTest, CoverOfAMessageThatSaysAnotherRole) {
  const auto sent =
      schema::message_sender_key(kSpace, conversation_id(101), 1, {kNoon + 2 * kMinute, 2});
  world_.put_raw(Family::messages, sent, schema::encode(schema::MessageCover{.role = "tool"}));
  EXPECT_EQ(found(), "wrong 1");
  EXPECT_TRUE(names("wrong", "message_by_sender", sent));
  expect_repaired();
}

TEST_F(ScrubTest, EntryKeyThatDoesNotParse) {
  const std::string key = memory_by_tag_prefix(kSpace, "cut") + "x";
  world_.put_raw(Family::indexes, key, "");
  EXPECT_EQ(found(), "undecodable 1");
  EXPECT_TRUE(names("undecodable", "memory_by_tag", key));
  expect_repaired();
}

TEST_F(ScrubTest, EveryEntryIsGuarded) {
  for (const auto& [place, value] : world_.stored_entries()) {
    const auto& [family, key] = place;
    world_.erase_raw(family, key);
    EXPECT_EQ(found(), "missing 1") << schema::describe_key(key);
    world_.put_raw(family, key, value + "x");
    EXPECT_EQ(found(), "wrong 1") << schema::describe_key(key);
    world_.put_raw(family, key, value);
  }
  EXPECT_EQ(found(), "ok");
}

TEST_F(ScrubTest, WholeIndexesGone) {
  for (const auto& [place, value] : world_.stored_entries()) {
    world_.erase_raw(place.first, place.second);
  }
  EXPECT_EQ(found(), "missing " + std::to_string(world_.right_entries().size()));
  EXPECT_LE(report_.defects.size(), 100u);
  expect_repaired();
}

TEST_F(ScrubTest, TwoRecordsOfOneMessageId) {
  // Another message that brings the id of one that is there: which is right, people decide.
  fb::MessageT twin = message(conversation_id(102), 9, 1001);
  world_.put_raw(message_row(twin));
  const std::string text = found();
  EXPECT_FALSE(report_.ok);
  EXPECT_TRUE(names("wrong", "message_by_id", message_by_id_key(kSpace, id<MessageId>(1001))))
      << text;
}

// States of indexes
// -----------------------------------------------------------------------------------

TEST_F(ScrubTest, DisabledIndexesPromiseNothing) {
  const Entry entry = world_.first_entry(IndexId::memory_by_tag);
  world_.erase_raw(Family::indexes, entry.key);
  world_.set_index_state(IndexId::memory_by_tag, IndexState::disabled);
  EXPECT_EQ(found(), "ok");
  EXPECT_EQ(world_.repair(), 0u);
  EXPECT_EQ(world_.get(Family::indexes, entry.key), "absent");
}

TEST_F(ScrubTest, IndexesThatAreBuiltMissEntriesButHaveNoWrongOnes) {
  const Entry entry = world_.first_entry(IndexId::memory_by_tag);
  world_.erase_raw(Family::indexes, entry.key);
  world_.set_index_state(IndexId::memory_by_tag, IndexState::building);
  // The count is of entries that are there.
  EXPECT_EQ(found(), "wrong 1 pending 1");
  EXPECT_EQ(world_.repair(), 1u);
  EXPECT_EQ(found(), "pending 1 ok");
  const Entry other = world_.first_entry(IndexId::memory_by_tag);
  world_.put_raw(Family::indexes, other.key, "x");
  EXPECT_EQ(found(), "wrong 1 pending 1");
}

TEST_F(ScrubTest, EntriesOfAnIndexThatIsRemovedArePending) {
  world_.set_index_state(IndexId::memory_by_created, IndexState::dropping);
  EXPECT_EQ(found(), "pending 4 ok");
}

// Records
// -------------------------------------------------------------------------------------------

TEST_F(ScrubTest, UndecodableRecordKeepsItsEntries) {
  const std::string key = schema::memory_key(kSpace, memory_id(201));
  const std::string bytes = world_.get(Family::memories, key);
  world_.put_raw(Family::memories, key, "not a record");
  EXPECT_EQ(found(), "undecodable 1");
  EXPECT_TRUE(names("undecodable", "memories", key));
  const auto entries = world_.stored_entries();
  EXPECT_EQ(world_.repair(), 0u);
  EXPECT_EQ(world_.stored_entries(), entries);
  // Restored by people, it is found again.
  world_.put_raw(Family::memories, key, bytes);
  EXPECT_EQ(found(), "ok");
}

TEST_F(ScrubTest, EveryRecordIsDecoded) {
  const std::vector<std::pair<Family, std::string>> keys = {
      {Family::users, schema::user_key(kSpace, user_id(3))},
      {Family::users, schema::user_tail_key(kSpace, user_id(3))},
      {Family::platform_identifiers, schema::identity_key(kSpace, "discord", "3")},
      {Family::user_data,
       schema::datum_key(kSpace, user_id(3), "foods", schema::hash128("pies"), 0)},
      {Family::conversations, schema::conversation_key(kSpace, conversation_id(102))},
      {Family::conversations, schema::conversation_tail_key(kSpace, conversation_id(102))},
      {Family::messages,
       schema::message_key(kSpace, conversation_id(102), {kNoon + 2 * kMinute, 2})},
      {Family::memories, schema::memory_key(kSpace, memory_id(202))}};
  for (const auto& [family, key] : keys) {
    const std::string bytes = world_.get(family, key);
    ASSERT_NE(bytes, "absent") << schema::describe_key(key);
    for (const std::string& damaged : {std::string(), std::string("x"), bytes.substr(1)}) {
      world_.put_raw(family, key, damaged);
      EXPECT_EQ(found(), "undecodable 1") << schema::describe_key(key);
      EXPECT_EQ(world_.repair(), 0u) << schema::describe_key(key);
    }
    world_.put_raw(family, key, bytes);
  }
  EXPECT_EQ(found(), "ok");
}

/// A record that decodes may still hold bytes that are no UTF-8; nothing stops at them.
TEST_F(ScrubTest, BytesThatAreNoText) {
  for (const std::string& bytes :
       {std::string("\xFF\xFE"), std::string("a\xC3"), std::string("\xED\xA0\x80"),
        std::string("\xF4\x90\x80\x80"), std::string("a\0b", 3)}) {
    fb::MemoryT fields = memory(memory_id(201));
    fields.category = fields.key = fields.type = fields.entity_type = fields.entity_id = bytes;
    fields.tags = {bytes, bytes + "x"};
    world_.write(memory_row(fields));
    fb::ConversationT header = conversation(conversation_id(101), {user_id(1)});
    header.type = bytes;
    world_.write(conversation_row(header));
    EXPECT_EQ(found(), "ok");
    EXPECT_EQ(world_.stored_entries(), world_.right_entries());
  }
  world_.write(identity_row(user_id(9), "discord", "\xFF", "\xC3"));
  EXPECT_EQ(found(), "orphans 1");
}

TEST_F(ScrubTest, KeyOfNoKnownForm) {
  const std::string key = schema::conversation_key(kSpace, conversation_id(101)) + "x";
  world_.put_raw(Family::conversations, key, "");
  EXPECT_EQ(found(), "undecodable 1");
  EXPECT_TRUE(names("undecodable", "conversations", key));
}

TEST_F(ScrubTest, RecordAtTheKeyOfAnother) {
  const std::string key = schema::memory_key(kSpace, memory_id(250));
  world_.put_raw(Family::memories, key,
                 world_.get(Family::memories, schema::memory_key(kSpace, memory_id(201))));
  found();
  EXPECT_TRUE(names("wrong", "memories", key));
}

TEST_F(ScrubTest, RepeatedSequence) {
  // At another time, so at another key, with the number of one that is there.
  fb::MessageT twin = message(conversation_id(101), 3, 1099);
  twin.timestamp += 1;
  world_.write(message_row(twin));
  found();
  EXPECT_TRUE(names("wrong", "messages", schema::message_range(kSpace, conversation_id(101))));
}

// Owners
// --------------------------------------------------------------------------------------------

/// Takes away what is a user's own, with all that names it left behind.
void remove_user(World& world, std::uint32_t number) {
  world.erase(user_row(user_id(number)));
  world.erase(user_tail_row(user_id(number), {}));
}

TEST_F(ScrubTest, UserWithoutTail) {
  const std::string key = schema::user_tail_key(kSpace, user_id(1));
  world_.erase_raw(Family::users, key);
  EXPECT_EQ(found(), "dangling 1 wrong 2 orphans 1");  // the entry, and two counts
  EXPECT_TRUE(names("orphan", "users", schema::user_key(kSpace, user_id(1))));
  expect_repaired();
  const auto tail = schema::decode_user_tail(world_.get(Family::users, key));
  ASSERT_TRUE(tail);
  EXPECT_EQ(*tail, (schema::UserTail{.last_seen = kNoon, .data_rows = 2, .identities = 2}));
}

TEST_F(ScrubTest, TailWithoutUser) {
  const StoredRow row = user_tail_row(user_id(9), {.last_seen = kNoon});
  world_.write(row);
  EXPECT_EQ(found(), "orphans 1");
  EXPECT_TRUE(names("orphan", "user_tails", row.key));
  expect_repaired();
  EXPECT_EQ(world_.get(Family::users, row.key), "absent");
}

TEST_F(ScrubTest, IdentitiesAndDataWithoutUserAreLeft) {
  world_.write(identity_row(user_id(9), "discord", "9"));
  world_.write(datum_row(user_id(9), "foods", "pies"));
  EXPECT_EQ(found(), "orphans 2");
  expect_left("orphans 2");
}

TEST_F(ScrubTest, WhatNamesAUserWhoIsGone) {
  remove_user(world_, 2);
  // Two identities, two data, the header of talk 101 and the memory of user 2.
  EXPECT_EQ(found(), "orphans 6");
  EXPECT_TRUE(
      names("orphan", "conversations", schema::conversation_key(kSpace, conversation_id(101))));
  EXPECT_TRUE(names("orphan", "memories", schema::memory_key(kSpace, memory_id(204))));
  expect_left("orphans 6");
}

TEST_F(ScrubTest, WhatAnAliasExplainsIsPending) {
  remove_user(world_, 2);
  world_.run([&](kv::Transaction& transaction) {
    return put_alias(transaction, *world_.state(), user_id(2), user_id(1));
  });
  EXPECT_EQ(found(), "pending 6 ok");
  EXPECT_EQ(world_.repair(), 0u);
}

TEST_F(ScrubTest, MessagesWithoutConversation) {
  world_.write(message_row(message(conversation_id(150), 1, 1)));
  world_.write(message_row(message(conversation_id(150), 2, 2)));
  EXPECT_EQ(found(), "orphans 2");
  expect_left("orphans 2");
}

TEST_F(ScrubTest, MemoryWithoutConversation) {
  fb::MemoryT fields = memory(memory_id(299));
  fields.conversation = uuid(conversation_id(150));
  world_.write(memory_row(fields));
  EXPECT_EQ(found(), "orphans 1");
  expect_left("orphans 1");
}

TEST_F(ScrubTest, WhatUnfinishedWorkHidesIsPending) {
  for (const WorkOp op : {WorkOp::purge_conversation, WorkOp::stage_conversation}) {
    World world;
    world.fill();
    world.erase(conversation_row(conversation(conversation_id(101), {})));
    world.erase(conversation_tail_row(conversation_id(101), {}));
    EXPECT_EQ(summary(world.scrub()), "orphans 6");  // five messages and a memory
    world.run([&](kv::Transaction& transaction) {
      return put_work(transaction, kSpace, {op, std::string(conversation_id(101).view()), 0, {}});
    });
    EXPECT_EQ(summary(world.scrub()), "pending 6 ok");
    EXPECT_EQ(world.repair(), 0u);
  }
}

TEST_F(ScrubTest, HeaderWithoutTail) {
  const std::string key = schema::conversation_tail_key(kSpace, conversation_id(101));
  const std::string bytes = world_.get(Family::conversations, key);
  world_.erase_raw(Family::conversations, key);
  EXPECT_EQ(found(), "dangling 2 wrong 3 orphans 1");  // two entries, three counts
  EXPECT_TRUE(
      names("orphan", "conversations", schema::conversation_key(kSpace, conversation_id(101))));
  expect_repaired();
  EXPECT_EQ(world_.get(Family::conversations, key), bytes);
}

TEST_F(ScrubTest, TailWithoutHeader) {
  const StoredRow row = conversation_tail_row(conversation_id(150), {});
  world_.write(row);
  EXPECT_EQ(found(), "orphans 1");
  EXPECT_TRUE(names("orphan", "conversation_tails", row.key));
  expect_repaired();
}

// Tails and counters
// ----------------------------------------------------------------------------------

TEST_F(ScrubTest, UserTailThatCountsWrong) {
  const schema::UserTail right{.last_seen = kNoon + kMinute, .data_rows = 2, .identities = 2};
  for (const schema::UserTail& wrong :
       {schema::UserTail{right.last_seen, 3, 2}, schema::UserTail{right.last_seen, 2, 1}}) {
    world_.write(user_tail_row(user_id(1), wrong));
    EXPECT_EQ(found(), "wrong 1");
    EXPECT_TRUE(names("wrong", "user_tails", schema::user_tail_key(kSpace, user_id(1))));
    expect_repaired();
    EXPECT_EQ(world_.get(Family::users, schema::user_tail_key(kSpace, user_id(1))),
              schema::encode(right));
  }
}

TEST_F(ScrubTest, ConversationTailThatIsWrong) {
  const std::string key = schema::conversation_tail_key(kSpace, conversation_id(101));
  const std::string bytes = world_.get(Family::conversations, key);
  const schema::ConversationTail right = schema::decode_conversation_tail(bytes).value();
  std::vector<schema::ConversationTail> wrong(6, right);
  wrong[0].created_at += 1;
  wrong[1].updated_at += 1;
  wrong[2].last_message_at -= 1;
  wrong[3].last_sequence = 4;
  wrong[4].message_count = 6;
  wrong[5].token_count = 0;
  for (const schema::ConversationTail& tail : wrong) {
    world_.write(conversation_tail_row(conversation_id(101), tail));
    EXPECT_EQ(found(), "wrong 1");
    EXPECT_TRUE(names("wrong", "conversation_tails", key));
    expect_repaired();
    EXPECT_EQ(world_.get(Family::conversations, key), bytes);
  }
}

TEST_F(ScrubTest, WhatATailAloneKnowsIsKept) {
  schema::ConversationTail tail =
      schema::decode_conversation_tail(
          world_.get(Family::conversations,
                     schema::conversation_tail_key(kSpace, conversation_id(101))))
          .value();
  tail.last_sequence = 9;  // later ones were removed
  tail.processed_up_to = 9;
  tail.is_marked = true;
  tail.reopens = false;
  world_.write(conversation_tail_row(conversation_id(101), tail));
  EXPECT_EQ(found(), "ok");
}

TEST_F(ScrubTest, CountersThatAreOff) {
  world_.run([](kv::Transaction& transaction) -> Result<void> {
    auto done = transaction.add(
        {schema::counters_key(kSpace), static_cast<std::uint16_t>(TableId::users), 2});
    if (!done) return done;
    return transaction.add(
        {schema::counters_key(kSpace), static_cast<std::uint16_t>(IndexId::memory_by_tag), -1});
  });
  EXPECT_EQ(found(), "wrong 2");
  EXPECT_TRUE(names("wrong", "counters", schema::counters_key(kSpace)));
  expect_repaired();
}

TEST_F(ScrubTest, CountersThatDoNotParse) {
  world_.put_raw(Family::system, schema::counters_key(kSpace), "\xFF");
  EXPECT_EQ(found(), "undecodable 1");
  expect_repaired();
}

TEST_F(ScrubTest, CountersThatAreGone) {
  world_.erase_raw(Family::system, schema::counters_key(kSpace));
  EXPECT_FALSE(world_.scrub().ok);
  expect_repaired();
}

TEST_F(ScrubTest, LedgerThatDoesNotParse) {
  world_.put_raw(Family::system, schema::work_key(kSpace, 1, "cut"), "");
  EXPECT_EQ(found(), "undecodable 1");
}

TEST_F(ScrubTest, DefectsHoldNoTexts) {
  world_.put_raw(Family::memories, schema::memory_key(kSpace, memory_id(201)), "secret text");
  world_.erase_raw(Family::indexes, world_.first_entry(IndexId::memory_by_tag).key);
  found();
  for (const Defect& defect : report_.defects) {
    EXPECT_EQ(defect.detail.find("secret"), std::string::npos);
    EXPECT_EQ(defect.key.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_FALSE(defect.detail.empty());
  }
}

TEST_F(ScrubTest, ManyDefectsAtOnce) {
  world_.erase_raw(Family::users, schema::user_tail_key(kSpace, user_id(1)));
  world_.erase_raw(Family::indexes, world_.first_entry(IndexId::identity_by_user).key);
  world_.erase_raw(Family::indexes, world_.first_entry(IndexId::message_by_id).key);
  world_.erase_raw(Family::conversations,
                   schema::conversation_tail_key(kSpace, conversation_id(102)));
  world_.write(user_tail_row(user_id(3), {}));
  world_.put_raw(Family::system, schema::counters_key(kSpace), "\xFF");
  EXPECT_FALSE(world_.scrub().ok);
  expect_repaired();
}

}  // namespace
}  // namespace callisto::indexes::testing
