#pragma once

// The engine seam: an ordered, transactional key-value store. What is above it knows no RocksDB;
// what is below it knows no records. Semantics: engine/README.md, DESIGN.md section 3.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callisto/bytes.h"
#include "callisto/options.h"
#include "callisto/result.h"
#include "callisto/stats.h"

namespace callisto::kv {

class Limits;
class StateCache;
struct ListEntry;
class Staging;
struct LoadRequest;

/// Key spaces with settings of their own (on RocksDB column families). Numbers are stored.
enum class Family : std::uint8_t {
  users = 0,
  platform_identifiers = 1,
  user_data = 2,
  conversations = 3,
  messages = 4,
  memories = 5,
  indexes = 6,
  system = 7,
};
inline constexpr std::size_t kFamilyCount = 8;
std::string_view to_string(Family family) noexcept;

/// An opaque, rising number of a commit or of a snapshot.
using Version = std::uint64_t;

/// Fixed for every engine, so that a store can move between them. A value or a key above them is
/// `too_large`.
inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxValueBytes = 5u << 20;
inline constexpr std::size_t kMaxTransactionBytes = 8u << 20;
inline constexpr std::size_t kMaxTransactionKeys = 10'000;
/// What one step of large work writes at most.
inline constexpr std::size_t kStepBytes = 1u << 20;

/// Bytes that an engine hands out: pinned where it can, valid until the object is reset, reused or
/// destroyed. Reusing one object saves the allocation of its pin.
class Value {
 public:
  struct Pin {
    virtual ~Pin() = default;
  };
  std::string_view view() const noexcept { return bytes_; }

  // For engines.
  Pin* pin() noexcept { return pin_.get(); }
  void set_pin(std::unique_ptr<Pin> pin) noexcept { pin_ = std::move(pin); }
  void set_view(std::string_view bytes) noexcept { bytes_ = bytes; }
  /// Holds counted bytes.
  void hold(Bytes bytes) noexcept {
    held_ = std::move(bytes);
    bytes_ = held_.view();
  }
  /// Owns a copy.
  void assign(std::string_view bytes) {
    own_.assign(bytes);
    bytes_ = own_;
  }
  Value() = default;
  Value(Value&&) = delete;
  Value& operator=(Value&&) = delete;

 private:
  std::string_view bytes_;
  std::unique_ptr<Pin> pin_;
  std::string own_;
  Bytes held_;
};

/// `corruption`: "damaged record in FAMILY at KEY (hex)".
Error damaged_row(Family family, std::string_view key);

/// Whether bytes are a row of its kind; they are aligned to 8.
using RowCheck = bool (*)(const Bytes& bytes);

/// A hold on an entry that a cache remembers, with the rows that it leads to: for
/// Reader::get_rows(). Empty where nothing is remembered.
class HintRef {
 public:
  /// Rows that an entry may lead to: a record, and its tail.
  static constexpr std::size_t kPlaces = 2;

  HintRef() noexcept = default;
  explicit HintRef(ListEntry* entry) noexcept;
  HintRef(const HintRef& other) noexcept : HintRef(other.entry_) {}
  HintRef(HintRef&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  HintRef& operator=(HintRef other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~HintRef();
  ListEntry* get() const noexcept { return entry_; }

 private:
  ListEntry* entry_ = nullptr;
};

/// [lower, upper) of one family; both bounds are mandatory and not empty.
struct Bounds {
  std::string_view lower{};
  std::string_view upper{};
  bool reverse = false;
  /// False for a long scan that should not push out what is hot.
  bool fill_cache = true;
  /// So many bytes of `lower` are the prefix of a list of index entries or records, as it is
  /// spelled for every key that belongs there, and all keys of the range have it: a cache may
  /// answer. 0: no list.
  std::size_t prefix_bytes = 0;
  /// Whether most entries lead to rows that will be asked for: a cache may have the processor fetch
  /// them early.
  bool leads_to_rows = true;
  /// Entries whose signature lacks one of these bits are of no use to the caller: what
  /// next_signed() may pass over.
  std::uint64_t signature = 0;
};

/// What a value has, as bits: a set bit may be there by chance, a missing one says that it has not.
using SignatureOf = std::uint64_t (*)(std::string_view value);

/// Keys that a scan could not read: in [from, to), not more than there may be.
struct DamagedRange {
  std::string from{};
  std::string to{};
};

/// A bounded scan: starts on the first key in scan order. key() and value() are valid until next().
/// An error ends it: valid() turns false and status() says why, so status() must be looked at.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual bool valid() const = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  virtual void next() = 0;
  /// As next(), but up to `most` entries may be passed over whose signature lacks a bit of
  /// Bounds::signature; how many were.
  virtual std::size_t next_signed(std::size_t /*most*/) {
    next();
    return 0;
  }
  /// Moves forward in scan order to the first key at or after `key` (in reverse: at or before).
  virtual void seek(std::string_view key) = 0;
  virtual Result<void> status() const = 0;
  /// After an error over damaged bytes: goes on behind them, at the same state; status() is clean
  /// then. `read`: the last key that the caller has had of this scan, or empty. nullopt where that
  /// cannot be done (of a store itself: once something was committed since the scan began): it
  /// stays at its error, or at snapshot_lost. Costs some hundred seeks, some milliseconds.
  virtual std::optional<DamagedRange> skip_damage(std::string_view) { return std::nullopt; }
  /// The value as counted bytes, shared with a cache where there is one; empty when `check` refuses
  /// them. It is asked once where a cache remembers the answer.
  virtual Result<Bytes> row(RowCheck check) const;
  /// key() without its first `prefix_bytes`.
  virtual std::string_view position(std::size_t prefix_bytes) const {
    return key().substr(prefix_bytes);
  }
  /// What a cache remembers of the entry, until next(), or null. A HintRef holds it for longer.
  virtual ListEntry* remembered() const { return nullptr; }
};

/// One consistent state that can be read. Cursors must be gone before their reader is.
class Reader {
 public:
  virtual ~Reader() = default;
  /// True when the key is there; `value` is untouched otherwise.
  virtual Result<bool> get(Family family, std::string_view key, Value& value) = 0;
  /// Calls `each(i, value)` for every key that is there, in any order of i. Values are valid inside
  /// the call only. Cheaper than get in a loop; keys that are near each other best come one after
  /// the other.
  virtual Result<void> multi_get(
      Family family, std::span<const std::string> keys,
      const std::function<void(std::size_t, std::string_view)>& each) = 0;
  virtual std::unique_ptr<Cursor> scan(Family family, const Bounds& bounds) = 0;
  /// The version that it reads at.
  virtual Version version() const = 0;

  /// As get, as counted bytes that a cache may share; empty when the key is absent. `corruption`,
  /// naming family and key, when `check` refuses them; null checks nothing.
  virtual Result<Bytes> get_row(Family family, std::string_view key, RowCheck check);
  /// The same for many keys, in any order: rows[i] is that of keys[i]. hints[i], where there are
  /// any, learns which row lies at its `place`.
  virtual Result<void> get_rows(Family family, std::span<const std::string> keys, RowCheck check,
                                std::span<Bytes> rows, std::span<const HintRef> hints,
                                std::size_t place);
  /// The row that a remembered entry leads to, if it is known and was checked: without its key.
  virtual bool peek(const ListEntry* /*entry*/, std::size_t /*place*/, Bytes& /*row*/) {
    return false;
  }
};

/// A state that stays. Thread-safe. On a follower it answers `snapshot_lost` after a refresh.
class Snapshot : public Reader {};

/// Counters that commits keep without conflicts: a commit adds deltas, the engine writes the sums
/// in the same batch. Exact in every state that can be read. A counter is a number in a group; a
/// group is one row, at a key of the caller's in Family::system, encoded by encode_counters().
struct CounterDelta {
  std::string group_key;
  std::uint16_t counter = 0;
  std::int64_t delta = 0;
};
/// (counter, value) pairs, rising counters, zeros left out: varint counter, zigzag varint value.
std::string encode_counters(std::span<const std::pair<std::uint16_t, std::int64_t>> counters);
/// nullopt when the bytes do not parse.
std::optional<std::vector<std::pair<std::uint16_t, std::int64_t>>> decode_counters(
    std::string_view bytes);

/// A snapshot plus own writes. Commits only if no key that it read for update, guarded, touched or
/// wrote was committed by another since its snapshot: serializable for those keys, present or
/// absent; no promise about phantoms, so uniqueness and limits use guard keys. Single-threaded.
class Transaction : public Reader {
 public:
  virtual Result<bool> get_for_update(Family family, std::string_view key, Value& value) = 0;
  /// As if read for update, without reading.
  virtual void guard(Family family, std::string_view key) = 0;
  /// As if written, without writing: conflicts with who guards it, moves its committed_version.
  virtual void touch(Family family, std::string_view key) = 0;
  /// too_large when the transaction would grow above its limits; then nothing is added.
  virtual Result<void> put(Family family, std::string_view key, std::string_view value) = 0;
  virtual Result<void> erase(Family family, std::string_view key) = 0;
  virtual Result<void> add(const CounterDelta& delta) = 0;

  /// Marks a point; rollback_to undoes what was written since (guards and touches stay).
  virtual std::size_t savepoint() const = 0;
  virtual void rollback_to(std::size_t savepoint) = 0;
  virtual std::size_t size_bytes() const = 0;
  virtual std::size_t key_count() const = 0;
  virtual bool has_writes() const = 0;
};

struct RunOptions {
  Durability durability = Durability::buffered;
  std::uint32_t max_attempts = 16;
  /// 0: none.
  std::uint32_t deadline_ms = 0;
  /// Limits that count already, instead of deadline_ms: the run is a part of a longer call.
  const Limits* limits = nullptr;
  /// A key that is written by nearly every run of this kind (the tail of a hot conversation). Runs
  /// that name the same key queue before their snapshot is taken, instead of conflicting after.
  Family queue_family = Family::system;
  std::string_view queue_key{};
  /// A step of the store's own work, which can be made later as well: its attempts wait, for a
  /// tenth of a second at the most, while another run of this store goes on that has met conflicts.
  /// Its limits end these waits and those between attempts; an attempt that was begun is bounded
  /// and goes to its end, so that who calls with little time each time gets on.
  bool gives_way = false;
};

/// How a step of the store's own work runs: it gives way to callers, and must come to its end
/// beside writers that never pause, so that it tries far longer than a caller's transaction would.
/// `limits`: of who waits for the step, or null.
inline RunOptions step_options(const Limits* limits = nullptr) {
  return {.max_attempts = 1000, .limits = limits, .gives_way = true};
}

/// Blind writes, applied at once or not at all, without a check for conflicts.
class Batch {
 public:
  void put(Family family, std::string_view key, std::string_view value) {
    operations_.push_back({family, std::string(key), std::string(value)});
  }
  void erase(Family family, std::string_view key) {
    operations_.push_back({family, std::string(key), std::nullopt});
  }
  struct Operation {
    Family family;
    std::string key;
    std::optional<std::string> value;  ///< nullopt: erase.
  };
  const std::vector<Operation>& operations() const noexcept { return operations_; }

 private:
  std::vector<Operation> operations_;
};

struct EngineHealth {
  bool writable = true;
  std::optional<Error> failure{};
  /// What commits were found missing, and accepted, when the store was opened: data_loss.
  std::optional<Error> lost{};
  /// Why a loss of what is committed now might not be seen by the next opening.
  std::optional<Error> unguarded{};
};

struct EngineStats {
  std::uint64_t disk_bytes = 0;
  std::uint64_t block_cache_bytes = 0;
  std::uint64_t memtable_bytes = 0;
  std::uint64_t commits = 0;
  std::uint64_t conflicts = 0;
  DiskStats disk{};
  CacheStats block_cache{};
  CacheStats direct_blocks{};
  /// Of the cache above the engine.
  CacheStats row_cache{};
  CacheStats list_cache{};
};

/// A store. Thread-safe. Reader calls on it read the latest state; each call sees one state.
class Store : public Reader {
 public:
  virtual std::unique_ptr<Snapshot> snapshot() = 0;
  virtual Result<Version> apply(const Batch& batch, Durability durability) = 0;
  /// Runs `function` in a transaction and commits, again on conflict with jittered exponential
  /// backoff, up to max_attempts. An error of the function ends it, with nothing written.
  /// Limits are looked at before each attempt, in the queues, in the reads of the function, before
  /// the commit and while it waits for others; a commit that was begun ends. With limits passed
  /// nothing was written. conflict, deadline_exceeded, cancelled, too_large, unknown_outcome,
  /// unavailable, read_only, closed.
  virtual Result<Version> run(const RunOptions& options,
                              const std::function<Result<void>(Transaction&)>& function) = 0;
  /// Removes every key of [lower, upper): idempotent, not atomic with anything else. Nobody may
  /// write there meanwhile.
  virtual Result<void> erase_range(Family family, std::string_view lower,
                                   std::string_view upper) = 0;

  // Reads of the state at a version that has been this store's latest, without a snapshot, where
  // the engine has it still. What a bulk load or erase_range() did since may show.

  /// As get_row without a check. False where a snapshot is needed.
  virtual bool get_row_at(Family /*family*/, std::string_view /*key*/, Version /*version*/,
                          Bytes& /*row*/) {
    return false;
  }
  /// As multi_get. False where a snapshot is needed, perhaps after some calls of `each`.
  virtual bool multi_get_at(Family /*family*/, std::span<const std::string> /*keys*/,
                            Version /*version*/,
                            const std::function<void(std::size_t, std::string_view)>& /*each*/) {
    return false;
  }
  /// As scan. Null where a snapshot is needed.
  virtual std::unique_ptr<Cursor> scan_at(Family family, const Bounds& bounds, Version version);

  /// Where a bulk load may keep files (engine/load.h). `unsupported` of a follower.
  virtual Result<std::unique_ptr<Staging>> stage();
  /// Brings all rows of all parts in at once and durably, or none: a commit that every other one
  /// conflicts with. Only where no part's range holds a row: `invalid_argument` (range) else. What
  /// a source or `finish` answers is passed on. unknown_outcome, unavailable, no_space, io_error.
  virtual Result<Version> bulk_load(const LoadRequest& request);

  /// True when no other process can commit: what was committed may then be remembered above.
  virtual bool sole_writer() const = 0;
  /// The version of the last commit that wrote or touched the key (or one that shares its slot), or
  /// nullopt while such a commit is under way. Read a snapshot first, then ask: an answer at or
  /// below the snapshot's version says that what was remembered at that answer is what the snapshot
  /// holds.
  virtual std::optional<Version> committed_version(Family family, std::string_view key) const = 0;

  /// Commits keep `cache` right from now on, and transactions read through it. Before the first
  /// call of another thread; the cache must outlive the store. False where the store has no use for
  /// it: it is not the sole writer.
  virtual bool attach(StateCache& /*cache*/) { return false; }

  virtual EngineHealth health() const = 0;
  virtual EngineStats stats() const = 0;
  virtual std::uint64_t approximate_bytes(Family family, std::string_view lower,
                                          std::string_view upper) = 0;
  /// Makes every commit so far durable.
  virtual Result<void> sync() = 0;
  /// Flushes and compacts everything. A request to stop ends the running part of a compaction; a
  /// deadline is looked at, as a request is by the flush, between two families. What was done
  /// stays.
  virtual Result<void> compact(const Limits* limits) = 0;
  Result<void> compact() { return compact(nullptr); }
  /// Reads every file and compares its checksums; `corruption` names the first bad file. Limits are
  /// looked at at every MiB of a file and between two files.
  virtual Result<void> verify_checksums(const Limits* limits) = 0;
  Result<void> verify_checksums() { return verify_checksums(nullptr); }
  /// Followers only: moves the view. `unsupported` else.
  virtual Result<void> refresh() = 0;
  /// Idempotent. Readers, snapshots and cursors must be gone.
  virtual Result<void> close() = 0;
};

}  // namespace callisto::kv
