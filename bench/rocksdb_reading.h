#pragma once

#include <rocksdb/iterator.h>
#include <rocksdb/snapshot.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/rocksdb_database.h"
#include "engine/rocksdb/options.h"
#include "indexes/index_keys.h"

namespace callisto::bench {

/// Lookups in RocksDB: all in one state, or each in the newest.
class RocksReading {
 public:
  using Value = rocksdb::PinnableSlice;
  static std::string_view view_of(const Value& value) { return value.ToStringView(); }

  RocksReading(const RocksDatabase& database, bool one_state) : database_(database) {
    if (!one_state) return;
    snapshot_.emplace(&database.db());
    options_.snapshot = snapshot_->snapshot();
  }

  bool get(kv::Family family, const std::string& key, Value& value) const {
    const rocksdb::Status status =
        database_.db().Get(options_, database_.handle(family), key, &value);
    if (!status.IsNotFound()) require(status, "get");
    return status.ok();
  }

  std::vector<Value> multi_get(kv::Family family, const std::vector<std::string>& wanted) const {
    std::vector<rocksdb::Slice> keys(wanted.begin(), wanted.end());
    std::vector<Value> values(wanted.size());
    std::vector<rocksdb::Status> statuses(wanted.size());
    database_.db().MultiGet(options_, database_.handle(family), keys.size(), keys.data(),
                            values.data(), statuses.data(),
                            std::is_sorted(wanted.begin(), wanted.end()));
    for (const rocksdb::Status& status : statuses) require(status, "multi_get");
    return values;
  }

  /// The range must outlive it.
  struct Scan {
    rocksdb::Slice lower;
    rocksdb::Slice upper;
    std::unique_ptr<rocksdb::Iterator> iterator;
    bool valid() const { return iterator->Valid(); }
    std::string_view key() const { return iterator->key().ToStringView(); }
    std::string_view value() const { return iterator->value().ToStringView(); }
    void next() { iterator->Next(); }
    void to_last() { iterator->SeekToLast(); }
    void previous() { iterator->Prev(); }
  };
  std::unique_ptr<Scan> scan(kv::Family family, const indexes::KeyRange& range) const {
    auto scan = std::make_unique<Scan>(Scan{range.lower, range.upper, nullptr});
    auto options = kv::scan_options(family, scan->lower, scan->upper, false, true);
    options.snapshot = options_.snapshot;
    scan->iterator.reset(database_.db().NewIterator(options, database_.handle(family)));
    scan->iterator->Seek(scan->lower);
    return scan;
  }

 private:
  const RocksDatabase& database_;
  std::optional<rocksdb::ManagedSnapshot> snapshot_;
  rocksdb::ReadOptions options_;
};

}  // namespace callisto::bench
