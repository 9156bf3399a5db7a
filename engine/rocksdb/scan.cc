#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <memory>
#include <string>
#include <utility>

#include "engine/rocksdb/database.h"
#include "engine/rocksdb/reader.h"
#include "engine/rocksdb/status.h"

namespace callisto::kv {
namespace {

/// A scan over an iterator of RocksDB's, which holds its state by itself.
class Scan final : public Cursor {
 public:
  Scan(std::shared_ptr<const Database> database, const rocksdb::Snapshot* snapshot, Family family,
       const Bounds& bounds)
      : database_(std::move(database)),
        lower_(bounds.lower),
        upper_(bounds.upper),
        family_(family),
        reverse_(bounds.reverse) {
    rocksdb::ReadOptions options =
        scan_options(family, lower_bound_, upper_bound_, reverse_, bounds.fill_cache);
    options.snapshot = snapshot;
    iterator_.reset(database_->db().NewIterator(options, database_->handle(family)));
    if (reverse_) {
      iterator_->SeekToLast();
    } else {
      iterator_->Seek(lower_bound_);
    }
  }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  bool valid() const override { return !ended_ && iterator_->Valid(); }
  std::string_view key() const override { return iterator_->key().ToStringView(); }
  std::string_view value() const override { return iterator_->value().ToStringView(); }

  void next() override {
    if (!valid()) return;
    if (reverse_) {
      iterator_->Prev();
    } else {
      iterator_->Next();
    }
  }

  void seek(std::string_view target) override {
    if (!valid()) return;
    if (reverse_) {
      if (target >= this->key()) return;
      ended_ = target < lower_;
      if (!ended_) iterator_->SeekForPrev(rocksdb::Slice(target));
    } else {
      if (target <= this->key()) return;
      ended_ = target >= upper_;
      if (!ended_) iterator_->Seek(rocksdb::Slice(target));
    }
  }

  Result<void> status() const override {
    const rocksdb::Status status = iterator_->status();
    if (status.ok()) return {};
    return to_error(status, "scan of " + std::string(to_string(family_)));
  }

 private:
  std::shared_ptr<const Database> database_;
  const std::string lower_;
  const std::string upper_;
  const rocksdb::Slice lower_bound_ = lower_;
  const rocksdb::Slice upper_bound_ = upper_;
  const Family family_;
  const bool reverse_;
  bool ended_ = false;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

/// Nothing to see: an empty range, or an error.
class EndedScan final : public Cursor {
 public:
  explicit EndedScan(Result<void> status) : status_(std::move(status)) {}
  bool valid() const override { return false; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  void next() override {}
  void seek(std::string_view) override {}
  Result<void> status() const override { return status_; }

 private:
  Result<void> status_;
};

}  // namespace

std::unique_ptr<Cursor> open_scan(std::shared_ptr<const Database> database,
                                  const rocksdb::Snapshot* snapshot, Family family,
                                  const Bounds& bounds) {
  if (database->is_closed()) return failed_scan(Database::closed_error());
  if (bounds.lower.empty() || bounds.upper.empty()) {
    return failed_scan(Error(Code::invalid_argument, "bounds", "both bounds, not empty"));
  }
  if (bounds.lower >= bounds.upper) return std::make_unique<EndedScan>(Result<void>());
  return std::make_unique<Scan>(std::move(database), snapshot, family, bounds);
}

std::unique_ptr<Cursor> failed_scan(Error error) {
  return std::make_unique<EndedScan>(std::move(error));
}

}  // namespace callisto::kv
