#include "engine/rocksdb/memtable_rows.h"

#include <algorithm>

#include "engine/rocksdb/skip_list.h"

namespace callisto::kv {
namespace {

/// Entries that are looked at in one memtable, and bytes that are copied of all: what a lock is
/// held for meanwhile.
constexpr int kMostSteps = 100;
constexpr std::size_t kMostBytes = 32u << 10;
/// Kept for the next call.
constexpr std::size_t kKeptBytes = 64u << 10;

/// Before all entries of a key that the sequence number shows.
OrderedKey newest_up_to(std::string_view key, std::uint64_t max_sequence) noexcept {
  return {key, max_sequence << 8 | 0xff};
}

}  // namespace

void MemtableRows::clear() noexcept {
  bytes_.clear();
  rows_.clear();
}

void MemtableRows::trim() noexcept {
  clear();
  if (bytes_.capacity() > kKeptBytes) bytes_.shrink_to_fit();
}

bool MemtableRows::add(Node& node, std::size_t asked) {
  const OrderedKey key = node.key();
  const std::string_view value = node.value();
  if (!make_entry(key.bytes, key.tag, value)) return false;
  if (bytes_.size() + key.bytes.size() + value.size() > kMostBytes) return false;
  rows_.push_back({.key_at = bytes_.size(),
                   .key_bytes = static_cast<std::uint32_t>(key.bytes.size()),
                   .value_bytes = static_cast<std::uint32_t>(value.size()),
                   .tag = key.tag,
                   .asked = asked});
  bytes_.append(key.bytes).append(value);
  return true;
}

bool MemtableRows::take_key(Memtables memtables, std::string_view key, std::uint64_t max_sequence,
                            std::size_t asked) {
  Node* newest = nullptr;
  for (const SkipList* const memtable : memtables) {
    Node* const node = memtable->at_or_after(newest_up_to(key, max_sequence));
    if (node == nullptr || node->key().bytes != key) continue;
    if (newest == nullptr || node->key().tag > newest->key().tag) newest = node;
  }
  return newest == nullptr || add(*newest, asked);
}

bool MemtableRows::take_range(Memtables memtables, std::string_view lower, std::string_view upper,
                              std::uint64_t max_sequence) {
  for (const SkipList* const memtable : memtables) {
    int steps = 0;
    std::string_view last;
    for (Node* node = memtable->at_or_after(newest_up_to(lower, max_sequence));
         node != nullptr && node->key().bytes < upper; node = node->next(0)) {
      if (++steps > kMostSteps) return false;
      const OrderedKey key = node->key();
      if (key.sequence() > max_sequence || (steps > 1 && key.bytes == last)) continue;
      last = key.bytes;
      if (!add(*node, 0)) return false;
    }
  }
  const auto is_before = [&](const Row& a, const Row& b) {
    const int order = key_of(a).compare(key_of(b));
    return order != 0 ? order < 0 : a.tag > b.tag;
  };
  if (memtables.size() > 1) std::sort(rows_.begin(), rows_.end(), is_before);
  return true;
}

TableEntry MemtableRows::entry(std::size_t i) const noexcept {
  const Row& row = rows_[i];
  const auto value = std::string_view(bytes_).substr(row.key_at + row.key_bytes, row.value_bytes);
  return *make_entry(key_of(row), row.tag, value);
}

}  // namespace callisto::kv
