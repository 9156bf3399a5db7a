#include "engine/write_set.h"

#include <xxhash.h>

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <cstring>
#include <string>

namespace callisto::kv {
namespace {

constexpr std::size_t kFirstBlockBytes = 4096;
constexpr std::size_t kLargestBlockBytes = std::size_t{256} << 10;
constexpr std::size_t kKeptBlockBytes = std::size_t{64} << 10;
/// An append of a message makes about this many.
constexpr std::size_t kUsualOperations = 16;
constexpr std::size_t kGrowth = 4;
constexpr std::size_t kKeptOperations = 1024;

Error too_large(const char* field, std::size_t limit, const char* unit) {
  return {Code::too_large, field, "at most " + std::to_string(limit) + unit};
}

/// The family and the first seven bytes of a key, as a number that orders as they do: tells most
/// keys apart without a look at them.
std::uint64_t head_of(Family family, std::string_view key) noexcept {
  std::uint64_t head = 0;
  if (key.size() >= sizeof(head)) {
    std::memcpy(&head, key.data(), sizeof(head));
    head = boost::endian::big_to_native(head) >> 8;
  } else {
    for (std::size_t i = 0; i < sizeof(head) - 1; ++i) {
      head = head << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
    }
  }
  return std::uint64_t{static_cast<std::uint8_t>(family)} << 56 | head;
}

}  // namespace

std::uint64_t hash_key(Family family, std::string_view key) noexcept {
  const std::uint64_t hash =
      XXH3_64bits_withSeed(key.data(), key.size(), static_cast<XXH64_hash_t>(family));
  return family == Family::system ? hash | kSystemHash : hash & ~kSystemHash;
}

ByteArena::Mark ByteArena::mark() const noexcept {
  if (blocks_.empty()) return {};
  return {static_cast<std::uint32_t>(blocks_.size()),
          static_cast<std::uint32_t>(blocks_.back().used)};
}

std::string_view ByteArena::copy(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (blocks_.empty() || blocks_.back().size - blocks_.back().used < bytes.size()) {
    const std::size_t usual =
        blocks_.empty() ? kFirstBlockBytes : std::min(blocks_.back().size * 2, kLargestBlockBytes);
    const std::size_t size = std::max(usual, bytes.size());
    blocks_.push_back({std::unique_ptr<char[]>(new char[size]), size, 0});
  }
  Block& block = blocks_.back();
  char* to = block.bytes.get() + block.used;
  std::memcpy(to, bytes.data(), bytes.size());
  block.used += bytes.size();
  return {to, bytes.size()};
}

void ByteArena::cut(Mark mark) noexcept {
  if (blocks_.empty()) return;
  if (mark.block == 0) {
    // Empty: the last block, which is mostly the largest, stays if it is not more than most need.
    if (blocks_.back().size <= kKeptBlockBytes) std::swap(blocks_.front(), blocks_.back());
    if (blocks_.front().size > kKeptBlockBytes) return blocks_.clear();
  }
  blocks_.resize(std::max<std::size_t>(mark.block, 1));
  blocks_.back().used = mark.used;
}

std::size_t WriteSet::lower_bound(Family family, std::string_view key) const noexcept {
  return lower_bound(head_of(family, key), key);
}

std::size_t WriteSet::lower_bound(std::uint64_t head, std::string_view key) const noexcept {
  const auto before = [&](std::uint32_t place, std::string_view sought) {
    const Operation& operation = log_[place];
    return operation.head != head ? operation.head < head : operation.key < sought;
  };
  // Keys that arrive in order are the common case.
  if (order_.empty() || before(order_.back(), key)) return order_.size();
  const auto found = std::lower_bound(order_.begin(), order_.end(), key, before);
  return static_cast<std::size_t>(found - order_.begin());
}

const WriteSet::Operation* WriteSet::find(Family family, std::string_view key) const noexcept {
  const std::size_t place = lower_bound(family, key);
  if (place == order_.size()) return nullptr;
  const Operation& operation = at(place);
  return operation.family == family && operation.key == key ? &operation : nullptr;
}

bool WriteSet::fits(std::string_view key, std::size_t bytes) const noexcept {
  return !key.empty() && key.size() <= kMaxKeyBytes && size_bytes_ + bytes <= kMaxTransactionBytes;
}

Error WriteSet::why_not(std::string_view key) {
  if (key.empty()) return {Code::invalid_argument, "key", "not empty"};
  if (key.size() > kMaxKeyBytes) return too_large("key", kMaxKeyBytes, " bytes");
  return too_large("transaction", kMaxTransactionBytes, " bytes");
}

Result<void> WriteSet::put(Family family, std::string_view key, std::string_view value) {
  if (value.size() > kMaxValueBytes) return too_large("value", kMaxValueBytes, " bytes");
  return write(Kind::put, family, key, value);
}

Result<void> WriteSet::erase(Family family, std::string_view key) {
  return write(Kind::erase, family, key, {});
}

Result<void> WriteSet::write(Kind kind, Family family, std::string_view key,
                             std::string_view value) {
  if (!fits(key, key.size() + value.size())) return why_not(key);
  const std::uint64_t head = head_of(family, key);
  const std::size_t place = lower_bound(head, key);
  const bool known = place < order_.size() && at(place).head == head && at(place).key == key;
  if (!known && order_.size() == kMaxTransactionKeys) {
    return too_large("transaction", kMaxTransactionKeys, " keys");
  }

  reserve_one();
  const auto end = static_cast<std::uint32_t>(log_.size());
  Operation operation{.kind = kind,
                      .family = family,
                      .head = head,
                      .key = {},
                      .value = {},
                      .before = arena_.mark()};
  if (known) {
    const Operation& previous = at(place);
    operation.replaces = order_[place];
    operation.key = previous.key;
    operation.hash = previous.hash;
    order_[place] = end;
  } else {
    operation.key = arena_.copy(key);
    operation.hash = hash_key(family, key);
    order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place), end);
  }
  operation.value = arena_.copy(value);
  log_.push_back(operation);
  size_bytes_ += key.size() + value.size();
  return {};
}

void WriteSet::reserve_one() {
  if (log_.size() < log_.capacity()) return;
  const std::size_t room = std::max(kUsualOperations, kGrowth * log_.capacity());
  log_.reserve(room);
  order_.reserve(room);
}

/// The operation that an add can be joined to, or null.
WriteSet::Operation* WriteSet::raisable(const CounterDelta& delta) noexcept {
  for (std::uint32_t at = last_add_; at != kNone && at >= savepoint_; at = log_[at].replaces) {
    Operation& add = log_[at];
    if (add.counter == delta.counter && add.key == delta.group_key) return &add;
  }
  return nullptr;
}

Result<void> WriteSet::add(const CounterDelta& delta) {
  if (!fits(delta.group_key, kAddBytes)) return why_not(delta.group_key);
  if (delta.delta == 0) return {};
  if (Operation* const known = raisable(delta)) {
    // Through unsigned numbers, whose overflow is defined.
    known->delta = static_cast<std::int64_t>(static_cast<std::uint64_t>(known->delta) +
                                             static_cast<std::uint64_t>(delta.delta));
    return {};
  }
  reserve_one();
  Operation operation{.kind = Kind::add,
                      .family = Family::system,
                      .counter = delta.counter,
                      .replaces = last_add_,
                      .key = {},
                      .value = {},
                      .delta = delta.delta,
                      .before = arena_.mark()};
  const Operation* previous = last_add();
  if (previous != nullptr && previous->key == delta.group_key) {
    operation.key = previous->key;
    operation.hash = previous->hash;
  } else {
    operation.key = arena_.copy(delta.group_key);
    operation.hash = hash_key(Family::system, delta.group_key);
  }
  last_add_ = static_cast<std::uint32_t>(log_.size());
  log_.push_back(operation);
  size_bytes_ += kAddBytes;
  return {};
}

Result<void> WriteSet::append(const Batch& batch) {
  for (const Batch::Operation& operation : batch.operations()) {
    auto done = operation.value ? put(operation.family, operation.key, *operation.value)
                                : erase(operation.family, operation.key);
    if (!done) return done;
  }
  return {};
}

void WriteSet::undo_last() {
  const Operation& operation = log_.back();
  if (operation.kind == Kind::add) {
    last_add_ = operation.replaces;
    size_bytes_ -= kAddBytes;
  } else {
    const std::size_t place = lower_bound(operation.family, operation.key);
    if (operation.replaces != kNone) {
      order_[place] = operation.replaces;
    } else {
      order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(place));
    }
    size_bytes_ -= operation.key.size() + operation.value.size();
  }
  arena_.cut(operation.before);
  log_.pop_back();
}

void WriteSet::rollback_to(std::size_t savepoint) {
  while (log_.size() > savepoint) undo_last();
}

void WriteSet::clear() {
  if (log_.capacity() > kKeptOperations) {
    log_ = {};
    order_ = {};
  }
  if (touches_.capacity() > kKeptOperations) touches_ = {};
  log_.clear();
  order_.clear();
  touches_.clear();
  size_bytes_ = 0;
  last_add_ = kNone;
  savepoint_ = 0;
  arena_.cut({});
}

}  // namespace callisto::kv
