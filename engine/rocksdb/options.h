#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "callisto/result.h"
#include "engine/kv.h"

namespace rocksdb {
class Cache;
class Env;
class EventListener;
class Statistics;
class WriteBufferManager;
}  // namespace rocksdb

namespace callisto::kv {

struct ThreadPlan;

/// How one memory budget is shared out. The arithmetic and its reasons: engine/README.md.
struct MemoryPlan {
  /// For table files. RocksDB's block cache, to which table readers and file metadata are charged,
  /// has all of it where nothing is read without RocksDB.
  std::uint64_t cache_bytes = 0;
  /// Else this.
  std::uint64_t block_cache_bytes = 0;
  /// All memtables together, beside cache_bytes.
  std::uint64_t memtable_bytes = 0;
  /// One family's memtable.
  std::uint64_t write_buffer_bytes = 0;
  std::uint64_t table_file_bytes = 0;
  std::uint64_t level_base_bytes = 0;
  /// Of cache_bytes, for table files that are read without RocksDB: their indexes and filters, and
  /// blocks of them.
  std::uint64_t table_index_bytes = 0;
  std::uint64_t kept_block_bytes = 0;
  /// Log files above this make RocksDB flush: bounds the time to open after a crash.
  std::uint64_t log_bytes = 0;
  /// By RocksDB; and beside it, of files that are read without it.
  int open_files = 0;
  int direct_files = 0;
};

inline constexpr std::uint64_t kMinBudgetBytes = 32ULL << 20;
inline constexpr std::uint64_t kMaxBudgetBytes = 1ULL << 40;
/// What the conflict slots take of the budget.
inline constexpr std::uint64_t kSlotBytes = 8ULL << 20;

/// invalid_argument (field `memory_budget_bytes`) outside [kMinBudgetBytes, kMaxBudgetBytes].
/// `reserved_bytes` of it are not the engine's; half of it at most.
Result<MemoryPlan> plan_memory(std::uint64_t budget_bytes, std::uint64_t reserved_bytes = 0);

/// What RocksDB's options refer to. Env and listener must outlive the database.
struct OptionParts {
  rocksdb::Env* env = nullptr;
  std::shared_ptr<rocksdb::Logger> info_log{};
  std::shared_ptr<rocksdb::Cache> cache{};
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers{};
  /// Null: RocksDB's own.
  std::shared_ptr<rocksdb::MemTableRepFactory> memtables{};
  std::shared_ptr<rocksdb::EventListener> listener{};
  std::shared_ptr<rocksdb::EventListener> activity{};
  std::shared_ptr<rocksdb::EventListener> direct{};   ///< May be null.
  std::shared_ptr<rocksdb::Statistics> statistics{};  ///< Null: nothing is counted.
};

std::shared_ptr<rocksdb::Cache> make_cache(std::uint64_t bytes);
std::shared_ptr<rocksdb::WriteBufferManager> make_write_buffers(const MemoryPlan& plan);

/// `create`: the database may be absent. Families that are absent are always an error.
rocksdb::DBOptions writer_options(const MemoryPlan& plan, const ThreadPlan& threads,
                                  const OptionParts& parts, bool create);
rocksdb::DBOptions follower_options(const OptionParts& parts);
/// One for every Family, in their order.
std::vector<rocksdb::ColumnFamilyOptions> family_options(const MemoryPlan& plan,
                                                         const OptionParts& parts);
/// Whether table files of the last level, which nearly all keys are in, have a filter. A filter
/// takes 1.3 bytes of memory for each key that it holds and helps only with keys that are not
/// there.
bool has_filter_below(Family family);
/// Whether `key` is an entry that is asked for to learn that it is not there (message_by_id), which
/// RocksDB's filters know.
bool is_looked_up(Family family, std::string_view key);
/// So many bytes of a key count in filters; 0: all.
std::size_t prefix_bytes(Family family);
/// What RocksDB calls a family, and the other way round.
std::string family_name(Family family);
std::string family_of_name(const std::string& name);
std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(const MemoryPlan& plan,
                                                                const OptionParts& parts);

rocksdb::WriteOptions write_options(Durability durability);
/// The bytes of checksum that every key and value carries from the batch to the memtable.
inline constexpr std::size_t kProtectionBytesPerKey = 8;

/// Options of a scan but for its snapshot; the bounds must outlive the iterator. Only where every
/// key of [lower, upper) has one prefix of the family's extractor, and the scan goes forward, may
/// filters on that prefix be used: what a filter skips cannot hold a key of the range then.
rocksdb::ReadOptions scan_options(Family family, const rocksdb::Slice& lower,
                                  const rocksdb::Slice& upper, bool reverse, bool fill_cache);

}  // namespace callisto::kv
