#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "callisto/bytes.h"
#include "engine/cache/cache_room.h"
#include "engine/cache/eviction.h"
#include "engine/cache/followed_value.h"
#include "engine/cache/recent_changes.h"
#include "engine/cache/ref.h"
#include "engine/kv.h"

namespace callisto::kv {

/// A row of the store, present or absent, as it is since `version`.
struct CachedRow final : Evictable {
  Holds holds;
  /// Who reads what follows holds this or, of a row in the table, its stripe; who changes a row in
  /// the table holds both.
  std::atomic_flag busy{};
  bool is_dead = true;  ///< Not in the cache: what it says means nothing.
  /// The bytes were found intact. Set under `busy` alone.
  std::atomic<bool> is_checked{false};
  Version version = 0;
  Bytes value{};               ///< Empty: the row is absent.
  CachedRow* chain = nullptr;  ///< The next one of its bucket; under its stripe.

  const Family family;
  const std::uint16_t key_bytes;
  std::string_view key() const noexcept {
    return {reinterpret_cast<const char*>(this + 1), key_bytes};
  }
  static Ref<CachedRow> make(Family family, std::string_view key, std::uint64_t hash);
  static void destroy(CachedRow* row) noexcept;

 private:
  CachedRow(Family of, std::uint16_t bytes) noexcept : family(of), key_bytes(bytes) {}
  ~CachedRow() = default;
};

/// Rows of the committed state, by their keys: whole, counted, handed out as they are. A row is
/// valid for a reader at a version exactly if it has been as it is since that version or before,
/// and no commit up to that version is still to be followed; the second is the caller's to know
/// (StateCache). Thread-safe.
class RowCache {
 public:
  /// In rooms that it shares with others; both must outlive it.
  RowCache(CacheRooms& rooms, const RecentChanges& recent);
  ~RowCache();
  RowCache(const RowCache&) = delete;
  RowCache& operator=(const RowCache&) = delete;

  struct Hit {
    Bytes value{};  ///< Empty: absent.
    bool is_checked = false;
    Ref<CachedRow> row{};
  };
  /// Has the processor fetch where find() and fill() of this hash will look: for who asks for many.
  void prefetch(std::uint64_t hash) const noexcept;
  /// False when nothing is known of the key at `at`. Takes no lock that is held for long. Without
  /// `keeps_row` the answer has the row only where its bytes are not known to be intact.
  bool find(Family family, std::string_view key, std::uint64_t hash, Version at, Hit& hit,
            bool keeps_row = true);
  /// The same for a row that is known already; `row` of the answer stays empty.
  bool read(CachedRow& row, Version at, Hit& hit);
  /// What was read at `at`; an empty value says that the row is absent. Nothing happens when it may
  /// not be so any more, or when there is no room for it. `known`: the row, where the caller has
  /// it. The row that is there now, or none.
  Ref<CachedRow> fill(Family family, std::string_view key, std::uint64_t hash, Bytes value,
                      bool is_checked, Version at, Ref<CachedRow> known = {});
  /// The bytes of a row were found intact.
  void note_checked(CachedRow& row, const Bytes& value);

  /// Follows a commit. A row that is not there enters only where `installs`; an erased one never.
  void apply(Family family, std::string_view key, std::uint64_t hash, FollowedValue& value,
             Version version, bool installs);
  void erase_range(Family family, std::string_view lower, std::string_view upper);
  void clear();

  CacheStats stats() const;

 private:
  struct Shard;

  Shard& shard_of(std::uint64_t hash) noexcept;

  const RecentChanges& recent_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace callisto::kv
