#include "bench/bare_load.h"

#include <rocksdb/iterator.h>
#include <rocksdb/sst_file_writer.h>

#include <functional>
#include <utility>
#include <vector>

#include "bench/index_choice.h"
#include "bench/lmdb_database.h"

namespace callisto::bench {

namespace {

using KeyValue = std::pair<std::string, std::string>;

/// Hands all keys of all families to `put`, so many at once. The seconds that it took.
double copy_all(const RocksDatabase& source, std::size_t together,
                const std::function<bool(kv::Family, std::string_view)>& is_wanted,
                const std::function<void(kv::Family, const std::vector<KeyValue>&)>& put) {
  double seconds = 0;
  std::vector<KeyValue> rows;
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  for (std::size_t i = 0; i < kv::kFamilyCount; ++i) {
    const auto family = static_cast<kv::Family>(i);
    const std::unique_ptr<rocksdb::Iterator> iterator(
        source.db().NewIterator(options, source.handle(family)));
    const auto hand_over = [&] {
      const Stopwatch watch;
      put(family, rows);
      seconds += watch.seconds();
      rows.clear();
    };
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
      if (!is_wanted(family, iterator->key().ToStringView())) continue;
      rows.emplace_back(iterator->key().ToString(), iterator->value().ToString());
      if (rows.size() == together) hand_over();
    }
    require(iterator->status(), "read the source");
    hand_over();
  }
  return seconds;
}

}  // namespace

LoadTimes load_lmdb(const RocksDatabase& source, const std::string& file, IndexChoice indexes) {
  LmdbDatabase target(file);
  LoadTimes times;
  times.load = copy_all(
      source, 100'000,
      [&](kv::Family family, std::string_view key) { return is_kept(indexes, family, key); },
      [&](kv::Family family, const std::vector<KeyValue>& rows) {
        LmdbTransaction transaction(target);
        for (const auto& [row_key, row_value] : rows) {
          MDB_val key = lmdb_value(row_key);
          MDB_val value = lmdb_value(row_value);
          const MDB_dbi handle = target.handle(family);
          require_lmdb(mdb_put(transaction.get(), handle, &key, &value, MDB_APPEND), "load");
        }
        transaction.commit();
      });
  const Stopwatch watch;
  target.sync();
  times.settle = watch.seconds();
  return times;
}

LoadTimes load_rocksdb(const RocksDatabase& source, const std::string& path,
                       std::uint64_t memory_bytes) {
  const RocksDatabase target(path, memory_bytes, RocksDatabase::Mode::make);
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  std::size_t files = 0;
  LoadTimes times;
  times.load = copy_all(
      source, 200'000, [](kv::Family, std::string_view) { return true; },
      [&](kv::Family family, const std::vector<KeyValue>& rows) {
        if (rows.empty()) return;
        rocksdb::ColumnFamilyHandle* const handle = target.handle(family);
        rocksdb::SstFileWriter writer({}, target.db().GetOptions(handle), handle);
        const std::string file = path + "/load-" + std::to_string(++files) + ".sst";
        require(writer.Open(file), "a table file");
        for (const auto& [key, value] : rows) require(writer.Put(key, value), "load");
        require(writer.Finish(), "finish a table file");
        require(target.db().IngestExternalFile(handle, {file}, ingest), "take a table file in");
      });
  return times;
}

}  // namespace callisto::bench
