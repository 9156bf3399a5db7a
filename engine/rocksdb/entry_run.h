#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "engine/rocksdb/memtable_rows.h"
#include "engine/rocksdb/table_entry.h"

namespace callisto::kv {

/// Entries in their order: by rising keys, of one key the newest first, deletions too. Forward
/// only, and single-threaded.
class EntryRun {
 public:
  EntryRun() = default;
  EntryRun(const EntryRun&) = delete;
  EntryRun& operator=(const EntryRun&) = delete;
  virtual ~EntryRun() = default;

  /// To the first entry at or behind `key`. As next().
  virtual bool seek(std::string_view key) = 0;
  /// False where it cannot be read, or is damaged. valid() says whether there is an entry.
  virtual bool next() = 0;
  bool valid() const noexcept { return is_valid_; }
  /// Its key is valid until next(), its value too.
  const TableEntry& entry() const noexcept { return entry_; }

 protected:
  TableEntry entry_{};
  bool is_valid_ = false;
};

/// What memtables held.
class MemtableRun final : public EntryRun {
 public:
  explicit MemtableRun(MemtableRows rows) : rows_(std::move(rows)) {}

  bool seek(std::string_view key) override {
    while (place_ < rows_.size() && rows_.entry(place_).key < key) ++place_;
    return take();
  }
  bool next() override {
    ++place_;
    return take();
  }

 private:
  bool take() {
    is_valid_ = place_ < rows_.size();
    if (is_valid_) entry_ = rows_.entry(place_);
    return true;
  }

  const MemtableRows rows_;
  std::size_t place_ = 0;
};

}  // namespace callisto::kv
