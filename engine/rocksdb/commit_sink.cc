#include "engine/rocksdb/commit_sink.h"

#include <rocksdb/db.h>

#include <mutex>

#include "engine/rocksdb/database.h"
#include "engine/rocksdb/reader.h"
#include "engine/rocksdb/status.h"

namespace callisto::kv {
namespace {

/// A batch that has grown above this gives its memory back.
constexpr std::size_t kKeptBatchBytes = 256u << 10;

rocksdb::WriteBatch empty_batch() { return rocksdb::WriteBatch(0, 0, kProtectionBytesPerKey, 0); }

}  // namespace

RocksCommitSink::RocksCommitSink(Database& database) : database_(database), batch_(empty_batch()) {}

Result<Version> RocksCommitSink::write(std::span<const WriteSet* const> sets,
                                       std::span<const CounterRow> rows, Durability durability) {
  const std::lock_guard lock(database_.write_mutex());
  if (!database_.gate().is_open()) return database_.gate().refusal();
  if (auto filled = fill(sets, rows); !filled) return std::move(filled).error();
  return write_batch(durability);
}

Result<Version> RocksCommitSink::write_batch(Durability durability) noexcept {
  try {
    const rocksdb::Status status = database_.db().Write(write_options(durability), &batch_);
    if (status.ok()) {
      database_.note_commits(durability == Durability::synced);
      return database_.db().GetLatestSequenceNumber();
    }
    const Error failure = to_error(status, "commit");
    database_.gate().shut(failure);
    return Error(Code::unknown_outcome, failure.message());
  } catch (...) {
    // RocksDB is not exception-safe: nothing more is asked of it.
    database_.gate().shut(Error(Code::io_error, "an exception"));
    return Error(Code::unknown_outcome, "an exception");
  }
}

Result<void> RocksCommitSink::fill(std::span<const WriteSet* const> sets,
                                   std::span<const CounterRow> rows) {
  if (batch_.GetDataSize() > kKeptBatchBytes) batch_ = empty_batch();
  batch_.Clear();
  rocksdb::Status status;
  for (const WriteSet* set : sets) {
    for (std::size_t i = 0; i < set->key_count() && status.ok(); ++i) {
      const WriteSet::Operation& operation = set->at(i);
      rocksdb::ColumnFamilyHandle* const handle = database_.handle(operation.family);
      const rocksdb::Slice key(operation.key);
      status = operation.kind == WriteSet::Kind::erase
                   ? batch_.Delete(handle, key)
                   : batch_.Put(handle, key, rocksdb::Slice(operation.value));
    }
  }
  for (std::size_t i = 0; i < rows.size() && status.ok(); ++i) {
    status = batch_.Put(database_.handle(Family::system), rows[i].key, rows[i].value);
  }
  // Sets that only touch need a version of their own too. No key of a caller's is empty.
  if (status.ok() && batch_.Count() == 0) {
    status = batch_.Delete(database_.handle(Family::system), rocksdb::Slice());
  }
  if (!status.ok()) return to_error(status, "commit");
  return {};
}

Result<bool> RocksCommitSink::read(std::string_view key, Value& value) {
  return read_one(database_, nullptr, Family::system, key, value);
}

}  // namespace callisto::kv
