#include "bench/rocksdb_engine.h"

#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

#include "bench/bare_references.h"
#include "bench/rocksdb_reading.h"

namespace callisto::bench {

Digest RocksEngine::run(const Operation& operation) {
  if (is_write(operation)) return write(operation);
  // One lookup needs no snapshot.
  RocksReading reading(*database_, !std::holds_alternative<GetMemory>(operation));
  return std::visit(bare::Reader(reading), operation);
}

Digest RocksEngine::write(const Operation& operation) {
  const WrittenOperation& written = scribe_.written_by(operation);
  RocksReading reading(*database_, false);
  std::visit(bare::References(reading), operation);
  for (const WrittenKey& row : written.changed) {
    rocksdb::PinnableSlice value;
    if (!reading.get(row.family, row.key, value)) fail("rocksdb: a changed row is not there");
  }
  const auto options = kv::write_options(durable_ ? Durability::synced : Durability::buffered);
  for (const auto& commit : written.commits) {
    rocksdb::WriteBatch batch(0, 0, kv::kProtectionBytesPerKey, 0);
    for (const WrittenKey& key : commit) {
      rocksdb::ColumnFamilyHandle* const handle = database_->handle(key.family);
      require(key.erase ? batch.Delete(handle, key.key) : batch.Put(handle, key.key, key.value),
              "batch");
    }
    require(database_->db().Write(options, &batch), "write");
  }
  return 1;
}

std::string RocksEngine::version() {
  return std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "." +
         std::to_string(ROCKSDB_PATCH);
}

}  // namespace callisto::bench
