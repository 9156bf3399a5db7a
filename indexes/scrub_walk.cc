#include "indexes/scrub_walk.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "indexes/aligned_bytes.h"
#include "schema/keys.h"

namespace callisto::indexes {

namespace {

/// Tables whose rows lie in one range (a conversation's header and tail), with the indexes whose
/// entries lie among them.
struct Range {
  std::vector<const TableDefinition*> tables;

  const TableDefinition* table_of(std::string_view key) const {
    const auto found =
        std::find_if(tables.begin(), tables.end(),
                     [&](const TableDefinition* table) { return table->is_row(key); });
    return found == tables.end() ? nullptr : *found;
  }
};

bool share_range(const TableDefinition& a, const TableDefinition& b) {
  return a.family == b.family && table_prefix(0, a.id) == table_prefix(0, b.id);
}

std::vector<Range> ranges_of(const Catalogue& catalogue) {
  std::vector<Range> ranges;
  for (const TableDefinition& table : catalogue.tables) {
    const auto found = std::find_if(ranges.begin(), ranges.end(), [&](const Range& range) {
      return share_range(*range.tables.front(), table);
    });
    if (found == ranges.end()) {
      ranges.push_back({{&table}});
    } else {
      found->tables.push_back(&table);
    }
  }
  return ranges;
}

/// The index whose entry lies at `key` among the rows of `table`.
const IndexDefinition* part_of(const TableDefinition& table, std::string_view key) {
  const auto parsed = schema::parse_message_key(key);
  if (!parsed) return nullptr;
  const auto found =
      std::find_if(table.indexes.begin(), table.indexes.end(),
                   [&](const IndexDefinition& index) { return index.part == parsed->part; });
  return found == table.indexes.end() ? nullptr : &*found;
}

bool is_wanted(const TableDefinition& table, const Visitor& visitor) {
  return visitor.wants(table) ||
         std::any_of(table.indexes.begin(), table.indexes.end(), [&](const IndexDefinition& index) {
           return index.part && visitor.wants(index);
         });
}

class Walk {
 public:
  Walk(kv::Reader& reader, schema::SpaceNumber space, Visitor& visitor)
      : reader_(reader), space_(space), visitor_(visitor) {}

  Result<void> over(const Range& range) {
    if (std::none_of(range.tables.begin(), range.tables.end(),
                     [&](const TableDefinition* table) { return is_wanted(*table, visitor_); })) {
      return {};
    }
    const TableDefinition& first = *range.tables.front();
    PrefixScan scan(reader_, first.family, table_prefix(space_, first.id));
    return over(scan, first.name, [&](std::string_view key, std::string_view value) {
      return show(range, key, value);
    });
  }

  Result<void> over(const TableDefinition& table, const IndexDefinition& index) {
    if (index.part || !visitor_.wants(index)) return {};
    PrefixScan scan(reader_, index.family, index_prefix(space_, index.id));
    return over(scan, index.name, [&](std::string_view key, std::string_view value) {
      return visitor_.on_entry(table, index, key, value);
    });
  }

 private:
  /// All of a scan, but for what the visitor lets be skipped.
  template <class Show>
  Result<void> over(PrefixScan& scan, const std::string& name, Show&& show_one) {
    std::string last;
    for (;;) {
      for (; scan.valid(); scan.next()) {
        last.assign(scan.key());
        if (auto shown = show_one(scan.key(), scan.value()); !shown) return shown;
      }
      const auto status = scan.status();
      if (status) return {};
      const auto damaged = scan.skip_damage(last);
      if (!damaged || !visitor_.on_unreadable(name, *damaged, status.error())) return status;
    }
  }

  Result<void> show(const Range& range, std::string_view key, std::string_view value) {
    if (const TableDefinition* table = range.table_of(key)) {
      if (!visitor_.wants(*table)) return {};
      const Row row{space_, key, bytes_.assign(value)};
      return visitor_.on_row(*table, row, table->is_intact(row.bytes));
    }
    const TableDefinition& first = *range.tables.front();
    const IndexDefinition* index = part_of(first, key);
    if (index == nullptr) return visitor_.on_unknown(first, key);
    return visitor_.wants(*index) ? visitor_.on_entry(first, *index, key, value) : Result<void>{};
  }

  kv::Reader& reader_;
  const schema::SpaceNumber space_;
  Visitor& visitor_;
  AlignedBytes bytes_;
};

}  // namespace

Result<void> walk(kv::Reader& reader, const Catalogue& catalogue, schema::SpaceNumber space,
                  Visitor& visitor) {
  Walk walk(reader, space, visitor);
  for (const Range& range : ranges_of(catalogue)) {
    if (auto done = walk.over(range); !done) return done;
  }
  for (const TableDefinition& table : catalogue.tables) {
    for (const IndexDefinition& index : table.indexes) {
      if (auto done = walk.over(table, index); !done) return done;
    }
  }
  return {};
}

PrefixScan::PrefixScan(kv::Reader& reader, kv::Family family, std::string prefix)
    : lower_(std::move(prefix)), upper_(schema::prefix_end(lower_)) {
  cursor_ = reader.scan(family, {.lower = lower_, .upper = upper_, .fill_cache = false});
}

}  // namespace callisto::indexes
