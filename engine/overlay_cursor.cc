#include "engine/overlay_cursor.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/write_set.h"

namespace callisto::kv {
namespace {

/// A pending write, as views into the write set.
struct Pending {
  std::string_view key;
  std::string_view value;
  bool erased;
};

class OverlayCursor final : public Cursor {
 public:
  /// `pending` is in scan order.
  OverlayCursor(std::unique_ptr<Cursor> base, std::vector<Pending> pending, bool reverse)
      : base_(std::move(base)), pending_(std::move(pending)), reverse_(reverse) {
    settle();
  }

  bool valid() const override { return at_ != At::end; }
  std::string_view key() const override {
    return at_ == At::base ? base_->key() : pending_[next_].key;
  }
  std::string_view value() const override {
    return at_ == At::base ? base_->value() : pending_[next_].value;
  }
  void next() override {
    if (at_ == At::base) {
      base_->next();
    } else {
      ++next_;
    }
    settle();
  }
  void seek(std::string_view key) override {
    if (base_->valid()) base_->seek(key);
    const auto reached =
        std::partition_point(pending_.begin() + static_cast<std::ptrdiff_t>(next_), pending_.end(),
                             [&](const Pending& pending) { return before(pending.key, key); });
    next_ = static_cast<std::size_t>(reached - pending_.begin());
    settle();
  }
  Result<void> status() const override { return base_->status(); }

 private:
  enum class At { base, pending, end };

  /// True when a scan meets `left` before `right`.
  bool before(std::string_view left, std::string_view right) const {
    return reverse_ ? right < left : left < right;
  }

  /// Finds out which of the two sides is next, and passes what is erased or overwritten.
  void settle() {
    at_ = At::end;
    for (; next_ < pending_.size(); ++next_) {
      // What the base would have had to say after a failure is not known: the scan ends.
      if (!base_->valid() && !base_->status()) return;
      const Pending& pending = pending_[next_];
      if (base_->valid() && before(base_->key(), pending.key)) break;
      if (base_->valid() && base_->key() == pending.key) base_->next();
      if (pending.erased) continue;
      at_ = At::pending;
      return;
    }
    if (base_->valid()) at_ = At::base;
  }

  std::unique_ptr<Cursor> base_;
  std::vector<Pending> pending_;
  std::size_t next_ = 0;
  At at_ = At::end;
  bool reverse_;
};

}  // namespace

std::unique_ptr<Cursor> overlay(std::unique_ptr<Cursor> base, const WriteSet& writes, Family family,
                                const Bounds& bounds) {
  const std::size_t begin = writes.lower_bound(family, bounds.lower);
  const std::size_t end = writes.lower_bound(family, bounds.upper);
  if (begin >= end) return base;
  std::vector<Pending> pending;
  pending.reserve(end - begin);
  for (std::size_t i = begin; i < end; ++i) {
    const WriteSet::Operation& operation = writes.at(i);
    pending.push_back({operation.key, operation.value, operation.kind == WriteSet::Kind::erase});
  }
  if (bounds.reverse) std::reverse(pending.begin(), pending.end());
  return std::make_unique<OverlayCursor>(std::move(base), std::move(pending), bounds.reverse);
}

}  // namespace callisto::kv
