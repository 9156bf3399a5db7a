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

  /// Behind all others, whose positions are higher.
  void push_back(Ref<ListEntry> entry);
  void append(const ListEntries& others);
  void insert(std::size_t place, Ref<ListEntry> entry);
  void replace(std::size_t place, Ref<ListEntry> entry);
  void erase(std::size_t place);
  /// Those at the places [first, last).
  ListEntries part(std::size_t first, std::size_t last) const;

  /// What each takes beside itself.
  static constexpr std::size_t kBytesEach = sizeof(Ref<ListEntry>) + sizeof(std::uint64_t);

 private:
  std::size_t first_not_above(std::uint64_t head, std::size_t near) const noexcept;

  std::vector<Ref<ListEntry>> entries_;
  std::vector<std::uint64_t> heads_;
};

}  // namespace callisto::kv
