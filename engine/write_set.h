#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "callisto/result.h"
#include "engine/kv.h"

namespace callisto::kv {

/// The hash that conflict checks know a key by: XXH3-64 of its bytes, seeded with its family.
/// Two keys with one hash conflict with each other needlessly, and that is all. The highest bit
/// says whether the family is Family::system.
std::uint64_t hash_key(Family family, std::string_view key) noexcept;
inline constexpr std::uint64_t kSystemHash = std::uint64_t{1} << 63;

/// Bytes that stay where they are until they are cut off or the arena goes.
class ByteArena {
 public:
  /// Where the arena ended at some time.
  struct Mark {
    std::uint32_t block = 0;
    std::uint32_t used = 0;
  };
  Mark mark() const noexcept;
  std::string_view copy(std::string_view bytes);
  /// Gives back what was copied since; keeps one block for what comes next.
  void cut(Mark mark) noexcept;

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    std::size_t used = 0;
  };
  std::vector<Block> blocks_;
};

/// The pending writes of one transaction: a log in the order of the calls, which savepoints cut,
/// and beside it the log's last word on every key in key order, which reads and the commit use.
/// Checks the limits of kv.h. Not thread-safe. Views that it hands out hold until rollback_to(),
/// clear() or its end, whatever else is written meanwhile.
class WriteSet {
 public:
  enum class Kind : std::uint8_t { put, erase, add };
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  struct Operation {
    Kind kind = Kind::put;
    Family family = Family::users;
    std::uint16_t counter = 0;       ///< add only.
    std::uint32_t replaces = kNone;  ///< Place in the log of the previous operation on the key;
                                     ///< of an add, of the previous add.
    std::uint64_t head = 0;          ///< How (family, key) begins; 0 for an add.
    std::uint64_t hash = 0;          ///< hash_key(family, key).
    std::string_view key;            ///< add: the group's key, in Family::system.
    std::string_view value;          ///< put only.
    std::int64_t delta = 0;          ///< add only.
    ByteArena::Mark before;          ///< Where the arena ended.
  };

  WriteSet() = default;
  WriteSet(WriteSet&&) = default;
  WriteSet& operator=(WriteSet&&) = default;

  /// invalid_argument for an empty key; too_large (field `key`, `value` or `transaction`) above a
  /// limit. After an error the set is as it was.
  Result<void> put(Family family, std::string_view key, std::string_view value);
  Result<void> erase(Family family, std::string_view key);
  /// A counter that was added to behind the last savepoint keeps one operation for all.
  Result<void> add(const CounterDelta& delta);
  /// All operations of a batch, or the first error, with those before it done.
  Result<void> append(const Batch& batch);
  /// Counts neither as a key nor in bytes; stays when a savepoint is rolled back.
  void touch(Family family, std::string_view key) { touches_.push_back(hash_key(family, key)); }

  std::size_t savepoint() const noexcept { return savepoint_ = log_.size(); }
  /// Undoes what was written since. A savepoint that is not below the present end does nothing.
  void rollback_to(std::size_t savepoint);
  /// Empties the set; keeps some of its memory for reuse.
  void clear();

  /// Bytes of keys and values in the log, overwritten ones included, since a savepoint may need
  /// them; an add counts kAddBytes for all.
  std::size_t size_bytes() const noexcept { return size_bytes_; }
  static constexpr std::size_t kAddBytes = 32;
  /// Keys that are put or erased.
  std::size_t key_count() const noexcept { return order_.size(); }
  /// True when a commit would change nothing: no operation and no touch.
  bool empty() const noexcept { return log_.empty() && touches_.empty(); }

  /// The i-th key in the order of (family, key), with the last put or erase on it: what a commit
  /// writes, for i in [0, key_count()).
  const Operation& at(std::size_t i) const noexcept { return log_[order_[i]]; }
  /// The place of the first key at or after (family, key).
  std::size_t lower_bound(Family family, std::string_view key) const noexcept;
  /// The last put or erase on a key, or null when the set does not have it.
  const Operation* find(Family family, std::string_view key) const noexcept;

  /// Hashes of the touched keys; may repeat.
  const std::vector<std::uint64_t>& touches() const noexcept { return touches_; }
  /// The last add, or null; previous_add() leads on to the others.
  const Operation* last_add() const noexcept { return add_at(last_add_); }
  const Operation* previous_add(const Operation& add) const noexcept {
    return add_at(add.replaces);
  }

 private:
  bool fits(std::string_view key, std::size_t bytes) const noexcept;
  static Error why_not(std::string_view key);
  Result<void> write(Kind kind, Family family, std::string_view key, std::string_view value);
  std::size_t lower_bound(std::uint64_t head, std::string_view key) const noexcept;
  /// Room in the log, in larger steps than a vector takes.
  void reserve_one();
  Operation* raisable(const CounterDelta& delta) noexcept;
  void undo_last();
  const Operation* add_at(std::uint32_t place) const noexcept {
    return place == kNone ? nullptr : &log_[place];
  }

  ByteArena arena_;
  std::vector<Operation> log_;
  std::vector<std::uint32_t> order_;  ///< Places in the log, one for every key, in key order.
  std::vector<std::uint64_t> touches_;
  std::size_t size_bytes_ = 0;
  std::uint32_t last_add_ = kNone;
  /// The last one that was handed out: what lies before it may have to come back as it is.
  mutable std::size_t savepoint_ = 0;
};

}  // namespace callisto::kv
