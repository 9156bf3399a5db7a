#include "tests/indexes/world.h"

#include <stdexcept>
#include <vector>

#include "callisto/bytes.h"
#include "indexes/index_change.h"
#include "indexes/scrub.h"
#include "schema/keys.h"
#include "tests/support/map_engine.h"

namespace callisto::indexes::testing {

namespace {

using kv::Family;
using schema::TableId;

void check(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().to_string());
}

std::vector<std::pair<std::string, std::string>> all_behind(kv::Reader& reader, Family family,
                                                            const std::string& prefix) {
  std::vector<std::pair<std::string, std::string>> rows;
  const std::string end = schema::prefix_end(prefix);
  auto cursor = reader.scan(family, {.lower = prefix, .upper = end});
  for (; cursor->valid(); cursor->next()) rows.emplace_back(cursor->key(), cursor->value());
  check(cursor->status());
  return rows;
}

/// Calls `each` with every row of the space.
void for_each_row(kv::Reader& reader,
                  const std::function<void(const TableDefinition&, const Row&)>& each) {
  for (const TableDefinition& table : standard_catalogue().tables) {
    for (const auto& [key, value] :
         all_behind(reader, table.family, table_prefix(kSpace, table.id))) {
      if (!table.is_row(key)) continue;
      const Bytes bytes = Bytes::copy_of(value);
      Row row{.space = kSpace, .key = key, .bytes = bytes.view()};
      const std::string cover = table.cover == nullptr ? std::string() : table.cover(row);
      row.cover = cover;
      each(table, row);
    }
  }
}

void add(std::string& text, const char* name, std::uint64_t count) {
  if (count == 0) return;
  if (!text.empty()) text += ' ';
  text += std::string(name) + ' ' + std::to_string(count);
}

}  // namespace

World::World()
    : store_(callisto::testing::make_map_engine(environment_)), maintainer_(standard_catalogue()) {
  put_raw(Family::system, schema::space_name_key(kSpace), "default");
  put_raw(Family::system, schema::index_set_key(kSpace), full_set(standard_catalogue()).encode());
}

void World::run(const std::function<Result<void>(kv::Transaction&)>& function) {
  auto committed = store_->run({}, function);
  if (!committed) throw std::runtime_error(committed.error().to_string());
}

std::shared_ptr<const SpaceState> World::state() {
  return SpaceState::load(*store_, kSpace).value();
}

void World::apply(TableId table_id, std::string_view key, std::optional<std::string_view> after) {
  const TableDefinition& table = standard_catalogue().table(table_id);
  const Bytes after_bytes = Bytes::copy_of(after.value_or(std::string_view()));
  run([&](kv::Transaction& transaction) -> Result<void> {
    auto now = SpaceState::load(transaction, kSpace);
    if (!now) return now.error();
    kv::Value stored;
    auto found = transaction.get_for_update(table.family, key, stored);
    if (!found) return found.error();
    const Bytes before_bytes = Bytes::copy_of(stored.view());
    const auto before = *found ? std::optional(before_bytes.view()) : std::nullopt;
    const auto wrapped = wrap_ ? wrap_(transaction) : nullptr;
    return maintainer_.write(wrapped ? *wrapped : transaction, **now, table_id, key, before,
                             after ? std::optional(after_bytes.view()) : std::nullopt);
  });
}

void World::write(const StoredRow& row) { apply(row.table, row.key, row.bytes); }
void World::erase(const StoredRow& row) { apply(row.table, row.key, std::nullopt); }

void World::fill() {
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const UserId user = user_id(i);
    const std::string number = std::to_string(i);
    write(user_row(user, i != 2));
    write(identity_row(user, "discord", number, "Reece"));
    write(identity_row(user, "telegram", number));
    write(datum_row(user, "preferred_name", "Reece " + number));
    write(datum_row(user, "foods", "pies"));
    write(user_tail_row(user, {.last_seen = kNoon + i * kMinute, .data_rows = 2, .identities = 2}));
  }
  for (std::uint32_t i = 1; i <= 2; ++i) {
    const ConversationId talk = conversation_id(100 + i);
    fb::ConversationT header = conversation(talk, {user_id(1), user_id(i + 1)});
    header.owner = uuid(user_id(1));
    header.type = "chat";
    write(conversation_row(header));
    for (std::uint32_t n = 1; n <= 5; ++n) {
      fb::MessageT fields = message(talk, n, 1000 * i + n);
      fields.sender_slot = n % 2 == 0 ? 1 : 0xFFFF;
      fields.token_usage = 4;
      write(message_row(fields));
    }
    write(conversation_tail_row(talk, {.created_at = kNoon,
                                       .updated_at = kNoon,
                                       .last_message_at = kNoon + 5 * kMinute,
                                       .last_sequence = 5,
                                       .message_count = 5,
                                       .token_count = 20}));
  }
  for (std::uint32_t i = 1; i <= 4; ++i) {
    fb::MemoryT fields = memory(memory_id(200 + i), kNoon + i * kMinute);
    fields.category = "food";
    fields.key = "pie " + std::to_string(i);
    fields.tags = {"pie", "tag " + std::to_string(i)};
    if (i % 2 == 0) fields.user = uuid(user_id(i / 2));
    if (i == 3) fields.conversation = uuid(conversation_id(101));
    if (i == 4) fields.expires_at = kNoon + 60 * kMinute;
    write(memory_row(fields));
  }
}

void World::put_raw(Family family, std::string_view key, std::string_view value) {
  kv::Batch batch;
  batch.put(family, key, value);
  auto applied = store_->apply(batch, Durability::buffered);
  if (!applied) throw std::runtime_error(applied.error().to_string());
}

void World::put_raw(const StoredRow& row) {
  put_raw(standard_catalogue().table(row.table).family, row.key, row.bytes);
}

void World::erase_raw(Family family, std::string_view key) {
  kv::Batch batch;
  batch.erase(family, key);
  auto applied = store_->apply(batch, Durability::buffered);
  if (!applied) throw std::runtime_error(applied.error().to_string());
}

std::string World::get(Family family, std::string_view key) {
  kv::Value value;
  return store_->get(family, key, value).value() ? std::string(value.view()) : "absent";
}

Entry World::first_entry(schema::IndexId index) {
  const auto rows = all_behind(*store_, Family::indexes, index_prefix(kSpace, index));
  if (rows.empty()) throw std::runtime_error("the index is empty");
  return {rows.front().first, rows.front().second};
}

void World::set_index_state(schema::IndexId index, IndexState state) {
  IndexSet set = this->state()->indexes();
  set.set_state(index, state);
  put_raw(Family::system, schema::index_set_key(kSpace), set.encode());
}

EntryMap World::right_entries() {
  EntryMap entries;
  for_each_row(*store_, [&](const TableDefinition& table, const Row& row) {
    if (!table.is_intact(row.bytes)) return;
    for (const IndexDefinition& index : table.indexes) {
      Entries given;
      index.extract(row, given);
      for (const EntryView entry : given) {
        entries.emplace(std::pair(index.family, std::string(entry.key)), entry.value);
      }
    }
  });
  return entries;
}

EntryMap World::stored_entries() {
  EntryMap entries;
  const auto add_all = [&](Family family, const std::string& prefix) {
    for (auto& [key, value] : all_behind(*store_, family, prefix)) {
      entries.emplace(std::pair(family, key), value);
    }
  };
  for (const TableDefinition& table : standard_catalogue().tables) {
    for (const IndexDefinition& index : table.indexes) {
      if (!index.part) add_all(index.family, index_prefix(kSpace, index.id));
    }
  }
  for (auto& [key, value] :
       all_behind(*store_, Family::messages, table_prefix(kSpace, TableId::messages))) {
    if (!standard_catalogue().table(TableId::messages).is_row(key)) {
      entries.emplace(std::pair(Family::messages, key), value);
    }
  }
  return entries;
}

CountMap World::right_counts() {
  CountMap counts;
  for_each_row(*store_, [&](const TableDefinition& table, const Row& row) {
    ++counts[static_cast<std::uint16_t>(table.id)];
    for (const IndexDefinition& index : table.indexes) {
      Entries given;
      index.extract(row, given);
      if (!given.empty()) {
        counts[static_cast<std::uint16_t>(index.id)] += static_cast<std::int64_t>(given.size());
      }
    }
  });
  return counts;
}

CountMap World::stored_counts() {
  kv::Value value;
  if (!store_->get(Family::system, schema::counters_key(kSpace), value).value()) return {};
  const auto rows = kv::decode_counters(value.view()).value();
  return CountMap(rows.begin(), rows.end());
}

VerifyReport World::scrub() {
  VerifyReport report;
  const auto snapshot = store_->snapshot();
  check(indexes::scrub(*snapshot, standard_catalogue(), kSpace, report));
  return report;
}

std::uint64_t World::repair() {
  VerifyReport report;
  check(indexes::repair(*store_, standard_catalogue(), kSpace, report));
  return report.repaired;
}

std::string summary(const VerifyReport& report) {
  std::string text;
  add(text, "dangling", report.dangling);
  add(text, "missing", report.missing);
  add(text, "wrong", report.wrong);
  add(text, "undecodable", report.undecodable);
  add(text, "orphans", report.orphans);
  add(text, "pending", report.pending);
  if (report.ok) text += text.empty() ? "ok" : " ok";
  return text;
}

}  // namespace callisto::indexes::testing
