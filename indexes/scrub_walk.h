#pragma once

// Inside of scrub: passes over everything that the catalogue says is there.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "callisto/result.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"

namespace callisto::indexes {

/// What a walk shows. An error ends the walk.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual bool wants(const TableDefinition& table) const = 0;
  virtual bool wants(const IndexDefinition& index) const = 0;
  /// A row: when `is_intact`, row.bytes is a record, aligned to 8.
  virtual Result<void> on_row(const TableDefinition& table, const Row& row, bool is_intact) = 0;
  virtual Result<void> on_entry(const TableDefinition& table, const IndexDefinition& index,
                                std::string_view key, std::string_view value) = 0;
  /// A key among the rows of `table` that is neither a row nor an entry.
  virtual Result<void> on_unknown(const TableDefinition& table, std::string_view key) = 0;
  /// Keys of a table or an index, by its name, that a damaged file hides. False ends the walk with
  /// the error.
  virtual bool on_unreadable(std::string_view, const kv::DamagedRange&, const Error&) {
    return false;
  }
};

/// One pass over the tables and indexes that the visitor wants: each range is read once.
Result<void> walk(kv::Reader& reader, const Catalogue& catalogue, schema::SpaceNumber space,
                  Visitor& visitor);

/// A scan of everything behind a prefix that leaves the caches as they are.
class PrefixScan {
 public:
  PrefixScan(kv::Reader& reader, kv::Family family, std::string prefix);
  bool valid() const { return cursor_->valid(); }
  std::string_view key() const { return cursor_->key(); }
  std::string_view value() const { return cursor_->value(); }
  void next() { cursor_->next(); }
  Result<void> status() const { return cursor_->status(); }
  std::optional<kv::DamagedRange> skip_damage(std::string_view read) {
    return cursor_->skip_damage(read);
  }

 private:
  std::string lower_;
  std::string upper_;
  std::unique_ptr<kv::Cursor> cursor_;
};

}  // namespace callisto::indexes
