#include "engine/rocksdb/options.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <string>
#include <utility>

#include "engine/rocksdb/block_allocator.h"
#include "engine/rocksdb/file_checksum.h"
#include "engine/rocksdb/store_env.h"
#include "schema/keys.h"

namespace callisto::kv {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;

/// Leads every key of Family::messages: S X conversation.
constexpr std::size_t kMessagePrefixBytes = schema::kKeyHeadBytes + sizeof(UuidBytes);

/// What an open table file takes beside the partitions of its index: properties, the top of the
/// index, of small families filter and index whole.
constexpr std::uint64_t kReaderBytes = 64u << 10;

/// A table file with so many deletions in a row of entries, or in all of them, is merged downwards
/// without waiting for its level to grow: what was deleted gives its room back while nobody writes.
constexpr std::size_t kDeletionWindow = 4096;
constexpr double kDeletionRatio = 0.25;

/// Keys of the index of a table file that are stored as what differs from the key before.
constexpr int kIndexRestarts = 16;

/// Behind a block of messages: a page of 20 lies in two or three blocks, which are read together
/// then. It costs 4 to 5 % less so (0, 4, 8 and 16 KiB were tried, cold, at the bench's full size).
constexpr std::size_t kMessageReadaheadBytes = 4096;

bool has_prefix(Family family) { return family == Family::messages; }

/// Of index entries, filters hold those whose key is S X id and no more: they are asked for to
/// learn that they are not there, as often as a message comes with an id. All other entries are
/// read in scans, which ask no filter.
class LookedUpEntries final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "callisto.looked_up_entries.1"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return key; }
  bool InDomain(const rocksdb::Slice& key) const override {
    return is_looked_up(Family::indexes, key.ToStringView());
  }
};

std::shared_ptr<const rocksdb::SliceTransform> prefix_extractor(Family family) {
  if (has_prefix(family)) {
    return std::shared_ptr<const rocksdb::SliceTransform>(
        rocksdb::NewFixedPrefixTransform(kMessagePrefixBytes));
  }
  if (family == Family::indexes) return std::make_shared<LookedUpEntries>();
  return nullptr;
}

/// True when every key of [lower, upper) begins with lower's first kMessagePrefixBytes.
bool within_one_prefix(const rocksdb::Slice& lower, const rocksdb::Slice& upper) {
  if (lower.size() < kMessagePrefixBytes) return false;
  const rocksdb::Slice prefix(lower.data(), kMessagePrefixBytes);
  if (upper.starts_with(prefix)) return true;
  // The least key that is above all with the prefix: the prefix plus one, without what is behind
  // it.
  std::string next = prefix.ToString();
  while (!next.empty() && static_cast<unsigned char>(next.back()) == 0xff) next.pop_back();
  if (next.empty()) return true;
  next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  return upper.compare(next) <= 0;
}

/// Grows with what is remembered, and is asked for keys that are there.
bool is_large(Family family) {
  return family == Family::messages || family == Family::memories || family == Family::indexes ||
         family == Family::conversations;
}

std::shared_ptr<rocksdb::TableFactory> table_factory(const OptionParts& parts, Family family) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = parts.cache;
  table.block_size = 4096;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;  // table_tail.cc knows this one
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // Of messages, filters hold the conversations.
  table.whole_key_filtering = prefix_extractor(family) == nullptr;
  table.index_block_restart_interval = kIndexRestarts;
  if (is_large(family)) {
    // Indexes in pieces that come and go like other blocks: whole ones are 2 % of the files, and
    // once they have no room, reading one key means opening a file.
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = true;
    table.cache_index_and_filter_blocks = true;
    table.metadata_cache_options.top_level_index_pinning = rocksdb::PinningTier::kAll;
  } else {
    // In the reader and not in the cache, which is faster, but charged to the cache.
    table.cache_index_and_filter_blocks = false;
  }
  const rocksdb::CacheEntryRoleOptions charged{
      .charged = rocksdb::CacheEntryRoleOptions::Decision::kEnabled};
  auto& charges = table.cache_usage_options.options_overrides;
  charges[rocksdb::CacheEntryRole::kBlockBasedTableReader] = charged;
  charges[rocksdb::CacheEntryRole::kFilterConstruction] = charged;
  charges[rocksdb::CacheEntryRole::kFileMetadata] = charged;
  return std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
}

/// What writers and followers have in common.
rocksdb::DBOptions common_options(const OptionParts& parts) {
  rocksdb::DBOptions options;
  options.env = parts.env;
  options.info_log = parts.info_log;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.write_buffer_manager = parts.write_buffers;
  options.paranoid_checks = true;
  options.verify_sst_unique_id_in_manifest = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.best_efforts_recovery = false;
  options.allow_data_in_errors = false;
  options.file_checksum_gen_factory = make_checksum_factory();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.db_host_id.clear();
  return options;
}

void set_levels(const MemoryPlan& plan, rocksdb::ColumnFamilyOptions& options) {
  options.write_buffer_size = plan.write_buffer_bytes;
  options.arena_block_size =
      std::clamp<std::uint64_t>(plan.write_buffer_bytes / 32, 16u << 10, kMiB);
  options.max_write_buffer_number = 2;
  options.target_file_size_base = plan.table_file_bytes;
  options.max_bytes_for_level_base = plan.level_base_bytes;
  options.level_compaction_dynamic_level_bytes = true;
  // RocksDB ends the process when these three are out of order: they are set together.
  options.level0_file_num_compaction_trigger = 4;
  options.level0_slowdown_writes_trigger = 20;
  options.level0_stop_writes_trigger = 36;
}

}  // namespace

Result<MemoryPlan> plan_memory(std::uint64_t budget_bytes, std::uint64_t reserved_bytes) {
  if (budget_bytes < kMinBudgetBytes || budget_bytes > kMaxBudgetBytes) {
    return Error(Code::invalid_argument, "memory_budget_bytes",
                 std::to_string(kMinBudgetBytes) + " to " + std::to_string(kMaxBudgetBytes));
  }
  MemoryPlan plan;
  const std::uint64_t bytes =
      budget_bytes - kSlotBytes - std::min(reserved_bytes, budget_bytes / 2);
  plan.memtable_bytes = std::min<std::uint64_t>(bytes / 4, 1024 * kMiB);
  // Not charged to the cache: the room that blocks make for memtables is in pieces, of no use to
  // them.
  plan.cache_bytes = bytes - plan.memtable_bytes;
  plan.table_index_bytes = plan.cache_bytes / 3;
  plan.kept_block_bytes = plan.cache_bytes / 4;
  // A sixth stays for what slabs and allocators keep of blocks that went.
  plan.block_cache_bytes = plan.cache_bytes / 4;
  plan.write_buffer_bytes = std::min<std::uint64_t>(plan.memtable_bytes / 4, 64 * kMiB);
  plan.table_file_bytes = std::clamp<std::uint64_t>(bytes / 8, 4 * kMiB, 64 * kMiB);
  plan.level_base_bytes = 4 * std::max(plan.write_buffer_bytes, plan.table_file_bytes);
  plan.log_bytes = 2 * plan.memtable_bytes;
  const auto files =
      static_cast<int>(std::clamp<std::uint64_t>(bytes / 2 / kReaderBytes, 64, 8192));
  plan.direct_files = files / 3;
  plan.open_files = files - plan.direct_files;
  return plan;
}

std::shared_ptr<rocksdb::Cache> make_cache(std::uint64_t bytes) {
  rocksdb::LRUCacheOptions options;
  options.capacity = bytes;
  // Shards of 8 MiB or more: what is charged comes in pieces of 256 KiB, which must spread evenly.
  options.num_shard_bits = 0;
  while (options.num_shard_bits < 6 && (bytes >> (options.num_shard_bits + 1)) >= 8 * kMiB) {
    ++options.num_shard_bits;
  }
  options.memory_allocator = make_block_allocator();
  return rocksdb::NewLRUCache(options);
}

std::shared_ptr<rocksdb::WriteBufferManager> make_write_buffers(const MemoryPlan& plan) {
  return std::make_shared<rocksdb::WriteBufferManager>(plan.memtable_bytes);
}

std::size_t prefix_bytes(Family family) { return has_prefix(family) ? kMessagePrefixBytes : 0; }

bool is_looked_up(Family family, std::string_view key) {
  return family == Family::indexes && key.size() == schema::kKeyHeadBytes + sizeof(UuidBytes);
}

bool has_filter_below(Family family) { return !is_large(family) || family == Family::indexes; }

rocksdb::DBOptions writer_options(const MemoryPlan& plan, const ThreadPlan& threads,
                                  const OptionParts& parts, bool create) {
  rocksdb::DBOptions options = common_options(parts);
  options.create_if_missing = create;
  options.listeners = {parts.listener, parts.activity};
  if (parts.direct != nullptr) options.listeners.push_back(parts.direct);
  options.statistics = parts.statistics;
  options.max_open_files = plan.open_files;
  options.max_file_opening_threads = 2;
  options.max_total_wal_size = plan.log_bytes;
  options.max_background_flushes = static_cast<int>(threads.flushes());
  options.max_background_compactions = static_cast<int>(threads.merges());
  // Commits come one at a time, from the committer.
  options.allow_concurrent_memtable_write = false;
  options.unordered_write = false;
  options.manual_wal_flush = false;
  options.recycle_log_file_num = 0;
  options.max_bgerror_resume_count = 0;
  options.flush_verify_memtable_count = true;
  options.avoid_flush_during_recovery = false;
  options.avoid_flush_during_shutdown = false;
  options.avoid_unnecessary_blocking_io = true;
  options.manifest_preallocation_size = 64u << 10;
  return options;
}

rocksdb::DBOptions follower_options(const OptionParts& parts) {
  rocksdb::DBOptions options = common_options(parts);
  // Holds every file open, so that the writer may remove it.
  options.max_open_files = -1;
  // An instance is opened for a refresh: no threads for a few files.
  options.max_file_opening_threads = 1;
  return options;
}

std::vector<rocksdb::ColumnFamilyOptions> family_options(const MemoryPlan& plan,
                                                         const OptionParts& parts) {
  rocksdb::ColumnFamilyOptions options;
  set_levels(plan, options);
  options.compression = rocksdb::kLZ4Compression;
  if (parts.memtables) options.memtable_factory = parts.memtables;
  options.memtable_prefix_bloom_size_ratio = 0.02;
  options.memtable_whole_key_filtering = true;
  options.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(kDeletionWindow, kDeletionWindow / 2,
                                                    kDeletionRatio));
  std::vector<rocksdb::ColumnFamilyOptions> families(kFamilyCount, options);
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    families[i].table_factory = table_factory(parts, family);
    families[i].optimize_filters_for_hits = !has_filter_below(family);
    families[i].prefix_extractor = prefix_extractor(family);
  }
  return families;
}

std::string family_name(Family family) {
  return family == Family::system ? rocksdb::kDefaultColumnFamilyName
                                  : std::string(to_string(family));
}

std::string family_of_name(const std::string& name) {
  return name == rocksdb::kDefaultColumnFamilyName ? std::string(to_string(Family::system)) : name;
}

std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(const MemoryPlan& plan,
                                                                const OptionParts& parts) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  const auto settings = family_options(plan, parts);
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    families.emplace_back(family_name(static_cast<Family>(i)), settings[i]);
  }
  return families;
}

rocksdb::WriteOptions write_options(Durability durability) {
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::synced;
  options.protection_bytes_per_key = kProtectionBytesPerKey;
  return options;
}

rocksdb::ReadOptions scan_options(Family family, const rocksdb::Slice& lower,
                                  const rocksdb::Slice& upper, bool reverse, bool fill_cache) {
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;
  options.iterate_upper_bound = &upper;
  options.fill_cache = fill_cache;
  if (family == Family::messages) options.readahead_size = kMessageReadaheadBytes;
  // Backwards in total order, whatever the bounds: a SeekForPrev asks a table's filter for the
  // prefix of its target alone, and passes over the table where that is not in it, although the key
  // before the target, of another prefix, may be (RocksDB PR 12872). SeekToLast of a scan with an
  // upper bound is such a seek.
  options.total_order_seek = !has_prefix(family) || reverse || !within_one_prefix(lower, upper);
  return options;
}

}  // namespace callisto::kv
