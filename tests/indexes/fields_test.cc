// What a change concerns: entries may only differ in indexes that read one of the changed fields.

#include "indexes/fields.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "callisto/bytes.h"
#include "indexes/row_entries.h"
#include "tests/indexes/records.h"
#include "tests/support/test_environment.h"

namespace callisto::indexes::testing {
namespace {

template <class Fields>
using Changes = std::vector<std::pair<const char*, std::function<void(Fields&)>>>;

std::unique_ptr<fb::SourceT> source(const char* kind, const char* id) {
  auto fields = std::make_unique<fb::SourceT>();
  fields->kind = kind;
  fields->id = id;
  return fields;
}

void set_stamp(std::unique_ptr<fb::Stamp>& stamp, std::int64_t created_at,
               std::int64_t updated_at) {
  *stamp =
      fb::Stamp(stamp->id(), stamp->version() + 1, created_at, stamp->recorded_at(), updated_at);
}

/// Each fills, changes or empties one field, by turns.
Changes<fb::MemoryT> memory_changes() {
  const auto text = [](std::string fb::MemoryT::* field, const char* value) {
    return [=](fb::MemoryT& memory) {
      std::string& there = memory.*field;
      there = there.empty() ? value : there == value ? std::string(value) + "2" : std::string();
    };
  };
  const auto id = [](std::unique_ptr<fb::Uuid> fb::MemoryT::* field) {
    return [=](fb::MemoryT& memory) {
      auto& there = memory.*field;
      const auto now = schema::from_fb<UserId>(there.get());
      there = now.is_nil() ? uuid(user_id(7)) : now == user_id(7) ? uuid(user_id(8)) : nullptr;
    };
  };
  return {
      {"category", text(&fb::MemoryT::category, "likes")},
      {"key", text(&fb::MemoryT::key, "pie")},
      {"type", text(&fb::MemoryT::type, "fact")},
      {"entity_type", text(&fb::MemoryT::entity_type, "person")},
      {"entity_id", text(&fb::MemoryT::entity_id, "Ann")},
      {"agent", text(&fb::MemoryT::source_agent, "cook")},
      {"task", text(&fb::MemoryT::task, "dinner")},
      {"text", text(&fb::MemoryT::text, "Pie, please.")},
      {"module", text(&fb::MemoryT::module_, "kitchen")},
      {"user", id(&fb::MemoryT::user)},
      {"conversation", id(&fb::MemoryT::conversation)},
      {"successor", id(&fb::MemoryT::superseded_by)},
      {"active", [](fb::MemoryT& memory) { memory.is_active = !memory.is_active; }},
      {"priority", [](fb::MemoryT& memory) { memory.priority = memory.priority % 10 + 1; }},
      {"importance", [](fb::MemoryT& memory) { memory.importance = 1 - memory.importance; }},
      {"expiry",
       [](fb::MemoryT& memory) {
         if (memory.expires_at) {
           memory.expires_at = flatbuffers::nullopt;
         } else {
           memory.expires_at = kNoon;
         }
       }},
      {"created",
       [](fb::MemoryT& memory) {
         set_stamp(memory.stamp, memory.stamp->created_at() - 1, memory.stamp->updated_at());
       }},
      {"updated",
       [](fb::MemoryT& memory) {
         set_stamp(memory.stamp, memory.stamp->created_at(), memory.stamp->updated_at() + 1);
       }},
      {"a tag", [](fb::MemoryT& memory) { memory.tags.push_back("Tag"); }},
      {"another tag", [](fb::MemoryT& memory) { memory.tags.push_back("other"); }},
      {"no tags", [](fb::MemoryT& memory) { memory.tags.clear(); }},
      {"a source", [](fb::MemoryT& memory) { memory.sources.push_back(source("message", "1")); }},
      {"no sources", [](fb::MemoryT& memory) { memory.sources.clear(); }},
  };
}

Changes<fb::ConversationT> conversation_changes() {
  using Header = fb::ConversationT;
  return {
      {"a participant",
       [](Header& header) {
         header.participants.emplace_back(schema::to_fb(user_id(3)), schema::to_fb(user_id(3)));
       }},
      {"another user",
       [](Header& header) {
         if (header.participants.empty()) return;
         header.participants[0] =
             fb::Participant(schema::to_fb(user_id(4)), header.participants[0].original());
       }},
      {"no participants", [](Header& header) { header.participants.clear(); }},
      {"owner", [](Header& header) { header.owner = header.owner ? nullptr : uuid(user_id(3)); }},
      {"persona",
       [](Header& header) { header.persona = header.persona ? nullptr : uuid(user_id(9)); }},
      {"type", [](Header& header) { header.type = header.type.empty() ? "chat" : ""; }},
      {"title", [](Header& header) { header.title += "!"; }},
      {"saved", [](Header& header) { header.is_saved = !header.is_saved; }},
      {"archived", [](Header& header) { header.is_archived = !header.is_archived; }},
      {"ended",
       [](Header& header) {
         if (header.ended_at) {
           header.ended_at = flatbuffers::nullopt;
         } else {
           header.ended_at = kNoon;
         }
       }},
      {"created",
       [](Header& header) {
         set_stamp(header.stamp, header.stamp->created_at() - 1, header.stamp->updated_at());
       }},
  };
}

using EntryList = std::vector<std::pair<std::string, std::string>>;

EntryList entries_of(const TableDefinition& table, const IndexDefinition& index,
                     const StoredRow& row, const Bytes& bytes) {
  const CoveredRow covered(table, kSpace, row.key, bytes.view());
  Entries entries;
  index.extract(covered.row(), entries);
  entries.sort();
  EntryList list;
  for (const EntryView entry : entries) list.emplace_back(entry.key, entry.value);
  return list;
}

/// The indexes that a change concerns; the entries of all others must be the same, and what the
/// maintainer extracts must be right, for these others too: one may be under construction.
std::vector<std::string> concerned(const StoredRow& before, const StoredRow& after) {
  const TableDefinition& table = standard_catalogue().table(before.table);
  const Bytes old_bytes = Bytes::copy_of(before.bytes);
  const Bytes new_bytes = Bytes::copy_of(after.bytes);
  const RowChange change(table, kSpace, before.key, old_bytes.view(), new_bytes.view());
  std::vector<std::string> names;
  for (const IndexDefinition& index : table.indexes) {
    const EntryList old_entries = entries_of(table, index, before, old_bytes);
    const EntryList new_entries = entries_of(table, index, after, new_bytes);
    for (const bool is_new : {false, true}) {
      Entries shown;
      index.extract(is_new ? *change.after() : *change.before(), shown);
      shown.sort();
      EntryList list;
      for (const EntryView entry : shown) list.emplace_back(entry.key, entry.value);
      EXPECT_EQ(list, is_new ? new_entries : old_entries) << index.name;
    }
    if (change.concerns(index)) {
      names.push_back(index.name);
    } else {
      EXPECT_EQ(old_entries, new_entries) << index.name;
    }
  }
  return names;
}

/// Random steps, one or several changes each.
template <class Fields, class MakeRow>
void walk(Fields fields, const Changes<Fields>& changes, MakeRow&& make_row, int steps) {
  std::mt19937_64 random(callisto::testing::test_seed());
  for (int step = 0; step < steps; ++step) {
    const StoredRow before = make_row(fields);
    std::string what;
    for (std::uint64_t n = 1 + random() % 3; n > 0; --n) {
      const auto& [name, change] = changes[random() % changes.size()];
      change(fields);
      what += std::string(" ") + name;
    }
    SCOPED_TRACE("step " + std::to_string(step) + ":" + what);
    concerned(before, make_row(fields));
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Fields, WhatDoesNotConcernAnIndexOfMemoriesLeavesItsEntries) {
  walk(memory(memory_id(1)), memory_changes(), memory_row, 3000);
}

TEST(Fields, WhatDoesNotConcernAnIndexOfConversationsLeavesItsEntries) {
  walk(conversation(conversation_id(1), {user_id(1), user_id(2)}), conversation_changes(),
       conversation_row, 2000);
}

TEST(Fields, AnotherUserConcernsWhatNamesUsers) {
  fb::MemoryT fields = memory(memory_id(1));
  fields.category = "likes";
  fields.key = "pie";
  fields.user = uuid(user_id(1));
  const StoredRow before = memory_row(fields);
  fields.user = uuid(user_id(2));
  EXPECT_EQ(concerned(before, memory_row(fields)),
            (std::vector<std::string>{"memory_by_name", "memory_by_user"}));

  fb::ConversationT header = conversation(conversation_id(1), {user_id(1)});
  header.owner = uuid(user_id(1));
  const StoredRow old_header = conversation_row(header);
  header.participants[0] = fb::Participant(schema::to_fb(user_id(2)), schema::to_fb(user_id(1)));
  header.owner = uuid(user_id(2));
  EXPECT_EQ(concerned(old_header, conversation_row(header)),
            (std::vector<std::string>{"conversation_by_participant", "conversation_by_owner"}));
}

TEST(Fields, WhatNoIndexReadsConcernsNone) {
  fb::MemoryT fields = memory(memory_id(1));
  const StoredRow before = memory_row(fields);
  fields.text = "new";
  EXPECT_EQ(concerned(before, memory_row(fields)), std::vector<std::string>());
  fields.text.clear();
  fields.is_active = false;
  EXPECT_EQ(concerned(before, memory_row(fields)).size(),
            standard_catalogue().table(schema::TableId::memories).indexes.size())
      << "every entry carries the cover";
}

}  // namespace
}  // namespace callisto::indexes::testing
