#include "tests/support/changed_catalogue.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "callisto/bytes.h"
#include "indexes/extract.h"
#include "indexes/index_change.h"
#include "schema/keys.h"

namespace callisto::testing {

namespace {

using indexes::Entries;
using indexes::EntryView;
using indexes::IndexDefinition;
using indexes::Row;
using kv::Family;
using schema::IndexId;
using schema::TableId;

/// Another definition: another number, another value.
template <IndexId id, indexes::Extract extract>
void extract_as(const Row& row, Entries& entries) {
  Entries standard;
  extract(row, standard);
  for (const EntryView entry : standard) {
    std::string key(entry.key);
    key.replace(4, 2, indexes::index_prefix(row.space, id).substr(4));
    entries.add(key, "old");
  }
}

const IndexDefinition& standard(IndexId id) {
  return *indexes::find_index(indexes::standard_catalogue(), id).index;
}

template <IndexId id, indexes::Extract extract>
IndexDefinition old_version(IndexId of, const char* name) {
  IndexDefinition index = standard(of);
  index.id = id;
  index.name = name;
  index.extract = extract_as<id, extract>;
  return index;
}

/// The same under another number.
template <IndexId id, indexes::Extract extract>
void extract_under(const Row& row, Entries& entries) {
  Entries standard;
  extract(row, standard);
  for (const EntryView entry : standard) {
    entries.add(schema::in_version(std::string(entry.key), id), entry.value);
  }
}

template <IndexId id, indexes::Extract extract>
IndexDefinition numbered(IndexId of) {
  IndexDefinition index = standard(of);
  index.id = id;
  index.extract = extract_under<id, extract>;
  return index;
}

void add_old_numbers(ChangedCatalogue& catalogue) {
  catalogue.add(TableId::user_tails, numbered<kOldSeen, indexes::extract::user_by_last_seen>(
                                         IndexId::user_by_last_seen));
  catalogue.add(TableId::memories,
                numbered<kOldTasks, indexes::extract::memory_by_task>(IndexId::memory_by_task));
  catalogue.add(TableId::messages,
                numbered<kOldIds, indexes::extract::message_by_id>(IndexId::message_by_id));
}

IndexDefinition old_categories() {
  return old_version<kOldCategories, indexes::extract::memory_by_category>(
      IndexId::memory_by_category, "memory_by_category");
}

using Rows = std::map<std::pair<Family, std::string>, std::string>;

Rows all_rows(kv::Reader& reader, schema::SpaceNumber space) {
  Rows rows;
  const std::string lower = schema::space_prefix(space);
  const std::string upper = schema::prefix_end(lower);
  for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    for (auto cursor = reader.scan(family, {.lower = lower, .upper = upper}); cursor->valid();
         cursor->next()) {
      rows[{family, std::string(cursor->key())}] = cursor->value();
    }
  }
  return rows;
}

/// Takes what the rows of one table are and give out of `rest`, and counts it.
void take_table(const indexes::TableDefinition& table, schema::SpaceNumber space, const Rows& rows,
                Rows& rest, std::map<std::uint16_t, std::int64_t>& counts, std::string& wrong) {
  const std::string prefix = indexes::table_prefix(space, table.id);
  for (const auto& [place, value] : rows) {
    const auto& [family, key] = place;
    if (family != table.family || key.compare(0, prefix.size(), prefix) != 0) continue;
    if (!table.is_row(key)) continue;
    ++counts[static_cast<std::uint16_t>(table.id)];
    rest.erase(place);
    const Bytes bytes = Bytes::copy_of(value);
    Row row{.space = space, .key = key, .bytes = bytes.view()};
    const std::string cover = table.cover == nullptr ? std::string() : table.cover(row);
    row.cover = cover;
    for (const IndexDefinition& index : table.indexes) {
      Entries entries;
      index.extract(row, entries);
      for (const EntryView entry : entries) {
        const auto found = rest.find({index.family, std::string(entry.key)});
        if (found == rest.end() || found->second != entry.value) {
          wrong +=
              std::string("missing in ") + index.name + ": " + schema::to_hex(entry.key) + "\n";
        } else {
          rest.erase(found);
        }
        ++counts[static_cast<std::uint16_t>(index.id)];
      }
    }
  }
}

}  // namespace

ChangedCatalogue::ChangedCatalogue() {
  for (const auto& table : indexes::standard_catalogue().tables) {
    tables_.push_back(table);
    indexes_.emplace_back(table.indexes.begin(), table.indexes.end());
  }
}

ChangedCatalogue& ChangedCatalogue::add(TableId table, const IndexDefinition& index) {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (tables_[i].id == table) indexes_[i].push_back(index);
  }
  return *this;
}

ChangedCatalogue& ChangedCatalogue::remove(IndexId index) {
  for (auto& of_table : indexes_) {
    of_table.erase(std::remove_if(of_table.begin(), of_table.end(),
                                  [&](const IndexDefinition& one) { return one.id == index; }),
                   of_table.end());
  }
  return *this;
}

ChangedCatalogue& ChangedCatalogue::replace(IndexId index, IndexId old, bool reads_replaced) {
  for (auto& of_table : indexes_) {
    for (IndexDefinition& one : of_table) {
      if (one.id != index) continue;
      one.replaces = old;
      one.reads_replaced = reads_replaced;
    }
  }
  return *this;
}

const indexes::Catalogue& ChangedCatalogue::get() {
  for (std::size_t i = 0; i < tables_.size(); ++i) tables_[i].indexes = indexes_[i];
  catalogue_.tables = tables_;
  return catalogue_;
}

ChangedCatalogue old_catalogue() {
  ChangedCatalogue catalogue;
  catalogue.add(TableId::memories, old_categories());
  catalogue.add(TableId::memories, old_version<kOldAgents, indexes::extract::memory_by_agent>(
                                       IndexId::memory_by_agent, "old_agents"));
  catalogue.remove(IndexId::memory_by_category);
  catalogue.remove(IndexId::memory_by_task);
  catalogue.remove(IndexId::message_by_sender);
  return catalogue;
}

ChangedCatalogue new_catalogue() {
  ChangedCatalogue catalogue;
  catalogue.add(TableId::memories, old_categories());
  catalogue.replace(IndexId::memory_by_category, kOldCategories);
  catalogue.remove(IndexId::message_by_importance);
  return catalogue;
}

ChangedCatalogue old_numbers() {
  ChangedCatalogue catalogue;
  add_old_numbers(catalogue);
  catalogue.remove(IndexId::user_by_last_seen);
  catalogue.remove(IndexId::memory_by_task);
  catalogue.remove(IndexId::message_by_id);
  return catalogue;
}

ChangedCatalogue new_numbers() {
  ChangedCatalogue catalogue;
  add_old_numbers(catalogue);
  catalogue.replace(IndexId::user_by_last_seen, kOldSeen, true);
  catalogue.replace(IndexId::memory_by_task, kOldTasks, true);
  catalogue.replace(IndexId::message_by_id, kOldIds, true);
  return catalogue;
}

std::string wrong_entries(kv::Reader& reader, const indexes::Catalogue& catalogue,
                          schema::SpaceNumber space) {
  const Rows rows = all_rows(reader, space);
  Rows rest = rows;
  std::map<std::uint16_t, std::int64_t> counts;
  std::string wrong;
  // Without the older versions: they must be gone.
  for (const auto& table : catalogue.tables) {
    std::vector<IndexDefinition> wanted;
    for (const IndexDefinition& index : table.indexes) {
      if (indexes::is_wanted(catalogue, index.id)) wanted.push_back(index);
    }
    indexes::TableDefinition now = table;
    now.indexes = wanted;
    take_table(now, space, rows, rest, counts, wrong);
  }
  const auto set = rows.find({Family::system, schema::index_set_key(space)});
  if (set == rows.end() || set->second != indexes::full_set(catalogue).encode()) {
    wrong += "another index set than a new space has\n";
  }
  for (const auto& [place, value] : rest) {
    if (place.first == Family::system) continue;
    wrong += "not given by a row: " + schema::to_hex(place.second) + "\n";
  }
  const auto stored =
      kv::decode_counters(rows.at({Family::system, schema::counters_key(space)})).value();
  for (const auto& [counter, count] : stored) {
    if (counts[counter] != count) {
      wrong += "counter " + std::to_string(counter) + " is " + std::to_string(count) + ", not " +
               std::to_string(counts[counter]) + "\n";
    }
    counts.erase(counter);
  }
  for (const auto& [counter, count] : counts) {
    if (count != 0) wrong += "counter " + std::to_string(counter) + " is not there\n";
  }
  return wrong.substr(0, 1000);
}

}  // namespace callisto::testing
