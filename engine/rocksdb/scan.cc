#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/snapshot.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/ended_cursor.h"
#include "engine/rocksdb/database.h"
#include "engine/rocksdb/reader.h"
#include "engine/rocksdb/status.h"
#include "engine/rocksdb/table_scan.h"

namespace callisto::kv {
namespace {

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                  a.begin());
}

/// Half way between two keys, as fractions of `size` digits.
std::string between(std::string low, std::string high, std::size_t size) {
  low.resize(size, '\0');
  high.resize(size, '\0');
  std::string middle(size + 1, '\0');
  unsigned carry = 0;
  for (std::size_t i = size; i-- > 0;) {
    carry += static_cast<unsigned char>(low[i]) + static_cast<unsigned char>(high[i]);
    middle[i + 1] = static_cast<char>(carry);
    carry >>= 8;
  }
  middle[0] = static_cast<char>(carry);
  unsigned rest = 0;
  for (char& digit : middle) {
    const unsigned value = rest << 8 | static_cast<unsigned char>(digit);
    digit = static_cast<char>(value >> 1);
    rest = value & 1;
  }
  return middle.substr(1);
}

/// A scan over an iterator of RocksDB's, which holds its state by itself.
class Scan final : public Cursor {
 public:
  Scan(std::shared_ptr<const Database> database, const rocksdb::Snapshot* snapshot, Family family,
       const Bounds& bounds)
      : database_(std::move(database)),
        lower_(bounds.lower),
        upper_(bounds.upper),
        family_(family),
        reverse_(bounds.reverse),
        fill_cache_(bounds.fill_cache),
        snapshot_(snapshot) {
    const bool is_latest = snapshot_ == nullptr;
    const StateMark before = is_latest ? database_->state_mark() : StateMark();
    begin();
    if (is_latest && before == database_->state_mark()) mark_ = before;
    if (reverse_) {
      iterator_->SeekToLast();
    } else {
      iterator_->Seek(lower_bound_);
    }
  }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  bool valid() const override { return !ended_ && !moved_ && iterator_->Valid(); }
  std::string_view key() const override { return iterator_->key().ToStringView(); }
  std::string_view value() const override { return iterator_->value().ToStringView(); }

  void next() override {
    if (!valid()) return;
    if (reverse_) {
      iterator_->Prev();
    } else {
      iterator_->Next();
    }
  }

  void seek(std::string_view target) override {
    if (!valid()) return;
    if (reverse_) {
      if (target >= this->key()) return;
      ended_ = target < lower_;
      if (!ended_) iterator_->SeekForPrev(rocksdb::Slice(target));
    } else {
      if (target <= this->key()) return;
      ended_ = target >= upper_;
      if (!ended_) iterator_->Seek(rocksdb::Slice(target));
    }
  }

  std::optional<DamagedRange> skip_damage(std::string_view read) override {
    if (ended_ || !is_damage(iterator_->status()) || !can_begin_again()) return std::nullopt;
    const std::string after = read.empty() ? lower_ : std::string(read) + '\0';
    const std::string before = read.empty() ? upper_ : std::string(read);
    const std::string target =
        reverse_ ? find_readable(before, lower_) : find_readable(after, upper_);
    ended_ = (!reverse_ && target >= upper_) || !seek_anew(target) || !iterator_->Valid();
    if (snapshot_ == nullptr && database_->state_mark() != *mark_) {
      moved_ = true;
      return std::nullopt;
    }
    const std::string at = ended_ ? std::string() : iterator_->key().ToString();
    if (reverse_) return DamagedRange{.from = ended_ ? lower_ : at + '\0', .to = before};
    return DamagedRange{.from = after, .to = ended_ ? upper_ : at};
  }

  Result<void> status() const override {
    if (moved_) return Error(Code::snapshot_lost, "the store was refreshed while it was scanned");
    if (ended_) return {};
    const rocksdb::Status status = iterator_->status();
    if (status.ok()) return {};
    return to_error(status, "scan of " + std::string(to_string(family_)) + " within " +
                                key_in_words(lower_) + " to " + key_in_words(upper_));
  }

 private:
  void begin() {
    rocksdb::ReadOptions options =
        scan_options(family_, lower_bound_, upper_bound_, reverse_, fill_cache_);
    options.snapshot = snapshot_;
    iterator_.reset(database_->db().NewIterator(options, database_->handle(family_)));
  }
  /// Whether new iterators see what the first one does. It holds its state itself, and nobody can
  /// ask for that state again: unless it is still the latest one, which a snapshot then keeps. A
  /// follower has none; its state moves in a refresh only.
  bool can_begin_again() {
    if (snapshot_ != nullptr) return true;
    if (moved_ || !mark_) return false;
    if (database_->is_follower()) return database_->state_mark() == *mark_;
    own_.emplace(&database_->db(), database_->take_snapshot());
    const StateMark now{own_->snapshot()->GetSequenceNumber(), database_->state_mark().loads};
    if (now != *mark_) {
      own_.reset();
      return false;
    }
    snapshot_ = own_->snapshot();
    return true;
  }
  /// With a new iterator: after an error a used one answers that error for other blocks too.
  bool seek_anew(const std::string& target) {
    begin();
    if (reverse_) {
      iterator_->SeekForPrev(rocksdb::Slice(target));
    } else {
      iterator_->Seek(rocksdb::Slice(target));
    }
    return iterator_->status().ok();
  }
  static bool is_damage(const rocksdb::Status& status) {
    return status.IsCorruption() || status.IsIOError();
  }
  /// A seek to a damaged part fails, one behind it (in the order of the scan) does not: halves what
  /// is between, until nothing is. Answers a target that can be read, or `end`.
  std::string find_readable(const std::string& from, const std::string& end) {
    std::string bad = from;
    std::string good = end;
    constexpr std::size_t kDigits = 8;
    for (std::size_t size = kDigits; size <= kMaxKeyBytes; size += kDigits) {
      // Digits that both have are no choice.
      const std::size_t same = common_prefix(bad, good);
      if (same > size) continue;
      for (;;) {
        std::string middle = between(bad, good, size);
        if (middle <= std::min(bad, good) || middle >= std::max(bad, good)) break;
        (seek_anew(middle) ? good : bad) = std::move(middle);
      }
      if (size > std::max(from.size(), end.size()) + kDigits) break;
    }
    return good;
  }

  std::shared_ptr<const Database> database_;
  const std::string lower_;
  const std::string upper_;
  const rocksdb::Slice lower_bound_ = lower_;
  const rocksdb::Slice upper_bound_ = upper_;
  const Family family_;
  const bool reverse_;
  const bool fill_cache_;
  const rocksdb::Snapshot* snapshot_;
  std::optional<StateMark> mark_{};  ///< Of the first iterator; nullopt: not known.
  std::optional<rocksdb::ManagedSnapshot> own_{};
  bool ended_ = false;
  bool moved_ = false;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

std::unique_ptr<Cursor> open_scan(std::shared_ptr<const Database> database,
                                  const rocksdb::Snapshot* snapshot, Family family,
                                  const Bounds& bounds) {
  if (database->is_closed()) return ended_cursor(Database::closed_error());
  if (bounds.lower.empty() || bounds.upper.empty()) {
    return ended_cursor(Error(Code::invalid_argument, "bounds", "both bounds, not empty"));
  }
  if (bounds.lower >= bounds.upper) return ended_cursor({});
  if (auto scan = open_table_scan(database, snapshot, family, bounds)) return scan;
  return open_scan_below(std::move(database), snapshot, family, bounds);
}

std::unique_ptr<Cursor> open_scan_below(std::shared_ptr<const Database> database,
                                        const rocksdb::Snapshot* snapshot, Family family,
                                        const Bounds& bounds) {
  return std::make_unique<Scan>(std::move(database), snapshot, family, bounds);
}

}  // namespace callisto::kv
