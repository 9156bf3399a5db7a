#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/cache/state_cache.h"
#include "engine/kv.h"

namespace callisto::kv {

/// Reads through the cache, at one version. Single-threaded, but for a user's snapshot, which makes
/// one for every call.
///
/// Over a store it is *lazy*: it reads at the version up to which the cache has followed, and asks
/// the engine only for what the cache does not have: some times for its latest state, which costs
/// less, then at a snapshot. Where a commit has begun meanwhile, what the engine answers may be of
/// a later state: reads then answer `conflict` with moved() true, and the caller begins anew with
/// an engine's snapshot. Where somebody has seen a later state already, it takes the engine's
/// snapshot at once: who has seen a commit sees it in every read after.
class CachedReader final : public Snapshot {
 public:
  /// Lazy; both must outlive it.
  CachedReader(Store& engine, StateCache& cache);
  /// Over an engine's snapshot or another reader of one state.
  CachedReader(std::unique_ptr<Reader> below, StateCache& cache);
  CachedReader(Reader& below, StateCache& cache);
  CachedReader(const CachedReader&) = delete;
  CachedReader& operator=(const CachedReader&) = delete;
  ~CachedReader() override;

  Result<bool> get(Family family, std::string_view key, Value& value) override;
  Result<void> multi_get(Family family, std::span<const std::string> keys,
                         const std::function<void(std::size_t, std::string_view)>& each) override;
  std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) override;
  Result<Bytes> get_row(Family family, std::string_view key, RowCheck check) override;
  Result<void> get_rows(Family family, std::span<const std::string> keys, RowCheck check,
                        std::span<Bytes> rows, std::span<const HintRef> hints,
                        std::size_t place) override;
  bool peek(const ListEntry* entry, std::size_t place, Bytes& row) override;
  Version version() const override;

  bool moved() const noexcept { return moved_; }

  // For its cursors.

  /// The engine's scan. `conflict` where a lazy reader would see another state.
  Result<std::unique_ptr<Cursor>> scan_below(Family family, const Bounds& bounds);
  /// At what the cache is read; nullopt while it may not have followed all that the reader sees.
  std::optional<Version> cache_version();
  StateCache& cache() noexcept { return cache_; }

 private:
  /// The latest state is asked for so often before a snapshot is taken: two take about as long, and
  /// every read without one is lost when a commit begins. Not at all while others lose theirs.
  static constexpr unsigned kReadsWithoutSnapshot = 4;

  /// Whether the engine may be asked without a snapshot for what is at at_.
  bool reads_at() const noexcept { return at_ && below_ == nullptr && !moved_ && loads_ % 2 == 0; }
  /// Whether what it answered is of that state.
  bool has_read_at() const noexcept;

  /// The engine's snapshot. `conflict` where a lazy reader would see another state.
  Result<Reader*> below();
  /// What `read` answers of the engine's reader. `conflict` where it may be of another state.
  template <class Read>
  auto read_below(Read&& read) -> decltype(read(std::declval<Reader&>()));
  /// Over an engine's reader: says so where that shows what the cache has not followed.
  void note_shown();
  /// Whether a list of records tells at `at` what lies at a key of its; `row` is that, or empty.
  Result<bool> find_listed(Family family, std::string_view key, RowCheck check, Version at,
                           Bytes& row);
  Result<Bytes> load(Family family, std::string_view key, std::uint64_t hash, RowCheck check,
                     bool is_row);

  Store* engine_ = nullptr;  ///< Of a lazy one.
  std::unique_ptr<Reader> own_{};
  Reader* below_ = nullptr;
  StateCache& cache_;
  std::uint64_t loads_ = 1;  ///< Of a lazy one: as they were when it began.
  StateCache::Clock begun_;  ///< Of a lazy one.
  std::optional<Version> at_{};
  bool moved_ = false;
  unsigned reads_without_snapshot_ = 0;
  std::uint64_t hint_hits_ = 0;
};

}  // namespace callisto::kv
