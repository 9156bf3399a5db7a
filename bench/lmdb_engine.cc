#include "bench/lmdb_engine.h"

#include "bench/bare_references.h"
#include "bench/index_choice.h"

namespace callisto::bench {

Digest LmdbEngine::run(const Operation& operation) {
  if (is_write(operation)) return write(operation);
  LmdbReading reading(reader_);
  return std::visit(bare::Reader(reading), operation);
}

Digest LmdbEngine::write(const Operation& operation) {
  const WrittenOperation& written = scribe_.written_by(operation);
  // However many commits Callisto makes of it.
  LmdbTransaction transaction(*database_);
  const LmdbReading reading(*database_, transaction);
  std::visit(bare::References(reading), operation);
  std::string_view before;
  for (const WrittenKey& row : written.changed) {
    if (!reading.get(row.family, row.key, before)) fail("lmdb: a changed row is not there");
  }
  for (const auto& commit : written.commits) {
    for (const WrittenKey& key : commit) {
      if (is_kept(indexes_, key.family, key.key)) apply(transaction, key);
    }
  }
  transaction.commit();
  return 1;
}

void LmdbEngine::apply(const LmdbTransaction& transaction, const WrittenKey& written) {
  const MDB_dbi handle = database_->handle(written.family);
  MDB_val key = lmdb_value(written.key);
  MDB_val value = lmdb_value(written.value);
  if (!written.erase) {
    require_lmdb(mdb_put(transaction.get(), handle, &key, &value, 0), "put");
    return;
  }
  const int status = mdb_del(transaction.get(), handle, &key, nullptr);
  if (status != MDB_NOTFOUND) require_lmdb(status, "erase");
}

std::string LmdbEngine::version() { return mdb_version(nullptr, nullptr, nullptr); }

}  // namespace callisto::bench
