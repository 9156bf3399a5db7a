#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/cache/ref.h"

namespace callisto::kv {

struct ListEntry;

/// The entries of a part of a list, by falling position: what comes is nearly always the newest,
/// and that has the lowest one. Beside them lie the first bytes of their positions, so that a
/// search reads a few lines of memory and not one entry after the other.
class ListEntries {
 public:
  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  const Ref<ListEntry>& operator[](std::size_t place) const noexcept { return entries_[place]; }
  auto begin() const noexcept { return entries_.begin(); }
  auto end() const noexcept { return entries_.end(); }

  /// How many entries are at or behind `position`: the place of the first one before it. Looks
  /// near the place `near` first.
  std::size_t count_from(std::string_view position, std::size_t near = 0) const noexcept;
  /// The place where an entry at `position` is or would be.
  std::size_t place_of(std::string_view position) const noexcept;

  // `signature`: of the entry's value (SignatureOf); all bits where there is none.

  /// Room for so many, and no more.
  void reserve(std::size_t count);
  /// Whether one more takes no memory.
  bool has_room() const noexcept {
    return size() < entries_.capacity() && size() < heads_.capacity() &&
           size() < signatures_.capacity();
  }
  /// Behind all others, whose positions are higher.
  void push_back(Ref<ListEntry> entry, std::uint64_t signature = kAnySignature);
  void append(const ListEntries& others);
  void insert(std::size_t place, Ref<ListEntry> entry, std::uint64_t signature = kAnySignature);
  void replace(std::size_t place, Ref<ListEntry> entry, std::uint64_t signature = kAnySignature);
  void erase(std::size_t place);
  /// Those at the places [first, last).
  ListEntries part(std::size_t first, std::size_t last) const;

  bool has(std::size_t place, std::uint64_t signature) const noexcept {
    return (signatures_[place] & signature) == signature;
  }
  /// From `place` on, by rising places or in reverse by falling ones, the first of at most
  /// `most` + 1 entries whose signature has all bits of `signature`, or the last of them. Places
  /// below zero count as the end.
  std::size_t place_with(std::uint64_t signature, std::size_t place, bool rising,
                         std::size_t most) const noexcept;

  static constexpr std::uint64_t kAnySignature = ~std::uint64_t{0};
  /// What each takes beside itself.
  static constexpr std::size_t kBytesEach = sizeof(Ref<ListEntry>) + 2 * sizeof(std::uint64_t);

 private:
  std::size_t first_not_above(std::uint64_t head, std::size_t near) const noexcept;

  std::vector<Ref<ListEntry>> entries_;
  std::vector<std::uint64_t> heads_;
  std::vector<std::uint64_t> signatures_;
};

}  // namespace callisto::kv
