#pragma once

// Tables and indexes as data. A new way to extract is a row here; only a new way to store would be
// a class (indexes/README.md).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/kv.h"
#include "indexes/entries.h"
#include "indexes/fields.h"
#include "schema/ids.h"

namespace callisto::indexes {

/// A record as extractors see it: its key, and bytes that were checked (aligned to 8 where they are
/// FlatBuffers).
struct Row {
  schema::SpaceNumber space = 0;
  std::string_view key;
  std::string_view bytes;
  /// What TableDefinition::cover gave, made once for all indexes of the row.
  std::string_view cover{};
};

/// One index entry, on its own.
struct Entry {
  std::string key;
  std::string value;
  friend auto operator<=>(const Entry&, const Entry&) = default;
};

/// Emits the entries of a row: a pure function of it. It knows nothing of storage.
using Extract = void (*)(const Row& row, Entries& entries);

struct IndexDefinition {
  schema::IndexId id;
  const char* name;
  kv::Family family;
  /// Set when the entries lie inside the table's own ranges (messages): their part.
  std::optional<schema::MessagePart> part;
  Extract extract;
  /// The key of the row that an entry stands for; nullopt when the entry's key does not parse. Some
  /// need the entry's value (message_by_id).
  std::optional<std::string> (*row_key)(std::string_view entry_key, std::string_view entry_value);
  /// How many bytes at the end of a key order what lies behind one prefix (~created id): entries
  /// are counted per prefix, for estimates (cardinality_sketch.h). kNotCounted where nobody asks.
  std::uint8_t order_bytes = 24;
  /// The older definition that this one replaces, while the catalogue still carries it: it is kept
  /// and answers until this one is ready.
  std::optional<schema::IndexId> replaces{};
  /// Fields of the record (fields.h) that decide about the entries: while none of them changes,
  /// they stay as they are.
  FieldSet reads = kEveryField;
  /// Finders of this one may read what it replaces until this one is ready: keys and values have
  /// the same form there but for the number in the key, and every record that gives an entry here
  /// gives that one there.
  bool reads_replaced = false;
};
inline constexpr std::uint8_t kNotCounted = 0;

struct TableDefinition {
  schema::TableId id;
  const char* name;
  kv::Family family;
  /// Whether a key of the family that starts with S X of the table is a row of it (a conversation's
  /// header, not its tail).
  bool (*is_row)(std::string_view key);
  /// Whether the bytes are a record of this table; they are aligned to 8.
  bool (*is_intact)(std::string_view bytes);
  /// Whether an intact record names the key that it lies at; null where it names none.
  bool (*is_at_home)(const Row& row);
  /// The value that entries of the row carry, or null where they carry none or one of their own.
  std::string (*cover)(const Row& row);
  /// In which fields two records differ, or null where nobody asks: then a change may concern all.
  FieldSet (*changed)(const Row& before, const Row& after);
  std::span<const IndexDefinition> indexes;
};

/// A set of tables. Tests make catalogues in which definitions differ.
struct Catalogue {
  std::span<const TableDefinition> tables;

  const TableDefinition& table(schema::TableId id) const;
};

/// The tables and indexes of this version.
const Catalogue& standard_catalogue();

/// S X of a table's rows (for conversation_tails, that of conversations).
std::string table_prefix(schema::SpaceNumber space, schema::TableId table);
/// S X of an index's entries; not for indexes with a part.
std::string index_prefix(schema::SpaceNumber space, schema::IndexId index);

}  // namespace callisto::indexes
