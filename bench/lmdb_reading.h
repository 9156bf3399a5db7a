#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/lmdb_database.h"
#include "indexes/index_keys.h"

namespace callisto::bench {

/// What one reading thread keeps between its questions: its transaction, reset and renewed, and
/// cursors that were opened in it.
class LmdbReader {
 public:
  explicit LmdbReader(const LmdbDatabase& database) : database_(database) {
    require_lmdb(mdb_txn_begin(database.env(), nullptr, MDB_RDONLY, &txn_), "begin to read");
    mdb_txn_reset(txn_);
  }
  LmdbReader(const LmdbReader&) = delete;
  LmdbReader& operator=(const LmdbReader&) = delete;
  ~LmdbReader() {
    for (auto& free : cursors_) {
      for (MDB_cursor* cursor : free) mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn_);
  }

  const LmdbDatabase& database() const noexcept { return database_; }
  MDB_txn* renew() {
    require_lmdb(mdb_txn_renew(txn_), "renew");
    return txn_;
  }
  void reset() noexcept { mdb_txn_reset(txn_); }

  MDB_cursor* take_cursor(kv::Family family) {
    auto& free = cursors_[static_cast<std::size_t>(family)];
    MDB_cursor* cursor = nullptr;
    if (free.empty()) {
      require_lmdb(mdb_cursor_open(txn_, database_.handle(family), &cursor), "cursor");
      return cursor;
    }
    cursor = free.back();
    free.pop_back();
    require_lmdb(mdb_cursor_renew(txn_, cursor), "renew a cursor");
    return cursor;
  }
  void give_back(kv::Family family, MDB_cursor* cursor) {
    cursors_[static_cast<std::size_t>(family)].push_back(cursor);
  }

 private:
  const LmdbDatabase& database_;
  MDB_txn* txn_ = nullptr;
  std::array<std::vector<MDB_cursor*>, kv::kFamilyCount> cursors_;
};

/// Lookups in LMDB, in the state of a reader's transaction or of a writing one.
class LmdbReading {
 public:
  using Value = std::string_view;
  static std::string_view view_of(const Value& value) { return value; }

  explicit LmdbReading(LmdbReader& reader)
      : database_(reader.database()), txn_(reader.renew()), reader_(&reader) {}
  LmdbReading(const LmdbDatabase& database, const LmdbTransaction& transaction)
      : database_(database), txn_(transaction.get()) {}
  LmdbReading(const LmdbReading&) = delete;
  LmdbReading& operator=(const LmdbReading&) = delete;
  ~LmdbReading() {
    if (reader_ != nullptr) reader_->reset();
  }

  bool get(kv::Family family, const std::string& key, Value& value) const {
    MDB_val wanted = lmdb_value(key);
    MDB_val found;
    const int status = mdb_get(txn_, database_.handle(family), &wanted, &found);
    if (status == MDB_NOTFOUND) return false;
    require_lmdb(status, "get");
    value = bench::view_of(found);
    return true;
  }

  std::vector<Value> multi_get(kv::Family family, const std::vector<std::string>& wanted) const {
    std::vector<Value> values(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!get(family, wanted[i], values[i])) fail("lmdb: a row is not there");
    }
    return values;
  }

  /// The range and the reading must outlive it.
  class Scan {
   public:
    Scan(const LmdbReading& reading, kv::Family family, const indexes::KeyRange& range)
        : reading_(reading), family_(family), range_(range) {
      if (reading.reader_ != nullptr) {
        cursor_ = reading.reader_->take_cursor(family);
      } else {
        require_lmdb(mdb_cursor_open(reading.txn_, reading.database_.handle(family), &cursor_),
                     "cursor");
      }
      key_ = lmdb_value(range.lower);
      move(MDB_SET_RANGE);
    }
    Scan(const Scan&) = delete;
    Scan& operator=(const Scan&) = delete;
    ~Scan() {
      if (reading_.reader_ != nullptr) {
        reading_.reader_->give_back(family_, cursor_);
      } else {
        mdb_cursor_close(cursor_);
      }
    }

    bool valid() const noexcept { return valid_; }
    std::string_view key() const { return bench::view_of(key_); }
    std::string_view value() const { return bench::view_of(value_); }
    void next() { move(MDB_NEXT); }
    void previous() { move(MDB_PREV); }
    void to_last() {
      key_ = lmdb_value(range_.upper);
      const int status = mdb_cursor_get(cursor_, &key_, &value_, MDB_SET_RANGE);
      move(status == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
    }

   private:
    void move(MDB_cursor_op where) {
      const int status = mdb_cursor_get(cursor_, &key_, &value_, where);
      if (status != MDB_NOTFOUND) require_lmdb(status, "move a cursor");
      valid_ = status == MDB_SUCCESS && key() >= range_.lower && key() < range_.upper;
    }

    const LmdbReading& reading_;
    const kv::Family family_;
    const indexes::KeyRange& range_;
    MDB_cursor* cursor_ = nullptr;
    MDB_val key_{};
    MDB_val value_{};
    bool valid_ = false;
  };
  std::unique_ptr<Scan> scan(kv::Family family, const indexes::KeyRange& range) const {
    return std::make_unique<Scan>(*this, family, range);
  }

 private:
  const LmdbDatabase& database_;
  MDB_txn* txn_;
  LmdbReader* reader_ = nullptr;
};

}  // namespace callisto::bench
