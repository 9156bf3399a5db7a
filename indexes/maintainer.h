#pragma once

// The only code that writes records and index entries.

#include <optional>
#include <string_view>

#include "callisto/result.h"
#include "engine/kv.h"
#include "indexes/cardinality_sketch.h"
#include "indexes/catalogue.h"
#include "indexes/space_state.h"

namespace callisto::indexes {

/// Writes rows: the record, the difference of its index entries, and the exact counts, into one
/// transaction. Stateless and thread-safe.
class Maintainer {
 public:
  explicit Maintainer(const Catalogue& catalogue) : catalogue_(catalogue) {}

  /// Brings the row at `key` from `before` to `after` (nullopt: absent). `before` must be what the
  /// transaction read for update. Both are checked bytes; a table of FlatBuffers needs them aligned
  /// to 8. Indexes that are ready get the difference; those that are building all entries of the
  /// row, whether its turn has come or not; the others are left alone. too_large passes through,
  /// and then the caller rolls back to its savepoint. Entries that come and go are added to
  /// `changes`, where given: the caller rolls them back too, and applies them when the commit stands.
  Result<void> write(kv::Transaction& transaction, const SpaceState& state, schema::TableId table,
                     std::string_view key, std::optional<std::string_view> before,
                     std::optional<std::string_view> after,
                     CardinalityChanges* changes = nullptr) const;

  /// For a build: what of the entries of one row is not there, and their count. The caller guards
  /// the row. A row that cannot be decoded gives none.
  Result<void> fill(kv::Transaction& transaction, schema::SpaceNumber space,
                    const TableDefinition& table, const IndexDefinition& index,
                    std::string_view key, std::string_view bytes) const;

  /// For repair: brings one entry in line with its record, as both are in the transaction, which
  /// conflicts with who writes either. `expected` is the value that a record was seen to give it;
  /// nullopt when none was. True when something was written. Left alone: the entry of a record that
  /// cannot be decoded, and counts, which follow records, not entries.
  Result<bool> mend(kv::Transaction& transaction, schema::SpaceNumber space,
                    const TableDefinition& table, const IndexDefinition& index,
                    std::string_view entry_key, std::optional<std::string_view> expected) const;

  const Catalogue& catalogue() const noexcept { return catalogue_; }

 private:
  const Catalogue& catalogue_;
};

}  // namespace callisto::indexes
