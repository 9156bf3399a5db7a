#include "engine/cache/list_entries.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "engine/cache/list_cache.h"

namespace callisto::kv {

namespace {

/// The first bytes as a number that is ordered as they are. Of a shorter position the rest is 0:
/// equal numbers say nothing of the order.
std::uint64_t head_of(std::string_view position) noexcept {
  std::array<char, sizeof(std::uint64_t)> bytes{};
  position.copy(bytes.data(), bytes.size());
  std::uint64_t head = 0;
  std::memcpy(&head, bytes.data(), sizeof head);
  static_assert(std::endian::native == std::endian::little);
  return __builtin_bswap64(head);
}

}  // namespace

std::size_t ListEntries::first_not_above(std::uint64_t head, std::size_t near) const noexcept {
  // In growing steps away from `near`, then halving what is left.
  std::size_t low = 0;
  std::size_t high = heads_.size();
  std::size_t step = 1;
  if (near < high && heads_[near] > head) {
    low = near + 1;
    while (low + step < high && heads_[low + step] > head) {
      low += step + 1;
      step *= 2;
    }
    high = std::min(high, low + step);
  } else if (near < high) {
    high = near;
    while (high >= step && heads_[high - step] <= head) {
      high -= step;
      step *= 2;
    }
    low = high >= step ? high - step + 1 : 0;
  }
  const auto begin = heads_.begin();
  const auto found = std::partition_point(begin + static_cast<std::ptrdiff_t>(low),
                                          begin + static_cast<std::ptrdiff_t>(high),
                                          [&](std::uint64_t other) { return other > head; });
  return static_cast<std::size_t>(found - begin);
}

std::size_t ListEntries::count_from(std::string_view position, std::size_t near) const noexcept {
  const std::uint64_t head = head_of(position);
  const std::size_t place = first_not_above(head, near);
  if (place == heads_.size() || heads_[place] != head) return place;
  const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(place);
  const auto last =
      entries_.begin() +
      (std::partition_point(heads_.begin() + static_cast<std::ptrdiff_t>(place), heads_.end(),
                            [&](std::uint64_t other) { return other == head; }) -
       heads_.begin());
  const auto found = std::partition_point(
      first, last, [&](const Ref<ListEntry>& entry) { return entry->position() >= position; });
  return static_cast<std::size_t>(found - entries_.begin());
}

std::size_t ListEntries::place_of(std::string_view position) const noexcept {
  const std::size_t behind = count_from(position);
  const bool is_there = behind > 0 && entries_[behind - 1]->position() == position;
  return is_there ? behind - 1 : behind;
}

std::size_t ListEntries::place_with(std::uint64_t signature, std::size_t place, bool rising,
                                    std::size_t most) const noexcept {
  const auto lacks = [&](std::size_t at) { return !has(at, signature); };
  if (rising) {
    const std::size_t last = most < size() - place ? place + most : size();
    while (place < last && lacks(place)) ++place;
    return place;
  }
  // Behind the last one below comes the greatest number, which is no place.
  for (; most > 0 && place < size() && lacks(place); --most) --place;
  return place;
}

void ListEntries::reserve(std::size_t count) {
  heads_.reserve(count);
  signatures_.reserve(count);
  entries_.reserve(count);
}

void ListEntries::push_back(Ref<ListEntry> entry, std::uint64_t signature) {
  heads_.push_back(head_of(entry->position()));
  signatures_.push_back(signature);
  entries_.push_back(std::move(entry));
}

void ListEntries::append(const ListEntries& others) {
  heads_.insert(heads_.end(), others.heads_.begin(), others.heads_.end());
  signatures_.insert(signatures_.end(), others.signatures_.begin(), others.signatures_.end());
  entries_.insert(entries_.end(), others.entries_.begin(), others.entries_.end());
}

void ListEntries::insert(std::size_t place, Ref<ListEntry> entry, std::uint64_t signature) {
  const auto at = static_cast<std::ptrdiff_t>(place);
  heads_.insert(heads_.begin() + at, head_of(entry->position()));
  signatures_.insert(signatures_.begin() + at, signature);
  entries_.insert(entries_.begin() + at, std::move(entry));
}

void ListEntries::replace(std::size_t place, Ref<ListEntry> entry, std::uint64_t signature) {
  signatures_[place] = signature;
  entries_[place] = std::move(entry);
}

void ListEntries::erase(std::size_t place) {
  const auto at = static_cast<std::ptrdiff_t>(place);
  heads_.erase(heads_.begin() + at);
  signatures_.erase(signatures_.begin() + at);
  entries_.erase(entries_.begin() + at);
}

ListEntries ListEntries::part(std::size_t first, std::size_t last) const {
  const auto of = [&](const auto& all, auto& some) {
    some.assign(all.begin() + static_cast<std::ptrdiff_t>(first),
                all.begin() + static_cast<std::ptrdiff_t>(last));
  };
  ListEntries part;
  of(heads_, part.heads_);
  of(signatures_, part.signatures_);
  of(entries_, part.entries_);
  return part;
}

}  // namespace callisto::kv
